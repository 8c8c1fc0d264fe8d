use super::timing::{Due, LIFE};
use std::time::Instant;

/// The non-INVITE server transaction of RFC 3261 §17.2.2: it remembers the final response for those who ask again.
#[derive(Debug)]
pub(super) struct Server {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The far side gives up after 64·T1, so an answer later than that is not worth sending (RFC 4320 §4.2).
    Trying {
        until: Instant,
    },
    /// Timer J.
    Completed {
        until: Instant,
    },
    Over,
}

impl Server {
    pub(super) fn new(now: Instant, reliable: bool) -> Self {
        Self {
            reliable,
            state: State::Trying { until: now + LIFE },
        }
    }

    /// No provisional response, which would only make the far side ask more slowly, and no 408, which would come
    /// too late for anybody to hear (RFC 4320 §4.1, §4.2).
    pub(super) fn may_send(status: u16) -> bool {
        status >= 200 && status != 408
    }

    pub(super) fn responded(&mut self, now: Instant, status: u16) {
        if let (State::Trying { .. }, 200..) = (&self.state, status) {
            self.state = if self.reliable {
                State::Over
            } else {
                State::Completed { until: now + LIFE }
            };
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Trying { until } | State::Completed { until } => Some(until),
            State::Over => None,
        }
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        match self.state {
            State::Trying { until } | State::Completed { until } if until <= now => {
                self.state = State::Over;
                Due::Over
            }
            State::Over => Due::Over,
            State::Trying { .. } | State::Completed { .. } => Due::Nothing,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}
