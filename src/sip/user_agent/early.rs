//! What is told and heard before an answer: ringing, sound (RFC 3960), and offers and answers that travel with it (RFC
//! 3262 §5). The first phone of a fork that sends sound is heard; the others only ring.

use super::reliable::{Provisional, Reliable, sdp_of};
use super::session::State;
use super::{Event, SessionId, UserAgent};
use crate::sip::Message;
use crate::sip::dialog::Dialog;
use std::time::Instant;

/// The sound of a phone that rings: whose of a fork it is, and the SDP that announced it.
#[derive(Debug)]
pub(super) struct Heard {
    tag: Box<str>,
    pub(super) body: Vec<u8>,
    /// The early dialog with it.
    pub(super) dialog: Box<Dialog>,
}

impl Heard {
    /// Whether it is of the phone with this tag.
    pub(super) fn is_of(&self, tag: &str) -> bool {
        &*self.tag == tag
    }
}

impl UserAgent {
    /// Tells the caller that phones ring.
    pub fn ring(&mut self, now: Instant, id: SessionId) {
        self.tell_caller(now, id, 180, None);
    }

    /// Tells the caller that it will hear something before the answer (RFC 3960 §3): with this SDP, the same that answers
    /// the call later, or our offer where [`UserAgent::takes_offer_early`] says that one may come. Reliably when the
    /// caller wants it so, and always with an offer (RFC 3262 §5). What has been said reliably is not said again. `false`
    /// when it cannot be said.
    pub fn ring_early(&mut self, now: Instant, id: SessionId, status: u16, sdp: Vec<u8>) -> bool {
        let Some(session) = self.sessions.get(&id) else {
            return false;
        };
        let State::Asked { .. } = session.state else {
            return false;
        };
        if session.wants_offer && !session.may_ring_reliably {
            return false;
        }
        let under_way = session.reliable.as_ref().is_some_and(Reliable::has_sdp_under_way);
        if !session.is_settled_early && !under_way {
            self.tell_caller(now, id, status, Some(sdp));
        }
        true
    }

    /// Whether the INVITE came without an offer and ours may go out before the answer.
    pub fn takes_offer_early(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| session.wants_offer && session.may_ring_reliably)
    }

    /// Whether it has to, because the first reliable response is the place for it (RFC 3262 §5).
    pub fn needs_offer_early(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| session.wants_offer && session.rings_reliably)
    }

    fn tell_caller(&mut self, now: Instant, id: SessionId, status: u16, sdp: Option<Vec<u8>>) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        if session.rings_reliably || (session.wants_offer && sdp.is_some()) {
            self.ring_reliably(now, id, Provisional { status, sdp });
        } else {
            self.respond_to_invite(now, id, status, sdp.as_deref());
        }
    }

    /// Answers the caller with this SDP; without it when it has been said and acknowledged already, and not before the
    /// caller has acknowledged what was said (RFC 3262 §3, §5).
    pub fn answer(&mut self, now: Instant, id: SessionId, sdp: Vec<u8>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let waits = session.reliable.as_ref().is_some_and(Reliable::has_sdp_under_way);
        if waits && matches!(session.state, State::Asked { .. }) {
            session.held_answer = Some(sdp);
            return;
        }
        let says = (!session.is_settled_early).then_some(sdp);
        if let Some(server) = self.respond_to_invite(now, id, 200, says.as_deref())
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.state = State::Answered { server };
            if let Some(reliable) = &mut session.reliable {
                reliable.stop();
            }
            let granted = session.granted;
            self.granted_timer(now, id, granted);
        }
    }

    /// A phone rings, or is heard: told once, and anew when another place to listen to is named.
    pub(super) fn hear_ringing(&mut self, id: SessionId, response: &Message<'_>, is_new: bool) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Inviting { rang, .. } = &mut session.state else {
            return;
        };
        let tag = response.to().tag().unwrap_or_default();
        if !tag.is_empty() && session.rings_with.as_deref() != Some(tag) {
            session.rings_with = Some(tag.into());
        }
        let body = sdp_of(response).filter(|body| !body.is_empty());
        let heard = session.heard_early.as_ref();
        let is_first_fork = heard.is_none_or(|heard| heard.is_of(tag));
        match body {
            Some(body) if is_first_fork => {
                let is_told = heard.is_some_and(|heard| heard.body == body);
                if is_new && !is_told {
                    let tag = tag.into();
                    session.heard_early = Some(Heard {
                        tag,
                        body: body.clone(),
                        dialog: Box::new(session.dialog.settled(response)),
                    });
                    self.events.push_back(Event::EarlyMedia { session: id, body });
                }
            }
            Some(_) | None if !std::mem::replace(rang, true) => self.events.push_back(Event::Ringing(id)),
            Some(_) | None => {}
        }
    }
}
