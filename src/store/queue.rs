//! The way into the writer: a queue of fixed size whose reader is woken by what cannot wait.
//!
//! Most of what a call tells the journal may wait for company. Waking the writer for each such detail would cost more than
//! writing it, so a job that may wait wakes the writer only when nothing of its kind waits with it already; the writer
//! then knows when the wait is over, and until then only what is urgent wakes it.

use super::writer::Job;
use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, SendError, TrySendError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue with so many places.
pub(super) fn queue(places: usize) -> (JobSender, JobReceiver) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            jobs: VecDeque::new(),
            places,
            senders: 1,
            is_closed: false,
            reader: Reader::Busy,
            blocked: 0,
        }),
        news: Condvar::new(),
        room: Condvar::new(),
    });
    (JobSender(Arc::clone(&shared)), JobReceiver(shared))
}

/// The way in; cheap to clone.
pub(super) struct JobSender(Arc<Shared>);

/// The way out; there is one.
pub(super) struct JobReceiver(Arc<Shared>);

/// What the reader wants to be woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heed {
    /// Any job.
    Everything,
    /// Jobs that cannot wait, and a queue that fills up.
    Urgent,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
    room: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    places: usize,
    senders: usize,
    /// The reader is gone.
    is_closed: bool,
    reader: Reader,
    /// Senders that wait for a place.
    blocked: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Busy,
    Waits(Heed),
}

impl State {
    /// Whether the reader has to be woken for this job.
    fn wakes(&self, job: &Job) -> bool {
        match self.reader {
            Reader::Busy => false,
            Reader::Waits(Heed::Everything) => true,
            Reader::Waits(Heed::Urgent) => !job.may_wait() || self.jobs.len() * 2 >= self.places,
        }
    }

    fn is_full(&self) -> bool {
        self.jobs.len() >= self.places
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut state: MutexGuard<'_, State>, job: Job) {
        let wakes = state.wakes(&job);
        state.jobs.push_back(job);
        if wakes {
            state.reader = Reader::Busy;
            drop(state);
            self.news.notify_one();
        }
    }
}

impl JobSender {
    /// Puts a job into the queue if there is a place.
    ///
    /// # Errors
    /// Gives it back when the queue is full or its reader gone.
    pub(super) fn try_send(&self, job: Job) -> Result<(), TrySendError<Job>> {
        let state = self.0.lock();
        if state.is_closed {
            return Err(TrySendError::Disconnected(job));
        }
        if state.is_full() {
            return Err(TrySendError::Full(job));
        }
        self.0.put(state, job);
        Ok(())
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// Gives the job back when the reader is gone.
    pub(super) fn send(&self, job: Job) -> Result<(), SendError<Job>> {
        let mut state = self.0.lock();
        while state.is_full() && !state.is_closed {
            state.blocked += 1;
            state = self.0.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.blocked -= 1;
        }
        if state.is_closed {
            return Err(SendError(job));
        }
        self.0.put(state, job);
        Ok(())
    }
}

impl Clone for JobSender {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for JobSender {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.senders -= 1;
        if state.senders == 0 {
            drop(state);
            self.0.news.notify_one();
        }
    }
}

impl std::fmt::Debug for JobSender {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "JobSender({} waiting)", self.0.lock().jobs.len())
    }
}

impl JobReceiver {
    /// The next job, if one is there.
    pub(super) fn try_recv(&self) -> Option<Job> {
        self.take(&mut self.0.lock())
    }

