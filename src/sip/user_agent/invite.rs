//! Calling a phone: where it is, and the INVITE.

use super::failover::Hop;
use super::session::{Session, State};
use super::session_timer::SESSION_SECONDS;
use super::{ALLOW, Invitation, Owner, Route, SUPPORTED, SessionId, UserAgent};
use crate::model::{Destination, Dice};
use crate::sip::dialog::{Dialog, address_of};
use crate::sip::settings::local_for;
use crate::sip::{Draft, Flow, Method, Name, Transport, Uri};
use std::time::Instant;

impl UserAgent {
    /// The way to a destination; nothing when it cannot be reached now.
    pub fn route(&mut self, now: Instant, destination: &Destination) -> Option<Route> {
        match destination {
            Destination::Registered { extension, contact } => {
                let binding = self.registrar.find(extension, contact)?;
                let is_live = binding.expires_at > now;
                is_live.then(|| Route {
                    flow: binding.flow,
                    uri: contact.clone(),
                    trunk: None,
                    target: None,
                    path: binding.path.clone(),
                })
            }
            Destination::Trunk { trunk, number } => {
                let place = self.settings.trunks.iter().position(|own| own.name == *trunk)?;
                let (target, flow) = self.target_of(now, place)?;
                let uri = self.settings.trunks.get(place)?.uri(Some(number.as_str()));
                Some(Route {
                    flow,
                    uri,
                    trunk: Some(trunk.clone()),
                    target: Some(target),
                    path: self.service_route(place),
                })
            }
            Destination::Contact(uri) => {
                let parsed = Uri::parse(uri.as_bytes()).ok()?;
                let transport = parsed
                    .param("transport")
                    .and_then(|name| Transport::from_name(&name));
                let transport = transport.unwrap_or(Transport::Udp);
                let peer = address_of(uri.as_bytes())?;
                let local = local_for(&self.settings.listeners, transport, peer)?;
                let flow = Flow {
                    transport,
                    local,
                    peer,
                    connection: None,
                };
                Some(Route {
                    flow,
                    uri: uri.clone(),
                    trunk: None,
                    target: None,
                    path: Vec::new(),
                })
            }
        }
    }

    /// Invites; the outcome comes as events.
    pub fn invite(
        &mut self,
        now: Instant,
        invitation: &Invitation,
        route: Route,
        offer: Vec<u8>,
    ) -> SessionId {
        let id = self.new_session();
        let identity = self.identity(invitation, route.trunk.as_ref());
        let user = identity.contact_user.clone();
        let dialog = Dialog::asking(
            new_call_id(&mut self.dice),
            self.dice.token(),
            identity.from,
            format!("<{}>", without_params(&route.uri)),
            route.uri,
            route.flow,
            self.contact(&route.flow, &user),
        )
        .through(&route.path);
        let client = self.new_client();
        self.by_tag.insert(dialog.local_tag.as_str().into(), id);
        let follows_target = !matches!(invitation.destination, Destination::Registered { .. });
        let state = State::Inviting {
            client,
            offer,
            authorized: false,
            rang: false,
        };
        let mut session = Session::new(dialog, state, route.trunk, follows_target);
        let named = [
            (Name::ReferredBy, &invitation.referred_by),
            (Name::Replaces, &invitation.replaces),
        ];
        session.more = named
            .into_iter()
            .filter_map(|(name, value)| value.clone().map(|value| (name, value)))
            .collect();
        if invitation.replaces.is_some() {
            // Whoever does not know that conversation is not to begin another (RFC 3891 §4).
            session.more.push((Name::Require, "replaces".to_owned()));
        }
        session.identity = identity.headers;
        session.hop = route
            .target
            .map(|target| Hop::new(now, target, invitation.elsewhere, &user));
        session.phone = match &invitation.destination {
            Destination::Registered { extension, .. } => Some(extension.clone()),
            Destination::Trunk { .. } | Destination::Contact(_) => None,
        };
        self.sessions.insert(id, session);
        self.send_invite(now, id, None);
        self.rewake(id);
        id
    }

    /// Sends the INVITE of a session, once plain and, if challenged, once more with credentials.
    pub(super) fn send_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        credentials: Option<(Name<'_>, String)>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Inviting { client, offer, .. } = &session.state else {
            return;
        };
        session.heard_early = None;
        let cseq = session.dialog.next_cseq();
        let mut draft: Draft = session
            .dialog
            .request(Method::Invite, *client, cseq)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .header(
                Name::SessionExpires,
                session.least_seconds.unwrap_or(SESSION_SECONDS),
            )
            .maybe(Name::MinSe, session.least_seconds)
            .header(Name::UserAgent, &self.settings.product);
        for (name, value) in session.identity.iter().chain(&session.more) {
            draft = draft.header(*name, value);
        }
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let request = draft.body("application/sdp", offer);
        let (client, flow) = (*client, session.dialog.flow);
        self.transactions
            .ask(now, client, flow, request, Owner::Invite(id));
    }
}

/// A Call-ID that tells nothing of the box (§8.1.1.4).
pub(super) fn new_call_id(dice: &mut Dice) -> String {
    dice.token() + &dice.token()
}

/// A URI as an address of record: To does not carry the parameters of a contact (§19.1.1, table 1).
fn without_params(uri: &str) -> &str {
    uri.split([';', '?']).next().unwrap_or(uri)
}
