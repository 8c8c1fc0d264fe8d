use super::{Candidate, FlowSought, Sought, TransferNews, Way};
use crate::ivr::{BoxDeed, BoxQuestion};
use crate::model::{Cdr, LegId, Mailbox, NoteKind, Number, Part, Playable, RecordingId, RecordingKind};
use std::time::Duration;

/// Everything a call can ask of the outside world.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Tell the caller that phones ring, as long as the caller has not been answered.
    Ring(LegId),
    /// Answer this leg.
    Answer(LegId),
    /// Play to this leg; [`Event::PlayFinished`](super::Event::PlayFinished) follows unless it repeats.
    Play {
        /// Who hears it.
        leg: LegId,
        /// What, one after the other.
        items: Vec<Playable>,
        /// For ever, from the start again.
        repeat: bool,
    },
    /// Stop what this leg hears.
    StopPlaying(LegId),
    /// Ask the roster; [`Event::AgentsFound`](super::Event::AgentsFound) follows.
    FindAgents(Sought),
    /// Ask for a flow; [`Event::FlowFound`](super::Event::FlowFound) follows.
    FindFlow(FlowSought),
    /// Ask about a message box; [`Event::BoxAnswered`](super::Event::BoxAnswered) follows.
    AskBox(BoxQuestion),
    /// The message of the next [`Action::Record`] is for this box.
    TakeFor {
        /// Whose box.
        mailbox: Mailbox,
        /// A shorter one does not count, should the caller hang up.
        shortest: Duration,
        /// Whether it is to greet callers, and no message.
        is_greeting: bool,
    },
    /// Do this to a message box.
    ChangeBox(BoxDeed),
    /// Ring this phone as a new leg.
    Dial(LegId, Candidate),
    /// Call a number outside as a new leg.
    DialOutside {
        /// The new leg.
        leg: LegId,
        /// By which trunk, and what.
        way: Way,
        /// Whether there is another way should this one fail.
        elsewhere: bool,
    },
    /// Let go of a leg, whatever it is doing; the protocol's way of doing that is not the call's concern.
    Release(LegId, Cause),
    /// Let the first hear the second, which sends sound before it is picked up, and be heard by it.
    RingThrough(LegId, LegId),
    /// Let two legs talk.
    Bridge(LegId, LegId),
    /// Let these hear each other as their parts say, and nobody else of the call.
    Mix(Vec<(LegId, Part<LegId>)>),
    /// Play music to this leg until something else is to be heard.
    PlayMusic(LegId),
    /// Let the two talk no more; both stay in the call.
    Unbridge(LegId),
    /// Find out where a number leads for this leg; [`Event::TargetFound`](super::Event::TargetFound) follows.
    FindTarget(LegId, Number),
    /// Take a leg of another call over as this leg of ours, with all that belongs to it.
    MoveHere(crate::model::LegKey, LegId),
    /// Take whoever comes to the call by themselves in, as this leg, and answer them; not doing so turns them away.
    TakeIn(LegId),
    /// Tell whoever wanted the call handed on what becomes of it.
    TellTransferor(LegId, TransferNews),
    /// Record from now on.
    Record {
        /// Which recording.
        id: RecordingId,
        /// A conversation or a message.
        kind: RecordingKind,
        /// The left (or only) channel.
        left: LegId,
        /// The right channel.
        right: Option<LegId>,
    },
    /// Go on with a recording that runs with these two sides, left and right.
    ChangeRecording(RecordingId, LegId, Option<LegId>),
    /// End the recording.
    StopRecording(RecordingId),
    /// Write silence of the same length until [`Action::ResumeRecording`].
    PauseRecording(RecordingId),
    /// Write voices again.
    ResumeRecording(RecordingId),
    /// Tell when the caller has been silent for so long; `None` ends the watch.
    WatchSilence(Option<Duration>),
    /// Write a detail into the call-event journal.
    Note(NoteKind, Option<LegId>, String),
    /// Exactly once per call, always last.
    FileCdr(Box<Cdr>),
}

/// Why a leg is let go. `sip` finds the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Another phone took the call.
    AnsweredElsewhere,
    /// The call is over; nothing went wrong.
    Finished,
    /// The caller gave up while phones rang.
    CallerGaveUp,
    /// This phone rang long enough.
    RangLongEnough,
    /// Every phone is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// Nobody is there to be rung.
    NobodyThere,
    /// The flow does not want the call, or the callee outside did not.
    Rejected,
    /// There is no such number outside.
    NoSuchNumber,
    /// The box has no room for the call.
    Congestion,
    /// The caller's phone and the box have no codec in common.
    Incompatible,
    /// The box cannot go on with this call.
    Failed,
    /// No media came for too long.
    NoMedia,
    /// A technician ended it.
    Ordered,
    /// The box is shutting down.
    ShuttingDown,
    /// Another phone took the call over from this one.
    Transferred,
}

impl Cause {
    /// The word for a leg that was let go before it answered.
    pub(super) fn result(self) -> &'static str {
        match self {
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::Transferred => "transferred",
            Self::Finished | Self::Ordered | Self::ShuttingDown | Self::CallerGaveUp => "canceled",
            Self::RangLongEnough | Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::NobodyThere | Self::NoSuchNumber => "unreachable",
            Self::Rejected => "declined",
            Self::Failed | Self::NoMedia | Self::Congestion | Self::Incompatible => "failed",
        }
    }

    /// The ITU-T Q.850 cause value, as RFC 3398 and practice map it.
    pub fn q850(self) -> u8 {
        match self {
            Self::AnsweredElsewhere => 26,
            Self::NoSuchNumber => 1,
            Self::Finished | Self::CallerGaveUp | Self::Ordered | Self::Transferred => 16,
            Self::Busy => 17,
            Self::RangLongEnough | Self::NoAnswer => 19,
            Self::NobodyThere => 20,
            Self::Rejected => 21,
            Self::Congestion => 42,
            Self::Incompatible => 88,
            Self::Failed | Self::ShuttingDown => 41,
            Self::NoMedia => 102,
        }
    }
}
