use super::frame::{Frame, Traced, Way};
use super::skim::skim;
use crate::model::{CallId, LegId};
use crate::sip::Flow;
use std::collections::{HashMap, VecDeque};

/// Dialogs known at once. A call has two or three, while ringing one for each phone.
const MOST_DIALOGS: usize = 4096;
/// Bytes of messages that wait to be claimed by a call.
const MOST_WAITING: usize = 256 * 1024;
/// How long they wait: the engine says at once whose an INVITE is.
const PATIENCE_US: i64 = 8_000_000;
/// How long a dialog that has ended is remembered, for what comes late (64 · T1 and a little).
const LATE_US: i64 = 40_000_000;

/// Finds whose each message is. What no call claims is forgotten.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    dialogs: HashMap<Box<[u8]>, Owner>,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    newest_us: i64,
}

#[derive(Debug)]
struct Owner {
    call: CallId,
    leg: LegId,
    ended_us: Option<i64>,
    used_us: i64,
}

#[derive(Debug)]
struct Waiting {
    call_id: Box<[u8]>,
    at_us: i64,
    way: Way,
    flow: Flow,
    bytes: Vec<u8>,
}

impl Sieve {
    /// Takes a frame; gives what is known to be a call's now, in order.
    pub(super) fn take(&mut self, frame: &Frame<'_>, mut give: impl FnMut(Traced)) {
        match frame {
            Frame::Belongs { call, leg, call_id } => {
                self.remember(*call, *leg, call_id);
                self.claim(call_id, &mut give);
            }
            Frame::Message {
                at_us,
                way,
                flow,
                bytes,
            } => {
                self.newest_us = *at_us;
                let Some(seen) = skim(bytes) else { return };
                let Some(owner) = self.dialogs.get_mut(seen.call_id) else {
                    return self.wait(Waiting {
                        call_id: seen.call_id.into(),
                        at_us: *at_us,
                        way: *way,
                        flow: *flow,
                        bytes: bytes.to_vec(),
                    });
                };
                owner.used_us = *at_us;
                let is_refused = seen.method == b"INVITE"
                    && seen.status.is_some_and(|status| status >= 300)
                    && !matches!(seen.status, Some(401 | 407 | 422 | 491));
                if seen.method == b"BYE" || is_refused {
                    owner.ended_us = owner.ended_us.or(Some(*at_us));
                }
                give(Traced {
                    at_us: *at_us,
                    way: *way,
                    flow: *flow,
                    call: owner.call,
                    leg: owner.leg,
                    bytes: bytes.to_vec(),
                });
            }
        }
    }

    /// Forgets dialogs that ended a while ago, and messages that nobody claimed.
    pub(super) fn tidy(&mut self) {
        let newest = self.newest_us;
        self.dialogs.retain(|_, owner| {
            owner
                .ended_us
                .is_none_or(|ended| newest.saturating_sub(ended) < LATE_US)
        });
        while self.waiting.front().is_some_and(|oldest| {
            self.waiting_bytes > MOST_WAITING || newest.saturating_sub(oldest.at_us) > PATIENCE_US
        }) {
            self.waiting_bytes -= self.waiting.pop_front().map_or(0, |gone| gone.bytes.len());
        }
    }

    fn remember(&mut self, call: CallId, leg: LegId, call_id: &[u8]) {
        if self.dialogs.len() >= MOST_DIALOGS
            && let Some(oldest) = self
                .dialogs
                .iter()
                .min_by_key(|(_, owner)| (owner.ended_us.is_none(), owner.used_us))
                .map(|(call_id, _)| call_id.clone())
        {
            self.dialogs.remove(&oldest);
        }
        let owner = Owner {
            call,
            leg,
            ended_us: None,
            used_us: self.newest_us,
        };
        self.dialogs.insert(call_id.into(), owner);
    }

