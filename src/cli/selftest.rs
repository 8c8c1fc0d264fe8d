//! `callpost selftest`: what stands between the box and its work, with cause and cure.

use super::{complain, say};
use crate::app::selftest as look;
use crate::checkup::{Line, Outcome, Report};
use crate::config::Config;
use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks at network, names, clock, ports, trunks, receivers, certificates, prompts, disk, database, memory. Changes
/// nothing; works beside the running daemon and without one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: callpost selftest --config /etc/callpost/callpost.toml --data-dir /var/lib/callpost\n\n\
                  Exit code: 0 nothing fails, 1 something does, 2 the configuration cannot be used."
)]
pub(super) struct Arguments {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory, in place of [site] data_dir.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print each step on the way to trunks and receivers, with its milliseconds.
    #[arg(long)]
    steps: bool,
}

pub(super) fn selftest(arguments: &Arguments) -> ExitCode {
    match run(arguments) {
        Ok(report) => {
            if arguments.json {
                say(serde_json::to_string_pretty(&report).unwrap_or_default());
            } else {
                report.lines.iter().for_each(|line| tell(line, arguments.steps));
                tell_the_sum(&report);
            }
            ExitCode::from(u8::from(report.outcome == Outcome::Fail))
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let config = Config::load(arguments.config.as_deref())?.config;
    let data_dir = arguments
        .data_dir
        .clone()
        .unwrap_or_else(|| config.site.data_dir.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting a runtime")?;
    let somebody_waits = std::io::stderr().is_terminal() && !arguments.json;
    let report = runtime.block_on(look(config, data_dir, |_line, left| {
        if somebody_waits {
            still_to_come(left);
        }
    }));
    if somebody_waits {
        still_to_come(0);
    }
    Ok(report)
}

/// One line that is written over, for whoever waits at a terminal.
fn still_to_come(left: usize) {
    let mut terminal = std::io::stderr();
    let words = match left {
        0 => String::new(),
        left => format!("still looking at {left} things …"),
    };
    // Nobody is harmed when it cannot be shown.
    let _ = write!(terminal, "\r\u{1b}[K{words}");
    let _ = terminal.flush();
}

fn tell(line: &Line, with_steps: bool) {
    say(line);
    if with_steps {
        for step in &line.steps {
            let went = if step.ok { "ok" } else { "fail" };
            let text: String = step.text.chars().filter(|letter| !letter.is_control()).collect();
            say(format_args!(
                "        {went:<5} {:<10} {:>6} ms  {text}",
                step.step, step.ms
            ));
        }
    }
}

fn tell_the_sum(report: &Report) {
    let count = |outcome| report.lines.iter().filter(|line| line.outcome == outcome).count();
    let (fail, warn) = (count(Outcome::Fail), count(Outcome::Warn));
    let sum = match (fail, warn) {
        (0, 0) => "everything is as it should be".to_owned(),
        (0, warn) => format!("{warn} to look at, nothing fails"),
        (fail, warn) => format!("{fail} fail, {warn} to look at"),
    };
    say(format_args!("\n{sum} ({:.1} s)", report.took_ms as f64 / 1000.0));
}
