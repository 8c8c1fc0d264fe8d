//! SUBSCRIBE and NOTIFY: RFC 6665 §4, and the NOTIFY about messages that nobody subscribed to, which phones without
//! SUBSCRIBE light their lamp by.

use super::invite::new_call_id;
use super::{ALLOW, Owner, UserAgent};
use crate::model::Number;
use crate::sip::dialog::Dialog;
use crate::sip::events::{self, Line, Messages, Notify, Package, Refused, SubscriptionId, Wanted};
use crate::sip::registrar::Binding;
use crate::sip::{Draft, Flow, Message, Method, Name, SubscriptionState};
use std::time::{Duration, Instant};

/// The longest subscription, and the one granted when no wish is uttered (RFC 4235 §3.4, RFC 3842 §3.4).
const LONGEST: Duration = Duration::from_secs(3600);

impl UserAgent {
    /// A SUBSCRIBE outside of dialogs (§4.2.1). Who asks is proven first, so a stranger learns nothing.
    pub(super) fn serve_subscribe(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) {
        let Some(who) = self.authenticate_as_claimed(now, flow, request) else {
            return;
        };
        let wanted = match self.wanted(request, who) {
            Ok(wanted) => wanted,
            Err(refusal) => return self.refuse_subscription(now, flow, request, refusal),
        };
        let contact = self.contact(flow, wanted.watched.as_str());
        let tag = self.dice.token();
        let Some(dialog) = Dialog::answering(request, *flow, tag.clone(), contact.clone()) else {
            return self.reply(now, flow, request, (400, "Missing Contact"), |draft| draft);
        };
        let lasts = wanted.lasts;
        if let Err(refused) = self.notifier.subscribe(now, wanted, dialog) {
            return self.refuse_subscription(now, flow, request, Refusal::from(refused));
        }
        let server = self.transactions.serve(now, flow, request, None);
        let response = Draft::response(request, flow.peer, 200, Some(&tag))
            .record_route_of(request)
            .header(Name::Expires, lasts.as_secs())
            .header(Name::Contact, contact)
            .header(Name::Server, &self.settings.product)
            .finish();
        self.transactions.respond(now, server, 200, response);
    }

    /// What a SUBSCRIBE asks for, or why it is refused.
    fn wanted(&self, request: &Message<'_>, who: Number) -> Result<Wanted, Refusal> {
        let bad_event = || Refusal::of(489).with(Name::AllowEvents, Package::ALL);
        let event = request.event().map_err(|_| bad_event())?.ok_or_else(bad_event)?;
        let package = Package::from_name(event.package).ok_or_else(bad_event)?;
        // Who does not say takes the package's own type (RFC 6665 §3.1.3).
        let says = request.header(Name::Accept).is_some();
        if says && !request.accepts(package.content_type()).unwrap_or(false) {
            return Err(Refusal::of(406).with(Name::Accept, package.content_type()));
        }
        let lasts = self.granted_time(request)?;
        let user = request
            .request_uri()
            .and_then(|uri| uri.user().map(|user| Number::from(&*user)));
        let watched = user.unwrap_or_else(|| who.clone());
        if package.is_private() && watched != who {
            return Err(Refusal::of(403));
        }
        if !self.accounts.contains_key(&watched) {
            return Err(Refusal::of(404));
        }
        Ok(Wanted {
            who,
            package,
            event_id: event.id.map(str::to_owned),
            watched,
            lasts,
        })
    }

    /// §4.2.1.1: no longer than asked for; too short earns 423, as for a registration.
    fn granted_time(&self, request: &Message<'_>) -> Result<Duration, Refusal> {
        let wished = request.expires().map_err(|_| Refusal::of(400))?;
        let lasts = wished.map_or(LONGEST, |seconds| {
            Duration::from_secs(seconds.into()).min(LONGEST)
        });
        let shortest = self.settings.registrations.min;
        if !lasts.is_zero() && lasts < shortest {
            return Err(Refusal::of(423).with(Name::MinExpires, shortest.as_secs()));
        }
        Ok(lasts)
    }

