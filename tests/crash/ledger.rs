//! The database, looked at from outside with plain SQLite, in a copy so that the daemon finds its own as it was left.

use crate::driver::{Word, call_id};
use crate::hostile::Given;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

/// What a data directory holds.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The records in the order of their rows.
    pub(crate) rows: Vec<Given>,
    open: HashSet<String>,
    complaint: String,
}

impl Ledger {
    /// Copies the database with its log, recovers the copy as SQLite does after a crash, and reads it.
    #[track_caller]
    pub(crate) fn of(data: &Path) -> Self {
        let copy = tempfile::tempdir().expect("a folder can be made");
        for name in ["callpost.db", "callpost.db-wal"] {
            if data.join(name).exists() {
                fs::copy(data.join(name), copy.path().join(name)).expect("the database can be copied");
            }
        }
        let connection = Connection::open(copy.path().join("callpost.db")).expect("the copy opens");
        let complaint = connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .unwrap_or_else(|error| error.to_string());
        let rows = || -> Result<Vec<Given>, rusqlite::Error> {
            connection
                .prepare("SELECT seq, cdr_id, version FROM cdrs ORDER BY seq")?
                .query_map([], |row| {
                    let (id, version): (Vec<u8>, u32) = (row.get(1)?, row.get(2)?);
                    let id = uuid::Uuid::from_slice(&id).unwrap_or_default();
                    Ok(Given {
                        seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                        id: format!("{id}_{version}"),
                    })
                })?
                .collect()
        };
        let open = || -> Result<HashSet<String>, rusqlite::Error> {
            connection
                .prepare("SELECT call_id FROM open_calls")?
                .query_map([], |row| row.get(0))?
                .collect()
        };
        Self {
            rows: read_or_none(rows()),
            open: read_or_none(open()),
            complaint,
        }
    }

    /// SQLite finds nothing wrong, and row follows row.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.complaint, "ok", "integrity_check");
        for (place, row) in (1_u64..).zip(&self.rows) {
            assert_eq!(row.seq, place, "no number is left out");
        }
    }

    /// Every record that was acknowledged is in the row it was acknowledged for; every call whose row was
    /// acknowledged is filed or still open.
    #[track_caller]
    pub(crate) fn assert_holds(&self, said: &[Word]) {
        let lost = self.lost(said);
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }

    /// What was acknowledged and is not there.
    pub(crate) fn lost(&self, said: &[Word]) -> Vec<Word> {
        let rows: HashMap<u64, &str> = self.rows.iter().map(|row| (row.seq, row.id.as_str())).collect();
        let filed: HashSet<&str> = self.rows.iter().map(|row| row.id.as_str()).collect();
        let is_lost = |word: &&Word| match word {
            Word::Opened(call) => {
                let id = call_id(*call).to_string();
                !self.open.contains(&id) && !filed.contains(format!("{id}_1").as_str())
            }
            Word::Filed(call, seq) => {
                rows.get(seq).copied() != Some(format!("{}_1", call_id(*call)).as_str())
            }
            Word::Open { .. }
            | Word::NotOpen(_)
            | Word::SetAside(_)
            | Word::Refused(_)
            | Word::Trouble(_)
            | Word::Stuck(_)
            | Word::Done => false,
        };
        said.iter().filter(is_lost).cloned().collect()
    }
}

/// A kill may come before there is any table; another error is one of this test.
#[track_caller]
fn read_or_none<T: Default>(read: Result<T, rusqlite::Error>) -> T {
    match read {
        Ok(found) => found,
        Err(error) if error.to_string().contains("no such table") => T::default(),
        Err(error) => panic!("the database cannot be read: {error}"),
    }
}
