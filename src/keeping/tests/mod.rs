//! Recordings grow old and are copied, in virtual time.

use crate::model::{CallId, RecordingId, RecordingKind, RecordingRow, Stamp};
use crate::store::KeptRecording;

mod house;
mod retention;
mod uploading;

/// Noon of 20 November 2026, UTC.
pub(crate) const NOON_MS: i64 = 1_795_176_000_000;

/// The n-th recording, of a call that began at noon.
pub(crate) fn kept(n: u32) -> KeptRecording {
    KeptRecording {
        row: row(n, NOON_MS),
        started_ms: NOON_MS,
        bytes: 1000,
        sha256: None,
        held_since: None,
        removing: None,
        copies: Vec::new(),
    }
}

/// Its row.
pub(crate) fn row(n: u32, started_ms: i64) -> RecordingRow {
    let mut random = [9; 10];
    random[6..].copy_from_slice(&n.to_be_bytes());
    let id = CallId::new(started_ms, &random);
    RecordingRow {
        id: RecordingId(id.0),
        call_id: id,
        kind: RecordingKind::Conversation,
        path: format!("2026/11/20/{id}.wav"),
        started_at: Stamp {
            unix_ms: started_ms,
            offset_seconds: 0,
        },
        agent: None,
    }
}
