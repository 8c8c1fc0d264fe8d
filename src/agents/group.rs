use crate::model::{AgentId, FlowName, GroupName, PromptName};
use std::time::Duration;

/// A ring group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: GroupName,
    /// In which order its agents ring.
    pub strategy: Strategy,
    /// How long one round rings.
    pub ring_time: Duration,
    /// How many rounds.
    pub attempts: u32,
    /// How long an agent stays out after a call.
    pub wrap_up: Duration,
    /// What happens when nobody took the call in any round.
    pub overflow: Overflow,
    /// What its callers hear when they wait; the site's when nothing is written.
    pub music: Option<PromptName>,
}

/// In which order the agents of a group ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// All free agents at once.
    RingAll,
}

/// What happens to a caller nobody took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overflow {
    /// Leave a message in the group's box.
    Voicemail,
    /// Walk through this flow.
    Flow(FlowName),
    /// Ring this group.
    Group(GroupName),
    /// Ring this agent.
    Agent(AgentId),
    /// End the call.
    HangUp,
}
