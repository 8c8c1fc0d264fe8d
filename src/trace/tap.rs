use super::frame::{Frame, Way};
use super::skim::skim;
use crate::model::{CallId, LegId};
use crate::sip::Flow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most bytes that wait for the writer; what comes then is left out and counted. A second of 500 calls.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// When so many bytes wait the writer begins at once: a rush of calls takes no more memory than this a few times over.
pub(super) const ENOUGH: usize = 96 * 1024;

/// Where the engine's thread lays copies of messages. It never waits for the disk.
#[derive(Debug)]
pub struct Tap {
    basin: Arc<Basin>,
    /// A moment by both clocks, in microseconds of the wall's.
    clocks: (Instant, i64),
}

/// What was traced since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceCounts {
    /// Messages of calls written.
    pub written: u64,
    /// Messages left out because the writer was behind, or the disk refused.
    pub left_out: u64,
}

/// What lies between the engine's thread and the writer's.
#[derive(Debug, Default)]
pub(super) struct Basin {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) frames: Vec<u8>,
    pub(super) counts: TraceCounts,
    /// How often somebody asked for everything to be on disk, and up to which time it was.
    pub(super) asked: u64,
    pub(super) written: u64,
    pub(super) stops: bool,
}

impl Basin {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap {
    pub(super) fn new(basin: Arc<Basin>, now: Instant, wall_unix_ms: i64) -> Self {
        Self {
            basin,
            clocks: (now, wall_unix_ms.saturating_mul(1000)),
        }
    }

    /// The wall clock was set.
    pub fn set_clock(&mut self, now: Instant, wall_unix_ms: i64) {
        self.clocks = (now, wall_unix_ms.saturating_mul(1000));
    }

    /// A message went by. What is no message of a call is not looked at further.
    pub fn message(&self, now: Instant, way: Way, flow: &Flow, bytes: &[u8]) {
        if skim(bytes).is_none() {
            return;
        }
        let (then, wall_us) = self.clocks;
        let passed = i64::try_from(now.saturating_duration_since(then).as_micros()).unwrap_or(i64::MAX);
        self.lay(&Frame::Message {
            at_us: wall_us.saturating_add(passed),
            way,
            flow: *flow,
            bytes,
        });
    }

    /// Messages with this Call-ID are of this leg from now on, and those that came a moment ago.
    pub fn belongs(&self, call: CallId, leg: LegId, call_id: &str) {
        self.lay(&Frame::Belongs {
            call,
            leg,
            call_id: call_id.as_bytes(),
        });
    }

    fn lay(&self, frame: &Frame<'_>) {
        let mut state = self.basin.lock();
        if state.frames.len() >= MOST_BYTES {
            state.counts.left_out += 1;
            return;
        }
        let before = state.frames.len();
        frame.put(&mut state.frames);
        let is_enough = before < ENOUGH && state.frames.len() >= ENOUGH;
        drop(state);
        if before == 0 || is_enough {
            self.basin.changed.notify_one();
        }
    }
}
