use super::connection::open_for_writing;
use super::error::is_the_entrys_own;
use super::journal::Durability;
use super::lock::DirectoryLock;
use super::tables::{boot, calls, cdrs, outbox, recordings, registrations};
use super::{Clock, Pace, StoreReply};
use crate::model::{Binding, CallId, Cdr, Entry, Number, TapeDone};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What reaches the writer.
pub(super) enum Job {
    /// From the engine.
    Entry(Entry),
    /// From the recorder.
    Tape(TapeDone),
    /// A change of another table, with somebody waiting for its outcome.
    Work(Durability, Work),
    /// Other destinations from now on.
    Upstreams(Vec<String>),
    /// Nothing comes after this.
    Stop,
}

/// A change to make inside the next transaction, or the reason why there is none.
pub(super) type Work = Box<dyn FnOnce(Result<&Connection, &str>) -> Ran + Send>;

/// Tells the one who waits how the commit went.
pub(super) type After = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// What became of a [`Work`].
pub(super) struct Ran {
    /// Whether its change is to be kept.
    pub(super) went_well: bool,
    /// To be called after the commit.
    pub(super) after: After,
}

/// The one thread that writes. It blocks on its queue, takes what has gathered there, commits it as one lot and then
/// answers for each entry: one fsync carries many records, and nothing is acknowledged before it.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) jobs: Receiver<Job>,
    pub(super) on_reply: Box<dyn Fn(StoreReply) + Send>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) boot: String,
    pub(super) born: Instant,
    pub(super) upstreams: Vec<i64>,
    pub(super) trouble: Arc<Mutex<Option<String>>>,
    pub(super) lot: Lot,
    pub(super) refreshes: Refreshes,
    pub(super) open_calls: BTreeSet<CallId>,
    pub(super) next_heartbeat: Option<Instant>,
    pub(super) retry_at: Option<Instant>,
    /// Held as long as the writer may write.
    pub(super) _lock: DirectoryLock,
}

/// Jobs that wait for the next commit, in the order they came.
#[derive(Default)]
pub(super) struct Lot {
    jobs: Vec<Job>,
    durability: Option<Durability>,
    /// When the first of them has waited long enough.
    patience_ends: Option<Instant>,
}

/// Registrations whose only news is a later expiry, by extension and contact, with the instant each has to be written.
#[derive(Default)]
pub(super) struct Refreshes {
    waiting: BTreeMap<(Number, String), (Binding, Instant)>,
}

impl Writer {
    /// Works until told to stop, or until nobody is left who could send anything.
    pub(super) fn run(mut self) {
        loop {
            let more_to_come = self.gather();
            if !more_to_come {
                return self.finish();
            }
            self.write_what_is_due();
        }
    }

