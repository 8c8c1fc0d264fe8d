//! What colleagues see of an agent's calls: the lamps of their phones (RFC 4235).

use super::Engine;
use crate::agents::Reach;
use crate::model::{AgentId, LegId, LegKey, Number};
use crate::sip::{LampState, Line};
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
            let lines = legs.into_iter().filter_map(|leg| self.lamp(leg)).collect();
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

    fn lamp(&self, key: LegKey) -> Option<Line> {
        let live = self.calls.get(&key.call)?;
        let setup = live.call.setup();
        let placed = key.leg == LegId::CALLER;
        let talks = live.line(key.leg).is_some_and(|line| line.is_up);
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
        })
    }
}
