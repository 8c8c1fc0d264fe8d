use super::StoreError;
use super::tables::{cdrs, from_body, signed, unsigned, word};
use crate::model::{AgentId, Cdr, Direction, GroupName, Status};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Which call records to list. Filters only narrow; the order is that of `seq`, or of the start with
/// [`CdrFilter::by_start`].
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
    /// Only calls with such a number as caller, dialled number or callee.
    pub number: Option<NumberMatch>,
    /// Only calls that this person took.
    pub agent: Option<AgentId>,
    /// Only calls for which this group was rung last.
    pub group: Option<GroupName>,
    /// Only records that were first written here, or there.
    pub origin: Option<OriginMatch>,
    /// Only the newest version of each record, so that a call is listed once.
    pub latest_only: bool,
    /// Descending, as pages show it.
    pub newest_first: bool,
    /// In the order of the calls' start in place of `seq`, for people who turn pages by number: a record fetched
    /// late then stands where it belongs. `after` is not used.
    pub by_start: bool,
    /// So many matching rows are passed over first; for lists with page numbers.
    pub offset: u64,
    /// Whether [`CdrPage::total`] is wanted.
    pub count: bool,
}

/// How a number has to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberMatch {
    /// This and nothing else.
    Exact(String),
    /// It begins like this.
    Prefix(String),
    /// It ends like this.
    Suffix(String),
    /// It has this somewhere.
    Any(String),
}

/// Who wrote a record first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginMatch {
    /// This box, about its own calls.
    Own,
    /// The source of this name.
    Source(String),
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
            agent: None,
            group: None,
            origin: None,
            latest_only: false,
            newest_first: false,
            by_start: false,
            offset: 0,
            count: false,
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
    /// How many rows match in all, when that was asked for.
    pub total: Option<u64>,
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
        total: filter.count.then(|| total(connection, filter)).transpose()?,
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
    let (mut sql, mut values) = conditions(filter);
    sql.insert_str(0, "SELECT seq, body FROM cdrs WHERE true");
    sql.push_str(match (filter.by_start, filter.newest_first) {
        (false, false) => " ORDER BY seq",
        (false, true) => " ORDER BY seq DESC",
        (true, false) => " ORDER BY started_ms, seq",
        (true, true) => " ORDER BY started_ms DESC, seq DESC",
    });
    sql.push_str(" LIMIT ? OFFSET ?");
    values.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX)));
    values.push(Value::from(signed(filter.offset)));
    (sql, values)
}

fn total(connection: &Connection, filter: &CdrFilter) -> Result<u64, rusqlite::Error> {
    let (mut sql, values) = conditions(filter);
    sql.insert_str(0, "SELECT count(*) FROM cdrs WHERE true");
    connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(values), |row| row.get(0))
        .map(unsigned)
}

fn conditions(filter: &CdrFilter) -> (String, Vec<Value>) {
    let mut sql = String::new();
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
    let after = filter.after.filter(|_| !filter.by_start);
    narrow(beyond, after.map(|seq| signed(seq).into()));
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
    let text = |name: &str| Value::from(name.to_owned());
    narrow(
        " AND agent = ?",
        filter.agent.as_ref().map(|agent| text(agent.as_str())),
    );
    narrow(
        " AND ring_group = ?",
        filter.group.as_ref().map(|group| text(group.as_str())),
    );
    narrow(" AND latest = ?", filter.latest_only.then(|| Value::from(1)));
    match &filter.origin {
        None => {}
        Some(OriginMatch::Own) => sql.push_str(" AND origin IS NULL"),
        Some(OriginMatch::Source(source)) => {
            sql.push_str(" AND origin = ?");
            values.push(text(source));
        }
    }
    if let Some(number) = &filter.number {
        let (condition, value) = number.condition();
        sql.push_str(condition);
        values.extend(std::iter::repeat_n(Value::from(value), 3));
    }
    (sql, values)
}

impl NumberMatch {
    fn condition(&self) -> (&'static str, String) {
        const EXACT: &str = " AND (caller = ? OR dialed = ? OR callee = ?)";
        const LIKE: &str =
            r" AND (caller LIKE ? ESCAPE '\' OR dialed LIKE ? ESCAPE '\' OR callee LIKE ? ESCAPE '\')";
        let escaped = |text: &str| text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        match self {
            Self::Exact(text) => (EXACT, text.clone()),
            Self::Prefix(text) => (LIKE, format!("{}%", escaped(text))),
            Self::Suffix(text) => (LIKE, format!("%{}", escaped(text))),
            Self::Any(text) => (LIKE, format!("%{}%", escaped(text))),
        }
    }
}
