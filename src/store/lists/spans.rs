use super::sought::{Sought, Walk};
use crate::store::tables::tallies::{DAY_MS, DayView, day};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

/// Rows from one `seq` to another, or times from one to another (ms since 1970), both included.
pub(super) type Span = (i64, i64);

/// From the first to the last moment of a day.
pub(super) fn of_day(day: i64) -> Span {
    (day * DAY_MS, day * DAY_MS + DAY_MS - 1)
}

/// Where the rows are that can be what is sought: every match lies in one of the spans, which are ascending and apart.
pub(super) fn of(
    connection: &Connection,
    sought: &Sought,
    within: Span,
) -> Result<Vec<Span>, rusqlite::Error> {
    let mut all: Vec<Span> = Vec::new();
    each_day(connection, sought, |_, day| {
        let overlap = |(first, last): Span| (first.max(within.0), last.min(within.1));
        let before = all.len();
        all.extend(day.spans().map(overlap).filter(|(first, last)| first <= last));
        if all.len() > before && !sought.has_some(day) {
            all.truncate(before);
        }
        Ok(())
    })?;
    all.sort_unstable();
    let mut spans: Vec<Span> = Vec::new();
    for (first, last) in all {
        match spans.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            Some(_) | None => spans.push((first, last)),
        }
    }
    Ok(spans)
}

/// How many rows match on each day that has any, ascending. Days of which only a part is asked for are counted row by
/// row.
pub(super) fn by_day(connection: &Connection, sought: &Sought) -> Result<Vec<(i64, u64)>, rusqlite::Error> {
    let mut days = Vec::new();
    each_day(connection, sought, |number, day| {
        let (begin, end) = of_day(number);
        let cut = sought.from_ms.is_some_and(|from| from > begin) || sought.to_ms.is_some_and(|to| to < end);
        let count = match sought.count(day) {
            0 => 0,
            _ if cut => count_between(connection, sought, (begin, end))?,
            count => count,
        };
        if count > 0 {
            days.push((number, count));
        }
        Ok(())
    })?;
    Ok(days)
}

fn each_day(
    connection: &Connection,
    sought: &Sought,
    mut look: impl FnMut(i64, DayView<'_>) -> Result<(), rusqlite::Error>,
) -> Result<(), rusqlite::Error> {
    let (from, to) = (
        sought.from_ms.map_or(i64::MIN, day),
        sought.to_ms.map_or(i64::MAX, day),
    );
    let mut select = connection
        .prepare_cached("SELECT day, tallies FROM days WHERE day BETWEEN ?1 AND ?2 ORDER BY day")?;
    let mut rows = select.query(params![from, to])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
        look(row.get(0)?, DayView(bytes))?;
    }
    Ok(())
}

/// How many rows that began between two times match, counted row by row.
pub(super) fn count_between(
    connection: &Connection,
    sought: &Sought,
    span: Span,
) -> Result<u64, rusqlite::Error> {
    let (sql, values) = counting(sought);
    let all = [Value::from(span.0), Value::from(span.1)]
        .into_iter()
        .chain(values);
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(all), |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

/// The statement that counts what began between two times.
pub(super) fn counting(sought: &Sought) -> (String, Vec<Value>) {
    let (conditions, values) = sought.conditions(Walk::Start);
    let sql = [
        "SELECT count(*) FROM cdrs WHERE started_ms BETWEEN ? AND ?",
        &conditions,
    ]
    .concat();
    (sql, values)
}
