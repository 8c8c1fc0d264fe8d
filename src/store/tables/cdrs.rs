use super::{to_body, unsigned, word};
use crate::model::{AgentId, CallId, Cdr, ForeignRecord, GroupName, Number};
use rusqlite::{Connection, OptionalExtension, params};

/// What filing a record led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Filed {
    /// The row is new.
    New(u64),
    /// This version of this record was there already, so nothing was changed.
    Already(u64),
}

impl Filed {
    /// The row's number either way.
    pub(in crate::store) fn seq(self) -> u64 {
        match self {
            Self::New(seq) | Self::Already(seq) => seq,
        }
    }
}

/// Appends a record under the next `seq`. Filing the same version twice, as after a commit whose answer was
/// lost, changes nothing.
pub(in crate::store) fn file(
    connection: &Connection,
    cdr: &Cdr,
    unix_ms: i64,
) -> Result<Filed, rusqlite::Error> {
    let id = cdr.cdr_id.to_string();
    // Asked first: an insert that gives way to a conflict would use up a number and leave a gap.
    if let Some(seq) = number_of(connection, &id, cdr.version)? {
        return Ok(Filed::Already(seq));
    }
    connection
        .prepare_cached("UPDATE cdrs SET latest = 0 WHERE cdr_id = ?1 AND version < ?2 AND latest = 1")?
        .execute(params![id, cdr.version])?;
    let newest: bool = connection
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM cdrs WHERE cdr_id = ?1 AND version > ?2)")?
        .query_row(params![id, cdr.version], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO cdrs (cdr_id, version, final, filed_ms, started_ms, status, direction, caller, dialed, callee,
                               agent, ring_group, origin, latest, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            id,
            cdr.version,
            cdr.is_final,
            unix_ms,
            cdr.started_at.unix_ms,
            word(&cdr.status),
            word(&cdr.direction),
            cdr.caller_number.as_str(),
            cdr.dialed_number.as_str(),
            cdr.callee_number.as_ref().map(Number::as_str),
            cdr.agent.as_ref().map(AgentId::as_str),
            cdr.group.as_ref().map(GroupName::as_str),
            cdr.origin.as_ref().map(|ForeignRecord { source, .. }| source),
            newest,
            to_body(cdr)?,
        ])?;
    Ok(Filed::New(unsigned(connection.last_insert_rowid())))
}

fn number_of(connection: &Connection, id: &str, version: u32) -> Result<Option<u64>, rusqlite::Error> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM cdrs WHERE cdr_id = ?1 AND version = ?2")?
        .query_row(params![id, version], |row| row.get(0))
        .optional()?;
    Ok(seq.map(unsigned))
}

/// The newest version of a record: its row's number and its text.
pub(in crate::store) fn latest(
    connection: &Connection,
    id: CallId,
) -> Result<Option<(u64, String)>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT seq, body FROM cdrs WHERE cdr_id = ?1 ORDER BY version DESC LIMIT 1")?
        .query_row(params![id.to_string()], |row| {
            Ok((unsigned(row.get(0)?), row.get(1)?))
        })
        .optional()
}

/// The lowest and the highest `seq` there are.
pub(in crate::store) fn ends(connection: &Connection) -> Result<(Option<u64>, Option<u64>), rusqlite::Error> {
    // Two look-ups at the ends of the tree; asked together, SQLite would walk every row.
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(seq) FROM cdrs")?
        .query_row([], |row| row.get(0))?;
    let latest: Option<i64> = connection
        .prepare_cached("SELECT max(seq) FROM cdrs")?
        .query_row([], |row| row.get(0))?;
    Ok((oldest.map(unsigned), latest.map(unsigned)))
}

/// The highest `seq` ever given, also when its row is gone; 0 when none was.
pub(in crate::store) fn highest_filed(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'cdrs'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(seq.map_or(0, unsigned))
}
