use super::tables::{meta, tallies};
use super::{StoreError, checking, migrations};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Opens the one connection that writes and brings the tables to this version's shape.
///
/// # Errors
/// When the file cannot be opened, is not a database, or a migration fails.
pub(super) fn open_for_writing(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    harden(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    // The writer folds the log back itself: see `log`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Otherwise a statement whose LIMIT is a parameter is compiled anew whenever another number is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    migrations::run(&mut connection)?;
    tallies::count_if_new(&connection)?;
    Ok(connection)
}

/// Opens a connection that only looks.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    harden(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -256)?;
    Ok(connection)
}

/// A database file may have been prepared by somebody else: nothing in its schema is trusted to run.
fn harden(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Databases up to this size are checked whole before the first call; of a larger one only the tables a start
/// needs.
pub(super) const CHECKED_WHOLE_BYTES: u64 = 16 << 20;

/// The first damage found, or nothing when the file is sound.
///
/// # Errors
/// When the check itself cannot run, which a damaged file also causes.
pub(super) fn damage(connection: &Connection, path: &Path) -> Result<Option<String>, rusqlite::Error> {
    let bytes = std::fs::metadata(path).map_or(0, |facts| facts.len());
    if let Some(known) = meta::get(connection, checking::DAMAGE)? {
        return Ok(Some(known));
    }
    if bytes <= CHECKED_WHOLE_BYTES {
        return Ok(complaints(connection, 1)?.into_iter().next());
    }
    for check in [
        "PRAGMA quick_check(meta)",
        "PRAGMA quick_check(boot)",
        "PRAGMA quick_check(open_calls)",
        "PRAGMA quick_check(upstreams)",
        "PRAGMA quick_check(registrations)",
        "PRAGMA quick_check(users)",
        "PRAGMA quick_check(tokens)",
    ] {
        if let Some(complaint) = first_complaint(connection, check)? {
            return Ok(Some(complaint));
        }
    }
    Ok(None)
}

/// What a look at every page finds wrong, at most so many things.
///
/// # Errors
/// When the check itself cannot run, which a damaged file also causes.
pub(super) fn complaints(connection: &Connection, most: u32) -> Result<Vec<String>, rusqlite::Error> {
    let sql = format!("PRAGMA quick_check({most})");
    let words: Vec<String> = connection
        .prepare(&sql)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(words.into_iter().filter(|word| word != "ok").collect())
}

fn first_complaint(connection: &Connection, check: &str) -> Result<Option<String>, rusqlite::Error> {
    let word: String = connection.query_row(check, [], |row| row.get(0))?;
    Ok((word != "ok").then_some(word))
}
