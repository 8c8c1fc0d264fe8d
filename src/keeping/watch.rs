//! What a technician should know of the keeping of recordings.

use super::storage::StorageView;
use crate::store::RetentionRun;
use std::sync::{Arc, Mutex, PoisonError};

/// The alarms there are, worked out by the keeper. Cheap to clone; asking never blocks.
#[derive(Debug, Clone, Default)]
pub struct KeepingWatch {
    alarms: Arc<Mutex<Vec<KeepingAlarm>>>,
}

/// One thing a technician should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepingAlarm {
    /// What it is about.
    pub kind: KeepingTrouble,
    /// What is wrong and what to do, in plain words.
    pub text: String,
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepingTrouble {
    /// Recordings wait too long for a place.
    Stuck,
    /// Recordings cannot be copied because the file here is at fault.
    Faulty,
    /// Recordings are past their days and wait for a copy.
    Overdue,
    /// Files could not be removed.
    NotRemoved,
}

impl KeepingWatch {
    /// The alarms there are now.
    pub fn now(&self) -> Vec<KeepingAlarm> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn look(&self, storages: &[StorageView], last_run: Option<&RetentionRun>) {
        let mut alarms = Vec::new();
        for storage in storages {
            alarms.extend(about_storage(storage));
        }
        if let Some(run) = last_run {
            alarms.extend(about_run(run));
        }
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
    }
}

fn about_storage(storage: &StorageView) -> Vec<KeepingAlarm> {
    let backlog = &storage.backlog;
    let name = &backlog.storage;
    let mut alarms = Vec::new();
    if storage.state == "stuck" {
        let why = backlog
            .last_error
            .as_deref()
            .unwrap_or("they are sent slower than they come");
        alarms.push(KeepingAlarm {
            kind: KeepingTrouble::Stuck,
            text: format!(
                "{} recordings wait for the storage {name}, the oldest for {} hours: {why}. They stay here meanwhile. \
                 POST /api/v1/storages/{name}/test names the right that is missing.",
                backlog.pending,
                storage.oldest_seconds / 3600
            ),
        });
    }
    if backlog.failed > 0 {
        alarms.push(KeepingAlarm {
            kind: KeepingTrouble::Faulty,
            text: format!(
                "{} recordings are not copied to the storage {name}: their files are missing or are not what was \
                 recorded. The log names them; once they are mended, POST /api/v1/storages/{name}/retry.",
                backlog.failed
            ),
        });
    }
    alarms
}

fn about_run(run: &RetentionRun) -> Vec<KeepingAlarm> {
    let mut alarms = Vec::new();
    if run.awaiting_copy > 0 {
        alarms.push(KeepingAlarm {
            kind: KeepingTrouble::Overdue,
            text: format!(
                "{} recordings are past the days they may be kept and wait for a copy to be made first. Look after the \
                 storage, or take `required` from it.",
                run.awaiting_copy
            ),
        });
    }
    if run.failed > 0 {
        alarms.push(KeepingAlarm {
            kind: KeepingTrouble::NotRemoved,
            text: format!(
                "{} recordings could not be removed: {}. Look after the rights of the directory.",
                run.failed,
                run.failure.as_deref().unwrap_or("no reason was given")
            ),
        });
    }
    alarms
}
