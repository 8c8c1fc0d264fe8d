use super::{Cause, Entry, GuestWish, JoinWish, Newcomer, TransferObjection, TransferWish};
use crate::ivr::{BoxAnswer, Flow};
use crate::model::{AgentId, Destination, Digit, FlowName, GroupName, LegId, Mailbox, Number, RecordAction};
use std::sync::Arc;
use std::time::Duration;

/// Everything that can happen to a call.
#[derive(Debug)]
pub enum Event {
    /// The call is in the journal; it may be served.
    CallerArrived,
    /// What the last `Play` asked for has been heard to its end.
    PlayFinished,
    /// The caller pressed a key.
    DigitPressed(Digit),
    /// The roster's reply to [`Action::FindAgents`](super::Action::FindAgents).
    AgentsFound(Found),
    /// The reply to [`Action::FindFlow`](super::Action::FindFlow); `None` when there is no such flow.
    FlowFound(Option<Arc<Flow>>),
    /// A phone rings.
    LegRinging(LegId),
    /// A phone sends sound before it is picked up.
    LegSpeaks(LegId),
    /// A trunk sends the call on to this number, with this status.
    LegRedirected(LegId, Number, u16),
    /// A phone was picked up.
    LegAnswered(LegId),
    /// A phone will not take the call.
    LegRefused(LegId, Refusal),
    /// The far side hung up, or gave up before an answer.
    LegLeft(LegId),
    /// The far side put us on hold.
    LegHeld(LegId),
    /// The far side came back.
    LegResumed(LegId),
    /// No media came from this leg for too long.
    LegWentDead(LegId),
    /// The silence that `WatchSilence` asked about.
    FellSilent,
    /// The reply to [`Action::AskBox`](super::Action::AskBox).
    BoxAnswered(BoxAnswer),
    /// The box has no means to serve the call, for this reason and with this word for the record.
    CannotServe(Cause, &'static str),
    /// Somebody in the conversation wants it handed on.
    TransferAsked(TransferWish),
    /// The reply to [`Action::FindTarget`](super::Action::FindTarget).
    TargetFound(Result<Entry, TransferObjection>),
    /// Somebody who talks in two calls wants the two others joined, here.
    JoinAsked(JoinWish),
    /// Somebody who was not rung answers in the place of a phone that rings.
    PickedUp(LegId, Newcomer),
    /// Somebody goes on with the conversation in the place of one of the two, who has handed it on to them beyond us.
    TakenOver(LegId, Newcomer),
    /// A person wants somebody else in the conversation.
    GuestAsked(GuestWish),
    /// This leg lives on in another call, with whoever is there.
    LegTaken(LegId),
    /// A person wants the two who talk not to hear each other (`true`), or to hear each other again.
    HoldOrdered(bool),
    /// A person or a program wants something else done about the recording, and who that is.
    RecordOrdered(RecordAction, String),
    /// An agent who is not the party whose call it is pressed a key while talking.
    AgentPressed(LegId, Digit),
    /// A technician wants it over.
    HangUpOrdered,
    /// The box is going down.
    ShutdownOrdered,
    /// The time of [`Call::next_deadline`](super::Call::next_deadline) has come.
    DeadlineReached,
}

/// Whom to find, and in which round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// A group or one agent.
    pub who: Who,
    /// Round, from 1.
    pub attempt: u32,
}

/// A group or one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// All free agents of a group.
    Group(GroupName),
    /// One agent.
    Agent(AgentId),
}

/// Whom the roster found, and the rules for ringing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What was asked.
    pub sought: Sought,
    /// One phone each; an agent with two phones is here twice.
    pub candidates: Vec<Candidate>,
    /// Somebody is on duty, though perhaps busy: trying again makes sense.
    pub somebody_on_duty: bool,
    /// How long a round rings.
    pub ring_time: Duration,
    /// How many rounds.
    pub attempts: u32,
    /// What happens when nobody took the call.
    pub overflow: Overflow,
}

/// A phone that could take the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub agent: AgentId,
    /// Extension, number or address, as people know it.
    pub number: String,
    /// Where it is.
    pub destination: Destination,
}

/// What happens to a caller nobody took, when the flow says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overflow {
    /// Walk through this flow.
    Flow(FlowSought),
    /// Ring this group or agent.
    Ring(Who),
    /// Refuse or end the call.
    HangUp,
}

/// Which flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowSought {
    /// The one of this name.
    Named(FlowName),
    /// The one that takes a message for this box.
    Mailbox(Mailbox),
}

/// Why a phone did not take the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// In the call's words.
    pub kind: RefusalKind,
    /// In SIP's, for the record.
    pub sip_code: Option<u16>,
}

/// Why a phone did not take the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// In another call.
    Busy,
    /// The person said no.
    Declined,
    /// It gave up ringing by itself.
    NoAnswer,
    /// It could not be reached, or did not answer our messages.
    Unreachable,
    /// There is no such number.
    NoSuchNumber,
    /// The way there is full, down, or does not want us; another may serve.
    Congested,
    /// It wants the call to go elsewhere, which a ring group does not follow.
    Redirected,
    /// Anything else.
    Failed,
}
