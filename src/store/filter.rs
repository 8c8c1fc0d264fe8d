use super::StoreError;
use super::tables::{cdrs, from_body, signed, unsigned, word};
use crate::model::{Cdr, Direction, Status};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Which call records to list. Filters only narrow; the order is always that of `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdrFilter {
    /// Only rows beyond this `seq`: higher ones, or lower ones when the newest come first.
    pub after: Option<u64>,
    /// The most rows to return; 1 to [`CdrFilter::MOST`].
    pub limit: usize,
    /// Only calls that started at this wall-clock time (ms since 1970) or later.
    pub from_ms: Option<i64>,
    /// Only calls that started at this wall-clock time (ms since 1970) or earlier.
    pub to_ms: Option<i64>,
    /// Only calls that went like this.
    pub status: Option<Status>,
    /// Only calls that went this way.
    pub direction: Option<Direction>,
    /// Only calls with this number as caller, dialled number or callee.
    pub number: Option<String>,
    /// Descending `seq`, as pages show it.
    pub newest_first: bool,
}

impl CdrFilter {
    /// The most rows of one page.
    pub const MOST: usize = 1000;
}

impl Default for CdrFilter {
    fn default() -> Self {
        Self {
            after: None,
            limit: 200,
            from_ms: None,
            to_ms: None,
            status: None,
            direction: None,
            number: None,
            newest_first: false,
        }
    }
}

/// One page of call records.
#[derive(Debug, Clone, PartialEq)]
pub struct CdrPage {
    /// The records with their `seq`, in the order asked for.
    pub items: Vec<(u64, Cdr)>,
    /// Whether more rows match beyond the last one.
    pub has_more: bool,
    /// The `seq` to continue after: of the last row looked at, also when that row could not be read.
    pub last_seq: Option<u64>,
    /// The lowest `seq` there is, whatever the filter.
    pub oldest_seq: Option<u64>,
    /// The highest `seq` there is, whatever the filter.
    pub latest_seq: Option<u64>,
}

/// Reads one page.
pub(super) fn page(connection: &Connection, filter: &CdrFilter) -> Result<CdrPage, StoreError> {
    let limit = filter.limit.clamp(1, CdrFilter::MOST);
    let (sql, values) = query(filter, limit + 1);
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(values))?;
    let (oldest_seq, latest_seq) = cdrs::ends(connection)?;
    let mut page = CdrPage {
        items: Vec::new(),
        has_more: false,
        last_seq: None,
        oldest_seq,
        latest_seq,
    };
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        if seen == limit {
            page.has_more = true;
            break;
        }
        seen += 1;
        let seq = unsigned(row.get(0)?);
        let body: String = row.get(1)?;
        page.last_seq = Some(seq);
        page.items
            .extend(from_body("cdrs", &seq.to_string(), &body).map(|cdr| (seq, cdr)));
    }
    Ok(page)
}

/// The statement is put together from fixed words; what the asker gave goes in as parameters.
fn query(filter: &CdrFilter, limit: usize) -> (String, Vec<Value>) {
    let mut sql = String::from("SELECT seq, body FROM cdrs WHERE true");
    let mut values = Vec::new();
    let mut narrow = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    };
    let beyond = if filter.newest_first {
        " AND seq < ?"
    } else {
        " AND seq > ?"
    };
    narrow(beyond, filter.after.map(|seq| signed(seq).into()));
    narrow(" AND started_ms >= ?", filter.from_ms.map(Value::from));
    narrow(" AND started_ms <= ?", filter.to_ms.map(Value::from));
    narrow(
        " AND status = ?",
        filter.status.map(|status| word(&status).into()),
    );
    narrow(
        " AND direction = ?",
        filter.direction.map(|direction| word(&direction).into()),
    );
    if let Some(number) = &filter.number {
        sql.push_str(" AND (caller = ? OR dialed = ? OR callee = ?)");
        values.extend(std::iter::repeat_n(Value::from(number.clone()), 3));
    }
    sql.push_str(if filter.newest_first {
        " ORDER BY seq DESC LIMIT ?"
    } else {
        " ORDER BY seq LIMIT ?"
    });
    values.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX)));
    (sql, values)
}
