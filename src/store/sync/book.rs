use super::kept::{
    ApiKey, Counts, Legs, LogPage, NewSync, Outcome, PageDone, PbxRecord, PbxSource, SourceChange, SyncLog,
    SyncPage, SyncStatus, SyncTotals, Written,
};
use super::page;
use crate::model::CallId;
use crate::store::journal::{Durability, Journal};
use crate::store::seal::{Seal, Sealer, place_of};
use crate::store::tables::{cdrs, signed, unsigned};
use crate::store::{Clock, Reader, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;

/// Sources, fetches and what was fetched. Reads go beside the writer, changes through it. Every method may wait for
/// the disk, so async code calls it from `spawn_blocking`.
#[derive(Clone)]
pub struct SyncBook {
    pub(super) journal: Journal,
    pub(super) reader: Reader,
    pub(super) clock: Clock,
    seal: Arc<Seal>,
}

impl std::fmt::Debug for SyncBook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SyncBook")
    }
}

/// No more entries stay in the log of fetches; the oldest go.
const LOGS: i64 = 5_000;
/// No more entries of a source's history are shown.
const CHANGES: i64 = 200;

const SOURCE: &str = "id, name, from_file, settings, api_key_sealed, created_ms, updated_ms, last_sync_ms, last_status, \
                      last_error, total_records, covered_from_ms, covered_to_ms, last_slot_ms";
const LOG: &str = "id, source, sync_type, status, from_ms, to_ms, leg_from_ms, leg_to_ms, next_offset, fetched, \
                   created, updated, unchanged, linked, skipped, error, details, can_resume, started_ms, progress_ms, \
                   completed_ms";

impl SyncBook {
    pub(in crate::store) fn new(journal: Journal, reader: Reader, clock: Clock, seal: Arc<Seal>) -> Self {
        Self {
            journal,
            reader,
            clock,
            seal,
        }
    }

