use super::connection::open_for_reading;
use super::proof::{self, Proof};
use super::tables::{calls, cdrs, from_body, meta, outbox, parked, replays};
use super::{CdrFilter, CdrPage, Consumer, ParkedRecord, Replay, ReplayRange, StoreError, consumers, lists};
use crate::model::{CallId, CallNote, Cdr, RecordingFacts, RecordingId, RecordingRow};
use rusqlite::{Connection, Row, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Looks at the store beside the writer, which it never makes wait. Cheap to clone; every method blocks on
/// the disk, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    epoch: String,
    /// Connections that nobody uses right now.
    idle: Mutex<Vec<Connection>>,
}

/// Connections kept open between questions; each costs up to 256 kB of cache.
const KEPT_CONNECTIONS: usize = 2;

/// A recording as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecording {
    /// What was to be written, and where.
    pub row: RecordingRow,
    /// How far it came.
    pub state: RecordingState,
    /// Set once the file has left this box: the rule that took it, and when, in ms since 1970.
    pub removed: Option<(String, i64)>,
    /// Since when a legal hold keeps it.
    pub held_since: Option<String>,
}

/// How far a recording came.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingState {
    /// The call goes on; the file grows.
    Open,
    /// The file is complete.
    Done(RecordingFacts),
    /// There is no usable file; the reason in plain words.
    Failed(String),
}

impl StoredRecording {
    /// The facts of a complete file.
    pub fn facts(&self) -> Option<&RecordingFacts> {
        match &self.state {
            RecordingState::Done(facts) => Some(facts),
            RecordingState::Open | RecordingState::Failed(_) => None,
        }
    }
}

/// Where the records begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The lowest `seq` that is kept; the next one to be given when none is.
    pub oldest_seq: u64,
    /// The highest `seq` ever given, also when its record is no longer kept; 0 when none was.
    pub latest_seq: u64,
}

/// How far one destination is behind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Backlog {
    /// The destination's name.
    pub upstream: String,
    /// Records that wait or are under way.
    pub pending: u64,
    /// When the oldest of them was filed, by the wall clock in ms since 1970.
    pub oldest_ms: Option<i64>,
    /// Records the destination will not take.
    pub parked: u64,
    /// Records acknowledged since the destination was first named.
    pub delivered: u64,
    /// The highest `seq` acknowledged.
    pub last_delivered_seq: Option<u64>,
    /// When that was, by the wall clock in ms since 1970.
    pub last_delivered_ms: Option<i64>,
    /// What the last failed attempt said; `None` after a success.
    pub last_error: Option<String>,
    /// When that was, by the wall clock in ms since 1970.
    pub last_error_ms: Option<i64>,
    /// The status it answered then, where its protocol has numbers.
    pub last_code: Option<u16>,
    /// Whether it is delivered to now.
    pub state: DeliveryState,
    /// Tries in vain since it last took something.
    pub failures: u32,
    /// When it is tried again, by the wall clock in ms since 1970; 0 when it may be tried now.
    pub retry_at_ms: i64,
    /// When it said that it is gone for good, by the wall clock in ms since 1970.
    pub gone_ms: Option<i64>,
    /// Whether new records are queued for it.
    pub enabled: bool,
}

/// Whether a destination is delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It takes records.
    Ok,
    /// It is left alone until `retry_at_ms`.
    BackingOff,
    /// One record is tried.
    Probing,
    /// It said that it is gone (HTTP 410); records wait until it is enabled or leads elsewhere.
    Disabled,
    /// It is not in the configuration, or turned off there.
    Off,
}

impl DeliveryState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BackingOff => "backing_off",
            Self::Probing => "probing",
            Self::Disabled => "disabled",
            Self::Off => "off",
        }
    }
}

impl Backlog {
    /// With the state that its facts make.
    pub(super) fn judged(mut self) -> Self {
        self.state = match (self.enabled, self.gone_ms, self.failures, self.retry_at_ms) {
            (false, ..) => DeliveryState::Off,
            (true, Some(_), ..) => DeliveryState::Disabled,
            (true, None, 0, _) => DeliveryState::Ok,
            (true, None, _, 0) => DeliveryState::Probing,
            (true, None, _, _) => DeliveryState::BackingOff,
        };
        self
    }
}

impl Reader {
    pub(super) fn new(path: PathBuf, epoch: String) -> Self {
        Self {
            shared: Arc::new(Shared {
                path,
                epoch,
                idle: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Looks at the store of a data directory from another process, whether a daemon works in it or not. Nothing is
    /// changed.
    ///
    /// # Errors
    /// When there is no database, or it cannot be read.
    pub fn beside(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("callpost.db");
        std::fs::metadata(&path).map_err(|cause| StoreError::File {
            path: path.clone(),
            cause,
        })?;
        let epoch = meta::get(&open_for_reading(&path)?, "epoch")?.unwrap_or_default();
        Ok(Self::new(path, epoch))
    }

    /// The identity of this database's life: another one means that cursors into the old one have expired.
    pub fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    /// A page of call records.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cdrs(&self, filter: &CdrFilter) -> Result<CdrPage, StoreError> {
        self.look(|connection| {
            // One view of the tables, however much is filed meanwhile.
            let view = connection.unchecked_transaction()?;
            lists::page(&view, filter)
        })
    }

    /// The newest version of a call's record, with its `seq`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cdr(&self, id: CallId) -> Result<Option<(u64, Cdr)>, StoreError> {
        self.look(|connection| {
            let found = cdrs::latest(connection, id)?;
            Ok(found.and_then(|(seq, body)| Some((seq, from_body("cdrs", &seq.to_string(), &body)?))))
        })
    }

    /// The details of a call, in the order they happened; empty when nothing is known of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn call_events(&self, call: CallId) -> Result<Vec<CallNote>, StoreError> {
        self.look(|connection| Ok(calls::notes(connection, call)?))
    }

    /// One recording or message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recording(&self, id: RecordingId) -> Result<Option<StoredRecording>, StoreError> {
        let sql = "SELECT id, state, body, facts, failure, removing, removed_ms, held_since FROM recordings WHERE id = ?1";
        self.look(|connection| Ok(recordings(connection, sql, params![id.to_string()])?.pop()))
    }

