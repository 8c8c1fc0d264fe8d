use super::say;
use crate::config::{Config, Unloadable, report};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit codes: 0 clean, 1 mistakes, 2 unreadable.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost check --config /etc/callpost/callpost.toml")]
pub(super) struct Arguments {
    /// The configuration file; ./config/callpost.toml, /etc/callpost/callpost.toml or the built-in one otherwise.
    #[arg(long)]
    config: Option<PathBuf>,
}

pub(super) fn check(arguments: &Arguments) -> ExitCode {
    match Config::load(arguments.config.as_deref()) {
        Ok(loaded) => {
            let (mut mistakes, mut warnings) = loaded.check_sounds();
            let (of_tls, soon) = loaded.check_tls_files(crate::app::wall_unix_ms());
            mistakes.extend(of_tls);
            warnings.extend(soon);
            let all: Vec<_> = mistakes
                .iter()
                .chain(&loaded.warnings)
                .chain(&warnings)
                .cloned()
                .collect();
            if !all.is_empty() {
                say(report(&all).trim_end());
            }
            if !mistakes.is_empty() {
                return ExitCode::from(1);
            }
            say(format_args!("{} — no mistakes", files(&loaded.files)));
            ExitCode::SUCCESS
        }
        Err(Unloadable::Mistakes { mistakes, warnings }) => {
            let all: Vec<_> = mistakes.into_iter().chain(warnings).collect();
            say(report(&all).trim_end());
            ExitCode::from(1)
        }
        Err(unreadable @ Unloadable::Unreadable { .. }) => {
            super::complain(&unreadable.into());
            ExitCode::from(2)
        }
    }
}

fn files(files: &[PathBuf]) -> String {
    if files.is_empty() {
        return "the built-in configuration".to_owned();
    }
    files
        .iter()
        .map(|file| file.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