    fn refuse_subscription(&mut self, now: Instant, flow: &Flow, request: &Message<'_>, refusal: Refusal) {
        self.reply(now, flow, request, refusal.status, |draft| {
            refusal
                .headers
                .iter()
                .fold(draft, |draft, (name, value)| draft.header(*name, value))
        });
    }

    /// A request inside a subscription's dialog; `false` when it belongs to none.
    pub(super) fn hear_subscription(&mut self, now: Instant, flow: &Flow, request: &Message<'_>) -> bool {
        let Some((id, who, package)) = self.notifier.of(request) else {
            return false;
        };
        let who = who.clone();
        match request.method() {
            Method::Subscribe => self.refresh_subscription(now, flow, request, id, who, package),
            Method::Options => self.describe(now, flow, request),
            Method::Ack | Method::Cancel => {}
            // There is no call here to be asked about.
            Method::Bye | Method::Info | Method::Update | Method::Prack => {
                self.reply(now, flow, request, 481, |draft| draft);
            }
            Method::Invite
            | Method::Register
            | Method::Notify
            | Method::Refer
            | Method::Message
            | Method::Publish => {
                self.reply(now, flow, request, 405, |draft| draft.header(Name::Allow, ALLOW))
            }
            Method::Other(_) => self.reply(now, flow, request, 501, |draft| draft.header(Name::Allow, ALLOW)),
        }
        true
    }

    /// §4.2.1.4. The password is asked for again: whoever reads a lamp's tags could turn it off otherwise.
    fn refresh_subscription(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Message<'_>,
        id: SubscriptionId,
        owner: Number,
        package: Package,
    ) {
        let Some(who) = self.authenticate_as_claimed(now, flow, request) else {
            return;
        };
        if who != owner {
            return self.reply(now, flow, request, 403, |draft| draft);
        }
        match request.event() {
            Ok(Some(event)) if event.is(package.name()) => {}
            Ok(_) | Err(_) => {
                let refusal = Refusal::of(489).with(Name::AllowEvents, Package::ALL);
                return self.refuse_subscription(now, flow, request, refusal);
            }
        }
        let lasts = match self.granted_time(request) {
            Ok(lasts) => lasts,
            Err(refusal) => return self.refuse_subscription(now, flow, request, refusal),
        };
        let server = self.transactions.serve(now, flow, request, None);
        if !self.notifier.refresh(now, id, request, *flow, lasts) {
            return self.respond(now, flow, request, server, 500);
        }
        let response = Draft::response(request, flow.peer, 200, None)
            .header(Name::Expires, lasts.as_secs())
            .maybe(Name::Contact, self.notifier.contact(id))
            .header(Name::Server, &self.settings.product)
            .finish();
        self.transactions.respond(now, server, 200, response);
    }

    /// Sends every NOTIFY that is ready.
    pub(super) fn notify(&mut self, now: Instant) {
        while let Some(notify) = self.notifier.next_ready(now) {
            let client = self.new_client();
            let request = self.notify_of(now, &notify, client);
            let flow = notify.dialog.next_hop(false);
            self.transactions
                .ask(now, client, flow, request, Owner::Notify(notify.id));
        }
    }

    fn notify_of(&self, now: Instant, notify: &Notify, client: crate::sip::transaction::ClientId) -> Vec<u8> {
        let package = notify.package;
        let body = match package {
            Package::MessageSummary => {
                let messages = self.notifier.messages(&notify.watched).unwrap_or_default();
                events::message_summary(&self.address_of_record(&notify.watched), messages)
            }
            Package::Dialog => events::dialog_info(
                &self.address_of_record(&notify.watched),
                &self.settings.realm,
                notify.version,
                self.notifier.lines(&notify.watched),
                self.may_pick_up(&notify.who, &notify.watched),
            ),
            Package::Reg => {
                let contacts = self.registrar.contacts(now, &notify.watched);
                events::reg_info(
                    now,
                    &self.address_of_record(&notify.watched),
                    notify.version,
                    &contacts,
                )
            }
        };
        let standing = match notify.standing {
            Ok(left) => format!("active;expires={left}"),
            Err(reason) => format!("terminated;reason={reason}"),
        };
        let id = notify.event_id.as_ref().map(|id| format!(";id={id}"));
        notify
            .dialog
            .request(Method::Notify, client, notify.dialog.local_cseq)
            .header(Name::Contact, &notify.dialog.contact)
            .header(
                Name::Event,
                format_args!("{}{}", package.name(), id.unwrap_or_default()),
            )
            .header(Name::SubscriptionState, standing)
            .header(Name::UserAgent, &self.settings.product)
            .body(package.content_type(), body.as_bytes())
    }

