//! Copies of recordings: which wait for which place, and how far each came.

use super::kept::copy_state;
use super::{from_body, signed, to_body, unsigned};
use crate::model::{RecordingId, RecordingRow};
use crate::store::{CopyView, StorageBacklog, UploadJob, UploadPart};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A change of one upload; ?1 is the place, ?2 the recording.
macro_rules! update {
    ($what:literal) => {
        concat!(
            "UPDATE uploads SET ",
            $what,
            " WHERE storage = (SELECT id FROM storages WHERE name = ?1) AND recording = ?2"
        )
    };
}

/// A complete file waits for every place that is enabled. One that has changed since its copy was verified (a span of it
/// was made silent) is copied again.
pub(in crate::store) fn queue(
    connection: &Connection,
    id: RecordingId,
    sha256: Option<&str>,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO uploads (storage, recording, queued_ms)
             SELECT s.id, ?1, unixepoch() * 1000 FROM storages s WHERE s.enabled = 1
             ON CONFLICT (storage, recording) DO UPDATE
             SET state = 'pending', attempts = 0, next_at_ms = 0, multipart = NULL, parts = NULL
             WHERE ?2 IS NOT NULL AND uploads.sha256 IS NOT NULL AND uploads.sha256 <> ?2",
        )?
        .execute(params![id.to_string(), sha256])?;
    Ok(())
}

/// These places and no others take copies from now on. What is here already waits for a new place too, and what was
/// under way at the last stop waits again.
pub(in crate::store) fn enable_only(
    connection: &Connection,
    names: &[String],
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE storages SET enabled = 0", [])?;
    for name in names {
        connection.execute(
            "INSERT INTO storages (name, enabled) VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET enabled = 1",
            params![name],
        )?;
    }
    connection.execute(
        "UPDATE storages SET failures = 0, retry_at_ms = 0 WHERE enabled = 1",
        [],
    )?;
    connection.execute(
        "UPDATE uploads SET state = 'pending' WHERE state = 'uploading'",
        [],
    )?;
    connection.execute(
        "INSERT INTO uploads (storage, recording, queued_ms)
         SELECT s.id, r.id, ?1 FROM recordings r JOIN storages s ON s.enabled = 1
         WHERE r.state = 'done' AND r.removed_ms IS NULL
         ON CONFLICT (storage, recording) DO NOTHING",
        params![unix_ms],
    )?;
    Ok(())
}

/// The oldest recording that waits for this place and may be tried, once its call's record is filed. It is under way
/// from now on.
pub(in crate::store) fn take(
    connection: &Connection,
    storage: &str,
    now_ms: i64,
) -> Result<Option<UploadJob>, rusqlite::Error> {
    let found = connection
        .prepare_cached(
            "SELECT r.id, r.body, u.attempts, u.key, u.multipart, u.parts, u.sha256, u.queued_ms,
                    json_extract(r.facts, '$.sha256'), json_extract(r.facts, '$.bytes')
             FROM uploads u JOIN storages s ON s.id = u.storage JOIN recordings r ON r.id = u.recording
             WHERE s.name = ?1 AND u.state IN ('pending', 'uploading') AND u.next_at_ms <= ?2
               AND r.removed_ms IS NULL
               AND NOT EXISTS (SELECT 1 FROM open_calls o WHERE o.call_id = r.call_id)
             ORDER BY u.recording LIMIT 1",
        )?
        .query_row(params![storage, now_ms], read)
        .optional()?
        .flatten();
    if let Some(job) = &found {
        connection
            .prepare_cached(update!("state = 'uploading'"))?
            .execute(params![storage, job.row.id.to_string()])?;
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Option<UploadJob>, rusqlite::Error> {
    let (id, body): (String, String) = (row.get(0)?, row.get(1)?);
    let Some(about) = from_body::<RecordingRow>("recordings", &id, &body) else {
        return Ok(None);
    };
    let parts: Option<String> = row.get(5)?;
    let bytes: Option<i64> = row.get(9)?;
    Ok(Some(UploadJob {
        row: about,
        attempts: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(u32::MAX),
        key: row.get(3)?,
        multipart: row.get(4)?,
        parts: parts
            .and_then(|parts| from_body("uploads", &id, &parts))
            .unwrap_or_default(),
        sent_sha256: row.get(6)?,
        queued_ms: row.get(7)?,
        sha256: row.get(8)?,
        bytes: bytes.map(unsigned),
    }))
}

/// A large one is begun: under this key and number, with these very bytes.
pub(in crate::store) fn begin_parts(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    (key, multipart, sha256): (&str, Option<&str>, &str),
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!("key = ?3, multipart = ?4, sha256 = ?5, parts = NULL"))?
        .execute(params![storage, id.to_string(), key, multipart, sha256])?;
    Ok(())
}

/// These parts of it have arrived.
pub(in crate::store) fn note_parts(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    parts: &[UploadPart],
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!("parts = ?3"))?
        .execute(params![storage, id.to_string(), to_body(&parts)?])?;
    Ok(())
}

