use super::packing::Packed;
use super::tallies::{self, Kind, column};
use super::{names, to_body, unsigned};
use crate::model::{CallId, Cdr, Number};
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

/// An identity as its column holds it.
pub(in crate::store) fn key(id: CallId) -> [u8; 16] {
    id.0.into_bytes()
}

/// Appends a record under the next `seq`. Filing the same version twice, as after a commit whose answer was
/// lost, changes nothing.
pub(in crate::store) fn file(
    connection: &Connection,
    cdr: &Cdr,
    unix_ms: i64,
) -> Result<Filed, rusqlite::Error> {
    file_as(connection, cdr, unix_ms, None, &to_body(cdr)?)
}

/// The same under a `seq` of old, for rows that are saved from a damaged database.
pub(in crate::store) fn file_as(
    connection: &Connection,
    cdr: &Cdr,
    unix_ms: i64,
    seq: Option<i64>,
    body: &str,
) -> Result<Filed, rusqlite::Error> {
    let id = key(cdr.cdr_id);
    let versions = versions(connection, &id)?;
    // Asked first: an insert that gives way to a conflict would use up a number and leave a gap.
    if let Some(same) = versions.iter().find(|row| row.version == cdr.version) {
        return Ok(Filed::Already(unsigned(same.seq)));
    }
    let newest = versions.iter().all(|row| row.version < cdr.version);
    if newest {
        for row in versions.iter().filter(|row| row.latest) {
            supersede(connection, row)?;
        }
    }
    let listed = newest && !gave_way(cdr);
    let kind = Kind::of(connection, cdr)?;
    let callee = cdr.callee_number.as_ref().map(Number::as_str);
    connection
        .prepare_cached(
            "INSERT INTO cdrs (seq, cdr_id, version, latest, filed_ms, started_ms, status, direction, caller, dialed,
                               callee, agent, ring_group, origin, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            seq,
            id,
            cdr.version,
            listed,
            unix_ms,
            cdr.started_at.unix_ms,
            kind.status,
            kind.direction,
            names::number(connection, cdr.caller_number.as_str())?,
            names::number(connection, cdr.dialed_number.as_str())?,
            callee.map(|number| names::number(connection, number)).transpose()?,
            column(kind.agent),
            column(kind.group),
            column(kind.origin),
            Packed(body.to_owned()),
        ])?;
    let seq = connection.last_insert_rowid();
    tallies::add(connection, cdr.started_at.unix_ms, kind, listed, seq)?;
    Ok(Filed::New(unsigned(seq)))
}

/// The last version of a PBX's record whose call turned out to be one of our own: the lists show ours.
fn gave_way(cdr: &Cdr) -> bool {
    cdr.origin.is_some() && cdr.linked.is_some()
}

/// One of a record's rows.
struct Version {
    seq: i64,
    version: u32,
    latest: bool,
    started_ms: i64,
    kind: Kind,
}

fn versions(connection: &Connection, id: &[u8; 16]) -> Result<Vec<Version>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT seq, version, latest, started_ms, status, direction, agent, ring_group, origin
             FROM cdrs WHERE cdr_id = ?1",
        )?
        .query_map(params![id], |row| {
            Ok(Version {
                seq: row.get(0)?,
                version: row.get(1)?,
                latest: row.get(2)?,
                started_ms: row.get(3)?,
                kind: Kind::read(row, 4)?,
            })
        })?
        .collect()
}

fn supersede(connection: &Connection, row: &Version) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE cdrs SET latest = 0 WHERE seq = ?1")?
        .execute(params![row.seq])?;
    tallies::supersede(connection, row.started_ms, row.kind)
}

/// The newest version of a record: its row's number and its text.
pub(in crate::store) fn latest(
    connection: &Connection,
    id: CallId,
) -> Result<Option<(u64, String)>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT seq, body FROM cdrs WHERE cdr_id = ?1 ORDER BY version DESC LIMIT 1")?
        .query_row(params![key(id)], |row| {
            Ok((unsigned(row.get(0)?), row.get::<_, Packed>(1)?.0))
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

/// The newest versions of this box's own records that started between two moments (ms since 1970), at most `most`.
pub(in crate::store) fn own_between(
    connection: &Connection,
    from_ms: i64,
    to_ms: i64,
    most: i64,
) -> Result<Vec<(i64, String)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT seq, body FROM cdrs
             WHERE started_ms BETWEEN ?1 AND ?2 AND latest = 1 AND origin IS NULL LIMIT ?3",
        )?
        .query_map(params![from_ms, to_ms, most], |row| {
            Ok((row.get(0)?, row.get::<_, Packed>(1)?.0))
        })?
        .collect()
}

/// The next rows of this box's own calls: number, whether it is the newest version, text.
pub(in crate::store) fn own_after(
    connection: &Connection,
    seq: i64,
    limit: i64,
) -> Result<Vec<(i64, bool, String)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT seq, latest, body FROM cdrs WHERE seq > ?1 AND origin IS NULL ORDER BY seq LIMIT ?2",
        )?
        .query_map(params![seq, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Packed>(2)?.0))
        })?
        .collect()
}

/// Keeps a call's details as they lay in the database that was set aside.
pub(in crate::store) fn keep_story(
    connection: &Connection,
    call: CallId,
    story: &[u8],
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO call_stories (call_id, body) VALUES (?1, ?2)")?
        .execute(params![key(call), story])?;
    Ok(())
}
