use crate::model::{Destination, Digit, Diverted, Number, TrunkName};
use crate::sip::guard::Ban;
use crate::sip::{Binding, Fault, Flow, Query, ResolveError, Target, Unbound};
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use thiserror::Error;

/// One INVITE dialog, ours or theirs, among all of this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(super) u64);

/// What the user agent asks of the outside.
#[derive(Debug)]
pub enum Output {
    /// Send this.
    Send {
        /// Which way.
        flow: Flow,
        /// The bytes.
        bytes: Bytes,
    },
    /// The peer of this connection has proven who it is: it may be silent so long.
    Keep {
        /// Which.
        connection: u64,
        /// How long.
        silent_for: Duration,
    },
    /// Close this connection: its address is shut out.
    Close(u64),
    /// Look this name up.
    Resolve(Query),
    /// Tell the engine.
    Event(Event),
}

/// What happened, in telephony's words as far as SIP can say them.
#[derive(Debug)]
pub enum Event {
    /// Somebody calls who may. 100 has been sent; ring, answer or release.
    Incoming(Box<Incoming>),
    /// A phone we invited rings.
    Ringing(SessionId),
    /// A phone we invited sends sound before it is picked up: a tone, or why it cannot be reached (RFC 3960).
    EarlyMedia {
        /// Which.
        session: SessionId,
        /// Its SDP answer so far.
        body: Vec<u8>,
    },
    /// A phone we invited was picked up; the ACK has been sent.
    Answered {
        /// Which.
        session: SessionId,
        /// Its SDP answer.
        body: Vec<u8>,
    },
    /// A phone we invited will not take the call; the session is gone.
    Refused {
        /// Which.
        session: SessionId,
        /// Its final status; 408 when it never answered.
        status: u16,
    },
    /// A trunk sends a call on to another number of its own, and may: follow it or decline.
    Redirected {
        /// Which.
        session: SessionId,
        /// With which status.
        status: u16,
        /// The number there.
        to: Number,
    },
    /// The far side acknowledged our 200, perhaps with the answer to an offer of ours.
    Confirmed {
        /// Which.
        session: SessionId,
        /// The SDP answer, if the ACK brought one.
        body: Option<Vec<u8>>,
    },
    /// The far side wants to change the media; accept or refuse the offer.
    Offered {
        /// Which.
        session: SessionId,
        /// The SDP offer; nothing when it wants ours.
        body: Option<Vec<u8>>,
    },
    /// The far side hung up, gave up, or can no longer be reached; the session is gone.
    Left(SessionId),
    /// The far side never acknowledged a 200 of ours; a BYE is under way and the session is gone.
    NeverAcknowledged(SessionId),
    /// Nobody refreshed the session (RFC 4028 §10); a BYE is under way and the session is gone.
    Expired(SessionId),
    /// The session has to be refreshed with an offer: [`super::UserAgent::reoffer`].
    RefreshWanted(SessionId),
    /// The far side answered an offer of ours inside the session.
    Reanswered {
        /// Which.
        session: SessionId,
        /// Its SDP answer.
        body: Vec<u8>,
    },
    /// The far side wants its call handed on: accept or refuse the REFER, and tell how it goes.
    Referred(Box<Referral>),
    /// A text for whoever talks with this side: [`super::UserAgent::pass_words`].
    Words {
        /// Whose.
        session: SessionId,
        /// Which text.
        words: u64,
    },
    /// A key, by INFO.
    Digit {
        /// Which.
        session: SessionId,
        /// The key.
        digit: Digit,
    },
    /// The far side does not take keys by INFO; this one has not reached it.
    DigitRefused {
        /// Which.
        session: SessionId,
        /// The key.
        digit: Digit,
    },
    /// A phone registered.
    Bound(Box<Binding>),
    /// A phone refreshed its registration; nothing else about it is new.
    Refreshed {
        /// The registration.
        binding: Box<Binding>,
        /// When it would have ended without that.
        before: Instant,
    },
    /// A phone unregistered, expired, or its connection broke.
    Unbound(Unbound),
    /// A phone stopped answering our OPTIONS, or answers again.
    PhoneProbed {
        /// Whose phone.
        extension: Number,
        /// Whether it answers.
        is_there: bool,
    },
    /// The connection of a session closed and the phone did not come back on another; a BYE is under way where one can
    /// be, and the session is gone.
    CutOff(SessionId),
    /// A trunk answered our OPTIONS within this time, or none of its targets did.
    TrunkProbed {
        /// Which.
        trunk: TrunkName,
        /// The round trip, or what is wrong.
        outcome: Result<Duration, Outage>,
    },
    /// Our own registration with a trunk was granted for this many seconds, or refused with this status.
    Registered {
        /// Which.
        trunk: TrunkName,
        /// The outcome.
        outcome: Result<u32, u16>,
    },
    /// An address guessed at passwords once too often.
    Banned(Box<Ban>),
    /// A phone that has shown to know SHA-256 came with MD5, and was not let in.
    WeakerDigest {
        /// Whose password it was.
        extension: Number,
        /// From where.
        address: SocketAddr,
    },
    /// Somebody who has no part in a call sent a request inside it.
    Stranger {
        /// What was asked.
        method: String,
        /// From where.
        address: SocketAddr,
    },
    /// A message came that cannot be read.
    Noise {
        /// From where.
        address: SocketAddr,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// A REFER inside a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// The session of who refers.
    pub session: SessionId,
    /// The user part of Refer-To.
    pub to: Number,
    /// The dialog whose place the new one takes (RFC 3891).
    pub replaced: Option<Replaced>,
    /// Referred-By of the INVITEs that follow (RFC 3892).
    pub referred_by: String,
}

/// A dialog that another takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// A session of ours, of the same party.
    Session(SessionId),
    /// A dialog that only the far side of a trunk knows.
    Beyond {
        /// The trunk.
        trunk: TrunkName,
        /// The value of Replaces for the INVITE.
        replaces: String,
    },
}

