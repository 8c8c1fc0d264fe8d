//! What waits for the places that copies of recordings go to.

use super::journal::{Durability, Journal};
use super::tables::uploads as table;
use super::{Clock, Reader, StoreError, filing};
use crate::model::{RecordingId, RecordingRow};
use serde::{Deserialize, Serialize};

/// One recording to copy.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadJob {
    /// Which, and where its file is.
    pub row: RecordingRow,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Under which key it was begun.
    pub key: Option<String>,
    /// The number of a large one that was begun.
    pub multipart: Option<String>,
    /// The parts of it that have arrived.
    pub parts: Vec<UploadPart>,
    /// SHA-256 of the file when it was begun: parts of another file are of no use.
    pub sent_sha256: Option<String>,
    /// Since when it waits, in ms since 1970.
    pub queued_ms: i64,
    /// SHA-256 of the file as it was completed.
    pub sha256: Option<String>,
    /// Its size then.
    pub bytes: Option<u64>,
}

/// A part of a large object that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadPart {
    /// What the place calls it.
    pub id: String,
    /// Its size.
    pub bytes: u64,
}

/// How it stands with one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StorageBacklog {
    /// The name of its `[[storage]]`.
    pub storage: String,
    /// Whether copies go there now.
    pub enabled: bool,
    /// Recordings that wait or are under way.
    pub pending: u64,
    /// Their bytes.
    pub pending_bytes: u64,
    /// Since when the oldest of them waits, in ms since 1970.
    pub oldest_ms: Option<i64>,
    /// Recordings that cannot be copied because the file here is at fault.
    pub failed: u64,
    /// Copies that were found to be the same, since the place was first named.
    pub verified: u64,
    /// Their bytes.
    pub verified_bytes: u64,
    /// When the last of them was, in ms since 1970.
    pub last_verified_ms: Option<i64>,
    /// Tries in vain since the last that went well.
    pub failures: u32,
    /// When it is tried again, in ms since 1970; 0 when it may be tried now.
    pub retry_at_ms: i64,
    /// What the last failed try said; nothing after one that went well.
    pub last_error: Option<String>,
    /// When that was, in ms since 1970.
    pub last_error_ms: Option<i64>,
}

/// What became of one recording's copy at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyView {
    /// The name of its `[[storage]]`.
    pub storage: String,
    /// `verified`; `older` where the file here was changed since and nothing goes there any more; `waiting` to be sent, for
    /// the first time or again; `not_sent` to a place that is switched off; `failed` for good.
    pub state: &'static str,
    /// Under which key it lies there, or was begun.
    pub key: Option<String>,
    /// Its size there.
    pub bytes: Option<u64>,
    /// When it was found to be the same, in ms since 1970.
    pub verified_ms: Option<i64>,
    /// What the last try in vain said.
    pub last_error: Option<String>,
}

/// The queue of copies. Every method waits for a commit, so async code that others share calls it from
/// `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Uploads {
    journal: Journal,
    clock: Clock,
}

impl Uploads {
    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// A new run begins with these places.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin(&self, names: &[String]) -> Result<(), StoreError> {
        let (names, now) = (names.to_vec(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            table::enable_only(connection, &names, now)
        })
    }

    /// The oldest recording that waits for a place and may be tried; it is under way from now on.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn take(&self, storage: &str) -> Result<Option<UploadJob>, StoreError> {
        let (name, now) = (storage.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::take(connection, &name, now)
        })
    }

    /// A copy is begun under this key, for a large one with its number; `sha256` is that of the file as it is now.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin_parts(
        &self,
        storage: &str,
        id: RecordingId,
        key: &str,
        multipart: Option<&str>,
        sha256: &str,
    ) -> Result<(), StoreError> {
        let (name, key, sha256) = (storage.to_owned(), key.to_owned(), sha256.to_owned());
        let multipart = multipart.map(str::to_owned);
        self.journal.change(Durability::AtOnce, move |connection| {
            table::begin_parts(connection, &name, id, (&key, multipart.as_deref(), &sha256))
        })
    }

    /// These parts have arrived, so that they need not be sent again.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn note_parts(&self, storage: &str, id: RecordingId, parts: &[UploadPart]) -> Result<(), StoreError> {
        let (name, parts) = (storage.to_owned(), parts.to_vec());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::note_parts(connection, &name, id, &parts)
        })
    }

    /// Parts that arrived are of no use any more.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn drop_parts(&self, storage: &str, id: RecordingId) -> Result<(), StoreError> {
        let name = storage.to_owned();
        self.journal.change(Durability::AtOnce, move |connection| {
            table::drop_parts(connection, &name, id)
        })
    }

    /// The copy lies there and was found to be the same. The call gets a next version of its record that says where. A file
    /// that was changed since the job was taken, by a redaction, is copied again at once.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn verified(
        &self,
        storage: &str,
        job: UploadJob,
        key: &str,
        bytes: u64,
        sha256: &str,
        url: Option<String>,
    ) -> Result<(), StoreError> {
        let (name, key, sha256) = (storage.to_owned(), key.to_owned(), sha256.to_owned());
        let now = self.clock.unix_ms();
        let UploadJob {
            row, sha256: taken, ..
        } = job;
        self.journal.change(Durability::Synced, move |connection| {
            table::verified(connection, &name, row.id, (&key, bytes, &sha256), now)?;
            table::again_if_changed(connection, &name, row.id, taken.as_deref())?;
            filing::amend(connection, row.call_id, now, |cdr| {
                let Some(facts) = cdr.recording_mut(row.id) else {
                    return false;
                };
                let is_news = url.is_some() && facts.url != url;
                if is_news {
                    facts.url = url;
                }
                is_news
            })?;
            Ok(())
        })
    }

    /// It did not go well: the recording waits until `next_at_ms`, the place until `retry_at_ms`.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn put_back(
        &self,
        storage: &str,
        id: RecordingId,
        error: &str,
        next_at_ms: i64,
        retry_at_ms: i64,
    ) -> Result<(), StoreError> {
        let (name, error, now) = (storage.to_owned(), error.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::put_back(connection, &name, id, &error, (next_at_ms, retry_at_ms, now))
        })
    }

    /// The file here is at fault; it is told, and not tried again until somebody asks for it.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn fail(&self, storage: &str, id: RecordingId, error: &str) -> Result<(), StoreError> {
        let (name, error) = (storage.to_owned(), error.to_owned());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::fail(connection, &name, id, &error)
        })
    }

    /// Has everything that waits for a place tried at once. How many that are; nothing when nobody has named it.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn hurry(&self, storage: &str) -> Result<Option<u64>, StoreError> {
        let name = storage.to_owned();
        self.journal.change(Durability::AtOnce, move |connection| {
            table::hurry(connection, &name)
        })
    }
}

impl Reader {
    /// When there is something to copy to a place: a time in the past for now, nothing when nothing waits.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_upload_ms(&self, storage: &str) -> Result<Option<i64>, StoreError> {
        self.look(|connection| Ok(table::next_at(connection, storage)?))
    }

    /// How it stands with every place ever named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn storages(&self) -> Result<Vec<StorageBacklog>, StoreError> {
        self.look(|connection| Ok(table::backlog(connection)?))
    }

    /// What became of the copies of a recording.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn copy_views(&self, id: RecordingId) -> Result<Vec<CopyView>, StoreError> {
        self.look(|connection| Ok(table::copy_views(connection, id)?))
    }

    /// Where the verified copies of a recording lie: place, key, size.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn copies(&self, id: RecordingId) -> Result<Vec<(String, String, u64)>, StoreError> {
        self.look(|connection| Ok(table::copies(connection, id)?))
    }
}
