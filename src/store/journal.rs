use super::queue::JobSender;
use super::writer::{After, Job, Ran, Work};
use super::{Clock, StoreError, filing};
use crate::model::{CallId, CallKey, Cdr, Entry, TapeDone};
use rusqlite::Connection;
use std::sync::mpsc::{TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// What the store says after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreReply {
    /// The call's row is on disk; its phone may hear 180 or 200 now.
    CallOpened(CallKey),
    /// A call's final record is on disk.
    CallClosed {
        /// Its row's number.
        seq: u64,
    },
    /// New rows were committed to the journal of records, whoever filed them. Said once a commit, after the
    /// answers to its entries.
    Filed {
        /// The highest row number there is now.
        seq: u64,
    },
    /// A message is on disk, with what is to be done about it.
    MessageLeft,
    /// The database cannot be written.
    Failed {
        /// The call that could not be opened and must be refused. `None`: the trouble begins now, and what
        /// was to be written is kept and tried again.
        call: Option<CallKey>,
        /// Why, in plain words.
        reason: String,
    },
}

/// The way to the writer; cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    jobs: JobSender,
    clock: Clock,
}

impl Journal {
    pub(super) fn new(jobs: JobSender, clock: Clock) -> Self {
        Self { jobs, clock }
    }

    /// Hands an entry to the writer without waiting.
    ///
    /// # Errors
    /// Gives the entry back when the queue is full or the store is closed. A `CallOpened` is then refused
    /// with 503; anything else is kept by the caller and offered again.
    pub fn try_append(&self, entry: Entry) -> Result<(), Entry> {
        match self.jobs.try_send(Job::Entry(entry)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Job::Entry(entry)) | TrySendError::Disconnected(Job::Entry(entry))) => {
                Err(entry)
            }
            // Only what was sent can come back.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    /// Hands the recorder's word about a file to the writer without waiting.
    ///
    /// # Errors
    /// Gives it back when the queue is full or the store is closed. Nothing is lost then: the row stays
    /// unfinished and the file is looked at again at the next start.
    pub fn try_tape_done(&self, done: TapeDone) -> Result<(), TapeDone> {
        match self.jobs.try_send(Job::Tape(done)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(Job::Tape(done)) | TrySendError::Disconnected(Job::Tape(done))) => {
                Err(done)
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    /// Files a later version of a record: its newest version is read, changed and filed under the next version
    /// number. The row's `seq` comes back, or nothing when there is no such record or `change` answers false.
    /// Waits for the commit, so async code calls it from `spawn_blocking`; not for the engine's thread.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn amend(
        &self,
        id: CallId,
        change: impl FnOnce(&mut Cdr) -> bool + Send + 'static,
    ) -> Result<Option<u64>, StoreError> {
        let now = self.clock.unix_ms();
        self.change(Durability::Synced, move |connection| {
            filing::amend(connection, id, now, change)
        })
    }

    /// The wall clock was set for the first time in this run, and had been `behind_ms` milliseconds behind: records
    /// that were filed before get a version with their true times, a few at a time. Waits for a place in the queue.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the store is.
    pub fn clock_set(&self, behind_ms: i64) -> Result<(), StoreError> {
        self.jobs
            .send(Job::ClockSet { behind_ms })
            .map_err(|_closed| StoreError::Closed)
    }

    /// Runs a change inside the writer's next transaction and waits until that is committed. Not for the
    /// engine's thread.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the change fails, [`StoreError::NotWritten`] when the commit does,
    /// [`StoreError::Closed`] when the store is.
    pub(super) fn change<T, F>(&self, durability: Durability, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        let (answer, wait) = sync_channel(1);
        let work: Work = Box::new(move |connection: Result<&Connection, &str>| {
            let result = match connection {
                Ok(connection) => change(connection).map_err(StoreError::Database),
                Err(trouble) => Err(StoreError::NotWritten(trouble.to_owned())),
            };
            let went_well = result.is_ok();
            let after: After = Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => result,
                    Err(trouble) => {
                        result.and_then(|_undone| Err(StoreError::NotWritten(trouble.to_owned())))
                    }
                };
                // Nobody waits any more when the asker was cancelled; the change stands.
                let _ = answer.send(outcome);
            });
            Ran { went_well, after }
        });
        self.jobs
            .send(Job::Work(durability, work))
            .map_err(|_closed| StoreError::Closed)?;
        wait.recv().map_err(|_closed| StoreError::Closed)?
    }

    /// Runs a change that nobody waits for and that is no loss when the queue is full.
    pub(super) fn change_unwatched<F>(&self, change: F)
    where
        F: FnOnce(&Connection) -> Result<(), rusqlite::Error> + Send + 'static,
    {
        self.change_behind(change, |_outcome| ());
    }

    /// Runs a change that nobody waits for, and tells whether it was committed, or why not: on the writer's thread, or
    /// at once when its queue is full.
    pub(super) fn change_behind<F, T>(&self, change: F, told: T)
    where
        F: FnOnce(&Connection) -> Result<(), rusqlite::Error> + Send + 'static,
        T: FnOnce(Result<(), String>) + Send + 'static,
    {
        let told = Arc::new(Mutex::new(Some(told)));
        let tell = {
            let told = Arc::clone(&told);
            move |outcome: Result<(), String>| {
                let told = told.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(told) = told {
                    told(outcome);
                }
            }
        };
        let tell_later = tell.clone();
        let work: Work = Box::new(move |connection: Result<&Connection, &str>| {
            let done = match connection {
                Ok(connection) => change(connection).map_err(|error| error.to_string()),
                Err(trouble) => Err(trouble.to_owned()),
            };
            Ran {
                went_well: done.is_ok(),
                after: Box::new(move |committed| {
                    tell_later(done.and_then(|()| committed.map_err(str::to_owned)));
                }),
            }
        });
        if self.jobs.try_send(Job::Work(Durability::Patient, work)).is_err() {
            tell(Err("the journal has no room for it now".to_owned()));
        }
    }

    /// Replaces the list of destinations that new records are queued for; records queued so far stay queued.
    /// Waits for a place in the queue.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the store is.
    pub fn set_upstreams(&self, names: Vec<String>) -> Result<(), StoreError> {
        self.jobs
            .send(Job::Upstreams(names))
            .map_err(|_closed| StoreError::Closed)
    }

    /// Has the writer come round when it has nothing to do. With a full queue it has.
    pub fn nudge(&self) {
        let _ = self.jobs.try_send(Job::Nudge);
    }

    pub(super) fn tell_again(&self) {
        // A writer that is gone has nobody left to tell.
        let _ = self.jobs.send(Job::TellAgain);
    }

    pub(super) fn stop(&self) {
        // A writer that is gone already needs no telling.
        let _ = self.jobs.send(Job::Stop);
    }
}

/// How soon and how firmly a change has to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// May wait a moment for company; survives the daemon's death once written.
    Patient,
    /// Written at once; survives the daemon's death, not a power cut in the same half minute.
    AtOnce,
    /// Written at once and synced; survives a power cut.
    Synced,
}
