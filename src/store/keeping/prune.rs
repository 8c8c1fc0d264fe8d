use crate::store::tables::tallies::{self, Kind};
use crate::store::tables::{meta, names, outbox, stories, unsigned};
use rusqlite::{Connection, OptionalExtension, params};

/// What may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Rule {
    /// Records filed before this (ms since 1970) are old; `None`: none ever is.
    pub(in crate::store) old_before_ms: Option<i64>,
    /// The most bytes the database may use.
    pub(in crate::store) max_bytes: u64,
    /// Consumers that have to have acknowledged a record.
    pub(in crate::store) required_consumers: Vec<String>,
}

/// What went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Pruned {
    /// Records.
    pub(in crate::store) records: u64,
    /// Of them, records that somebody still waited for.
    pub(in crate::store) unacknowledged: u64,
    /// Whether the largest size was the reason.
    pub(in crate::store) is_full: bool,
}

/// Records taken in one transaction, so that calls never wait for it.
const LOT: usize = 50;
/// Records filed by a clock that had not been set: nobody knows how old they are.
const UNSET_BEFORE_MS: i64 = 1_577_836_800_000;

const COUNT: &str = "unacknowledged_deletions";
const COUNT_MS: &str = "unacknowledged_deletions_ms";

/// Takes the oldest records that may go, a lot at a time, inside the caller's transaction.
pub(in crate::store) fn prune(
    connection: &Connection,
    rule: &Rule,
    unix_ms: i64,
) -> Result<Pruned, rusqlite::Error> {
    let is_full = used_bytes(connection)? > rule.max_bytes;
    let bound = owed_from(connection, rule)?;
    let going = if is_full {
        oldest(connection)?
    } else {
        old(connection, rule, bound)?
    };
    let mut pruned = Pruned {
        is_full,
        ..Pruned::default()
    };
    for seq in going {
        let parked_or_queued = outbox::forget(connection, seq)?;
        pruned.unacknowledged += u64::from(parked_or_queued || seq >= bound);
        remove(connection, seq)?;
        pruned.records += 1;
    }
    if pruned.unacknowledged > 0 {
        let (before, _) = unacknowledged_deletions(connection)?;
        let count = before.saturating_add(pruned.unacknowledged);
        meta::set(connection, COUNT, Some(&count.to_string()))?;
        meta::set(connection, COUNT_MS, Some(&unix_ms.to_string()))?;
    }
    Ok(pruned)
}

/// How many records went before everybody had them, and when the last did (ms since 1970).
pub(in crate::store) fn unacknowledged_deletions(
    connection: &Connection,
) -> Result<(u64, Option<i64>), rusqlite::Error> {
    let number =
        |key| Ok::<_, rusqlite::Error>(meta::get(connection, key)?.and_then(|text| text.parse::<i64>().ok()));
    Ok((unsigned(number(COUNT)?.unwrap_or(0)), number(COUNT_MS)?))
}

/// Bytes of the database that hold something.
pub(in crate::store) fn used_bytes(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    Ok(unsigned((pages - free) * size))
}

/// The first row that an enabled destination or a required consumer has not got.
fn owed_from(connection: &Connection, rule: &Rule) -> Result<i64, rusqlite::Error> {
    let pending: Option<i64> = connection
        .prepare_cached(
            "SELECT min((SELECT o.seq FROM outbox o WHERE o.upstream = u.id ORDER BY o.seq LIMIT 1))
             FROM upstreams u WHERE u.enabled = 1",
        )?
        .query_row([], |row| row.get(0))?;
    let mut bound = pending.unwrap_or(i64::MAX);
    for name in &rule.required_consumers {
        bound = bound.min(acknowledged(connection, name)?.saturating_add(1));
    }
    Ok(bound)
}

/// The last row a consumer has acknowledged; 0 when it never did.
fn acknowledged(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'consumers'";
    if connection
        .query_row(table, [], |_row| Ok(()))
        .optional()?
        .is_none()
    {
        return Ok(0);
    }
    let acked: Option<Option<i64>> = connection
        .prepare_cached("SELECT acked_seq FROM consumers WHERE name = ?1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    Ok(acked.flatten().unwrap_or(0))
}

/// The oldest rows, whoever waits for them.
fn oldest(connection: &Connection) -> Result<Vec<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT seq FROM cdrs ORDER BY seq LIMIT ?1")?
        .query_map(params![LOT as i64], |row| row.get(0))?
        .collect()
}

/// The oldest rows that are old enough, were given to everybody and are not parked. Rows are in the order of their
/// filing, so the first that is too young ends the search.
fn old(connection: &Connection, rule: &Rule, bound: i64) -> Result<Vec<i64>, rusqlite::Error> {
    let Some(old_before_ms) = rule.old_before_ms else {
        return Ok(Vec::new());
    };
    let mut select = connection.prepare_cached(
        "SELECT seq, filed_ms FROM cdrs c WHERE seq < ?1
             AND NOT EXISTS (SELECT 1 FROM upstreams u JOIN parked p ON p.upstream = u.id
                             WHERE u.enabled = 1 AND p.seq = c.seq)
         ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = select.query(params![bound, (LOT * 4) as i64])?;
    let (mut going, mut ageless) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (seq, filed_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        if filed_ms < UNSET_BEFORE_MS {
            // As old as the next row whose age is known.
            ageless.push(seq);
            continue;
        }
        if filed_ms >= old_before_ms || going.len() >= LOT {
            break;
        }
        going.append(&mut ageless);
        going.push(seq);
    }
    Ok(going)
}

/// Takes a row away, and with a record's last row its details and the numbers that nobody else has.
fn remove(connection: &Connection, seq: i64) -> Result<(), rusqlite::Error> {
    let sql = "SELECT cdr_id, started_ms, latest, caller, dialed, callee, status, direction, agent, ring_group, origin
               FROM cdrs WHERE seq = ?1";
    let (id, started_ms, latest, numbers, kind) =
        connection.prepare_cached(sql)?.query_row(params![seq], |row| {
            let id: [u8; 16] = row.get(0)?;
            let numbers: [Option<i64>; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
            Ok((id, row.get(1)?, row.get(2)?, numbers, Kind::read(row, 6)?))
        })?;
    connection
        .prepare_cached("DELETE FROM cdrs WHERE seq = ?1")?
        .execute(params![seq])?;
    tallies::take_away(connection, started_ms, kind, latest)?;
    let others: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM cdrs WHERE cdr_id = ?1)")?
        .query_row(params![id], |row| row.get(0))?;
    if !others {
        stories::forget(connection, crate::model::CallId(uuid::Uuid::from_bytes(id)))?;
    }
    for place in numbers.into_iter().flatten() {
        let is_used: bool = connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM cdrs WHERE caller = ?1) OR EXISTS (SELECT 1 FROM cdrs WHERE dialed = ?1)
                     OR EXISTS (SELECT 1 FROM cdrs WHERE callee = ?1)",
            )?
            .query_row(params![place], |row| row.get(0))?;
        if !is_used {
            names::forget_number(connection, place)?;
        }
    }
    Ok(())
}
