use super::timing::{Due, LIFE, Repeat, T2, T4, earlier};
use std::time::Instant;

/// The non-INVITE client transaction of RFC 3261 §17.1.2.
#[derive(Debug)]
pub(super) struct Client {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Timers E and F.
    Trying {
        repeat: Option<Repeat>,
        until: Instant,
        proceeding: bool,
    },
    /// Timer K.
    Completed {
        until: Instant,
    },
    Over,
}

impl Client {
    pub(super) fn new(now: Instant, reliable: bool) -> Self {
        let repeat = (!reliable).then(|| Repeat::new(now, Some(T2)));
        Self {
            reliable,
            state: State::Trying {
                repeat,
                until: now + LIFE,
                proceeding: false,
            },
        }
    }

    /// Whether no final response has come.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// Whether this response is news for the user.
    pub(super) fn heard(&mut self, now: Instant, status: u16) -> bool {
        let State::Trying {
            repeat, proceeding, ..
        } = &mut self.state
        else {
            return false;
        };
        if status < 200 {
            *proceeding = true;
            if let Some(repeat) = repeat {
                repeat.slow_down();
            }
            return true;
        }
        self.state = if self.reliable {
            State::Over
        } else {
            State::Completed { until: now + T4 }
        };
        true
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Trying { repeat, until, .. } => earlier(repeat.map(Repeat::at), Some(*until)),
            State::Completed { until } => Some(*until),
            State::Over => None,
        }
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        match &mut self.state {
            State::Trying { until, .. } if *until <= now => {
                self.state = State::Over;
                Due::TimedOut
            }
            State::Trying {
                repeat: Some(repeat), ..
            } => repeat.send_if_due(now),
            State::Completed { until } if *until <= now => {
                self.state = State::Over;
                Due::Over
            }
            State::Over => Due::Over,
            State::Trying { repeat: None, .. } | State::Completed { .. } => Due::Nothing,
        }
    }

    pub(super) fn has_heard_nothing(&self) -> bool {
        matches!(
            self.state,
            State::Trying {
                proceeding: false,
                ..
            }
        )
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::origin;
    use super::*;

    #[test]
    fn a_request_nobody_answers_is_sent_eleven_times_at_most_four_seconds_apart() {
        let start = origin();
        let mut machine = Client::new(start, false);
        let mut sent = 1;
        let end = loop {
            let at = machine.next_deadline().unwrap();
            match machine.due(at) {
                Due::SendAgain => sent += 1,
                due @ (Due::Nothing | Due::TimedOut | Due::Over) => break (due, at - start),
            }
        };
        assert_eq!((sent, end), (11, (Due::TimedOut, LIFE)));
    }

    #[test]
    fn a_repeated_final_response_is_told_once() {
        let now = origin();
        let mut machine = Client::new(now, false);
        assert!(machine.heard(now, 200));
        assert!(!machine.heard(now, 200));
        assert_eq!(machine.due(now + T4), Due::Over);
    }
}
