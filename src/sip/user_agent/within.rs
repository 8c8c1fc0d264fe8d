//! Requests inside dialogs: ACK, BYE, CANCEL, re-INVITE, UPDATE, INFO.

use super::offer;
use super::session::{Offered, State};
use super::session_timer::{self, MIN_SE, Wish};
use super::{ALLOW, Event, Owner, SUPPORTED, SessionId, UserAgent};
use crate::model::TrunkName;
use crate::sip::transaction::{Cancelled, ServerId};
use crate::sip::{Draft, Echo, Flow, Message, Method, Name};
use std::time::Instant;

impl UserAgent {
    pub(super) fn hear_within(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        let Some(id) = self.session_of(request) else {
            if !self.hear_subscription(now, flow, request) && self.pays(now, flow) {
                self.reply(now, flow, request, 481, |draft| draft);
            }
            return;
        };
        if !self.is_from_peer(id, flow) {
            self.hear_stranger(now, flow, request.method());
            if self.pays(now, flow) {
                self.reply(now, flow, request, 403, |draft| draft);
            }
            return;
        }
        self.takes_part(now, flow);
        let server = self
            .transactions
            .serve(now, flow, request, Some(Owner::Invite(id)));
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_early = matches!(session.state, State::Inviting { .. });
        let is_in_order = if is_early {
            session.hear_early(request)
        } else {
            session.dialog.hear(request).is_ok()
        };
        if !is_in_order {
            return self.respond(now, flow, request, server, 500);
        }
        if let Some(unsupported) = super::admit::unsupported(request) {
            return self.refuse_extensions(now, flow, request, server, &unsupported);
        }
        if super::admit::replaces_nothing(request) && request.method() != Method::Bye {
            return self.respond(now, flow, request, server, 400);
        }
        if flow.connection.is_some() {
            self.came_back(id, *flow);
        }
        match request.method() {
            Method::Bye => self.hear_bye(now, flow, request, server, id),
            Method::Invite | Method::Update => self.hear_offer(now, flow, request, server, id),
            Method::Info => self.hear_info(now, flow, request, server, id),
            Method::Prack => self.hear_prack(now, flow, request, server, id),
            Method::Options => self.describe_within(now, flow, request, server),
            Method::Refer => self.hear_refer(now, flow, request, server, id),
            Method::Subscribe if is_about_refer(request) => {
                self.hear_refer_subscribe(now, flow, request, server, id);
            }
            Method::Ack | Method::Cancel => {}
            Method::Message => self.hear_words(now, flow, request, server, id),
            Method::Register | Method::Subscribe | Method::Notify | Method::Publish => {
                self.respond(now, flow, request, server, 405)
            }
            Method::Other(_) => self.respond(now, flow, request, server, 501),
        }
    }

    /// An extension that is required and that we do not know (RFC 3261 §8.2.2.3, the same inside dialogs).
    fn refuse_extensions(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        unsupported: &str,
    ) {
        let response = Draft::response(request, flow.peer, 420, None)
            .header(Name::Unsupported, unsupported)
            .header(Name::Server, &self.settings.product)
            .finish();
        self.transactions.respond(now, server, 420, response);
    }

    /// The session a request belongs to, by our tag in its To.
    fn session_of(&self, request: &Message<'_>) -> Option<SessionId> {
        let tag = request.to().tag()?;
        let id = *self.by_tag.get(tag)?;
        let session = self.sessions.get(&id)?;
        let theirs = request.from().tag();
        let is_of_dialog = session.dialog.is(request.call_id(), Some(tag), theirs);
        let is_early = request.method() == Method::Update && session.rings_as(request.call_id(), theirs);
        (is_of_dialog || is_early).then_some(id)
    }

    /// The right tags from a wrong address are a stolen dialog.
    fn is_from_peer(&self, id: SessionId, flow: &Flow) -> bool {
        let source = flow.peer.ip();
        let Some(session) = self.sessions.get(&id) else {
            return false;
        };
        let of_trunk = |name: &TrunkName| {
            self.settings
                .trunks
                .iter()
                .any(|trunk| trunk.name == *name && trunk.admits(source))
        };
        session.knows(source) || session.trunk.as_ref().is_some_and(of_trunk)
    }

