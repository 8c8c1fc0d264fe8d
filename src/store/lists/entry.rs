use super::sought::Sought;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

/// What the index of a number tells of a row. The row itself, which lies anywhere in the file, is not read for it: a
/// thousand calls of one number are a thousand places on the disk, but a few pages of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) started_ms: i64,
}

/// The order goes by whole seconds, as those who count pages see them.
const SECOND_MS: i64 = 1000;

impl Entry {
    /// The second since 1970 in which the call began.
    pub(super) fn second(self) -> i64 {
        self.started_ms.div_euclid(SECOND_MS)
    }

    /// Reads the columns `seq, started_ms`.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            seq: row.get(0)?,
            started_ms: row.get(1)?,
        })
    }
}

/// A column with numbers; each has an index with the start, whether the row is the newest version, and the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Caller,
    Dialed,
    Callee,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Caller, Self::Dialed, Self::Callee];

    fn column(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Dialed => "dialed",
            Self::Callee => "callee",
        }
    }
}

/// The statement that finds the rows with one of these numbers (a JSON array) in their role, in no order.
pub(super) fn having(role: Role) -> String {
    entries(role, "IN (SELECT value FROM json_each(?1))", "")
}

/// The statement that finds the rows with this number in their role, the last to begin first.
pub(super) fn newest_having(role: Role) -> String {
    entries(role, "= ?1", "ORDER BY started_ms DESC ")
}

fn entries(role: Role, is: &str, order: &str) -> String {
    let column = role.column();
    format!(
        "SELECT seq, started_ms FROM cdrs
         WHERE {column} {is} AND started_ms BETWEEN ?2 AND ?3 AND latest >= ?4
           AND (?5 IS NULL OR +status IN (?5, ?6)) {order}LIMIT ?7"
    )
}

/// Runs one of these statements for a number or numbers, with what else the index tells: the start, the version, and
/// the status.
pub(super) fn read(
    connection: &Connection,
    sql: &str,
    numbers: Value,
    sought: &Sought,
    most: usize,
) -> Result<Vec<Entry>, rusqlite::Error> {
    let (from_ms, to_ms) = sought.whole();
    let (status, or_status) = sought.status().unzip();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let values = [
        numbers,
        Value::from(from_ms),
        Value::from(to_ms),
        Value::from(i64::from(sought.latest_only)),
        Value::from(status),
        Value::from(or_status),
        Value::from(most),
    ];
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params_from_iter(values), Entry::read)?;
    rows.collect()
}
