//! Where the [`Guard`](crate::sip::guard::Guard) (RFC 3261 §26) stands in the way of a message: before it is read, before it is
//! served, and where a password is judged.

use super::{Event, UserAgent};
use crate::model::Number;
use crate::sip::digest::{Algorithm, Verdict as Digest};
use crate::sip::guard::{Asker, Ban, Dropped, Offer, Proof, Source, Verdict};
use crate::sip::{Contacts, Credentials, Fault, Flow, Message, Method, Name};
use bytes::Bytes;
use std::net::IpAddr;
use std::time::Instant;

impl UserAgent {
    /// Whether what comes from this address is believed without proof: it is a trunk's, or of a trusted network.
    pub(super) fn is_trusted(&self, source: IpAddr) -> bool {
        self.settings.guard.trusts(source) || self.settings.trunks.iter().any(|trunk| trunk.admits(source))
    }

    /// Whether a packet is read at all. A connection of an address that is shut out is closed.
    pub(super) fn is_heard(&mut self, now: Instant, flow: &Flow) -> bool {
        let trusted = self.is_trusted(flow.peer.ip());
        match self.guard.admit(now, flow.peer.ip(), trusted) {
            Verdict::Serve => true,
            Verdict::TooMuch => false,
            Verdict::Banned => {
                self.closes.extend(flow.connection);
                false
            }
        }
    }

    /// Whether this address may have something it did not ask for in a call: a request served, a fault answered.
    pub(super) fn pays(&mut self, now: Instant, flow: &Flow) -> bool {
        self.is_trusted(flow.peer.ip()) || self.guard.charge(now, flow.peer.ip())
    }

    /// Whether a new request outside of calls is served.
    pub(super) fn is_served(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) -> bool {
        if self.is_trusted(flow.peer.ip()) {
            return true;
        }
        let ignored = request
            .user_agent()
            .is_some_and(|agent| self.guard.ignores(&agent));
        !ignored && self.guard.charge(now, flow.peer.ip())
    }

    /// This address has answered us, or knows the names of a call of ours.
    pub(super) fn takes_part(&mut self, now: Instant, flow: &Flow) {
        if !self.is_trusted(flow.peer.ip()) {
            self.guard.vouch(now, flow.peer.ip());
        }
    }

