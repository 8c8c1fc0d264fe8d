//! Somebody answers a call that rings at another phone, from their own (RFC 3891 §1: call pickup).

use super::machine::Stage;
use super::{Action, Call, Cause};
use crate::model::{AgentId, LegId, NoteKind};
use std::time::Instant;

/// Who comes to a call by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// Who it is, when it is one of ours.
    pub agent: Option<AgentId>,
    /// The number, as people know it.
    pub number: String,
}

impl Newcomer {
    /// What the journal calls them.
    pub(super) fn name(&self) -> String {
        let agent = self.agent.as_ref();
        agent.map_or_else(|| self.number.clone(), ToString::to_string)
    }
}

impl Call {
    /// The call is won by somebody who was not rung, in the place of the phone that rings as this leg. Nothing when it does
    /// not ring any more.
    pub(super) fn picked_up(&mut self, now: Instant, rung: LegId, by: Newcomer) -> Vec<Action> {
        let ringing = match &self.stage {
            Stage::Hunting(hunt) => hunt.ringing().filter(|legs| legs.contains(&rung)),
            Stage::Outside(calling) => (calling.leg == rung).then(|| vec![rung]),
            Stage::Arriving(_) | Stage::InFlow | Stage::Talking | Stage::Leaving(_) | Stage::Ended => None,
        };
        let Some(ringing) = ringing else {
            return Vec::new();
        };
        let leg = self.new_leg();
        let name = by.name();
        self.ledger.joined(now, leg, by.agent, by.number);
        let mut actions = vec![
            Action::Note(NoteKind::Dialed, Some(leg), name),
            Action::TakeIn(leg),
        ];
        if let Stage::Outside(calling) = &mut self.stage {
            calling.leg = leg;
            actions.extend(self.release(now, ringing, Cause::AnsweredElsewhere));
            actions.extend(self.outside_answers(now, leg));
        } else {
            actions.extend(self.win(now, leg, ringing));
        }
        actions
    }
}
