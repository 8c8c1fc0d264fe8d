//! A call comes in: where it goes, whether there is room, and the first row of its record.

use super::line::{Line, Live};
use super::secure::Party;
use super::{Engine, Notice, Output};
use crate::agents::Reach;
use crate::call::{self, Call, Cause, Event, Setup, Who};
use crate::model::{
    AgentId, CallId, CallKey, Direction, Entry, LegId, LegKey, Number, RecordingId, TrunkName,
};
use crate::routing::{Decision, NotAllowed};
use crate::sdp::Negotiator;
use crate::sip::{Farewell, Incoming, Origin};
use std::time::{Duration, Instant};

/// How long a call waits for the journal before it is served without it.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(2);

impl Engine {
    pub(super) fn arrive(&mut self, now: Instant, incoming: Incoming) {
        if let Some(of) = incoming.replaces {
            return self.take_place(now, &incoming, of);
        }
        let origin = route_origin(&incoming.origin);
        let decision = self.settings.plan.decide(&incoming.dialed, &origin);
        let record = self.settings.plan.record(&incoming.dialed, &origin);
        let is_emergency = matches!(&decision, Decision::Outside(outside) if outside.is_emergency);
        let entry = match self.entry(now, decision, &incoming) {
            Ok(Some(entry)) => entry,
            Ok(None) => return self.turn_away(now, &incoming, 404, "no such number"),
            Err(reason) => return self.turn_away(now, &incoming, 403, reason.as_str()),
        };
        let is_emergency = is_emergency || self.is_emergency(&incoming.dialed);
        if !self.has_room() && (!is_emergency || self.shutting_down) {
            return self.turn_away(
                now,
                &incoming,
                503,
                "the box is full, draining, or its journal is behind",
            );
        }
        self.counters.calls += 1;
        let key = self.new_key();
        let setup = self.setup(now, &incoming, &entry);
        self.out.push(Output::Notice(Notice::CallArrived {
            call: setup.id,
            dialed: setup.dialed_number.clone(),
        }));
        if let Some(agent) = &setup.caller_agent {
            self.roster.talks(
                now,
                agent,
                LegKey {
                    call: key,
                    leg: LegId::CALLER,
                },
            );
        }
        // A flow has to be heard; between two people anything that both have will do.
        let passes_on = !matches!(entry, call::Entry::Flow(_));
        let call = Call::new(now, setup, self.policy(record), entry);
        let mut live = Live::new(key, call);
        live.is_emergency = is_emergency;
        live.hides = incoming.hides;
        let problem = self.connect_caller(&mut live, &incoming, passes_on).err();
        let cdr = Box::new(live.call.draft(now));
        live.journal_due = Some(now + JOURNAL_PATIENCE);
        self.calls.insert(key, live);
        let leg = LegId::CALLER;
        self.seat(incoming.session, LegKey { call: key, leg });
        match problem {
            None => self.journal(Entry::CallOpened { call: key, cdr }),
            Some((cause, word)) => self.tell(key, Event::CannotServe(cause, word)),
        }
        self.hint(key);
    }

    /// Gives the caller's leg a port and works out the answer to its offer.
    fn connect_caller(
        &mut self,
        live: &mut Live,
        incoming: &Incoming,
        passes_on: bool,
    ) -> Result<(), (Cause, &'static str)> {
        let port = self.ports.take();
        let local = incoming.flow.local.ip();
        let mut negotiator = self.negotiator_of(incoming, port.unwrap_or(9));
        if passes_on {
            negotiator = negotiator.passing();
        }
        let answer = incoming
            .offer
            .as_ref()
            .map(|offer| negotiator.answer(offer))
            .transpose();
        let mut line = Line::new(
            LegId::CALLER,
            incoming.session,
            local,
            port.unwrap_or(0),
            negotiator,
        );
        line.dtmf = self.dtmf_of_origin(&incoming.origin);
        line.answer = answer.as_ref().ok().cloned().flatten();
        line.trunk = trunk_of(&incoming.origin).cloned();
        live.lines.push(line);
        if let (Some(_), Err(error)) = (port, &answer) {
            self.sip.warn(incoming.session, error.warning());
        }
        match (port, answer) {
            (None, _) => Err((Cause::Congestion, "no_ports")),
            (Some(_), Err(error)) => Err((Cause::Incompatible, error.word())),
            (Some(_), Ok(_)) => Ok(()),
        }
    }

    /// Our side of offer and answer with whoever calls, on this port.
    pub(super) fn negotiator_of(&mut self, incoming: &Incoming, port: u16) -> Negotiator {
        let session_id = self.dice.number() >> 2;
        let dtmf = self.dtmf_of_origin(&incoming.origin);
        let nat = self.nat_of_origin(&incoming.origin);
        let local = incoming.flow.local.ip();
        let negotiator = self
            .negotiator(local, port, session_id, trunk_of(&incoming.origin))
            .with_events(dtmf.agrees_on_events())
            .facing(incoming.flow.peer.ip(), nat);
        self.secure(
            negotiator,
            Party::calling(&incoming.origin),
            &incoming.flow,
            false,
        )
    }

