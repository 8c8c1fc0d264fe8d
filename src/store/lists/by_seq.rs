use super::entry::Entry;
use super::filter::CdrFilter;
use super::sought::{Sought, Walk};
use super::spans::{self, Span};
use super::{Found, by_start};
use crate::store::StoreError;
use crate::store::tables::packing::Packed;
use crate::store::tables::{signed, unsigned};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// Rows looked at before the tallies are asked where else there could be any: most lists are full by then.
const FIRST_LOOK: i64 = 4000;
/// With so many rows or fewer, each row that has a number is looked up; with more, a walk meets them often enough.
const FEW: usize = 20_000;

/// Rows in the order of `seq`.
pub(super) fn find(
    connection: &Connection,
    sought: &Sought,
    filter: &CdrFilter,
    limit: usize,
) -> Result<Found, StoreError> {
    let passed = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    let mut search = Search {
        connection,
        sought,
        descending: filter.newest_first,
        passed,
        wanted: limit + 1,
        rows: Vec::new(),
    };
    search.run(beyond(filter.after, filter.newest_first))?;
    let (total, total_is_least) = if filter.count {
        by_start::total(connection, sought)?
    } else {
        (0, false)
    };
    Ok(Found {
        rows: search.rows,
        total,
        total_is_least,
    })
}

fn beyond(after: Option<u64>, descending: bool) -> Span {
    match (after.map(signed), descending) {
        (None, _) => (0, i64::MAX),
        (Some(seq), false) => (seq.saturating_add(1), i64::MAX),
        (Some(seq), true) => (0, seq.saturating_sub(1)),
    }
}

/// The statement that walks over a span.
pub(super) fn walking(sought: &Sought, by: Walk, span: Span, descending: bool) -> (String, Vec<Value>) {
    let (conditions, mut values) = sought.conditions(by);
    let sql = [
        "SELECT seq, body, caller, dialed, callee FROM cdrs WHERE seq BETWEEN ? AND ?",
        &conditions,
        if descending {
            " ORDER BY seq DESC"
        } else {
            " ORDER BY seq"
        },
    ]
    .concat();
    let mut all = vec![Value::from(span.0), Value::from(span.1)];
    all.append(&mut values);
    (sql, all)
}

struct Search<'a> {
    connection: &'a Connection,
    sought: &'a Sought,
    descending: bool,
    passed: usize,
    wanted: usize,
    rows: Vec<(u64, String)>,
}

impl Search<'_> {
    fn run(&mut self, beyond: Span) -> Result<(), rusqlite::Error> {
        if let Some(numbers) = &self.sought.numbers
            && let Some(rows) = numbers.rows(self.connection, self.sought, FEW)?
        {
            return self.look_up(&rows, beyond);
        }
        if let Some((rows, _)) = self.sought.few_rows(self.connection, FEW)? {
            return self.look_up(&rows, beyond);
        }
        if !self.sought.narrows() {
            return self.walk(Walk::Rows, beyond);
        }
        let (near, far) = self.split(beyond)?;
        self.walk(Walk::Facet, near)?;
        if self.is_full() {
            return Ok(());
        }
        let mut rest = spans::of(self.connection, self.sought, far)?;
        if self.descending {
            rest.reverse();
        }
        for span in rest {
            if self.is_full() {
                break;
            }
            self.walk(Walk::Facet, span)?;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.wanted
    }

    /// The first rows to look at, and all behind them.
    fn split(&self, beyond: Span) -> Result<(Span, Span), rusqlite::Error> {
        let (oldest, latest) = crate::store::tables::cdrs::ends(self.connection)?;
        let low = beyond.0.max(signed(oldest.unwrap_or(0)));
        let high = beyond.1.min(signed(latest.unwrap_or(0)));
        Ok(if self.descending {
            let cut = high.saturating_sub(FIRST_LOOK);
            ((low.max(cut), high), (low, high.min(cut - 1)))
        } else {
            let cut = low.saturating_add(FIRST_LOOK);
            ((low, high.min(cut)), (low.max(cut + 1), high))
        })
    }

    /// Looks at the rows of a span in order until there are enough.
    fn walk(&mut self, by: Walk, span: Span) -> Result<(), rusqlite::Error> {
        if span.0 > span.1 {
            return Ok(());
        }
        let (sql, values) = walking(self.sought, by, span, self.descending);
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        while !self.is_full()
            && let Some(row) = rows.next()?
        {
            self.consider(row)?;
        }
        Ok(())
    }

    /// Looks at the rows of these numbers, ascending, in the order asked for.
    fn look_up(&mut self, all: &[Entry], beyond: Span) -> Result<(), rusqlite::Error> {
        let from = all.partition_point(|entry| entry.seq < beyond.0);
        let to = all.partition_point(|entry| entry.seq <= beyond.1);
        let entries = all.get(from..to).unwrap_or_default();
        let (conditions, values) = self.sought.conditions(Walk::Rows);
        let sql = [
            "SELECT seq, body, caller, dialed, callee FROM cdrs WHERE seq = ?",
            &conditions,
        ]
        .concat();
        let mut select = self.connection.prepare_cached(&sql)?;
        for place in 0..entries.len() {
            let place = if self.descending {
                entries.len() - 1 - place
            } else {
                place
            };
            let Some(entry) = entries.get(place) else { break };
            let all = std::iter::once(Value::from(entry.seq)).chain(values.iter().cloned());
            let mut rows = select.query(params_from_iter(all))?;
            if let Some(row) = rows.next()? {
                self.consider(row)?;
            }
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn consider(&mut self, row: &Row<'_>) -> Result<(), rusqlite::Error> {
        let fits = match &self.sought.numbers {
            None => true,
            Some(numbers) => numbers.has([row.get(2)?, row.get(3)?, row.get(4)?]),
        };
        if !fits {
            return Ok(());
        }
        if self.passed > 0 {
            self.passed -= 1;
            return Ok(());
        }
        self.rows
            .push((unsigned(row.get(0)?), row.get::<_, Packed>(1)?.0));
        Ok(())
    }
}
