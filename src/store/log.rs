//! The write-ahead log folded back into the database file: by us, so that a disk's error is never overlooked.
//!
//! SQLite would do it by itself after a commit and keep an error to itself. A sync that fails there, or in a commit,
//! makes Linux forget the pages it could not write while they can still be read: later records would stand behind a
//! gap in the log, acknowledged, and be gone after a power cut. So whenever an operation of the disk has failed, the
//! log is emptied into the database before the next record is acknowledged.

use rusqlite::{Connection, OptionalExtension};

/// Folds back what the log holds when that is more than `pages` pages; readers are not waited for.
///
/// # Errors
/// When the disk fails.
pub(super) fn fold(connection: &Connection, pages: i64) -> Result<(), rusqlite::Error> {
    let (_, in_log, folded) = checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    if in_log.saturating_sub(folded) < pages {
        return Ok(());
    }
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(|_| ())
}

/// Folds everything back and begins the log anew. False: a reader was in the way for too long.
///
/// # Errors
/// When the disk fails.
pub(super) fn empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let (is_busy, ..) = checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(!is_busy)
}

/// Whether a reader was in the way, pages in the log, and how many of them are folded back.
fn checkpoint(connection: &Connection, how: &str) -> Result<(bool, i64, i64), rusqlite::Error> {
    let row = connection
        .prepare_cached(how)?
        .query_row([], |row| {
            Ok((row.get::<_, i64>(0)? != 0, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// Whether the disk itself failed, so that what was written before is in doubt. A full disk only takes no more.
pub(super) fn is_in_doubt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::SystemIoFailure)
    )
}
