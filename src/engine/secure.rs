//! Whose voice is encrypted, where its keys may travel (RFC 4568 §9.1), and what becomes of a phone that cannot.

use super::Engine;
use super::line::Line;
use crate::model::{Destination, LegKey, Number, TrunkName};
use crate::sdp::{Negotiator, Security, Srtp};
use crate::sip::{Flow, Invitation, Origin, Transport};
use std::time::Instant;

/// With these a phone says that the offer was not for it (RFC 3261 §21.4.13, §21.4.26, §21.6.4): the encryption may
/// have been what it cannot do.
const NOT_FOR_IT: [u16; 3] = [415, 488, 606];

/// At the other end of a leg.
#[derive(Debug, Clone, Copy)]
pub(super) enum Party<'a> {
    Trunk(&'a TrunkName),
    Phone(&'a Number),
    Contact(&'a str),
}

impl<'a> Party<'a> {
    /// Who calls.
    pub(super) fn calling(origin: &'a Origin) -> Self {
        match origin {
            Origin::Trunk(trunk) => Self::Trunk(trunk),
            Origin::Phone(extension) => Self::Phone(extension),
        }
    }

    /// Who is called.
    pub(super) fn called(destination: &'a Destination) -> Self {
        match destination {
            Destination::Trunk { trunk, .. } => Self::Trunk(trunk),
            Destination::Registered { extension, .. } => Self::Phone(extension),
            Destination::Contact(uri) => Self::Contact(uri),
        }
    }
}

impl Engine {
    /// Lets a leg's side of offer and answer encrypt its voice, where that is wished for. `invites` when our offer opens
    /// it: whoever cannot do what it offers can say so, which is not so for an offer in a 200.
    pub(super) fn secure(
        &mut self,
        negotiator: Negotiator,
        party: Party<'_>,
        flow: &Flow,
        invites: bool,
    ) -> Negotiator {
        let security = self.security(party, flow, invites);
        if security.srtp == Srtp::Off {
            return negotiator;
        }
        // Dice are thrown only where a key can be agreed on.
        if security.keys_may_travel {
            let dice = self.dice.fork();
            negotiator.securing(security, dice)
        } else {
            negotiator.wary(security)
        }
    }

    fn security(&self, party: Party<'_>, flow: &Flow, invites: bool) -> Security {
        let encryption = &self.settings.encryption;
        let own = match party {
            Party::Trunk(trunk) => self.settings.trunks.get(trunk).and_then(|rules| rules.srtp),
            Party::Phone(extension) => encryption.phones.get(extension).copied(),
            Party::Contact(uri) => encryption.contacts.get(uri).copied(),
        };
        // A browser's keys come by DTLS, so nothing is offered to one over WebSocket.
        let (is_secret, offers) = match flow.transport {
            Transport::Tls => (true, true),
            Transport::Wss => (true, false),
            Transport::Udp | Transport::Tcp | Transport::Ws => (false, false),
        };
        Security {
            srtp: own.unwrap_or(encryption.srtp),
            keys_may_travel: is_secret || encryption.over_plain_sip,
            offers: invites && offers,
            best_effort: encryption.best_effort,
        }
    }

    /// A phone turned down an encrypted offer: it is invited again with a plain one, where that is allowed. The call does
    /// not notice. False when there is nothing more to try.
    pub(super) fn invite_plainly(&mut self, now: Instant, key: LegKey, status: u16) -> bool {
        if !NOT_FOR_IT.contains(&status) {
            return false;
        }
        let Some(line) = self.line_mut(key.call, key.leg) else {
            return false;
        };
        let (Some(invitation), Some(offer)) = (line.invitation.take(), line.negotiator.offer_plain()) else {
            return false;
        };
        let Some(route) = self.sip.route(now, &invitation.destination) else {
            return false;
        };
        let session = self.sip.invite(now, &invitation, route, offer);
        self.seat(session, key);
        if let Some(line) = self.line_mut(key.call, key.leg) {
            let old = std::mem::replace(&mut line.session, session);
            self.sessions.remove(&old);
        }
        true
    }
}

impl Line {
    /// Keeps what a second invitation needs, when the first one offers encryption.
    pub(super) fn invited_by(mut self, invitation: &Invitation) -> Self {
        self.invitation = self
            .negotiator
            .offers_keys()
            .then(|| Box::new(invitation.clone()));
        self
    }
}
