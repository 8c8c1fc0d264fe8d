//! 3xx of a trunk (RFC 3261 §8.1.3.4, §21.3): followed only where its configuration says so, only to the trunk's own
//! hosts, only a few times and never in a circle; the engine asks the dial policy about the new number first. Any other
//! redirection is a refusal: nobody outside says whom the box calls.

use super::serve::dialed_number;
use super::session::{Session, State};
use super::{Event, SessionId, UserAgent};
use crate::model::Number;
use crate::sip::settings::{is_fit, way_to};
use crate::sip::{Contacts, Flow, Host, Message, Scheme, Target, Transport, Trunk, Uri, UserPart};
use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Instant;

/// A call is sent on no more often than this.
const MOST: usize = 3;

/// Where the INVITE of a session has been sent on to.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    followed: Vec<String>,
    next: Option<Next>,
}

/// Where it is to go, if the engine agrees.
#[derive(Debug)]
struct Next {
    uri: String,
    number: Number,
    flow: Flow,
}

impl UserAgent {
    /// Whether a refusal is a redirection that may be followed; then the engine is asked.
    pub(super) fn is_redirected(&mut self, id: SessionId, status: u16, response: &Message<'_>) -> bool {
        if !matches!(status, 300..=302) {
            return false; // Not to a proxy, nor to another service (§21.3.4, §21.3.5).
        }
        let Some(next) = self.redirected_to(id, response) else {
            return false;
        };
        let to = next.number.clone();
        let Some(session) = self.sessions.get_mut(&id) else {
            return false;
        };
        session.redirects.next = Some(next);
        let session = id;
        self.events.push_back(Event::Redirected { session, status, to });
        true
    }

    fn redirected_to(&self, id: SessionId, response: &Message<'_>) -> Option<Next> {
        let session = self.sessions.get(&id)?;
        let name = session.trunk.as_ref()?;
        let trunk = self.settings.trunks.iter().find(|trunk| trunk.name == *name)?;
        let may = trunk.manners.follows_redirects && session.farewell.is_none();
        let is_early = matches!(session.state, State::Inviting { .. });
        if !may || !is_early || session.redirects.followed.len() >= MOST {
            return None;
        }
        let Ok(Contacts::List(mut contacts)) = response.contacts() else {
            return None;
        };
        contacts.sort_by_key(|contact| Reverse(contact.q()));
        contacts
            .iter()
            .find_map(|contact| self.place_of(session, trunk, contact.uri()))
    }

    /// A place of the trunk where the call has not been yet.
    fn place_of(&self, session: &Session, trunk: &Trunk, uri: Uri<'_>) -> Option<Next> {
        let is_plain = matches!(uri.scheme(), Scheme::Sip) && uri.headers().next().is_none();
        let user = uri.user().filter(|user| is_plain && !user.is_empty())?;
        let host = uri.host()?;
        let flow = self.way_within(session, trunk, host, uri.port())?;
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let parameter = trunk.transport.map_or("", Transport::uri_parameter);
        let text = format!("sip:{}@{host}{port}{parameter}", UserPart(&user));
        let been = session.dialog.target_text() == text || session.redirects.followed.contains(&text);
        (!been).then(|| Next {
            uri: text,
            number: dialed_number(&user),
            flow,
        })
    }

    /// The way to a host of the trunk: its name, or one of its addresses over the same transport.
    fn way_within(
        &self,
        session: &Session,
        trunk: &Trunk,
        host: Host<'_>,
        port: Option<u16>,
    ) -> Option<Flow> {
        let flow = session.dialog.flow;
        let Some(ip) = host.ip() else {
            let same_port = port.is_none() || port == trunk.port;
            let is_name = host.to_string().eq_ignore_ascii_case(&trunk.host);
            return (is_name && same_port).then_some(flow);
        };
        let address = SocketAddr::new(ip, port.unwrap_or(flow.transport.default_port()));
        if address == flow.peer {
            return Some(flow);
        }
        // By its address alone nobody proves by TLS who it is.
        let is_known = trunk.admits(ip) && matches!(flow.transport, Transport::Udp | Transport::Tcp);
        let target = Target {
            address,
            transport: flow.transport,
            priority: 0,
            weight: 0,
        };
        let listeners = &self.settings.listeners;
        let way = way_to(listeners, &target).filter(|_| is_known && is_fit(listeners, &target))?;
        // The offer names our address towards the first place.
        (way.local.ip() == flow.local.ip()).then_some(way)
    }

    /// Sends the call on to where the trunk wants it: the same Call-ID and To, a new branch (§8.1.3.4).
    pub fn follow_redirect(&mut self, now: Instant, id: SessionId) {
        let fresh = self.new_client();
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let Some(next) = &session.redirects.next else {
            return;
        };
        let user = session.hop.as_ref().map(|hop| hop.user.clone());
        let contact = self.contact(&next.flow, &user.unwrap_or_default());
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let (
            Some(next),
            State::Inviting {
                client, authorized, ..
            },
        ) = (session.redirects.next.take(), &mut session.state)
        else {
            return;
        };
        *client = fresh;
        *authorized = false;
        session.dialog.move_to(next.flow, &next.uri);
        session.dialog.contact = contact;
        session.redirects.followed.push(next.uri);
        if let Some(hop) = &mut session.hop {
            hop.begin_anew(now);
        }
        self.send_invite(now, id, None);
        self.rewake(id);
    }

    /// The redirection is a refusal after all: the session is gone.
    pub fn decline_redirect(&mut self, id: SessionId) {
        self.forget(id);
    }
}
