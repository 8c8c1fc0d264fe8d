//! `callpost cdr`: records on the command line, beside a running daemon or without one.

mod chosen;
mod export;
mod list;
pub(super) mod progress;
mod replay;

use super::complain;
use crate::config::{Config, Loaded};
use crate::store::Reader;
use anyhow::Context as _;
use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;

/// Records are read beside the daemon and never changed; only `replay` writes, through the daemon while one runs.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the newest records.
    List(list::Arguments),
    /// Write records to a file, as a table or as JSON lines.
    Export(export::Arguments),
    /// Send a range of records to a destination again.
    Replay(replay::Arguments),
}

/// Where the box keeps its data.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// Where the journal lies, in place of [site] data_dir.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

/// The configuration and the data directory it leads to.
pub(super) struct House {
    pub(super) config: Config,
    pub(super) data_dir: PathBuf,
}

impl Place {
    /// The place that a configuration file leads to, or a data directory in place of its own.
    pub(super) fn new(config: Option<PathBuf>, data_dir: Option<PathBuf>) -> Self {
        Self { config, data_dir }
    }

    pub(super) fn open(&self) -> anyhow::Result<House> {
        let Loaded { config, .. } = Config::load(self.config.as_deref())?;
        let data_dir = self.data_dir.clone();
        Ok(House {
            data_dir: data_dir.unwrap_or_else(|| config.site.data_dir.clone()),
            config,
        })
    }
}

impl House {
    pub(super) fn reader(&self) -> anyhow::Result<Reader> {
        Reader::beside(&self.data_dir).with_context(|| format!("no records in {}", self.data_dir.display()))
    }
}

pub(super) fn cdr(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.what {
        What::List(arguments) => list::list(arguments),
        What::Export(arguments) => export::export(arguments),
        What::Replay(arguments) => replay::replay(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Whoever read our output has seen enough, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