/// The copy is there and the same.
pub(in crate::store) fn verified(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    (key, bytes, sha256): (&str, u64, &str),
    now_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!(
            "state = 'verified', key = ?3, bytes = ?4, sha256 = ?5, verified_ms = ?6, multipart = NULL, parts = NULL,
             last_error = NULL"
        ))?
        .execute(params![storage, id.to_string(), key, signed(bytes), sha256, now_ms])?;
    connection
        .prepare_cached(
            "UPDATE storages SET failures = 0, retry_at_ms = 0, last_error = NULL, verified = verified + 1,
                    verified_bytes = verified_bytes + ?2, last_verified_ms = ?3 WHERE name = ?1",
        )?
        .execute(params![storage, signed(bytes), now_ms])?;
    Ok(())
}

/// The file was changed while its copy was under way: `taken` is its SHA-256 as it was known then.
pub(in crate::store) fn again_if_changed(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    taken: Option<&str>,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(concat!(
            update!("state = 'pending', attempts = 0, next_at_ms = 0"),
            " AND EXISTS (SELECT 1 FROM recordings r WHERE r.id = uploads.recording
                AND json_extract(r.facts, '$.sha256') IS NOT ?3
                AND json_extract(r.facts, '$.sha256') IS NOT uploads.sha256)"
        ))?
        .execute(params![storage, id.to_string(), taken])?;
    Ok(())
}

/// What became of the copies of a recording at every place that ever had, or waits for, one.
pub(in crate::store) fn copy_views(
    connection: &Connection,
    id: RecordingId,
) -> Result<Vec<CopyView>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT s.name, s.enabled, u.state, u.key, u.bytes, u.verified_ms, u.last_error, u.sha256,
                    json_extract(r.facts, '$.sha256')
             FROM uploads u JOIN storages s ON s.id = u.storage JOIN recordings r ON r.id = u.recording
             WHERE u.recording = ?1 ORDER BY s.name",
        )?
        .query_map(params![id.to_string()], |row| {
            let (enabled, state): (bool, String) = (row.get(1)?, row.get(2)?);
            let (there, here): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
            let bytes: Option<i64> = row.get(4)?;
            let state = match state.as_str() {
                "verified" if here.is_some() && there != here => "older",
                "verified" => "verified",
                "failed" => "failed",
                _ if enabled => "waiting",
                _ => "not_sent",
            };
            Ok(CopyView {
                storage: row.get(0)?,
                state,
                key: row.get(3)?,
                bytes: bytes.map(unsigned),
                verified_ms: row.get(5)?,
                last_error: row.get(6)?,
            })
        })?
        .collect()
}

/// It did not go well: the recording waits until `next_at_ms`, and so does the place until `retry_at_ms`.
pub(in crate::store) fn put_back(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    error: &str,
    (next_at_ms, retry_at_ms, now_ms): (i64, i64, i64),
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!(
            "state = 'pending', attempts = attempts + 1, next_at_ms = ?3, last_error = ?4"
        ))?
        .execute(params![storage, id.to_string(), next_at_ms, error])?;
    connection
        .prepare_cached(
            "UPDATE storages SET failures = failures + 1, retry_at_ms = ?2, last_error = ?3, last_error_ms = ?4
             WHERE name = ?1",
        )?
        .execute(params![storage, retry_at_ms, error, now_ms])?;
    Ok(())
}

/// The parts that arrived are of no use: it begins anew.
pub(in crate::store) fn drop_parts(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!("multipart = NULL, parts = NULL"))?
        .execute(params![storage, id.to_string()])?;
    Ok(())
}

