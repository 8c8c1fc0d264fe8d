//! `callpost recordings`: recordings on the command line, beside a running daemon.

mod prune;

use super::complain;
use clap::Subcommand;
use std::process::ExitCode;

/// Conversations and messages.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell which rule takes which recording and when, or have what is due removed now.
    Prune(prune::Arguments),
}

/// Does it.
pub(super) fn recordings(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::Prune(arguments) => prune::prune(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}
