//! A call that leaves by a trunk: one number, the ways there in order, and what each way's refusal means.

use super::machine::{Ending, Stage};
use super::{Action, Call, Cause, Refusal, RefusalKind};
use crate::ivr::{Input, RingResult};
use crate::model::{Diverted, HangupBy, LegId, NoteKind, Number, Status, TrunkName};
use std::time::{Duration, Instant};

/// Most stations of one call that its record names.
const MOST_STATIONS: usize = 8;

/// A number outside, and the ways there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// In the order they are tried; the next one when a way is full, down or fails.
    pub ways: Vec<Way>,
    /// How long the number is rung.
    pub ring_time: Duration,
}

/// One way outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// By which trunk.
    pub trunk: TrunkName,
    /// What is dialled there.
    pub number: Number,
    /// The number that is shown to the callee.
    pub caller_id: Number,
}

/// The call outside, under way.
#[derive(Debug)]
pub(super) struct Calling {
    ways: std::vec::IntoIter<Way>,
    pub(super) leg: LegId,
    until: Instant,
    pub(super) has_rung: bool,
    /// The leg is heard before it is picked up.
    pub(super) is_heard: bool,
    /// What the last way said.
    last: Option<RefusalKind>,
}

impl Calling {
    pub(super) fn next_deadline(&self) -> Instant {
        self.until
    }
}

impl Call {
    pub(super) fn call_outside(&mut self, now: Instant, outside: Outside) -> Vec<Action> {
        let calling = Calling {
            ways: outside.ways.into_iter(),
            leg: LegId::CALLER,
            until: now + outside.ring_time,
            has_rung: false,
            is_heard: false,
            last: None,
        };
        self.stage = Stage::Outside(calling);
        self.try_next_way(now)
    }

    fn try_next_way(&mut self, now: Instant) -> Vec<Action> {
        let leg = self.new_leg();
        let Stage::Outside(calling) = &mut self.stage else {
            return Vec::new();
        };
        let Some(way) = calling.ways.next() else {
            let last = calling.last;
            return self.outside_failed(now, last);
        };
        calling.leg = leg;
        let was_heard = std::mem::take(&mut calling.is_heard);
        let elsewhere = !calling.ways.as_slice().is_empty();
        if self.talked.is_none() {
            self.setup.trunk = Some(way.trunk.clone());
        }
        self.outbound_caller_id = Some(way.caller_id.clone());
        self.ways_tried += 1;
        self.ledger
            .dialed_outside(now, leg, way.number.as_str(), self.ways_tried);
        let note = format!("{} by {}", way.number, way.trunk);
        let mut actions: Vec<Action> = was_heard.then(|| self.ring_on()).into_iter().collect();
        actions.push(Action::DialOutside { leg, way, elsewhere });
        actions.push(Action::Note(NoteKind::Dialed, Some(leg), note));
        actions
    }

    pub(super) fn outside_rings(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Stage::Outside(calling) = &mut self.stage else {
            return Vec::new();
        };
        let is_new = !self.ledger.has_rung(leg);
        // What is heard may ring after all: the caller's phone then knows what to make of it (RFC 3960 §3.2).
        if calling.leg != leg || !(is_new || calling.is_heard) {
            return Vec::new();
        }
        let is_first = !std::mem::replace(&mut calling.has_rung, true);
        if !is_new {
            let ring = is_first && !self.is_caller_answered();
            return ring.then_some(Action::Ring(LegId::CALLER)).into_iter().collect();
        }
        self.ledger.ringing(now, leg);
        let note = Action::Note(NoteKind::Ringing, Some(leg), String::new());
        let ring = is_first && !self.is_caller_answered();
        let ring = ring.then_some(Action::Ring(LegId::CALLER));
        let news = if is_first { self.transfer_rings() } else { None };
        ring.into_iter().chain(news).chain([note]).collect()
    }

    pub(super) fn outside_answers(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let Stage::Outside(calling) = &self.stage else {
            return Vec::new();
        };
        if calling.leg != leg {
            return Vec::new();
        }
        let was_heard = calling.is_heard;
        self.ledger.answered(now, leg);
        let kind = if self.talked.is_some() {
            NoteKind::Transferred
        } else {
            NoteKind::Answered
        };
        let mut actions = self.talk(now, leg);
        if was_heard && self.is_asking_consent() {
            actions.insert(0, Action::Unbridge(leg)); // Both hear the announcement, and not each other.
        }
        let trunk = self.setup.trunk.as_ref().map(ToString::to_string);
        let note = Action::Note(kind, Some(leg), trunk.unwrap_or_default());
        actions.push(note);
        actions
    }