/// The file here is at fault, so it is not tried again.
pub(in crate::store) fn fail(
    connection: &Connection,
    storage: &str,
    id: RecordingId,
    error: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(update!("state = 'failed', last_error = ?3"))?
        .execute(params![storage, id.to_string(), error])?;
    Ok(())
}

/// Everything that waits for this place may be tried now, what failed for good too. How many that are; nothing when
/// nobody has named it.
pub(in crate::store) fn hurry(
    connection: &Connection,
    storage: &str,
) -> Result<Option<u64>, rusqlite::Error> {
    let known: Option<i64> = connection
        .query_row(
            "SELECT id FROM storages WHERE name = ?1",
            params![storage],
            |row| row.get(0),
        )
        .optional()?;
    let Some(id) = known else { return Ok(None) };
    connection.execute(
        "UPDATE storages SET retry_at_ms = 0, failures = 0 WHERE id = ?1",
        params![id],
    )?;
    let changed = connection.execute(
        "UPDATE uploads SET next_at_ms = 0, state = CASE state WHEN 'failed' THEN 'pending' ELSE state END
         WHERE storage = ?1 AND state <> 'verified'",
        params![id],
    )?;
    Ok(Some(u64::try_from(changed).unwrap_or(u64::MAX)))
}

/// When there is something to do for this place: 0 for now, nothing when nothing waits.
pub(in crate::store) fn next_at(
    connection: &Connection,
    storage: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT max(min(u.next_at_ms), s.retry_at_ms) FROM uploads u JOIN storages s ON s.id = u.storage
             JOIN recordings r ON r.id = u.recording
             WHERE s.name = ?1 AND u.state IN ('pending', 'uploading') AND r.removed_ms IS NULL
               AND NOT EXISTS (SELECT 1 FROM open_calls o WHERE o.call_id = r.call_id)
             GROUP BY s.id",
        )?
        .query_row(params![storage], |row| row.get(0))
        .optional()
}

/// How it stands with every place.
pub(in crate::store) fn backlog(connection: &Connection) -> Result<Vec<StorageBacklog>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT s.name, s.enabled, s.failures, s.retry_at_ms, s.last_error, s.last_error_ms, s.verified,
                    s.verified_bytes, s.last_verified_ms,
                    (SELECT count(*) FROM uploads u WHERE u.storage = s.id AND u.state IN ('pending', 'uploading')),
                    (SELECT ifnull(sum(json_extract(r.facts, '$.bytes')), 0) FROM uploads u
                     JOIN recordings r ON r.id = u.recording
                     WHERE u.storage = s.id AND u.state IN ('pending', 'uploading')),
                    (SELECT min(u.queued_ms) FROM uploads u
                     WHERE u.storage = s.id AND u.state IN ('pending', 'uploading')),
                    (SELECT count(*) FROM uploads u WHERE u.storage = s.id AND u.state = 'failed')
             FROM storages s ORDER BY s.name",
        )?
        .query_map([], |row| {
            Ok(StorageBacklog {
                storage: row.get(0)?,
                enabled: row.get(1)?,
                failures: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(u32::MAX),
                retry_at_ms: row.get(3)?,
                last_error: row.get(4)?,
                last_error_ms: row.get(5)?,
                verified: unsigned(row.get(6)?),
                verified_bytes: unsigned(row.get(7)?),
                last_verified_ms: row.get(8)?,
                pending: unsigned(row.get(9)?),
                pending_bytes: unsigned(row.get(10)?),
                oldest_ms: row.get(11)?,
                failed: unsigned(row.get(12)?),
            })
        })?
        .collect()
}

/// Where the copies of a recording lie: place, key, size; verified ones only.
pub(in crate::store) fn copies(
    connection: &Connection,
    id: RecordingId,
) -> Result<Vec<(String, String, u64)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT s.name, u.key, u.bytes, u.state FROM uploads u JOIN storages s ON s.id = u.storage
             WHERE u.recording = ?1 AND u.key IS NOT NULL AND u.bytes IS NOT NULL ORDER BY s.name",
        )?
        .query_map(params![id.to_string()], |row| {
            let state: String = row.get(3)?;
            let copy = (row.get(0)?, row.get(1)?, unsigned(row.get(2)?));
            Ok((copy_state(&state) == crate::store::CopyState::Verified).then_some(copy))
        })?
        .filter_map(Result::transpose)
        .collect()
}
