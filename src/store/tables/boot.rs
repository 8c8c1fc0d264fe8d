use super::{signed, unsigned};
use rusqlite::{Connection, OptionalExtension, params};

/// What is known of the last run of the daemon.
#[derive(Debug)]
pub(in crate::store) struct LastBoot {
    /// Its identity.
    pub(in crate::store) id: String,
    /// How long after its start it was last seen alive.
    pub(in crate::store) heartbeat_elapsed_ms: u64,
}

/// The run that wrote this database last.
pub(in crate::store) fn last(connection: &Connection) -> Result<Option<LastBoot>, rusqlite::Error> {
    connection
        .query_row("SELECT id, heartbeat_elapsed_ms FROM boot", [], |row| {
            Ok(LastBoot {
                id: row.get(0)?,
                heartbeat_elapsed_ms: unsigned(row.get(1)?),
            })
        })
        .optional()
}

/// This run begins.
pub(in crate::store) fn begin(
    connection: &Connection,
    id: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection.execute(
        "INSERT OR REPLACE INTO boot (only, id, started_ms, heartbeat_elapsed_ms, heartbeat_ms) VALUES (1, ?1, ?2, 0, ?2)",
        params![id, unix_ms],
    )?;
    Ok(())
}

/// This run is alive, so long after its start by the monotonic clock.
pub(in crate::store) fn beat(
    connection: &Connection,
    elapsed_ms: u64,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE boot SET heartbeat_elapsed_ms = ?1, heartbeat_ms = ?2")?
        .execute(params![signed(elapsed_ms), unix_ms])?;
    Ok(())
}
