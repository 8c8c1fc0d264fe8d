//! The only place that starts threads, opens sockets, reads the clock and the seed, and orders the shutdown.
//!
//! [`Appliance::start`] brings everything up in the order that gets the telephone answered soonest: journal, sockets
//! and engine first, prompts and pages after. [`Appliance::stop`] takes it down so that nothing written is lost.
//!
//! Threads: `engine` (owns every call), `rtp-N` (own the media), `store` (one writer), `recorder`, `tokio` (streams,
//! HTTP, upstreams), `prompts` (decodes at start, then speaks). Every channel between them is bounded; what happens
//! when it is full stands where it is made.

mod agent_desk;
mod alarms;
mod announcer;
mod archivist;
mod boxcopy;
mod caretaker;
mod clock;
mod confine;
mod consumer_watch;
mod core;
mod destinations;
mod doors;
mod journal;
mod kernel;
mod late_library;
mod listening;
mod messages;
mod names;
mod pins;
mod post;
mod pulse;
mod rehearsal;
mod reloading;
mod revision;
mod secure;
mod selftest;
mod settings;
pub(crate) mod shelf;
mod taken;
mod telephone;
mod waking;

pub use agent_desk::AgentDesk;
pub use announcer::PromptDesk;
pub use boxcopy::{backup_job, restore_targets};
pub use clock::{fill_random, monotonic, random_seed, wall_unix_ms};
pub use confine::{Confinement, Wall};
pub use kernel::ProgramPages;
pub use pulse::{Heartbeat, Pulse};
pub use rehearsal::rehearse;
pub use revision::{SettingsDesk, Setup as SettingsSetup, Source};
pub use selftest::selftest;
pub use shelf::Librarian;
pub use taken::Taken;

use crate::config::{Config, Texts};
use crate::egress::Egress;
use crate::engine::{Engine, Notice};
use crate::keeping::Keeper;
use crate::model::{Dice, Turns, WallClock};
use crate::net::StreamEvent;
use crate::net::rtp::{RtpSettings, RtpThreads};
use crate::recording::{self, Recorder, Roots};
use crate::sip::Transport;
use crate::store::Store;
use crate::trace::Tracing;
use crate::upstream::{BackOff, SinkContext, Upstreams, Waker};
use crate::{http, net, prompts};
use anyhow::Context as _;
use archivist::Archivist;
use caretaker::Caretaker;
use consumer_watch::ConsumerWatch;
use late_library::LateLibrary;
use pins::PinDesk;
use post::{Letter, Post};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};

/// One thread carries several hundred calls; a second one would only make them wait for each other's sockets.
const RTP_THREADS: usize = 1;

/// How the appliance is started, beside its configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// In place of `[site] data_dir`.
    pub data_dir: Option<PathBuf>,
    /// `CALLPOST_ADMIN_TOKEN`.
    pub admin_token: Option<String>,
    /// Who has the ports that are wanted.
    pub taken: Taken,
    /// What the configuration was read from; the one in the binary when nobody says.
    pub source: Source,
}

/// A running appliance.
pub struct Appliance {
    post: Post,
    engine: JoinHandle<()>,
    engine_turns: Turns,
    rtp: Arc<RtpThreads>,
    store: Store,
    recorder: Recorder,
    keeper: Keeper,
    board: Arc<alarms::Board>,
    archivist: Option<Archivist>,
    settings: SettingsDesk,
    /// Ends with the appliance.
    _traces: Option<Tracing>,
    network: JoinHandle<()>,
    stop_network: Option<oneshot::Sender<()>>,
    /// Where SIP is spoken, as really bound.
    pub sip: Vec<(Transport, SocketAddr)>,
    /// Where the pages are.
    pub http: SocketAddr,
    /// Where the data lies.
    pub data_dir: PathBuf,
    /// The code for the first login, when nobody has an account yet.
    pub claim_code: Option<http::ClaimCode>,
}

