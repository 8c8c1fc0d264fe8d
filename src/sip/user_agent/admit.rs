//! Who may ask what: the order of inspection of RFC 3261 §8.2, with the source and the password checked before
//! anything is remembered.

use super::{ALLOW, Origin, SUPPORTED, UserAgent};
use crate::model::Number;
use crate::sip::digest::Verdict;
use crate::sip::events::Package;
use crate::sip::{Draft, Flow, Message, Method, Name, Scheme, reason_phrase};
use std::time::Instant;

impl UserAgent {
    pub(super) fn hear_request(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        use crate::sip::transaction::Known;
        match self.transactions.recognise(now, request) {
            Known::Absorbed => {
                self.pays(now, flow);
                return;
            }
            Known::StrayAck => return self.hear_ack(now, flow, request),
            // It is served already; the copy may not ring a second time (§8.2.2.2).
            Known::Merged => return self.reply(now, flow, request, 482, |draft| draft),
            Known::No => {}
        }
        if request.method() == Method::Cancel {
            self.hear_cancel(now, flow, request);
        } else if request.to().tag().is_some() {
            self.hear_within(now, flow, request);
        } else {
            self.hear_outside(now, flow, request);
        }
    }

    fn hear_outside(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        if !self.is_served(now, flow, request) {
            return;
        }
        self.keep_if_trunk(flow);
        if let Some(objection) = objection(request) {
            let Objection {
                status,
                reason,
                unsupported,
            } = objection;
            let reason = reason.unwrap_or_else(|| reason_phrase(status).to_owned());
            return self.reply(now, flow, request, (status, reason.as_str()), |draft| {
                draft.maybe(Name::Unsupported, unsupported)
            });
        }
        match request.method() {
            Method::Options => self.describe(now, flow, request),
            Method::Register => self.serve_register(now, flow, request),
            Method::Invite => {
                if let Some(origin) = self.origin(now, flow, request) {
                    self.serve_invite(now, flow, request, origin);
                }
            }
            // Requests that only make sense inside a dialog (§12.2.2).
            Method::Bye | Method::Info | Method::Update | Method::Prack => {
                self.reply(now, flow, request, 481, |draft| draft);
            }
            Method::Ack | Method::Cancel => {}
            Method::Subscribe => self.serve_subscribe(now, flow, request),
            Method::Message => self.serve_message(now, flow, request),
            // Nothing here has been subscribed to (RFC 6665 §4.1.3).
            Method::Notify => self.reply(now, flow, request, 481, |draft| draft),
            // Nobody sends the box calling who is not in a call with it (ROBUSTNESS 39).
            Method::Refer => self.reply(now, flow, request, 403, |draft| draft),
            // No state is taken from others (RFC 3903 §6): lamps show what the box itself knows.
            Method::Publish => {
                self.reply(now, flow, request, 405, |draft| draft.header(Name::Allow, ALLOW));
            }
            Method::Other(_) => self.reply(now, flow, request, 501, |draft| draft.header(Name::Allow, ALLOW)),
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
        if claimed.as_deref() != Some(extension.as_str()) || Self::asserts_another(request, &extension) {
            self.reply(now, flow, request, 403, |draft| draft);
            return None;
        }
        if !self.may_begin(now, &extension, request) {
            self.reply(now, flow, request, 503, |draft| {
                draft.header(Name::RetryAfter, 10)
            });
            return None;
        }
        Some(Origin::Phone(extension))
    }

    /// What the box can do (§11.2).
    pub(super) fn describe(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        self.reply(now, flow, request, 200, abilities);
    }

    /// The extension whose password the request proves and that From names; otherwise it has been answered.
    pub(super) fn authenticate_as_claimed(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
    ) -> Option<Number> {
        let extension = self.authenticate(now, flow, request)?;
        if request.from().uri.user().as_deref() != Some(extension.as_str()) {
            self.reply(now, flow, request, 403, |draft| draft);
            return None;
        }
        Some(extension)
    }

    /// The extension whose password the request proves; otherwise it has been answered with a challenge. Wrong
    /// passwords, unknown users and forged nonces all get the same answer.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
    ) -> Option<Number> {
        let credentials = match request.authorization(&self.settings.realm) {
            Ok(credentials) => credentials,
            Err(fault) => {
                self.hear_noise(now, flow, fault);
                self.reply(
                    now,
                    flow,
                    request,
                    (fault.status, fault.to_string().as_str()),
                    |draft| draft,
                );
                return None;
            }
        };
        let mut stale = false;
        if let Some(credentials) = credentials {
            match self.judge(now, flow, request, &credentials) {
                Verdict::Ok => {
                    self.keep(flow);
                    return Some(Number::from(&*credentials.user()));
                }
                Verdict::Stale => stale = true,
                Verdict::Wrong => {}
            }
        }
        let challenges = self.challenges(now, flow, request, stale);
        self.reply(now, flow, request, 401, |draft| {
            challenges.iter().fold(draft, |draft, challenge| {
                draft.header(Name::WwwAuthenticate, challenge)
            })
        });
        None
    }
}

