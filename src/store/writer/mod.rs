//! The one thread that writes: it gathers jobs into lots, commits each lot as one transaction, and answers
//! after that.

mod job;
mod lot;
mod refreshes;
mod tidying;
mod transaction;

pub(super) use job::{After, Job, Ran, Work};
pub(super) use lot::Lot;
pub(super) use refreshes::Refreshes;

use super::connection::open_for_writing;
use super::journal::Durability;
use super::keeping::{Ageing, ConditionWatch, Config, Reserve};
use super::late::{self, Mending, StampOf};
use super::lock::DirectoryLock;
use super::log;
use super::queue::{Heed, JobReceiver};
use super::tables::registrations;
use super::waking::KnownWaking;
use super::{Clock, Pace, StoreReply};
use crate::model::{Binding, CallId, Entry, Turns};
use refreshes::is_refresh;
use rusqlite::Connection;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The one thread that writes. It blocks on its queue, takes what has gathered there, commits it as one lot
/// and then answers for each entry: one fsync carries many records, and nothing is acknowledged before it.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Whether a commit waits for the disk, as the connection was told last.
    pub(super) syncs: Option<bool>,
    pub(super) path: PathBuf,
    pub(super) jobs: JobReceiver,
    /// For whoever watches whether the writer is stuck.
    pub(super) turns: Turns,
    pub(super) on_reply: Box<dyn Fn(StoreReply) + Send>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) boot: String,
    pub(super) born: Instant,
    /// The highest `seq` that has been told of.
    pub(super) filed: u64,
    pub(super) trouble: Arc<Mutex<Option<String>>>,
    pub(super) lot: Lot,
    pub(super) refreshes: Refreshes,
    pub(super) open_calls: BTreeSet<CallId>,
    pub(super) next_heartbeat: Option<Instant>,
    pub(super) retry_at: Option<Instant>,
    /// The disk has failed since the last commit that went well: the log is emptied before the next.
    pub(super) in_doubt: bool,
    /// The highest `seq` whose clock nobody knows anything about: of the runs before this waking of the machine.
    pub(super) last_before: u64,
    pub(super) waking: Option<KnownWaking>,
    /// Records whose times are being mended: those an earlier run left, then those of this one.
    pub(super) mending: VecDeque<Mending>,
    /// The site's clock.
    pub(super) stamp_of: StampOf,
    /// `[cdr]`.
    pub(super) keep: Config,
    pub(super) ageing: Ageing,
    pub(super) reserve: Reserve,
    pub(super) condition: ConditionWatch,
    pub(super) next_tidy: Option<Instant>,
    /// Held as long as the writer may write.
    pub(super) _lock: DirectoryLock,
}

impl Writer {
    /// Works until told to stop, or until nobody is left who could send anything.
    pub(super) fn run(mut self) {
        loop {
            self.turns.count();
            let more_to_come = self.gather();
            if !more_to_come {
                return self.finish();
            }
            self.write_what_is_due();
            self.tidy_when_due();
        }
    }

    /// Waits for the first job or the next deadline, then takes whatever else is there. False: nothing comes
    /// any more.
    fn gather(&mut self) -> bool {
        if self.is_overfull() {
            std::thread::sleep(self.until(self.retry_at));
            return true;
        }
        let within = self.next_deadline().map(|at| self.until(Some(at)));
        // When something waits for company already, more company is no reason to wake up.
        let heed = match self.lot.patience_ends {
            Some(_) => Heed::Urgent,
            None => Heed::Everything,
        };
        let mut next = match self.jobs.recv(within, heed) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        loop {
            if !self.take(next) {
                return false;
            }
            if self.lot.jobs.len() >= self.pace.lot {
                return true;
            }
            match self.jobs.try_recv() {
                Some(job) => next = job,
                None => return true,
            }
        }
    }

    /// While the database cannot be written, entries are held up to a limit; beyond it the queue fills and
    /// says no.
    fn is_overfull(&self) -> bool {
        self.retry_at.is_some_and(|at| at > self.clock.now()) && self.lot.jobs.len() >= self.pace.held
    }

    fn until(&self, at: Option<Instant>) -> Duration {
        at.map_or(Duration::ZERO, |at| {
            at.saturating_duration_since(self.clock.now())
        })
    }

