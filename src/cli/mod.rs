//! One file a subcommand. Each takes its arguments and gives an exit code; what it prints is for people (or, with
//! `--json`, for programs).

mod audit;
mod backup;
mod bans;
mod cdr;
mod check;
mod config;
mod daemon;
mod db;
mod demo;
mod people;
mod recordings;
mod run;
mod selftest;
mod simulate;
mod token;
mod user;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};

#[derive(Debug, Parser)]
#[command(
    name = "callpost",
    version,
    about,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance.
    Run(run::Arguments),
    /// Find every mistake in the configuration.
    Check(check::Arguments),
    /// Change the configuration of the running daemon, or go back to an earlier one.
    Config(config::Arguments),
    /// Show, export or send again call records.
    Cdr(cdr::Arguments),
    /// Put the whole box into one sealed file, while calls go on.
    Backup(backup::BackupArguments),
    /// Put a backup back onto this machine, or look what that would do.
    Restore(backup::RestoreArguments),
    /// Show the main job on this machine, with phones and a caller in this process.
    Demo(demo::Arguments),
    /// Show who changed, saw and heard what, and prove that nothing was taken out.
    Audit(audit::Arguments),
    /// Look after the people who may log in.
    User(user::Arguments),
    /// Look after the tokens of programs.
    Token(token::Arguments),
    /// Show who is shut out for guessing at passwords, or let them in again.
    Bans(bans::Arguments),
    /// Look after recordings: list, verify, repair, hold back, encrypt anew.
    Recordings(recordings::Arguments),
    /// Look after the database.
    Db(db::Arguments),
    /// Look at everything the box needs, and say what is wrong and what to do.
    Selftest(selftest::Arguments),
    /// Tell what would happen to a call, without placing it.
    Simulate(simulate::Arguments),
}

/// The program.
pub fn main() -> ExitCode {
    // One provider for the whole binary, before anything could ask for another (docs/adr/0006).
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Config(arguments) => config::config(&arguments),
        Command::Cdr(arguments) => cdr::cdr(&arguments),
        Command::Backup(arguments) => backup::backup(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Audit(arguments) => audit::audit(&arguments),
        Command::User(arguments) => user::user(&arguments),
        Command::Token(arguments) => token::token(&arguments),
        Command::Bans(arguments) => bans::bans(&arguments),
        Command::Recordings(arguments) => recordings::recordings(&arguments),
        Command::Db(arguments) => db::db(&arguments),
        Command::Selftest(arguments) => selftest::selftest(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Logs go to standard error; `CALLPOST_LOG` chooses what is logged, as in `info,callpost::sip=debug`.
fn start_log(format: LogFormat, usual: Level) {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let chosen = std::env::var("CALLPOST_LOG")
        .ok()
        .and_then(|text| text.parse::<Targets>().ok());
    // What the NATS library has to say is told by the destination that uses it, in our words and once.
    let usual = Targets::new()
        .with_default(usual)
        .with_target("async_nats", LevelFilter::OFF);
    let filter = chosen.unwrap_or(usual);
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    // A second call (in a test) keeps the first log.
    let _ = match format {
        LogFormat::Text => {
            let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            registry.with(log.with_ansi(on_terminal)).try_init()
        }
        LogFormat::Json => registry.with(log.json()).try_init(),
    };
}

/// Says why a command failed, with every cause.
#[expect(clippy::print_stderr, reason = "this is the command line")]
fn complain(error: &anyhow::Error) {
    eprintln!("callpost: {error:#}");
}

/// Prints for people or programs.
#[expect(clippy::print_stdout, reason = "this is the command line")]
fn say(text: impl std::fmt::Display) {
    println!("{text}");
}
