use super::Found;
use super::filter::CdrFilter;
use super::numbers::Numbers;
use super::sought::{Sought, Walk};
use super::spans;
use crate::store::StoreError;
use crate::store::tables::packing::Packed;
use crate::store::tables::tallies::DAY_MS;
use crate::store::tables::unsigned;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

/// Rows looked at for the newest calls of many numbers.
const LOOKED_AT: i64 = 20_000;

/// Rows in the order of the calls' start, from any place in the list: the tallies tell on which day it lies.
pub(super) fn find(
    connection: &Connection,
    sought: &Sought,
    filter: &CdrFilter,
    limit: usize,
) -> Result<Found, StoreError> {
    if let Some(numbers) = &sought.numbers {
        return numbered(connection, sought, numbers, filter, limit);
    }
    let mut days = spans::by_day(connection, sought)?;
    if filter.newest_first {
        days.reverse();
    }
    let total = days.iter().map(|(_, count)| count).sum();
    let mut found = Found {
        total,
        ..Found::default()
    };
    let mut passed = filter.offset;
    for (day, count) in days {
        if passed >= count {
            passed -= count;
            continue;
        }
        let room = limit + 1 - found.rows.len();
        day_rows(
            connection,
            sought,
            filter.newest_first,
            day,
            passed,
            room,
            &mut found.rows,
        )?;
        passed = 0;
        if found.rows.len() > limit {
            break;
        }
    }
    Ok(found)
}

/// The rows of one day, the first `passed` left out, at most `room`.
fn day_rows(
    connection: &Connection,
    sought: &Sought,
    descending: bool,
    day: i64,
    passed: u64,
    room: usize,
    rows: &mut Vec<(u64, String)>,
) -> Result<(), rusqlite::Error> {
    let (sql, mut values) = day_statement(sought, descending);
    let mut all = vec![Value::from(day * DAY_MS), Value::from(day * DAY_MS + DAY_MS - 1)];
    all.append(&mut values);
    all.push(Value::from(i64::try_from(room).unwrap_or(i64::MAX)));
    all.push(Value::from(i64::try_from(passed).unwrap_or(i64::MAX)));
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query(params_from_iter(all))?;
    while let Some(row) = found.next()? {
        rows.push((unsigned(row.get(0)?), row.get::<_, Packed>(1)?.0));
    }
    Ok(())
}

/// The statement that reads the rows of one day.
pub(super) fn day_statement(sought: &Sought, descending: bool) -> (String, Vec<Value>) {
    let (conditions, values) = sought.conditions(Walk::Start);
    let sql = [
        "SELECT seq, body FROM cdrs WHERE started_ms BETWEEN ? AND ?",
        &conditions,
        if descending {
            " ORDER BY started_ms DESC, seq DESC"
        } else {
            " ORDER BY started_ms, seq"
        },
        " LIMIT ? OFFSET ?",
    ]
    .concat();
    (sql, values)
}

/// How many rows match, and whether that is only the least.
pub(super) fn total(connection: &Connection, sought: &Sought) -> Result<(u64, bool), rusqlite::Error> {
    let Some(numbers) = &sought.numbers else {
        let days = spans::by_day(connection, sought)?;
        return Ok((days.iter().map(|(_, count)| count).sum(), false));
    };
    let (matches, whole) = starts(connection, sought, numbers)?;
    Ok((u64::try_from(matches.len()).unwrap_or(u64::MAX), !whole))
}

/// A search for a number: its newest calls are sorted by their start.
fn numbered(
    connection: &Connection,
    sought: &Sought,
    numbers: &Numbers,
    filter: &CdrFilter,
    limit: usize,
) -> Result<Found, StoreError> {
    let (mut matches, whole) = starts(connection, sought, numbers)?;
    matches.sort_unstable();
    if filter.newest_first {
        matches.reverse();
    }
    let mut found = Found {
        total: u64::try_from(matches.len()).unwrap_or(u64::MAX),
        total_is_least: !whole,
        ..Found::default()
    };
    let passed = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    let mut select = connection.prepare_cached("SELECT body FROM cdrs WHERE seq = ?1")?;
    for (_, seq) in matches.into_iter().skip(passed).take(limit + 1) {
        let body: Packed = select.query_row(params![seq], |row| row.get(0))?;
        found.rows.push((unsigned(seq), body.0));
    }
    Ok(found)
}

/// Start and row of each match among the numbers' newest calls, and whether those are all there are.
fn starts(
    connection: &Connection,
    sought: &Sought,
    numbers: &Numbers,
) -> Result<(Vec<(i64, i64)>, bool), rusqlite::Error> {
    let (seqs, whole) = numbers.newest_rows(connection, CdrFilter::MOST_NUMBERED, LOOKED_AT)?;
    let (conditions, values) = sought.conditions(Walk::Rows);
    let sql = ["SELECT started_ms FROM cdrs WHERE seq = ?", &conditions].concat();
    let mut select = connection.prepare_cached(&sql)?;
    let mut matches = Vec::new();
    for seq in seqs {
        let all = std::iter::once(Value::from(seq)).chain(values.iter().cloned());
        let mut rows = select.query(params_from_iter(all))?;
        if let Some(row) = rows.next()? {
            matches.push((row.get(0)?, seq));
        }
    }
    Ok((matches, whole))
}