    /// Derived from what waits, so that no timer can be forgotten.
    fn next_deadline(&self) -> Option<Instant> {
        if self.retry_at.is_some() {
            return self.retry_at;
        }
        let tidy = self.next_tidy;
        [
            self.lot.patience_ends,
            self.refreshes.due(),
            self.next_heartbeat,
            tidy,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Puts one job where it waits. False: it was the last.
    fn take(&mut self, job: Job) -> bool {
        match job {
            Job::Entry(Entry::CallOpened { call, cdr }) => {
                if let Some(reason) = self.current_trouble() {
                    (self.on_reply)(StoreReply::Failed {
                        call: Some(call),
                        reason,
                    });
                } else {
                    self.wait(Job::Entry(Entry::CallOpened { call, cdr }), Durability::Synced);
                }
            }
            Job::Entry(Entry::CallClosed(cdr)) => {
                self.wait(Job::Entry(Entry::CallClosed(cdr)), Durability::Synced)
            }
            Job::Entry(Entry::CallNoted(note)) => {
                self.wait(Job::Entry(Entry::CallNoted(note)), Durability::Patient)
            }
            Job::Entry(Entry::Bound(binding)) => self.take_binding(binding),
            Job::Entry(Entry::Refreshed(bindings)) => {
                for binding in bindings {
                    self.take_binding(binding);
                }
            }
            // A message is a promise to its caller, as a record is; and who heard it is evidence.
            Job::Entry(
                entry @ (Entry::MessageLeft { .. } | Entry::MessageHeard { .. } | Entry::GreetingSet { .. }),
            ) => {
                self.wait(Job::Entry(entry), Durability::Synced);
            }
            Job::Entry(entry @ Entry::MessageMarked { .. }) => {
                self.wait(Job::Entry(entry), Durability::AtOnce);
            }
            Job::Entry(Entry::Unbound { extension, contact }) => {
                self.refreshes.forget(&extension, &contact);
                self.wait(
                    Job::Entry(Entry::Unbound { extension, contact }),
                    Durability::Patient,
                );
            }
            // Without its row a file that survives a power cut is nobody's.
            Job::Entry(Entry::RecordingOpened(row)) => {
                self.wait(Job::Entry(Entry::RecordingOpened(row)), Durability::Synced);
            }
            Job::Tape(done) => {
                // Late, it files a row, and no row is told of before it is synced.
                let durability = match late::is_awaited(&self.connection, done.id) {
                    Ok(true) => Durability::Synced,
                    Ok(false) | Err(_) => Durability::AtOnce,
                };
                self.wait(Job::Tape(done), durability);
            }
            Job::Nudge => {}
            Job::TellAgain => (self.on_reply)(StoreReply::Filed { seq: self.filed }),
            Job::ClockSet { behind_ms } => self.begin_to_mend(behind_ms),
            Job::Work(durability, work) => {
                if let Some(reason) = self.current_trouble() {
                    (work(Err(&reason)).after)(Err(&reason));
                } else {
                    self.wait(Job::Work(durability, work), durability);
                }
            }
            Job::Upstreams(names) => self.wait(Job::Upstreams(names), Durability::AtOnce),
            Job::Stop => return false,
        }
        true
    }

    fn wait(&mut self, job: Job, durability: Durability) {
        self.lot.durability = self.lot.durability.max(Some(durability));
        self.lot
            .patience_ends
            .get_or_insert_with(|| self.clock.now() + self.pace.patience);
        self.lot.jobs.push(job);
    }

    /// A refresh is nearly all that phones ever send, so it waits, yet never beyond the middle of what is
    /// left of the stored registration: a restart then still finds a binding that holds.
    fn take_binding(&mut self, binding: Binding) {
        let stored = registrations::stored(&self.connection, &binding.extension, &binding.contact)
            .ok()
            .flatten();
        let Some(stored) = stored.filter(|stored| is_refresh(stored, &binding)) else {
            self.refreshes.forget(&binding.extension, &binding.contact);
            return self.wait(Job::Entry(Entry::Bound(binding)), Durability::Patient);
        };
        let left_ms = stored.expires_at_unix_ms.saturating_sub(self.clock.unix_ms());
        let wait = Duration::from_millis(u64::try_from(left_ms / 2).unwrap_or(0)).min(self.pace.refresh);
        self.refreshes.remember(binding, self.clock.now() + wait);
    }

    fn write_what_is_due(&mut self) {
        let now = self.clock.now();
        if self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        if self.retry_at.is_some() && !self.reopen() {
            return;
        }
        if self.refreshes.due().is_some_and(|at| at <= now) {
            self.collect_refreshes();
        }
        let heartbeat = self.next_heartbeat.is_some_and(|at| at <= now);
        if heartbeat || self.retry_at.is_some() || self.lot.is_due(now, self.pace.lot) {
            self.commit();
            self.fold_the_log();
        }
    }

    /// One due refresh takes all others with it: they share the pages.
    fn collect_refreshes(&mut self) {
        for binding in self.refreshes.take_all() {
            self.wait(Job::Entry(Entry::Bound(binding)), Durability::AtOnce);
        }
    }

    /// A connection whose fsync has failed may believe in pages that never reached the disk; only a new one
    /// reads the truth.
    fn reopen(&mut self) -> bool {
        match open_for_writing(&self.path) {
            Ok(connection) => {
                self.connection = connection;
                self.syncs = None;
            }
            Err(error) => {
                self.note_trouble(&error.to_string());
                return false;
            }
        }
        if !self.in_doubt {
            return true;
        }
        let reason = match log::empty(&self.connection) {
            Ok(true) => return true,
            Ok(false) => "somebody reads the database and does not end".to_owned(),
            Err(error) => error.to_string(),
        };
        self.note_trouble(&reason);
        false
    }

    /// After a commit that went well. A log that cannot be folded back for want of space only grows.
    fn fold_the_log(&mut self) {
        if self.retry_at.is_some() {
            return;
        }
        let Err(error) = log::fold(&self.connection, i64::from(self.pace.log_pages)) else {
            return;
        };
        if log::is_in_doubt(&error) {
            self.in_doubt = true;
            self.note_trouble(&error.to_string());
        }
    }

    /// The last commit: everything that still waits, then the log folded back into the database file.
    fn finish(mut self) {
        self.collect_refreshes();
        if self.retry_at.is_none() || self.reopen() {
            self.commit();
        }
        if let Some(reason) = self.current_trouble() {
            tracing::error!(
                entries = self.lot.jobs.len(),
                reason,
                "The database cannot be written; calls that ended since are closed as interrupted at the next start."
            );
        }
        if let Err(error) = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(()))
        {
            tracing::warn!(%error, "The write-ahead log could not be folded back; the next start does it.");
        }
    }

    fn note_trouble(&mut self, reason: &str) {
        self.retry_at = Some(self.clock.now() + self.pace.retry);
        let is_new = self.current_trouble().is_none();
        self.set_trouble(Some(reason.to_owned()));
        if is_new {
            tracing::error!(
                reason,
                "The database cannot be written: {reason}. Calls go on; their records are kept in memory until it can."
            );
            (self.on_reply)(StoreReply::Failed {
                call: None,
                reason: reason.to_owned(),
            });
        }
    }

    fn current_trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}
