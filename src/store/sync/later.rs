//! A call of our own was filed after the PBX had told of it.

use super::page::{Theirs, give_way};
use super::twins::{FAR_MS, Seen, is_same};
use crate::model::{CallId, Cdr};
use crate::store::tables::{cdrs, from_body};
use rusqlite::{Connection, params};

/// No more of the PBX's calls around one moment are looked at.
const MOST: i64 = 500;

/// The PBX's record of this call, if it was fetched before, gives way at once; until the next fetch the call would stand
/// in the lists twice.
pub(in crate::store) fn recognise(
    connection: &Connection,
    own: &Cdr,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let Some(theirs) = nearest(connection, own)? else {
        return Ok(());
    };
    give_way(connection, &own.site, &theirs, own.cdr_id, unix_ms)
}

fn nearest(connection: &Connection, own: &Cdr) -> Result<Option<Theirs>, rusqlite::Error> {
    let start = own.started_at.unix_ms;
    let mut select = connection.prepare_cached(
        "SELECT p.id, p.cdr_id, s.name, p.external_id FROM pbx_records p JOIN pbx_sources s ON s.id = p.source
         WHERE p.start_ms BETWEEN ?1 AND ?2 AND p.linked = 0 LIMIT ?3",
    )?;
    let mut rows = select.query(params![
        start.saturating_sub(FAR_MS),
        start.saturating_add(FAR_MS),
        MOST
    ])?;
    let mut best = None;
    while let Some(row) = rows.next()? {
        let theirs = Theirs {
            row: row.get(0)?,
            cdr_id: row.get(1)?,
            source: row.get(2)?,
            external_id: row.get(3)?,
        };
        let id = CallId(uuid::Uuid::from_bytes(theirs.cdr_id));
        let Some((seq, body)) = cdrs::latest(connection, id)? else {
            continue;
        };
        let Some(cdr) = from_body::<Cdr>("cdrs", &seq.to_string(), &body) else {
            continue;
        };
        let seen = Seen {
            source: &theirs.source,
            external_id: &theirs.external_id,
            sip_call_id: cdr.sip_call_id.as_deref(),
            cdr: &cdr,
        };
        if let Some(distance) = is_same(own, seen)
            && best.as_ref().is_none_or(|(nearest, _)| distance < *nearest)
        {
            best = Some((distance, theirs));
        }
    }
    Ok(best.map(|(_, theirs)| theirs))
}
