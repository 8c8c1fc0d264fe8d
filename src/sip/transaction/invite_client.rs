use super::timing::{Due, LIFE, Repeat, earlier};
use std::time::Instant;

/// The INVITE client transaction of RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2.
#[derive(Debug)]
pub(super) struct InviteClient {
    reliable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Sent, nothing heard. Timers A and B.
    Calling {
        repeat: Option<Repeat>,
        until: Instant,
    },
    /// A provisional response came; rings as long as the caller likes.
    Proceeding {
        until: Option<Instant>,
    },
    /// Refused; the ACK is repeated for every repeated refusal. Timer D.
    Completed {
        until: Instant,
    },
    /// Answered; further 2xx (forks, repeats) go to the user. Timer M.
    Accepted {
        until: Instant,
    },
    Over,
}

/// What a response means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// News for the user.
    Deliver,
    /// News for the user; acknowledge it first (a refusal).
    AckAndDeliver,
    /// A repeated refusal; acknowledge it again.
    AckAgain,
    /// Nothing new.
    Absorb,
}

impl InviteClient {
    pub(super) fn new(now: Instant, reliable: bool) -> Self {
        let repeat = (!reliable).then(|| Repeat::new(now, None));
        Self {
            reliable,
            state: State::Calling {
                repeat,
                until: now + LIFE,
            },
        }
    }

    pub(super) fn heard(&mut self, now: Instant, status: u16) -> Heard {
        match (&self.state, status) {
            (State::Calling { .. }, 100..=199) => {
                self.state = State::Proceeding { until: None };
                Heard::Deliver
            }
            (State::Proceeding { .. }, 100..=199) => Heard::Deliver,
            (State::Calling { .. } | State::Proceeding { .. }, 200..=299) => {
                self.state = State::Accepted { until: now + LIFE };
                Heard::Deliver
            }
            (State::Calling { .. } | State::Proceeding { .. }, 300..=699) => {
                self.state = if self.reliable {
                    State::Over
                } else {
                    State::Completed { until: now + LIFE }
                };
                Heard::AckAndDeliver
            }
            (State::Completed { .. }, 300..=699) => Heard::AckAgain,
            (State::Accepted { .. }, 200..=299) => Heard::Deliver,
            (State::Completed { .. } | State::Accepted { .. } | State::Over, _) => Heard::Absorb,
            (State::Calling { .. } | State::Proceeding { .. }, _) => Heard::Absorb,
        }
    }

    /// Whether a CANCEL may be sent now (RFC 3261 §9.1: only after a provisional response).
    pub(super) fn may_cancel(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Whether a CANCEL has been sent and no final response has come.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.state, State::Proceeding { until: Some(_) })
    }

    /// Whether nothing has come at all.
    pub(super) fn has_heard_nothing(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// Whether no final response has come.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. })
    }

    /// A CANCEL has been sent: the final response must come within 64·T1 (RFC 3261 §9.1).
    pub(super) fn give_up_after_cancel(&mut self, now: Instant) {
        if let State::Proceeding { until } = &mut self.state {
            *until = Some(now + LIFE);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { repeat, until } => earlier(repeat.map(Repeat::at), Some(*until)),
            State::Proceeding { until } => *until,
            State::Completed { until } | State::Accepted { until } => Some(*until),
            State::Over => None,
        }
    }

    pub(super) fn due(&mut self, now: Instant) -> Due {
        match &mut self.state {
            State::Calling { until, .. } if *until <= now => self.end(Due::TimedOut),
            State::Calling {
                repeat: Some(repeat), ..
            } => repeat.send_if_due(now),
            State::Proceeding { until: Some(until) } if *until <= now => self.end(Due::TimedOut),
            State::Completed { until } | State::Accepted { until } if *until <= now => self.end(Due::Over),
            State::Over => Due::Over,
            State::Calling { repeat: None, .. }
            | State::Proceeding { .. }
            | State::Completed { .. }
            | State::Accepted { .. } => Due::Nothing,
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
    use super::super::tests::{after, origin};
    use super::*;

    #[test]
    fn an_invite_nobody_answers_is_sent_seven_times_and_then_times_out() {
        let start = origin();
        let mut machine = InviteClient::new(start, false);
        let (mut sent, mut last) = (1, start);
        let outcome = loop {
            let at = machine.next_deadline().unwrap();
            assert!(at > last);
            last = at;
            match machine.due(at) {
                Due::SendAgain => sent += 1,
                due @ (Due::Nothing | Due::TimedOut | Due::Over) => break due,
            }
        };
        assert_eq!((sent, outcome, last - start), (7, Due::TimedOut, LIFE));
        assert!(machine.is_over());
    }

    #[test]
    fn a_ringing_invite_waits_without_a_deadline_until_it_is_cancelled() {
        let now = origin();
        let mut machine = InviteClient::new(now, false);
        assert!(!machine.may_cancel());
        assert_eq!(machine.heard(now, 180), Heard::Deliver);
        assert_eq!(machine.next_deadline(), None);
        assert!(machine.may_cancel());
        machine.give_up_after_cancel(now);
        assert_eq!(machine.due(now + LIFE), Due::TimedOut);
    }

    #[test]
    fn a_repeated_refusal_is_acknowledged_again_and_told_once() {
        let now = origin();
        let mut machine = InviteClient::new(now, false);
        assert_eq!(machine.heard(now, 486), Heard::AckAndDeliver);
        assert_eq!(machine.heard(after(now, 1), 486), Heard::AckAgain);
        assert_eq!(machine.heard(after(now, 1), 200), Heard::Absorb);
        assert_eq!(machine.due(now + LIFE), Due::Over);
    }

    #[test]
    fn every_200_reaches_the_user_because_each_needs_its_ack() {
        let now = origin();
        let mut machine = InviteClient::new(now, false);
        assert_eq!(machine.heard(now, 200), Heard::Deliver);
        assert_eq!(machine.heard(now, 200), Heard::Deliver);
        assert_eq!(machine.heard(now, 486), Heard::Absorb);
    }

    #[test]
    fn over_tcp_nothing_is_repeated() {
        let now = origin();
        let mut machine = InviteClient::new(now, true);
        assert_eq!(machine.next_deadline(), Some(now + LIFE));
        assert_eq!(machine.heard(now, 404), Heard::AckAndDeliver);
        assert!(machine.is_over());
    }
}
