//! The nouns every room shares: identities, numbers, digits, codecs, time stamps and the call record.
//!
//! `model` uses no other room, reads no clock and opens nothing. Text from outside becomes one of these
//! types at the edge and text again at the other edge.

mod cdr;
mod clock;
mod codec;
pub mod csv;
mod destination;
mod dice;
mod digit;
mod diverted;
mod dtmf;
mod ids;
mod journal;
mod kept_agent;
mod mailbox;
mod message;
mod part;
mod playable;
mod reach;
mod recording_rules;
mod secret;
mod srtp;
mod tape;
mod turns;

pub use cdr::{
    Cdr, ConsentMark, Direction, ForeignRecord, HangupBy, LegRecord, LegRole, MessageFacts, Quality,
    QualityThere, RecordingFacts, RemovedMark, Status, TransferKind, TransferRecord,
};
pub use clock::{Stamp, WallClock};
pub use codec::Codec;
pub use destination::Destination;
pub use dice::Dice;
pub use digit::Digit;
pub use diverted::Diverted;
pub use dtmf::Dtmf;
pub use ids::{
    AgentId, CallId, CallKey, FlowName, GroupName, Language, LegId, LegKey, Number, PromptName, RecordingId,
    StepName, TrunkName,
};
pub use journal::{Binding, CallNote, Entry, NoteKind, RecordingKind, RecordingRow};
pub use kept_agent::{KeptAgent, KeptDigest, WrittenAgent};
pub use mailbox::Mailbox;
pub use message::{Greeting, Message, MessageErrand, MessageState, Transcript};
pub use part::Part;
pub use playable::{MessageSound, Playable, Tone};
pub use reach::is_evidently_hidden;
pub use recording_rules::{ConsentRule, RecordAction, RecordRule, RecordWhen, Recordable, RecordingRules};
pub use secret::Secret;
pub use srtp::SrtpSuite;
pub use tape::{TapeDone, TapeFormat, TapeMessage};
pub use turns::Turns;
