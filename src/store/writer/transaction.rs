use super::job::After;
use super::{Job, Writer};
use crate::model::Entry;
use crate::store::error::{is_full, is_the_entrys_own};
use crate::store::filing::close;
use crate::store::journal::Durability;
use crate::store::late;
use crate::store::log;
use crate::store::tables::{audit, boot, calls, cdrs, messages, outbox, recordings, registrations};
use crate::store::{AuditNote, StoreReply};

impl Writer {
    /// Commits the lot, then answers. When the commit fails, what must not be lost is kept for the next try.
    pub(super) fn commit(&mut self) {
        let lot = std::mem::take(&mut self.lot);
        let mut outcome = Outcome::default();
        match self.write(lot.jobs, lot.durability, &mut outcome) {
            Ok(()) => self.answer(outcome),
            Err(error) if is_full(&error) && self.use_the_reserve() => self.commit_again(outcome, &error),
            Err(error) => self.give_up(outcome, &error),
        }
    }

    /// There is room again: the same lot once more. Who only asked for a change asks again.
    fn commit_again(&mut self, outcome: Outcome, error: &rusqlite::Error) {
        if !self.reopen() {
            return self.give_up(outcome, error);
        }
        let reason = error.to_string();
        let (works, entries): (Vec<Job>, Vec<Job>) = outcome
            .jobs
            .into_iter()
            .partition(|job| matches!(job, Job::Work(..)));
        for after in outcome.afters {
            after(Err(&reason));
        }
        for job in works {
            if let Job::Work(_, work) = job {
                (work(Err(&reason)).after)(Err(&reason));
            }
        }
        let mut again = Outcome::default();
        match self.write(entries, Some(Durability::Synced), &mut again) {
            Ok(()) => self.answer(again),
            Err(error) => self.give_up(again, &error),
        }
    }

    fn give_up(&mut self, outcome: Outcome, error: &rusqlite::Error) {
        self.in_doubt |= log::is_in_doubt(error);
        self.keep(outcome, &error.to_string());
    }

    /// One transaction. `outcome` holds every job afterwards, done or not.
    fn write(
        &mut self,
        jobs: Vec<Job>,
        durability: Option<Durability>,
        outcome: &mut Outcome,
    ) -> Result<(), rusqlite::Error> {
        match self.write_trusting(&jobs, durability, outcome) {
            Ok(false) => self.write_guarded(jobs, durability, outcome),
            result => {
                outcome.jobs.extend(jobs);
                result.map(|_written| ())
            }
        }
    }

    /// Entries are nearly never at fault, and a savepoint for each copies every page it changes: without, as long as
    /// all goes well. False: an entry is at fault and nothing is written, or somebody's change is among them, which
    /// cannot be tried twice.
    fn write_trusting(
        &mut self,
        jobs: &[Job],
        durability: Option<Durability>,
        outcome: &mut Outcome,
    ) -> Result<bool, rusqlite::Error> {
        if jobs.iter().any(|job| matches!(job, Job::Work(..))) {
            return Ok(false);
        }
        let mut replies = Vec::new();
        let result = self.begin(durability).and_then(|()| {
            for job in jobs {
                replies.extend(self.apply_entry(job)?);
            }
            self.finish_transaction()
        });
        self.leave_if_failed(&result);
        match result {
            Ok(()) => outcome.replies.extend(replies),
            Err(error) if is_the_entrys_own(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Each job in a savepoint of its own.
    fn write_guarded(
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
            self.finish_transaction()
        });
        outcome.jobs.extend(jobs);
        self.leave_if_failed(&result);
        result
    }

    fn finish_transaction(&mut self) -> Result<(), rusqlite::Error> {
        self.beat()?;
        self.connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }

    fn leave_if_failed(&self, result: &Result<(), rusqlite::Error>) {
        if result.is_err() && !self.connection.is_autocommit() {
            // The connection is given up in a moment; a rollback that fails as well changes nothing.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Only what has to survive a power cut waits for the disk. The rest survives the daemon's death all the
    /// same, and the next synced commit carries it along.
    fn begin(&mut self, durability: Option<Durability>) -> Result<(), rusqlite::Error> {
        let firmly = self.is_trying_again() || durability == Some(Durability::Synced);
        if self.syncs != Some(firmly) {
            // Not a cached statement: this pragma takes effect while it is compiled.
            self.connection.execute_batch(match firmly {
                true => "PRAGMA synchronous = FULL",
                false => "PRAGMA synchronous = NORMAL",
            })?;
            self.syncs = Some(firmly);
        }
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])
            .map(|_| ())
    }

    /// Applies one job inside a savepoint, so that an entry at fault does not take the others with it.
    fn apply(&mut self, job: Job, outcome: &mut Outcome) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached("SAVEPOINT entry")?.execute([])?;
        let result = match job {
            Job::Work(_, work) => {
                let ran = work(Ok(&self.connection));
                let result = if ran.went_well {
                    Ok(None)
                } else {
                    Err(Fault::AlreadyTold)
                };
                outcome.afters.push(ran.after);
                result
            }
            Job::Entry(_)
            | Job::Tape(_)
            | Job::TellAgain
            | Job::Nudge
            | Job::ClockSet { .. }
            | Job::Upstreams(_)
            | Job::Stop => {
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
                let seq = close(connection, cdr, self.clock.unix_ms())?;
                Ok(Some(StoreReply::CallClosed { seq }))
            }
            Job::Entry(Entry::Bound(binding)) => registrations::bind(connection, binding).map(|()| None),
            Job::Entry(Entry::Refreshed(bindings)) => {
                for binding in bindings {
                    registrations::bind(connection, binding)?;
                }
                Ok(None)
            }
            Job::Entry(Entry::MessageLeft { message, errands }) => {
                messages::left(connection, message, errands, self.clock.unix_ms())?;
                Ok(Some(StoreReply::MessageLeft))
            }
            Job::Entry(Entry::MessageHeard { id, by, at }) => {
                audit::add(connection, &AuditNote::by_phone(*id, by, *at)).map(|()| None)
            }
            Job::Entry(Entry::MessageMarked { id, state }) => {
                messages::mark(connection, *id, *state, self.clock.unix_ms()).map(|()| None)
            }
            Job::Entry(Entry::GreetingSet { mailbox, greeting }) => {
                messages::greet(connection, mailbox, greeting.as_ref()).map(|()| None)
            }
            Job::Entry(Entry::Unbound { extension, contact }) => {
                registrations::unbind(connection, extension, contact).map(|()| None)
            }
            Job::Entry(Entry::RecordingOpened(row)) => recordings::open(connection, row).map(|()| None),
            Job::Tape(done) => {
                match &done.result {
                    Ok(facts) => recordings::complete(connection, facts)?,
                    Err(reason) => recordings::fail(connection, done.id, reason)?,
                }
                late::tape_done(connection, done, self.clock.unix_ms()).map(|()| None)
            }
            Job::Upstreams(names) => outbox::enable_only(connection, names).map(|()| None),
            Job::Work(..) | Job::TellAgain | Job::Nudge | Job::ClockSet { .. } | Job::Stop => Ok(None),
        }
    }

