use super::{BoxAnswer, BoxQuestion, Taken};
use crate::model::{Digit, GroupName, Mailbox, Number, Playable};
use serde::Deserialize;

/// What can happen while a caller is in a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The caller is there; the first step begins. Said once.
    Entered,
    /// The caller pressed a key.
    Digit(Digit),
    /// What the last [`Turn::Play`] asked for has been heard to its end.
    PlayFinished,
    /// The time of [`Session::next_deadline`](super::Session::next_deadline) has come.
    DeadlineReached,
    /// The ringing of [`Turn::Ring`] ended without a conversation.
    RingEnded(RingResult),
    /// The message of [`Turn::TakeMessage`] is complete (the caller pressed `#`, fell silent, or reached the limit).
    MessageTaken(Taken),
    /// The reply to [`Turn::AskBox`].
    BoxAnswered(BoxAnswer),
}

/// Why ringing a group led to no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingResult {
    /// Phones rang; nobody picked up in any round.
    NoAnswer,
    /// Every phone was busy or declined.
    Busy,
    /// The group has nobody to ring.
    NobodyThere,
}

/// What the flow asks for in reply to one [`Input`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing; wait for the next input.
    Wait,
    /// Play these one after the other; `Input::PlayFinished` follows. Whatever still plays is cut.
    Play(Vec<Playable>),
    /// Stop what plays and wait.
    Hush,
    /// Take the call off the hook, in silence, and wait.
    Answer,
    /// Ring the group; `Input::RingEnded` follows when nobody took the call.
    Ring(GroupName),
    /// Find this out about a box; `Input::BoxAnswered` follows.
    AskBox(BoxQuestion),
    /// Beep and record the caller's words for this box; `Input::MessageTaken` follows.
    TakeMessage {
        /// Whose box.
        mailbox: Mailbox,
        /// Whether they are to greet its callers, and no message.
        is_greeting: bool,
        /// What to play before the beep.
        greeting: Vec<Playable>,
        /// Longest message in seconds.
        max_seconds: u32,
        /// Shortest message that counts, in seconds.
        min_seconds: u32,
        /// Silence that ends it, in seconds.
        silence_seconds: u32,
    },
    /// Call this number for whoever is in the flow; `Input::RingEnded` follows when nobody took the call.
    CallBack(Number),
    /// The group could not take the call and the flow has no word for that: do what the group's `overflow` says.
    /// The session is over, unless [`Session::move_to`](super::Session::move_to) gives it another flow.
    Overflow(GroupName),
    /// The flow is over; [`Session::end_cause`](super::Session::end_cause) tells with which cause.
    HangUp,
}

/// With which cause a flow ends a call. Before the call is answered it decides what the caller's phone shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The flow did its work.
    #[default]
    Normal,
    /// The line is busy.
    Busy,
    /// The call is not wanted.
    Rejected,
    /// Nobody can be reached at this number now.
    Unavailable,
    /// The box has no room for the call.
    Congestion,
}

impl EndCause {
    /// The cause value of ITU-T Q.850 §2.2.7.
    pub fn q850(self) -> u8 {
        match self {
            Self::Normal => 16,
            Self::Busy => 17,
            Self::Rejected => 21,
            Self::Unavailable => 20,
            Self::Congestion => 42,
        }
    }
}
