use super::Farewell;
use super::early::Heard;
use super::failover::Hop;
use super::keypad::Keypad;
use super::redirect::Redirects;
use super::refer::Referred;
use super::reliable::{Acknowledging, Early, FORKS, Provisional, Reliable};
use super::session_timer::Timer;
use crate::model::{Number, TrunkName};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{ClientId, ServerId};
use crate::sip::{Echo, Flow, Message, Method, Name, SessionExpires};
use bytes::Bytes;
use std::net::IpAddr;
use std::time::Instant;

/// One INVITE dialog from its first message to the answer of its BYE.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) dialog: Dialog,
    pub(super) state: State,
    /// The trunk at the other end.
    pub(super) trunk: Option<TrunkName>,
    /// The extension of the phone at the other end, if it registers here.
    pub(super) phone: Option<Number>,
    /// Its connection is gone; until then it may come back on another.
    pub(super) cut_off_until: Option<Instant>,
    /// Whether requests go to where the far side says it is. Phones behind a router do not know where they are.
    pub(super) follows_target: bool,
    /// A re-INVITE or UPDATE of theirs that waits for the engine.
    pub(super) offered: Option<Offered>,
    /// What the next refusal of their offer says beside its status (RFC 3261 §20.43).
    pub(super) warning: Option<(u16, String)>,
    /// How the engine parted from it, once it has: nothing is told any more.
    pub(super) farewell: Option<Farewell>,
    /// Whether the INVITE was ours, and so the Call-ID.
    pub(super) is_ours: bool,
    /// The CSeq of their INVITE.
    pub(super) invite_cseq: Option<u32>,
    /// The phones that ring reliably for our INVITE.
    pub(super) early: Vec<Early>,
    /// PRACKs of ours that wait for their answers.
    pub(super) pracks: Vec<Acknowledging>,
    /// The last CSeq of each phone that asked something while it rang.
    pub(super) early_cseqs: Vec<(Box<str>, u32)>,
    /// Our ringing that a caller has to acknowledge.
    pub(super) reliable: Option<Reliable>,
    /// Whether the caller requires that.
    pub(super) rings_reliably: bool,
    /// Whether the caller can.
    pub(super) may_ring_reliably: bool,
    /// Their INVITE brought no offer: the first reliable response has to have ours (RFC 3262 §5).
    pub(super) wants_offer: bool,
    /// What is told of the call once the last reliable response is acknowledged.
    pub(super) next_ringing: Option<Provisional>,
    /// Offer and answer went by reliable ringing and its PRACK: the 200 says nothing more of them.
    pub(super) is_settled_early: bool,
    /// The SDP of a 200 that waits for the PRACK of the SDP before it (RFC 3262 §3).
    pub(super) held_answer: Option<Vec<u8>>,
    /// The tag of the phone we invited that rang last.
    pub(super) rings_with: Option<Box<str>>,
    /// What a phone we invited sends before it is picked up.
    pub(super) heard_early: Option<Heard>,
    /// Offer and answer have changed since the ringing brought them: a 200 without SDP means the change.
    pub(super) is_changed_early: bool,
    /// What our 200 will say of the session timer.
    pub(super) granted: Option<SessionExpires>,
    /// The session timer, once it runs.
    pub(super) timer: Option<Timer>,
    /// The least session time somebody on the way takes.
    pub(super) least_seconds: Option<u32>,
    /// Whether the far side takes UPDATE.
    pub(super) takes_update: bool,
    /// Whether the far side takes MESSAGE, as far as it has said.
    pub(super) takes_words: Option<bool>,
    /// A re-INVITE or UPDATE of ours that waits for its answer.
    pub(super) asking: Option<Asking>,
    /// A REFER of theirs that is not settled.
    pub(super) referred: Option<Referred>,
    /// Whether there has been one.
    pub(super) was_referred: bool,
    /// Keys it is told by INFO.
    pub(super) keypad: Keypad,
    /// Headers of our INVITE besides the usual ones.
    pub(super) more: Vec<(Name<'static>, String)>,
    /// What our INVITE says of who calls, beside From.
    pub(super) identity: Vec<(Name<'static>, String)>,
    /// Where our INVITE has gone, when that is a trunk.
    pub(super) hop: Option<Hop>,
    /// Where our INVITE was sent on to.
    pub(super) redirects: Redirects,
    /// When this session is noted to be woken.
    pub(super) wake: Option<Instant>,
}

/// A request of ours inside the session.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) is_invite: bool,
    /// Its offer, should it have to be sent once more.
    pub(super) sdp: Option<Vec<u8>>,
    /// It went out with credentials.
    pub(super) is_proven: bool,
}

/// Where a session is.
#[derive(Debug)]
pub(super) enum State {
    /// Their INVITE waits for a final response.
    Asked { server: ServerId, echo: Echo },
    /// Our 200 waits for its ACK.
    Answered { server: ServerId },
    /// Our INVITE waits for a final response.
    Inviting {
        client: ClientId,
        offer: Vec<u8>,
        authorized: bool,
        rang: bool,
    },
    /// Both sides agree that there is a call. The ACK of our INVITE is kept for a repeated 200.
    Up { ack: Option<(Flow, Bytes)> },
    /// Our BYE waits for its response.
    Leaving,
}

/// An offer of theirs inside the dialog.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) server: ServerId,
    pub(super) echo: Echo,
    pub(super) is_invite: bool,
    /// It has been answered and waits for its ACK.
    pub(super) is_answered: bool,
    /// What the answer says of the session timer.
    pub(super) granted: Option<SessionExpires>,
}