    /// So many messages wait for this extension. Its phones are told, whether they subscribed or not.
    pub fn set_messages(&mut self, now: Instant, extension: &Number, messages: Messages) {
        if !self.notifier.set_messages(now, extension, messages) {
            return;
        }
        let phones: Vec<Binding> = self
            .registrar
            .contacts(now, extension)
            .into_iter()
            .cloned()
            .collect();
        for phone in phones {
            if !self.notifier.remind(now, extension, &phone.flow) {
                self.tell_unasked(now, &phone, messages);
            }
        }
        self.notify(now);
    }

    /// The calls of this extension are these now: whoever watches it is told.
    pub fn set_lines(&mut self, now: Instant, extension: &Number, lines: Vec<Line>) {
        self.notifier.set_lines(now, extension, lines);
        self.notify(now);
    }

    /// A phone registered: it is told how many messages wait, for its lamp may have gone out with it.
    pub(super) fn remind_of_messages(&mut self, now: Instant, phone: &Binding) {
        let Some(messages) = self.notifier.messages(&phone.extension) else {
            return;
        };
        if !self.notifier.remind(now, &phone.extension, &phone.flow) {
            self.tell_unasked(now, phone, messages);
        }
    }

    /// A NOTIFY outside of any subscription, as phones from before RFC 3842 §3 expect it.
    fn tell_unasked(&mut self, now: Instant, phone: &Binding, messages: Messages) {
        if self.phones.is_deaf(phone.id()) {
            return;
        }
        let client = self.new_client();
        let (call_id, tag) = (new_call_id(&mut self.dice), self.dice.token());
        let account = self.address_of_record(&phone.extension);
        let us = format!("<{account}>");
        let contact = self.contact(&phone.flow, phone.extension.as_str());
        let dialog = Dialog::asking(
            call_id,
            tag,
            us.clone(),
            us,
            phone.contact.clone(),
            phone.flow,
            contact,
        )
        .through(&phone.path);
        let state = SubscriptionState {
            state: crate::sip::Standing::Active,
            reason: None,
            expires: None,
            retry_after: None,
        };
        let body = events::message_summary(&account, messages);
        let request = dialog
            .request(Method::Notify, client, 1)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Event, Package::MessageSummary.name())
            .header(Name::SubscriptionState, state)
            .header(Name::UserAgent, &self.settings.product)
            .body(Package::MessageSummary.content_type(), body.as_bytes());
        self.transactions
            .ask(now, client, phone.flow, request, Owner::Unasked(phone.id()));
    }

    /// Phones are asked to subscribe anew in a moment, when the box is back.
    pub fn end_subscriptions(&mut self, now: Instant) {
        self.notifier.close(now);
        self.notify(now);
        self.flush();
    }

    pub(super) fn address_of_record(&self, extension: &Number) -> String {
        let user = crate::sip::UserPart(extension.as_str());
        format!("sip:{user}@{}", self.settings.realm)
    }
}

/// Why a SUBSCRIBE is refused.
struct Refusal {
    status: u16,
    headers: Vec<(Name<'static>, String)>,
}

impl Refusal {
    fn of(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: Name<'static>, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany => Self::of(403),
            Refused::NoRoom => Self::of(503).with(Name::RetryAfter, 10),
        }
    }
}
