use super::{cdrs, signed, unsigned};
use crate::store::seqs::Seqs;
use rusqlite::{Connection, OptionalExtension, params};

/// What a range of records is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// The destination was to get them.
    Meant,
    /// The destination has acknowledged them.
    Delivered,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Meant => "meant",
            Self::Delivered => "delivered",
        }
    }
}

/// The end of a range that still grows.
const OPEN: i64 = i64::MAX;

/// Adds a range and melts it together with those it touches.
pub(in crate::store) fn add(
    connection: &Connection,
    upstream: i64,
    kind: Kind,
    from: u64,
    to: u64,
) -> Result<(), rusqlite::Error> {
    add_raw(connection, upstream, kind, signed(from), signed(to))
}

fn add_raw(
    connection: &Connection,
    upstream: i64,
    kind: Kind,
    mut from: i64,
    mut to: i64,
) -> Result<(), rusqlite::Error> {
    // The usual case first: the record after the last one.
    let grown = connection
        .prepare_cached(
            "UPDATE delivery_ranges SET to_seq = ?4
             WHERE upstream = ?1 AND kind = ?2 AND to_seq = ?3 - 1
               AND from_seq = (SELECT max(from_seq) FROM delivery_ranges WHERE upstream = ?1 AND kind = ?2)",
        )?
        .execute(params![upstream, kind.word(), from, to])?;
    if grown > 0 {
        return Ok(());
    }
    while let Some((begin, end)) = touching(connection, upstream, kind, from, to)? {
        from = from.min(begin);
        to = to.max(end);
        remove(connection, upstream, kind, begin)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO delivery_ranges (upstream, kind, from_seq, to_seq) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![upstream, kind.word(), from, to])?;
    Ok(())
}

/// A range that overlaps this one or stands right beside it. Ranges do not overlap one another, so the last that
/// begins before the end of this one is the only one to look at.
fn touching(
    connection: &Connection,
    upstream: i64,
    kind: Kind,
    from: i64,
    to: i64,
) -> Result<Option<(i64, i64)>, rusqlite::Error> {
    let last: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT from_seq, to_seq FROM delivery_ranges
             WHERE upstream = ?1 AND kind = ?2 AND from_seq <= ?3 ORDER BY from_seq DESC LIMIT 1",
        )?
        .query_row(params![upstream, kind.word(), to.saturating_add(1)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(last.filter(|(_, end)| *end >= from.saturating_sub(1)))
}

fn remove(connection: &Connection, upstream: i64, kind: Kind, from: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM delivery_ranges WHERE upstream = ?1 AND kind = ?2 AND from_seq = ?3")?
        .execute(params![upstream, kind.word(), from])?;
    Ok(())
}

/// The destination has acknowledged these, given in any order.
pub(in crate::store) fn acknowledged(
    connection: &Connection,
    upstream: i64,
    seqs: &[u64],
) -> Result<(), rusqlite::Error> {
    let mut sorted = seqs.to_vec();
    sorted.sort_unstable();
    let mut runs = Seqs::default();
    sorted.into_iter().for_each(|seq| runs.push(seq));
    for run in runs.ranges() {
        add(connection, upstream, Kind::Delivered, run.from_seq, run.to_seq)?;
    }
    Ok(())
}

/// The ranges of a kind that lie between `from` and `to`, cut off there.
pub(in crate::store) fn between(
    connection: &Connection,
    upstream: i64,
    kind: Kind,
    from: u64,
    to: u64,
) -> Result<Seqs, rusqlite::Error> {
    let mut select = connection.prepare_cached(
        "SELECT from_seq, to_seq FROM delivery_ranges
         WHERE upstream = ?1 AND kind = ?2 AND from_seq <= ?3 AND to_seq >= ?4 ORDER BY from_seq",
    )?;
    let mut rows = select.query(params![upstream, kind.word(), signed(to), signed(from)])?;
    let mut seqs = Seqs::default();
    while let Some(row) = rows.next()? {
        let (begin, end) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
        seqs.push_range(begin.max(from), end.min(to));
    }
    Ok(seqs)
}

/// From now on records are meant for the destinations that are enabled and for no others. To be called whenever one
/// is enabled or disabled.
pub(in crate::store) fn meant_from_now(connection: &Connection) -> Result<(), rusqlite::Error> {
    let enabled: Vec<i64> = connection
        .prepare_cached("SELECT id FROM upstreams WHERE enabled <> 0")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let open: Vec<(i64, i64)> = connection
        .prepare_cached(
            "SELECT upstream, from_seq FROM delivery_ranges WHERE kind = 'meant' AND to_seq = ?1",
        )?
        .query_map(params![OPEN], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let last = signed(cdrs::highest_filed(connection)?);
    for (upstream, from) in open.iter().filter(|(upstream, _)| !enabled.contains(upstream)) {
        remove(connection, *upstream, Kind::Meant, *from)?;
        if *from <= last {
            add_raw(connection, *upstream, Kind::Meant, *from, last)?;
        }
    }
    for upstream in enabled {
        if !open.iter().any(|(other, _)| *other == upstream) {
            add_raw(connection, upstream, Kind::Meant, last.saturating_add(1), OPEN)?;
        }
    }
    Ok(())
}

/// Nothing beyond `last_seq` has been delivered: after damage those numbers are given to other records.
pub(in crate::store) fn cut_off(connection: &Connection, last_seq: u64) -> Result<(), rusqlite::Error> {
    let last = signed(last_seq);
    connection.execute(
        "DELETE FROM delivery_ranges WHERE from_seq > ?1 AND to_seq < ?2",
        params![last, OPEN],
    )?;
    connection.execute(
        "UPDATE delivery_ranges SET to_seq = ?1 WHERE to_seq > ?1 AND to_seq < ?2",
        params![last, OPEN],
    )?;
    connection.execute("DELETE FROM dropped WHERE seq > ?1", params![last])?;
    connection.execute("DELETE FROM replays WHERE to_seq > ?1", params![last])?;
    Ok(())
}