    fn hear_bye(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        self.respond(now, flow, request, server, 200);
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        // A caller may hang up with BYE before it is answered (§15): its INVITE still wants a final response.
        if let State::Asked { .. } = session.state {
            self.refuse_invite(now, id, 487, None);
        } else if let State::Answered { server } = session.state {
            self.transactions.confirmed(server);
        }
        self.end_session(id);
    }

    pub(super) fn hear_ack(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        let Some(id) = self.session_of(request) else {
            return;
        };
        if !self.is_from_peer(id, flow) {
            return self.hear_stranger(now, flow, request.method());
        }
        self.takes_part(now, flow);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let body = (!request.body().is_empty()).then(|| request.body().to_vec());
        if let State::Answered { server } = session.state {
            session.state = State::Up { ack: None };
            self.transactions.confirmed(server);
        } else if let Some(offered) = session.offered.take_if(|offered| offered.is_answered) {
            self.transactions.confirmed(offered.server);
        } else {
            return;
        }
        let farewell = session.farewell;
        self.rewake(id);
        match farewell {
            // The engine parted while the ACK was under way (§15: no BYE before it).
            Some(farewell) => self.send_bye(now, id, farewell.reasons),
            None => self.events.push_back(Event::Confirmed { session: id, body }),
        }
    }

    /// A 2xx of ours was never acknowledged: the far side is gone (§13.3.1.4).
    pub(super) fn no_ack(&mut self, now: Instant, owner: Owner) {
        let Owner::Invite(id) = owner else { return };
        // A session whose BYE is under way is parted from already.
        if self
            .sessions
            .get(&id)
            .is_some_and(|session| !matches!(session.state, State::Leaving))
        {
            self.tell(id, Event::NeverAcknowledged(id));
            self.send_bye(now, id, &["SIP;cause=408;text=\"No ACK received\""]);
        }
    }

    pub(super) fn hear_cancel(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        let waiting = match self.transactions.cancelled(request) {
            None if !self.pays(now, flow) => return,
            None => return self.reply(now, flow, request, 481, |draft| draft),
            Some(Cancelled::Waiting(Owner::Invite(id))) => Some(id),
            Some(Cancelled::Waiting(_) | Cancelled::TooLate) => None,
        };
        if waiting.is_some_and(|id| !self.is_from_peer(id, flow)) {
            self.hear_stranger(now, flow, request.method());
            return self.reply(now, flow, request, 481, |draft| draft);
        }
        let server = self.transactions.serve(now, flow, request, None);
        self.respond(now, flow, request, server, 200);
        if let Some(id) = waiting {
            self.refuse_invite(now, id, 487, None);
            self.end_session(id);
        }
    }

