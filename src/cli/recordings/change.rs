use super::Place;
use crate::cli::cdr::House;
use crate::cli::cdr::progress::Progress;
use crate::cli::daemon::ask;
use crate::cli::say;
use crate::model::RecordingId;
use crate::store::RecordingState;
use serde_json::{Value, json};
use std::process::ExitCode;

/// One recording, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost recordings hold 019a9f3c-… --reason \"case 12/2026\"")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Which, as `list` shows it.
    id: uuid::Uuid,
    /// Why, for the recording's history.
    #[arg(long)]
    reason: String,
}

pub(super) fn hold(arguments: &Arguments, holds: bool) -> anyhow::Result<()> {
    let word = if holds { "hold" } else { "release" };
    let path = format!("/api/v1/recordings/{}/{word}", arguments.id);
    let body = json!({ "reason": arguments.reason });
    let answer = asked(&arguments.place.open()?, &path, &body)?;
    match (answer["changed"] == true, holds) {
        (true, true) => say(format_args!("{} is held.", arguments.id)),
        (true, false) => say(format_args!("{} is released.", arguments.id)),
        (false, _) => say(format_args!("{} was so already.", arguments.id)),
    }
    Ok(())
}

/// Goes on where it was stopped: what has the first key already is left as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost recordings rekey\n\n\
                        Exit code: 0 all have the first key, 1 some have not, 2 it could not be tried.")]
pub(super) struct Rekeying {
    #[command(flatten)]
    place: Place,
}

pub(super) fn rekey(arguments: &Rekeying) -> anyhow::Result<ExitCode> {
    const LOT: usize = 200;
    let house = arguments.place.open()?;
    let reader = house.reader()?;
    let mut progress = Progress::new(reader.recording_count()?);
    let (mut after, mut done, mut changed, mut failed) = (None, 0, 0, 0);
    loop {
        let lot = reader.known_recordings(after, LOT)?;
        let Some(last) = lot.last() else { break };
        after = Some(last.stored.row.id);
        for known in lot {
            done += 1;
            progress.at(done);
            let is_here = matches!(known.stored.state, RecordingState::Done(_)) && known.removed_ms.is_none();
            if !is_here {
                continue;
            }
            match rekey_one(&house, known.stored.row.id) {
                Ok(is_new) => changed += u64::from(is_new),
                Err(error) => {
                    failed += 1;
                    say(format_args!("NOT DONE  {}: {error:#}", known.stored.row.id));
                }
            }
        }
    }
    progress.end();
    say(format_args!(
        "{changed} recordings were encrypted anew, {failed} could not be."
    ));
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn rekey_one(house: &House, id: RecordingId) -> anyhow::Result<bool> {
    let answer = asked(house, &format!("/api/v1/recordings/{id}/rekey"), &json!({}))?;
    Ok(answer["changed"] == true)
}

fn asked(house: &House, path: &str, body: &Value) -> anyhow::Result<Value> {
    ask(house, None, "POST", path, Some(body))
}
