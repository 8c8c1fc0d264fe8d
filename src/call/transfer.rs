//! Handing a conversation on: somebody in it asks that another phone takes their place.
//!
//! The party that stays hears ringback while the hunt for the new one goes on. Whoever asked stays in the call until
//! somebody has taken it or they hang up: when nobody takes it, the conversation goes back to them.

use super::machine::{Stage, Talk};
use super::{Action, Call, Cause, Entry, Overflow, Who};
use crate::ivr::RingResult;
use crate::model::{
    AgentId, LegId, NoteKind, Number, Playable, Tone, TransferKind, TransferRecord, WallClock,
};
use std::time::Instant;

/// A call is handed on no more often than this; more is a circle (ROBUSTNESS 39).
pub(super) const MOST_TRANSFERS: usize = 3;

/// Somebody wants the call handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferWish {
    /// Whose phone asks.
    pub by: LegId,
    /// The number that is to take the call.
    pub to: Number,
    /// In which way.
    pub kind: TransferKind,
}

/// Why a call is not handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferObjection {
    /// There is no conversation now, or it is being handed on already.
    NotNow,
    /// It has been handed on too often.
    TooOften,
    /// Nobody here has this number.
    Unknown,
    /// Whoever asks may not call this number.
    Forbidden,
}

/// What the one who asked is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferNews {
    /// It is not done.
    Refused(TransferObjection),
    /// It is being tried.
    Accepted,
    /// A phone rings.
    Ringing,
    /// Somebody has taken the call.
    Done,
    /// Nobody took it.
    Failed(RingResult),
}

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transfer {
    by: LegId,
    by_is_there: bool,
    begun: bool,
    /// It has gone back to the phone of the one who asked, by ringing it.
    recalled: bool,
}

/// A transfer as the record will tell it.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) at: Instant,
    pub(super) kind: TransferKind,
    pub(super) by: LegId,
    pub(super) agent: Option<AgentId>,
    pub(super) to: Number,
    pub(super) leg: Option<LegId>,
    pub(super) result: &'static str,
}

impl Passed {
    pub(super) fn record(&self, clock: &WallClock) -> TransferRecord {
        TransferRecord {
            at: clock.stamp(self.at),
            kind: self.kind,
            by_leg: self.by.0,
            by: self.agent.clone(),
            to: self.to.as_str().to_owned(),
            leg: self.leg.map(|leg| leg.0),
            result: self.result.to_owned(),
        }
    }
}

impl Call {
    /// The party whose call it is: the caller, until the caller has handed the call on.
    pub fn front(&self) -> LegId {
        self.front
    }

    /// Whether a leg is one of the two who talk.
    pub fn is_talking(&self, leg: LegId) -> bool {
        matches!(self.stage, Stage::Talking)
            && !self.is_asking_consent()
            && (leg == self.front || self.counterpart() == Some(leg))
    }

    /// The other one of the two who talk.
    pub fn other_than(&self, leg: LegId) -> Option<LegId> {
        let counterpart = self.counterpart()?;
        if leg == self.front {
            Some(counterpart)
        } else {
            (leg == counterpart).then_some(self.front)
        }
    }

    /// The leg of the agent who talks, or who talked last.
    pub fn agent_leg(&self) -> Option<LegId> {
        let leg = self.counterpart()?;
        let has_none = self.ledger.agent(leg).is_none() && self.ledger.agent(self.front).is_some();
        Some(if has_none { self.front } else { leg })
    }

    /// Who is talked with: the one who took the call, even after the caller has left it.
    pub(super) fn callee_leg(&self) -> Option<LegId> {
        let leg = self.counterpart()?;
        Some(if leg == LegId::CALLER { self.front } else { leg })
    }

    fn counterpart(&self) -> Option<LegId> {
        self.talked.as_ref().map(|talk| talk.leg)
    }

    /// The number and name that phones are shown: those of the party whose call it is.
    pub fn shown(&self) -> (Number, Option<String>) {
        if self.front == LegId::CALLER {
            return (self.setup.caller_number.clone(), self.setup.caller_name.clone());
        }
        let number = self
            .ledger
            .number(self.front)
            .map_or_else(Number::anonymous, Number::from);
        (number, None)
    }

