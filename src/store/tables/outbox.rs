use super::packing::Packed;
use super::{ranges, signed, standing, unsigned};
use crate::store::{Backlog, Batch, DeliveryState, OutboxItem};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeSet;

/// The number of a destination, made when the name is new.
pub(in crate::store) fn upstream(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.execute(
        "INSERT INTO upstreams (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
        params![name],
    )?;
    connection.query_row("SELECT id FROM upstreams WHERE name = ?1", params![name], |row| {
        row.get(0)
    })
}

/// From now on new records are queued for these destinations and no others; what is queued stays queued.
pub(in crate::store) fn enable_only(
    connection: &Connection,
    names: &[String],
) -> Result<(), rusqlite::Error> {
    connection.execute("UPDATE upstreams SET enabled = 0 WHERE enabled <> 0", [])?;
    for name in names {
        let id = upstream(connection, name)?;
        connection.execute("UPDATE upstreams SET enabled = 1 WHERE id = ?1", params![id])?;
    }
    ranges::meant_from_now(connection)
}

/// Queues a new record for every enabled destination.
pub(in crate::store) fn queue(connection: &Connection, seq: u64) -> Result<(), rusqlite::Error> {
    let added = connection
        .prepare_cached("INSERT INTO outbox (upstream, seq) SELECT id, ?1 FROM upstreams WHERE enabled = 1")?
        .execute(params![signed(seq)])?;
    if added > 0 {
        connection
            .prepare_cached("UPDATE upstreams SET pending = pending + 1 WHERE enabled = 1")?
            .execute([])?;
    }
    Ok(())
}

/// Queues a record for one destination.
pub(in crate::store) fn queue_for(
    connection: &Connection,
    upstream: i64,
    seq: u64,
) -> Result<(), rusqlite::Error> {
    let added = connection
        .prepare_cached(
            "INSERT INTO outbox (upstream, seq) VALUES (?1, ?2) ON CONFLICT (upstream, seq) DO NOTHING",
        )?
        .execute(params![upstream, signed(seq)])?;
    if added == 1 {
        connection
            .prepare_cached("UPDATE upstreams SET pending = pending + 1 WHERE id = ?1")?
            .execute(params![upstream])?;
    }
    Ok(())
}

/// What was under way when the daemon stopped may or may not have arrived, so it goes out again.
pub(in crate::store) fn recall(connection: &Connection) -> Result<usize, rusqlite::Error> {
    connection.execute(
        "UPDATE outbox SET state = 'pending' WHERE state = 'in_flight'",
        [],
    )
}

/// A wait longer than any back-off means that the clock was wrong when it was written.
const LONGEST_WAIT_MS: i64 = 30 * 3_600_000;

/// Takes the oldest waiting records of a destination, in order, and marks them as under way.
pub(in crate::store) fn take(
    connection: &Connection,
    name: &str,
    limit: usize,
    unix_ms: i64,
) -> Result<Batch, rusqlite::Error> {
    let (upstream, limit) = match ready(connection, name, limit, unix_ms)? {
        Ok(ready) => ready,
        Err(wait) => return Ok(wait),
    };
    let waiting = oldest(connection, upstream, limit)?;
    match waiting.first() {
        None => return Ok(Batch::Empty),
        Some((at, _)) if !is_due(*at, unix_ms) => return Ok(Batch::WaitUntil(*at)),
        Some(_) => {}
    }
    let due = waiting.into_iter().take_while(|(at, _)| is_due(*at, unix_ms));
    set_out(connection, upstream, due.map(|(_, item)| item).collect())
}