impl Appliance {
    /// Starts everything.
    ///
    /// # Errors
    /// What could not be opened, in plain words: an address, the data directory, a damaged disk.
    pub fn start(config: Config, options: Options) -> anyhow::Result<Self> {
        let data_dir = options
            .data_dir
            .clone()
            .unwrap_or_else(|| config.site.data_dir.clone());
        let (mut core, post) = core::Core::open(&config, &options.taken)?;
        let roots = roots(&config, &data_dir);
        let waker: Arc<OnceLock<Waker>> = Arc::default();
        let (committed_sender, committed) = watch::channel(0);
        let clerk_bell = Arc::new(Notify::new());
        let opened = journal::open(
            &config,
            &data_dir,
            &roots,
            &post,
            &waker,
            (committed_sender, Arc::clone(&clerk_bell)),
        )?;
        journal::tell_what_was_found(&opened);
        clock::mend_earlier_runs(&opened);
        let store = opened.store;

        let message_roots = Arc::new(roots.clone());
        let (recorder, emptied) = start_recorder(&config, roots, &post, &store)?;
        let pins = Arc::new(PinDesk::open(&store, clock::for_store()).context("reading the pinned keys")?);
        let consumers =
            ConsumerWatch::new(&config.cdr.required_consumers, config.http.consumer_alarm_minutes);
        let board = alarms::Board::new(
            recorder.space(),
            (store.condition(), store.trouble_watch()),
            consumers.clone(),
            Arc::clone(&pins),
        );
        let board = Arc::new(board);
        let sounds = Arc::new(LateLibrary::default());
        let rtp = Arc::new(start_rtp(&config, &sounds, &post, &recorder, emptied)?);
        board.watch_tapes(recorder.watch(), &rtp);
        let read = messages::reading(&message_roots, &config);
        let announcer = Arc::new(PromptDesk::new(&sounds, &config, &data_dir));
        start_prompts(&config, &data_dir, Arc::clone(&sounds), read)?;

        let (runtime, listeners) = listening::open_streams(&config, &options.taken)?;
        let streams = listeners.addresses.iter().copied();
        let sip: Vec<_> = core
            .udp_addresses()
            .into_iter()
            .map(|at| (Transport::Udp, at))
            .chain(streams)
            .collect();
        let now = monotonic();
        let clock = WallClock::new(
            now,
            wall_unix_ms(),
            waking::is_clock_believable(),
            config.site.zone(),
        );
        let taker = post.clone();
        let agents = AgentDesk::open(store.agents(), &config, &sip, move |settings| {
            taker.send(Letter::Reload(Box::new(settings)));
        });
        let agents = Arc::new(agents.context("reading the agents of the database")?);
        let settings = agents.settings();
        let dice = Dice::new(random_seed());
        let mut engine = Engine::new(now, settings, clock.clone(), dice, opened.bindings);
        engine.restore_mailboxes(now, opened.messages, opened.greetings);

        let http_listener = listening::open_page(&runtime, &config, &options.taken)?;
        let http = http_listener.local_addr()?;
        let door = listening::open_door(&runtime, &data_dir);
        let mut seed = [0; 12];
        clock::fill_random(&mut seed);
        let claim_code = http::offer_claim(&store.accounts(), seed).context("reading the accounts")?;

        let egress = Egress::new(
            config.egress.rules(),
            Arc::clone(&pins) as Arc<dyn crate::egress::PinBook>,
        );
        let (clerk, orders) =
            messages::clerk(&config, &store, &post, &message_roots, &data_dir, egress.clone());
        board.watch_errands(clerk.watch());
        runtime.spawn(clerk.work(clerk_bell));
        let certificate = secure::Shown::open(&config, &data_dir)?;
        if let Some(certificate) = &certificate {
            board.watch_certificate(Arc::clone(certificate));
            runtime.spawn(Arc::clone(certificate).watch());
        }
        let believed = Arc::new(secure::Believed::new(egress.clone(), &config)?);
        let hub = {
            let _inside = runtime.enter();
            net::StreamHub::start(net::StreamSetup {
                listeners: listeners.sockets,
                deliver: deliver_to(&post),
                tls: certificate.as_ref().map(|certificate| certificate.door()),
                caller: Arc::clone(&believed) as Arc<dyn net::TlsCaller>,
                web: net::WebRules {
                    hosts: config.http.hosts.clone(),
                    origins: config.sip.ws_origins.clone(),
                },
            })
        };
        let telephone = Arc::new(telephone::Telephone::new(&hub));
        let dns = {
            let _inside = runtime.enter();
            net::Dns::open(&config.sip.dns_servers)
        };
        let traces = open_traces(&config, &data_dir)?;
        core.connect(core::Hands {
            rtp: Arc::clone(&rtp),
            hub,
            journal: store.journal(),
            tapes: recorder.sender(),
            names: names::NameDesk::new(dns, runtime.handle().clone(), Arc::clone(&believed), post.clone()),
            tap: traces.as_ref().map(|traces| traces.tap(now, wall_unix_ms())),
        });
        let engine_turns = core.turns();
        let engine = core.run(engine)?;
        let sync = {
            let _inside = runtime.enter();
            doors::sync_desk(&config, &store, egress.clone())?
        };
        board.watch_syncs(sync.watch());
        let keeping = doors::keeping_desk(&config, &store, egress.clone(), &data_dir);
        let keeper = Keeper::start(&keeping).context("starting the keeper of recordings")?;
        board.watch_keeping(keeping.watch());
        let librarian = Arc::new(Librarian::new(
            self::roots(&config, &data_dir),
            config.recording.keys(),
            store.reader(),
            store.evidence(),
            clock.clone(),
        ));
        let archivist = Archivist::wanted(&config, &librarian, &store)?;
        let caretaker = Arc::new(Caretaker::new(
            &config,
            data_dir.clone(),
            runtime.handle().clone(),
        ));
        let reloader = reloading::Reloader {
            certificate,
            believed,
            clerk: orders,
            announcer: Arc::clone(&announcer),
            caretaker: Arc::clone(&caretaker),
            agents: Arc::clone(&agents),
        };
        let settings = SettingsDesk::open(revision::Setup {
            config: config.clone(),
            texts: options.source.texts.clone().unwrap_or_else(Texts::shipped),
            named: options.source.named.clone(),
            around: options.source.around.clone(),
            folder: data_dir.join("settings"),
            engine: Arc::new(doors::Door::new(&post, &board)),
            swap: Box::new(move |config| reloader.take_over(config)),
            sounds: Arc::clone(&sounds) as Arc<dyn crate::media::Sounds>,
            wall: doors::wall(clock.clone()),
            runtime: runtime.handle().clone(),
        });
        board.watch_settings(settings.alarms());
        let faces = doors::faces(
            &config,
            &options,
            (&store, sync.clone(), keeping, Arc::clone(&librarian)),
            (agents, announcer, settings.clone()),
            traces.as_ref().map(Tracing::reader),
            doors::Door::new(&post, &board),
            doors::News {
                committed,
                wake: wake_by(&waker),
            },
            clock.clone(),
            &data_dir,
            telephone,
            destinations::Desk {
                outbox: store.outbox(),
                pins: Arc::clone(&pins),
                waker: Arc::clone(&waker),
            },
            Arc::clone(&caretaker),
        );
        let upstreams = {
            let _inside = runtime.enter();
            let mut dice = Dice::new(random_seed());
            let context = SinkContext {
                site: config.site.name.clone(),
                appliance_id: store.appliance_id().to_owned(),
                clock: clock::for_store(),
                egress,
            };
            let mut upstreams = Upstreams::start(
                &config.upstreams,
                &store.outbox(),
                &context,
                BackOff::default(),
                &mut dice,
            )
            .map_err(anyhow::Error::msg)?;
            if !config.upstreams.is_empty() {
                board.watch_deliveries(upstreams.watch(store.reader(), &config.upstreams, &context));
            }
            upstreams
        };
        // The callback of the store was made before there was anything to wake.
        let _ = waker.set(upstreams.waker());
        runtime.spawn(consumers.run(store.reader()));
        runtime.spawn(clock::watch(clock, post.clone(), store.journal()));
        let (stop_network, stopped) = oneshot::channel();
        let network = std::thread::Builder::new()
            .name("tokio".to_owned())
            .spawn(move || {
                listening::serve(&runtime, (http_listener, door), faces, upstreams, sync, stopped)
            })?;
        Ok(Self {
            post,
            engine,
            engine_turns,
            rtp,
            store,
            recorder,
            keeper,
            board,
            archivist,
            settings,
            _traces: traces,
            network,
            stop_network: Some(stop_network),
            sip,
            http,
            data_dir,
            claim_code,
        })
    }