    /// Who handed the call on last, and to which number.
    pub fn last_transfer(&self) -> Option<(Option<&AgentId>, &Number)> {
        let passed = self.passed.last()?;
        Some((passed.agent.as_ref(), &passed.to))
    }

    /// Whether the call is being handed on now.
    pub fn is_being_transferred(&self) -> bool {
        self.transfer.is_some()
    }

    pub(super) fn transfer_asked(&mut self, now: Instant, wish: TransferWish) -> Vec<Action> {
        let refuse = |why| vec![Action::TellTransferor(wish.by, TransferNews::Refused(why))];
        if self.transfer.is_some() || !self.is_talking(wish.by) {
            return refuse(TransferObjection::NotNow);
        }
        if self.passed.len() >= MOST_TRANSFERS {
            return refuse(TransferObjection::TooOften);
        }
        self.transfer = Some(Transfer {
            by: wish.by,
            by_is_there: true,
            begun: false,
            recalled: false,
        });
        let detail = wish.to.as_str().to_owned();
        self.passed.push(Passed {
            at: now,
            kind: wish.kind,
            by: wish.by,
            agent: self.ledger.agent(wish.by).cloned(),
            to: wish.to.clone(),
            leg: None,
            result: "abandoned",
        });
        vec![
            Action::Note(NoteKind::TransferAsked, Some(wish.by), detail),
            Action::FindTarget(wish.by, wish.to),
        ]
    }