/// As [`take`], with one of the newest after every four of the oldest. Those that wait for a try of their own are
/// passed over.
pub(in crate::store) fn take_fair(
    connection: &Connection,
    name: &str,
    limit: usize,
    unix_ms: i64,
) -> Result<Batch, rusqlite::Error> {
    let (upstream, limit) = match ready(connection, name, limit, unix_ms)? {
        Ok(ready) => ready,
        Err(wait) => return Ok(wait),
    };
    let newest = limit / 5;
    let mut old = due(connection, upstream, limit - newest, unix_ms, DUE_OLDEST)?.into_iter();
    let mut items: Vec<OutboxItem> = Vec::new();
    for new in due(connection, upstream, newest, unix_ms, DUE_NEWEST)? {
        items.extend(old.by_ref().take(4));
        items.push(new);
    }
    items.extend(old);
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.seq));
    if !items.is_empty() {
        return set_out(connection, upstream, items);
    }
    let next: Option<i64> = connection
        .prepare_cached(
            "SELECT min(next_at_ms) FROM outbox
             WHERE upstream = ?1 AND next_at_ms > 0 AND state = 'pending'",
        )?
        .query_row(params![upstream], |row| row.get(0))?;
    Ok(next.map_or(Batch::Empty, Batch::WaitUntil))
}

/// The number of a destination that may be tried, and how many records may be; what to do instead when not.
fn ready(
    connection: &Connection,
    name: &str,
    limit: usize,
    unix_ms: i64,
) -> Result<Result<(i64, usize), Batch>, rusqlite::Error> {
    let (Some(upstream), Some(standing)) = (known(connection, name)?, standing::of(connection, name)?) else {
        return Ok(Err(Batch::Empty));
    };
    if standing.is_gone {
        return Ok(Err(Batch::Empty));
    }
    if !is_due(standing.retry_at_ms, unix_ms) {
        return Ok(Err(Batch::WaitUntil(standing.retry_at_ms)));
    }
    if standing.failures == 0 {
        return Ok(Ok((upstream, limit)));
    }
    if standing.retry_at_ms != 0 {
        standing::probe(connection, name)?;
    }
    Ok(Ok((upstream, 1)))
}

fn is_due(at_ms: i64, unix_ms: i64) -> bool {
    at_ms <= unix_ms || at_ms > unix_ms.saturating_add(LONGEST_WAIT_MS)
}

/// Marks them as under way.
fn set_out(connection: &Connection, upstream: i64, items: Vec<OutboxItem>) -> Result<Batch, rusqlite::Error> {
    for item in &items {
        set_state(connection, upstream, item.seq, "in_flight")?;
    }
    Ok(Batch::Items(items))
}

/// The number of a destination that has been named before.
pub(in crate::store) fn known(connection: &Connection, name: &str) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT id FROM upstreams WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
        .optional()
}

fn oldest(
    connection: &Connection,
    upstream: i64,
    limit: usize,
) -> Result<Vec<(i64, OutboxItem)>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT o.next_at_ms, o.seq, o.attempts, c.cdr_id, c.version, c.body
             FROM outbox o JOIN cdrs c ON c.seq = o.seq
             WHERE o.upstream = ?1 AND o.state = 'pending' ORDER BY o.seq LIMIT ?2",
        )?
        .query_map(
            params![upstream, i64::try_from(limit).unwrap_or(i64::MAX)],
            waiting_item,
        )?
        .collect()
}

const DUE_OLDEST: &str = "SELECT o.next_at_ms, o.seq, o.attempts, c.cdr_id, c.version, c.body
     FROM outbox o JOIN cdrs c ON c.seq = o.seq
     WHERE o.upstream = ?1 AND o.state = 'pending' AND (o.next_at_ms <= ?3 OR o.next_at_ms > ?4)
     ORDER BY o.seq LIMIT ?2";
const DUE_NEWEST: &str = "SELECT o.next_at_ms, o.seq, o.attempts, c.cdr_id, c.version, c.body
     FROM outbox o JOIN cdrs c ON c.seq = o.seq
     WHERE o.upstream = ?1 AND o.state = 'pending' AND (o.next_at_ms <= ?3 OR o.next_at_ms > ?4)
     ORDER BY o.seq DESC LIMIT ?2";

fn due(
    connection: &Connection,
    upstream: i64,
    limit: usize,
    unix_ms: i64,
    sql: &str,
) -> Result<Vec<OutboxItem>, rusqlite::Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let far = unix_ms.saturating_add(LONGEST_WAIT_MS);
    connection
        .prepare_cached(sql)?
        .query_map(params![upstream, limit, unix_ms, far], |row| {
            waiting_item(row).map(|(_, item)| item)
        })?
        .collect()
}