    /// Whether every thread is still there.
    pub fn is_alive(&self) -> bool {
        !self.engine.is_finished() && !self.network.is_finished()
    }

    /// Where the configuration is read again and changed.
    pub fn settings(&self) -> &SettingsDesk {
        &self.settings
    }

    /// Ends what [`Appliance::stop`] is waiting for.
    pub fn hurry(&self) -> impl FnOnce() + Send + use<> {
        let post = self.post.clone();
        move || {
            post.send(Letter::Drain {
                patience: Duration::ZERO,
            })
        }
    }

    /// The way to the engine, for those in this process.
    pub fn door(&self) -> Arc<dyn http::EngineDoor> {
        Arc::new(doors::Door::new(&self.post, &self.board))
    }

    /// Stops taking calls, waits up to `patience` for those under way, ends the rest, and writes everything down.
    pub fn stop(mut self, patience: Duration) {
        self.post.send(Letter::Drain { patience });
        if self.engine.join().is_err() {
            tracing::error!("The engine had died before the shutdown.");
        }
        if let Some(stop) = self.stop_network.take() {
            // Without a receiver the thread has ended already.
            let _ = stop.send(());
        }
        if self.network.join().is_err() {
            tracing::error!("The network thread had died before the shutdown.");
        }
        listening::close_door(&self.data_dir);
        drop(self.archivist.take());
        drop(self.rtp);
        self.recorder.shutdown();
        self.keeper.shutdown();
        self.store.shutdown();
    }
}

