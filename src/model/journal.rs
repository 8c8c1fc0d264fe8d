use super::{
    AgentId, CallId, CallKey, Cdr, Greeting, LegId, Mailbox, Message, MessageErrand, MessageState, Number,
    RecordingId, Stamp,
};
use serde::{Deserialize, Serialize};

/// One thing the core asks the store to remember. Entries are written in the order they were given.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A call has arrived. The store answers when the row is on disk; only then may a phone hear 180 or 200.
    CallOpened {
        /// Whom the store's answer is for.
        call: CallKey,
        /// The record as it would be if the power went now.
        cdr: Box<Cdr>,
    },
    /// A detail of a call, for the call-event journal.
    CallNoted(CallNote),
    /// A call has ended. Filed once per call.
    CallClosed(Box<Cdr>),
    /// A phone registered or refreshed.
    Bound(Binding),
    /// These phones refreshed their registrations; nothing else about them is new.
    Refreshed(Vec<Binding>),
    /// Somebody left a message; or a caller threw one away before it was one, so that its file goes too.
    MessageLeft {
        /// What is known of it.
        message: Box<Message>,
        /// What is to be done about it, in the order it is done.
        errands: Vec<MessageErrand>,
    },
    /// Somebody hears a message by phone.
    MessageHeard {
        /// Which.
        id: RecordingId,
        /// The number of their phone.
        by: Number,
        /// When.
        at: Stamp,
    },
    /// A message was heard, kept or thrown away.
    MessageMarked {
        /// Which.
        id: RecordingId,
        /// What it is from now on.
        state: MessageState,
    },
    /// A box has a greeting of its own, or (`None`) has it no longer.
    GreetingSet {
        /// Which box.
        mailbox: Mailbox,
        /// The greeting.
        greeting: Option<Greeting>,
    },
    /// A phone unregistered or expired.
    Unbound {
        /// The user part of the address of record.
        extension: Number,
        /// The contact URI.
        contact: String,
    },
    /// A recording file is about to be written.
    RecordingOpened(RecordingRow),
}

/// A detail of a call, as CEL has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallNote {
    /// Which call.
    pub call_id: CallId,
    /// When.
    pub at: Stamp,
    /// Milliseconds since the call arrived, by the monotonic clock.
    pub offset_ms: u64,
    /// Which leg, when one is meant.
    pub leg: Option<LegId>,
    /// What happened.
    pub kind: NoteKind,
    /// Agent, step, digit or cause, as the kind asks.
    pub detail: String,
}

/// What a [`CallNote`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The call arrived.
    Created,
    /// The box answered the caller.
    CallerAnswered,
    /// A step of the flow was entered.
    Stage,
    /// The caller pressed a key.
    Digit,
    /// A phone was dialled.
    Dialed,
    /// A phone rings.
    Ringing,
    /// A phone answered.
    Answered,
    /// A phone refused, or could not be reached.
    Refused,
    /// A leg was let go.
    Released,
    /// A side put the other on hold.
    Held,
    /// A side came back.
    Resumed,
    /// Recording began.
    Recording,
    /// A person ended the recording.
    RecordingStopped,
    /// Silence is recorded from here on.
    RecordingPaused,
    /// Voices are recorded again.
    RecordingResumed,
    /// The caller was asked about the recording, or answered: `asked`, `announced`, `given` or `refused`.
    Consent,
    /// Somebody in the conversation handed it on; the detail is the number asked for.
    TransferAsked,
    /// A phone has taken the conversation over.
    Transferred,
    /// Nobody took it over.
    TransferFailed,
    /// Somebody else takes part from now on; the detail says how.
    Joined,
    /// Somebody takes part no more.
    Parted,
    /// The call ended.
    Ended,
}

/// A registered contact, as it survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The user part of the address of record.
    pub extension: Number,
    /// The contact URI as the phone gave it.
    pub contact: String,
    /// The transport and addresses a request to this contact takes: `udp 127.0.0.10:5060 127.0.0.1:5060` (transport, peer, local).
    pub flow: String,
    /// Call-ID of the REGISTER (RFC 3261 §10.3 step 7).
    pub call_id: String,
    /// CSeq of the REGISTER.
    pub cseq: u32,
    /// `q` of the contact in thousandths.
    pub q: u16,
    /// What the phone calls itself.
    pub user_agent: Option<String>,
    /// `+sip.instance` of the contact (RFC 5626).
    pub instance: Option<String>,
    /// `reg-id` of the contact (RFC 5626).
    #[serde(default)]
    pub reg_id: Option<u32>,
    /// When the registration ends, by the wall clock.
    pub expires_at_unix_ms: i64,
}

/// What a recording file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingKind {
    /// Both sides of a conversation, two channels.
    Conversation,
    /// A message left by the caller, one channel.
    Voicemail,
}

/// A recording that is about to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRow {
    /// Its identity.
    pub id: RecordingId,
    /// Of which call.
    pub call_id: CallId,
    /// What it holds.
    pub kind: RecordingKind,
    /// Path below the recordings or voicemail root, with `/`.
    pub path: String,
    /// When it began.
    pub started_at: Stamp,
    /// Whose message or conversation it is, when known.
    pub agent: Option<AgentId>,
}

impl RecordingKind {
    /// 2 for a conversation (left caller, right agent), 1 for a message.
    pub fn channels(self) -> u8 {
        match self {
            Self::Conversation => 2,
            Self::Voicemail => 1,
        }
    }

    /// The folder of the data directory that holds it.
    pub fn root(self) -> &'static str {
        match self {
            Self::Conversation => "recordings",
            Self::Voicemail => "voicemail",
        }
    }
}

impl RecordingRow {
    /// The path with its root's name first: `recordings/2026/11/20/<id>.wav`.
    pub fn full_path(&self) -> String {
        format!("{}/{}", self.kind.root(), self.path)
    }
}
