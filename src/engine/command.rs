use super::Wanted;
use crate::agents::AgentState;
use crate::call::GuestKind;
use crate::model::{AgentId, CallId, Mailbox, MessageState, Number, RecordAction, RecordingId, TransferKind};
use crate::sip::guard::Source;

/// What a person asks of the running engine, through the API or a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// End this call.
    HangUp(CallId),
    /// Let an address in again that was shut out.
    LiftBan(Source),
    /// Hand this call on for its agent.
    Transfer {
        /// Which call.
        call: CallId,
        /// To which number; an attended transfer goes to whoever the agent asked in another call.
        to: Number,
        /// In which way.
        kind: TransferKind,
    },
    /// Let the two no longer hear each other.
    Hold(CallId),
    /// Let them hear each other again.
    Resume(CallId),
    /// Start, stop, pause or resume the recording of a conversation.
    Record {
        /// Which call.
        call: CallId,
        /// What to do.
        action: RecordAction,
        /// Who wants it, for the call's journal.
        by: String,
    },
    /// Bring somebody else into a conversation.
    Join {
        /// Which call.
        call: CallId,
        /// Whom.
        who: Wanted,
        /// How they take part.
        kind: GuestKind,
    },
    /// Put an agent into a state: `available`, `on_break` or `offline`; the rest follow from calls.
    SetAgentState {
        /// Whose state.
        agent: AgentId,
        /// Which state.
        state: AgentState,
        /// Why, in the agent's words.
        reason: Option<String>,
    },
    /// Everything in this box has been listened to: its lamps go out.
    MailboxHeard(Mailbox),
    /// A message was heard, kept or thrown away, or is to count as new.
    MarkMessage(RecordingId, MessageState),
}
