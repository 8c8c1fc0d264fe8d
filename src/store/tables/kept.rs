//! Rows of `recordings` whose file is still on this box, and what takes it away.

use super::{cdrs, from_body, signed, to_body};
use crate::model::{Cdr, RecordingFacts, RecordingId, RecordingRow};
use crate::store::{CopyFacts, CopyState, KeptRecording, RetentionRun};
use rusqlite::{Connection, Row, params};

/// A start before this (2026-01-01) was stamped by a clock that had not been set.
const UNSET_BEFORE_MS: i64 = 1_767_225_600_000;
/// Runs that are remembered.
const RUNS: i64 = 400;

/// A question for recordings whose file is here.
macro_rules! those_here {
    ($which:literal) => {
        concat!(
            "SELECT r.id, r.body, r.facts, r.held_since, r.removing,
             (SELECT json_group_array(json_object('storage', s.name, 'state', u.state, 'verified_ms', u.verified_ms))
              FROM uploads u JOIN storages s ON s.id = u.storage WHERE u.recording = r.id)
             FROM recordings r WHERE r.state = 'done' AND r.removed_ms IS NULL ",
            $which
        )
    };
}

/// Recordings whose file is here, oldest first, behind `after`; not the greetings that boxes use, which no age takes
/// away.
pub(in crate::store) fn here(
    connection: &Connection,
    after: Option<RecordingId>,
    limit: i64,
) -> Result<Vec<KeptRecording>, rusqlite::Error> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let sql = those_here!(
        "AND r.id > ?1 AND r.id NOT IN (SELECT json_extract(body, '$.id') FROM greetings) ORDER BY r.id LIMIT ?2"
    );
    collect(connection, sql, params![after, limit])
}

/// Those whose removal was begun and never told to be done.
pub(in crate::store) fn half_removed(connection: &Connection) -> Result<Vec<KeptRecording>, rusqlite::Error> {
    collect(connection, those_here!("AND r.removing IS NOT NULL"), [])
}

/// One of them.
pub(in crate::store) fn one(
    connection: &Connection,
    id: RecordingId,
) -> Result<Option<KeptRecording>, rusqlite::Error> {
    Ok(collect(connection, those_here!("AND r.id = ?1"), params![id.to_string()])?.pop())
}

fn collect(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<KeptRecording>, rusqlite::Error> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_map(values, read)?.collect::<Result<Vec<_>, _>>()?;
    let mut kept: Vec<KeptRecording> = found.into_iter().flatten().collect();
    for one in kept.iter_mut().filter(|one| one.started_ms < UNSET_BEFORE_MS) {
        // Its record was mended once the clock was set.
        let record = cdrs::latest(connection, one.row.call_id)?;
        let record = record.and_then(|(seq, body)| from_body::<Cdr>("cdrs", &seq.to_string(), &body));
        one.started_ms = record.map_or(one.started_ms, |cdr| cdr.started_at.unix_ms);
    }
    Ok(kept)
}

fn read(row: &Row<'_>) -> Result<Option<KeptRecording>, rusqlite::Error> {
    let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
    let facts: Option<String> = row.get(2)?;
    let copies: String = row.get(5)?;
    let Some(about) = from_body::<RecordingRow>("recordings", &id, &body) else {
        return Ok(None);
    };
    let facts = facts.and_then(|facts| from_body::<RecordingFacts>("recordings", &id, &facts));
    let copies: Vec<CopyFacts> = from_body("uploads", &id, &copies).unwrap_or_default();
    Ok(Some(KeptRecording {
        started_ms: about.started_at.unix_ms,
        bytes: facts.as_ref().and_then(|facts| facts.bytes).unwrap_or(0),
        sha256: facts.and_then(|facts| facts.sha256),
        row: about,
        held_since: row.get(3)?,
        removing: row.get(4)?,
        copies,
    }))
}

/// Writes down that a rule takes the file. False: it is held, or not here any more.
pub(in crate::store) fn begin_removal(
    connection: &Connection,
    id: RecordingId,
    rule: &str,
) -> Result<bool, rusqlite::Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE recordings SET removing = ?2
             WHERE id = ?1 AND state = 'done' AND removed_ms IS NULL AND held_since IS NULL",
        )?
        .execute(params![id.to_string(), rule])?;
    Ok(changed > 0)
}

/// The file could not be taken away: it stays.
pub(in crate::store) fn forget_removal(
    connection: &Connection,
    id: RecordingId,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE recordings SET removing = NULL WHERE id = ?1 AND removed_ms IS NULL")?
        .execute(params![id.to_string()])?;
    Ok(())
}

/// The file is gone: the row is its tombstone from now on. False: it was that already.
pub(in crate::store) fn finish_removal(
    connection: &Connection,
    id: RecordingId,
    rule: &str,
    unix_ms: i64,
) -> Result<bool, rusqlite::Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE recordings SET removing = ?2, removed_ms = ?3 WHERE id = ?1 AND removed_ms IS NULL",
        )?
        .execute(params![id.to_string(), rule, unix_ms])?;
    Ok(changed > 0)
}

/// Whether a row names this path, whatever became of the file.
pub(in crate::store) fn paths(
    connection: &Connection,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Option<RecordingRow>)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT id, body FROM recordings WHERE id > ?1 AND removed_ms IS NULL ORDER BY id LIMIT ?2",
        )?
        .query_map(params![after, limit], |row| {
            let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
            let about = from_body("recordings", &id, &body);
            Ok((id, about))
        })?
        .collect()
}

/// Remembers a run, and forgets the oldest.
pub(in crate::store) fn note_run(connection: &Connection, run: &RetentionRun) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("INSERT INTO retention_runs (started_ms, ended_ms, body) VALUES (?1, ?2, ?3)")?
        .execute(params![run.started_ms, run.ended_ms, to_body(run)?])?;
    connection
        .prepare_cached("DELETE FROM retention_runs WHERE id <= (SELECT max(id) FROM retention_runs) - ?1")?
        .execute(params![RUNS])?;
    Ok(())
}

/// The last runs, newest first.
pub(in crate::store) fn runs(
    connection: &Connection,
    limit: u64,
) -> Result<Vec<RetentionRun>, rusqlite::Error> {
    let mut select =
        connection.prepare_cached("SELECT id, body FROM retention_runs ORDER BY id DESC LIMIT ?1")?;
    let found = select
        .query_map(params![signed(limit)], |row| {
            let (id, body): (i64, String) = (row.get(0)?, row.get(1)?);
            Ok(from_body("retention_runs", &id.to_string(), &body))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// The state of a copy as its column says.
pub(in crate::store) fn copy_state(text: &str) -> CopyState {
    match text {
        "verified" => CopyState::Verified,
        "uploading" => CopyState::Uploading,
        "failed" => CopyState::Failed,
        _ => CopyState::Pending,
    }
}
