use super::cdrs;
use super::packing::{pack, unpack};
use super::varint::{Reading, Writing};
use crate::model::{CallId, CallNote, LegId, NoteKind, Stamp};
use rusqlite::{Connection, OptionalExtension, params};

/// The call has ended: its details move into one packed row. Those that come later join them at the next change.
pub(in crate::store) fn gather(connection: &Connection, call: CallId) -> Result<(), rusqlite::Error> {
    let fresh = super::calls::loose_notes(connection, call)?;
    if fresh.is_empty() {
        return Ok(());
    }
    let mut notes = told(connection, call)?;
    notes.extend(fresh);
    connection
        .prepare_cached("INSERT OR REPLACE INTO call_stories (call_id, body) VALUES (?1, ?2)")?
        .execute(params![cdrs::key(call), pack(&write(&notes))])?;
    super::calls::forget_notes(connection, call)
}

/// The details that were gathered, in the order they were noted.
pub(in crate::store) fn told(
    connection: &Connection,
    call: CallId,
) -> Result<Vec<CallNote>, rusqlite::Error> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM call_stories WHERE call_id = ?1")?
        .query_row(params![cdrs::key(call)], |row| row.get(0))
        .optional()?;
    Ok(body
        .and_then(|body| unpack(&body))
        .map_or_else(Vec::new, |bytes| read(call, &bytes)))
}

/// The record goes, and its details with it.
pub(in crate::store) fn forget(connection: &Connection, call: CallId) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM call_stories WHERE call_id = ?1")?
        .execute(params![cdrs::key(call)])?;
    super::calls::forget_notes(connection, call)
}

/// Of each detail only what it adds to the one before: kind, leg, milliseconds passed, what the wall clock was set by,
/// and its words.
fn write(notes: &[CallNote]) -> Vec<u8> {
    let mut bytes = Writing::default();
    let (mut offset_ms, mut unix_ms, mut zone) = (0, 0, 0);
    for note in notes {
        let passed = millis(note.offset_ms).saturating_sub(offset_ms);
        bytes.put(code(note.kind));
        bytes.put(note.leg.map_or(0, |leg| i64::from(leg.0) + 1));
        bytes.put_signed(passed);
        bytes.put_signed(note.at.unix_ms.saturating_sub(unix_ms).saturating_sub(passed));
        bytes.put_signed(i64::from(note.at.offset_seconds) - zone);
        bytes.put_text(&note.detail);
        (offset_ms, unix_ms) = (millis(note.offset_ms), note.at.unix_ms);
        zone = i64::from(note.at.offset_seconds);
    }
    bytes.0
}

fn read(call_id: CallId, bytes: &[u8]) -> Vec<CallNote> {
    let mut bytes = Reading(bytes);
    let (mut offset_ms, mut unix_ms, mut zone) = (0_i64, 0_i64, 0_i64);
    let mut notes = Vec::new();
    while let Some(kind) = bytes.take() {
        let line = (|| {
            let leg = bytes.take()?;
            let passed = bytes.take_signed()?;
            let set_by = bytes.take_signed()?;
            let moved = bytes.take_signed()?;
            Some((leg, passed, set_by, moved, bytes.take_text()?))
        })();
        let Some((leg, passed, set_by, moved, detail)) = line else {
            break;
        };
        offset_ms = offset_ms.saturating_add(passed);
        unix_ms = unix_ms.saturating_add(passed).saturating_add(set_by);
        zone = zone.saturating_add(moved);
        // A kind of a later release is left out.
        let Some(kind) = kind_of(kind) else { continue };
        notes.push(CallNote {
            call_id,
            at: Stamp {
                unix_ms,
                offset_seconds: i32::try_from(zone).unwrap_or(0),
            },
            offset_ms: u64::try_from(offset_ms).unwrap_or(0),
            leg: u32::try_from(leg - 1).ok().map(LegId),
            kind,
            detail,
        });
    }
    notes
}

/// Part of the file format: a kind keeps its number.
fn code(kind: NoteKind) -> i64 {
    match kind {
        NoteKind::Created => 1,
        NoteKind::CallerAnswered => 2,
        NoteKind::Stage => 3,
        NoteKind::Digit => 4,
        NoteKind::Dialed => 5,
        NoteKind::Ringing => 6,
        NoteKind::Answered => 7,
        NoteKind::Refused => 8,
        NoteKind::Released => 9,
        NoteKind::Held => 10,
        NoteKind::Resumed => 11,
        NoteKind::Recording => 12,
        NoteKind::Ended => 13,
        NoteKind::TransferAsked => 14,
        NoteKind::Transferred => 15,
        NoteKind::TransferFailed => 16,
        NoteKind::RecordingStopped => 30,
        NoteKind::RecordingPaused => 31,
        NoteKind::RecordingResumed => 32,
        NoteKind::Consent => 33,
        NoteKind::Joined => 17,
        NoteKind::Parted => 18,
    }
}

fn kind_of(number: i64) -> Option<NoteKind> {
    let kinds = [
        NoteKind::Created,
        NoteKind::CallerAnswered,
        NoteKind::Stage,
        NoteKind::Digit,
        NoteKind::Dialed,
        NoteKind::Ringing,
        NoteKind::Answered,
        NoteKind::Refused,
        NoteKind::Released,
        NoteKind::Held,
        NoteKind::Resumed,
        NoteKind::Recording,
        NoteKind::Ended,
        NoteKind::TransferAsked,
        NoteKind::Transferred,
        NoteKind::TransferFailed,
        NoteKind::RecordingStopped,
        NoteKind::RecordingPaused,
        NoteKind::RecordingResumed,
        NoteKind::Consent,
        NoteKind::Joined,
        NoteKind::Parted,
    ];
    kinds.into_iter().find(|kind| code(*kind) == number)
}

fn millis(offset_ms: u64) -> i64 {
    i64::try_from(offset_ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::sample::call_id;

    #[test]
    fn details_are_read_as_they_were_noted_whatever_the_clock_did() {
        let note = |offset_ms, unix_ms, kind, leg, detail: &str| CallNote {
            call_id: call_id(1),
            at: Stamp {
                unix_ms,
                offset_seconds: if unix_ms < 1_000_000 { 0 } else { 10_800 },
            },
            offset_ms,
            leg,
            kind,
            detail: detail.to_owned(),
        };
        let notes = [
            note(0, 5000, NoteKind::Created, None, ""),
            note(700, 5700, NoteKind::Digit, None, "1"),
            // The clock is set, and once more, backwards.
            note(900, 1_795_003_200_000, NoteKind::Dialed, Some(LegId(1)), "ali"),
            note(950, 1_795_003_199_000, NoteKind::Answered, Some(LegId(0)), "علي"),
            note(940, 1_795_003_199_000, NoteKind::Ended, None, "Answer"),
        ];
        let bytes = write(&notes);
        assert_eq!(read(call_id(1), &bytes), notes);
        for end in 0..bytes.len() {
            assert!(notes.starts_with(&read(call_id(1), &bytes[..end])));
        }
    }
}