    /// Waits for the first job or the next deadline, then takes whatever else is there. False: nothing comes any more.
    fn gather(&mut self) -> bool {
        if self.is_overfull() {
            std::thread::sleep(self.until(self.retry_at));
            return true;
        }
        let first = match self.next_deadline() {
            None => self.jobs.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
            Some(at) => self.jobs.recv_timeout(self.until(Some(at))),
        };
        let mut next = match first {
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
                Ok(job) => next = job,
                Err(_empty_or_closed) => return true,
            }
        }
    }

    /// While the database cannot be written, entries are held up to a limit; beyond it the queue fills and says no.
    fn is_overfull(&self) -> bool {
        self.retry_at.is_some_and(|at| at > self.clock.now()) && self.lot.jobs.len() >= self.pace.held
    }

    fn until(&self, at: Option<Instant>) -> Duration {
        at.map_or(Duration::ZERO, |at| at.saturating_duration_since(self.clock.now()))
    }

    /// Derived from what waits, so that no timer can be forgotten.
    fn next_deadline(&self) -> Option<Instant> {
        if self.retry_at.is_some() {
            return self.retry_at;
        }
        [self.lot.patience_ends, self.refreshes.due(), self.next_heartbeat].into_iter().flatten().min()
    }

    /// Puts one job where it waits. False: it was the last.
    fn take(&mut self, job: Job) -> bool {
        match job {
            Job::Entry(Entry::CallOpened { call, cdr }) => {
                if let Some(reason) = self.current_trouble() {
                    (self.on_reply)(StoreReply::Failed { call: Some(call), reason });
                } else {
                    self.wait(Job::Entry(Entry::CallOpened { call, cdr }), Durability::Synced);
                }
            }
            Job::Entry(Entry::CallClosed(cdr)) => self.wait(Job::Entry(Entry::CallClosed(cdr)), Durability::Synced),
            Job::Entry(Entry::CallNoted(note)) => self.wait(Job::Entry(Entry::CallNoted(note)), Durability::Patient),
            Job::Entry(Entry::Bound(binding)) => self.take_binding(binding),
            Job::Entry(Entry::Unbound { extension, contact }) => {
                self.refreshes.forget(&extension, &contact);
                self.wait(Job::Entry(Entry::Unbound { extension, contact }), Durability::Patient);
            }
            Job::Entry(Entry::RecordingOpened(row)) => {
                self.wait(Job::Entry(Entry::RecordingOpened(row)), Durability::AtOnce);
            }
            Job::Tape(done) => self.wait(Job::Tape(done), Durability::AtOnce),
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
        self.lot.patience_ends.get_or_insert_with(|| self.clock.now() + self.pace.patience);
        self.lot.jobs.push(job);
    }

    /// A refresh is nearly all that phones ever send, so it waits, yet never beyond the middle of what is left of the
    /// stored registration: a restart then still finds a binding that holds.
    fn take_binding(&mut self, binding: Binding) {
        let stored = registrations::stored(&self.connection, &binding.extension, &binding.contact).ok().flatten();
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
        }
    }

    /// One due refresh takes all others with it: they share the pages.
    fn collect_refreshes(&mut self) {
        for binding in self.refreshes.take_all() {
            self.wait(Job::Entry(Entry::Bound(binding)), Durability::AtOnce);
        }
    }

    /// A connection whose fsync has failed may believe in pages that never reached the disk; only a new one reads the truth.
    fn reopen(&mut self) -> bool {
        match open_for_writing(&self.path) {
            Ok(connection) => {
                self.connection = connection;
                true
            }
            Err(error) => {
                self.note_trouble(&error.to_string());
                false
            }
        }
    }

    /// The last commit: everything that still waits, then the log folded back into the database file.
    fn finish(mut self) {
        self.collect_refreshes();
        if self.retry_at.is_some() {
            self.reopen();
        }
        self.commit();
        if let Some(reason) = self.current_trouble() {
            tracing::error!(
                entries = self.lot.jobs.len(),
                reason,
                "The database cannot be written; calls that ended since are closed as interrupted at the next start."
            );
        }
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())) {
            tracing::warn!(%error, "The write-ahead log could not be folded back; the next start does it.");
        }
    }

    /// Commits the lot, then answers. When the commit fails, what must not be lost is kept for the next try.
    fn commit(&mut self) {
        let lot = std::mem::take(&mut self.lot);
        let mut outcome = Outcome::default();
        match self.write(lot.jobs, lot.durability, &mut outcome) {
            Ok(()) => self.answer(outcome),
            Err(error) => self.keep(outcome, &error.to_string()),
        }
    }

    /// One transaction. `outcome` holds every job afterwards, done or not.
    fn write(
        &mut self,
        jobs: Vec<Job>,
        durability: Option<Durability>,
        outcome: &mut Outcome,
    ) -> Result<(), rusqlite::Error> {
        let mut jobs = jobs.into_iter();
        let result = self.begin(durability).and_then(|()| {
            for job in jobs.by_ref() {
                self.apply(job, outcome)?;
            }
            self.beat()?;
            self.connection.execute_batch("COMMIT")
        });
        outcome.jobs.extend(jobs);
        if result.is_err() && !self.connection.is_autocommit() {
            // The connection is given up in a moment; a rollback that fails as well changes nothing.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        result
    }

    /// Only what has to survive a power cut waits for the disk. The rest survives the daemon's death all the same, and
    /// the next synced commit carries it along.
    fn begin(&self, durability: Option<Durability>) -> Result<(), rusqlite::Error> {
        let synchronous = match durability {
            Some(Durability::Synced) => "PRAGMA synchronous = FULL",
            Some(Durability::AtOnce | Durability::Patient) | None => "PRAGMA synchronous = NORMAL",
        };
        // Not a cached statement: this pragma takes effect while it is compiled.
        self.connection.execute_batch(synchronous)?;
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    /// Applies one job inside a savepoint, so that an entry at fault does not take the others with it.
    fn apply(&mut self, job: Job, outcome: &mut Outcome) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached("SAVEPOINT entry")?.execute([])?;
        let result = match job {
            Job::Work(_, work) => {
                let ran = work(Ok(&self.connection));
                let result = if ran.went_well { Ok(None) } else { Err(Fault::AlreadyTold) };
                outcome.afters.push(ran.after);
                result
            }
            Job::Entry(_) | Job::Tape(_) | Job::Upstreams(_) | Job::Stop => {
                let result = self.apply_entry(&job).map_err(Fault::Error);
                outcome.jobs.push(job);
                result
            }
        };
        match result {
            Ok(reply) => outcome.replies.extend(reply),
            Err(Fault::Error(error)) if !is_the_entrys_own(&error) => return Err(error),
            Err(fault) => {
                self.undo_entry()?;
                outcome.blame(&fault);
            }
        }
        self.connection.prepare_cached("RELEASE entry")?.execute([])?;
        Ok(())
    }

    fn undo_entry(&self) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached("ROLLBACK TO entry")?.execute([])?;
        Ok(())
    }

    fn apply_entry(&mut self, job: &Job) -> Result<Option<StoreReply>, rusqlite::Error> {
        let connection = &self.connection;
        match job {
            Job::Entry(Entry::CallOpened { call, cdr }) => {
                calls::open(connection, cdr, &self.boot, self.elapsed_ms())?;
                Ok(Some(StoreReply::CallOpened(*call)))
            }
            Job::Entry(Entry::CallNoted(note)) => calls::note(connection, note).map(|()| None),
            Job::Entry(Entry::CallClosed(cdr)) => {
                let seq = close(connection, cdr, &self.upstreams, self.clock.unix_ms())?;
                Ok(Some(StoreReply::CallClosed { seq }))
            }
            Job::Entry(Entry::Bound(binding)) => registrations::bind(connection, binding).map(|()| None),
            Job::Entry(Entry::Unbound { extension, contact }) => {
                registrations::unbind(connection, extension, contact).map(|()| None)
            }
            Job::Entry(Entry::RecordingOpened(row)) => recordings::open(connection, row).map(|()| None),
            Job::Tape(TapeDone { result: Ok(facts), .. }) => recordings::complete(connection, facts).map(|()| None),
            Job::Tape(TapeDone { id, result: Err(reason) }) => recordings::fail(connection, *id, reason).map(|()| None),
            Job::Upstreams(names) => {
                self.upstreams = upstream_numbers(connection, names)?;
                Ok(None)
            }
            Job::Work(..) | Job::Stop => Ok(None),
        }
    }

    fn beat(&mut self) -> Result<(), rusqlite::Error> {
        let Some(due) = self.next_heartbeat else { return Ok(()) };
        if due > self.clock.now() {
            return Ok(());
        }
        self.next_heartbeat = Some(self.clock.now() + self.pace.heartbeat);
        boot::beat(&self.connection, self.elapsed_ms(), self.clock.unix_ms())
    }

    fn elapsed_ms(&self) -> u64 {
        let elapsed = self.clock.now().saturating_duration_since(self.born);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    fn answer(&mut self, outcome: Outcome) {
        self.retry_at = None;
        self.set_trouble(None);
        self.count_open_calls(&outcome.jobs);
        for reply in outcome.replies {
            (self.on_reply)(reply);
        }
        for after in outcome.afters {
            after(Ok(()));
        }
    }

    fn count_open_calls(&mut self, jobs: &[Job]) {
        for job in jobs {
            match job {
                Job::Entry(Entry::CallOpened { cdr, .. }) => {
                    self.open_calls.insert(cdr.call_id);
                }
                Job::Entry(Entry::CallClosed(cdr)) => {
                    self.open_calls.remove(&cdr.call_id);
                }
                Job::Entry(
                    Entry::CallNoted(_) | Entry::Bound(_) | Entry::Unbound { .. } | Entry::RecordingOpened(_),
                )
                | Job::Tape(_)
                | Job::Work(..)
                | Job::Upstreams(_)
                | Job::Stop => {}
            }
        }
        self.next_heartbeat = match (self.open_calls.is_empty(), self.next_heartbeat) {
            (true, _) => None,
            (false, Some(at)) => Some(at),
            (false, None) => Some(self.clock.now() + self.pace.heartbeat),
        };
    }

    /// The commit failed, so nothing of the lot is on disk: calls are refused, askers are told, the rest waits.
    fn keep(&mut self, outcome: Outcome, reason: &str) {
        for after in outcome.afters {
            after(Err(reason));
        }
        for job in outcome.jobs {
            match job {
                Job::Entry(Entry::CallOpened { call, .. }) => {
                    (self.on_reply)(StoreReply::Failed { call: Some(call), reason: reason.to_owned() });
                }
                Job::Work(_, work) => (work(Err(reason)).after)(Err(reason)),
                Job::Entry(_) | Job::Tape(_) | Job::Upstreams(_) | Job::Stop => self.wait(job, Durability::Synced),
            }
        }
        self.note_trouble(reason);
    }

    fn note_trouble(&mut self, reason: &str) {
        self.retry_at = Some(self.clock.now() + self.pace.retry);
        let is_new = self.current_trouble().is_none();
        self.set_trouble(Some(reason.to_owned()));
        if is_new {
            tracing::error!(reason, "The database cannot be written: {reason}. New calls are refused until it can.");
            (self.on_reply)(StoreReply::Failed { call: None, reason: reason.to_owned() });
        }
    }

    fn current_trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Files a call's record, queues it for every destination and takes the open row away: all of it or nothing.
pub(super) fn close(
    connection: &Connection,
    cdr: &Cdr,
    upstreams: &[i64],
    unix_ms: i64,
) -> Result<u64, rusqlite::Error> {
    let filed = cdrs::file(connection, cdr, unix_ms)?;
    if let cdrs::Filed::New(seq) = filed {
        for upstream in upstreams {
            outbox::queue(connection, *upstream, seq)?;
        }
    }
    if let Some(facts) = cdr.recording.as_ref().filter(|facts| facts.bytes.is_some()) {
        recordings::complete(connection, facts)?;
    }
    calls::forget_open(connection, cdr.call_id)?;
    Ok(filed.seq())
}

/// The numbers of the destinations, in the order of their names.
pub(super) fn upstream_numbers(connection: &Connection, names: &[String]) -> Result<Vec<i64>, rusqlite::Error> {
    names.iter().map(|name| outbox::upstream(connection, name)).collect()
}

/// Whether a registration says nothing new but that it lasts longer.
fn is_refresh(stored: &Binding, fresh: &Binding) -> bool {
    let same_but_time = Binding {
        expires_at_unix_ms: stored.expires_at_unix_ms,
        cseq: stored.cseq,
        call_id: stored.call_id.clone(),
        ..fresh.clone()
    };
    same_but_time == *stored
}

impl Lot {
    fn is_due(&self, now: Instant, full: usize) -> bool {
        match self.durability {
            None => false,
            Some(Durability::AtOnce | Durability::Synced) => true,
            Some(Durability::Patient) => {
                self.jobs.len() >= full || self.patience_ends.is_some_and(|at| at <= now)
            }
        }
    }
}

impl Refreshes {
    fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|(_, due)| *due).min()
    }

    fn remember(&mut self, binding: Binding, due: Instant) {
        let key = (binding.extension.clone(), binding.contact.clone());
        // The stored row grows older with each refresh that is not written, so the first one's instant counts.
        let due = self.waiting.get(&key).map_or(due, |(_, earlier)| due.min(*earlier));
        self.waiting.insert(key, (binding, due));
    }

    fn forget(&mut self, extension: &Number, contact: &str) {
        self.waiting.remove(&(extension.clone(), contact.to_owned()));
    }

    fn take_all(&mut self) -> Vec<Binding> {
        std::mem::take(&mut self.waiting).into_values().map(|(binding, _)| binding).collect()
    }
}

