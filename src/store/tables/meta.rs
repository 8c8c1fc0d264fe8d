use rusqlite::{Connection, OptionalExtension, params};

/// The value kept under a key.
pub(in crate::store) fn get(connection: &Connection, key: &str) -> Result<Option<String>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row(params![key], |row| row.get(0))
        .optional()
}

/// Keeps a value under a key, or forgets the key.
pub(in crate::store) fn set(
    connection: &Connection,
    key: &str,
    value: Option<&str>,
) -> Result<(), rusqlite::Error> {
    match value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![key, value])?,
        None => connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute(params![key])?,
    };
    Ok(())
}
