//! The database in another file: a copy as it is at one moment, and a copy that begins a life of its own.

use super::connection::open_for_writing;
use super::tables::meta;
use super::{StoreError, log};
use rusqlite::{Connection, OpenFlags, params};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// The most bytes that [`copy_to`] writes for the database of this directory.
///
/// # Errors
/// When there is no database.
pub fn bytes_of_copy(dir: &Path) -> Result<u64, StoreError> {
    let path = dir.join("callpost.db");
    let length = |ending: &str| fs::metadata(super::birth::beside(&path, ending)).map(|facts| facts.len());
    let own = length("").map_err(|cause| StoreError::File {
        path: path.clone(),
        cause,
    })?;
    Ok(own + length("-wal").unwrap_or(0))
}

/// Copies the database of a data directory as it is at one moment, beside a running daemon or without one; calls go on
/// being written meanwhile. What was deleted is not in the copy. How many rows of call records are in it.
///
/// # Errors
/// When the database cannot be read or `target` cannot be written.
pub fn copy_to(dir: &Path, target: &Path) -> Result<u64, StoreError> {
    let at = |cause| StoreError::File {
        path: target.to_owned(),
        cause,
    };
    // SQLite fills a file that is there and empty, and leaves it to whom it belongs.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(at)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join("callpost.db"), flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.execute("VACUUM INTO ?1", params![target.to_string_lossy()])?;
    drop(connection);
    let copy = Connection::open_with_flags(target, flags)?;
    let rows: i64 = copy.query_row("SELECT count(*) FROM cdrs", [], |row| row.get(0))?;
    Ok(rows.unsigned_abs())
}

/// Makes a database begin anew with what it holds: the next start gives it a new epoch, so that whoever reads records by a
/// cursor is told, and nobody is logged in any more. A database of an earlier version takes this one's shape.
///
/// # Errors
/// When it is none, or of a later version.
pub fn begin_anew(path: &Path) -> Result<(), StoreError> {
    let connection = open_for_writing(path)?;
    meta::set(&connection, "epoch", None)?;
    connection.execute("DELETE FROM sessions", [])?;
    log::empty(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
