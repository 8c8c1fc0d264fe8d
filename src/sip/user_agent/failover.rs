//! An INVITE by a trunk that one of its targets does not serve goes to the next one: RFC 3263 §4.3. Each try is a
//! transaction of its own, of the same call.

use super::chores::PATIENCE;
use super::session::State;
use super::{Event, Owner, SessionId, UserAgent};
use crate::sip::transaction::ClientId;
use crate::sip::{Message, Target};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a trunk may be silent when there is nobody else to ask.
const LAST_PATIENCE: Duration = Duration::from_secs(16);

/// Where the INVITE of a session has gone, and where it has been before.
#[derive(Debug)]
pub(super) struct Hop {
    /// Where it is now, last; where it was, before.
    tried: Vec<Target>,
    since: Instant,
    heard: bool,
    /// Whether the engine knows another trunk to ask.
    pub(super) elsewhere: bool,
    /// The user part of our Contact.
    pub(super) user: String,
}

impl Hop {
    pub(super) fn new(now: Instant, target: Target, elsewhere: bool, user: &str) -> Self {
        Self {
            tried: vec![target],
            since: now,
            heard: false,
            elsewhere,
            user: user.to_owned(),
        }
    }

    /// The INVITE goes to another place of the same trunk.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        self.since = now;
        self.heard = false;
    }

    /// When silence has lasted too long.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let patience = if self.elsewhere { PATIENCE } else { LAST_PATIENCE };
        (!self.heard).then(|| self.since + patience)
    }
}

impl UserAgent {
    /// The address that the signalling of this session goes to now: of a trunk with several targets, the one in use.
    pub fn signals_to(&self, id: SessionId) -> Option<IpAddr> {
        self.sessions
            .get(&id)
            .map(|session| session.dialog.flow.peer.ip())
    }

    /// The target has said something, so it is there.
    pub(super) fn hop_heard(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let (Some(hop), Some(name)) = (&mut session.hop, &session.trunk) else {
            return;
        };
        if std::mem::replace(&mut hop.heard, true) {
            return;
        }
        let trunk = self.settings.trunks.iter_mut().find(|trunk| trunk.name == *name);
        if let (Some(trunk), Some(target)) = (trunk, hop.tried.last()) {
            trunk.targets.served(target);
        }
        self.rewake(id);
    }

    /// Sends the INVITE to the next target of its trunk; `false` when there is none, or when it may not go on.
    pub(super) fn try_next_target(&mut self, now: Instant, id: SessionId) -> bool {
        let Some(session) = self.sessions.get(&id) else {
            return false;
        };
        let (Some(hop), Some(name)) = (&session.hop, &session.trunk) else {
            return false;
        };
        let Some(place) = self.settings.trunks.iter().position(|trunk| trunk.name == *name) else {
            return false;
        };
        let (tried, local) = (hop.tried.clone(), session.dialog.flow.local.ip());
        let may_go_on = matches!(session.state, State::Inviting { .. }) && session.farewell.is_none();
        if let (Some(trunk), Some(target)) = (self.settings.trunks.get_mut(place), tried.last()) {
            trunk.targets.failed(now, target);
        }
        if !may_go_on {
            return false;
        }
        // The offer names our address towards the first target; a target on another side of us cannot use it.
        let next = self.target_after(now, place, &tried);
        let Some((target, flow)) = next.filter(|(_, flow)| flow.local.ip() == local) else {
            return false;
        };
        let fresh = self.new_client();
        let user = self
            .sessions
            .get(&id)
            .and_then(|session| Some(session.hop.as_ref()?.user.clone()));
        let contact = self.contact(&flow, &user.unwrap_or_default());
        let Some(session) = self.sessions.get_mut(&id) else {
            return false;
        };
        let State::Inviting {
            client, authorized, ..
        } = &mut session.state
        else {
            return false;
        };
        *client = fresh;
        *authorized = false;
        session.dialog.flow = flow;
        session.dialog.contact = contact;
        if let Some(hop) = &mut session.hop {
            hop.tried.push(target);
            hop.since = now;
            hop.heard = false;
        }
        self.send_invite(now, id, None);
        self.rewake(id);
        true
    }

    /// Looks whether the target has been silent too long.
    pub(super) fn look_at_hop(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Inviting { client, .. } = &session.state else {
            return;
        };
        let client = *client;
        let due = session.hop.as_ref().and_then(Hop::next_deadline);
        if session.farewell.is_some() || due.is_none_or(|due| due > now) {
            return;
        }
        if self.try_next_target(now, id) {
            self.transactions.hand_over(client, Owner::GivenUp(id));
        } else {
            // Should it answer after all, the session is still there to say no.
            let status = 408;
            self.tell(id, Event::Refused { session: id, status });
        }
    }

    /// A target that was given up speaks after all: it is cancelled, or its answer turned down.
    pub(super) fn given_up_speaks(&mut self, now: Instant, id: SessionId, response: &Message<'_>) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            if let Some(client) = ClientId::of_response(response) {
                self.transactions.cancel(
                    now,
                    client,
                    &["SIP;cause=200;text=\"Call completed elsewhere\""],
                    Owner::Nobody,
                );
            }
        } else if status < 300
            && let Some(session) = self.sessions.get(&id)
        {
            let (dialog, follows) = (session.dialog.settled(response), session.follows_target);
            self.part_with_fork(now, &dialog, follows, response);
        }
    }
}
