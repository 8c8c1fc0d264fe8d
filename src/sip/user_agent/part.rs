//! Parting from a session: CANCEL, BYE or a refusal, as its state asks for.

use super::offer;
use super::session::State;
use super::{Event, Farewell, Owner, SessionId, UserAgent};
use crate::sip::{Draft, Message, Method, Name};
use std::time::Instant;

impl UserAgent {
    /// Lets a session go. Whatever still comes from the far side is settled here: nothing more is told about it.
    pub fn release(&mut self, now: Instant, id: SessionId, farewell: Farewell) {
        // The last NOTIFY of a REFER is heard before the call is over.
        let has_news = self.has_news_under_way(now, id);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.farewell = Some(farewell);
        match &session.state {
            State::Asked { .. } => {
                self.refuse_invite(now, id, farewell.status, farewell.retry_after_seconds);
                self.forget(id);
            }
            // The BYE follows the ACK, or its absence.
            State::Answered { .. } | State::Leaving => {}
            State::Inviting { client, .. } => {
                // Before a provisional response nothing may be sent; it is made up for when one comes (§9.1).
                let client = *client;
                self.transactions
                    .cancel(now, client, farewell.reasons, Owner::Nobody);
            }
            State::Up { .. } if has_news => {}
            State::Up { .. } => self.send_bye(now, id, farewell.reasons),
        }
    }

    pub(super) fn refuse_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        status: u16,
        retry_after: Option<u32>,
    ) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let State::Asked { server, echo, .. } = &session.state else {
            return;
        };
        let response = Draft::reply(echo, status, Some(&session.dialog.local_tag))
            .maybe(Name::RetryAfter, retry_after)
            .maybe(Name::Warning, offer::warning(session.warning.as_ref()))
            .header(Name::Server, &self.settings.product)
            .finish();
        let server = *server;
        self.transactions.respond(now, server, status, response);
    }

    pub(super) fn send_bye(&mut self, now: Instant, id: SessionId, reasons: &[&str]) {
        self.ask_bye(now, id, reasons, None);
    }

    /// The BYE was answered. A trunk that challenges it gets it once more with our credentials, so that its side of the
    /// call does not stay; whatever it says to that is the end.
    pub(super) fn bye_answered(&mut self, now: Instant, id: SessionId, status: u16, response: &Message<'_>) {
        if matches!(status, 401 | 407)
            && let Some(credentials) = self.credentials_within(id, response, Method::Bye)
        {
            let farewell = self.sessions.get(&id).and_then(|session| session.farewell);
            let reasons = farewell.map_or(&[][..], |farewell| farewell.reasons);
            return self.ask_bye(now, id, reasons, Some(credentials));
        }
        self.forget(id);
    }

    fn ask_bye(
        &mut self,
        now: Instant,
        id: SessionId,
        reasons: &[&str],
        credentials: Option<(Name<'static>, String)>,
    ) {
        let client = self.new_client();
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.state = State::Leaving;
        let cseq = session.dialog.next_cseq();
        let mut draft = session.dialog.request(Method::Bye, client, cseq);
        for reason in reasons {
            draft = draft.header(Name::Reason, reason);
        }
        let owner = if credentials.is_some() {
            Owner::LastBye(id)
        } else {
            Owner::Bye(id)
        };
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        let bye = draft.header(Name::UserAgent, &self.settings.product).finish();
        let flow = session.dialog.next_hop(session.follows_target);
        self.transactions.ask(now, client, flow, bye, owner);
        self.rewake(id);
    }

    /// The far side ended it.
    pub(super) fn end_session(&mut self, id: SessionId) {
        self.tell(id, Event::Left(id));
        self.forget(id);
    }

    /// Tells the engine, unless it has parted from this session.
    pub(super) fn tell(&mut self, id: SessionId, event: Event) {
        if let Some(session) = self.sessions.get_mut(&id)
            && session.farewell.is_none()
        {
            if matches!(
                event,
                Event::Left(_)
                    | Event::NeverAcknowledged(_)
                    | Event::Expired(_)
                    | Event::CutOff(_)
                    | Event::Refused { .. }
            ) {
                session.farewell = Some(Farewell {
                    status: 480,
                    retry_after_seconds: None,
                    reasons: &[],
                });
            }
            self.events.push_back(event);
        }
    }

    pub(super) fn forget(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(&id) {
            self.by_tag.remove(session.dialog.local_tag.as_str());
            if let Some(at) = session.wake {
                self.wakes.remove(&(at, id));
            }
        }
    }
}