    /// The next job; waits for one that is heeded, at most so long. When the time is over, what is there is taken.
    ///
    /// # Errors
    /// When nothing came in time, or when nothing is left and nobody is there to send more.
    pub(super) fn recv(&self, within: Option<Duration>, heed: Heed) -> Result<Job, RecvTimeoutError> {
        // A span too long to be an instant is for ever.
        let until = within.and_then(|within| now().checked_add(within));
        let mut state = self.0.lock();
        loop {
            let has_news = match heed {
                Heed::Everything => !state.jobs.is_empty(),
                Heed::Urgent => {
                    state.jobs.len() * 2 >= state.places || state.jobs.iter().any(|job| !job.may_wait())
                }
            };
            if has_news && let Some(job) = self.take(&mut state) {
                return Ok(job);
            }
            if state.senders == 0 {
                return self.take(&mut state).ok_or(RecvTimeoutError::Disconnected);
            }
            let rest = until.map(|until| until.saturating_duration_since(now()));
            if rest.is_some_and(|rest| rest.is_zero()) {
                return self.take(&mut state).ok_or(RecvTimeoutError::Timeout);
            }
            state.reader = Reader::Waits(heed);
            state = match rest {
                None => self.0.news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(rest) => {
                    let woken = self.0.news.wait_timeout(state, rest);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.reader = Reader::Busy;
        }
    }

    fn take(&self, state: &mut State) -> Option<Job> {
        let job = state.jobs.pop_front();
        if state.blocked > 0 {
            self.0.room.notify_one();
        }
        job
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a thread sleeps is real time, whatever clock the writer is given"
)]
fn now() -> Instant {
    Instant::now()
}

impl Drop for JobReceiver {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        // Who waits for the outcome of a job hears at once that there will be none.
        let left = std::mem::take(&mut state.jobs);
        drop(state);
        drop(left);
        self.0.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Entry;
    use std::sync::mpsc;

    fn note() -> Job {
        Job::Entry(Entry::Refreshed(Vec::new()))
    }

    #[test]
    fn what_may_wait_wakes_nobody_who_heeds_the_urgent() {
        let (sender, receiver) = queue(100);
        let (woke, waking) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            let first = receiver.recv(None, Heed::Urgent);
            woke.send(first.is_ok()).expect("somebody listens");
            std::iter::from_fn(|| receiver.try_recv()).count()
        });
        for _ in 0..10 {
            sender.try_send(note()).expect("there is room");
        }
        assert!(waking.recv_timeout(Duration::from_millis(50)).is_err());
        sender.try_send(Job::TellAgain).expect("there is room");
        assert_eq!(waking.recv(), Ok(true));
        assert_eq!(
            reader.join().expect("it has read"),
            10,
            "and in order behind the first"
        );
    }

    #[test]
    fn a_queue_half_full_of_what_may_wait_is_read() {
        let (sender, receiver) = queue(10);
        for _ in 0..5 {
            sender.try_send(note()).expect("there is room");
        }
        assert!(receiver.recv(None, Heed::Urgent).is_ok());
    }

    #[test]
    fn when_the_wait_is_over_what_is_there_is_taken() {
        let (sender, receiver) = queue(10);
        sender.try_send(note()).expect("there is room");
        let soon = Some(Duration::from_millis(1));
        assert!(receiver.recv(soon, Heed::Urgent).is_ok());
        assert!(matches!(
            receiver.recv(soon, Heed::Urgent),
            Err(RecvTimeoutError::Timeout)
        ));
    }

    #[test]
    fn a_full_queue_gives_back_and_makes_others_wait() {
        let (sender, receiver) = queue(1);
        sender.try_send(Job::TellAgain).expect("there is room");
        assert!(matches!(sender.try_send(note()), Err(TrySendError::Full(_))));
        let other = sender.clone();
        let waiting = std::thread::spawn(move || other.send(Job::Stop).is_ok());
        assert!(matches!(
            receiver.recv(None, Heed::Everything),
            Ok(Job::TellAgain)
        ));
        assert!(matches!(receiver.recv(None, Heed::Everything), Ok(Job::Stop)));
        assert!(waiting.join().expect("it was let in"));
    }

    #[test]
    fn either_end_learns_that_the_other_is_gone() {
        let (sender, receiver) = queue(1);
        sender.try_send(note()).expect("there is room");
        drop(sender);
        assert!(receiver.recv(None, Heed::Urgent).is_ok());
        assert!(matches!(
            receiver.recv(None, Heed::Everything),
            Err(RecvTimeoutError::Disconnected)
        ));
        let (sender, receiver) = queue(1);
        drop(receiver);
        assert!(matches!(
            sender.try_send(note()),
            Err(TrySendError::Disconnected(_))
        ));
        assert!(sender.send(Job::Stop).is_err());
    }
}
