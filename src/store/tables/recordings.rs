use super::{chain, from_body, to_body, uploads};
use crate::model::{CallId, RecordingFacts, RecordingId, RecordingRow};
use crate::store::KnownRecording;
use crate::store::reader::stored_recording;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A recording file is about to be written.
pub(in crate::store) fn open(connection: &Connection, row: &RecordingRow) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO recordings (id, call_id, state, body) VALUES (?1, ?2, 'open', ?3) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![row.id.to_string(), row.call_id.to_string(), to_body(row)?])?;
    Ok(())
}

/// The file is complete: it waits for every place that copies go to from now on.
pub(in crate::store) fn complete(
    connection: &Connection,
    facts: &RecordingFacts,
) -> Result<(), rusqlite::Error> {
    let changed = connection
        .prepare_cached("UPDATE recordings SET state = 'done', facts = ?2, failure = NULL WHERE id = ?1")?
        .execute(params![facts.id.to_string(), to_body(facts)?])?;
    if changed > 0 {
        chain::add_written(connection, facts.id, facts.sha256.as_deref(), facts.bytes)?;
    }
    uploads::queue(connection, facts.id, facts.sha256.as_deref())
}

/// There is no usable file. A file that is known to be complete stays so.
pub(in crate::store) fn fail(
    connection: &Connection,
    id: RecordingId,
    reason: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE recordings SET state = 'failed', failure = ?2 WHERE id = ?1 AND state = 'open'",
        )?
        .execute(params![id.to_string(), reason])?;
    Ok(())
}

/// Files that were being written when the daemon was killed, oldest first.
pub(in crate::store) fn unfinished(connection: &Connection) -> Result<Vec<RecordingRow>, rusqlite::Error> {
    let mut select =
        connection.prepare("SELECT id, body FROM recordings WHERE state = 'open' ORDER BY id")?;
    let mut rows = select.query([])?;
    let mut unfinished = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, body): (String, String) = (row.get(0)?, row.get(1)?);
        unfinished.extend(from_body::<RecordingRow>("recordings", &key, &body));
    }
    Ok(unfinished)
}

/// The facts of a call's complete recordings, oldest first: a message beside a conversation is one too.
pub(in crate::store) fn of_call(
    connection: &Connection,
    call: CallId,
) -> Result<Vec<RecordingFacts>, rusqlite::Error> {
    let key = call.to_string();
    let mut select = connection
        .prepare("SELECT facts FROM recordings WHERE call_id = ?1 AND facts IS NOT NULL ORDER BY id")?;
    let facts: Vec<String> = select
        .query_map(params![key], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(facts
        .iter()
        .filter_map(|facts| from_body("recordings", &key, facts))
        .collect())
}

/// Of which call a recording is.
pub(in crate::store) fn call_of(
    connection: &Connection,
    id: RecordingId,
) -> Result<Option<CallId>, rusqlite::Error> {
    let call: Option<String> = connection
        .prepare_cached("SELECT call_id FROM recordings WHERE id = ?1")?
        .query_row(params![id.to_string()], |row| row.get(0))
        .optional()?;
    Ok(call.and_then(|call| call.parse().ok()).map(CallId))
}

/// Keeps a recording from removal since this moment, or no longer. False: there is none, or it was so already.
pub(in crate::store) fn hold(
    connection: &Connection,
    id: RecordingId,
    since: Option<&str>,
) -> Result<bool, rusqlite::Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE recordings SET held_since = ?2 WHERE id = ?1 AND (held_since IS NULL) = (?2 IS NOT NULL)",
        )?
        .execute(params![id.to_string(), since])?;
    Ok(changed > 0)
}

/// Whether a legal hold keeps it.
pub(in crate::store) fn is_held(connection: &Connection, id: RecordingId) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM recordings WHERE id = ?1 AND held_since IS NOT NULL)")?
        .query_row(params![id.to_string()], |row| row.get(0))
}

/// How many there are, in whichever state.
pub(in crate::store) fn count(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let count: i64 = connection.query_row("SELECT count(*) FROM recordings", [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Recordings in whichever state, oldest first.
pub(in crate::store) fn known(
    connection: &Connection,
    after: Option<RecordingId>,
    limit: i64,
) -> Result<Vec<KnownRecording>, rusqlite::Error> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let mut select = connection.prepare_cached(
        "SELECT id, state, body, facts, failure, removing, removed_ms, held_since FROM recordings
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let found = select
        .query_map(params![after, limit], read_known)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// One of them.
pub(in crate::store) fn known_one(
    connection: &Connection,
    id: RecordingId,
) -> Result<Option<KnownRecording>, rusqlite::Error> {
    let found = connection
        .prepare_cached(
            "SELECT id, state, body, facts, failure, removing, removed_ms, held_since FROM recordings WHERE id = ?1",
        )?
        .query_row(params![id.to_string()], read_known)
        .optional()?;
    Ok(found.flatten())
}

fn read_known(row: &Row<'_>) -> Result<Option<KnownRecording>, rusqlite::Error> {
    let Some(stored) = stored_recording(row)? else {
        return Ok(None);
    };
    Ok(Some(KnownRecording {
        stored,
        removed_ms: row.get(6)?,
        held_since: row.get(7)?,
    }))
}
