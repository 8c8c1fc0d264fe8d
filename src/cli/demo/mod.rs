//! The main job on one machine with nothing else installed: the appliance on free loopback ports, three real SIP
//! phones and a caller in this process, real sockets and real audio. What is claimed at the end has been measured.

mod ladder;
mod phone;
mod proof;
mod receiver;
mod site;

use super::{LogFormat, complain, say, start_log};
use crate::app::{Appliance, Options, monotonic};
use crate::model::{Cdr, Digit};
use ladder::Ladder;
use phone::{Order, Phone, Role};
use proof::Evidence;
use receiver::Receiver;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Prints the call as a ladder, its record as JSON, the recording's path and the status page's address; then serves
/// until Ctrl-C. Fails with the reason when anything it shows did not happen.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost demo --once")]
pub(super) struct Arguments {
    /// Take flows, prompts and languages from this configuration instead of the built-in one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Exit when all is proven (0) or something was not (1).
    #[arg(long)]
    once: bool,
}

pub(super) fn demo(arguments: &Arguments) -> ExitCode {
    start_log(LogFormat::Text, tracing::Level::WARN);
    match show(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.context("the demo failed"));
            ExitCode::FAILURE
        }
    }
}

/// Who takes part: name, tone in Hz, and when the phone is picked up.
const AGENTS: [(&str, &str, u32, Option<Duration>); 3] = [
    ("ali", "1001", 600, None),
    ("mona", "1002", 800, Some(Duration::from_millis(1500))),
    ("omar", "1003", 1000, None),
];
const WINNER: usize = 1;
const CALLER_HZ: u32 = 440;
const TALK: Duration = Duration::from_secs(3);
/// Nothing in the demo takes longer than this by itself.
const PATIENCE: Duration = Duration::from_secs(15);

fn show(arguments: &Arguments) -> anyhow::Result<()> {
    let ladder = Ladder::new(monotonic());
    let receiver = Receiver::start()?;
    let caller_socket = std::net::UdpSocket::bind("127.0.0.2:0")?;
    let site = site::Site::prepare(
        arguments.config.as_deref(),
        caller_socket.local_addr()?,
        receiver.url(),
    )?;
    let token = site.token.clone();
    let options = Options {
        data_dir: Some(site.data_dir.clone()),
        admin_token: Some(token.clone()),
        ..Options::default()
    };
    let appliance = Appliance::start(site.config.clone(), options)?;
    say(format_args!(
        "Follow along on http://{}/ (token {token}); the call takes a quarter of a minute.\n",
        appliance.http
    ));
    let evidence = one_call(&site, &appliance, caller_socket, &receiver, &ladder)?;
    say(ladder.draw());
    say(serde_json::to_string_pretty(&evidence.cdr)?);
    say("");
    for line in evidence.lines() {
        say(format_args!("✓ {line}"));
    }
    say(format_args!("Recording:   {}", evidence.recording.display()));
    say(format_args!(
        "Status page: http://{}/  (token {token})",
        appliance.http
    ));
    if !arguments.once {
        say("Serving until Ctrl-C.");
        wait_for_interrupt()?;
    }
    appliance.stop(Duration::ZERO);
    Ok(())
}

/// The whole story, and what was seen of it.
fn one_call(
    site: &site::Site,
    appliance: &Appliance,
    caller_socket: std::net::UdpSocket,
    receiver: &Receiver,
    ladder: &Ladder,
) -> anyhow::Result<Evidence> {
    let (_, server) = *appliance
        .sip
        .first()
        .ok_or_else(|| anyhow::anyhow!("no SIP socket"))?;
    let mut agents = Vec::new();
    for (place, (name, extension, hz, answer_after)) in AGENTS.into_iter().enumerate() {
        let password = site.passwords.get(place).cloned().unwrap_or_default();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
        let role = Role::Agent {
            extension,
            password,
            answer_after,
        };
        agents.push(Phone::start(name, hz, socket, server, role, ladder)?);
    }
    for agent in &agents {
        agent.wait(PATIENCE, "register", |seen| seen.registered)?;
    }
    let caller = Phone::start("caller", CALLER_HZ, caller_socket, server, Role::Caller, ladder)?;
    caller.order(Order::Dial(site.dial.clone()));
    caller.wait(PATIENCE, "be answered by the menu", |seen| seen.answered)?;
    caller.wait(PATIENCE, "hear the menu", |seen| seen.heard_ms >= 1000)?;
    let all_ring = |agents: &[Phone]| agents.iter().all(|agent| agent.seen().rang);
    press_until(&caller, || all_ring(&agents))?;
    agents[WINNER].wait(PATIENCE, "answer", |seen| seen.answered)?;
    let started = monotonic();
    wait_until(started + TALK, || false);
    caller.order(Order::HangUp);
    for agent in &agents {
        agent.wait(PATIENCE, "be let go", |seen| seen.left)?;
    }
    let cdr: Cdr = receiver.wait_for_record(PATIENCE)?;
    Evidence::gather(cdr, &appliance.data_dir, &caller.seen(), &agents, WINNER)
}

/// Presses 1 for the language and 1 for the menu, each after the prompt has begun, until every phone rings.
fn press_until(caller: &Phone, everyone_rings: impl Fn() -> bool) -> anyhow::Result<()> {
    let one = Digit::from_char('1').ok_or_else(|| anyhow::anyhow!("no such key"))?;
    for _ in 0..3 {
        caller.order(Order::Press(one));
        if wait_until(monotonic() + Duration::from_secs(4), &everyone_rings) {
            return Ok(());
        }
    }
    anyhow::ensure!(
        wait_until(monotonic() + PATIENCE, everyone_rings),
        "not every phone rang"
    );
    Ok(())
}

/// Looks every few milliseconds until it is so, or the time is over.
fn wait_until(deadline: Instant, is_so: impl Fn() -> bool) -> bool {
    while monotonic() < deadline {
        if is_so() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    is_so()
}

fn wait_for_interrupt() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}
