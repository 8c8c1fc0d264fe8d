use super::connection::open_for_writing;
use super::deliveries::{begin_replay, continue_replay};
use super::{ReplayBegun, ReplayRange, StoreError, lock, log};
use rusqlite::Connection;
use std::path::Path;

/// Queues a range of records for a destination while no daemon runs; how many were queued. `told` hears of the progress
/// after each lot.
///
/// # Errors
/// [`StoreError::InUse`] while a daemon works in the directory: it has to be asked then. Otherwise when the database
/// cannot be written.
pub fn replay_offline(
    dir: &Path,
    upstream: &str,
    range: ReplayRange,
    by: &str,
    unix_ms: &dyn Fn() -> i64,
    told: &mut dyn FnMut(u64),
) -> Result<u64, StoreError> {
    let _ours = lock::take(dir)?;
    let mut connection = open_for_writing(&dir.join("callpost.db"))?;
    let begun = in_one(&mut connection, |connection| {
        begin_replay(connection, upstream, range, by, unix_ms())
    })?;
    let mut queued = match begun {
        // One that a stop has interrupted is carried on.
        ReplayBegun::Now(replay) | ReplayBegun::Already(replay) => replay.queued,
        ReplayBegun::AnotherRuns(_) => {
            let why = "another replay for this upstream was interrupted; start the daemon to finish it first";
            return Err(StoreError::NotWritten(why.to_owned()));
        }
        ReplayBegun::NoSuchUpstream => return Ok(0),
    };
    while let Some(step) = in_one(&mut connection, |connection| {
        continue_replay(connection, upstream, unix_ms())
    })? {
        queued = step.queued;
        told(queued);
        // Nobody else folds the log back while the daemon is away.
        log::empty(&connection)?;
    }
    Ok(queued)
}

/// Nobody else works in this data directory as long as this is kept.
#[derive(Debug)]
pub struct Alone {
    _lock: lock::DirectoryLock,
}

impl Alone {
    /// Takes the directory.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while a daemon works in it.
    pub fn take(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            _lock: lock::take(dir)?,
        })
    }
}

fn in_one<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction()?;
    let outcome = change(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}
