use super::packing::Packed;
use super::{signed, unsigned};
use crate::store::ParkedRecord;
use crate::store::seqs::Seqs;
use rusqlite::{Connection, params};

/// Parked records of a destination beyond `after`, oldest first.
pub(in crate::store) fn list(
    connection: &Connection,
    upstream: i64,
    after: u64,
    limit: usize,
) -> Result<Vec<ParkedRecord>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT p.seq, p.attempts, p.parked_ms, p.error, c.body
             FROM parked p LEFT JOIN cdrs c ON c.seq = p.seq
             WHERE p.upstream = ?1 AND p.seq > ?2 ORDER BY p.seq LIMIT ?3",
        )?
        .query_map(
            params![upstream, signed(after), i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| {
                let body: Option<Packed> = row.get(4)?;
                Ok(ParkedRecord {
                    seq: unsigned(row.get(0)?),
                    attempts: row.get(1)?,
                    parked_ms: row.get(2)?,
                    error: row.get(3)?,
                    cdr: body.and_then(|body| super::from_body("cdrs", "parked", &body.0)),
                })
            },
        )?
        .collect()
}

/// The first parked records of a destination, or those of them that are named.
pub(in crate::store) fn first(
    connection: &Connection,
    upstream: i64,
    named: Option<&[u64]>,
    limit: usize,
) -> Result<Vec<u64>, rusqlite::Error> {
    let Some(named) = named else {
        return connection
            .prepare_cached("SELECT seq FROM parked WHERE upstream = ?1 ORDER BY seq LIMIT ?2")?
            .query_map(
                params![upstream, i64::try_from(limit).unwrap_or(i64::MAX)],
                |row| Ok(unsigned(row.get(0)?)),
            )?
            .collect();
    };
    let mut found = Vec::new();
    let mut select = connection.prepare_cached("SELECT 1 FROM parked WHERE upstream = ?1 AND seq = ?2")?;
    for seq in named.iter().take(limit) {
        if select.exists(params![upstream, signed(*seq)])? {
            found.push(*seq);
        }
    }
    Ok(found)
}

/// These go back into the queue as if they had never been tried. A record that is no longer kept is left.
pub(in crate::store) fn requeue(
    connection: &Connection,
    upstream: i64,
    seqs: &[u64],
) -> Result<u64, rusqlite::Error> {
    let (mut queued, mut released) = (0, 0);
    for seq in seqs {
        let added = connection
            .prepare_cached(
                "INSERT INTO outbox (upstream, seq) SELECT ?1, seq FROM cdrs WHERE seq = ?2
                 ON CONFLICT (upstream, seq) DO NOTHING",
            )?
            .execute(params![upstream, signed(*seq)])?;
        let waits = added > 0 || is_waiting(connection, upstream, *seq)?;
        queued += added;
        if waits {
            released += unpark(connection, upstream, *seq)?;
        }
    }
    count(connection, upstream, queued, released)?;
    Ok(queued as u64)
}

fn is_waiting(connection: &Connection, upstream: i64, seq: u64) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT 1 FROM outbox WHERE upstream = ?1 AND seq = ?2")?
        .exists(params![upstream, signed(seq)])
}

fn unpark(connection: &Connection, upstream: i64, seq: u64) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM parked WHERE upstream = ?1 AND seq = ?2")?
        .execute(params![upstream, signed(seq)])
}

fn count(
    connection: &Connection,
    upstream: i64,
    queued: usize,
    released: usize,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE upstreams SET pending = pending + ?2, parked = parked - ?3 WHERE id = ?1")?
        .execute(params![
            upstream,
            i64::try_from(queued).unwrap_or(0),
            i64::try_from(released).unwrap_or(0)
        ])?;
    Ok(())
}

/// These are given up, by whom and why.
pub(in crate::store) fn drop_them(
    connection: &Connection,
    upstream: i64,
    seqs: &[u64],
    by: &str,
    reason: &str,
    unix_ms: i64,
) -> Result<u64, rusqlite::Error> {
    let mut released = 0;
    for seq in seqs {
        if unpark(connection, upstream, *seq)? == 0 {
            continue;
        }
        released += 1;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO dropped (upstream, seq, dropped_ms, dropped_by, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![upstream, signed(*seq), unix_ms, by, reason])?;
    }
    count(connection, upstream, 0, released)?;
    Ok(released as u64)
}

/// The numbers in a table of this shape that lie between `from` and `to`.
pub(in crate::store) fn seqs(
    connection: &Connection,
    table: Aside,
    upstream: i64,
    from: u64,
    to: u64,
) -> Result<Seqs, rusqlite::Error> {
    let sql = match table {
        Aside::Parked => "SELECT seq FROM parked WHERE upstream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
        Aside::Dropped => {
            "SELECT seq FROM dropped WHERE upstream = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq"
        }
    };
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![upstream, signed(from), signed(to)])?;
    let mut seqs = Seqs::default();
    while let Some(row) = rows.next()? {
        seqs.push(unsigned(row.get(0)?));
    }
    Ok(seqs)
}

/// Where records stand that a destination will not get by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Aside {
    /// Refused by the destination.
    Parked,
    /// Given up by a person.
    Dropped,
}
