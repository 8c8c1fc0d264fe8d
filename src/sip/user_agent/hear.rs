//! Responses to what we asked.

use super::session::State;
use super::session_timer::{LONGEST_MIN_SE, SESSION_SECONDS};
use super::{Event, Owner, SessionId, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::{Flow, Message, Method, Name};
use bytes::Bytes;
use std::time::Instant;

impl UserAgent {
    pub(super) fn hear_response(&mut self, now: Instant, flow: &Flow, response: &Message<'_>) {
        self.heard_from = Some(flow.peer.ip());
        // Responses that fit no request of ours are silently dropped (§18.1.2).
        let Some(owner) = self.transactions.hear_response(now, response) else {
            self.pays(now, flow);
            return;
        };
        self.takes_part(now, flow);
        let Some(status) = response.status() else { return };
        match owner {
            Owner::Invite(id) if response.method() == Method::Invite => match status {
                0..=199 => self.hear_provisional(now, id, status, response),
                200..=299 => self.hear_answer(now, id, response),
                300.. => self.hear_refusal(now, id, status, response),
            },
            Owner::Bye(id) if status >= 200 => self.bye_answered(now, id, status, response),
            Owner::LastBye(id) if status >= 200 => self.forget(id),
            Owner::Within(id) => self.within_answered(now, id, response),
            Owner::Report(id) => self.notify_answered(now, id, response, true),
            Owner::LastReport(id) => self.notify_answered(now, id, response, false),
            Owner::Prack(id) => self.prack_answered(now, id, response, true),
            Owner::LastPrack(id) => self.prack_answered(now, id, response, false),
            Owner::Key(id) => self.key_answered(now, id, response, true),
            Owner::LastKey(id) => self.key_answered(now, id, response, false),
            Owner::GivenUp(id) if response.method() == Method::Invite => {
                self.given_up_speaks(now, id, response);
            }
            Owner::GivenUp(_) | Owner::Invite(_) | Owner::Bye(_) | Owner::LastBye(_) | Owner::Nobody => {}
            Owner::Notify(id) => self.notifier.answered(now, id, status),
            Owner::Unasked(id) => self.unasked_answered(id, status),
            Owner::Relay(id) => self.relay_answered(now, id, status),
            Owner::Phone(id) if status >= 200 => self.phone_answered(now, id, true),
            Owner::Phone(_) => {}
            Owner::Probe(place) => self.probe_answered(now, place, status, response),
            Owner::Register(place) => self.register_answered(now, place, status, response),
            Owner::Departure(id) => self.departure_answered(now, id, status, response),
        }
    }

    fn hear_provisional(&mut self, now: Instant, id: SessionId, status: u16, response: &Message<'_>) {
        self.hop_heard(id);
        let is_new = status > 100 && self.acknowledge_provisional(now, id, response);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let State::Inviting { client, .. } = &session.state else {
            return;
        };
        let client = *client;
        if let Some(farewell) = session.farewell {
            // The engine parted before the phone had said anything; now a CANCEL may be sent (§9.1).
            self.transactions
                .cancel(now, client, farewell.reasons, Owner::Nobody);
        } else if status > 100 {
            self.hear_ringing(id, response, is_new);
        }
    }

    /// A 2xx: acknowledged at once whatever became of the call meanwhile (§13.2.2.4).
    fn hear_answer(&mut self, now: Instant, id: SessionId, response: &Message<'_>) {
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let tag = response.to().tag().unwrap_or_default();
        let session_follows = session.follows_target;
        match &session.state {
            State::Inviting { .. } => {}
            State::Up { ack } if session.dialog.remote_tag == tag => {
                // The 200 came again: our ACK was lost.
                if let Some((flow, ack)) = ack.clone() {
                    self.transactions.send(flow, ack);
                }
                return;
            }
            State::Leaving if session.dialog.remote_tag == tag => {
                let dialog = session.dialog.clone();
                self.acknowledge(&dialog, session_follows, response);
                return;
            }
            // Another fork answered too (§13.2.2.4): acknowledge it and let it go.
            State::Up { .. } | State::Leaving | State::Asked { .. } | State::Answered { .. } => {
                let dialog = session.dialog.settled(response);
                return self.part_with_fork(now, &dialog, session_follows, response);
            }
        }
        session.dialog = session.dialog.settled(response);
        let mut asked = std::mem::take(&mut session.early_cseqs).into_iter();
        if let Some((_, last)) = asked.find(|(own, _)| **own == *tag) {
            session.dialog.has_heard(last);
        }
        session.note_abilities(response);
        // A reliable response may have brought the answer already (RFC 3262 §5).
        let early = std::mem::take(&mut session.early);
        let early = early.into_iter().find(|early| early.is(tag));
        let heard = session.heard_early.take().filter(|heard| heard.is_of(tag));
        let early = early
            .and_then(|early| early.body)
            .or(heard.map(|heard| heard.body))
            .filter(|_| !session.is_changed_early);
        let body = match (response.part("application/sdp"), early) {
            (Ok(Some(body)), _) => body.to_vec(),
            (Ok(None), Some(body)) if response.body().is_empty() => body,
            (Ok(None) | Err(_), _) => response.body().to_vec(),
        };
        let (dialog, farewell) = (session.dialog.clone(), session.farewell);
        let ack = self.acknowledge(&dialog, session_follows, response);
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        session.state = State::Up { ack: Some(ack) };
        self.hear_timer(now, id, response);
        match farewell {
            // It crossed our CANCEL: the phone believes it won, and is told it did not.
            Some(farewell) => self.send_bye(now, id, farewell.reasons),
            None => self.events.push_back(Event::Answered { session: id, body }),
        }
    }

    pub(super) fn acknowledge(
        &mut self,
        dialog: &Dialog,
        follows_target: bool,
        response: &Message<'_>,
    ) -> (Flow, Bytes) {
        let id = self.new_client();
        let ack = Bytes::from(dialog.request(Method::Ack, id, response.cseq().number).finish());
        let flow = dialog.next_hop(follows_target);
        self.transactions.send(flow, ack.clone());
        (flow, ack)
    }

    pub(super) fn part_with_fork(
        &mut self,
        now: Instant,
        dialog: &Dialog,
        follows_target: bool,
        response: &Message<'_>,
    ) {
        self.acknowledge(dialog, follows_target, response);
        let id = self.new_client();
        let bye = dialog.request(Method::Bye, id, dialog.local_cseq + 1);
        let bye = bye
            .header(Name::Reason, "SIP;cause=200;text=\"Call completed elsewhere\"")
            .finish();
        self.transactions
            .ask(now, id, dialog.next_hop(follows_target), bye, Owner::Nobody);
    }

    fn hear_refusal(&mut self, now: Instant, id: SessionId, status: u16, response: &Message<'_>) {
        if matches!(status, 401 | 407) && self.try_with_credentials(now, id, response) {
            return;
        }
        if status == 422 && self.try_with_longer_session(now, id, response) {
            return;
        }
        if status == 503 && self.try_next_target(now, id) {
            return;
        }
        if self.is_redirected(id, status, response) {
            return;
        }
        self.tell(id, Event::Refused { session: id, status });
        self.forget(id);
    }

    /// Asks again for as long a session as somebody on the way wants at least (RFC 4028 §7.3).
    fn try_with_longer_session(&mut self, now: Instant, id: SessionId, response: &Message<'_>) -> bool {
        let fresh = self.new_client();
        let (Some(session), Ok(Some(least))) = (self.sessions.get_mut(&id), response.min_se()) else {
            return false;
        };
        let is_news = session.least_seconds.unwrap_or(SESSION_SECONDS) < least && least <= LONGEST_MIN_SE;
        let State::Inviting { client, .. } = &mut session.state else {
            return false;
        };
        if !is_news || session.farewell.is_some() {
            return false;
        }
        *client = fresh;
        session.least_seconds = Some(least);
        self.send_invite(now, id, None);
        true
    }

    /// Answers a challenge, if the peer is a trunk we have a password for and it is the first challenge. Phones
    /// never get a digest from us: it would tell them about a password (the "SIP digest leak").
    fn try_with_credentials(&mut self, now: Instant, id: SessionId, response: &Message<'_>) -> bool {
        let Some(session) = self.sessions.get(&id) else {
            return false;
        };
        let State::Inviting {
            authorized: false, ..
        } = session.state
        else {
            return false;
        };
        if session.farewell.is_some() {
            return false;
        }
        let Some(trunk) = session.trunk.clone() else {
            return false;
        };
        let uri = session.dialog.target_text();
        let answer = self.credentials_for(&trunk, response, Method::Invite, &uri);
        let Some((name, answer, _)) = answer else {
            return false;
        };
        let fresh = self.new_client();
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
        *authorized = true;
        self.send_invite(now, id, Some((name, answer)));
        true
    }

    fn is_inviting(&self, id: SessionId) -> bool {
        let session = self.sessions.get(&id);
        session.is_some_and(|session| matches!(session.state, State::Inviting { .. }))
    }

    /// Nobody answered, or the way there is gone.
    pub(super) fn no_answer(&mut self, now: Instant, owner: Owner, status: u16) {
        match owner {
            Owner::Invite(id) if self.try_next_target(now, id) => {}
            Owner::Invite(id) if self.is_inviting(id) => {
                self.tell(id, Event::Refused { session: id, status });
                self.forget(id);
            }
            // It was answered; its connection broke later, which is the session's concern.
            Owner::Invite(_) => {}
            Owner::Bye(id) | Owner::LastBye(id) => self.forget(id),
            Owner::Within(id) => self.within_lost(now, id),
            Owner::Report(id) | Owner::LastReport(id) => self.notify_done(now, id, false),
            Owner::Prack(id) | Owner::LastPrack(id) => self.prack_lost(id),
            Owner::Key(id) | Owner::LastKey(id) => self.key_done(now, id, false),
            Owner::Probe(place) => self.probe_lost(now, place),
            Owner::Register(place) => self.register_lost(now, place, status),
            Owner::Departure(id) => self.departed(now, id),
            Owner::Notify(id) => self.notifier.answered(now, id, status),
            Owner::Relay(id) => self.relay_answered(now, id, status),
            Owner::Phone(id) => self.phone_answered(now, id, false),
            Owner::Unasked(_) | Owner::GivenUp(_) | Owner::Nobody => {}
        }
    }
}
