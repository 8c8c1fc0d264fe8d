//! Being referred: REFER inside a session (RFC 3515), its Refer-To with Replaces (RFC 3891), the implicit subscription
//! whose NOTIFYs tell how it goes, `norefersub` (RFC 4488) and Referred-By (RFC 3892).
//!
//! A REFER outside of a session is refused in `admit`: nobody sends the box calling who is not in a call with it.

use super::session::{Session, State};
use super::{Event, Owner, Referral, Replaced, SessionId, UserAgent};
use crate::sip::transaction::ServerId;
use crate::sip::{
    Draft, Echo, Fault, Flow, Message, Method, Name, Replaces, Scheme, Trunk, Uri, reason_phrase,
};
use std::time::Instant;

/// How long the implicit subscription is said to last; it ends with the final NOTIFY (RFC 3515 §2.4.4).
const SUBSCRIPTION_SECONDS: u32 = 300;
/// What a NOTIFY about a REFER carries (RFC 3515 §2.4.5).
const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// A REFER of theirs, from its arrival to its last NOTIFY.
#[derive(Debug)]
pub(super) struct Referred {
    /// The REFER, until it is answered.
    asked: Option<(ServerId, Echo)>,
    /// Which one of several in this dialog: the CSeq of every REFER but the first (RFC 3515 §2.4.6).
    id: Option<u32>,
    /// The sender wants no NOTIFY (RFC 4488 §4).
    is_silent: bool,
    /// The last status that was told.
    told: u16,
    /// A NOTIFY waits for its answer; the next one waits for that (RFC 6665 §4.2.2).
    in_flight: bool,
    next: Option<u16>,
}

impl Referred {
    fn is_settled(&self) -> bool {
        self.asked.is_none() && !self.in_flight && self.next.is_none()
    }
}

/// A REFER as it was read, or the status of its refusal.
type Reading = Result<Referral, u16>;