    /// Recordings and messages, newest first; `before` is the last one of the page before.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recordings(
        &self,
        limit: usize,
        before: Option<RecordingId>,
    ) -> Result<Vec<StoredRecording>, StoreError> {
        // Identities sort by time, so the newest has the highest.
        let sql = "SELECT id, state, body, facts, failure, removing, removed_ms, held_since FROM recordings
                   WHERE id < ifnull(?1, 'g') ORDER BY id DESC LIMIT ?2";
        let limit = i64::try_from(limit.clamp(1, CdrFilter::MOST)).unwrap_or(i64::MAX);
        let before = before.map(|id| id.to_string());
        self.look(|connection| Ok(recordings(connection, sql, params![before, limit])?))
    }

    /// Where the records begin and end.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn bounds(&self) -> Result<Bounds, StoreError> {
        self.look(|connection| {
            let latest_seq = cdrs::highest_filed(connection)?;
            let (oldest, _) = cdrs::ends(connection)?;
            Ok(Bounds {
                oldest_seq: oldest.unwrap_or(latest_seq + 1),
                latest_seq,
            })
        })
    }

    /// Readers that acknowledge, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        self.look(consumers::all)
    }

    /// What became of every record between two `seq` that was meant for a destination; `None` when nobody has named
    /// it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn proof(&self, upstream: &str, from_seq: u64, to_seq: u64) -> Result<Option<Proof>, StoreError> {
        self.look(|connection| proof::proof(connection, upstream, from_seq, to_seq))
    }

    /// The last replay of a destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn replay(&self, upstream: &str) -> Result<Option<Replay>, StoreError> {
        self.look(|connection| match outbox::known(connection, upstream)? {
            Some(upstream) => Ok(replays::last(connection, upstream)?),
            None => Ok(None),
        })
    }

    /// The names of the destinations whose replay is not done.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unfinished_replays(&self) -> Result<Vec<String>, StoreError> {
        self.look(|connection| Ok(replays::unfinished(connection)?))
    }

    /// How many records a replay of this range would send, and the range cut to what there is; `None` when nobody has
    /// named the destination.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count_replay(
        &self,
        upstream: &str,
        range: ReplayRange,
    ) -> Result<Option<(ReplayRange, u64)>, StoreError> {
        self.look(|connection| match outbox::known(connection, upstream)? {
            Some(_) => Ok(Some(replays::fitted(connection, range)?)),
            None => Ok(None),
        })
    }

    /// Parked records of a destination beyond `after_seq`, oldest first; `None` when nobody has named it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn parked(
        &self,
        upstream: &str,
        after_seq: u64,
        limit: usize,
    ) -> Result<Option<Vec<ParkedRecord>>, StoreError> {
        self.look(|connection| match outbox::known(connection, upstream)? {
            Some(upstream) => Ok(Some(parked::list(connection, upstream, after_seq, limit)?)),
            None => Ok(None),
        })
    }

    /// How far each destination ever named is behind.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.look(|connection| Ok(outbox::backlog(connection)?))
    }

    /// Lends an idle connection, or a new one, to a question. One that met an error is not used again.
    pub(super) fn look<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self
            .shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_for_reading(&self.shared.path)?,
        };
        let answer = question(&connection)?;
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_CONNECTIONS {
            idle.push(connection);
        }
        Ok(answer)
    }
}

fn recordings(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<StoredRecording>, rusqlite::Error> {
    let mut select = connection.prepare_cached(sql)?;
    let found = select
        .query_map(values, stored_recording)?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

pub(super) fn stored_recording(row: &Row<'_>) -> Result<Option<StoredRecording>, rusqlite::Error> {
    let (id, state, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let Some(about) = from_body("recordings", &id, &body) else {
        return Ok(None);
    };
    let facts: Option<String> = row.get(3)?;
    let facts = facts.and_then(|facts| from_body("recordings", &id, &facts));
    let state = match (facts, state.as_str()) {
        (Some(facts), _) => RecordingState::Done(facts),
        (None, "open") => RecordingState::Open,
        (None, _) => RecordingState::Failed(row.get::<_, Option<String>>(4)?.unwrap_or_default()),
    };
    let removed_ms: Option<i64> = row.get(6)?;
    let rule: Option<String> = row.get(5)?;
    Ok(Some(StoredRecording {
        row: about,
        state,
        removed: removed_ms.map(|at| (rule.unwrap_or_default(), at)),
        held_since: row.get(7)?,
    }))
}
