//! How a scripted phone takes an INVITE.

/// How a phone takes an INVITE.
#[derive(Debug, Clone)]
pub struct Manner {
    /// 180 after so many seconds.
    pub ring_after: Option<f64>,
    /// 180 again and again, so many seconds apart.
    pub rings_again: Option<f64>,
    /// 183 with SDP after so many seconds.
    pub early: Option<(f64, Early)>,
    /// The final answer: when, and which.
    pub then: Option<(f64, u16)>,
    pub on_cancel: OnCancel,
    /// Ask for a password with this status first.
    pub challenge: Option<u16>,
    /// Where a 302 points.
    pub moved_to: Option<String>,
    /// The SDP of the 200, when it is to be an unusual one.
    pub sdp: Option<String>,
    /// As a caller: does not acknowledge a 200.
    pub never_acks: bool,
    /// As a caller that asked for an offer: acknowledges it without an answer, as a broken phone does.
    pub acks_bare: bool,
    /// Header lines of its 200 to an INVITE.
    pub more: &'static str,
    /// Goes on with a call that another phone has taken over.
    pub stays_after_transfer: bool,
    /// Offers again after a 491, as RFC 3261 §14.1 asks.
    pub tries_again: bool,
    /// Cannot encrypt voice, and says so with this status.
    pub turns_keys_down: Option<u16>,
    /// Answers a key by INFO with 415.
    pub refuses_info: bool,
    /// Switched off: says nothing to any request that begins something.
    pub dead: bool,
}

/// How a phone sends sound before it is picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// 183 with SDP.
    Plain,
    /// The same, to be acknowledged (RFC 3262), and no SDP in the 200.
    Reliable,
    /// 183 with SDP of two of a fork.
    Forked,
}

/// What a ringing phone does when it is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    /// 200 and 487, as it should.
    Stop,
    /// It is picked up at that very moment.
    Answer,
    /// 200, and rings on.
    RingOn,
}

impl Manner {
    /// Rings until it is told otherwise.
    pub fn rings() -> Self {
        Self {
            ring_after: Some(0.0),
            rings_again: None,
            early: None,
            then: None,
            on_cancel: OnCancel::Stop,
            challenge: None,
            moved_to: None,
            sdp: None,
            never_acks: false,
            acks_bare: false,
            more: "",
            stays_after_transfer: false,
            tries_again: false,
            turns_keys_down: None,
            refuses_info: false,
            dead: false,
        }
    }

    /// Rings, and is picked up after so many seconds.
    pub fn answers_after(seconds: f64) -> Self {
        Self {
            then: Some((seconds, 200)),
            ..Self::rings()
        }
    }

    /// Refuses at once.
    pub fn refuses(status: u16) -> Self {
        Self {
            ring_after: None,
            then: Some((0.0, status)),
            ..Self::rings()
        }
    }

    /// Rings, and refuses after so many seconds.
    pub fn refuses_after(seconds: f64, status: u16) -> Self {
        Self {
            then: Some((seconds, status)),
            ..Self::rings()
        }
    }

    /// Says nothing at all.
    pub fn dead() -> Self {
        Self {
            dead: true,
            ..Self::rings()
        }
    }

    /// Takes the INVITE and says nothing until it is picked up.
    pub fn answers_silently_after(seconds: f64) -> Self {
        Self {
            ring_after: None,
            then: Some((seconds, 200)),
            ..Self::rings()
        }
    }

    /// Rings, and is picked up at the moment its CANCEL comes.
    pub fn answers_when_cancelled() -> Self {
        Self {
            on_cancel: OnCancel::Answer,
            ..Self::rings()
        }
    }
}
