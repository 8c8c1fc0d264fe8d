use super::timing::{Due, LIFE, Repeat, T2, T4, earlier};
use std::time::Instant;

/// The INVITE server transaction of RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.
///
/// The 2xx is repeated here until its ACK comes (RFC 3261 §13.3.1.4), so that the user of the transaction has
/// no timer of its own.
#[derive(Debug)]
pub(super) struct InviteServer {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// No final response yet.
    Proceeding,
    /// Refused, waiting for the ACK. Timers G and H.
    Completed {
        repeat: Option<Repeat>,
        until: Instant,
    },
    /// The ACK of the refusal came. Timer I.
    Confirmed {
        until: Instant,
    },
    /// Answered; repeated until the ACK comes. Timer L.
    Accepted {
        repeat: Option<Repeat>,
        until: Instant,
    },
    Over,
}

impl InviteServer {
    pub(super) fn new(reliable: bool) -> Self {
        Self {
            reliable,
            state: State::Proceeding,
        }
    }

    /// A response is being sent.
    pub(super) fn responded(&mut self, now: Instant, status: u16) {
        let State::Proceeding = self.state else { return };
        let until = now + LIFE;
        match status {
            0..=199 => {}
            // The 2xx is repeated over any transport: a stream may end at a proxy (RFC 3261 §13.3.1.4).
            200..=299 => {
                self.state = State::Accepted {
                    repeat: Some(Repeat::new(now, Some(T2))),
                    until,
                }
            }
            300.. => {
                let repeat = (!self.reliable).then(|| Repeat::new(now, Some(T2)));
                self.state = State::Completed { repeat, until };
            }
        }
    }

    /// The INVITE came again. Whether the last response is to be sent again.
    pub(super) fn heard_again(&self) -> bool {
        matches!(self.state, State::Proceeding | State::Completed { .. })
    }

    /// An ACK came. Whether it was the one of a refusal, which ends here.
    pub(super) fn acknowledged(&mut self, now: Instant) -> bool {
        if let State::Completed { .. } = self.state {
            self.state = if self.reliable {
                State::Over
            } else {
                State::Confirmed { until: now + T4 }
            };
        }
        !matches!(self.state, State::Accepted { .. } | State::Proceeding)
    }

    /// The ACK of the 2xx came; it belongs to the dialog, which tells us here.
    pub(super) fn confirmed(&mut self) {
        if let State::Accepted { repeat, .. } = &mut self.state {
            *repeat = None;
        }
    }

    /// Whether a final response has been sent.
    pub(super) fn has_answered(&self) -> bool {
        !matches!(self.state, State::Proceeding)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Proceeding | State::Over => None,
            State::Completed { repeat, until } | State::Accepted { repeat, until } => {
                earlier(repeat.map(Repeat::at), Some(*until))
            }
            State::Confirmed { until } => Some(*until),
        }
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        match &mut self.state {
            State::Accepted {
                repeat: Some(_),
                until,
            } if *until <= now => self.end(Due::TimedOut),
            State::Completed { until, .. } | State::Accepted { until, .. } | State::Confirmed { until }
                if *until <= now =>
            {
                self.end(Due::Over)
            }
            State::Completed {
                repeat: Some(repeat), ..
            }
            | State::Accepted {
                repeat: Some(repeat), ..
            } => repeat.send_if_due(now),
            State::Over => Due::Over,
            State::Proceeding
            | State::Completed { .. }
            | State::Accepted { .. }
            | State::Confirmed { .. } => Due::Nothing,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn end(&mut self, due: Due) -> Due {
        self.state = State::Over;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::origin;
    use super::*;

    #[test]
    fn a_200_is_repeated_until_its_ack_and_lingers_to_absorb_the_invite() {
        let now = origin();
        let mut machine = InviteServer::new(false);
        machine.responded(now, 200);
        let first = machine.next_deadline().unwrap();
        assert_eq!(machine.due(first), Due::SendAgain);
        machine.confirmed();
        assert_eq!(machine.next_deadline(), Some(now + LIFE));
        assert_eq!(machine.due(now + LIFE), Due::Over);
    }

    #[test]
    fn a_200_without_an_ack_times_out() {
        let now = origin();
        let mut machine = InviteServer::new(true);
        machine.responded(now, 200);
        let end = loop {
            match machine.due(machine.next_deadline().unwrap()) {
                Due::SendAgain => {}
                due @ (Due::Nothing | Due::TimedOut | Due::Over) => break due,
            }
        };
        assert_eq!(end, Due::TimedOut);
    }

    #[test]
    fn the_ack_of_a_refusal_ends_its_repetition() {
        let now = origin();
        let mut machine = InviteServer::new(false);
        machine.responded(now, 180);
        assert!(machine.heard_again());
        machine.responded(now, 486);
        assert!(machine.acknowledged(now));
        assert!(!machine.heard_again());
        assert_eq!(machine.due(now + T4), Due::Over);
    }
}
