//! `callpost audit`: who changed, saw and heard what.

use super::cdr::Place;
use super::{complain, say};
use crate::store::{AuditEntry, AuditPage, ChainReport};
use std::process::ExitCode;

/// Works beside the running daemon. The last entry's hash, kept elsewhere, proves later that nothing before it was changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost audit --limit 20\n\n\
                        Exit code: 0 the log is whole, 1 an entry was changed or taken out, 2 it could not be looked at.")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// So many of the newest entries.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON, one entry a line.
    #[arg(long)]
    json: bool,
}

pub(super) fn audit(arguments: &Arguments) -> ExitCode {
    show(arguments).unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(2)
    })
}

fn show(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let reader = arguments.place.open()?.reader()?;
    let mut entries = reader.audit(AuditPage::Before(None), arguments.limit)?;
    entries.reverse();
    for entry in &entries {
        if arguments.json {
            say(serde_json::to_string(entry)?);
        } else {
            say(line(entry)?);
        }
    }
    let report = reader.check_audit()?;
    if !arguments.json {
        say(verdict(&report));
    }
    Ok(ExitCode::from(u8::from(report.broken_at.is_some())))
}

fn line(entry: &AuditEntry) -> anyhow::Result<String> {
    let AuditEntry { place, note, .. } = entry;
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (did, way) = (
        word(serde_json::to_value(note.did)?),
        word(serde_json::to_value(note.way)?),
    );
    let from = note.from.as_deref().unwrap_or("-");
    let (at, by, what) = (&note.at, &note.by, &note.what);
    Ok(format!("{place:>6}  {at}  {by} ({way}, {from})  {did}  {what}"))
}

fn verdict(report: &ChainReport) -> String {
    match (report.broken_at, &report.head) {
        (Some(place), _) => format!(
            "BROKEN at entry {place} of {}: it, or one before it, was changed or taken out.",
            report.entries
        ),
        (None, Some(head)) => format!("{} entries, unbroken, the last is {head}", report.entries),
        (None, None) => "Nothing has been written down yet.".to_owned(),
    }
}