    /// Every source that was not removed, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sources(&self) -> Result<Vec<PbxSource>, StoreError> {
        let sql = format!("SELECT {SOURCE} FROM pbx_sources WHERE removed = 0 ORDER BY name");
        let opener = self.opener();
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(&sql)?
                .query_map([], |row| source(row, opener.as_deref()))?
                .collect::<Result<_, _>>()?)
        })
    }

    /// One source that was not removed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn source(&self, id: &str) -> Result<Option<PbxSource>, StoreError> {
        let sql = format!("SELECT {SOURCE} FROM pbx_sources WHERE id = ?1 AND removed = 0");
        let opener = self.opener();
        self.reader.look(|connection| {
            Ok(connection
                .prepare_cached(&sql)?
                .query_row([id], |row| source(row, opener.as_deref()))
                .optional()?)
        })
    }

    /// What opens the keys. Without it the sources stand there without theirs, and their PBXs say so.
    fn opener(&self) -> Option<Arc<Sealer>> {
        match self.seal.opener() {
            Ok(opener) => opener,
            Err(error) => {
                tracing::error!(%error, "The keys of the PBX sources cannot be opened: {error}.");
                None
            }
        }
    }

    /// Whether there has ever been a source, removed ones included.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn had_sources(&self) -> Result<bool, StoreError> {
        self.reader.look(|connection| {
            Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM pbx_sources)", [], |row| row.get(0))?)
        })
    }

    /// Writes a source: a new one, one changed under its id, or one that comes back under the name of a removed one
    /// and so knows its records again. `change` goes into its history.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn write_source(
        &self,
        source: PbxSource,
        author: &str,
        change: &str,
    ) -> Result<(Written, String), StoreError> {
        let (author, change) = (author.to_owned(), change.to_owned());
        let sealer = match source.api_key.is_empty() {
            true => None,
            false => Some(self.seal.sealer()?),
        };
        self.journal.change(Durability::Synced, move |connection| {
            write_source(connection, &source, sealer.as_deref(), &author, &change)
        })
    }

    /// Removes a source; its records stay. False when there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn remove_source(&self, id: &str, author: &str) -> Result<bool, StoreError> {
        let (id, author, now) = (id.to_owned(), author.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            let sql = "UPDATE pbx_sources SET removed = 1, from_file = 0, api_key = '', api_key_sealed = x'', updated_ms = ?2
                       WHERE id = ?1 AND removed = 0";
            let removed = connection.execute(sql, params![id, now])? == 1;
            if removed {
                note_change(connection, &id, now, &author, r#"{"removed":true}"#)?;
            }
            Ok(removed)
        })
    }

    /// The history of a source, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn history(&self, id: &str) -> Result<Vec<SourceChange>, StoreError> {
        let sql = "SELECT at_ms, author, change FROM pbx_source_changes WHERE source = ?1 ORDER BY id DESC LIMIT ?2";
        self.reader.look(|connection| {
            let change = |row: &Row<'_>| {
                Ok(SourceChange {
                    at_ms: row.get(0)?,
                    author: row.get(1)?,
                    change: row.get(2)?,
                })
            };
            Ok(connection
                .prepare_cached(sql)?
                .query_map(params![id, CHANGES], change)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// Notes the last moment of a source's schedule that was served, so that a missed one is known at start.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note_slot(&self, id: &str, slot_ms: i64) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.journal.change(Durability::Patient, move |connection| {
            let sql = "UPDATE pbx_sources SET last_slot_ms = ?2 WHERE id = ?1";
            connection.execute(sql, params![id, slot_ms]).map(|_rows| ())
        })
    }

    /// Begins a fetch. Nothing when one of this source is running already; its id comes back then.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin(&self, new: NewSync) -> Result<Result<(), String>, StoreError> {
        let now = self.clock.unix_ms();
        self.journal
            .change(Durability::Synced, move |connection| begin(connection, &new, now))
    }

    /// Takes one page over, in one transaction: records, links, quarantine, progress.
    ///
    /// # Errors
    /// When the store cannot be written; nothing of the page is kept then.
    pub fn take_over(&self, page: SyncPage) -> Result<PageDone, StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            page::take_over(connection, &page, now)
        })
    }

    /// Ends a fetch and tells its source.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn finish(&self, log: &str, outcome: Outcome) -> Result<(), StoreError> {
        let (log, now) = (log.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            finish(connection, &log, &outcome, now)
        })
    }

    /// Closes what a killed daemon left running: `error`, `interrupted`, to be gone on with. Answers how many.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn close_interrupted(&self) -> Result<usize, StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            let running = connection
                .prepare("SELECT id FROM pbx_sync_logs WHERE status = 'running'")?
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            for log in &running {
                let outcome = Outcome {
                    error: Some("interrupted".to_owned()),
                    details: Some(
                        r#"{"cause":"the box was restarted while the fetch was running"}"#.to_owned(),
                    ),
                    can_resume: true,
                    covered: None,
                    forget_before: None,
                };
                finish(connection, log, &outcome, now)?;
            }
            Ok(running.len())
        })
    }

    /// One fetch.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn log(&self, id: &str) -> Result<Option<SyncLog>, StoreError> {
        let sql = format!("SELECT {LOG} FROM pbx_sync_logs WHERE id = ?1");
        self.reader
            .look(|connection| Ok(connection.prepare_cached(&sql)?.query_row([id], log).optional()?))
    }

    /// The newest fetch of a source.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_log(&self, source: &str) -> Result<Option<SyncLog>, StoreError> {
        Ok(self.logs(Some(source), 0, 1)?.items.into_iter().next())
    }

    /// Fetches, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn logs(&self, source: Option<&str>, skip: u64, count: u64) -> Result<LogPage, StoreError> {
        let condition = "(?1 IS NULL OR source = ?1)";
        let sql =
            format!("SELECT {LOG} FROM pbx_sync_logs WHERE {condition} ORDER BY id DESC LIMIT ?2 OFFSET ?3");
        let all = format!("SELECT count(*) FROM pbx_sync_logs WHERE {condition}");
        self.reader.look(|connection| {
            let items = connection
                .prepare_cached(&sql)?
                .query_map(params![source, signed(count), signed(skip)], log)?
                .collect::<Result<_, _>>()?;
            let total: i64 = connection
                .prepare_cached(&all)?
                .query_row([source], |row| row.get(0))?;
            Ok(LogPage {
                items,
                total: unsigned(total),
            })
        })
    }

    /// What the PBX said of the call that a record of the journal shows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn record_of(&self, cdr: CallId) -> Result<Option<PbxRecord>, StoreError> {
        let sql = "SELECT source, external_id, linked, raw, synced_ms, updated_ms FROM pbx_records
                   WHERE cdr_id = ?1 ORDER BY id LIMIT 1";
        self.reader.look(|connection| {
            let record = |row: &Row<'_>| {
                Ok(PbxRecord {
                    source: row.get(0)?,
                    external_id: row.get(1)?,
                    cdr_id: cdr,
                    linked: row.get(2)?,
                    raw: row.get(3)?,
                    synced_ms: row.get(4)?,
                    updated_ms: row.get(5)?,
                })
            };
            Ok(connection
                .prepare_cached(sql)?
                .query_row([cdrs::key(cdr)], record)
                .optional()?)
        })
    }

    /// Sums over everything fetched.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn totals(&self) -> Result<SyncTotals, StoreError> {
        self.reader.look(|connection| {
            let count = |sql: &str| -> Result<u64, rusqlite::Error> {
                let count: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
                Ok(unsigned(count))
            };
            Ok(SyncTotals {
                records: count("SELECT ifnull(sum(total_records), 0) FROM pbx_sources")?,
                linked: count("SELECT ifnull(sum(linked), 0) FROM pbx_sync_logs")?,
                quarantined: count("SELECT count(*) FROM pbx_quarantine")?,
            })
        })
    }
}

