use super::Found;
use super::entry::Entry;
use super::filter::CdrFilter;
use super::numbers::Numbers;
use super::sought::{Sought, Walk};
use super::spans;
use crate::store::StoreError;
use crate::store::tables::packing::Packed;
use crate::store::tables::{signed, unsigned};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

/// Rows looked at for the newest calls of many numbers.
const LOOKED_AT: i64 = 10_000;
/// Rows in the order of the calls' start, by the second and then by identity, so that a page stays what it is while
/// calls are added behind it. From any place in the list: the tallies tell on which day it lies.
pub(super) fn find(
    connection: &Connection,
    sought: &Sought,
    filter: &CdrFilter,
    limit: usize,
) -> Result<Found, StoreError> {
    if let Some(numbers) = &sought.numbers {
        return numbered(connection, sought, numbers, filter, limit);
    }
    if let Some((rows, unsure)) = sought.few_rows(connection, CdrFilter::MOST_NUMBERED)? {
        let matches = sought.matching(connection, rows, unsure)?;
        return Ok(in_order(connection, matches, filter, limit)?);
    }
    let mut page = Page {
        descending: filter.newest_first,
        passed: filter.offset,
        room: limit + 1,
        second: Vec::new(),
        seqs: Vec::new(),
    };
    let total = if sought.is_tallied() {
        page.by_days(connection, sought)?
    } else {
        page.take(connection, sought, sought.whole())?;
        page.settle();
        0
    };
    let mut found = Found {
        total,
        ..Found::default()
    };
    for seq in page.seqs {
        found.rows.push((unsigned(seq), body(connection, seq)?));
    }
    if filter.count && !sought.is_tallied() {
        found.total = spans::count_between(connection, sought, sought.whole())?;
    }
    Ok(found)
}

/// Where a row stands in the list: its second, its identity, and its number.
type Place = (i64, [u8; 16], i64);

fn place(row: &Row<'_>) -> Result<Place, rusqlite::Error> {
    let entry = Entry::read(row)?;
    Ok((entry.second(), row.get(2)?, entry.seq))
}

fn body(connection: &Connection, seq: i64) -> Result<String, rusqlite::Error> {
    let mut select = connection.prepare_cached("SELECT body FROM cdrs WHERE seq = ?1")?;
    select.query_row(params![seq], |row| row.get::<_, Packed>(0).map(|body| body.0))
}

/// A page that is being gathered, second by second.
struct Page {
    descending: bool,
    /// How many rows are still to be passed over.
    passed: u64,
    /// How many rows are wanted, one more than the page has.
    room: usize,
    /// The rows of the second that is being read.
    second: Vec<Place>,
    seqs: Vec<i64>,
}

impl Page {
    fn is_full(&self) -> bool {
        self.seqs.len() >= self.room
    }

    /// Passes whole days over by their tallies. How many rows match on all days.
    fn by_days(&mut self, connection: &Connection, sought: &Sought) -> Result<u64, rusqlite::Error> {
        let mut days = spans::by_day(connection, sought)?;
        if self.descending {
            days.reverse();
        }
        let total = days.iter().map(|(_, count)| count).sum();
        for (day, count) in days {
            if self.passed >= count {
                self.passed -= count;
                continue;
            }
            self.take(connection, sought, spans::of_day(day))?;
            // A second never reaches into the next day.
            self.settle();
            if self.is_full() {
                break;
            }
        }
        Ok(total)
    }

    /// Takes what begins between two times (ms since 1970), until there is enough.
    fn take(
        &mut self,
        connection: &Connection,
        sought: &Sought,
        span: spans::Span,
    ) -> Result<(), rusqlite::Error> {
        let (sql, mut values) = statement(sought, self.descending);
        let mut all = vec![Value::from(span.0), Value::from(span.1)];
        all.append(&mut values);
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(all))?;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            let place = place(row)?;
            if self.second.last().is_some_and(|last| last.0 != place.0) {
                self.settle();
            }
            self.second.push(place);
        }
        Ok(())
    }

    /// The second is complete: its rows are put in order.
    fn settle(&mut self) {
        self.second.sort_unstable();
        if self.descending {
            self.second.reverse();
        }
        for (_, _, seq) in self.second.drain(..) {
            if self.passed > 0 {
                self.passed -= 1;
            } else if self.seqs.len() < self.room {
                self.seqs.push(seq);
            }
        }
    }
}