/// When it may be tried, and the record.
fn waiting_item(row: &Row<'_>) -> Result<(i64, OutboxItem), rusqlite::Error> {
    let item = OutboxItem {
        seq: unsigned(row.get(1)?),
        attempts: row.get(2)?,
        cdr_id: uuid::Uuid::from_bytes(row.get(3)?).to_string(),
        version: row.get(4)?,
        body: row.get::<_, Packed>(5)?.0,
    };
    Ok((row.get(0)?, item))
}

fn set_state(connection: &Connection, upstream: i64, seq: u64, state: &str) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE outbox SET state = ?3 WHERE upstream = ?1 AND seq = ?2")?
        .execute(params![upstream, signed(seq), state])?;
    Ok(())
}

/// The destination has acknowledged these.
pub(in crate::store) fn delivered(
    connection: &Connection,
    name: &str,
    seqs: &[u64],
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let Some(upstream) = known(connection, name)? else {
        return Ok(());
    };
    let mut gone = 0;
    for seq in seqs {
        gone += remove(connection, upstream, *seq)?;
    }
    ranges::acknowledged(connection, upstream, seqs)?;
    connection
        .prepare_cached(
            "UPDATE upstreams SET pending = pending - ?2, delivered = delivered + ?2,
                    last_delivered_seq = max(ifnull(last_delivered_seq, 0), ?3), last_delivered_ms = ?4, last_error = NULL
             WHERE id = ?1",
        )?
        .execute(params![upstream, gone, signed(seqs.iter().copied().max().unwrap_or(0)), unix_ms])?;
    standing::recovered(connection, upstream)
}

fn remove(connection: &Connection, upstream: i64, seq: u64) -> Result<i64, rusqlite::Error> {
    let gone = connection
        .prepare_cached("DELETE FROM outbox WHERE upstream = ?1 AND seq = ?2")?
        .execute(params![upstream, signed(seq)])?;
    Ok(i64::try_from(gone).unwrap_or(0))
}

/// What waits for its next try waits no longer; how many did: all of them when the destination was left alone.
pub(in crate::store) fn hurry(connection: &Connection, upstream: i64) -> Result<u64, rusqlite::Error> {
    let hurried = connection
        .prepare_cached(
            "UPDATE outbox SET next_at_ms = 0 WHERE upstream = ?1 AND state = 'pending' AND next_at_ms > 0",
        )?
        .execute(params![upstream])?;
    match standing::hurry(connection, upstream)? {
        Some(pending) => Ok(pending),
        None => Ok(hurried as u64),
    }
}

/// These were not sent after all; they wait again without having been tried.
pub(in crate::store) fn put_back(
    connection: &Connection,
    name: &str,
    seqs: &[u64],
) -> Result<(), rusqlite::Error> {
    let Some(upstream) = known(connection, name)? else {
        return Ok(());
    };
    for seq in seqs {
        set_state(connection, upstream, *seq, "pending")?;
    }
    Ok(())
}

/// This one was tried in vain and waits until `next_at_ms`.
pub(in crate::store) fn retry(
    connection: &Connection,
    name: &str,
    seq: u64,
    next_at_ms: i64,
    error: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let Some(upstream) = known(connection, name)? else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "UPDATE outbox SET state = 'pending', attempts = attempts + 1, next_at_ms = ?3, last_error = ?4
             WHERE upstream = ?1 AND seq = ?2",
        )?
        .execute(params![upstream, signed(seq), next_at_ms, error])?;
    remember_error(connection, upstream, error, unix_ms)
}

/// This one will never be taken: it stands aside, shown, and the others go on.
pub(in crate::store) fn park(
    connection: &Connection,
    name: &str,
    seq: u64,
    error: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let Some(upstream) = known(connection, name)? else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO parked (upstream, seq, attempts, parked_ms, error)
             SELECT upstream, seq, attempts + 1, ?3, ?4 FROM outbox WHERE upstream = ?1 AND seq = ?2",
        )?
        .execute(params![upstream, signed(seq), unix_ms, error])?;
    let gone = remove(connection, upstream, seq)?;
    connection
        .prepare_cached("UPDATE upstreams SET pending = pending - ?2, parked = parked + ?2 WHERE id = ?1")?
        .execute(params![upstream, gone])?;
    remember_error(connection, upstream, error, unix_ms)
}