impl UserAgent {
    pub(super) fn hear_refer(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        let referral = match self.read_refer(request, id) {
            Ok(referral) => referral,
            Err(status) => return self.respond(now, flow, request, server, status),
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_first = !std::mem::replace(&mut session.was_referred, true);
        session.referred = Some(Referred {
            asked: Some((server, Echo::of(request, flow.peer))),
            id: (!is_first).then_some(request.cseq().number),
            is_silent: says_no_subscription(request),
            told: 100,
            in_flight: false,
            next: None,
        });
        self.events.push_back(Event::Referred(Box::new(referral)));
    }

    fn read_refer(&self, request: &Message<'_>, id: SessionId) -> Reading {
        let bad = |fault: Fault| fault.status;
        let session = self.sessions.get(&id).ok_or(481_u16)?;
        if session.farewell.is_some() || !matches!(session.state, State::Up { .. }) {
            return Err(403);
        }
        if session.referred.is_some() {
            return Err(491); // The last one is not settled.
        }
        // None, or more than one, is a mistake (RFC 3515 §2.4.2).
        let target = request.refer_to().map_err(bad)?.ok_or(400_u16)?;
        if !(target.uri().is_sip() || matches!(target.uri().scheme(), Scheme::Tel)) {
            return Err(416);
        }
        if !target.asks_for(Method::Invite) {
            return Err(403);
        }
        let replaces = target.replaces();
        let replaced = match &replaces {
            None => None,
            Some(value) => {
                let name = Replaces::parse(value).map_err(|_| 400_u16)?;
                Some(self.replaced(session, &name, target.uri())?)
            }
        };
        let user = target.uri().user().filter(|user| !user.is_empty());
        if user.is_none() && replaced.is_none() {
            return Err(404);
        }
        let named = request.referred_by().map_err(bad)?;
        let referred_by = match named.and_then(|_| request.text(Name::ReferredBy)) {
            Some(named) => named.into_owned(),
            None => format!("<{}>", request.from().uri),
        };
        Ok(Referral {
            session: id,
            to: super::serve::dialed_number(&user.unwrap_or_default()),
            replaced,
            referred_by,
        })
    }

    /// The dialog a REFER wants replaced: one that the same party has with us, or one beyond a trunk, which that side has
    /// to know. Everybody else's is out of reach (ROBUSTNESS 40).
    fn replaced(&self, session: &Session, name: &Replaces<'_>, target: Uri<'_>) -> Result<Replaced, u16> {
        if let Some(other) = self.session_named(name) {
            let is_theirs = self
                .sessions
                .get(&other)
                .is_some_and(|other| other.is_of_same_party(session));
            return if is_theirs {
                Ok(Replaced::Session(other))
            } else {
                Err(403)
            };
        }
        let host = target.host().map(|host| host.to_string()).unwrap_or_default();
        let ip = target.host().and_then(|host| host.ip());
        let leads_there =
            |trunk: &&Trunk| trunk.host.eq_ignore_ascii_case(&host) || ip.is_some_and(|ip| trunk.admits(ip));
        let is_own = |trunk: &Trunk| session.trunk.as_ref() == Some(&trunk.name);
        let mut leading = self.settings.trunks.iter().filter(leads_there);
        let trunk = leading.clone().find(|trunk| is_own(trunk));
        let trunk = trunk.or_else(|| leading.next()).ok_or(481_u16)?;
        // A phone may hand on wherever it may call; a trunk beyond itself only when it is trusted with that.
        let mut trunks = self.settings.trunks.iter();
        if session.trunk.is_some() && !is_own(trunk) && !trunks.any(|own| is_own(own) && own.takes_over) {
            return Err(403);
        }
        Ok(Replaced::Beyond {
            trunk: trunk.name.clone(),
            replaces: name.to_string(),
        })
    }

    /// The session of this name (RFC 3891 §3): `to-tag` is ours.
    pub(super) fn session_named(&self, name: &Replaces<'_>) -> Option<SessionId> {
        let id = *self.by_tag.get(name.to_tag)?;
        let session = self.sessions.get(&id)?;
        let dialog = &session.dialog;
        // `0` also means no tag at all (§6.1).
        let fits = |tag| dialog.is(name.call_id, Some(name.to_tag), tag);
        let is_early = session.is_ringing_as(name.call_id, name.from_tag);
        (is_early || fits(Some(name.from_tag)) || (name.from_tag == "0" && fits(None))).then_some(id)
    }

    /// It is being tried: 202, and the first NOTIFY (RFC 3515 §2.4.4).
    pub fn accept_refer(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(referred) = &mut session.referred else {
            return;
        };
        let Some((server, echo)) = referred.asked.take() else {
            return;
        };
        let is_silent = referred.is_silent;
        let mut draft = Draft::reply(&echo, 202, None).header(Name::Contact, &session.dialog.contact);
        if is_silent {
            draft = draft.header(Name::ReferSub, "false");
        }
        let response = draft.header(Name::Server, &self.settings.product).finish();
        self.transactions.respond(now, server, 202, response);
        self.tell_refer(now, id, 100);
    }

    /// It is not done.
    pub fn refuse_refer(&mut self, now: Instant, id: SessionId, status: u16) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        if let Some((server, echo)) = session.referred.take().and_then(|referred| referred.asked) {
            let draft = Draft::reply(&echo, status, None).header(Name::Server, &self.settings.product);
            self.transactions.respond(now, server, status, draft.finish());
        }
    }