fn write_source(
    connection: &Connection,
    source: &PbxSource,
    sealer: Option<&Sealer>,
    author: &str,
    change: &str,
) -> Result<(Written, String), rusqlite::Error> {
    let owner: Option<(String, bool)> = connection
        .prepare_cached("SELECT id, removed FROM pbx_sources WHERE name = ?1")?
        .query_row([&source.name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let id = match owner {
        Some((id, false)) if id != source.id => return Ok((Written::NameTaken, id)),
        Some((id, true)) if id != source.id && exists(connection, &source.id)? => {
            return Ok((Written::NameTaken, id));
        }
        // The removed one of this name comes back; its id is what its records are known by.
        Some((id, _)) => id,
        None => source.id.clone(),
    };
    let key = match sealer {
        Some(sealer) => sealer
            .close(&place_of(&id), source.api_key.expose())
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
        None => Vec::new(),
    };
    connection
        .prepare_cached(
            "INSERT INTO pbx_sources (id, name, from_file, settings, api_key, api_key_sealed, created_ms, updated_ms,
                                      last_slot_ms)
             VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, from_file = excluded.from_file, removed = 0, settings = excluded.settings,
                 api_key = '', api_key_sealed = excluded.api_key_sealed, updated_ms = excluded.updated_ms, last_slot_ms = excluded.last_slot_ms",
        )?
        .execute(params![
            id,
            source.name,
            source.from_file,
            source.settings,
            key,
            source.created_ms,
            source.updated_ms,
            source.last_slot_ms,
        ])?;
    note_change(connection, &id, source.updated_ms, author, change)?;
    Ok((Written::Yes, id))
}

fn exists(connection: &Connection, id: &str) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM pbx_sources WHERE id = ?1)")?
        .query_row([id], |row| row.get(0))
}

pub(super) fn note_change(
    connection: &Connection,
    id: &str,
    at_ms: i64,
    author: &str,
    change: &str,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO pbx_source_changes (source, at_ms, author, change) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, at_ms, author, change])?;
    Ok(())
}

