use super::{from_body, signed, stories, to_body, unsigned};
use crate::model::{CallId, CallNote, Cdr};
use rusqlite::{Connection, params};

/// A call that had not ended when its row was last written.
#[derive(Debug)]
pub(in crate::store) struct OpenCall {
    /// Which run of the daemon it belongs to.
    pub(in crate::store) boot: String,
    /// How long after that run's start it was opened.
    pub(in crate::store) opened_elapsed_ms: u64,
    /// The record as it was then.
    pub(in crate::store) draft: Cdr,
}

/// Opens a call, or replaces its draft.
pub(in crate::store) fn open(
    connection: &Connection,
    draft: &Cdr,
    boot: &str,
    elapsed_ms: u64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO open_calls (call_id, boot, opened_elapsed_ms, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (call_id) DO UPDATE SET body = excluded.body",
        )?
        .execute(params![
            draft.call_id.to_string(),
            boot,
            signed(elapsed_ms),
            to_body(draft)?
        ])?;
    Ok(())
}

/// The call has a final record now.
pub(in crate::store) fn forget_open(connection: &Connection, call: CallId) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM open_calls WHERE call_id = ?1")?
        .execute(params![call.to_string()])?;
    Ok(())
}

/// Every open call, oldest first. A draft that cannot be read is left out and stays where it is.
pub(in crate::store) fn all_open(connection: &Connection) -> Result<Vec<OpenCall>, rusqlite::Error> {
    let mut select = connection
        .prepare("SELECT call_id, boot, opened_elapsed_ms, body FROM open_calls ORDER BY call_id")?;
    let mut rows = select.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let body: String = row.get(3)?;
        let Some(draft) = from_body("open_calls", &key, &body) else {
            continue;
        };
        open.push(OpenCall {
            boot: row.get(1)?,
            opened_elapsed_ms: unsigned(row.get(2)?),
            draft,
        });
    }
    Ok(open)
}

/// Adds a detail of a call.
pub(in crate::store) fn note(connection: &Connection, note: &CallNote) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("INSERT INTO call_events (call_id, offset_ms, body) VALUES (?1, ?2, ?3)")?
        .execute(params![
            note.call_id.to_string(),
            signed(note.offset_ms),
            to_body(note)?
        ])?;
    Ok(())
}

/// The details of a call in the order they were noted.
pub(in crate::store) fn notes(
    connection: &Connection,
    call: CallId,
) -> Result<Vec<CallNote>, rusqlite::Error> {
    let mut notes = stories::told(connection, call)?;
    notes.extend(loose_notes(connection, call)?);
    Ok(notes)
}

/// Those of an open call's details, or of what came late, that lie in rows of their own.
pub(in crate::store) fn loose_notes(
    connection: &Connection,
    call: CallId,
) -> Result<Vec<CallNote>, rusqlite::Error> {
    let key = call.to_string();
    let mut select =
        connection.prepare_cached("SELECT body FROM call_events WHERE call_id = ?1 ORDER BY id")?;
    let bodies = select
        .query_map(params![key], |row| row.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(bodies
        .iter()
        .filter_map(|body| from_body("call_events", &key, body))
        .collect())
}

/// Takes away what lies in rows of its own.
pub(in crate::store) fn forget_notes(connection: &Connection, call: CallId) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM call_events WHERE call_id = ?1")?
        .execute(params![call.to_string()])?;
    Ok(())
}
