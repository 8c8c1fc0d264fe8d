use super::unsigned;
use crate::store::Standing;
use rusqlite::{Connection, OptionalExtension, params};

/// How a destination stands; nothing when nobody has named it.
pub(in crate::store) fn of(connection: &Connection, name: &str) -> Result<Option<Standing>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT failures, retry_at_ms, gone_ms IS NOT NULL FROM upstreams WHERE name = ?1")?
        .query_row(params![name], |row| {
            Ok(Standing {
                failures: row.get(0)?,
                retry_at_ms: row.get(1)?,
                is_gone: row.get(2)?,
            })
        })
        .optional()
}

/// A new run begins: it tries at once, and another target than the one that was gone is a new beginning.
pub(in crate::store) fn begin(
    connection: &Connection,
    name: &str,
    target: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE upstreams SET retry_at_ms = 0,
                    gone_ms = CASE WHEN target IS ?2 THEN gone_ms END,
                    failures = CASE WHEN target IS ?2 THEN failures ELSE 0 END, target = ?2
             WHERE name = ?1",
        )?
        .execute(params![name, target])?;
    hurry_records(connection, name)
}

/// It is tried now, with one record.
pub(in crate::store) fn probe(connection: &Connection, name: &str) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE upstreams SET retry_at_ms = 0 WHERE name = ?1")?
        .execute(params![name])?;
    Ok(())
}

/// It took something.
pub(in crate::store) fn recovered(connection: &Connection, upstream: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE upstreams SET failures = 0, retry_at_ms = 0, last_code = NULL
             WHERE id = ?1 AND (failures > 0 OR last_code IS NOT NULL)",
        )?
        .execute(params![upstream])?;
    Ok(())
}

/// It was tried in vain and is left alone until `retry_at_ms`.
pub(in crate::store) fn back_off(
    connection: &Connection,
    name: &str,
    retry_at_ms: i64,
    error: &str,
    code: Option<u16>,
    failures: u32,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE upstreams SET failures = ?6, retry_at_ms = ?2, last_error = ?3, last_code = ?4,
                    last_error_ms = ?5
             WHERE name = ?1",
        )?
        .execute(params![name, retry_at_ms, error, code, unix_ms, failures])?;
    Ok(())
}

/// It said that it is gone.
pub(in crate::store) fn gone(
    connection: &Connection,
    name: &str,
    error: &str,
    code: Option<u16>,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE upstreams SET gone_ms = ?4, last_error = ?2, last_code = ?3, last_error_ms = ?4 WHERE name = ?1",
        )?
        .execute(params![name, error, code, unix_ms])?;
    Ok(())
}

/// It is tried at once, whatever was.
pub(in crate::store) fn enable(connection: &Connection, name: &str) -> Result<bool, rusqlite::Error> {
    let found = connection
        .prepare_cached("UPDATE upstreams SET gone_ms = NULL, retry_at_ms = 0 WHERE name = ?1")?
        .execute(params![name])?;
    hurry_records(connection, name)?;
    Ok(found > 0)
}

/// It is tried at once; how many records waited with it, when it was left alone.
pub(in crate::store) fn hurry(
    connection: &Connection,
    upstream: i64,
) -> Result<Option<u64>, rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE upstreams SET retry_at_ms = 0 WHERE id = ?1 AND retry_at_ms > 0 RETURNING pending",
        )?
        .query_row(params![upstream], |row| row.get(0).map(unsigned))
        .optional()
}

fn hurry_records(connection: &Connection, name: &str) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE outbox SET next_at_ms = 0
             WHERE next_at_ms > 0 AND upstream = (SELECT id FROM upstreams WHERE name = ?1)",
        )?
        .execute(params![name])?;
    Ok(())
}
