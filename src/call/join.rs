//! Two conversations become one: whoever talks in both hands the party of the one on to the party of the other.
//!
//! The call of the party that waited goes on and has the record of all of it; the other one ends when its party has
//! been taken out of it.

use super::machine::{Ending, Talk};
use super::transfer::{MOST_TRANSFERS, Passed};
use super::{Action, Call, Cause, Newcomer, TransferNews, TransferObjection};
use crate::model::{AgentId, CallKey, HangupBy, LegId, LegKey, NoteKind, Number, Status, TransferKind};
use std::time::Instant;

/// Somebody who talks in two calls wants the two others joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinWish {
    /// Whose phone asks, in this call.
    pub by: LegId,
    /// The party of the other call.
    pub party: LegKey,
    /// Its number or address.
    pub number: String,
    /// Its agent, when it is one of ours.
    pub agent: Option<AgentId>,
}

impl Call {
    pub(super) fn join_asked(&mut self, now: Instant, wish: JoinWish) -> Vec<Action> {
        let JoinWish {
            by,
            party,
            number,
            agent,
        } = wish;
        let objection = match self.stays_without(by) {
            Ok(stays) => {
                let leg = self.new_leg();
                let comes = Action::MoveHere(party, leg);
                let mut actions = vec![
                    Action::Note(NoteKind::TransferAsked, Some(by), number.clone()),
                    Action::TellTransferor(by, TransferNews::Accepted),
                ];
                actions.extend(self.hand_over(now, (by, stays), Newcomer { agent, number }, comes, leg));
                return actions;
            }
            Err(objection) => objection,
        };
        vec![Action::TellTransferor(by, TransferNews::Refused(objection))]
    }

    /// One of the two who talk has handed their part on beyond us, and whoever has it now is here. Nothing when that
    /// cannot be.
    pub(super) fn taken_over(&mut self, now: Instant, by: LegId, newcomer: Newcomer) -> Vec<Action> {
        let Ok(stays) = self.stays_without(by) else {
            return Vec::new();
        };
        let leg = self.new_leg();
        self.hand_over(now, (by, stays), newcomer, Action::TakeIn(leg), leg)
    }

    /// Who stays when this one of the two who talk hands their part on.
    fn stays_without(&self, by: LegId) -> Result<LegId, TransferObjection> {
        let stays = self.other_than(by).filter(|_| self.is_talking(by));
        let stays = stays.ok_or(TransferObjection::NotNow)?;
        if self.passed.len() >= MOST_TRANSFERS {
            return Err(TransferObjection::TooOften);
        }
        Ok(stays)
    }

    /// The newcomer, who `comes` as this leg, talks with the one who stays from now on.
    fn hand_over(
        &mut self,
        now: Instant,
        (by, stays): (LegId, LegId),
        newcomer: Newcomer,
        comes: Action,
        leg: LegId,
    ) -> Vec<Action> {
        let name = newcomer.name();
        self.passed.push(Passed {
            at: now,
            kind: TransferKind::Attended,
            by,
            agent: self.ledger.agent(by).cloned(),
            to: Number::from(newcomer.number.as_str()),
            leg: Some(leg),
            result: "answered",
        });
        self.ledger.joined(now, leg, newcomer.agent, newcomer.number);
        self.ledger.passed_on(now, by);
        self.ledger.hold_by_order(now, false);
        self.front = stays;
        if let Some(talk) = &mut self.talked {
            *talk = Talk {
                leg,
                since: talk.since,
            };
        }
        let mut actions = vec![
            Action::Note(NoteKind::Dialed, Some(leg), name.clone()),
            Action::Unbridge(by),
            comes,
        ];
        actions.extend(self.let_talk(stays, leg));
        if let Some(id) = self.recording {
            actions.push(Action::ChangeRecording(id, stays, Some(leg)));
        }
        actions.extend([
            Action::TellTransferor(by, TransferNews::Done),
            Action::Release(by, Cause::Transferred),
            Action::Note(NoteKind::Released, Some(by), "transferred".to_owned()),
            Action::Note(NoteKind::Transferred, Some(leg), name),
        ]);
        actions
    }

    /// Whom this agent talks with here, when that may be joined with somebody else: the leg and its number.
    pub fn consulted_by(&self, agent: &AgentId, key: CallKey) -> Option<(LegKey, &str)> {
        let legs = [
            Some(self.front()),
            self.agent_leg(),
            self.other_than(self.front()),
        ];
        let own = |leg: &LegId| self.is_talking(*leg) && self.agent_of(*leg) == Some(agent);
        let own = legs.into_iter().flatten().find(own)?;
        let leg = self.other_than(own)?;
        Some((LegKey { call: key, leg }, self.number_of(leg)?))
    }

    /// A party of this call is in another one from now on, and this one is over.
    pub(super) fn leg_taken(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if !self.ledger.is_live(leg) {
            return Vec::new();
        }
        self.ledger.ended(now, leg, "transferred");
        let talked = self.talked.is_some();
        let status = if talked { Status::Answer } else { Status::Canceled };
        self.end(
            now,
            Ending {
                by: HangupBy::System,
                status,
                release: Cause::Transferred,
                word: Some("transferred"),
            },
        )
    }
}
