//! Reliable provisional responses: RFC 3262, as the side that rings and as the side that is told.

use super::offer::{self, Objection, SDP};
use super::session::{Offered, State};
use super::{ALLOW, Event, Owner, SUPPORTED, SessionId, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::ServerId;
use crate::sip::{CSeq, Draft, Echo, Flow, Message, Method, Name, RAck};
use std::time::{Duration, Instant};

/// §3: repeated like this until its PRACK comes, and no longer than that.
const FIRST_REPEAT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(32);
/// Forks that may ring at once for one INVITE of ours.
pub(super) const FORKS: usize = 16;

/// A provisional response of ours that has to be acknowledged.
#[derive(Debug)]
pub(super) struct Reliable {
    rseq: u32,
    status: u16,
    has_sdp: bool,
    response: Vec<u8>,
    /// When to send it again and the pause after that; nothing once its PRACK came.
    repeat: Option<(Instant, Duration)>,
    until: Instant,
}

/// What a caller is told before the answer: 180 or 183, and perhaps SDP.
#[derive(Debug)]
pub(super) struct Provisional {
    pub(super) status: u16,
    pub(super) sdp: Option<Vec<u8>>,
}

/// A PRACK of ours that has not been answered, should it have to be sent once more with credentials.
#[derive(Debug)]
pub(super) struct Acknowledging {
    /// Its CSeq.
    cseq: u32,
    /// RAck: what it acknowledges, by number and the CSeq of the INVITE.
    rseq: u32,
    invite_cseq: u32,
    /// The early dialog it belongs to.
    dialog: Dialog,
}

/// One of the phones that ring for an INVITE of ours (§12.1.2 of RFC 3261).
#[derive(Debug)]
pub(super) struct Early {
    tag: Box<str>,
    /// The last reliable response acknowledged.
    rseq: u32,
    /// Its SDP: the answer to our offer, when a reliable response brought it (RFC 3262 §5).
    pub(super) body: Option<Vec<u8>>,
}

impl Early {
    pub(super) fn is(&self, tag: &str) -> bool {
        &*self.tag == tag
    }
}

impl Reliable {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.repeat.map(|(at, _)| at.min(self.until))
    }

    /// Whether its SDP is on its way and not yet acknowledged.
    pub(super) fn has_sdp_under_way(&self) -> bool {
        self.has_sdp && self.repeat.is_some()
    }

    /// A final response makes further repetitions idle (§3).
    pub(super) fn stop(&mut self) {
        self.repeat = None;
    }
}

