use super::names;
use super::varint::{Reading, Writing};
use crate::model::{Cdr, Direction, Status};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What kind of record a row is: the columns that lists narrow by. 0 stands for "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct Kind {
    pub(in crate::store) status: i64,
    pub(in crate::store) direction: i64,
    pub(in crate::store) agent: i64,
    pub(in crate::store) group: i64,
    pub(in crate::store) origin: i64,
}

pub(in crate::store) const DAY_MS: i64 = 86_400_000;

/// The day since 1970 (UTC) that a time in ms since 1970 lies in.
pub(in crate::store) fn day(unix_ms: i64) -> i64 {
    unix_ms.div_euclid(DAY_MS)
}

/// The small integer that stands for a status in the tables.
pub(in crate::store) fn status_code(status: Status) -> i64 {
    match status {
        Status::Answer => 1,
        Status::Canceled => 2,
        Status::Busy => 3,
        Status::NoAnswer => 4,
        Status::Failed => 5,
        Status::Voicemail => 6,
    }
}

/// The small integer that stands for a direction in the tables.
pub(in crate::store) fn direction_code(direction: Direction) -> i64 {
    match direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
        Direction::Internal => 3,
    }
}

impl Kind {
    /// The kind of a record; names that are new get their place.
    pub(in crate::store) fn of(connection: &Connection, cdr: &Cdr) -> Result<Self, rusqlite::Error> {
        let place = |name: Option<&str>| name.map_or(Ok(0), |name| names::word(connection, name));
        Ok(Self {
            status: status_code(cdr.status),
            direction: direction_code(cdr.direction),
            agent: place(cdr.agent.as_ref().map(|agent| agent.as_str()))?,
            group: place(cdr.group.as_ref().map(|group| group.as_str()))?,
            origin: place(cdr.origin.as_ref().map(|origin| origin.source.as_str()))?,
        })
    }

    /// Reads the kind from the columns `status, direction, agent, ring_group, origin`, the first of which is at
    /// `first`.
    pub(in crate::store) fn read(row: &Row<'_>, first: usize) -> Result<Self, rusqlite::Error> {
        let name = |place: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.unwrap_or(0));
        Ok(Self {
            status: row.get(first)?,
            direction: row.get(first + 1)?,
            agent: name(first + 2)?,
            group: name(first + 3)?,
            origin: name(first + 4)?,
        })
    }
}

/// A name's place as a column holds it.
pub(in crate::store) fn column(place: i64) -> Option<i64> {
    (place != 0).then_some(place)
}

/// How many records of a kind began on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Tally {
    pub(in crate::store) kind: Kind,
    /// Rows, whatever their version.
    pub(in crate::store) filed: i64,
    /// Rows that are the newest version.
    pub(in crate::store) latest: i64,
}

/// The records that began on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct Day {
    /// Between which rows they lie: ascending and apart.
    pub(in crate::store) spans: Vec<(i64, i64)>,
    /// One for each kind there is, ascending.
    pub(in crate::store) tallies: Vec<Tally>,
}

/// Rows so near to each other are one span.
const NEAR: i64 = 1000;
/// The most spans a day keeps; beyond, the last two become one.
const MOST_SPANS: usize = 8;

impl Day {
    fn count(&mut self, kind: Kind, filed: i64, latest: i64) {
        match self.tallies.binary_search_by_key(&kind, |tally| tally.kind) {
            Ok(place) => {
                if let Some(tally) = self.tallies.get_mut(place) {
                    tally.filed += filed;
                    tally.latest += latest;
                }
            }
            Err(place) => {
                let tally = Tally { kind, filed, latest };
                self.tallies.insert(place, tally);
            }
        }
        self.tallies.retain(|tally| tally.filed > 0);
    }

    fn stretch(&mut self, seq: i64) {
        let near = |span: &&mut (i64, i64)| seq >= span.0 - NEAR && seq <= span.1 + NEAR;
        match self.spans.iter_mut().find(near) {
            Some(span) => *span = (span.0.min(seq), span.1.max(seq)),
            None => self.spans.push((seq, seq)),
        }
        self.spans.sort_unstable();
        if self.spans.len() > MOST_SPANS
            && let Some(last) = self.spans.pop()
            && let Some(before) = self.spans.last_mut()
        {
            before.1 = last.1;
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = Writing::default();
        bytes.put(i64::try_from(self.spans.len()).unwrap_or(0));
        for (first, last) in &self.spans {
            bytes.put(*first);
            bytes.put(last - first);
        }
        for Tally { kind, filed, latest } in &self.tallies {
            bytes.put(kind.status * 8 + kind.direction);
            for number in [kind.agent, kind.group, kind.origin, *filed, *latest] {
                bytes.put(number);
            }
        }
        bytes.0
    }

    /// Reads a day; of a damaged one, what can be read.
    fn read(bytes: &[u8]) -> Self {
        let view = DayView(bytes);
        Self {
            spans: view.spans().collect(),
            tallies: view.tallies().collect(),
        }
    }
}

/// A day as it lies in its row. A list of three years looks at a thousand days with hundreds of tallies each, so
/// they are read one after the other and nothing is kept.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct DayView<'a>(pub(in crate::store) &'a [u8]);

impl<'a> DayView<'a> {
    /// Between which rows the day's records lie.
    pub(in crate::store) fn spans(self) -> impl Iterator<Item = (i64, i64)> + use<'a> {
        let mut numbers = Reading(self.0);
        let count = numbers.take().unwrap_or(0);
        (0..count).map_while(move |_| {
            let (first, length) = (numbers.take()?, numbers.take()?);
            Some((first, first.saturating_add(length)))
        })
    }

