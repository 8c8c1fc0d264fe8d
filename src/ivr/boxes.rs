//! What a flow asks about message boxes, what it is told, and what it has done to them.

use crate::model::{Digit, Mailbox, MessageState, Number, Playable, RecordingId, Stamp};
use std::sync::Arc;

/// What a flow has to know of a box before it goes on; [`Input::BoxAnswered`](super::Input::BoxAnswered) follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoxQuestion {
    /// A caller is about to leave a message here.
    Leave(Mailbox),
    /// Whoever calls wants to hear their own messages; the engine knows whose phone it is.
    OpenOwn,
    /// Somebody names a box and its PIN.
    Open {
        /// The box's number, as it was typed.
        number: String,
        /// The PIN, as it was typed.
        pin: Pin,
    },
}

/// What somebody typed as a PIN; it never shows.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Pin(String);

/// The reply to a [`BoxQuestion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoxAnswer {
    /// There is a box for messages.
    Room(BoxRoom),
    /// The messages may be heard.
    Opened(BoxContents),
    /// This phone has no box of its own: number and PIN are wanted.
    NotOwn,
    /// There is no such box, or the PIN is not its own; which of the two is nobody's business.
    Refused,
    /// Too many have been wrong: not now, whatever is typed.
    Locked,
}

/// The rules of a box for whoever leaves a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxRoom {
    /// What its owner recorded, or the site wrote down; the usual greeting when absent.
    pub greeting: Option<Playable>,
    /// The longest message in seconds.
    pub max_seconds: u32,
    /// The shortest message that counts, in seconds.
    pub min_seconds: u32,
    /// Silence that ends a message, in seconds.
    pub silence_seconds: u32,
    /// Whether a caller who ends the message by a key may hear, erase or repeat it.
    pub review: bool,
    /// Whether it holds as many messages as it may.
    pub is_full: bool,
}

impl Default for BoxRoom {
    fn default() -> Self {
        Self {
            greeting: None,
            max_seconds: 120,
            min_seconds: 1,
            silence_seconds: 5,
            review: true,
            is_full: false,
        }
    }
}

/// What is in a box that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxContents {
    /// Whose greeting the owner may change.
    pub mailbox: Mailbox,
    /// The messages, in the order they are heard: new before saved, urgent before others, older before younger.
    pub messages: Vec<BoxMessage>,
    /// The greeting somebody recorded.
    pub greeting: Option<Playable>,
    /// Whether the sender of a message may be called back from here.
    pub may_call_back: bool,
}

/// One message, as far as whoever hears it is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxMessage {
    /// Which.
    pub id: RecordingId,
    /// What has become of it.
    pub state: MessageState,
    /// Who left it.
    pub caller: Number,
    /// When.
    pub left_at: Stamp,
    /// Whether it cannot wait.
    pub urgent: bool,
    /// The file, below the voicemail directory.
    pub path: Arc<str>,
}

/// What a flow has done to a box; see [`Session::take_deeds`](super::Session::take_deeds).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoxDeed {
    /// The message just taken stays.
    Keep,
    /// The words just recorded are thrown away.
    Drop,
    /// The message just taken cannot wait.
    MarkUrgent,
    /// A message begins to be played to the caller.
    Hear(RecordingId),
    /// A message was heard, kept, thrown away or taken back.
    Mark(RecordingId, MessageState),
    /// The words just recorded greet callers from now on.
    Greet(Mailbox),
    /// The box goes back to the greeting of the site.
    ForgetGreeting(Mailbox),
}

/// What a caller's recording came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// What ended it.
    pub by: TakenBy,
    /// Whether it is long enough to be a message.
    pub is_long_enough: bool,
}

/// What ended a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBy {
    /// The caller pressed `#`.
    Key,
    /// Silence, or the longest time.
    Itself,
}

impl Pin {
    /// Takes one more key.
    pub(super) fn push(&mut self, key: Digit) {
        self.0.push(key.as_char());
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys themselves, for the one place that compares them.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Pin {
    fn from(keys: &str) -> Self {
        Self(keys.to_owned())
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}
