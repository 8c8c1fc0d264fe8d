use crate::store::PinRow;
use rusqlite::{Connection, params};

/// Every key that was pinned.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<PinRow>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT destination, kept, kept_ms, shown, shown_ms FROM pins ORDER BY destination")?
        .query_map([], |row| {
            Ok(PinRow {
                destination: row.get(0)?,
                kept: row.get(1)?,
                kept_ms: row.get(2)?,
                shown: row.get(3)?,
                shown_ms: row.get(4)?,
            })
        })?
        .collect()
}

/// Writes one down as it is now.
pub(in crate::store) fn put(connection: &Connection, pin: &PinRow) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO pins (destination, kept, kept_ms, shown, shown_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![pin.destination, pin.kept, pin.kept_ms, pin.shown, pin.shown_ms])?;
    Ok(())
}
