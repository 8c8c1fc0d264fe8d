//! Whether registered phones are there: OPTIONS in turn (RFC 3261 §11), with the round trip.
//!
//! Each phone is asked once in the configured time. Their turns are spread over it, and never come faster than twice
//! the rate that takes, so that a power return, when all of them register at once, makes no rush of questions. Any
//! answer shows that a phone is there; one that gives none until RFC 3261's patience ends (32 s) is not rung until it
//! answers again or registers anew.

use super::invite::new_call_id;
use super::{Event, Owner, UserAgent};
use crate::model::Number;
use crate::sip::dialog::Dialog;
use crate::sip::registrar::Binding;
use crate::sip::{Method, Name};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

/// A new phone has its first turn within so many milliseconds.
const FIRST_MS: u64 = 2000;
/// Turns never come further apart than this while some are due.
const WIDEST: Duration = Duration::from_millis(20);

/// What is known of registered phones besides their registration, by the number of the binding.
#[derive(Debug, Default)]
pub(super) struct Phones {
    known: HashMap<u64, Phone>,
    turns: BTreeSet<(Instant, u64)>,
    /// No turn before then.
    rest_until: Option<Instant>,
    /// Phones that do not take a NOTIFY they did not subscribe to.
    deaf: HashSet<u64>,
}

#[derive(Debug)]
struct Phone {
    extension: Number,
    turn: Instant,
    asked_at: Option<Instant>,
    reach: Option<bool>,
    round_trip: Option<Duration>,
}

/// Whether a phone is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// Nothing before the first answer, or while phones are not asked.
    pub is_there: Option<bool>,
    /// How long the last answer took.
    pub round_trip: Option<Duration>,
}

