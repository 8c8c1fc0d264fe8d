//! `callpost recordings`: what was recorded, whether all of it is there, and what keeps it there.

mod change;
mod list;
mod prune;
mod repair;
mod verify;

use super::cdr::Place;
use super::complain;
use crate::config::Config;
use crate::recording::Roots;
use clap::Subcommand;
use std::path::Path;
use std::process::ExitCode;

/// Recordings are read beside the daemon. What changes one (`hold`, `release`, `rekey`) is asked of the running daemon, with
/// the admin token in CALLPOST_ADMIN_TOKEN.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the newest recordings.
    List(list::Arguments),
    /// Compare what was recorded with what is there, play every file to its end, and compute every hash anew.
    Verify(verify::Arguments),
    /// Mend the files of recordings that were cut off. The daemon does this at each start by itself.
    Repair(repair::Arguments),
    /// Keep a recording from every removal.
    Hold(change::Arguments),
    /// Let a recording that was held be removed again.
    Release(change::Arguments),
    /// Tell which rule takes which recording and when, or have what is due removed now.
    Prune(prune::Arguments),
    /// Encrypt every recording with the first key of [recording] seal_key.
    Rekey(change::Rekeying),
}

pub(super) fn recordings(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::List(arguments) => list::list(arguments).map(|()| ExitCode::SUCCESS),
        What::Verify(arguments) => verify::verify(arguments),
        What::Repair(arguments) => repair::repair(arguments),
        What::Hold(arguments) => change::hold(arguments, true).map(|()| ExitCode::SUCCESS),
        What::Release(arguments) => change::hold(arguments, false).map(|()| ExitCode::SUCCESS),
        What::Prune(arguments) => prune::prune(arguments).map(|()| ExitCode::SUCCESS),
        What::Rekey(arguments) => change::rekey(arguments),
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(2)
    })
}

/// Where recordings lie for this configuration.
fn roots(config: &Config, data_dir: &Path) -> Roots {
    let own = || data_dir.join("recordings");
    Roots {
        recordings: config.recording.dir.clone().unwrap_or_else(own),
        voicemail: data_dir.join("voicemail"),
    }
}
