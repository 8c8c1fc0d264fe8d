//! Flows that are kept open: RFC 5626 §4.4 and §5, seen from the registrar.

use super::UserAgent;
use crate::sip::{Flow, Transport, stun};
use std::time::Duration;

/// A phone that logged in, and a trunk, may be silent so long when they do not say more: longer than the longest
/// registration, within which they have to be heard.
const FOR_THE_KNOWN: Duration = Duration::from_secs(2 * 3600);

impl UserAgent {
    /// The peer of this flow has proven who it is.
    pub(super) fn keep(&mut self, flow: &Flow) {
        self.kept
            .extend(flow.connection.map(|connection| (connection, FOR_THE_KNOWN)));
    }

    /// A trunk says something over a stream that it opened.
    pub(super) fn keep_if_trunk(&mut self, flow: &Flow) {
        let is_trunk = |source| self.settings.trunks.iter().any(|trunk| trunk.admits(source));
        if flow.connection.is_some() && is_trunk(flow.peer.ip()) {
            self.keep(flow);
        }
    }

    /// A STUN request on a SIP socket (RFC 5626 §4.4.2): phones that registered are told how they look from here.
    /// Nobody else is told more than they said, so that nobody can be flooded through us.
    pub(super) fn hear_stun(&mut self, flow: &Flow, packet: &[u8]) {
        let Some(answer) = stun::answer(packet, flow.peer) else {
            return;
        };
        if answer.len() <= packet.len() || self.registrar.knows(flow.peer) {
            self.sends.push_back((*flow, answer.into()));
        }
    }
}

/// Whether a datagram is STUN: no SIP message begins so.
pub(super) fn is_stun(flow: &Flow, bytes: &[u8]) -> bool {
    flow.transport == Transport::Udp && stun::is_stun(bytes)
}