/// The statement that reads what begins between two times.
pub(super) fn statement(sought: &Sought, descending: bool) -> (String, Vec<Value>) {
    let (conditions, values) = sought.conditions(Walk::Start);
    let sql = [
        "SELECT seq, started_ms, cdr_id FROM cdrs WHERE started_ms BETWEEN ? AND ?",
        &conditions,
        if descending {
            " ORDER BY started_ms DESC"
        } else {
            " ORDER BY started_ms"
        },
    ]
    .concat();
    (sql, values)
}

/// How many rows match, and whether that is only the least.
pub(super) fn total(connection: &Connection, sought: &Sought) -> Result<(u64, bool), rusqlite::Error> {
    let Some(numbers) = &sought.numbers else {
        if !sought.is_tallied() {
            return Ok((spans::count_between(connection, sought, sought.whole())?, false));
        }
        let days = spans::by_day(connection, sought)?;
        return Ok((days.iter().map(|(_, count)| count).sum(), false));
    };
    let (matches, whole) = newest(connection, sought, numbers)?;
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
    let (matches, whole) = newest(connection, sought, numbers)?;
    Ok(Found {
        total_is_least: !whole,
        ..in_order(connection, matches, filter, limit)?
    })
}

/// The page of a list that is in memory.
fn in_order(
    connection: &Connection,
    mut matches: Vec<Entry>,
    filter: &CdrFilter,
    limit: usize,
) -> Result<Found, rusqlite::Error> {
    let mut found = Found {
        total: u64::try_from(matches.len()).unwrap_or(u64::MAX),
        ..Found::default()
    };
    matches.sort_unstable_by_key(|entry| entry.started_ms);
    if filter.newest_first {
        matches.reverse();
    }
    let passed = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    let wanted = passed..passed.saturating_add(limit + 1);
    let mut place = 0;
    for second in matches.chunk_by(|one, other| one.second() == other.second()) {
        let here = place..place + second.len();
        place = here.end;
        if here.end <= wanted.start || here.start >= wanted.end {
            continue;
        }
        for (place, seq) in here.zip(by_identity(connection, second, filter.newest_first)?) {
            if wanted.contains(&place) {
                found.rows.push((unsigned(seq), body(connection, seq)?));
            }
        }
    }
    Ok(found)
}

/// The rows of one second in their order. Their identities are read only when there are several.
fn by_identity(
    connection: &Connection,
    second: &[Entry],
    descending: bool,
) -> Result<Vec<i64>, rusqlite::Error> {
    if let [alone] = second {
        return Ok(vec![alone.seq]);
    }
    let mut select = connection.prepare_cached("SELECT cdr_id FROM cdrs WHERE seq = ?1")?;
    let mut rows: Vec<([u8; 16], i64)> = Vec::with_capacity(second.len());
    for entry in second {
        rows.push((select.query_row(params![entry.seq], |row| row.get(0))?, entry.seq));
    }
    rows.sort_unstable();
    if descending {
        rows.reverse();
    }
    Ok(rows.into_iter().map(|(_, seq)| seq).collect())
}

/// Each match among the numbers' newest calls, and whether those are all there are.
fn newest(
    connection: &Connection,
    sought: &Sought,
    numbers: &Numbers,
) -> Result<(Vec<Entry>, bool), rusqlite::Error> {
    if let Some(rows) = numbers.rows(connection, sought, CdrFilter::MOST_NUMBERED)? {
        return Ok((sought.matching(connection, rows, sought.unsure())?, true));
    }
    if let Some(rows) = numbers.newest_of_one(connection, sought, CdrFilter::MOST_NUMBERED)? {
        return Ok((sought.matching(connection, rows, sought.unsure())?, false));
    }
    let (conditions, mut values) = sought.conditions(Walk::Rows);
    let sql = [
        "SELECT seq, started_ms, caller, dialed, callee FROM cdrs WHERE seq > ?",
        &conditions,
        " ORDER BY seq DESC",
    ]
    .concat();
    let (_, latest) = crate::store::tables::cdrs::ends(connection)?;
    let mut all = vec![Value::from(signed(latest.unwrap_or(0)) - LOOKED_AT)];
    all.append(&mut values);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(all))?;
    let mut found = Vec::new();
    while found.len() < CdrFilter::MOST_NUMBERED
        && let Some(row) = rows.next()?
    {
        if numbers.has([row.get(2)?, row.get(3)?, row.get(4)?]) {
            found.push(Entry::read(row)?);
        }
    }
    Ok((found, false))
}
