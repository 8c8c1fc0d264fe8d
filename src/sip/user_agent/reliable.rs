//! Reliable provisional responses: RFC 3262, as the side that rings and as the side that is told.

use super::session::State;
use super::{ALLOW, Owner, SUPPORTED, SessionId, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::ServerId;
use crate::sip::{Draft, Flow, Message, Method, Name, RAck};
use std::time::{Duration, Instant};

/// §3: repeated like this until its PRACK comes, and no longer than that.
const FIRST_REPEAT: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(32);
/// Forks that may ring at once for one INVITE of ours.
const FORKS: usize = 16;

/// A provisional response of ours that has to be acknowledged.
#[derive(Debug)]
pub(super) struct Reliable {
    rseq: u32,
    response: Vec<u8>,
    /// When to send it again and the pause after that; nothing once its PRACK came.
    repeat: Option<(Instant, Duration)>,
    until: Instant,
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

    /// A final response makes further repetitions idle (§3).
    pub(super) fn stop(&mut self) {
        self.repeat = None;
    }
}

impl UserAgent {
    /// Rings a caller who requires to acknowledge it.
    pub(super) fn ring_reliably(&mut self, now: Instant, id: SessionId) {
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
            Some(_) => return, // The last one is still under way (§3).
        };
        let server = *server;
        let response = Draft::reply(echo, 180, Some(&session.dialog.local_tag))
            .record_route(echo)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Require, "100rel")
            .header(Name::RSeq, rseq)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .header(Name::Server, &self.settings.product)
            .finish();
        session.reliable = Some(Reliable {
            rseq,
            response: response.clone(),
            repeat: Some((now + FIRST_REPEAT, FIRST_REPEAT * 2)),
            until: now + PATIENCE,
        });
        self.transactions.respond(now, server, 180, response);
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
            let (server, response) = (*server, reliable.response.clone());
            self.transactions.respond(now, server, 180, response);
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
        reliable.stop();
        self.rewake(id);
        self.respond(now, flow, request, server, 200);
    }

    /// A provisional response of theirs: acknowledged if it asks for it, in its own early dialog (§4). Out of order
    /// it is passed over; it comes again.
    pub(super) fn acknowledge_provisional(&mut self, now: Instant, id: SessionId, response: &Message<'_>) {
        let asks = response
            .require()
            .any(|token| token.eq_ignore_ascii_case("100rel"));
        let (Ok(Some(rseq)), Some(tag)) = (response.rseq(), response.to().tag()) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id).filter(|_| asks) else {
            return;
        };
        let is_full = session.early.len() == FORKS;
        match session.early.iter_mut().find(|early| early.is(tag)) {
            Some(early) if early.rseq.checked_add(1) != Some(rseq) => return,
            Some(early) => {
                early.rseq = rseq;
                early.body = early.body.take().or_else(|| sdp_of(response));
            }
            None if is_full => return,
            None => session.early.push(Early {
                tag: tag.into(),
                rseq,
                body: sdp_of(response),
            }),
        }
        let cseq = session.dialog.next_cseq();
        let (dialog, follows_target) = (session.dialog.settled(response), session.follows_target);
        let rack = RAck {
            rseq,
            cseq: response.cseq(),
        };
        self.send_prack(now, &dialog, follows_target, cseq, rack);
    }

    fn send_prack(&mut self, now: Instant, dialog: &Dialog, follows_target: bool, cseq: u32, rack: RAck<'_>) {
        let client = self.new_client();
        let prack = dialog
            .request(Method::Prack, client, cseq)
            .header(Name::RAck, rack)
            .header(Name::UserAgent, &self.settings.product)
            .finish();
        let flow = dialog.next_hop(follows_target);
        self.transactions.ask(now, client, flow, prack, Owner::Nobody);
    }
}

fn sdp_of(response: &Message<'_>) -> Option<Vec<u8>> {
    let sdp = response.part("application/sdp").ok().flatten();
    sdp.map(<[u8]>::to_vec)
}
