//! Parting from a session: CANCEL, BYE or a refusal, as its state asks for.

use super::session::State;
use super::{Event, Farewell, Owner, SessionId, UserAgent};
use crate::sip::{Draft, Method, Name};
use std::time::Instant;

impl UserAgent {
    /// Lets a session go. Whatever still comes from the far side is settled here: nothing more is told about it.
    pub fn release(&mut self, now: Instant, id: SessionId, farewell: Farewell) {
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
            .header(Name::Server, &self.settings.product)
            .finish();
        let server = *server;
        self.transactions.respond(now, server, status, response);
    }

    pub(super) fn send_bye(&mut self, now: Instant, id: SessionId, reasons: &[&str]) {
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
        let bye = draft.header(Name::UserAgent, &self.settings.product).finish();
        let flow = session.dialog.next_hop(session.follows_target);
        self.transactions.ask(now, client, flow, bye, Owner::Bye(id));
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
                Event::Left(_) | Event::NeverAcknowledged(_) | Event::Refused { .. }
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
        }
    }
}
