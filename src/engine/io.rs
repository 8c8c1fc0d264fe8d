use super::{Command, Notice, Settings};
use crate::media::{MediaEvent, MediaOrder};
use crate::model::{CallId, CallKey, Entry, LegId, TapeDone, TapeMessage};
use crate::sip::{Flow, Query, ResolveError, Target};
use bytes::Bytes;
use std::time::Duration;

/// Everything that can happen to the appliance.
#[derive(Debug)]
pub enum Input<'a> {
    /// A SIP message arrived, by datagram or complete from a stream.
    Message {
        /// Where it came from and where it arrived.
        flow: &'a Flow,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A stream is gone.
    StreamClosed(u64),
    /// A stream could not be opened.
    Unreachable(Flow),
    /// The RTP threads tell.
    Media(MediaEvent),
    /// The recorder tells.
    Tape(TapeDone),
    /// The journal has this call's first row on disk, or failed to write it.
    Journaled {
        /// Which call.
        call: CallKey,
        /// Whether the row is on disk.
        on_disk: bool,
    },
    /// The answer to an [`Output::Resolve`]. Each question is answered once, within seconds.
    Resolved {
        /// The token of the question.
        token: u64,
        /// The addresses, in any order.
        result: Result<Vec<Target>, ResolveError>,
        /// How long the addresses may be used without asking again.
        ttl: Duration,
    },
    /// A person asks.
    Command(Command),
    /// The journal's queue is full (`true`) or has room again (`false`).
    JournalBehind(bool),
    /// The wall clock can be believed from now on: now is this many milliseconds since 1970.
    ClockSynced(i64),
    /// Take over a new configuration. Calls under way keep what they began with.
    Reload(Box<Settings>),
    /// Take no new calls; those under way go on.
    Drain,
    /// End all calls and take no new ones.
    Shutdown,
    /// The time of [`Engine::next_deadline`](super::Engine::next_deadline) has come.
    DeadlineReached,
}

/// Everything the appliance asks of the outside. Outputs are carried out in the order given.
#[derive(Debug)]
pub enum Output {
    /// Send this.
    Send {
        /// Which way.
        flow: Flow,
        /// The bytes; shared with the transaction that may send them again.
        bytes: Bytes,
    },
    /// The peer of this connection is known: it may be silent so long before it is taken for gone.
    Keep {
        /// Which.
        connection: u64,
        /// How long.
        silent_for: Duration,
    },
    /// Close this stream: its address is shut out.
    Close(u64),
    /// For the RTP threads.
    Media(MediaOrder),
    /// For the recorder.
    Tape(TapeMessage),
    /// For the journal.
    Journal(Entry),
    /// Look this name up (RFC 3263) and answer with [`Input::Resolved`].
    Resolve(Query),
    /// SIP messages with this Call-ID are of this leg from now on, for whoever keeps traces of calls.
    Dialog {
        /// Of which call.
        call: CallId,
        /// Of which of its legs.
        leg: LegId,
        /// The Call-ID.
        call_id: String,
    },
    /// For those who look on, and the log.
    Notice(Notice),
}