    /// How it goes: a final status ends the subscription.
    pub fn tell_refer(&mut self, now: Instant, id: SessionId, status: u16) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(referred) = &mut session.referred else {
            return;
        };
        if referred.is_silent {
            if status >= 200 {
                session.referred = None;
            }
        } else if referred.in_flight {
            referred.next = Some(status);
        } else {
            self.send_notify(now, id, status, None);
        }
    }

    fn send_notify(
        &mut self,
        now: Instant,
        id: SessionId,
        status: u16,
        credentials: Option<(Name<'static>, String)>,
    ) {
        let client = self.new_client();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(referred) = &mut session.referred else {
            return;
        };
        referred.told = status;
        referred.in_flight = true;
        let event = referred
            .id
            .map_or_else(|| "refer".to_owned(), |id| format!("refer;id={id}"));
        let standing = if status < 200 {
            format!("active;expires={SUBSCRIPTION_SECONDS}")
        } else {
            "terminated;reason=noresource".to_owned()
        };
        let again = credentials.is_some();
        let cseq = session.dialog.next_cseq();
        let mut draft = session
            .dialog
            .request(Method::Notify, client, cseq)
            .header(Name::Contact, &session.dialog.contact)
            .header(Name::Event, event)
            .header(Name::SubscriptionState, standing)
            .header(Name::UserAgent, &self.settings.product);
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let frag = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
        let notify = draft.body(SIPFRAG, frag.as_bytes());
        let flow = session.dialog.next_hop(session.follows_target);
        let owner = if again {
            Owner::LastReport(id)
        } else {
            Owner::Report(id)
        };
        self.transactions.ask(now, client, flow, notify, owner);
    }

    /// Our NOTIFY was answered. A trunk may challenge it once.
    pub(super) fn notify_answered(
        &mut self,
        now: Instant,
        id: SessionId,
        response: &Message<'_>,
        once: bool,
    ) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            return;
        }
        if matches!(status, 401 | 407)
            && once
            && let Some(credentials) = self.credentials_within(id, response, Method::Notify)
            && let Some(told) = self.told(id)
        {
            return self.send_notify(now, id, told, Some(credentials));
        }
        self.notify_done(now, id, status < 300);
    }

    fn told(&self, id: SessionId) -> Option<u16> {
        let referred = self.sessions.get(&id)?.referred.as_ref()?;
        Some(referred.told)
    }

    /// A NOTIFY is settled: the next one follows, or what has waited for the last one.
    pub(super) fn notify_done(&mut self, now: Instant, id: SessionId, is_ok: bool) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let Some(referred) = &mut session.referred else {
            return;
        };
        referred.in_flight = false;
        let next = referred.next.take();
        match next.filter(|_| is_ok) {
            Some(status) => return self.send_notify(now, id, status, None),
            // Who refuses a NOTIFY has no subscription (RFC 6665 §4.2.2), but the REFER is under way.
            None if !is_ok => referred.is_silent = true,
            None => {}
        }
        if referred.told >= 200 || next.is_some_and(|status| status >= 200) {
            session.referred = None;
        }
        if let (State::Up { .. }, Some(farewell)) = (&session.state, session.farewell) {
            self.send_bye(now, id, farewell.reasons);
        }
    }

    /// Whether a BYE has to wait until the far side has heard what became of its REFER.
    pub(super) fn has_news_under_way(&mut self, now: Instant, id: SessionId) -> bool {
        self.refuse_unanswered_refer(now, id);
        let referred = self
            .sessions
            .get(&id)
            .and_then(|session| session.referred.as_ref());
        referred.is_some_and(|referred| !referred.is_settled())
    }

    fn refuse_unanswered_refer(&mut self, now: Instant, id: SessionId) {
        let referred = self
            .sessions
            .get(&id)
            .and_then(|session| session.referred.as_ref());
        if referred.is_some_and(|referred| referred.asked.is_some()) {
            self.refuse_refer(now, id, 603);
        }
    }

    /// Refreshing the implicit subscription, or ending it with Expires 0 (RFC 3515 §2.4.4).
    pub(super) fn hear_refer_subscribe(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        let Some(told) = self.told(id) else {
            return self.respond(now, flow, request, server, 481);
        };
        let wants_more = request.expires() != Ok(Some(0));
        let expires = if wants_more { SUBSCRIPTION_SECONDS } else { 0 };
        let draft = Draft::response(request, flow.peer, 200, None)
            .header(Name::Expires, expires)
            .header(Name::Server, &self.settings.product);
        self.transactions.respond(now, server, 200, draft.finish());
        if wants_more {
            self.tell_refer(now, id, told);
        } else if let Some(referred) = self.sessions.get_mut(&id).and_then(|it| it.referred.as_mut()) {
            referred.is_silent = true;
        }
    }

    /// The credentials for a challenge inside a session: for a trunk's realm alone, never for a phone.
    pub(super) fn credentials_within(
        &mut self,
        id: SessionId,
        response: &Message<'_>,
        method: Method<'_>,
    ) -> Option<(Name<'static>, String)> {
        let session = self.sessions.get(&id)?;
        let (trunk, uri) = (session.trunk.clone()?, session.dialog.target_text());
        let (name, value, _) = self.credentials_for(&trunk, response, method, &uri)?;
        Some((name, value))
    }
}

/// `Refer-Sub: false` (RFC 4488 §4).
fn says_no_subscription(request: &Message<'_>) -> bool {
    let value = request.text(Name::ReferSub);
    value.is_some_and(|value| {
        let word = value.split(';').next().unwrap_or_default();
        word.trim().eq_ignore_ascii_case("false")
    })
}