impl UserAgent {
    /// Tells a caller who acknowledges it; while the last one is under way, this waits for it (§3).
    pub(super) fn ring_reliably(&mut self, now: Instant, id: SessionId, told: Provisional) {
        let first = 1 + u32::try_from(self.dice.roll((1 << 31) - 1)).unwrap_or(0);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Asked { server, echo } = &session.state else {
            return;
        };
        let rseq = match &session.reliable {
            None => first,
            Some(last) if last.repeat.is_none() => last.rseq.wrapping_add(1).max(1),
            Some(_) => {
                // Sound that waits is not pushed aside by a mere ringing.
                let keeps = told.sdp.is_none() && session.next_ringing.is_some();
                if !keeps {
                    session.next_ringing = Some(told);
                }
                return;
            }
        };
        let (server, status) = (*server, told.status);
        let draft = Draft::reply(echo, status, Some(&session.dialog.local_tag))
            .record_route(echo)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Require, "100rel")
            .header(Name::RSeq, rseq)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .header(Name::Server, &self.settings.product);
        let response = match &told.sdp {
            Some(sdp) => draft.body(SDP, sdp),
            None => draft.finish(),
        };
        session.reliable = Some(Reliable {
            rseq,
            status,
            has_sdp: told.sdp.is_some(),
            response: response.clone(),
            repeat: Some((now + FIRST_REPEAT, FIRST_REPEAT * 2)),
            until: now + PATIENCE,
        });
        self.transactions.respond(now, server, status, response);
        self.rewake(id);
    }

    /// Sends it again, or gives the call up: a caller who requires this and does not do it is gone (§3).
    pub(super) fn repeat_provisional(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let (State::Asked { server, .. }, Some(reliable)) = (&session.state, &mut session.reliable) else {
            return;
        };
        let Some((at, pause)) = reliable.repeat else {
            return;
        };
        if reliable.until <= now {
            reliable.repeat = None;
            self.refuse_invite(now, id, 504, None);
            return self.end_session(id);
        }
        if at <= now {
            reliable.repeat = Some((now + pause, pause * 2));
            let (server, status, response) = (*server, reliable.status, reliable.response.clone());
            self.transactions.respond(now, server, status, response);
        }
    }

    /// The acknowledgement of a provisional response of ours (§3).
    pub(super) fn hear_prack(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        let rack = match request.rack() {
            Ok(Some(rack)) => rack,
            Ok(None) | Err(_) => return self.respond(now, flow, request, server, 400),
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let invite = session.invite_cseq;
        let meant = rack.cseq.method == Method::Invite && Some(rack.cseq.number) == invite;
        let fits = |reliable: &&mut Reliable| meant && reliable.rseq == rack.rseq;
        let Some(reliable) = session.reliable.as_mut().filter(fits) else {
            return self.respond(now, flow, request, server, 481);
        };
        let settles = reliable.has_sdp_under_way();
        reliable.stop();
        session.is_settled_early |= settles;
        let answers = settles && std::mem::take(&mut session.wants_offer);
        self.rewake(id);
        if !answers && !request.body().is_empty() {
            return self.hear_prack_offer(now, flow, request, server, id);
        }
        self.respond(now, flow, request, server, 200);
        if answers {
            let body = sdp_of(request);
            self.tell(id, Event::Confirmed { session: id, body });
        }
        self.tell_what_waits(now, id);
    }

    /// A PRACK brings an offer of its own, once the one of the INVITE is settled: it is answered with the PRACK (§5). What
    /// it acknowledges is acknowledged, whatever becomes of the offer.
    fn hear_prack_offer(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let objection = match offer::offer_in(request) {
            Ok(Some(body)) if session.is_settled_early && session.offered.is_none() => {
                session.offered = Some(Offered {
                    server,
                    echo: Echo::of(request, flow.peer),
                    is_invite: false,
                    is_answered: false,
                    granted: None,
                });
                let body = Some(body);
                return self.events.push_back(Event::Offered { session: id, body });
            }
            // The first offer is not answered yet.
            Ok(_) => Objection::plain(488),
            Err(objection) => objection,
        };
        let line = (objection.status, &*objection.reason);
        let draft = objection.said(Draft::response(request, flow.peer, line, None));
        let response = draft.header(Name::Server, &self.settings.product).finish();
        self.transactions.respond(now, server, objection.status, response);
        self.tell_what_waits(now, id);
    }

    /// What had to wait for a PRACK: the answer to the call, or what else is told before it.
    pub(super) fn tell_what_waits(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        match (session.held_answer.take(), session.next_ringing.take()) {
            (Some(sdp), _) => self.answer(now, id, sdp),
            (None, Some(told)) => self.ring_reliably(now, id, told),
            (None, None) => {}
        }
    }

    /// A provisional response of theirs: acknowledged if it asks for it, in its own early dialog (§4). Out of order
    /// it is passed over, and so is one that comes again: `false`.
    pub(super) fn acknowledge_provisional(
        &mut self,
        now: Instant,
        id: SessionId,
        response: &Message<'_>,
    ) -> bool {
        let asks = response
            .require()
            .any(|token| token.eq_ignore_ascii_case("100rel"));
        let (Ok(Some(rseq)), Some(tag)) = (response.rseq(), response.to().tag()) else {
            return true;
        };
        let Some(session) = self.sessions.get_mut(&id).filter(|_| asks) else {
            return true;
        };
        let is_full = session.early.len() == FORKS;
        match session.early.iter_mut().find(|early| early.is(tag)) {
            Some(early) if early.rseq.checked_add(1) != Some(rseq) => return false,
            Some(early) => {
                early.rseq = rseq;
                early.body = early.body.take().or_else(|| sdp_of(response));
            }
            None if is_full => return false,
            None => session.early.push(Early {
                tag: tag.into(),
                rseq,
                body: sdp_of(response),
            }),
        }
        let acknowledging = Acknowledging {
            cseq: 0,
            rseq,
            invite_cseq: response.cseq().number,
            dialog: session.dialog.settled(response),
        };
        self.send_prack(now, id, acknowledging, None);
        true
    }

    fn send_prack(
        &mut self,
        now: Instant,
        id: SessionId,
        mut acknowledging: Acknowledging,
        credentials: Option<(Name<'static>, String)>,
    ) {
        let client = self.new_client();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        acknowledging.cseq = session.dialog.next_cseq();
        let rack = RAck {
            rseq: acknowledging.rseq,
            cseq: CSeq {
                number: acknowledging.invite_cseq,
                method: Method::Invite,
            },
        };
        let dialog = &acknowledging.dialog;
        let mut draft = dialog
            .request(Method::Prack, client, acknowledging.cseq)
            .header(Name::RAck, rack)
            .header(Name::UserAgent, &self.settings.product);
        let owner = if credentials.is_some() {
            Owner::LastPrack(id)
        } else {
            Owner::Prack(id)
        };
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let (prack, flow) = (draft.finish(), dialog.next_hop(session.follows_target));
        if session.pracks.len() < FORKS {
            session.pracks.push(acknowledging);
        }
        self.transactions.ask(now, client, flow, prack, owner);
    }

    /// Our PRACK was answered. A trunk may challenge it once (RFC 3261 §22.2); whatever else it says changes nothing, since
    /// the INVITE has an answer of its own.
    pub(super) fn prack_answered(&mut self, now: Instant, id: SessionId, response: &Message<'_>, once: bool) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_it = |own: &Acknowledging| own.cseq == response.cseq().number;
        let Some(place) = session.pracks.iter().position(is_it) else {
            return;
        };
        let acknowledging = session.pracks.swap_remove(place);
        if !matches!(status, 401 | 407) || !once || session.farewell.is_some() {
            return;
        }
        let (trunk, uri) = (session.trunk.clone(), acknowledging.dialog.target_text());
        let Some(trunk) = trunk else { return };
        let credentials = self.credentials_for(&trunk, response, Method::Prack, &uri);
        if let Some((name, value, _)) = credentials {
            self.send_prack(now, id, acknowledging, Some((name, value)));
        }
    }

    /// Nobody answered it.
    pub(super) fn prack_lost(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.pracks.clear();
        }
    }
}

pub(super) fn sdp_of(message: &Message<'_>) -> Option<Vec<u8>> {
    let sdp = message.part("application/sdp").ok().flatten();
    sdp.map(<[u8]>::to_vec)
}