    fn wait(&mut self, waiting: Waiting) {
        self.waiting_bytes += waiting.bytes.len();
        self.waiting.push_back(waiting);
        while self.waiting_bytes > MOST_WAITING {
            self.waiting_bytes -= self.waiting.pop_front().map_or(0, |gone| gone.bytes.len());
        }
    }

    fn claim(&mut self, call_id: &[u8], give: &mut impl FnMut(Traced)) {
        if !self.waiting.iter().any(|one| *one.call_id == *call_id) {
            return;
        }
        let Some(owner) = self.dialogs.get(call_id) else {
            return;
        };
        let (mine, others): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|one| *one.call_id == *call_id);
        self.waiting = others;
        for one in mine {
            self.waiting_bytes -= one.bytes.len();
            give(Traced {
                at_us: one.at_us,
                way: one.way,
                flow: one.flow,
                call: owner.call,
                leg: owner.leg,
                bytes: one.bytes,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::call;
    use super::*;

    fn message(at_us: i64, bytes: &str) -> Frame<'_> {
        Frame::Message {
            at_us,
            way: Way::Received,
            flow: "udp 127.0.0.1:5060 127.0.0.2:5060".parse().unwrap(),
            bytes: bytes.as_bytes(),
        }
    }

    fn request(method: &str, call_id: &str) -> String {
        format!("{method} sip:1@h SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n")
    }

    fn given(sieve: &mut Sieve, frame: &Frame<'_>) -> Vec<(u32, i64)> {
        let mut found = Vec::new();
        sieve.take(frame, |one| found.push((one.leg.0, one.at_us)));
        found
    }

    #[test]
    fn an_invite_waits_until_the_engine_says_whose_it_is() {
        let mut sieve = Sieve::default();
        let (invite, other, bye) = (
            request("INVITE", "a"),
            request("INVITE", "b"),
            request("BYE", "a"),
        );
        assert_eq!(given(&mut sieve, &message(1, &invite)), []);
        assert_eq!(given(&mut sieve, &message(2, &other)), []);
        let belongs = Frame::Belongs {
            call: call(1),
            leg: LegId(3),
            call_id: b"a",
        };
        assert_eq!(given(&mut sieve, &belongs), [(3, 1)]);
        assert_eq!(given(&mut sieve, &message(4, &bye)), [(3, 4)]);
    }

    /// Whoever floods the box with calls that are none writes nothing and keeps nothing.
    #[test]
    fn what_nobody_claims_is_forgotten() {
        let mut sieve = Sieve::default();
        for number in 0..20_000 {
            let invite = request("INVITE", &format!("flood-{number}"));
            assert_eq!(given(&mut sieve, &message(number, &invite)), []);
        }
        assert!(sieve.waiting_bytes <= MOST_WAITING);
        let invite = request("INVITE", "late");
        given(&mut sieve, &message(PATIENCE_US * 2, &invite));
        sieve.tidy();
        assert_eq!(sieve.waiting.len(), 1);
        assert_eq!(sieve.waiting_bytes, invite.len());
    }

    #[test]
    fn a_dialog_that_ended_is_remembered_for_what_comes_late_and_then_forgotten() {
        let mut sieve = Sieve::default();
        for number in 0..MOST_DIALOGS * 2 {
            let call_id = format!("d{number}");
            let belongs = Frame::Belongs {
                call: call(1),
                leg: LegId(1),
                call_id: call_id.as_bytes(),
            };
            given(&mut sieve, &belongs);
        }
        assert_eq!(sieve.dialogs.len(), MOST_DIALOGS);
        let last = format!("d{}", MOST_DIALOGS * 2 - 1);
        let bye = request("BYE", &last);
        assert_eq!(given(&mut sieve, &message(1, &bye)), [(1, 1)]);
        sieve.tidy();
        assert_eq!(given(&mut sieve, &message(2, &bye)), [(1, 2)]);
        given(&mut sieve, &message(LATE_US + 10, &request("BYE", "x")));
        sieve.tidy();
        assert_eq!(given(&mut sieve, &message(LATE_US + 11, &bye)), []);
    }
}
