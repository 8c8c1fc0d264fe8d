//! Requests outside of dialogs that are served: REGISTER and INVITE.

use super::diverted;
use super::offer::{self, SDP};
use super::session::{Session, State};
use super::session_timer::{self, MIN_SE, Wish};
use super::{ALLOW, Event, Incoming, Origin, Owner, SUPPORTED, SessionId, UserAgent};
use crate::model::Number;
use crate::sip::dialog::Dialog;
use crate::sip::events::Package;
use crate::sip::registrar::{Binding, Change};
use crate::sip::{Draft, Echo, Flow, Message, Name, NameAddr, reason_phrase};
use std::time::Instant;

impl UserAgent {
    pub(super) fn serve_register(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        if let Err(fault) = request.contacts() {
            return self.reply(
                now,
                flow,
                request,
                (fault.status, fault.to_string().as_str()),
                |draft| draft,
            );
        }
        let Some(extension) = self.authenticate(now, flow, request) else {
            return;
        };
        // One may only register oneself (§10.3 step 4), by oneself, and not at our own door.
        let is_own = |name: &NameAddr<'_>| name.uri.user().as_deref() == Some(extension.as_str());
        if !is_own(request.to()) || !is_own(request.from()) || self.names_us(request) {
            return self.reply(now, flow, request, 403, |draft| draft);
        }
        let server = self.transactions.serve(now, flow, request, None);
        let outcome = self.registrar.register(now, &extension, request, flow);
        let (mut came, mut stayed) = (Vec::new(), Vec::new());
        for change in outcome.changes {
            self.events.push_back(match change {
                Change::Bound(binding) => {
                    came.push(binding.clone());
                    Event::Bound(Box::new(binding.clone()))
                }
                Change::Refreshed { binding, before } => {
                    stayed.push(binding.clone());
                    let binding = Box::new(binding.clone());
                    Event::Refreshed { binding, before }
                }
                Change::Unbound(gone) => {
                    self.notifier.changed(now, Package::Reg, &gone.extension);
                    Event::Unbound(gone)
                }
            });
        }
        let tag = self.dice.token();
        let mut draft = Draft::response(request, flow.peer, (outcome.status, &*outcome.reason), Some(&tag));
        for (name, value) in outcome.headers {
            draft = draft.header(name, value);
        }
        let response = draft.header(Name::Server, &self.settings.product).finish();
        self.transactions.respond(now, server, outcome.status, response);
        self.look_after_phones(now, &came, &stayed);
    }

    /// What follows from a registration, behind its answer.
    fn look_after_phones(&mut self, now: Instant, came: &[Binding], stayed: &[Binding]) {
        for binding in came {
            self.phone_came(now, binding);
            self.sessions_came_back(&binding.extension, binding.flow);
            self.notifier.came_back(now, &binding.extension, binding.flow);
            self.notifier.changed(now, Package::Reg, &binding.extension);
        }
        for binding in stayed {
            self.phone_refreshed(now, binding.id());
        }
        for binding in came.iter().chain(stayed) {
            self.remind_of_messages(now, binding);
        }
    }

    pub(super) fn serve_invite(&mut self, now: Instant, flow: &Flow, request: &Message<'_>, origin: Origin) {
        let Some(offer) = self.offer_of(now, flow, request) else {
            return;
        };
        if let Some((status, reason)) = self.refuses_to_join(request) {
            return self.reply(now, flow, request, (status, reason.as_str()), |draft| draft);
        }
        let replaces = match self.replaced_by(request, &origin) {
            Ok(replaces) => replaces,
            Err(status) => {
                if status == 403 {
                    self.hear_stranger(now, flow, request.method());
                }
                return self.reply(now, flow, request, status, |draft| draft);
            }
        };
        let granted = match session_timer::wish(request) {
            Ok(Wish::Nothing) => None,
            Ok(Wish::Granted(timer)) => Some(timer),
            Ok(Wish::TooShort) => {
                return self.reply(now, flow, request, 422, |draft| draft.header(Name::MinSe, MIN_SE));
            }
            Err(fault) => {
                return self.reply(
                    now,
                    flow,
                    request,
                    (fault.status, fault.to_string().as_str()),
                    |draft| draft,
                );
            }
        };
        let dialed = request
            .request_uri()
            .and_then(|uri| uri.user().map(|user| dialed_number(&user)));
        let Some(dialed) = dialed else {
            return self.reply(now, flow, request, 404, |draft| draft);
        };
        let contact = self.contact(flow, dialed.as_str());
        let tag = self.dice.token();
        let Some(dialog) = Dialog::answering(request, *flow, tag, contact) else {
            return self.reply(now, flow, request, 400, |draft| draft);
        };
        let id = self.new_session();
        let server = self
            .transactions
            .serve(now, flow, request, Some(Owner::Invite(id)));
        let echo = Echo::of(request, flow.peer);
        // Repeated so that the far side can measure the round trip (§8.2.6.1).
        let timestamp = request.text(Name::Timestamp);
        let trying = Draft::reply(&echo, 100, None)
            .maybe(Name::Timestamp, timestamp)
            .finish();
        self.transactions.respond(now, server, 100, trying);
        let (caller_number, caller_name) = self.caller(request, &origin);
        self.by_tag.insert(dialog.local_tag.as_str().into(), id);
        let (trunk, phone, diverted) = match &origin {
            Origin::Trunk(trunk) => (Some(trunk.clone()), None, diverted::stations(request)),
            Origin::Phone(extension) => (None, Some(extension.clone()), Vec::new()),
        };
        let follows_target = trunk.is_some();
        let state = State::Asked { server, echo };
        let mut session = Session::new(dialog, state, trunk, follows_target);
        session.phone = phone;
        session.invite_cseq = Some(request.cseq().number);
        session.rings_reliably = request
            .require()
            .any(|token| token.eq_ignore_ascii_case("100rel"));
        session.may_ring_reliably = session.rings_reliably || request.supports("100rel");
        session.wants_offer = offer.is_none();
        session.granted = granted;
        session.note_abilities(request);
        self.sessions.insert(id, session);
        self.events.push_back(Event::Incoming(Box::new(Incoming {
            session: id,
            origin,
            caller_number,
            caller_name,
            hides: request.wants_privacy("id") || request.wants_privacy("user"),
            diverted,
            dialed,
            call_id: request.call_id().to_owned(),
            offer,
            replaces,
            flow: *flow,
        })));
    }

