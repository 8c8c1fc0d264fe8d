//! What would happen to a call, without placing it.

use super::{complain, say};
use crate::app::rehearse;
use crate::config::Config;
use crate::http::Story;
use crate::prompts::Library;
use anyhow::Context as _;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Keys are pressed one after the other, each as soon as the flow waits for one. Nobody picks up unless named with
/// --answer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost simulate --from 0501234567 --to 1000 --press 12 --agents ali,mona --answer ali"
)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The caller's number.
    #[arg(long)]
    from: String,
    /// The number dialled.
    #[arg(long)]
    to: String,
    /// When, as in 2026-11-20T20:10:00+03:00; now otherwise.
    #[arg(long)]
    at: Option<String>,
    /// The keys the caller presses.
    #[arg(long, default_value = "")]
    press: String,
    /// Agents on duty, by id and comma; all of them otherwise.
    #[arg(long, value_delimiter = ',')]
    agents: Option<Vec<String>>,
    /// The agent who picks up after four seconds of ringing.
    #[arg(long)]
    answer: Option<String>,
}

pub(super) fn simulate(arguments: &Arguments) -> ExitCode {
    match ladder(arguments) {
        Ok(ladder) => {
            say(ladder.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn ladder(arguments: &Arguments) -> anyhow::Result<String> {
    let config = Config::load(arguments.config.as_deref())?.config;
    let at_unix_ms = match &arguments.at {
        Some(text) => {
            let time: jiff::Timestamp = text
                .parse()
                .with_context(|| format!("--at {text}: write it like 2026-11-20T20:10:00+03:00"))?;
            Some(time.as_millisecond())
        }
        None => None,
    };
    let library = Library::load(&config.prompts, &config.site.languages, None, &[]).library;
    let story = Story {
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        at_unix_ms,
        press: arguments.press.clone(),
        agents: arguments.agents.clone(),
        answer: arguments.answer.clone(),
    };
    let rungs = rehearse(&config, &library, &story).map_err(anyhow::Error::msg)?;
    let mut ladder = String::new();
    for rung in rungs {
        let seconds = Duration::from_millis(rung.at_ms).as_secs_f64();
        let who = if rung.who == "note" { "" } else { rung.who };
        // Writing to a string cannot fail.
        let _ = writeln!(ladder, "{seconds:>7.1}s  {who:<6}  {}", rung.text);
    }
    Ok(ladder)
}
