use super::connection::{complaints, damage, open_for_reading};
use super::keeping::used_bytes;
use super::tables::outbox;
use super::{Backlog, StoreError};
use rusqlite::Connection;
use serde::Serialize;
use std::path::Path;

/// What a look at the whole database finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// Damaged pages and broken indexes, the first hundred; empty when the file is sound.
    pub damage: Vec<String>,
    /// Bytes of the database that hold something.
    pub used_bytes: u64,
    /// Rows, every version counted.
    pub rows: u64,
    /// Records, each call counted once.
    pub records: u64,
    /// The lowest row number.
    pub oldest_seq: Option<u64>,
    /// The highest row number.
    pub latest_seq: Option<u64>,
    /// Rows that are there a second time under the same identity and version.
    pub duplicates: u64,
    /// Records that have no newest version, or several.
    pub unclear: u64,
    /// Row numbers between the lowest and the highest that are not there, as ranges; the first twenty.
    pub gaps: Vec<(u64, u64)>,
    /// Calls that have not ended, or were cut by a stop and are closed at the next start.
    pub open_calls: u64,
    /// What waits for each destination.
    pub outbox: Vec<Backlog>,
}

impl Examination {
    /// Whether nothing is wrong. Gaps are not wrong: records that somebody still waits for outlive their neighbours.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.duplicates == 0 && self.unclear == 0
    }
}

/// Asked of the rows, not of the index that forbids them.
const DUPLICATES: &str =
    "SELECT count(*) - count(DISTINCT hex(cdr_id) || '_' || version) FROM cdrs NOT INDEXED";
const UNCLEAR: &str = "SELECT count(*) FROM (SELECT 1 FROM cdrs GROUP BY cdr_id HAVING sum(latest) <> 1)";

/// Looks at the database of a data directory without changing it, beside a running daemon or without one.
///
/// # Errors
/// When there is none, or it cannot be read at all.
pub fn examine(dir: &Path) -> Result<Examination, StoreError> {
    let path = dir.join("callpost.db");
    std::fs::metadata(&path).map_err(|cause| StoreError::File {
        path: path.clone(),
        cause,
    })?;
    let connection = open_for_reading(&path)?;
    let view = connection.unchecked_transaction()?;
    let number = |sql: &str| {
        view.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    let damage = match complaints(&view, 100) {
        // Damage that stops the check itself is damage all the same.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            vec![error.to_string()]
        }
        found => found?,
    };
    if !damage.is_empty() {
        // What cannot be counted any more is no reason to tell nothing.
        let count = |sql: &str| number(sql).unwrap_or(0);
        let (oldest_seq, latest_seq) = super::tables::cdrs::ends(&view).unwrap_or_default();
        return Ok(Examination {
            damage,
            used_bytes: used_bytes(&view).unwrap_or(0),
            rows: count("SELECT count(*) FROM cdrs"),
            records: count("SELECT count(DISTINCT cdr_id) FROM cdrs"),
            oldest_seq,
            latest_seq,
            duplicates: count(DUPLICATES),
            unclear: count(UNCLEAR),
            gaps: gaps(&view).unwrap_or_default(),
            open_calls: count("SELECT count(*) FROM open_calls"),
            outbox: outbox::backlog(&view).unwrap_or_default(),
        });
    }
    let (oldest_seq, latest_seq) = super::tables::cdrs::ends(&view)?;
    Ok(Examination {
        damage,
        used_bytes: used_bytes(&view)?,
        rows: number("SELECT count(*) FROM cdrs")?,
        records: number("SELECT count(DISTINCT cdr_id) FROM cdrs")?,
        oldest_seq,
        latest_seq,
        duplicates: number(DUPLICATES)?,
        unclear: number(UNCLEAR)?,
        gaps: gaps(&view)?,
        open_calls: number("SELECT count(*) FROM open_calls")?,
        outbox: outbox::backlog(&view)?,
    })
}

/// Looks at what a start needs of the database of a data directory: quick however large it is, where [`examine`] looks at
/// every page. The first damage, if any.
///
/// # Errors
/// When there is none, or it cannot be read at all.
pub fn look_briefly(dir: &Path) -> Result<Option<String>, StoreError> {
    let path = dir.join("callpost.db");
    let connection = open_for_reading(&path)?;
    Ok(damage(&connection, &path)?)
}

fn gaps(view: &Connection) -> Result<Vec<(u64, u64)>, rusqlite::Error> {
    view.prepare(
        "SELECT seq + 1, next - 1 FROM (SELECT seq, lead(seq) OVER (ORDER BY seq) AS next FROM cdrs)
         WHERE next > seq + 1 LIMIT 20",
    )?
    .query_map([], |row| {
        let (from, to): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok((from.unsigned_abs(), to.unsigned_abs()))
    })?
    .collect()
}