/// Wakes the forwarders once they are there.
fn wake_by(waker: &Arc<OnceLock<Waker>>) -> Arc<dyn Fn() + Send + Sync> {
    let waker = Arc::clone(waker);
    Arc::new(move || {
        if let Some(waker) = waker.get() {
            waker.hurry();
        }
    })
}

fn roots(config: &Config, data_dir: &Path) -> Roots {
    Roots {
        recordings: config
            .recording
            .dir
            .clone()
            .unwrap_or_else(|| data_dir.join("recordings")),
        voicemail: data_dir.join("voicemail"),
    }
}

fn open_traces(config: &Config, data_dir: &Path) -> anyhow::Result<Option<Tracing>> {
    let wanted = config.trace.enabled;
    let start = || Tracing::start(config.trace, data_dir.join("traces"), wall_unix_ms);
    Ok(wanted.then(start).transpose()?)
}

fn start_recorder(
    config: &Config,
    roots: Roots,
    post: &Post,
    store: &Store,
) -> anyhow::Result<(Recorder, std::sync::mpsc::Receiver<Vec<u8>>)> {
    let (post, journal) = (post.clone(), store.journal());
    let on_done = Box::new(move |done: crate::model::TapeDone| {
        // Not taken: the row stays unfinished and the file is looked at again at the next start.
        let _ = journal.try_tape_done(done.clone());
        post.send(Letter::Tape(done));
    });
    let mut options = recording::Options::new(roots, monotonic);
    options.keep_free_bytes = config.recording.keep_free_bytes();
    options.keys = config.recording.keys();
    Recorder::start(options, on_done).context("starting the recorder")
}

fn start_rtp(
    config: &Config,
    sounds: &Arc<LateLibrary>,
    post: &Post,
    recorder: &Recorder,
    emptied: std::sync::mpsc::Receiver<Vec<u8>>,
) -> anyhow::Result<RtpThreads> {
    let post = post.clone();
    let settings = RtpSettings {
        rtp_timeout: config.media.rtp_timeout(),
        ringing: config.media.ringing(),
        dice: Dice::new(random_seed()),
    };
    let to_engine: net::rtp::ToEngine =
        Arc::new(move |event| post.try_send(Letter::Media(event)).map_err(post::unwrap_media));
    let library = Arc::clone(sounds) as Arc<dyn crate::media::Sounds>;
    RtpThreads::start(
        RTP_THREADS,
        settings,
        library,
        to_engine,
        recorder.sender(),
        emptied,
    )
    .context("starting the RTP threads")
}

/// Prompts are decoded while the telephone is already answered; whoever is to hear one before it is ready hears it a
/// moment later.
fn start_prompts(
    config: &Config,
    data_dir: &Path,
    sounds: Arc<LateLibrary>,
    read: prompts::ReadMessage,
) -> anyhow::Result<()> {
    let shelf = config.prompts.clone().ready_for(&config.media.ready_codecs());
    let languages = config.site.languages.clone();
    let constant = config.constant_texts();
    let synthesiser = prompts::Synthesiser::new(Some(data_dir.join("prompts-cache")));
    std::thread::Builder::new()
        .name("prompts".to_owned())
        .spawn(move || {
            let opened = prompts::Library::load(&shelf, &languages, Some(synthesiser), &constant);
            for problem in &opened.problems {
                tracing::warn!("{problem}");
            }
            let (library, reader) = opened.library.with_messages(read);
            sounds.put(library);
            // Without a thread, whoever wants to hear a message waits a moment and goes on.
            let thread = std::thread::Builder::new().name("messages".to_owned());
            if let Err(error) = thread.spawn(move || reader.run()) {
                tracing::error!(%error, "Messages cannot be read: {error}.");
            }
            if let Some(speaker) = opened.speaker {
                speaker.run();
            }
        })?;
    Ok(())
}

fn deliver_to(post: &Post) -> Arc<dyn Fn(StreamEvent) -> Result<(), StreamEvent> + Send + Sync> {
    let post = post.clone();
    Arc::new(move |event| post.try_send(Letter::Stream(event)).map_err(post::unwrap_stream))
}

/// One line of the day's story in the log.
fn log(notice: &Notice) {
    if notice.is_warning() {
        tracing::warn!("{notice}");
    } else {
        tracing::info!("{notice}");
    }
}
