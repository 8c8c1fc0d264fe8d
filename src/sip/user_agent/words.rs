//! MESSAGE inside a call (RFC 3428 §4): passed on to whoever talks with its sender, and answered as they answer.

use super::relay::{MOST_BYTES, Said};
use super::session::State;
use super::{Event, Owner, SessionId, UserAgent};
use crate::model::Number;
use crate::sip::transaction::ServerId;
use crate::sip::{Draft, Echo, Flow, Message, Method, Name};
use std::time::Instant;

impl UserAgent {
    pub(super) fn hear_words(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        server: ServerId,
        id: SessionId,
    ) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        if !matches!(session.state, State::Up { .. }) || session.farewell.is_some() {
            return self.respond(now, flow, request, server, 480);
        }
        if request.body().len() > MOST_BYTES {
            return self.respond(now, flow, request, server, 413);
        }
        let sender = match (&session.phone, &session.trunk) {
            (Some(phone), _) => phone.clone(),
            (None, Some(trunk)) => Number::from(format!("trunk {trunk}")),
            (None, None) => Number::from(session.dialog.flow.peer.to_string()),
        };
        if !self.relays.may_take(now, &sender) {
            let draft = Draft::response(request, flow.peer, 503, None).header(Name::RetryAfter, 5);
            let response = draft.header(Name::Server, &self.settings.product).finish();
            return self.transactions.respond(now, server, 503, response);
        }
        let kind = request.text(Name::ContentType);
        let said = Said {
            kind: kind.map_or_else(|| "text/plain".to_owned(), |kind| kind.into_owned()),
            body: request.body().to_vec(),
        };
        let words = self
            .relays
            .begin(server, Echo::of(request, flow.peer), 1, Some(said));
        self.events.push_back(Event::Words { session: id, words });
    }

    /// Passes a text on to this session; without one, or when its phone says that it takes none, the sender is told so.
    pub fn pass_words(&mut self, now: Instant, words: u64, to: Option<SessionId>) {
        let client = self.new_client();
        let Some(said) = self.relays.take_said(words) else {
            return;
        };
        let session = to.and_then(|to| self.sessions.get_mut(&to));
        let session = session.filter(|session| session.farewell.is_none());
        let Some(session) = session.filter(|session| matches!(session.state, State::Up { .. })) else {
            return self.relay_answered(now, words, 480);
        };
        if session.takes_words == Some(false) {
            return self.relay_answered(now, words, 405);
        }
        let cseq = session.dialog.next_cseq();
        let draft = session
            .dialog
            .request(Method::Message, client, cseq)
            .header(Name::UserAgent, &self.settings.product);
        let request = draft.body(&said.kind, &said.body);
        let flow = session.dialog.next_hop(session.follows_target);
        self.transactions
            .ask(now, client, flow, request, Owner::Relay(words));
    }
}