    /// Nobody is mixed into a call (RFC 3911 §4): 481 for a call there is not, 488 for one there is.
    fn refuses_to_join(&self, request: &Message<'_>) -> Option<(u16, String)> {
        let name = match request.join() {
            Ok(None) => return None,
            Ok(Some(_)) if request.header(Name::Replaces).is_some() => {
                return Some((400, "Bad Join: Replaces stands beside it".to_owned()));
            }
            Ok(Some(name)) => name,
            Err(fault) => return Some((fault.status, fault.to_string())),
        };
        let session = self.by_tag.get(name.to_tag).and_then(|id| self.sessions.get(id));
        let is_known = session.is_some_and(|session| {
            session
                .dialog
                .is(name.call_id, Some(name.to_tag), Some(name.from_tag))
        });
        let status = if is_known { 488 } else { 481 };
        Some((status, reason_phrase(status).to_owned()))
    }

    /// The SDP of an INVITE, if it has any (§8.2.3); nothing when it has been refused.
    #[expect(clippy::option_option, reason = "no offer is one thing, no call is another")]
    fn offer_of(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) -> Option<Option<Vec<u8>>> {
        match offer::offer_in(request) {
            Ok(offer) => Some(offer),
            Err(objection) => {
                let line = (objection.status, &*objection.reason);
                self.reply(now, flow, request, line, |draft| objection.said(draft));
                None
            }
        }
    }

    /// Who calls. A trunk may assert another identity than From shows (RFC 3325 §5); a phone may not.
    fn caller(&self, request: &Message<'_>, origin: &Origin) -> (Number, Option<String>) {
        let asserted = match origin {
            Origin::Trunk(_) => request
                .p_asserted_identity()
                .ok()
                .and_then(|list| list.first().copied()),
            Origin::Phone(_) => None,
        };
        let identity = asserted.as_ref().unwrap_or(request.from());
        let number = identity.uri.user().filter(|user| !user.is_empty());
        let number = number.map_or_else(Number::anonymous, |user| dialed_number(&user));
        let name = identity.display().or_else(|| request.from().display());
        (
            number,
            name.map(|name| name.into_owned()).filter(|name| !name.is_empty()),
        )
    }

    pub(super) fn respond_to_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        status: u16,
        sdp: Option<&[u8]>,
    ) -> Option<crate::sip::transaction::ServerId> {
        let session = self.sessions.get(&id)?;
        let State::Asked { server, echo } = &session.state else {
            return None;
        };
        let server = *server;
        let draft = Draft::reply(echo, status, Some(&session.dialog.local_tag))
            .record_route(echo)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .header(Name::Server, &self.settings.product);
        let response = match sdp {
            Some(sdp) if status < 200 => draft.body(SDP, sdp),
            Some(sdp) => session_timer::granted(draft, session.granted).body(SDP, sdp),
            None if status < 200 => draft.finish(),
            None => session_timer::granted(draft, session.granted).finish(),
        };
        self.transactions.respond(now, server, status, response);
        Some(server)
    }

    pub(super) fn new_session(&mut self) -> SessionId {
        self.last_session += 1;
        SessionId(self.last_session)
    }

    /// Our address on this flow, as a Contact.
    pub(super) fn contact(&self, flow: &Flow, user: &str) -> String {
        let (local, parameter) = (self.reachable_at(flow), flow.transport.uri_parameter());
        format!("<sip:{}@{local}{parameter}>", crate::sip::UserPart(user))
    }

    /// Where peers of this flow can reach us: the far end of an outgoing stream is a port nobody listens on.
    fn reachable_at(&self, flow: &Flow) -> std::net::SocketAddr {
        let listening = self
            .settings
            .listeners
            .iter()
            .find(|listener| listener.transport == flow.transport);
        match (flow.transport.is_reliable(), listening) {
            (true, Some(listener)) => std::net::SocketAddr::new(flow.local.ip(), listener.address.port()),
            (true, None) | (false, _) => flow.local,
        }
    }
}

/// A dialled number without the separators people write (RFC 3966 §5.1.1, visual separators); names stay as they are.
pub(super) fn dialed_number(user: &str) -> Number {
    let bare = user.split(';').next().unwrap_or_default();
    let is_number = bare.chars().all(|c| c.is_ascii_digit() || "+*#-.() ".contains(c));
    if is_number && bare.chars().any(|c| c.is_ascii_digit()) {
        let digits: String = bare.chars().filter(|c| !"-.() ".contains(*c)).collect();
        Number::from(digits)
    } else {
        Number::from(bare)
    }
}
