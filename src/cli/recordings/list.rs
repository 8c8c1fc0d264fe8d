use super::Place;
use crate::model::RecordingKind;
use crate::store::{KnownRecording, RecordingState};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;

/// The newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: callpost recordings list --limit 100 --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// How many at most.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// For programs: an array with every field.
    #[arg(long)]
    json: bool,
}

pub(super) fn list(arguments: &Arguments) -> anyhow::Result<()> {
    let reader = arguments.place.open()?.reader()?;
    let mut found = Vec::new();
    for stored in reader.recordings(arguments.limit, None)? {
        found.extend(reader.known_recording(stored.row.id)?);
    }
    let text = if arguments.json {
        let items: Vec<Value> = found.iter().map(item).collect();
        serde_json::to_string_pretty(&items)? + "\n"
    } else {
        table(&found)
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn state(known: &KnownRecording) -> &'static str {
    match &known.stored.state {
        RecordingState::Done(_) if known.removed_ms.is_some() => "removed",
        RecordingState::Done(_) if known.held_since.is_some() => "held",
        RecordingState::Done(_) => "done",
        RecordingState::Open => "open",
        RecordingState::Failed(_) => "failed",
    }
}

fn item(known: &KnownRecording) -> Value {
    let row = &known.stored.row;
    let facts = known.stored.facts();
    json!({
        "id": row.id,
        "call_id": row.call_id,
        "kind": row.kind,
        "started_at": row.started_at,
        "agent": row.agent,
        "state": state(known),
        "held_since": known.held_since,
        "path": facts.map_or_else(|| row.full_path(), |facts| facts.path.clone()),
        "sha256": facts.and_then(|facts| facts.sha256.clone()),
        "bytes": facts.and_then(|facts| facts.bytes),
        "duration_ms": facts.and_then(|facts| facts.duration_ms),
    })
}

fn table(found: &[KnownRecording]) -> String {
    let mut text = format!(
        "{:<36}  {:<25}  {:<12} {:<8} {:>8}  path\n",
        "id", "began", "kind", "state", "s"
    );
    for known in found {
        let row = &known.stored.row;
        let kind = match row.kind {
            RecordingKind::Conversation => "conversation",
            RecordingKind::Voicemail => "voicemail",
        };
        let facts = known.stored.facts();
        let seconds = facts.and_then(|facts| facts.duration_ms).map(|ms| ms / 1000);
        let path = facts.map_or_else(|| row.full_path(), |facts| facts.path.clone());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<36}  {:<25}  {kind:<12} {:<8} {:>8}  {path}",
            row.id.to_string(),
            row.started_at.to_string().replacen(".000", "", 1),
            state(known),
            seconds.map_or_else(|| "-".to_owned(), |seconds| seconds.to_string()),
        );
    }
    text
}
