use super::{complain, say};
use crate::config::Config;
use crate::store::{Examination, examine};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The database of call records.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Look at every page and every record, and say what is found. Works beside the running daemon.
    #[command(after_help = "Example: callpost db check --data-dir /var/lib/callpost\n\n\
                            Exit code: 0 sound, 1 something is wrong, 2 the database cannot be read.")]
    Check {
        /// The configuration file, for its data directory.
        #[arg(long)]
        config: Option<PathBuf>,
        /// The data directory.
        #[arg(long)]
        data_dir: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
pub(super) fn db(arguments: &Arguments) -> ExitCode {
    let What::Check {
        config,
        data_dir,
        json,
    } = &arguments.what;
    match look(config.as_deref(), data_dir.as_deref()) {
        Ok(found) => {
            if *json {
                say(serde_json::to_string_pretty(&found).unwrap_or_default());
            } else {
                tell(&found);
            }
            ExitCode::from(u8::from(!found.is_sound()))
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn look(config: Option<&Path>, data_dir: Option<&Path>) -> anyhow::Result<Examination> {
    let dir = match data_dir {
        Some(dir) => dir.to_owned(),
        None => {
            Config::load(config)
                .context("reading the configuration")?
                .config
                .site
                .data_dir
        }
    };
    examine(&dir).with_context(|| format!("looking at the database in {}", dir.display()))
}

fn tell(found: &Examination) {
    let Examination {
        damage,
        used_bytes,
        rows,
        records,
        oldest_seq,
        latest_seq,
        duplicates,
        unclear,
        gaps,
        open_calls,
        outbox,
    } = found;
    let seq = |seq: &Option<u64>| seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
    say(format!(
        "records      {records} in {rows} rows, seq {} to {}, {:.1} MB",
        seq(oldest_seq),
        seq(latest_seq),
        *used_bytes as f64 / 1e6
    ));
    say(format!("open calls   {open_calls}"));
    for upstream in outbox {
        say(format!(
            "upstream     {}: {} wait, {} parked, {} delivered",
            upstream.upstream, upstream.pending, upstream.parked, upstream.delivered
        ));
    }
    match damage.split_first() {
        None => say("pages        sound"),
        Some((first, rest)) => {
            say(format!("pages        DAMAGED: {first} (and {} more)", rest.len()));
            say(
                "             Restart the daemon: it sets the file aside, keeps it, and saves what can be read.",
            );
        }
    }
    match duplicates {
        0 => say("duplicates   none"),
        count => say(format!(
            "duplicates   {count} rows are there twice: the index that forbids it is damaged."
        )),
    }
    if *unclear > 0 {
        say(format!(
            "versions     {unclear} records have no newest version, or several; lists may miss them."
        ));
    }
    if gaps.is_empty() {
        say("gaps         none");
    }
    for (from, to) in gaps {
        say(format!(
            "gap          seq {from} to {to}: taken away as too old while a neighbour was still owed, or lost to damage."
        ));
    }
}
