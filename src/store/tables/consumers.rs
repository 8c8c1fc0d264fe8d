use super::{signed, unsigned};
use rusqlite::{Connection, OptionalExtension, params};

/// A reader's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Row {
    pub(in crate::store) name: String,
    pub(in crate::store) acked_seq: u64,
    pub(in crate::store) moved_ms: Option<i64>,
    pub(in crate::store) created_ms: i64,
    /// When the first record it has not acknowledged was filed.
    pub(in crate::store) waiting_since_ms: Option<i64>,
}

/// How far a reader has come, when it is known.
pub(in crate::store) fn acked(connection: &Connection, name: &str) -> Result<Option<u64>, rusqlite::Error> {
    let acked: Option<i64> = connection
        .prepare_cached("SELECT acked_seq FROM consumers WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    Ok(acked.map(unsigned))
}

/// How many readers there are.
pub(in crate::store) fn count(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM consumers")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(count))
}

/// Puts a reader at this place; a new name is made.
pub(in crate::store) fn put(
    connection: &Connection,
    name: &str,
    seq: u64,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO consumers (name, acked_seq, moved_ms, created_ms) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT (name) DO UPDATE SET acked_seq = excluded.acked_seq, moved_ms = excluded.moved_ms",
        )?
        .execute(params![name, signed(seq), unix_ms])?;
    Ok(())
}

/// Forgets a reader. False: there was none.
pub(in crate::store) fn forget(connection: &Connection, name: &str) -> Result<bool, rusqlite::Error> {
    let gone = connection
        .prepare_cached("DELETE FROM consumers WHERE name = ?1")?
        .execute(params![name])?;
    Ok(gone > 0)
}

/// Every reader, by name.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<Row>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT name, acked_seq, moved_ms, created_ms,
                    (SELECT c.filed_ms FROM cdrs c WHERE c.seq > acked_seq ORDER BY c.seq LIMIT 1)
             FROM consumers ORDER BY name",
        )?
        .query_map([], |row| {
            Ok(Row {
                name: row.get(0)?,
                acked_seq: unsigned(row.get(1)?),
                moved_ms: row.get(2)?,
                created_ms: row.get(3)?,
                waiting_since_ms: row.get(4)?,
            })
        })?
        .collect()
}

/// After damage nobody knows which records a reader really has: each begins again.
pub(in crate::store) fn begin_again(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE consumers SET acked_seq = 0", [])?;
    Ok(())
}