    fn beat(&mut self) -> Result<(), rusqlite::Error> {
        let is_due = self.next_heartbeat.is_some_and(|due| due <= self.clock.now());
        if is_due {
            self.next_heartbeat = Some(self.clock.now() + self.pace.heartbeat);
        } else if !self.is_trying_again() {
            return Ok(());
        }
        boot::beat(&self.connection, self.elapsed_ms(), self.clock.unix_ms())
    }

    /// Something has to be written then, and synced: an empty transaction would say of a broken disk that it is well.
    fn is_trying_again(&self) -> bool {
        self.retry_at.is_some()
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
        self.tell_what_was_filed();
    }

    /// Whatever kind of entry filed them: forwarders and long polls want to know of new rows.
    pub(super) fn tell_what_was_filed(&mut self) {
        // It cannot be asked: then the next commit tells of these rows too.
        let Ok(seq) = cdrs::highest_filed(&self.connection) else {
            return;
        };
        if seq > self.filed {
            self.filed = seq;
            (self.on_reply)(StoreReply::Filed { seq });
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
                    Entry::CallNoted(_)
                    | Entry::Bound(_)
                    | Entry::Refreshed(_)
                    | Entry::MessageLeft { .. }
                    | Entry::MessageHeard { .. }
                    | Entry::MessageMarked { .. }
                    | Entry::GreetingSet { .. }
                    | Entry::Unbound { .. }
                    | Entry::RecordingOpened(_),
                )
                | Job::Tape(_)
                | Job::Work(..)
                | Job::TellAgain
                | Job::Nudge
                | Job::ClockSet { .. }
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

    /// The commit failed, so nothing of the lot is on disk: calls are refused, askers are told, the rest
    /// waits.
    fn keep(&mut self, outcome: Outcome, reason: &str) {
        for after in outcome.afters {
            after(Err(reason));
        }
        for job in outcome.jobs {
            match job {
                Job::Entry(Entry::CallOpened { call, .. }) => {
                    (self.on_reply)(StoreReply::Failed {
                        call: Some(call),
                        reason: reason.to_owned(),
                    });
                }
                Job::Work(_, work) => (work(Err(reason)).after)(Err(reason)),
                Job::Entry(_)
                | Job::Tape(_)
                | Job::TellAgain
                | Job::Nudge
                | Job::ClockSet { .. }
                | Job::Upstreams(_)
                | Job::Stop => self.wait(job, Durability::Synced),
            }
        }
        self.note_trouble(reason);
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
            Some(
                Job::Entry(_)
                | Job::Tape(_)
                | Job::Work(..)
                | Job::TellAgain
                | Job::Nudge
                | Job::ClockSet { .. }
                | Job::Upstreams(_)
                | Job::Stop,
            )
            | None => None,
        };
        self.replies.push(StoreReply::Failed {
            call,
            reason: error.to_string(),
        });
    }
}
