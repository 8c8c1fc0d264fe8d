//! Somebody is wanted in a conversation of others: where their phones are, and what becomes of a guest's leg.

use super::Engine;
use super::farewell::farewell;
use crate::agents::AgentState;
use crate::call::{self, Candidate, Cause, Event, GuestKind, GuestWish, Who};
use crate::model::{AgentId, CallId, CallKey, LegKey, Number, Playable};
use std::time::Instant;

/// Who is wanted in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// An agent, at whatever phones they have.
    Agent(AgentId),
    /// A number, as the agent of the call could dial it.
    Number(Number),
}

impl Engine {
    /// A person wants somebody in this conversation.
    pub(super) fn join_ordered(&mut self, now: Instant, call: CallId, who: Wanted, kind: GuestKind) {
        let Some(key) = self.key_of(call) else { return };
        let mut wish = GuestWish {
            kind,
            phones: Vec::new(),
            way: None,
        };
        match who {
            Wanted::Agent(agent) => wish.phones = self.phones_of_guest(now, key, &agent),
            Wanted::Number(number) => self.find_guest(now, key, &number, &mut wish),
        }
        if wish.phones.is_empty() && wish.way.is_none() {
            tracing::info!(%call, "Nobody can be reached who is wanted in call {call}.");
            return;
        }
        self.tell(key, Event::GuestAsked(wish));
    }

    fn find_guest(&mut self, now: Instant, key: CallKey, number: &Number, wish: &mut GuestWish) {
        let by = self.calls.get(&key).and_then(|live| live.call.agent_leg());
        let Some(by) = by else { return };
        match self.find_target(now, key, by, number) {
            Ok(call::Entry::Ring(Who::Agent(agent))) => wish.phones = self.phones_of_guest(now, key, &agent),
            Ok(call::Entry::Ring(group @ Who::Group(_))) => {
                let sought = call::Sought {
                    who: group,
                    attempt: 1,
                };
                wish.phones = self.find_agents(now, sought).candidates;
            }
            Ok(call::Entry::Outside(outside)) => wish.way = outside.ways.into_iter().next(),
            Ok(call::Entry::Flow(_)) | Err(_) => {}
        }
    }

    /// The phones of an agent who is not in another call; whether they serve calls now does not matter.
    fn phones_of_guest(&self, now: Instant, key: CallKey, id: &AgentId) -> Vec<Candidate> {
        let Some(agent) = self.roster.agent(id) else {
            return Vec::new();
        };
        let standing = self
            .roster
            .standing(now, id, |agent| self.is_reachable(now, agent));
        let talks = standing.is_some_and(|standing| match standing.state {
            AgentState::Busy | AgentState::Ringing => true,
            AgentState::Available | AgentState::WrapUp | AgentState::OnBreak | AgentState::Offline => false,
        });
        if talks && !self.is_guest_of(key, id) {
            return Vec::new();
        }
        let phone = |destination| Candidate {
            agent: agent.id.clone(),
            number: agent.number().to_owned(),
            destination,
        };
        self.destinations(now, agent).into_iter().map(phone).collect()
    }

    fn is_guest_of(&self, key: CallKey, id: &AgentId) -> bool {
        let Some(live) = self.calls.get(&key) else {
            return false;
        };
        live.lines
            .iter()
            .any(|line| live.call.is_guest(line.leg) && live.call.agent_of(line.leg) == Some(id))
    }

    /// A leg came to nothing by no fault of a person: a guest's costs nobody else the conversation.
    pub(super) fn leg_failed(&mut self, now: Instant, key: LegKey, cause: Cause, word: &'static str) {
        let is_guest = self
            .calls
            .get(&key.call)
            .is_some_and(|live| live.call.is_guest(key.leg));
        if !is_guest {
            return self.tell(key.call, Event::CannotServe(cause, word));
        }
        if let Some(session) = self.line(key.call, key.leg).map(|line| line.session) {
            self.sip.release(now, session, farewell(cause));
            self.drop_line(now, key.call, key.leg);
        }
        self.tell(key.call, Event::LegLeft(key.leg));
    }

    /// Music for whoever waits: the group's, or the site's. A trunk that holds and still sends has music of its own.
    pub(super) fn play_music(&mut self, key: LegKey) {
        let Some(live) = self.calls.get(&key.call) else {
            return;
        };
        let holder = live.call.other_than(key.leg).and_then(|leg| live.line(leg));
        if holder.is_some_and(|line| line.trunk.is_some() && line.is_held && line.sends_while_it_holds()) {
            return;
        }
        let group = live.call.group().and_then(|group| self.roster.group(group));
        let own = group.and_then(|group| group.music.clone());
        let Some(name) = own.or_else(|| self.settings.music_on_hold.clone()) else {
            return;
        };
        let language = live.call.chosen_language().or(self.settings.languages.first());
        let Some(language) = language.cloned() else { return };
        let items = vec![Playable::Prompt { language, name }];
        self.play(key.call, key.leg, items, true);
    }
}