impl Session {
    /// A session at its beginning.
    pub(super) fn new(dialog: Dialog, state: State, trunk: Option<TrunkName>, follows_target: bool) -> Self {
        Self {
            dialog,
            is_ours: matches!(state, State::Inviting { .. }),
            state,
            trunk,
            phone: None,
            cut_off_until: None,
            follows_target,
            offered: None,
            warning: None,
            farewell: None,
            invite_cseq: None,
            early: Vec::new(),
            pracks: Vec::new(),
            early_cseqs: Vec::new(),
            reliable: None,
            rings_reliably: false,
            may_ring_reliably: false,
            wants_offer: false,
            next_ringing: None,
            is_settled_early: false,
            held_answer: None,
            rings_with: None,
            heard_early: None,
            is_changed_early: false,
            granted: None,
            timer: None,
            least_seconds: None,
            takes_update: false,
            takes_words: None,
            asking: None,
            referred: None,
            was_referred: false,
            keypad: Keypad::default(),
            more: Vec::new(),
            identity: Vec::new(),
            hop: None,
            redirects: Redirects::default(),
            wake: None,
        }
    }

    /// When it has something to do by itself.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let timer = self.timer.map(|timer| timer.next_deadline());
        let timer = timer.filter(|_| matches!(self.state, State::Up { .. }));
        let ringing = self.reliable.as_ref().and_then(Reliable::next_deadline);
        let ringing = ringing.filter(|_| matches!(self.state, State::Asked { .. }));
        let hop = self.hop.as_ref().and_then(Hop::next_deadline);
        let hop = hop.filter(|_| matches!(self.state, State::Inviting { .. }) && self.farewell.is_none());
        [timer, ringing, hop, self.cut_off_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a request may come in an early dialog of our INVITE with this tag (RFC 3311 §5).
    pub(super) fn rings_as(&self, call_id: &str, tag: Option<&str>) -> bool {
        let is_heard = |tag| self.heard_early.as_ref().is_some_and(|heard| heard.is_of(tag));
        let is_early = |tag| self.early.iter().any(|early| early.is(tag));
        matches!(self.state, State::Inviting { .. })
            && self.dialog.call_id == call_id
            && tag.is_some_and(|tag| is_heard(tag) || is_early(tag))
    }

    /// Takes note of the CSeq of a request that comes while its sender rings; `false` when it is not higher than the last
    /// one (RFC 3261 §12.2.2), or too many ring.
    pub(super) fn hear_early(&mut self, request: &Message<'_>) -> bool {
        let (tag, number) = (request.from().tag().unwrap_or_default(), request.cseq().number);
        let is_full = self.early_cseqs.len() >= FORKS;
        match self.early_cseqs.iter_mut().find(|(own, _)| **own == *tag) {
            Some((_, last)) if number <= *last => return false,
            Some((_, last)) => *last = number,
            None if is_full => return false,
            None => self.early_cseqs.push((tag.into(), number)),
        }
        true
    }

    /// Whether a phone with this tag rings for our INVITE and has not been picked up (RFC 3891 §3).
    pub(super) fn is_ringing_as(&self, call_id: &str, tag: &str) -> bool {
        let rang_last = self.rings_with.as_deref() == Some(tag) && self.dialog.call_id == call_id;
        let rings = matches!(self.state, State::Inviting { .. });
        rings && (rang_last || self.rings_as(call_id, Some(tag)))
    }

    /// Whether offer and answer of the INVITE are settled before it is answered, reliably, with the party of this tag: only
    /// then may either side offer anew (RFC 3311 §5.2).
    pub(super) fn is_agreed_early(&self, tag: &str) -> bool {
        match &self.state {
            State::Asked { .. } => self.is_settled_early,
            State::Inviting { .. } => {
                let is_heard = self.heard_early.as_ref().is_some_and(|heard| heard.is_of(tag));
                let mut early = self.early.iter();
                is_heard && early.any(|early| early.is(tag) && early.body.is_some())
            }
            State::Answered { .. } | State::Up { .. } | State::Leaving => false,
        }
    }

    /// Takes note of what the far side says it can.
    pub(super) fn note_abilities(&mut self, message: &Message<'_>) {
        if let Some(takes) = message.allows(Method::Update) {
            self.takes_update = takes;
        }
        if let Some(takes) = message.allows(Method::Message) {
            self.takes_words = Some(takes);
        }
    }

    /// Whether the same phone account, or the same trunk, is at the other end of both.
    pub(super) fn is_of_same_party(&self, other: &Self) -> bool {
        match (&self.trunk, &other.trunk, &self.phone, &other.phone) {
            (Some(one), Some(other), _, _) => one == other,
            (None, None, Some(one), Some(other)) => one == other,
            (None, None, None, None) => {
                self.dialog.flow.transport == other.dialog.flow.transport
                    && self.dialog.flow.peer == other.dialog.flow.peer
            }
            (Some(_), None, _, _) | (None, Some(_), _, _) => false,
            (None, None, Some(_), None) | (None, None, None, Some(_)) => false,
        }
    }

    /// Whether an address has a part in this dialog.
    pub(super) fn knows(&self, source: IpAddr) -> bool {
        let follows = self.dialog.next_hop(true).peer.ip();
        self.dialog.flow.peer.ip().to_canonical() == source.to_canonical()
            || (self.follows_target && follows.to_canonical() == source.to_canonical())
    }
}