    /// How many records of which kind began on the day.
    pub(in crate::store) fn tallies(self) -> impl Iterator<Item = Tally> + use<'a> {
        let mut numbers = Reading(self.0);
        for _ in 0..numbers.take().unwrap_or(0) {
            if numbers.take().and_then(|_first| numbers.take()).is_none() {
                break;
            }
        }
        std::iter::from_fn(move || tally(&mut numbers))
    }
}

fn tally(numbers: &mut Reading<'_>) -> Option<Tally> {
    let [code, agent, group, origin, filed, latest] = numbers.take_six()?;
    let kind = Kind {
        status: code / 8,
        direction: code % 8,
        agent,
        group,
        origin,
    };
    Some(Tally { kind, filed, latest })
}

/// Counts a new row.
pub(in crate::store) fn add(
    connection: &Connection,
    started_ms: i64,
    kind: Kind,
    latest: bool,
    seq: i64,
) -> Result<(), rusqlite::Error> {
    change(connection, started_ms, |day| {
        day.count(kind, 1, i64::from(latest));
        day.stretch(seq);
    })
}

/// A row is no longer the newest version.
pub(in crate::store) fn supersede(
    connection: &Connection,
    started_ms: i64,
    kind: Kind,
) -> Result<(), rusqlite::Error> {
    change(connection, started_ms, |day| day.count(kind, 0, -1))
}

/// A row goes.
pub(in crate::store) fn take_away(
    connection: &Connection,
    started_ms: i64,
    kind: Kind,
    latest: bool,
) -> Result<(), rusqlite::Error> {
    change(connection, started_ms, |day| {
        day.count(kind, -1, -i64::from(latest))
    })
}

fn change(
    connection: &Connection,
    started_ms: i64,
    how: impl FnOnce(&mut Day),
) -> Result<(), rusqlite::Error> {
    let number = day(started_ms);
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT tallies FROM days WHERE day = ?1")?
        .query_row(params![number], |row| row.get(0))
        .optional()?;
    let mut day = bytes.map_or_else(Day::default, |bytes| Day::read(&bytes));
    how(&mut day);
    if day.tallies.is_empty() {
        connection
            .prepare_cached("DELETE FROM days WHERE day = ?1")?
            .execute(params![number])?;
    } else {
        connection
            .prepare_cached(
                "INSERT INTO days (day, tallies) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET tallies = excluded.tallies",
            )?
            .execute(params![number, day.write()])?;
    }
    Ok(())
}

/// Counts everything when nothing has been counted yet: the database comes from an earlier release.
pub(in crate::store) fn count_if_new(connection: &Connection) -> Result<(), rusqlite::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM cdrs) AND NOT EXISTS (SELECT 1 FROM days)";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    let mut days = std::collections::BTreeMap::<i64, Day>::new();
    {
        let mut select = transaction
            .prepare("SELECT seq, started_ms, latest, status, direction, agent, ring_group, origin FROM cdrs ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let one = days.entry(day(row.get(1)?)).or_default();
            one.count(Kind::read(row, 3)?, 1, row.get(2)?);
            one.stretch(row.get(0)?);
        }
        let mut insert = transaction.prepare("INSERT INTO days (day, tallies) VALUES (?1, ?2)")?;
        for (number, day) in days {
            insert.execute(params![number, day.write()])?;
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: i64, agent: i64) -> Kind {
        Kind {
            status,
            direction: 1,
            agent,
            group: 0,
            origin: 0,
        }
    }

    #[test]
    fn a_day_is_read_as_it_was_written() {
        let mut day = Day::default();
        for n in 0..500 {
            day.count(kind(1 + n % 6, n % 40 * 1000), 1, n % 2);
            day.stretch(n * 700_000);
        }
        assert_eq!(day.spans.len(), MOST_SPANS);
        assert_eq!(day.spans.last(), Some(&(7 * 700_000, 499 * 700_000)));
        assert_eq!(Day::read(&day.write()), day);
        let bytes = day.write();
        for end in 0..bytes.len() {
            // A damaged row is read as far as it goes.
            let _ = Day::read(&bytes[..end]);
        }
    }

    #[test]
    fn what_goes_is_no_longer_counted() {
        let mut day = Day::default();
        day.count(kind(1, 7), 1, 1);
        day.count(kind(1, 7), 1, 1);
        day.count(kind(1, 7), 0, -1);
        day.count(kind(1, 7), -1, 0);
        assert_eq!((day.tallies[0].filed, day.tallies[0].latest), (1, 1));
        day.count(kind(1, 7), -1, -1);
        assert_eq!(day.tallies, []);
    }
}
