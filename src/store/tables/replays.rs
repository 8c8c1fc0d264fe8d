use super::ranges::{self, Kind};
use super::{cdrs, signed, unsigned};
use crate::store::seqs::Seqs;
use crate::store::{Replay, ReplayRange};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "SELECT from_seq, to_seq, from_ms, to_ms, next_seq, queued, asked_by, begun_ms, done_ms
     FROM replays WHERE upstream = ?1";

/// The last replay of a destination.
pub(in crate::store) fn last(
    connection: &Connection,
    upstream: i64,
) -> Result<Option<Replay>, rusqlite::Error> {
    connection
        .prepare_cached(COLUMNS)?
        .query_row(params![upstream], replay)
        .optional()
}

fn replay(row: &Row<'_>) -> Result<Replay, rusqlite::Error> {
    Ok(Replay {
        range: ReplayRange {
            from_seq: unsigned(row.get(0)?),
            to_seq: unsigned(row.get(1)?),
            from_ms: row.get(2)?,
            to_ms: row.get(3)?,
        },
        next_seq: unsigned(row.get(4)?),
        queued: unsigned(row.get(5)?),
        asked_by: row.get(6)?,
        begun_ms: row.get(7)?,
        done_ms: row.get(8)?,
    })
}

/// The names of the destinations whose replay is not done.
pub(in crate::store) fn unfinished(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    connection
        .prepare(
            "SELECT u.name FROM replays r JOIN upstreams u ON u.id = r.upstream WHERE r.done_ms IS NULL",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// A replay begins; the one before is forgotten.
pub(in crate::store) fn begin(
    connection: &Connection,
    upstream: i64,
    range: &ReplayRange,
    by: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO replays (upstream, from_seq, to_seq, from_ms, to_ms, next_seq, asked_by, begun_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?2, ?6, ?7)",
        )?
        .execute(params![
            upstream,
            signed(range.from_seq),
            signed(range.to_seq),
            range.from_ms,
            range.to_ms,
            by,
            unix_ms
        ])?;
    Ok(())
}

/// Queues the next part of a replay, at most `lot` records, and notes how far it came.
pub(in crate::store) fn step(
    connection: &Connection,
    upstream: i64,
    replay: &Replay,
    lot: usize,
    unix_ms: i64,
) -> Result<Replay, rusqlite::Error> {
    let seqs = part(connection, replay, lot)?;
    let queued = queue(connection, upstream, &seqs)?;
    let is_done = seqs.len() < lot;
    let next_seq = match seqs.last() {
        Some(last) if !is_done => last.saturating_add(1),
        Some(_) | None => replay.range.to_seq.saturating_add(1),
    };
    let after = Replay {
        next_seq,
        queued: replay.queued + queued,
        done_ms: is_done.then_some(unix_ms),
        ..replay.clone()
    };
    connection
        .prepare_cached("UPDATE replays SET next_seq = ?2, queued = ?3, done_ms = ?4 WHERE upstream = ?1")?
        .execute(params![
            upstream,
            signed(after.next_seq),
            signed(after.queued),
            after.done_ms
        ])?;
    Ok(after)
}

fn part(connection: &Connection, replay: &Replay, lot: usize) -> Result<Vec<u64>, rusqlite::Error> {
    let range = &replay.range;
    connection
        .prepare_cached(
            "SELECT seq FROM cdrs WHERE seq BETWEEN ?1 AND ?2
             AND (?3 IS NULL OR started_ms >= ?3) AND (?4 IS NULL OR started_ms <= ?4) ORDER BY seq LIMIT ?5",
        )?
        .query_map(
            params![
                signed(replay.next_seq),
                signed(range.to_seq),
                range.from_ms,
                range.to_ms,
                i64::try_from(lot).unwrap_or(i64::MAX)
            ],
            |row| Ok(unsigned(row.get(0)?)),
        )?
        .collect()
}

/// Queues records anew; one that waits already stays as it is, a parked or dropped one is tried again.
fn queue(connection: &Connection, upstream: i64, seqs: &[u64]) -> Result<u64, rusqlite::Error> {
    let (mut added, mut released) = (0, 0);
    let mut runs = Seqs::default();
    for seq in seqs {
        runs.push(*seq);
        let key = params![upstream, signed(*seq)];
        added += connection
            .prepare_cached(
                "INSERT INTO outbox (upstream, seq) VALUES (?1, ?2) ON CONFLICT (upstream, seq) DO NOTHING",
            )?
            .execute(key)?;
        released += connection
            .prepare_cached("DELETE FROM parked WHERE upstream = ?1 AND seq = ?2")?
            .execute(key)?;
        connection
            .prepare_cached("DELETE FROM dropped WHERE upstream = ?1 AND seq = ?2")?
            .execute(key)?;
    }
    for run in runs.ranges() {
        ranges::add(connection, upstream, Kind::Meant, run.from_seq, run.to_seq)?;
    }
    connection
        .prepare_cached("UPDATE upstreams SET pending = pending + ?2, parked = parked - ?3 WHERE id = ?1")?
        .execute(params![
            upstream,
            i64::try_from(added).unwrap_or(0),
            i64::try_from(released).unwrap_or(0)
        ])?;
    Ok(added as u64)
}

/// Beyond this many the numbers are subtracted instead of counted: a table of a million records is a gigabyte.
const COUNTED: u64 = 20_000;

/// A range cut to the records there are, and how many those are. Record numbers have no holes but those damage has
/// torn, so a long range without times is taken to be whole.
pub(in crate::store) fn fitted(
    connection: &Connection,
    range: ReplayRange,
) -> Result<(ReplayRange, u64), rusqlite::Error> {
    let timed = range.from_ms.is_some() || range.to_ms.is_some();
    let (oldest, latest) = if timed {
        bounds(connection, range.from_ms, range.to_ms)?.unwrap_or((1, 0))
    } else {
        let (oldest, latest) = cdrs::ends(connection)?;
        (oldest.unwrap_or(1), latest.unwrap_or(0))
    };
    let range = ReplayRange {
        from_seq: range.from_seq.max(oldest),
        to_seq: range.to_seq.min(latest),
        ..range
    };
    if range.from_seq > range.to_seq {
        return Ok((range, 0));
    }
    if !timed && range.to_seq - range.from_seq >= COUNTED {
        return Ok((range, range.to_seq - range.from_seq + 1));
    }
    let (begin, end) = (range.from_ms.unwrap_or(i64::MIN), range.to_ms.unwrap_or(i64::MAX));
    let sql = if timed {
        // By the index over the times, which holds the numbers too.
        "SELECT count(*) FROM cdrs WHERE started_ms BETWEEN ?3 AND ?4 AND +seq BETWEEN ?1 AND ?2"
    } else {
        "SELECT count(*) FROM cdrs WHERE seq BETWEEN ?1 AND ?2 AND ?3 <= ?4"
    };
    let (from, to) = (signed(range.from_seq), signed(range.to_seq));
    let count: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![from, to, begin, end], |row| row.get(0))?;
    Ok((range, unsigned(count)))
}

/// The numbers of the first and the last record that began between these times; nothing when there is none.
pub(in crate::store) fn bounds(
    connection: &Connection,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
) -> Result<Option<(u64, u64)>, rusqlite::Error> {
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached("SELECT min(+seq), max(+seq) FROM cdrs WHERE started_ms BETWEEN ?1 AND ?2")?
        .query_row(
            params![from_ms.unwrap_or(i64::MIN), to_ms.unwrap_or(i64::MAX)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    Ok(first
        .zip(last)
        .map(|(first, last)| (unsigned(first), unsigned(last))))
}