fn begin(connection: &Connection, new: &NewSync, now: i64) -> Result<Result<(), String>, rusqlite::Error> {
    let running: Option<String> = connection
        .prepare_cached("SELECT id FROM pbx_sync_logs WHERE source = ?1 AND status = 'running' LIMIT 1")?
        .query_row([&new.source], |row| row.get(0))
        .optional()?;
    if let Some(running) = running {
        return Ok(Err(running));
    }
    connection
        .prepare_cached(
            "INSERT INTO pbx_sync_logs (id, source, sync_type, status, from_ms, to_ms, leg_from_ms, leg_to_ms,
                                        next_offset, started_ms, progress_ms)
             VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?9)",
        )?
        .execute(params![
            new.id,
            new.source,
            new.sync_type,
            new.from_ms,
            new.to_ms,
            new.leg.from_ms,
            new.leg.to_ms,
            signed(new.leg.offset),
            now,
        ])?;
    connection
        .prepare_cached(
            "DELETE FROM pbx_sync_logs WHERE status <> 'running'
             AND id <= ifnull((SELECT id FROM pbx_sync_logs ORDER BY id DESC LIMIT 1 OFFSET ?1), '')",
        )?
        .execute([LOGS])?;
    Ok(Ok(()))
}

fn finish(connection: &Connection, log: &str, outcome: &Outcome, now: i64) -> Result<(), rusqlite::Error> {
    let status = if outcome.error.is_none() {
        "success"
    } else {
        "error"
    };
    connection
        .prepare_cached(
            "UPDATE pbx_sync_logs SET status = ?2, error = ?3, details = ?4, can_resume = ?5, completed_ms = ?6
             WHERE id = ?1 AND status = 'running'",
        )?
        .execute(params![log, status, outcome.error, outcome.details, outcome.can_resume, now])?;
    connection
        .prepare_cached(
            "UPDATE pbx_sources SET last_sync_ms = ?2, last_status = ?3, last_error = ?4
             WHERE id = (SELECT source FROM pbx_sync_logs WHERE id = ?1)",
        )?
        .execute(params![log, now, status, outcome.error])?;
    if let Some((from_ms, to_ms)) = outcome.covered {
        connection
            .prepare_cached(
                "UPDATE pbx_sources SET covered_from_ms = ?2, covered_to_ms = ?3
                 WHERE id = (SELECT source FROM pbx_sync_logs WHERE id = ?1)",
            )?
            .execute(params![log, from_ms, to_ms])?;
    }
    if let Some(before_ms) = outcome.forget_before {
        let source: String = connection
            .prepare_cached("SELECT source FROM pbx_sync_logs WHERE id = ?1")?
            .query_row([log], |row| row.get(0))?;
        page::prune(connection, &source, before_ms)?;
    }
    Ok(())
}

fn source(row: &Row<'_>, opener: Option<&Sealer>) -> Result<PbxSource, rusqlite::Error> {
    let id: String = row.get(0)?;
    let sealed: Vec<u8> = row.get(4)?;
    let key = opener.and_then(|opener| opener.open(&place_of(&id), &sealed));
    Ok(PbxSource {
        id,
        name: row.get(1)?,
        from_file: row.get(2)?,
        settings: row.get(3)?,
        api_key: ApiKey::from(key.unwrap_or_default().as_str()),
        created_ms: row.get(5)?,
        updated_ms: row.get(6)?,
        last_sync_ms: row.get(7)?,
        last_status: row.get(8)?,
        last_error: row.get(9)?,
        total_records: unsigned(row.get(10)?),
        covered_from_ms: row.get(11)?,
        covered_to_ms: row.get(12)?,
        last_slot_ms: row.get(13)?,
    })
}

fn log(row: &Row<'_>) -> Result<SyncLog, rusqlite::Error> {
    Ok(SyncLog {
        id: row.get(0)?,
        source: row.get(1)?,
        sync_type: row.get(2)?,
        status: SyncStatus::parse(&row.get::<_, String>(3)?),
        from_ms: row.get(4)?,
        to_ms: row.get(5)?,
        leg: Legs {
            from_ms: row.get(6)?,
            to_ms: row.get(7)?,
            offset: unsigned(row.get(8)?),
        },
        counts: Counts {
            fetched: unsigned(row.get(9)?),
            created: unsigned(row.get(10)?),
            updated: unsigned(row.get(11)?),
            unchanged: unsigned(row.get(12)?),
            linked: unsigned(row.get(13)?),
            skipped: unsigned(row.get(14)?),
        },
        error: row.get(15)?,
        details: row.get(16)?,
        can_resume: row.get(17)?,
        started_ms: row.get(18)?,
        progress_ms: row.get(19)?,
        completed_ms: row.get(20)?,
    })
}
