//! What colleagues see of an agent's calls: the lamps of their phones (RFC 4235).

use super::Engine;
use crate::agents::Reach;
use crate::model::{AgentId, LegId, LegKey, Number};
use crate::sip::{LampState, Line, SessionId};
use std::time::Instant;

impl Engine {
    /// Tells those who watch what has changed about agents; whether anything had.
    pub(super) fn light_lamps(&mut self, now: Instant) -> bool {
        let changed = self.roster.take_changed();
        for agent in &changed {
            let Some(extension) = self.extension_of(agent) else {
                continue;
            };
            let legs: Vec<LegKey> = self.roster.legs(agent).collect();
            let may_be_taken = self.sip.is_picked_up_for(&extension);
            let lines = legs.into_iter();
            let lines = lines.filter_map(|leg| self.lamp(leg, may_be_taken)).collect();
            self.sip.set_lines(now, &extension, lines);
        }
        !changed.is_empty()
    }

    pub(super) fn extension_of(&self, agent: &AgentId) -> Option<Number> {
        match &self.roster.agent(agent)?.reach {
            Reach::Extension(extension) => Some(extension.clone()),
            Reach::Trunk(..) | Reach::Contact(_) => None,
        }
    }

    /// A phone rings, and now its call has a name by which others may take it.
    pub(super) fn rings_by_name(&mut self, session: SessionId) {
        let Some(LegKey { call, leg }) = self.leg_of(session) else {
            return;
        };
        let agent = self.calls.get(&call).and_then(|live| live.call.agent_of(leg));
        let Some(agent) = agent.cloned() else { return };
        let extension = self.extension_of(&agent);
        if extension.is_some_and(|extension| self.sip.is_picked_up_for(&extension)) {
            self.roster.touch(&agent);
        }
    }

    fn lamp(&self, key: LegKey, may_be_taken: bool) -> Option<Line> {
        let live = self.calls.get(&key.call)?;
        let setup = live.call.setup();
        let placed = key.leg == LegId::CALLER;
        let line = live.line(key.leg);
        let talks = line.is_some_and(|line| line.is_up);
        let name = line.filter(|line| may_be_taken && !line.is_up);
        Some(Line {
            id: format!("{}-{}", key.call.0, key.leg.0),
            placed,
            state: if talks {
                LampState::Confirmed
            } else {
                LampState::Early
            },
            remote: if placed {
                setup.dialed_number.clone()
            } else {
                setup.caller_number.clone()
            },
            name: name.and_then(|line| self.sip.ringing_name(line.session)),
        })
    }
}
