//! Recordings as evidence: who holds one back from removal and why, what was changed on purpose, and a chain of hashes over
//! all of it.

use super::journal::{Durability, Journal};
use super::tables::{chain, kept, recordings};
use super::{Clock, Reader, StoreError, StoredRecording, filing};
use crate::model::{RecordingFacts, RecordingId, RecordingRow, RemovedMark, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something that was done to a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// What.
    pub what: DeedMark,
    /// When, where a person or a rule did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the file before, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// SHA-256 of the file after, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Size of the file after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The silenced span in milliseconds: its beginning and its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_ms: Option<(u64, u64)>,
}

/// What a [`Deed`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedMark {
    /// The file was completed, or mended after a crash.
    Written,
    /// A legal hold keeps it from removal.
    Held,
    /// The hold was lifted.
    Released,
    /// A span is about to be silenced.
    RedactionBegun,
    /// A span was silenced.
    Redacted,
    /// It was sealed with another key.
    Rekeyed,
    /// It was compressed.
    Archived,
    /// Its file was taken away.
    Removed,
}

impl Deed {
    /// A deed of which nothing else is known.
    pub fn new(what: DeedMark) -> Self {
        Self {
            what,
            at: None,
            by: None,
            reason: None,
            before: None,
            after: None,
            bytes: None,
            span_ms: None,
        }
    }
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainEntry {
    /// From 1, without a gap.
    pub place: u64,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
    /// SHA-256 over the hash of the entry before, the recording and the deed.
    pub hash: String,
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Entries.
    pub entries: u64,
    /// The place of the last.
    pub last_place: u64,
    /// Its hash; whoever keeps it elsewhere can tell later that nothing before it was changed.
    pub head: Option<String>,
    /// The first entry that does not follow from the one before it.
    pub broken_at: Option<u64>,
}

/// What the journal knows of a recording and its file.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRecording {
    /// What was written, and how far it came.
    pub stored: StoredRecording,
    /// Since when it is under legal hold.
    pub held_since: Option<String>,
    /// When its file was taken away, in ms since 1970.
    pub removed_ms: Option<i64>,
}

/// Changes what is known of recordings. Every method waits for a commit, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Evidence {
    journal: Journal,
    clock: Clock,
}

impl Evidence {
    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// Keeps a recording from every removal, or lets it go again. False: it was so already, or there is none.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn hold(
        &self,
        id: RecordingId,
        holds: bool,
        at: Stamp,
        by: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let what = if holds { DeedMark::Held } else { DeedMark::Released };
        let deed = Deed {
            at: Some(at),
            by: Some(by.to_owned()),
            reason: Some(reason.to_owned()),
            ..Deed::new(what)
        };
        let since = holds.then(|| at.to_string());
        self.journal.change(Durability::Synced, move |connection| {
            let changed = recordings::hold(connection, id, since.as_deref())?;
            if changed {
                chain::add(connection, id, &deed)?;
            }
            Ok(changed)
        })
    }

    /// Writes down what is about to be done to a file, before it is touched.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn note(&self, id: RecordingId, deed: Deed) -> Result<(), StoreError> {
        self.journal.change(Durability::Synced, move |connection| {
            chain::add(connection, id, &deed)
        })
    }

    /// The file is another one now, on purpose: its facts, the deed, and the next version of its call's record.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn changed(&self, row: &RecordingRow, facts: RecordingFacts, deed: Deed) -> Result<(), StoreError> {
        let (now, call) = (self.clock.unix_ms(), row.call_id);
        self.journal.change(Durability::Synced, move |connection| {
            chain::add(connection, facts.id, &deed)?;
            recordings::complete(connection, &facts)?;
            filing::amend(connection, call, now, |cdr| {
                let Some(known) = cdr.recording_mut(facts.id) else {
                    return false;
                };
                known.path.clone_from(&facts.path);
                known.sha256.clone_from(&facts.sha256);
                known.bytes = facts.bytes;
                true
            })?;
            Ok(())
        })
    }

    /// A person takes the file away: what is to be, before it is touched. False: it is held, or not here any more.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin_removal(&self, id: RecordingId, why: &str) -> Result<bool, StoreError> {
        let why = why.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
            kept::begin_removal(connection, id, &why)
        })
    }

    /// The file is gone: the row is its tombstone, and the call's record says so in its next version.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn removed(&self, row: &RecordingRow, why: &str, deed: Deed) -> Result<(), StoreError> {
        let now = self.clock.unix_ms();
        let (id, call, why) = (row.id, row.call_id, why.to_owned());
        let at = deed.at.unwrap_or(Stamp {
            unix_ms: now,
            offset_seconds: 0,
        });
        self.journal.change(Durability::Synced, move |connection| {
            if !kept::finish_removal(connection, id, &why, at.unix_ms)? {
                return Ok(());
            }
            chain::add(connection, id, &deed)?;
            filing::amend(connection, call, now, |cdr| {
                let Some(known) = cdr.recording_mut(id) else {
                    return false;
                };
                known.path.clear();
                known.removed = Some(RemovedMark { at, rule: why });
                true
            })?;
            Ok(())
        })
    }

    /// It could not be taken away, so it stays.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn forget_removal(&self, id: RecordingId) -> Result<(), StoreError> {
        self.journal.change(Durability::AtOnce, move |connection| {
            kept::forget_removal(connection, id)
        })
    }
}

impl Reader {
    /// What was done to a recording, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recording_deeds(&self, id: RecordingId) -> Result<Vec<ChainEntry>, StoreError> {
        self.look(|connection| Ok(chain::of(connection, id)?))
    }

    /// Computes the whole chain anew.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn check_recording_chain(&self) -> Result<ChainReport, StoreError> {
        let mut report = ChainReport::default();
        while self.look(|connection| Ok(chain::check(connection, &mut report)?))? {}
        Ok(report)
    }

    /// Which of these are under legal hold.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held_among(&self, ids: &[RecordingId]) -> Result<BTreeSet<RecordingId>, StoreError> {
        self.look(|connection| {
            let mut held = BTreeSet::new();
            for id in ids {
                if recordings::is_held(connection, *id)? {
                    held.insert(*id);
                }
            }
            Ok(held)
        })
    }

    /// How many recordings the journal knows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recording_count(&self) -> Result<u64, StoreError> {
        self.look(|connection| Ok(recordings::count(connection)?))
    }

    /// Recordings in whichever state, oldest first, behind `after`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known_recordings(
        &self,
        after: Option<RecordingId>,
        limit: usize,
    ) -> Result<Vec<KnownRecording>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.look(|connection| Ok(recordings::known(connection, after, limit)?))
    }

    /// One recording with what became of its file.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known_recording(&self, id: RecordingId) -> Result<Option<KnownRecording>, StoreError> {
        self.look(|connection| Ok(recordings::known_one(connection, id)?))
    }
}