    /// Where the number leads: there, or the conversation goes on as if nobody had asked.
    pub(super) fn target_found(
        &mut self,
        now: Instant,
        target: Result<Entry, TransferObjection>,
    ) -> Vec<Action> {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| !transfer.begun) else {
            return self.sender_found(now, target);
        };
        let by = transfer.by;
        let entry = match target {
            Ok(entry) => entry,
            Err(why) => {
                self.transfer = None;
                self.passed.pop();
                return vec![
                    Action::TellTransferor(by, TransferNews::Refused(why)),
                    Action::Note(NoteKind::TransferFailed, Some(by), format!("{why:?}")),
                ];
            }
        };
        transfer.begun = true;
        let mut actions = vec![Action::TellTransferor(by, TransferNews::Accepted)];
        actions.extend(self.part_for_transfer(now, by));
        match entry {
            Entry::Ring(who) => actions.extend(self.hunt_for(who)),
            Entry::Outside(outside) => {
                actions.push(Action::Play {
                    leg: self.front,
                    items: vec![Playable::Tone(Tone::Ringback)],
                    repeat: true,
                });
                actions.extend(self.call_outside(now, outside));
            }
            Entry::Flow(flow) => {
                actions.extend(self.transfer_over(now, "menu"));
                let name = flow.name.as_str().to_owned();
                actions.push(Action::Note(NoteKind::Transferred, None, name));
                self.stage = Stage::InFlow;
                actions.extend(self.flow_found(now, Some(flow)));
            }
        }
        actions
    }

    /// The two no longer hear each other; the call is now the call of the one who stays.
    fn part_for_transfer(&mut self, now: Instant, by: LegId) -> Vec<Action> {
        if let Some(stays) = self.other_than(by) {
            self.front = stays;
        }
        if let Some(talk) = &mut self.talked {
            talk.leg = by;
        }
        self.ledger.hold_by_order(now, false);
        let mut actions = vec![Action::Unbridge(by)];
        if let Some(id) = self.recording {
            actions.push(Action::ChangeRecording(id, self.front, None));
        }
        actions
    }

    /// A phone that is to take the call rings.
    pub(super) fn transfer_rings(&self) -> Option<Action> {
        let transfer = self.transfer.as_ref().filter(|transfer| transfer.by_is_there)?;
        Some(Action::TellTransferor(transfer.by, TransferNews::Ringing))
    }

    /// Somebody has taken the call that was handed on, to them or to a menu that has found them.
    pub(super) fn take_over(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        let recalled = self.transfer.as_ref().is_some_and(|transfer| transfer.recalled);
        let result = if recalled { "returned" } else { "answered" };
        if let Some(passed) = self.passed.last_mut() {
            passed.leg = Some(leg);
        }
        let since = self.talked.as_ref().map_or(now, |talk| talk.since);
        self.talked = Some(Talk { leg, since });
        self.stage = Stage::Talking;
        let mut actions = self.let_talk(self.front, leg);
        actions.extend(self.record_talk(leg));
        actions.extend(self.transfer_over(now, result));
        actions
    }

    /// The transfer has come to a good end: who asked for it is told and let go.
    fn transfer_over(&mut self, now: Instant, result: &'static str) -> Vec<Action> {
        let Some(transfer) = self.transfer.take() else {
            return Vec::new();
        };
        if let Some(passed) = self.passed.last_mut() {
            passed.result = result;
        }
        if !transfer.by_is_there {
            return Vec::new();
        }
        self.ledger.passed_on(now, transfer.by);
        vec![
            Action::TellTransferor(transfer.by, TransferNews::Done),
            Action::Release(transfer.by, Cause::Transferred),
            Action::Note(NoteKind::Released, Some(transfer.by), "transferred".to_owned()),
        ]
    }

    /// Nobody took the call: back to the one who handed it on, in the call or by ringing, else where the overflow of
    /// those who were rung leads. Nothing when the call was not being handed on.
    pub(super) fn transfer_in_vain(&mut self, now: Instant, result: RingResult) -> Option<Vec<Action>> {
        let transfer = self.transfer.as_mut()?;
        let by = transfer.by;
        if let Some(passed) = self.passed.last_mut().filter(|_| !transfer.recalled) {
            passed.result = word(result);
        }
        if transfer.by_is_there {
            return Some(self.transfer_comes_back(by, result));
        }
        let failed = Action::Note(NoteKind::TransferFailed, Some(by), word(result).to_owned());
        let mut actions = vec![Action::StopPlaying(self.front), failed];
        let agent = self.ledger.agent(by).cloned();
        let recalled = std::mem::replace(&mut transfer.recalled, true);
        match agent.filter(|_| !recalled && self.leads_nowhere()) {
            Some(agent) => actions.extend(self.hunt_for(Who::Agent(agent))),
            None => actions.extend(self.overflow(now)),
        }
        Some(actions)
    }

    /// Whether those who were rung have no overflow to go to.
    fn leads_nowhere(&self) -> bool {
        matches!(self.overflow_rule, Some(Overflow::HangUp) | None)
    }

    fn transfer_comes_back(&mut self, by: LegId, result: RingResult) -> Vec<Action> {
        self.transfer = None;
        self.unanswered = None;
        self.overflow_rule = None;
        self.stage = Stage::Talking;
        let mut actions = vec![Action::StopPlaying(self.front)];
        actions.extend(self.let_talk(self.front, by));
        actions.push(Action::TellTransferor(by, TransferNews::Failed(result)));
        if let Some(id) = self.recording {
            actions.push(Action::ChangeRecording(id, self.front, Some(by)));
        }
        let detail = word(result).to_owned();
        actions.push(Action::Note(NoteKind::TransferFailed, Some(by), detail));
        actions
    }

    /// Whether this leg handed the call on and still waits for what becomes of it.
    pub(super) fn is_transferor(&self, leg: LegId) -> bool {
        let waits = |transfer: &Transfer| transfer.begun && transfer.by_is_there && transfer.by == leg;
        self.transfer.as_ref().is_some_and(waits)
    }

    /// Whoever handed the call on does not wait for what becomes of it.
    pub(super) fn transferor_leaves(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if let Some(transfer) = &mut self.transfer {
            transfer.by_is_there = false;
        }
        self.ledger.passed_on(now, leg);
        vec![Action::Note(
            NoteKind::Released,
            Some(leg),
            "transferred".to_owned(),
        )]
    }

    /// The call ends in the middle of it.
    pub(super) fn transfer_cut_short(&mut self) -> Option<Action> {
        let transfer = self.transfer.take().filter(|transfer| transfer.by_is_there)?;
        let news = if transfer.begun {
            TransferNews::Failed(RingResult::NobodyThere)
        } else {
            TransferNews::Refused(TransferObjection::NotNow)
        };
        Some(Action::TellTransferor(transfer.by, news))
    }
}

fn word(result: RingResult) -> &'static str {
    match result {
        RingResult::NoAnswer => "no_answer",
        RingResult::Busy => "busy",
        RingResult::NobodyThere => "unreachable",
    }
}
