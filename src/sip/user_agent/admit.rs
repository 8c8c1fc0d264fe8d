//! Who may ask what: the order of inspection of RFC 3261 §8.2, with the source and the password checked before
//! anything is remembered.

use super::{ALLOW, Origin, UserAgent};
use crate::model::Number;
use crate::sip::digest::Verdict;
use crate::sip::{Flow, Message, Method, Name, Scheme};
use std::time::Instant;

impl UserAgent {
    pub(super) fn hear_request(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        use crate::sip::transaction::Known;
        match self.transactions.recognise(now, request) {
            Known::Absorbed => return,
            Known::StrayAck => return self.hear_ack(now, flow, request),
            Known::No => {}
        }
        match request.method() {
            Method::Cancel => self.hear_cancel(now, flow, request),
            _ if request.to().tag().is_some() => self.hear_within(now, flow, request),
            _ => self.hear_outside(now, flow, request),
        }
    }

    fn hear_outside(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        if let Some((status, header)) = unacceptable(request) {
            return self.reply(flow, request, status, |draft| match header {
                Some((name, value)) => draft.header(name, value),
                None => draft,
            });
        }
        match request.method() {
            Method::Options => self.reply(flow, request, 200, |draft| {
                draft.header(Name::Allow, ALLOW).header(Name::Accept, "application/sdp")
            }),
            Method::Register => self.serve_register(now, flow, request),
            Method::Invite => {
                if let Some(origin) = self.origin(now, flow, request) {
                    self.serve_invite(now, flow, request, origin);
                }
            }
            // Requests that only make sense inside a dialog (§12.2.2).
            Method::Bye | Method::Info | Method::Update | Method::Prack => {
                self.reply(flow, request, 481, |draft| draft);
            }
            Method::Ack | Method::Cancel => {}
            Method::Subscribe | Method::Notify | Method::Refer | Method::Message | Method::Publish => {
                self.reply(flow, request, 405, |draft| draft.header(Name::Allow, ALLOW));
            }
            Method::Other(_) => self.reply(flow, request, 501, |draft| draft.header(Name::Allow, ALLOW)),
        }
    }

    /// Who sends an INVITE; nothing when it has been answered with a challenge or a refusal.
    fn origin(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) -> Option<Origin> {
        let source = flow.peer.ip();
        let trunk = self.settings.trunks.iter().find(|trunk| trunk.admits(source));
        if let Some(trunk) = trunk
            && request.header(Name::Authorization).is_none()
        {
            return Some(Origin::Trunk(trunk.name.clone()));
        }
        let extension = self.authenticate(now, flow, request)?;
        let claimed = request.from().uri.user();
        if claimed.as_deref() != Some(extension.as_str()) {
            self.reply(flow, request, 403, |draft| draft);
            return None;
        }
        Some(Origin::Phone(extension))
    }

    /// The extension whose password the request proves; otherwise it has been answered with a challenge. Wrong
    /// passwords, unknown users and forged nonces all get the same answer.
    pub(super) fn authenticate(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) -> Option<Number> {
        let credentials = match request.authorization(&self.settings.realm) {
            Ok(credentials) => credentials,
            Err(fault) => {
                self.counts.malformed += 1;
                self.reply(flow, request, fault.status, |draft| draft);
                return None;
            }
        };
        let mut stale = false;
        if let Some(credentials) = credentials {
            let extension = Number::from(&*credentials.user());
            let account = self.accounts.get(&extension).map(|account| &account.ha1);
            let verdict = self.authenticator.verify(now, flow.peer.ip(), request, &credentials, account);
            match verdict {
                Verdict::Ok => return Some(extension),
                Verdict::Stale => stale = true,
                Verdict::Wrong => self.counts.auth_failed += 1,
            }
        }
        let challenges = self.authenticator.challenge(now, flow.peer.ip(), stale);
        self.reply(flow, request, 401, |draft| {
            challenges.iter().fold(draft, |draft, challenge| draft.header(Name::WwwAuthenticate, challenge))
        });
        None
    }
}

/// What a request outside of dialogs may not be, with a header that tells what would do.
fn unacceptable<'a>(request: &Message<'a>) -> Option<(u16, Option<(Name<'static>, String)>)> {
    if matches!(request.method(), Method::Ack) {
        return None;
    }
    let scheme_is_ours = request.request_uri().is_some_and(|uri| uri.is_sip() || matches!(uri.scheme(), Scheme::Tel));
    if !scheme_is_ours {
        return Some((416, None));
    }
    match request.max_forwards() {
        Ok(Some(0)) if request.method() != Method::Register => return Some((483, None)),
        Ok(_) => {}
        Err(_) => return Some((400, None)),
    }
    let unknown: Vec<&str> = request.require().filter(|token| !is_known_extension(token)).collect();
    if !unknown.is_empty() {
        return Some((420, Some((Name::Unsupported, unknown.join(", ")))));
    }
    None
}

/// Extensions a peer may require of us.
fn is_known_extension(token: &str) -> bool {
    ["outbound", "path"].iter().any(|known| token.eq_ignore_ascii_case(known))
}
