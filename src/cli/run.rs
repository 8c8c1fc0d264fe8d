use super::{LogFormat, complain, say, start_log};
use crate::app::{Appliance, Confinement, Heartbeat, Options, ProgramPages, Source, Taken, monotonic};
use crate::config::{Config, Loaded, Surroundings, Texts};
use crate::http::{Checked, Refused};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// SIGHUP reads the configuration again (calls go on; a bad file is refused and the running one kept). SIGTERM and
/// Ctrl-C let calls finish within `[site] drain_seconds`, end the rest and exit with 0; a second one ends them at once.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost run --config /etc/callpost/callpost.toml --data-dir /var/lib/callpost"
)]
pub(super) struct Arguments {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the journal and the recordings go, in place of [site] data_dir.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    start_log(arguments.log_format, tracing::Level::INFO);
    match serve(arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let signals = Signals::catch()?;
    let around = Surroundings::of_process().with_data_in(arguments.data_dir.clone());
    let loaded = Config::load_in(arguments.config.as_deref(), &around)?;
    let Loaded {
        config,
        warnings,
        texts,
        ..
    } = loaded;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let admin_token = std::env::var("CALLPOST_ADMIN_TOKEN")
        .ok()
        .filter(|token| !token.is_empty());
    let options = Options {
        data_dir: arguments.data_dir.clone(),
        admin_token,
        taken: Taken::look(&config),
        source: Source {
            named: arguments.config.clone(),
            texts: Some(texts),
            around,
        },
    };
    let data_dir = options.data_dir.as_deref().unwrap_or(&config.site.data_dir);
    let texts = options.source.texts.clone().unwrap_or_else(Texts::shipped);
    let confined = Confinement::enter(&config, &texts, data_dir);
    if confined.is_whole() {
        tracing::info!("The process is shut in: {confined}.");
    } else {
        tracing::warn!("The process is not shut in as it should be: {confined}.");
    }
    let appliance = match Appliance::start(config, options) {
        Ok(appliance) => appliance,
        Err(error) => {
            complain(&error);
            signals.rest_before_another_try();
            return Ok(ExitCode::FAILURE);
        }
    };
    introduce(&appliance);
    // Not started by systemd, or an old one: nobody waits for the word.
    let shown = confined.to_string();
    let _ = sd_notify::notify(&[
        sd_notify::NotifyState::Ready,
        sd_notify::NotifyState::Status(&shown),
    ]);
    let mut heart = sd_notify::watchdog_enabled()
        .map(|patience| Heartbeat::new(monotonic(), patience, appliance.pulse()));
    let mut pages = ProgramPages::default();
    loop {
        if heart.as_mut().is_some_and(|heart| heart.beats(monotonic())) {
            tell_alive();
        }
        match signals.wait() {
            Signal::Reload => reload(&appliance),
            Signal::Stop => break,
            Signal::Nothing if appliance.is_alive() => pages.tidy(monotonic()),
            Signal::Nothing => anyhow::bail!("a thread has died; see the log"),
        }
    }
    let patience = appliance.settings().drain_patience();
    tracing::info!(
        "Stopping: calls under way have {} s to finish.",
        patience.as_secs()
    );
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    signals.end_at_once_on_the_next_one(&appliance);
    appliance.stop(patience);
    Ok(ExitCode::SUCCESS)
}

/// Feeds the service manager's watchdog.
fn tell_alive() {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
}

fn introduce(appliance: &Appliance) {
    for (transport, address) in &appliance.sip {
        tracing::info!("SIP on {transport}://{address}.");
    }
    tracing::info!(
        "Status page on http://{}/, data in {}.",
        appliance.http,
        appliance.data_dir.display()
    );
    if let Some(code) = &appliance.claim_code {
        say(format_args!(
            "Nobody has an account yet. Open http://{}/login and claim the box with the code {code}.",
            appliance.http
        ));
    }
}

fn reload(appliance: &Appliance) {
    match appliance.settings().reread_now() {
        Ok(_) => tracing::info!("The configuration was read again."),
        Err(refused) => tracing::error!(
            "The new configuration is refused, the running one stays:\n{}",
            told(&refused)
        ),
    }
}

/// Every mistake, one a line.
fn told(refused: &Refused) -> String {
    let Refused::Mistakes(Checked { mistakes, .. }) = refused else {
        return format!("{refused:?}");
    };
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

enum Signal {
    Reload,
    Stop,
    Nothing,
}

/// The process's signals, caught before anything starts so that none is lost.
struct Signals {
    runtime: tokio::runtime::Runtime,
    caught: std::cell::RefCell<Caught>,
}

struct Caught {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let caught = Caught {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        drop(inside);
        Ok(Self {
            runtime,
            caught: caught.into(),
        })
    }

    /// A start that failed, for want of a disk that can be written say, fails again a second later: a service manager is
    /// kept waiting, so that it tries every ten seconds and not every one. A person at a terminal is not.
    fn rest_before_another_try(&self) {
        const REST: std::time::Duration = std::time::Duration::from_secs(10);
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return;
        }
        let mut caught = self.caught.borrow_mut();
        let Caught {
            hangup: _,
            terminate,
            interrupt,
        } = &mut *caught;
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
    }

    /// Waits for a signal, and looks around once a second.
    fn wait(&self) -> Signal {
        let mut caught = self.caught.borrow_mut();
        let Caught {
            hangup,
            terminate,
            interrupt,
        } = &mut *caught;
        self.runtime.block_on(async {
            tokio::select! {
                _ = hangup.recv() => Signal::Reload,
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                () = tokio::time::sleep(Duration::from_secs(1)) => Signal::Nothing,
            }
        })
    }

    fn end_at_once_on_the_next_one(self, appliance: &Appliance) {
        let hurry = appliance.hurry();
        // The thread ends with the process.
        std::thread::spawn(move || {
            loop {
                // How long a stop may take, the service manager knows by itself (TimeoutStopSec).
                tell_alive();
                if let Signal::Stop = self.wait() {
                    return hurry();
                }
            }
        });
    }
}