/// Why a trunk takes no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Outage {
    /// It says nothing.
    #[error("it does not answer")]
    Silent,
    /// The network does not lead there, or nobody listens.
    #[error("it cannot be reached")]
    Unreachable,
    /// It answers that it takes no calls.
    #[error("it takes no calls now ({0})")]
    Refuses(u16),
    /// Its name leads nowhere.
    #[error("its name is not found: {0}")]
    Unresolved(ResolveError),
}

/// A call that comes in.
#[derive(Debug)]
pub struct Incoming {
    /// Its session.
    pub session: SessionId,
    /// Who it is, as far as we believe it.
    pub origin: Origin,
    /// The caller's number.
    pub caller_number: Number,
    /// The display name.
    pub caller_name: Option<String>,
    /// Whether the caller asks not to be shown (RFC 3323).
    pub hides: bool,
    /// Who forwarded the call before it came to us, the last one first; only a trunk is believed.
    pub diverted: Vec<Diverted>,
    /// What was dialled: the user part of the Request-URI.
    pub dialed: Number,
    /// Its Call-ID.
    pub call_id: String,
    /// The SDP offer, if there is one.
    pub offer: Option<Vec<u8>>,
    /// The session that this one takes the place of (RFC 3891).
    pub replaces: Option<Replacing>,
    /// The way it came.
    pub flow: Flow,
}

/// What a call that takes the place of a session does; who it is has been found to have the right to (RFC 3891 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacing {
    /// Another phone of the party that talks goes on with the conversation.
    Own(SessionId),
    /// The party that talks has handed its part on to somebody else.
    Another(SessionId),
    /// A phone that we ring has not been picked up: the call is answered here.
    Ringing(SessionId),
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A trunk, known by its address.
    Trunk(TrunkName),
    /// A phone of ours that proved its password.
    Phone(Number),
}

/// Whom to invite, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Where the phone is.
    pub destination: Destination,
    /// The number to show.
    pub caller_number: Number,
    /// The name to show.
    pub caller_name: Option<String>,
    /// Who handed the call on (RFC 3892), when somebody did.
    pub referred_by: Option<String>,
    /// The dialog at the far side that this one takes the place of (RFC 3891).
    pub replaces: Option<String>,
    /// Whether the caller does not want to be seen.
    pub hidden: bool,
    /// Whether there is another trunk to ask should this one not serve it: then it is waited for less long.
    pub elsewhere: bool,
}

/// How to reach a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The way.
    pub flow: Flow,
    /// The Request-URI.
    pub uri: String,
    /// The trunk it leads through.
    pub trunk: Option<TrunkName>,
    /// The target of that trunk.
    pub target: Option<Target>,
    /// The proxies on the way, as the phone's registration named them (RFC 3327).
    pub path: Vec<String>,
}

/// How to part from a session, whatever state it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Farewell {
    /// The status for an INVITE of theirs that was not answered.
    pub status: u16,
    /// Retry-After of that status, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// Reason values for a CANCEL or BYE (RFC 3326).
    pub reasons: &'static [&'static str],
}

/// Counts since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages received.
    pub received: u64,
    /// Messages that could not be parsed.
    pub malformed: u64,
    /// Requests with wrong credentials.
    pub auth_failed: u64,
    /// Requests inside a dialog from an address that has no part in it.
    pub strangers: u64,
}
