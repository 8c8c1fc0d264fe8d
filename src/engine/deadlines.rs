use crate::model::CallKey;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Which call to look at next. An entry is a hint, not a timer: the call's own state says whether it is due, so a
/// stale entry costs one look and nothing has to be cancelled.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    hints: BinaryHeap<Reverse<(Instant, CallKey)>>,
}

impl Deadlines {
    pub(super) fn note(&mut self, at: Instant, call: CallKey) {
        self.hints.push(Reverse((at, call)));
    }

    pub(super) fn shrink(&mut self) {
        self.hints.shrink_to(64);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.hints.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<CallKey> {
        let Reverse((at, call)) = *self.hints.peek()?;
        if at > now {
            return None;
        }
        self.hints.pop();
        Some(call)
    }
}