/// What the answer to OPTIONS says (§11.2).
pub(super) fn abilities(draft: Draft) -> Draft {
    draft
        .header(Name::Allow, ALLOW)
        .header(Name::Accept, "application/sdp")
        .header(Name::Supported, SUPPORTED)
        .header(Name::AllowEvents, Package::ALL)
}

/// The extensions of RFC 3327 and RFC 5626, which mean something to a registrar alone.
const REGISTRAR_SUPPORTS: &str = "path, outbound";

/// Why a request is not served.
struct Objection {
    status: u16,
    /// In place of the usual phrase.
    reason: Option<String>,
    unsupported: Option<String>,
}

/// What a request outside of dialogs may not be (§8.2.1 to §8.2.3, §16.3 step 3).
fn objection(request: &Message<'_>) -> Option<Objection> {
    let plain = |status| {
        Some(Objection {
            status,
            reason: None,
            unsupported: None,
        })
    };
    if let Method::Other(_) = request.method() {
        return None; // 501 says more than any other complaint about it.
    }
    let is_ours = request
        .request_uri()
        .is_some_and(|uri| uri.is_sip() || matches!(uri.scheme(), Scheme::Tel));
    if !is_ours {
        return plain(416);
    }
    // A Request-URI has no headers (§19.1.1, table 1): whoever puts them there wants to smuggle them in.
    if request
        .request_uri()
        .is_some_and(|uri| uri.headers().next().is_some())
    {
        return Some(Objection {
            status: 400,
            reason: Some("Bad Request-Line: headers in the URI".to_owned()),
            unsupported: None,
        });
    }
    match request.max_forwards() {
        Ok(Some(0)) if request.method() != Method::Register => return plain(483),
        Ok(_) => {}
        Err(fault) => {
            return Some(Objection {
                status: fault.status,
                reason: Some(fault.to_string()),
                unsupported: None,
            });
        }
    }
    if replaces_nothing(request) {
        return plain(400);
    }
    unsupported(request).map(|unsupported| Objection {
        status: 420,
        reason: None,
        unsupported: Some(unsupported),
    })
}

/// Whether a request that is no INVITE wants to take the place of something (RFC 3891 §3).
pub(super) fn replaces_nothing(request: &Message<'_>) -> bool {
    request.method() != Method::Invite && request.header(Name::Replaces).is_some()
}

/// The extensions a request requires and the box does not know (§8.2.2.3).
pub(super) fn unsupported(request: &Message<'_>) -> Option<String> {
    let is_register = request.method() == Method::Register;
    let served = if is_register {
        REGISTRAR_SUPPORTS
    } else {
        SUPPORTED
    };
    let known = |token: &&str| served.split(", ").any(|known| known.eq_ignore_ascii_case(token));
    let required: Vec<&str> = request.require().filter(|token| !known(token)).collect();
    (!required.is_empty()).then(|| required.join(", "))
}