    pub(super) fn outside_refuses(&mut self, now: Instant, leg: LegId, refusal: Refusal) -> Vec<Action> {
        let Stage::Outside(calling) = &mut self.stage else {
            return Vec::new();
        };
        if calling.leg != leg {
            return Vec::new();
        }
        calling.last = Some(refusal.kind);
        self.ledger.refused(now, leg, refusal);
        let word = format!("{:?}", refusal.kind);
        let mut actions = vec![Action::Note(NoteKind::Refused, Some(leg), word)];
        actions.extend(if serves_elsewhere(refusal.kind) {
            self.try_next_way(now)
        } else {
            self.outside_failed(now, Some(refusal.kind))
        });
        actions
    }

    /// The trunk sends the call on: the record tells from where, and whom it has reached.
    pub(super) fn leg_redirected(&mut self, leg: LegId, to: &Number, status: u16) -> Vec<Action> {
        let Some(from) = self.ledger.renumber(leg, to.as_str()) else {
            return Vec::new();
        };
        self.setup.diverted.insert(
            0,
            Diverted {
                number: Number::from(from),
                reason: Some(format!("SIP;cause={status}")),
            },
        );
        self.setup.diverted.truncate(MOST_STATIONS);
        let note = format!("{to}, redirected");
        vec![Action::Note(NoteKind::Dialed, Some(leg), note)]
    }

    /// The number has been rung long enough.
    pub(super) fn outside_rang_long_enough(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Outside(calling) = &self.stage else {
            return Vec::new();
        };
        let leg = calling.leg;
        let has_rung = self.ledger.has_rung(leg);
        let cause = Cause::RangLongEnough;
        self.ledger
            .ended(now, leg, if has_rung { cause.result() } else { "unreachable" });
        let mut actions = vec![Action::Release(leg, cause)];
        let kind = if has_rung {
            RefusalKind::NoAnswer
        } else {
            RefusalKind::Congested
        };
        actions.extend(self.outside_failed(now, Some(kind)));
        actions
    }

    /// No way led to somebody who answered: the caller is told what the last one said.
    fn outside_failed(&mut self, now: Instant, last: Option<RefusalKind>) -> Vec<Action> {
        let result = match last {
            Some(RefusalKind::Busy | RefusalKind::Declined) => RingResult::Busy,
            Some(RefusalKind::NoAnswer) => RingResult::NoAnswer,
            Some(_) | None => RingResult::NobodyThere,
        };
        if let Some(actions) = self.transfer_in_vain(now, result) {
            return actions;
        }
        // Whoever called the sender of a message hears the messages again.
        if std::mem::take(&mut self.calls_back) {
            self.stage = Stage::InFlow;
            let mut actions = vec![Action::StopPlaying(self.front)];
            actions.extend(self.step_flow(now, Input::RingEnded(result)));
            return actions;
        }
        let (status, release, word) = match last {
            Some(RefusalKind::Busy) => (Status::Busy, Cause::Busy, None),
            Some(RefusalKind::Declined) => (Status::NoAnswer, Cause::Rejected, Some("declined")),
            Some(RefusalKind::NoAnswer) => (Status::NoAnswer, Cause::NoAnswer, None),
            Some(RefusalKind::NoSuchNumber) => (Status::Failed, Cause::NoSuchNumber, Some("no_such_number")),
            Some(RefusalKind::Redirected) => (Status::Failed, Cause::Failed, Some("redirected")),
            Some(RefusalKind::Congested | RefusalKind::Unreachable) | None => {
                (Status::Failed, Cause::Congestion, Some("no_trunk"))
            }
            Some(RefusalKind::Failed) => (Status::Failed, Cause::Failed, Some("trunk_failed")),
        };
        self.end(
            now,
            Ending {
                by: HangupBy::System,
                status,
                release,
                word,
            },
        )
    }
}

/// Whether another trunk may serve what this one did not.
fn serves_elsewhere(kind: RefusalKind) -> bool {
    match kind {
        RefusalKind::Congested | RefusalKind::Unreachable | RefusalKind::Failed => true,
        RefusalKind::Busy
        | RefusalKind::Declined
        | RefusalKind::NoAnswer
        | RefusalKind::NoSuchNumber
        | RefusalKind::Redirected => false,
    }
}