    /// What credentials are worth; the guard counts.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        credentials: &Credentials<'_>,
    ) -> Digest {
        let (address, user) = (flow.peer.ip(), credentials.user());
        let extension = Number::from(&*user);
        let trusted = self.is_trusted(address);
        let registrar = &self.registrar;
        let is_owner = || {
            let mut homes = registrar.contacts(now, &extension).into_iter();
            homes.any(|home| home.flow.peer == flow.peer && home.flow.transport == flow.transport)
        };
        // Whoever has guessed enough is compared with a password nobody has: the same work, the same answer.
        let evaluates = self.guard.evaluates(now, address, &extension, trusted, is_owner);
        let account = self.accounts.get(&extension).filter(|_| evaluates);
        let ha1 = account.map(|account| &account.ha1);
        let verdict = self.authenticator.verify(now, address, request, credentials, ha1);
        match verdict {
            Digest::Ok => self.accept(now, flow, &extension, credentials),
            Digest::Stale => Digest::Stale,
            Digest::Wrong => {
                self.counts.auth_failed += 1;
                if evaluates && let Some(ban) = self.guard.wrong(now, address, &extension, trusted) {
                    self.closes.extend(flow.connection);
                    self.tell_about_strangers(now, Event::Banned(Box::new(ban)));
                }
                Digest::Wrong
            }
        }
    }

    /// The password is right; it counts unless it came with a weaker digest than this phone has shown to know.
    fn accept(
        &mut self,
        now: Instant,
        flow: &Flow,
        extension: &Number,
        credentials: &Credentials<'_>,
    ) -> Digest {
        let (address, source) = (flow.peer.ip(), Source::of(flow.peer.ip()));
        // An algorithm nobody knows does not get so far.
        let algorithm = Algorithm::from_name(credentials.algorithm).unwrap_or(Algorithm::Md5);
        let strongest = self.settings.digests.contains(&Algorithm::Sha256);
        let proof = match algorithm {
            Algorithm::Md5 if !strongest => self.guard.proven_at_best(now, address, extension),
            Algorithm::Md5 | Algorithm::Sha256 => self.guard.proven(now, address, extension, algorithm),
        };
        let (offers, at) = self.guard.offers(now);
        match proof {
            Proof::Accepted => {
                offers.answered(at, source, extension.as_str(), algorithm);
                Digest::Ok
            }
            Proof::Weaker => {
                offers.forget(at, source, extension.as_str());
                let (extension, address) = (extension.clone(), flow.peer);
                self.tell_about_strangers(now, Event::WeakerDigest { extension, address });
                Digest::Wrong
            }
        }
    }

    /// The challenges for a request, as this phone understands them.
    pub(super) fn challenges(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        stale: bool,
    ) -> Vec<String> {
        let address = flow.peer.ip();
        let adapts = self.settings.digests.contains(&Algorithm::Sha256)
            && self.settings.digests.contains(&Algorithm::Md5);
        if !adapts {
            return self.authenticator.challenge(now, address, stale);
        }
        let (user, agent) = (request.from().uri.user(), request.user_agent());
        let asker = Asker {
            source: Source::of(address),
            user: user.as_deref().unwrap_or_default(),
            request: (request.call_id(), request.cseq().number),
            agent: agent.as_deref().unwrap_or_default(),
            answers: request.header(Name::Authorization).is_some(),
        };
        let (offers, at) = self.guard.offers(now);
        match offers.offer(at, &asker) {
            Offer::Everything => self.authenticator.challenge(now, address, stale),
            Offer::Md5Alone => self
                .authenticator
                .challenge_by(now, address, stale, &[Algorithm::Md5]),
        }
    }

    /// Whether this phone may begin the call it asks for: an emergency call always, another when it has not begun too
    /// many lately.
    pub(super) fn may_begin(&mut self, now: Instant, extension: &Number, request: &Message<'_>) -> bool {
        let dialed = request
            .request_uri()
            .and_then(|uri| uri.user().map(|user| Number::from(&*user)));
        let is_emergency = dialed.is_some_and(|dialed| self.settings.guard.is_emergency(&dialed));
        is_emergency || self.guard.may_call(now, extension)
    }

    /// Whether a phone says that somebody else calls (RFC 3325 §6): only a trunk may.
    pub(super) fn asserts_another(request: &Message<'_>, extension: &Number) -> bool {
        match request.p_asserted_identity() {
            Ok(list) => list
                .iter()
                .any(|identity| identity.uri.user().as_deref() != Some(extension.as_str())),
            Err(_) => true,
        }
    }

    /// Whether a REGISTER names one of our own sockets as a contact: we would call ourselves for ever.
    pub(super) fn names_us(&self, request: &Message<'_>) -> bool {
        let Ok(Contacts::List(contacts)) = request.contacts() else {
            return false;
        };
        contacts.iter().any(|contact| {
            let uri = contact.uri();
            let Some(address) = uri.host().and_then(|host| host.ip()) else {
                return false;
            };
            self.settings.listeners.iter().any(|own| {
                let port = uri.port().unwrap_or(own.transport.default_port());
                own.address.ip().to_canonical() == address.to_canonical() && own.address.port() == port
            })
        })
    }

    /// Someone who has no part in a call sent a request inside it.
    pub(super) fn hear_stranger(&mut self, now: Instant, flow: &Flow, method: Method<'_>) {
        self.counts.strangers += 1;
        let method = method.as_str().to_owned();
        let address = flow.peer;
        self.tell_about_strangers(now, Event::Stranger { method, address });
    }

    /// A message that cannot be read came.
    pub(super) fn hear_noise(&mut self, now: Instant, flow: &Flow, fault: Fault) {
        self.counts.malformed += 1;
        let address = flow.peer;
        self.tell_about_strangers(now, Event::Noise { address, fault });
    }

    /// However much strangers do, few lines are written about it.
    fn tell_about_strangers(&mut self, now: Instant, event: Event) {
        if self.guard.may_tell(now) {
            self.events.push_back(event);
        }
    }

    /// An answer to a stranger's datagram, no longer than what it answers: whoever writes another's address on a packet
    /// gains nothing. Headers that are only polite go first. What is still too long, such as a challenge or the
    /// answer to a probe that says next to nothing, is sent a few times and then once a second.
    pub(super) fn fit(&mut self, now: Instant, flow: &Flow, mut answer: Vec<u8>) -> Option<Bytes> {
        let source = flow.peer.ip();
        let is_free = flow.transport.is_reliable()
            || answer.len() <= self.hearing
            || self.is_trusted(source)
            || self.guard.is_vouched(now, source);
        if is_free {
            return Some(answer.into());
        }
        for polite in [
            &b"\r\nServer: "[..],
            b"\r\nSupported: ",
            b"\r\nAccept: ",
            b"\r\nAllow: ",
        ] {
            strike(&mut answer, polite);
            if answer.len() <= self.hearing {
                return Some(answer.into());
            }
        }
        self.guard
            .may_answer_at_length(now, source)
            .then(|| answer.into())
    }

    /// Who is shut out now, the latest first.
    pub fn bans(&self, now: Instant) -> Vec<&Ban> {
        self.guard.bans(now)
    }

    /// Lets an address in again; false when it was not shut out.
    pub fn lift_ban(&mut self, now: Instant, source: Source) -> bool {
        self.guard.lift(now, source)
    }

    /// What the guard has dropped since the start.
    pub fn dropped(&self) -> Dropped {
        self.guard.dropped()
    }
}

/// Takes a header line out; `start` is how it begins, with the end of the line before it.
fn strike(message: &mut Vec<u8>, start: &[u8]) {
    let head = memchr::memmem::find(message, b"\r\n\r\n").unwrap_or(0);
    let Some(at) = memchr::memmem::find(message.get(..head).unwrap_or_default(), start) else {
        return;
    };
    let rest = message.get(at + 2..).unwrap_or_default();
    if let Some(length) = memchr::memmem::find(rest, b"\r\n") {
        message.drain(at..at + 2 + length);
    }
}

#[cfg(test)]
mod tests {
    use super::strike;

    #[test]
    fn a_struck_header_leaves_the_others_whole() {
        let mut message = b"SIP/2.0 200 OK\r\nServer: x\r\nAllow: A, B\r\n\r\nServer: body".to_vec();
        strike(&mut message, b"\r\nAllow: ");
        assert_eq!(message, b"SIP/2.0 200 OK\r\nServer: x\r\n\r\nServer: body");
        strike(&mut message, b"\r\nServer: ");
        strike(&mut message, b"\r\nServer: ");
        assert_eq!(message, b"SIP/2.0 200 OK\r\n\r\nServer: body");
    }
}
