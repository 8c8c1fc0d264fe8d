//! What becomes of recordings after their calls: which are here, which rule takes one away, and what is left of it.

use super::evidence::{Deed, DeedMark};
use super::journal::{Durability, Journal};
use super::tables::{chain, kept};
use super::{Clock, Reader, StoreError, filing};
use crate::model::{RecordingId, RecordingRow, RemovedMark, Stamp};
use serde::{Deserialize, Serialize};

/// A recording whose file is on this box.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRecording {
    /// What was written, and where.
    pub row: RecordingRow,
    /// When its call began, in ms since 1970; the mended time when the clock had not been set then.
    pub started_ms: i64,
    /// The file's size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: Option<String>,
    /// Since when it is under legal hold.
    pub held_since: Option<String>,
    /// The rule that is taking it away right now, or was when the power went.
    pub removing: Option<String>,
    /// Its copies elsewhere.
    pub copies: Vec<CopyFacts>,
}

/// How it stands with a copy of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFacts {
    /// The place, by the name of its `[[storage]]`.
    pub storage: String,
    /// How far it came.
    pub state: CopyState,
    /// When it was found to be the same as the file here, in ms since 1970.
    pub verified_ms: Option<i64>,
}

/// How far a copy came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// It waits.
    Pending,
    /// It is under way.
    Uploading,
    /// It lies there, and is the same.
    Verified,
    /// The file here is at fault; it is not tried again.
    Failed,
}

/// What one look at the recordings led to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionRun {
    /// When it began, in ms since 1970.
    pub started_ms: i64,
    /// When it ended, in ms since 1970.
    pub ended_ms: i64,
    /// What it was for: `start`, `night`, `disk` or who asked for it.
    pub reason: String,
    /// Recordings looked at.
    pub looked_at: u64,
    /// Files taken away.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// How many each rule took.
    pub by_rule: std::collections::BTreeMap<String, u64>,
    /// Due, and kept by a legal hold.
    pub held: u64,
    /// Due, and kept because a copy is wanted first.
    pub awaiting_copy: u64,
    /// Files that were gone already.
    pub missing: u64,
    /// Files that could not be taken away.
    pub failed: u64,
    /// What the first of those said.
    pub failure: Option<String>,
    /// Audio files that no recording knows: told here, never removed.
    pub orphans: u64,
    /// The first of them.
    pub orphan_names: Vec<String>,
}

/// Takes recordings away. Every method waits for a commit, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Upkeep {
    journal: Journal,
    clock: Clock,
}

impl Upkeep {
    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// Writes down which rule takes each of these away, before any file is touched. Those that may go come back; what
    /// is under legal hold is not among them.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin_removals(&self, ids: Vec<(RecordingId, String)>) -> Result<Vec<RecordingId>, StoreError> {
        self.journal.change(Durability::Synced, move |connection| {
            let mut granted = Vec::new();
            for (id, rule) in ids {
                if kept::begin_removal(connection, id, &rule)? {
                    granted.push(id);
                }
            }
            Ok(granted)
        })
    }

    /// These files are gone: what is left is their row (hash, size, when, which rule), and each call gets a next
    /// version of its record without the path.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn finish_removals(&self, gone: Vec<(RecordingRow, String)>, at: Stamp) -> Result<(), StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            for (row, rule) in gone {
                if !kept::finish_removal(connection, row.id, &rule, at.unix_ms)? {
                    continue;
                }
                let deed = Deed {
                    at: Some(at),
                    reason: Some(rule.clone()),
                    ..Deed::new(DeedMark::Removed)
                };
                chain::add(connection, row.id, &deed)?;
                filing::amend(connection, row.call_id, now, |cdr| {
                    let Some(facts) = cdr.recording_mut(row.id) else {
                        return false;
                    };
                    facts.path.clear();
                    facts.removed = Some(RemovedMark { at, rule });
                    true
                })?;
            }
            Ok(())
        })
    }

    /// This file could not be taken away, so it stays.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn forget_removal(&self, id: RecordingId) -> Result<(), StoreError> {
        self.journal.change(Durability::AtOnce, move |connection| {
            kept::forget_removal(connection, id)
        })
    }

    /// Remembers what a run led to.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn note_run(&self, run: RetentionRun) -> Result<(), StoreError> {
        self.journal.change(Durability::AtOnce, move |connection| {
            kept::note_run(connection, &run)
        })
    }
}

impl Reader {
    /// Recordings whose file is on this box, oldest first, behind `after`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_recordings(
        &self,
        after: Option<RecordingId>,
        limit: usize,
    ) -> Result<Vec<KeptRecording>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.look(|connection| Ok(kept::here(connection, after, limit)?))
    }

    /// One recording whose file is on this box.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_recording(&self, id: RecordingId) -> Result<Option<KeptRecording>, StoreError> {
        self.look(|connection| Ok(kept::one(connection, id)?))
    }

    /// Recordings whose removal was begun and never told to be done, as after a power cut.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn half_removed_recordings(&self) -> Result<Vec<KeptRecording>, StoreError> {
        self.look(|connection| Ok(kept::half_removed(connection)?))
    }

    /// Every recording that is written or was, by kind and path: what a file in the directories may be. `each` is called
    /// once a row.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn each_recording_row(&self, each: &mut dyn FnMut(RecordingRow)) -> Result<(), StoreError> {
        const LOT: i64 = 1000;
        let mut after = String::new();
        loop {
            let lot = self.look(|connection| Ok(kept::paths(connection, &after, LOT)?))?;
            let Some((last, _)) = lot.last() else {
                return Ok(());
            };
            after.clone_from(last);
            lot.into_iter().filter_map(|(_, row)| row).for_each(&mut *each);
        }
    }

    /// The last runs of retention, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn retention_runs(&self, limit: u64) -> Result<Vec<RetentionRun>, StoreError> {
        self.look(|connection| Ok(kept::runs(connection, limit)?))
    }
}
