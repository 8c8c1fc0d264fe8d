//! Rows that could not be taken over: looked at, tried again, thrown away.

use super::SyncBook;
use super::kept::{Fetched, Quarantined, Released};
use super::page::{self, Filer};
use crate::store::StoreError;
use crate::store::journal::Durability;
use crate::store::tables::{signed, unsigned};
use rusqlite::{Connection, OptionalExtension, Row, params};

const ROW: &str = "id, source, log, external_id, reason, raw, times, first_ms, last_ms";

/// What is to become of a row that was looked at again.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is a call after all.
    Call(Box<Fetched>),
    /// It is none, for this reason.
    StillNone(String),
}

impl SyncBook {
    /// Rows in quarantine, newest first, and how many there are.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quarantine(
        &self,
        source: Option<&str>,
        skip: u64,
        count: u64,
    ) -> Result<(Vec<Quarantined>, u64), StoreError> {
        let sql = [
            "SELECT ",
            ROW,
            " FROM pbx_quarantine WHERE (?1 IS NULL OR source = ?1) ORDER BY last_ms DESC, id DESC LIMIT ?2 OFFSET ?3",
        ]
        .concat();
        self.reader.look(|connection| {
            let rows = connection
                .prepare_cached(&sql)?
                .query_map(params![source, signed(count), signed(skip)], quarantined)?
                .collect::<Result<_, _>>()?;
            let total: i64 = connection
                .prepare_cached("SELECT count(*) FROM pbx_quarantine WHERE (?1 IS NULL OR source = ?1)")?
                .query_row([source], |row| row.get(0))?;
            Ok((rows, unsigned(total)))
        })
    }

    /// One row in quarantine.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quarantined(&self, id: i64) -> Result<Option<Quarantined>, StoreError> {
        let sql = ["SELECT ", ROW, " FROM pbx_quarantine WHERE id = ?1"].concat();
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(&sql)?
                .query_row([id], quarantined)
                .optional()?)
        })
    }

    /// The next rows of a source beyond this id, in the order in which they came.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn quarantined_after(
        &self,
        source: &str,
        after: i64,
        count: u64,
    ) -> Result<Vec<Quarantined>, StoreError> {
        let sql = [
            "SELECT ",
            ROW,
            " FROM pbx_quarantine WHERE source = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
        ]
        .concat();
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(&sql)?
                .query_map(params![source, after, signed(count)], quarantined)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// The highest id among the rows of a source; 0 when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_quarantined(&self, source: &str) -> Result<i64, StoreError> {
        let sql = "SELECT ifnull(max(id), 0) FROM pbx_quarantine WHERE source = ?1";
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(sql)?
                .query_row([source], |row| row.get(0))?)
        })
    }

    /// Files the rows that are calls after all and takes them out of quarantine; the others stay with their new
    /// reasons. One transaction; a row that is gone meanwhile is passed over.
    ///
    /// # Errors
    /// When the store cannot be written; nothing is changed then.
    pub fn release(&self, filer: Filer, verdicts: Vec<(i64, Verdict)>) -> Result<Released, StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            release(connection, &filer, &verdicts, now)
        })
    }

    /// Throws one row away. False when it is not there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn discard(&self, id: i64) -> Result<bool, StoreError> {
        self.journal.change(Durability::Synced, move |connection| {
            let sql = "DELETE FROM pbx_quarantine WHERE id = ?1";
            Ok(connection.execute(sql, [id])? == 1)
        })
    }

    /// Throws the rows of a source away up to this one, so that none goes that nobody has seen. Answers how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn discard_all(&self, source: &str, up_to: i64) -> Result<usize, StoreError> {
        let source = source.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
            let sql = "DELETE FROM pbx_quarantine WHERE source = ?1 AND id <= ?2";
            connection.execute(sql, params![source, up_to])
        })
    }

    /// Writes into a source's history what somebody did.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note(&self, source: &str, author: &str, change: &str) -> Result<(), StoreError> {
        let now = self.clock.unix_ms();
        let (source, author, change) = (source.to_owned(), author.to_owned(), change.to_owned());
        self.journal.change(Durability::Synced, move |connection| {
            super::book::note_change(connection, &source, now, &author, &change)
        })
    }
}

fn release(
    connection: &Connection,
    filer: &Filer,
    verdicts: &[(i64, Verdict)],
    unix_ms: i64,
) -> Result<Released, rusqlite::Error> {
    let mut released = Released::default();
    let mut calls = Vec::new();
    for (id, verdict) in verdicts {
        match verdict {
            Verdict::Call(fetched) => {
                let gone = connection
                    .prepare_cached("DELETE FROM pbx_quarantine WHERE id = ?1 AND source = ?2")?
                    .execute(params![id, filer.source])?;
                // What was kept is older than what the PBX has said of the call since.
                if gone == 1 && is_known(connection, filer, fetched)? {
                    released.known += 1;
                } else if gone == 1 {
                    calls.push(fetched.as_ref());
                }
            }
            Verdict::StillNone(reason) => {
                released.kept += connection
                    .prepare_cached("UPDATE pbx_quarantine SET reason = ?2 WHERE id = ?1")?
                    .execute(params![id, reason])?;
            }
        }
    }
    let counts = page::file_all(connection, filer, &calls, unix_ms)?;
    released.taken_over = calls.len();
    released.linked = counts.linked;
    Ok(released)
}

fn is_known(connection: &Connection, filer: &Filer, fetched: &Fetched) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM pbx_records WHERE external_id = ?1 AND source = ?2)")?
        .query_row(params![fetched.external_id, filer.source], |row| row.get(0))
}

fn quarantined(row: &Row<'_>) -> Result<Quarantined, rusqlite::Error> {
    Ok(Quarantined {
        id: row.get(0)?,
        source: row.get(1)?,
        log: row.get(2)?,
        external_id: row.get(3)?,
        reason: row.get(4)?,
        raw: row.get(5)?,
        times: unsigned(row.get(6)?),
        first_ms: row.get(7)?,
        last_ms: row.get(8)?,
    })
}
