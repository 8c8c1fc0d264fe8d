//! MESSAGE between registered users: RFC 3428. It is passed on to every phone of the user it is for, and answered when
//! one has taken it; nothing is kept for later.

use super::invite::new_call_id;
use super::{Owner, UserAgent};
use crate::model::Number;
use crate::sip::dialog::Dialog;
use crate::sip::registrar::Binding;
use crate::sip::transaction::ServerId;
use crate::sip::{Address, Draft, Echo, Flow, Message, Method, Name};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// RFC 3428 §8: what fits a datagram on every way.
pub(super) const MOST_BYTES: usize = 1300;
/// How many a user may send at once; then one for each [`ANOTHER_EVERY`].
const BURST: u32 = 20;
const ANOTHER_EVERY: Duration = Duration::from_secs(1);
/// Relays under way in all. Reached: 503, the phone tries again.
const MOST: usize = 1024;

/// Messages on their way.
#[derive(Debug, Default)]
pub(super) struct Relays {
    under_way: HashMap<u64, Relay>,
    /// How much each sender may still send.
    allowances: HashMap<Number, Allowance>,
    last: u64,
}

/// One message that waits for the phones it went to.
#[derive(Debug)]
struct Relay {
    server: ServerId,
    echo: Echo,
    waiting: usize,
    /// The best refusal so far.
    worst: Option<u16>,
    /// What was said inside a call, until it is known to whom.
    said: Option<Said>,
}

/// A text.
#[derive(Debug)]
pub(super) struct Said {
    /// Its media type.
    pub(super) kind: String,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: u32,
    since: Instant,
}

impl Relays {
    /// Whether a text of this sender is taken now.
    pub(super) fn may_take(&mut self, now: Instant, sender: &Number) -> bool {
        self.may_send(now, sender) && self.under_way.len() < MOST
    }

    /// A text is on its way to so many phones; its number.
    pub(super) fn begin(&mut self, server: ServerId, echo: Echo, waiting: usize, said: Option<Said>) -> u64 {
        self.last += 1;
        let relay = Relay {
            server,
            echo,
            waiting,
            worst: None,
            said,
        };
        self.under_way.insert(self.last, relay);
        self.last
    }

    /// What was said, once.
    pub(super) fn take_said(&mut self, id: u64) -> Option<Said> {
        self.under_way.get_mut(&id)?.said.take()
    }

    /// Takes one message off a sender's allowance, if there is any left.
    fn may_send(&mut self, now: Instant, sender: &Number) -> bool {
        let full = Allowance {
            left: BURST,
            since: now,
        };
        let allowance = self.allowances.entry(sender.clone()).or_insert(full);
        let earned = now.saturating_duration_since(allowance.since).as_secs() / ANOTHER_EVERY.as_secs();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(BURST);
            allowance.left = allowance.left.saturating_add(earned).min(BURST);
            allowance.since = now;
        }
        let may = allowance.left > 0;
        allowance.left = allowance.left.saturating_sub(1);
        may
    }
}

impl UserAgent {
    /// A MESSAGE outside of dialogs (§7).
    pub(super) fn serve_message(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        let Some(sender) = self.authenticate_as_claimed(now, flow, request) else {
            return;
        };
        if request.body().len() > MOST_BYTES {
            return self.reply(now, flow, request, 413, |draft| draft);
        }
        let recipient = request
            .request_uri()
            .and_then(|uri| uri.user().map(|user| Number::from(&*user)));
        let Some(recipient) = recipient.filter(|number| self.accounts.contains_key(number)) else {
            return self.reply(now, flow, request, 404, |draft| draft);
        };
        if !self.relays.may_take(now, &sender) {
            return self.reply(now, flow, request, 503, |draft| draft.header(Name::RetryAfter, 5));
        }
        let phones: Vec<Binding> = self.phones_to_ring(now, &recipient).cloned().collect();
        if phones.is_empty() {
            return self.reply(now, flow, request, 480, |draft| draft);
        }
        let server = self.transactions.serve(now, flow, request, None);
        let id = self
            .relays
            .begin(server, Echo::of(request, flow.peer), phones.len(), None);
        for phone in &phones {
            self.pass_on(now, id, &sender, request, phone);
        }
    }

    /// The message as it goes to one phone: a request of its own, so that neither side learns where the other is.
    fn pass_on(&mut self, now: Instant, id: u64, sender: &Number, request: &Message<'_>, phone: &Binding) {
        let client = self.new_client();
        let (call_id, tag) = (new_call_id(&mut self.dice), self.dice.token());
        let uri = self.address_of_record(sender);
        let display = request.from().display();
        let from = Address {
            display: display.as_deref(),
            uri: &uri,
            tag: None,
        };
        let to = format!("<{}>", self.address_of_record(&phone.extension));
        let dialog = Dialog::asking(
            call_id,
            tag,
            from.to_string(),
            to,
            phone.contact.clone(),
            phone.flow,
            String::new(),
        )
        .through(&phone.path);
        let mut draft = dialog
            .request(Method::Message, client, 1)
            .header(Name::UserAgent, &self.settings.product);
        for name in [
            Name::Date,
            Name::Subject,
            Name::ContentEncoding,
            Name::ContentLanguage,
        ] {
            if let Some(value) = request.header(name) {
                draft = draft.copied(name, value);
            }
        }
        let kind = request.text(Name::ContentType);
        let request = match &kind {
            Some(kind) => draft.body(kind, request.body()),
            None if request.body().is_empty() => draft.finish(),
            None => draft.body("text/plain", request.body()),
        };
        self.transactions
            .ask(now, client, phone.flow, request, Owner::Relay(id));
    }

    /// A phone answered, or did not (408). The first that takes it answers for all (§7).
    pub(super) fn relay_answered(&mut self, now: Instant, id: u64, status: u16) {
        let Some(relay) = self.relays.under_way.get_mut(&id) else {
            return;
        };
        if status < 200 {
            return;
        }
        relay.waiting = relay.waiting.saturating_sub(1);
        let is_taken = status < 300;
        if !is_taken {
            // What a phone wants to know of us is not for the sender; a phone that moved is one that is not there.
            let status = match status {
                400..=499 if !matches!(status, 401 | 407 | 408) => status,
                600.. => status,
                _ => 480,
            };
            relay.worst = Some(relay.worst.map_or(status, |worst| worst.min(status)));
        }
        if !is_taken && relay.waiting > 0 {
            return;
        }
        let Some(relay) = self.relays.under_way.remove(&id) else {
            return;
        };
        let status = if is_taken { 200 } else { relay.worst.unwrap_or(480) };
        let tag = self.dice.token();
        let response = Draft::reply(&relay.echo, status, Some(&tag))
            .header(Name::Server, &self.settings.product)
            .finish();
        self.transactions.respond(now, relay.server, status, response);
    }

    /// Forgets the allowances that are full again.
    pub(super) fn tidy_relays(&mut self, now: Instant) {
        let rest = ANOTHER_EVERY * BURST;
        self.relays
            .allowances
            .retain(|_, allowance| now.saturating_duration_since(allowance.since) < rest);
    }
}
