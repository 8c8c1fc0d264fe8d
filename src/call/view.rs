//! What a call shows to those who look on.

use super::Call;
use super::ledger::LegView;
use super::machine::{Setup, Stage};
use crate::model::{AgentId, FlowName, GroupName, Language, LegId, RecordingId, StepName};
use std::time::Instant;

/// For those who look on.
impl Call {
    /// Who calls, and where to.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// `arriving`, `menu`, `ringing`, `talking`, `message` or `ending`.
    pub fn stage_name(&self) -> &'static str {
        match self.stage {
            Stage::Arriving(_) => "arriving",
            Stage::InFlow => "menu",
            Stage::Hunting(_) | Stage::Outside(_) => "ringing",
            Stage::Talking => "talking",
            Stage::Leaving(_) => "message",
            Stage::Ended => "ending",
        }
    }

    /// The flow the caller is in.
    pub fn flow_name(&self) -> Option<&FlowName> {
        self.flow.as_ref().map(|flow| flow.flow())
    }

    /// The step the caller is at.
    pub fn step(&self) -> Option<&StepName> {
        self.flow.as_ref().map(|flow| flow.step())
    }

    /// The language the caller chose.
    pub fn chosen_language(&self) -> Option<&Language> {
        self.flow.as_ref().map(|flow| flow.language())
    }

    /// The group rung last.
    pub fn group(&self) -> Option<&GroupName> {
        self.group.as_ref()
    }

    /// The agent who talks.
    pub fn agent(&self) -> Option<&AgentId> {
        self.agent_leg().and_then(|leg| self.ledger.agent(leg))
    }

    /// The agent of a leg.
    pub fn agent_of(&self, leg: LegId) -> Option<&AgentId> {
        self.ledger.agent(leg)
    }

    /// The number or address of a leg.
    pub fn number_of(&self, leg: LegId) -> Option<&str> {
        self.ledger.number(leg)
    }

    /// Whether it leaves by a trunk.
    pub fn leaves(&self) -> bool {
        self.outbound_caller_id.is_some() || matches!(self.stage, Stage::Arriving(super::Entry::Outside(_)))
    }

    /// When it arrived.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// When a person answered.
    pub fn answered_at(&self) -> Option<Instant> {
        self.talked.as_ref().map(|talk| talk.since)
    }

    /// Whether either side holds the other.
    pub fn is_on_hold(&self) -> bool {
        self.ledger.is_held()
    }

    /// The recording under way.
    pub fn recording(&self) -> Option<RecordingId> {
        self.recording
    }

    /// The legs that exist now.
    pub fn legs(&self) -> impl Iterator<Item = LegView<'_>> {
        self.ledger.views()
    }
}