fn remember_error(
    connection: &Connection,
    upstream: i64,
    error: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE upstreams SET last_error = ?2, last_error_ms = ?3 WHERE id = ?1")?
        .execute(params![upstream, error, unix_ms])?;
    Ok(())
}

/// How far each destination is behind, in the order they were first named.
pub(in crate::store) fn backlog(connection: &Connection) -> Result<Vec<Backlog>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT u.name, u.pending, u.parked, u.delivered, u.last_delivered_seq, u.last_delivered_ms,
                    u.last_error, u.last_error_ms, u.enabled, u.failures, u.retry_at_ms, u.last_code, u.gone_ms,
                    (SELECT c.filed_ms FROM outbox o JOIN cdrs c ON c.seq = o.seq
                     WHERE o.upstream = u.id ORDER BY o.seq LIMIT 1)
             FROM upstreams u ORDER BY u.id",
        )?
        .query_map([], |row| {
            let backlog = Backlog {
                upstream: row.get(0)?,
                pending: unsigned(row.get(1)?),
                parked: unsigned(row.get(2)?),
                delivered: unsigned(row.get(3)?),
                last_delivered_seq: row.get::<_, Option<i64>>(4)?.map(unsigned),
                last_delivered_ms: row.get(5)?,
                last_error: row.get(6)?,
                last_error_ms: row.get(7)?,
                enabled: row.get(8)?,
                failures: row.get(9)?,
                retry_at_ms: row.get(10)?,
                last_code: row.get(11)?,
                gone_ms: row.get(12)?,
                oldest_ms: row.get(13)?,
                state: DeliveryState::Ok,
            };
            Ok(backlog.judged())
        })?
        .collect()
}

/// Queues every record for every destination and counts anew: after damage nobody knows what had been
/// delivered.
pub(in crate::store) fn queue_everything(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute(
        "INSERT INTO outbox (upstream, seq) SELECT u.id, c.seq FROM upstreams u, cdrs c WHERE true
         ON CONFLICT (upstream, seq) DO NOTHING",
        [],
    )?;
    Ok(())
}

/// Sets the counts of waiting records to what the tables hold; a place whose record is lost is given up.
pub(in crate::store) fn recount(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute("DELETE FROM outbox WHERE seq NOT IN (SELECT seq FROM cdrs)", [])?;
    connection.execute(
        "UPDATE upstreams SET pending = (SELECT count(*) FROM outbox WHERE upstream = upstreams.id),
                              parked = (SELECT count(*) FROM parked WHERE upstream = upstreams.id)",
        [],
    )?;
    Ok(())
}

/// The record goes: nobody waits for it any more. Whether an enabled destination did.
pub(in crate::store) fn forget(connection: &Connection, seq: i64) -> Result<bool, rusqlite::Error> {
    let mut waited = false;
    let owed = "SELECT upstream, 0, enabled FROM outbox JOIN upstreams ON id = upstream WHERE seq = ?1
                UNION ALL
                SELECT upstream, 1, enabled FROM parked JOIN upstreams ON id = upstream WHERE seq = ?1";
    let owed: Vec<(i64, bool, bool)> = connection
        .prepare_cached(owed)?
        .query_map(params![seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (upstream, is_parked, is_enabled) in owed {
        waited |= is_enabled;
        let (delete, count) = if is_parked {
            (
                "DELETE FROM parked WHERE upstream = ?1 AND seq = ?2",
                "UPDATE upstreams SET parked = parked - 1 WHERE id = ?1",
            )
        } else {
            (
                "DELETE FROM outbox WHERE upstream = ?1 AND seq = ?2",
                "UPDATE upstreams SET pending = pending - 1 WHERE id = ?1",
            )
        };
        connection
            .prepare_cached(delete)?
            .execute(params![upstream, seq])?;
        connection.prepare_cached(count)?.execute(params![upstream])?;
    }
    Ok(waited)
}
