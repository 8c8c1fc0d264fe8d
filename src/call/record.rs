//! What the record says: the call's own story in the shape of INTERFACES.

use super::machine::Ending;
use super::{Action, Call};
use crate::model::{Cdr, ConsentMark, HangupBy, NoteKind, Number, Status};
use std::time::{Duration, Instant};

impl Call {
    /// The record as it would be if the power went now; for the journal's first row.
    pub fn draft(&self, now: Instant) -> Cdr {
        self.cdr(now, None)
    }

    pub(super) fn cdr(&self, now: Instant, ending: Option<&Ending>) -> Cdr {
        let clock = &self.setup.clock;
        let talked = self.talked.as_ref();
        let agent_leg = self.agent_leg();
        let flow = self.flow.as_deref();
        Cdr {
            cdr_id: self.setup.id,
            call_id: self.setup.id,
            version: 1,
            is_final: ending.is_some(),
            site: self.setup.site.clone(),
            direction: self.setup.direction,
            caller_number: self.setup.caller_number.clone(),
            caller_name: self.setup.caller_name.clone(),
            dialed_number: self.setup.dialed_number.clone(),
            callee_number: self
                .callee_leg()
                .and_then(|leg| self.ledger.number(leg))
                .map(Number::from),
            outbound_caller_id: self.outbound_caller_id.clone(),
            diverted: self.setup.diverted.clone(),
            started_at: clock.stamp(self.arrived),
            ringing_at: self.ledger.first_ring().map(|at| clock.stamp(at)),
            answered_at: talked.map(|talk| clock.stamp(talk.since)),
            ended_at: ending.map(|_| clock.stamp(now)),
            clock_synced: clock.is_synced(),
            duration_ms: millis(now - self.arrived),
            talk_ms: talked.map_or(0, |talk| millis(now - talk.since)),
            ring_ms: millis(self.ledger.rang_for(now)),
            wait_ms: millis(talked.map_or(now, |talk| talk.since) - self.arrived),
            hold_ms: millis(self.ledger.held_for(now)),
            status: ending.map_or(Status::Failed, |ending| ending.status),
            sip_code: None,
            q850: ending.map(|ending| ending.release.q850()),
            hangup_by: ending.map_or(HangupBy::System, |ending| ending.by),
            cause: ending.and_then(|ending| ending.word).map(str::to_owned),
            agent: self.agent_of_record(agent_leg),
            group: self.group.clone(),
            flow: self.flow_name().cloned(),
            stages: flow.map(|flow| flow.stages().to_vec()).unwrap_or_default(),
            digits: flow.map(|flow| flow.digits().to_owned()).unwrap_or_default() + &self.other_digits,
            collected: flow.map(|flow| flow.collected().clone()).unwrap_or_default(),
            language: flow.map(|flow| flow.language().clone()),
            recording: None,
            earlier_recordings: Vec::new(),
            voicemail: None,
            trunk: self.setup.trunk.clone(),
            legs: self.ledger.records(clock),
            transfers: self.passed.iter().map(|passed| passed.record(clock)).collect(),
            customer: None,
            order: None,
            notes: Vec::new(),
            tags: self.consent_tag(),
            sip_call_id: self.setup.sip_call_id.clone(),
            origin: None,
            linked: None,
        }
    }
}

impl Call {
    /// The steps of the flow that are not in the journal yet.
    pub(super) fn note_stages(&mut self) -> Vec<Action> {
        let Some(flow) = &self.flow else { return Vec::new() };
        let stages = flow.stages();
        let fresh = stages.get(self.stages_noted..).unwrap_or_default();
        let notes = fresh
            .iter()
            .map(|step| Action::Note(NoteKind::Stage, None, step.to_string()))
            .collect();
        self.stages_noted = stages.len();
        notes
    }

    /// A caller who refused has no recording to carry the stamp.
    fn consent_tag(&self) -> Vec<String> {
        let refused = self.consent() == Some(ConsentMark::Refused);
        refused
            .then(|| "recording_refused".to_owned())
            .into_iter()
            .collect()
    }

    /// Who took the call; of a call outside, who made it.
    fn agent_of_record(&self, taken: Option<crate::model::LegId>) -> Option<crate::model::AgentId> {
        let taken = taken?;
        let caller = self.setup.caller_agent.as_ref().filter(|_| self.ways_tried > 0);
        self.ledger.agent(taken).or(caller).cloned()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which side a leg hangs up for. The caller is the caller even after the call was handed on.
pub(super) fn hangup_by(leg: crate::model::LegId) -> HangupBy {
    if leg == crate::model::LegId::CALLER {
        HangupBy::Caller
    } else {
        HangupBy::Callee
    }
}
