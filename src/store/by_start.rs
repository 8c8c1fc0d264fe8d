use super::StoreError;
use super::tables::packing::Packed;
use super::tables::{from_body, signed, unsigned};
use crate::model::Cdr;
use rusqlite::types::Value;
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
    let Some(first_ms) = started_at(&moment, wanted, wanted.from_ms, wanted.offset)? else {
        return Ok(Vec::new());
    };
    let second = first_ms.div_euclid(SECOND_MS) * SECOND_MS;
    let begin = second.max(wanted.from_ms);
    let before = count_before(&moment, wanted, begin)?;
    let skip = usize::try_from(wanted.offset.saturating_sub(before)).unwrap_or(usize::MAX);
    let reach = skip.saturating_add(wanted.limit);
    let last_place = u64::try_from(reach).unwrap_or(u64::MAX).saturating_sub(1);
    let end = match started_at(&moment, wanted, begin, last_place)? {
        Some(last_ms) => (last_ms.div_euclid(SECOND_MS) + 1) * SECOND_MS - 1,
        None => wanted.to_ms,
    };
    let mut keys = keys(&moment, wanted, begin, end.min(wanted.to_ms))?;
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

/// The conditions of a page, put together from fixed words; what the asker gave goes in as parameters.
fn conditions(wanted: &ByStart) -> (String, Vec<Value>) {
    // `latest = 1` as it stands in the index.
    let mut sql = String::from(" FROM cdrs WHERE latest = 1 AND started_ms BETWEEN ? AND ?");
    let mut values = Vec::new();
    for (condition, number) in [
        (
            " AND caller = (SELECT id FROM numbers WHERE number = ?)",
            &wanted.caller,
        ),
        (
            " AND dialed = (SELECT id FROM numbers WHERE number = ?)",
            &wanted.dialed,
        ),
    ] {
        if let Some(number) = number {
            sql.push_str(condition);
            values.push(Value::from(number.clone()));
        }
    }
    if wanted.without_internal {
        // 3 is internal, as the table keeps it.
        sql.push_str(" AND direction <> 3");
    }
    (sql, values)
}

fn asked(select: &str, wanted: &ByStart, from_ms: i64, to_ms: i64, rest: &str) -> (String, Vec<Value>) {
    let (conditions, numbers) = conditions(wanted);
    let mut values = vec![Value::from(from_ms), Value::from(to_ms)];
    values.extend(numbers);
    ([select, &conditions, rest].concat(), values)
}

/// When the call at this place, counted from 0 among those from `from_ms` on, began.
fn started_at(
    connection: &Connection,
    wanted: &ByStart,
    from_ms: i64,
    place: u64,
) -> Result<Option<i64>, rusqlite::Error> {
    let (sql, mut values) = asked(
        "SELECT started_ms",
        wanted,
        from_ms,
        wanted.to_ms,
        " ORDER BY started_ms LIMIT 1 OFFSET ?",
    );
    values.push(Value::from(signed(place)));
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))
        .optional()
}

fn count_before(connection: &Connection, wanted: &ByStart, before_ms: i64) -> Result<u64, rusqlite::Error> {
    let (sql, values) = asked(
        "SELECT count(*)",
        wanted,
        wanted.from_ms,
        before_ms.saturating_sub(1),
        "",
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))
        .map(unsigned)
}

fn keys(
    connection: &Connection,
    wanted: &ByStart,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Key>, rusqlite::Error> {
    let (sql, values) = asked(
        "SELECT started_ms, cdr_id, seq",
        wanted,
        from_ms,
        to_ms,
        " ORDER BY started_ms",
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| {
            Ok(Key {
                second: row.get::<_, i64>(0)?.div_euclid(SECOND_MS),
                id: row.get(1)?,
                seq: unsigned(row.get(2)?),
            })
        })?
        .collect()
}

fn record(connection: &Connection, seq: u64) -> Result<Option<Cdr>, rusqlite::Error> {
    let body: Option<Packed> = connection
        .prepare_cached("SELECT body FROM cdrs WHERE seq = ?1")?
        .query_row([signed(seq)], |row| row.get(0))
        .optional()?;
    Ok(body.and_then(|body| from_body("cdrs", &seq.to_string(), &body.0)))
}