    /// Where the call begins; nothing for a number that is nobody's.
    fn entry(
        &mut self,
        now: Instant,
        decision: Decision,
        incoming: &Incoming,
    ) -> Result<Option<call::Entry>, NotAllowed> {
        let phone = Self::calling_extension(&incoming.origin);
        self.entry_for(now, decision, phone, &incoming.caller_number)
    }

    /// Where a call for this number goes, dialled by this phone of the house, with that number to show.
    pub(super) fn entry_for(
        &mut self,
        now: Instant,
        decision: Decision,
        phone: Option<&Number>,
        caller: &Number,
    ) -> Result<Option<call::Entry>, NotAllowed> {
        Ok(match decision {
            Decision::Flow(name) => self.settings.flows.get(&name).cloned().map(call::Entry::Flow),
            Decision::Group(group) => Some(call::Entry::Ring(Who::Group(group))),
            Decision::Agent(agent) => Some(call::Entry::Ring(Who::Agent(agent))),
            Decision::Outside(outside) => {
                if let (Some(extension), false) = (phone, outside.is_emergency)
                    && let Err(reason) = self.may_dial_outside(now, extension)
                {
                    self.note_refused_number(now, extension, reason);
                    return Err(reason);
                }
                Some(self.outside_entry(outside, caller))
            }
            Decision::Refused(reason) => {
                if let Some(extension) = phone {
                    self.note_refused_number(now, extension, reason);
                }
                return Err(reason);
            }
            Decision::Unknown => None,
        })
    }

    fn setup(&mut self, now: Instant, incoming: &Incoming, entry: &call::Entry) -> Setup {
        let unix_ms = self.clock.stamp(now).unix_ms;
        let mut id = || CallId::new(unix_ms, &self.dice.bytes());
        let (trunk, caller_agent) = match &incoming.origin {
            Origin::Trunk(trunk) => (Some(trunk.clone()), None),
            Origin::Phone(extension) => (
                None,
                self.roster.agent_at(extension).map(|agent| agent.id.clone()),
            ),
        };
        Setup {
            id: id(),
            recording: RecordingId(id().0),
            message: RecordingId(id().0),
            site: self.settings.site.clone(),
            direction: self.direction(&incoming.origin, entry),
            caller_number: incoming.caller_number.clone(),
            caller_name: incoming.caller_name.clone(),
            caller_agent,
            dialed_number: incoming.dialed.clone(),
            diverted: incoming.diverted.clone(),
            trunk,
            sip_call_id: Some(incoming.call_id.clone()),
            languages: self.settings.languages.clone(),
            clock: self.clock.clone(),
        }
    }

    fn direction(&self, origin: &Origin, entry: &call::Entry) -> Direction {
        match (origin, entry) {
            (Origin::Trunk(_), _) => Direction::Inbound,
            (Origin::Phone(_), call::Entry::Ring(Who::Agent(agent))) if self.is_behind_trunk(agent) => {
                Direction::Outbound
            }
            (Origin::Phone(_), call::Entry::Outside(_)) => Direction::Outbound,
            (Origin::Phone(_), _) => Direction::Internal,
        }
    }

    fn is_behind_trunk(&self, agent: &AgentId) -> bool {
        self.roster
            .agent(agent)
            .is_some_and(|agent| matches!(agent.reach, Reach::Trunk(..)))
    }

    pub(super) fn has_room(&self) -> bool {
        !self.draining && !self.journal_behind && self.calls.len() < self.settings.most_calls
    }

    /// A call for help is let in while the box drains, is full or its journal is behind.
    fn is_emergency(&self, dialed: &Number) -> bool {
        !self.shutting_down && self.settings.sip.guard.is_emergency(dialed)
    }

    fn turn_away(&mut self, now: Instant, incoming: &Incoming, status: u16, reason: &'static str) {
        self.counters.refused += 1;
        let retry_after_seconds = (status == 503).then_some(10);
        let farewell = Farewell {
            status,
            retry_after_seconds,
            reasons: &[],
        };
        self.sip.release(now, incoming.session, farewell);
        let dialed: Number = incoming.dialed.clone();
        self.out.push(Output::Notice(Notice::CallRefused {
            dialed,
            status,
            reason,
        }));
    }
}

impl Live {
    fn new(key: CallKey, call: Call) -> Self {
        Self {
            key,
            call,
            lines: Vec::new(),
            hearing: Vec::new(),
            hears_early: None,
            mixes: false,
            keeps_secret: false,
            journal_due: None,
            sip_code: None,
            referred_by: None,
            takes_place: None,
            recordings: Vec::new(),
            taped_as: None,
            wanted: None,
            voicemail: None,
            aside: Vec::new(),
            tapes_done: Vec::new(),
            qualities: Vec::new(),
            is_emergency: false,
            hides: false,
            hinted: None,
        }
    }
}

fn trunk_of(origin: &Origin) -> Option<&TrunkName> {
    match origin {
        Origin::Trunk(trunk) => Some(trunk),
        Origin::Phone(_) => None,
    }
}

fn route_origin(origin: &Origin) -> crate::routing::Origin {
    match origin {
        Origin::Trunk(trunk) => crate::routing::Origin::Trunk(trunk.clone()),
        Origin::Phone(extension) => crate::routing::Origin::Phone(extension.clone()),
    }
}