    fn hear_offer(
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
        let is_invite = request.method() == Method::Invite;
        let granted = match session_timer::wish(request) {
            Ok(Wish::Nothing) => None,
            Ok(Wish::Granted(timer)) => Some(timer),
            Ok(Wish::TooShort) => {
                let response = Draft::response(request, flow.peer, 422, None).header(Name::MinSe, MIN_SE);
                return self.transactions.respond(now, server, 422, response.finish());
            }
            Err(fault) => return self.respond(now, flow, request, server, fault.status),
        };
        let we_offer = session.asking.as_ref().is_some_and(|asking| asking.is_invite);
        // Before the answer UPDATE alone may change something (RFC 3311 §5).
        let is_before = matches!(session.state, State::Asked { .. } | State::Inviting { .. }) && !is_invite;
        let is_there = is_before || matches!(session.state, State::Up { .. });
        if !is_there || session.offered.is_some() || we_offer {
            // Their own offer is still open, or ours is (§14.2).
            return self.respond(now, flow, request, server, 491);
        }
        if session.farewell.is_some() {
            return self.respond(now, flow, request, server, 481);
        }
        let body = match offer::offer_in(request) {
            Ok(body) => body,
            Err(objection) => {
                let line = (objection.status, &*objection.reason);
                let draft = objection.said(Draft::response(request, flow.peer, line, None));
                let response = draft.header(Name::Server, &self.settings.product).finish();
                return self.transactions.respond(now, server, objection.status, response);
            }
        };
        let is_agreed = session.is_agreed_early(request.from().tag().unwrap_or_default());
        if is_before && body.is_some() && !is_agreed {
            // Our offer is not answered yet, or theirs (§5.2).
            let is_ours = matches!(session.state, State::Inviting { .. });
            let (status, later) = if is_ours { (491, None) } else { (500, Some(1)) };
            let draft = Draft::response(request, flow.peer, status, None).maybe(Name::RetryAfter, later);
            let response = draft.header(Name::Server, &self.settings.product).finish();
            return self.transactions.respond(now, server, status, response);
        }
        if !is_invite && body.is_none() {
            // An UPDATE that only says "still here".
            let draft = Draft::response(request, flow.peer, 200, None)
                .header(Name::Contact, &session.dialog.contact)
                .header(Name::Allow, ALLOW)
                .header(Name::Server, &self.settings.product);
            let response = session_timer::granted(draft, granted).finish();
            self.transactions.respond(now, server, 200, response);
            return self.granted_timer(now, id, granted);
        }
        session.note_abilities(request);
        let echo = Echo::of(request, flow.peer);
        session.offered = Some(Offered {
            server,
            echo,
            is_invite,
            is_answered: false,
            granted,
        });
        self.events.push_back(Event::Offered { session: id, body });
    }

    /// Accepts the far side's offer with this answer (or makes our own, when it asked for one).
    pub fn accept_offer(&mut self, now: Instant, id: SessionId, sdp: Vec<u8>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(offered) = &mut session.offered else {
            return;
        };
        let (server, granted) = (offered.server, offered.granted);
        let draft = Draft::reply(&offered.echo, 200, None)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .header(Name::Server, &self.settings.product);
        session.is_changed_early |= matches!(session.state, State::Inviting { .. });
        let response = session_timer::granted(draft, granted).body("application/sdp", &sdp);
        if offered.is_invite {
            offered.is_answered = true;
        } else {
            session.offered = None;
        }
        self.transactions.respond(now, server, 200, response);
        self.granted_timer(now, id, granted);
        self.tell_what_waits(now, id);
    }

    /// Refuses it; everything stays as it was.
    pub fn refuse_offer(&mut self, now: Instant, id: SessionId, status: u16) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(offered) = session.offered.take() else {
            return;
        };
        let response = Draft::reply(&offered.echo, status, None)
            .maybe(Name::Warning, offer::warning(session.warning.take().as_ref()))
            .header(Name::Server, &self.settings.product);
        self.transactions
            .respond(now, offered.server, status, response.finish());
        self.tell_what_waits(now, id);
    }

    /// OPTIONS inside a call gets the answer it would get outside (§11.2).
    fn describe_within(&mut self, now: Instant, flow: &Flow, request: &Message<'_>, server: ServerId) {
        let draft = super::admit::abilities(Draft::response(request, flow.peer, 200, None));
        let response = draft.header(Name::Server, &self.settings.product).finish();
        self.transactions.respond(now, server, 200, response);
    }

    pub(super) fn respond(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        status: u16,
    ) {
        let mut draft = Draft::response(request, flow.peer, status, None);
        if matches!(status, 405 | 501) {
            draft = draft.header(Name::Allow, ALLOW);
        }
        let response = draft.header(Name::Server, &self.settings.product).finish();
        self.transactions.respond(now, server, status, response);
    }
}

/// Whether a SUBSCRIBE is about the subscription that a REFER has made.
fn is_about_refer(request: &Message<'_>) -> bool {
    let event = request.event().ok().flatten();
    event.is_some_and(|event| event.is("refer"))
}
