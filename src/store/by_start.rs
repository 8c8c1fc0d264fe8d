use super::StoreError;
use super::tables::packing::Packed;
use super::tables::tallies::direction_code;
use super::tables::{from_body, names, signed, unsigned};
use crate::model::{Cdr, Direction};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// A page of calls in the order in which they began, counted off from the first: what pullers of the PBX kind ask
/// for. Each call is there once, in its newest version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByStart {
    /// Only calls that began at this time (ms since 1970) or later.
    pub from_ms: i64,
    /// Only calls that began at this time (ms since 1970) or earlier.
    pub to_ms: i64,
    /// Only calls from exactly this number.
    pub caller: Option<String>,
    /// Only calls to exactly this dialled number.
    pub dialed: Option<String>,
    /// Only calls that are not between two phones of this box.
    pub without_internal: bool,
    /// How many calls to pass over.
    pub offset: u64,
    /// How many calls to return at most.
    pub limit: usize,
}

/// One second: the order within it is that of the identities.
const SECOND_MS: i64 = 1000;

/// Reads one page: by the second in which a call began, then by identity, so that a page stays what it is while
/// calls are added behind it.
///
/// The rows of the index are in the order of milliseconds. So the page is found in three looks: which second the first
/// call is in, how many calls began before that second, and all calls from there to the end of the page's last
/// second; those few are put in order here.
pub(super) fn page(connection: &Connection, wanted: &ByStart) -> Result<Vec<(u64, Cdr)>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let Some(sought) = Sought::resolve(&moment, wanted)? else {
        return Ok(Vec::new());
    };
    let Some(first_ms) = started_at(&moment, &sought, wanted.from_ms, wanted.offset)? else {
        return Ok(Vec::new());
    };
    let second = first_ms.div_euclid(SECOND_MS) * SECOND_MS;
    let begin = second.max(wanted.from_ms);
    let before = count_between(&moment, &sought, wanted.from_ms, begin)?;
    let skip = usize::try_from(wanted.offset.saturating_sub(before)).unwrap_or(usize::MAX);
    let reach = skip.saturating_add(wanted.limit);
    let last_place = u64::try_from(reach).unwrap_or(u64::MAX).saturating_sub(1);
    let end = match started_at(&moment, &sought, begin, last_place)? {
        Some(last_ms) => (last_ms.div_euclid(SECOND_MS) + 1) * SECOND_MS - 1,
        None => wanted.to_ms,
    };
    let mut keys = keys(&moment, &sought, begin, end.min(wanted.to_ms))?;
    keys.sort_by(|a, b| (a.second, &a.id).cmp(&(b.second, &b.id)));
    let mut rows = Vec::with_capacity(wanted.limit.min(keys.len()));
    for key in keys.iter().skip(skip).take(wanted.limit) {
        rows.extend(record(&moment, key.seq)?.map(|cdr| (key.seq, cdr)));
    }
    Ok(rows)
}

struct Key {
    second: i64,
    id: Vec<u8>,
    seq: u64,
}

/// The conditions of a page in the words of the table; nothing when a number was never met.
struct Sought {
    sql: String,
    numbers: Vec<Value>,
    to_ms: i64,
}

impl Sought {
    /// The conditions are put together from fixed words; what the asker gave goes in as parameters.
    fn resolve(connection: &Connection, wanted: &ByStart) -> Result<Option<Self>, rusqlite::Error> {
        // `latest = 1` as it stands in the index.
        let mut sql = String::from(" FROM cdrs WHERE latest = 1 AND started_ms BETWEEN ? AND ?");
        let mut numbers = Vec::new();
        for (condition, number) in [
            (" AND caller = ?", &wanted.caller),
            (" AND dialed = ?", &wanted.dialed),
        ] {
            let Some(number) = number else { continue };
            let Some(place) = names::known_number(connection, number)? else {
                return Ok(None);
            };
            sql.push_str(condition);
            numbers.push(Value::from(place));
        }
        if wanted.without_internal {
            sql.push_str(" AND direction <> ?");
            numbers.push(Value::from(direction_code(Direction::Internal)));
        }
        Ok(Some(Self {
            sql,
            numbers,
            to_ms: wanted.to_ms,
        }))
    }

    fn asked(&self, select: &str, from_ms: i64, to_ms: i64, rest: &str) -> (String, Vec<Value>) {
        let mut values = vec![Value::from(from_ms), Value::from(to_ms)];
        values.extend(self.numbers.iter().cloned());
        ([select, &self.sql, rest].concat(), values)
    }
}

/// When the call at this place, counted from 0 among those from `from_ms` on, began.
fn started_at(
    connection: &Connection,
    sought: &Sought,
    from_ms: i64,
    place: u64,
) -> Result<Option<i64>, rusqlite::Error> {
    let (sql, mut values) = sought.asked(
        "SELECT started_ms",
        from_ms,
        sought.to_ms,
        " ORDER BY started_ms LIMIT 1 OFFSET ?",
    );
    values.push(Value::from(signed(place)));
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))
        .optional()
}

fn count_between(
    connection: &Connection,
    sought: &Sought,
    from_ms: i64,
    before_ms: i64,
) -> Result<u64, rusqlite::Error> {
    let (sql, values) = sought.asked("SELECT count(*)", from_ms, before_ms.saturating_sub(1), "");
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))
        .map(unsigned)
}

fn keys(
    connection: &Connection,
    sought: &Sought,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Key>, rusqlite::Error> {
    let (sql, values) = sought.asked(
        "SELECT started_ms, cdr_id, seq",
        from_ms,
        to_ms,
        " ORDER BY started_ms",
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            Ok(Key {
                second: row.get::<_, i64>(0)?.div_euclid(SECOND_MS),
                id: bytes(row.get_ref(1)?),
                seq: unsigned(row.get(2)?),
            })
        })?
        .collect()
}

/// An identity as bytes that sort as it does, whichever way the table keeps it.
fn bytes(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Vec::new(),
    }
}

fn record(connection: &Connection, seq: u64) -> Result<Option<Cdr>, rusqlite::Error> {
    let body: Option<Packed> = connection
        .prepare_cached("SELECT body FROM cdrs WHERE seq = ?1")?
        .query_row([signed(seq)], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| from_body("cdrs", &seq.to_string(), &body.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::connection::open_for_writing;

    /// S0-156: however far into the list a page is, the way there leads through the index alone.
    #[test]
    fn the_way_to_a_page_never_touches_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_for_writing(&dir.path().join("callpost.db")).unwrap();
        let sought = Sought::resolve(&connection, &ByStart::default())
            .unwrap()
            .unwrap();
        for (select, rest) in [
            ("EXPLAIN QUERY PLAN SELECT count(*)", ""),
            (
                "EXPLAIN QUERY PLAN SELECT started_ms",
                " ORDER BY started_ms LIMIT 1 OFFSET 9",
            ),
        ] {
            let (sql, values) = sought.asked(select, 0, 1, rest);
            let plan: Vec<String> = connection
                .prepare(&sql)
                .unwrap()
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(
                plan,
                ["SEARCH cdrs USING COVERING INDEX cdrs_newest_by_start (started_ms>? AND started_ms<?)"],
                "{sql}"
            );
        }
    }
}