impl Phones {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let (turn, _) = self.turns.first()?;
        Some(self.rest_until.map_or(*turn, |rest| rest.max(*turn)))
    }

    pub(super) fn is_deaf(&self, id: u64) -> bool {
        self.deaf.contains(&id)
    }

    fn is_gone(&self, id: u64) -> bool {
        self.known
            .get(&id)
            .is_some_and(|phone| phone.reach == Some(false))
    }

    fn set_turn(&mut self, id: u64, turn: Instant) {
        if let Some(phone) = self.known.get_mut(&id) {
            self.turns.remove(&(phone.turn, id));
            phone.turn = turn;
            self.turns.insert((turn, id));
        }
    }

    fn forget(&mut self, id: u64) {
        self.deaf.remove(&id);
        if let Some(phone) = self.known.remove(&id) {
            self.turns.remove(&(phone.turn, id));
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl UserAgent {
    /// A contact is new, or another device has taken its place.
    pub(super) fn phone_came(&mut self, now: Instant, binding: &Binding) {
        if self.settings.qualify_every.is_none() {
            return;
        }
        let id = binding.id();
        self.phones.forget(id);
        let turn = now + Duration::from_millis(self.dice.roll(FIRST_MS));
        self.phones.known.insert(
            id,
            Phone {
                extension: binding.extension.clone(),
                turn,
                asked_at: None,
                reach: None,
                round_trip: None,
            },
        );
        self.phones.turns.insert((turn, id));
    }

    /// A contact was confirmed: a phone that was thought gone gets the benefit of the doubt, and a turn.
    pub(super) fn phone_refreshed(&mut self, now: Instant, id: u64) {
        let Some(phone) = self.phones.known.get_mut(&id) else {
            return;
        };
        if phone.reach == Some(false) {
            phone.reach = None;
            self.phones.set_turn(id, now);
        }
    }

    /// Everything about turns begins anew, after a restart or when the configuration changed.
    pub(super) fn ask_all_phones(&mut self, now: Instant) {
        self.phones.clear();
        let all: Vec<Binding> = self.registrar.all().cloned().collect();
        for binding in &all {
            self.phone_came(now, binding);
        }
    }

    /// Asks the phones whose turn it is.
    pub(super) fn ask_phones(&mut self, now: Instant) {
        let Some(every) = self.settings.qualify_every else {
            return;
        };
        while self.phones.next_deadline().is_some_and(|at| at <= now) {
            let Some((_, id)) = self.phones.turns.first().copied() else {
                return;
            };
            let count = u32::try_from(self.phones.known.len()).unwrap_or(u32::MAX);
            let apart = (every / count.saturating_mul(2).max(1)).min(WIDEST);
            self.phones.rest_until = Some(now + apart);
            self.ask_phone(now, id, every);
        }
    }

    fn ask_phone(&mut self, now: Instant, id: u64, every: Duration) {
        let binding = self
            .phones
            .known
            .get(&id)
            .and_then(|phone| self.registrar.by_id(&phone.extension, id))
            .cloned();
        let Some(binding) = binding else {
            return self.phones.forget(id); // It unregistered meanwhile.
        };
        // A tenth earlier or later, so that phones that came together do not stay together.
        let tenth = u64::try_from(every.as_millis() / 10).unwrap_or(0).max(1);
        let jitter = Duration::from_millis(self.dice.roll(2 * tenth));
        self.phones.set_turn(id, now + every * 9 / 10 + jitter);
        if let Some(phone) = self.phones.known.get_mut(&id) {
            if phone.asked_at.is_some() {
                return; // The last question is still open.
            }
            phone.asked_at = Some(now);
        }
        let client = self.new_client();
        let (call_id, tag) = (new_call_id(&mut self.dice), self.dice.token());
        let contact = self.contact(&binding.flow, "box");
        let from = format!("<sip:{}>", self.settings.realm);
        let to = format!("<{}>", self.address_of_record(&binding.extension));
        let target = binding.contact.clone();
        let dialog = Dialog::asking(call_id, tag, from, to, target, binding.flow, contact);
        let dialog = dialog.through(&binding.path);
        let request = dialog
            .request(Method::Options, client, 1)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Accept, "application/sdp")
            .header(Name::UserAgent, &self.settings.product)
            .finish();
        self.transactions
            .ask(now, client, binding.flow, request, Owner::Phone(id));
    }

    /// A phone answered, or it did not.
    pub(super) fn phone_answered(&mut self, now: Instant, id: u64, is_there: bool) {
        let Some(phone) = self.phones.known.get_mut(&id) else {
            return;
        };
        let asked_at = phone.asked_at.take();
        if is_there {
            phone.round_trip = asked_at.map(|at| now - at);
        } else {
            phone.round_trip = None;
        }
        let before = phone.reach.replace(is_there);
        let is_news = before != Some(is_there) && (!is_there || before.is_some());
        if is_news {
            let extension = phone.extension.clone();
            self.events.push_back(Event::PhoneProbed { extension, is_there });
        }
    }

    /// A phone said what it thinks of a NOTIFY it had not asked for.
    pub(super) fn unasked_answered(&mut self, id: u64, status: u16) {
        if matches!(status, 405 | 481 | 489 | 501) {
            self.phones.deaf.insert(id);
            if self.phones.deaf.len() > self.registrar.len() {
                let alive: HashSet<u64> = self.registrar.all().map(Binding::id).collect();
                self.phones.deaf.retain(|id| alive.contains(id));
            }
        }
    }

    /// The phones of an extension that are worth a try, the preferred first.
    pub(super) fn phones_to_ring(&self, now: Instant, extension: &Number) -> impl Iterator<Item = &Binding> {
        self.registrar
            .contacts(now, extension)
            .into_iter()
            .filter(|binding| !self.phones.is_gone(binding.id()))
    }

    /// Whether this phone is there.
    pub fn reach(&self, binding: &Binding) -> Reach {
        let phone = self.phones.known.get(&binding.id());
        phone.map_or_else(Reach::default, |phone| Reach {
            is_there: phone.reach,
            round_trip: phone.round_trip,
        })
    }
}