/// What one transaction leads to.
#[derive(Default)]
struct Outcome {
    /// Every job but the works.
    jobs: Vec<Job>,
    /// What to say after the commit.
    replies: Vec<StoreReply>,
    /// Whom to tell after the commit.
    afters: Vec<After>,
}

/// Why a job's change was undone.
enum Fault {
    /// SQLite or a conversion refused it.
    Error(rusqlite::Error),
    /// The one who waits is told by its own `After`.
    AlreadyTold,
}

impl Outcome {
    /// The entry pushed last cannot be written, now or ever.
    fn blame(&mut self, fault: &Fault) {
        let Fault::Error(error) = fault else { return };
        tracing::error!(%error, "An entry of the journal cannot be written: {error}.");
        let call = match self.jobs.pop() {
            Some(Job::Entry(Entry::CallOpened { call, .. })) => Some(call),
            Some(Job::Entry(_) | Job::Tape(_) | Job::Work(..) | Job::Upstreams(_) | Job::Stop) | None => None,
        };
        self.replies.push(StoreReply::Failed { call, reason: error.to_string() });
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Entry(_) => "Entry",
            Self::Tape(_) => "Tape",
            Self::Work(..) => "Work",
            Self::Upstreams(_) => "Upstreams",
            Self::Stop => "Stop",
        })
    }
}
