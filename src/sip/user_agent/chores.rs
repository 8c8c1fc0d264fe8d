//! What the box asks of its trunks by itself: whether they are there (OPTIONS), and to know us (REGISTER).

use super::challenged::Known;
use super::invite::new_call_id;
use super::{Event, Owner, UserAgent};
use crate::model::Dice;
use crate::sip::dialog::Dialog;
use crate::sip::settings::Settings;
use crate::sip::{Contacts, Message, Method, Name};
use std::time::{Duration, Instant};

/// Between two probes of a trunk.
const PROBE_EVERY: Duration = Duration::from_secs(30);
/// How long a registration is asked for, in seconds.
const REGISTER_SECONDS: u32 = 600;
/// After a refused or unanswered REGISTER.
const REGISTER_AGAIN: Duration = Duration::from_secs(30);

/// One list of things to do for each trunk.
#[derive(Debug)]
pub(super) struct Chores {
    trunks: Vec<Chore>,
}

#[derive(Debug)]
struct Chore {
    probe_at: Instant,
    probed_at: Option<Instant>,
    register: Option<Registering>,
}

/// Our registration with a trunk: one Call-ID, a CSeq that counts up (RFC 3261 §10.2).
#[derive(Debug)]
struct Registering {
    at: Option<Instant>,
    call_id: String,
    tag: String,
    cseq: u32,
    answered_challenge: bool,
    /// The challenge that was answered last.
    known: Option<Known>,
}

impl Chores {
    pub(super) fn new(now: Instant, settings: &Settings, dice: &mut Dice) -> Self {
        let trunks = settings
            .trunks
            .iter()
            .map(|trunk| Chore {
                probe_at: now,
                probed_at: None,
                register: trunk.register.then(|| Registering {
                    at: Some(now),
                    call_id: new_call_id(dice),
                    tag: dice.token(),
                    cseq: 0,
                    answered_challenge: false,
                    known: None,
                }),
            })
            .collect();
        Self { trunks }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let of_one = |chore: &Chore| {
            let register = chore.register.as_ref().and_then(|registering| registering.at);
            register.map_or(chore.probe_at, |at| at.min(chore.probe_at))
        };
        self.trunks.iter().map(of_one).min()
    }
}

impl UserAgent {
    pub(super) fn do_chores(&mut self, now: Instant) {
        for place in 0..self.chores.trunks.len() {
            let Some(chore) = self.chores.trunks.get_mut(place) else {
                return;
            };
            if chore.probe_at <= now {
                chore.probe_at = now + PROBE_EVERY;
                self.probe(now, place);
            }
            let Some(chore) = self.chores.trunks.get_mut(place) else {
                return;
            };
            if let Some(registering) = &mut chore.register
                && registering.at.is_some_and(|at| at <= now)
            {
                registering.at = None;
                registering.answered_challenge = false;
                let credentials = self.credentials_of_last_time(place);
                self.register(now, place, credentials);
            }
        }
    }

    fn probe(&mut self, now: Instant, place: usize) {
        let client = self.new_client();
        let (call_id, tag) = (new_call_id(&mut self.dice), self.dice.token());
        let Some((_, flow)) = self.target_of(now, place) else {
            return;
        };
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        let uri = trunk.uri(None);
        let us = format!("<sip:{}>", flow.local);
        let dialog = Dialog::asking(call_id, tag, us.clone(), format!("<{uri}>"), uri, flow, us);
        let request = dialog
            .request(Method::Options, client, 1)
            .header(Name::Contact, &dialog.contact)
            .header(Name::UserAgent, &self.settings.product)
            .finish();
        if let Some(chore) = self.chores.trunks.get_mut(place) {
            chore.probed_at = Some(now);
        }
        self.transactions
            .ask(now, client, flow, request, Owner::Probe(place));
    }

    /// Any answer shows that the trunk is there; what it thinks of OPTIONS does not matter, except that 503 means
    /// it takes no calls.
    pub(super) fn probe_answered(&mut self, now: Instant, place: usize, status: u16) {
        let probed_at = self
            .chores
            .trunks
            .get_mut(place)
            .and_then(|chore| chore.probed_at.take());
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        let round_trip = probed_at.map(|at| now - at).filter(|_| status != 503);
        self.events.push_back(Event::TrunkProbed {
            trunk: trunk.name.clone(),
            round_trip,
        });
    }

    pub(super) fn probe_lost(&mut self, _now: Instant, place: usize) {
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        self.events.push_back(Event::TrunkProbed {
            trunk: trunk.name.clone(),
            round_trip: None,
        });
    }

    fn register(&mut self, now: Instant, place: usize, credentials: Option<(Name<'_>, String)>) {
        let client = self.new_client();
        let Some((_, flow)) = self.target_of(now, place) else {
            return self.register_lost(now, place);
        };
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        let user = trunk
            .credentials
            .as_ref()
            .map_or("", |secret| secret.username.as_str());
        let aor = format!("<sip:{user}@{}>", trunk.host);
        let registrar = trunk.uri(None);
        let contact = self.contact(&flow, user);
        let Some(Chore {
            register: Some(registering),
            ..
        }) = self.chores.trunks.get_mut(place)
        else {
            return;
        };
        registering.cseq += 1;
        let (call_id, tag, cseq) = (
            registering.call_id.clone(),
            registering.tag.clone(),
            registering.cseq,
        );
        let dialog = Dialog::asking(call_id, tag, aor.clone(), aor, registrar, flow, contact);
        let mut draft = dialog
            .request(Method::Register, client, cseq)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Expires, REGISTER_SECONDS)
            .header(Name::UserAgent, &self.settings.product);
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        self.transactions
            .ask(now, client, flow, draft.finish(), Owner::Register(place));
    }

    pub(super) fn register_answered(
        &mut self,
        now: Instant,
        place: usize,
        status: u16,
        response: &Message<'_>,
    ) {
        match status {
            0..=199 => {}
            200..=299 => {
                let seconds = granted(response).unwrap_or(REGISTER_SECONDS);
                // Again after half of it, as phones do, so that one lost REGISTER costs nothing.
                self.register_again(place, now + Duration::from_secs(u64::from(seconds.max(20)) / 2));
                self.tell_registered(place, Ok(seconds));
            }
            401 | 407 if self.register_with_credentials(now, place, response) => {}
            300.. => {
                self.register_again(place, now + REGISTER_AGAIN);
                self.tell_registered(place, Err(status));
            }
        }
    }

    fn register_with_credentials(&mut self, now: Instant, place: usize, response: &Message<'_>) -> bool {
        let Some(trunk) = self.settings.trunks.get(place) else {
            return false;
        };
        let (name, uri) = (trunk.name.clone(), trunk.uri(None));
        let Some(registering) = self.registering(place) else {
            return false;
        };
        if std::mem::replace(&mut registering.answered_challenge, true) {
            return false;
        }
        registering.known = None;
        let answer = self.credentials_for(&name, response, Method::Register, &uri);
        let Some((header, value, known)) = answer else {
            return false;
        };
        if let Some(registering) = self.registering(place) {
            registering.known = Some(known);
        }
        self.register(now, place, Some((header, value)));
        true
    }

    /// The credentials of the last time, counted up; a registrar that has had enough of the nonce asks anew.
    fn credentials_of_last_time(&mut self, place: usize) -> Option<(Name<'static>, String)> {
        let trunk = self.settings.trunks.get(place)?;
        let (name, uri) = (trunk.name.clone(), trunk.uri(None));
        let mut known = self.registering(place)?.known.take()?;
        let credentials = self.credentials_again(&name, &mut known, Method::Register, &uri);
        self.registering(place)?.known = Some(known);
        credentials
    }

    /// The name of a trunk has led somewhere for the first time: it is met at once.
    pub(super) fn trunk_found(&mut self, now: Instant, name: &crate::model::TrunkName) {
        let place = self.settings.trunks.iter().position(|trunk| trunk.name == *name);
        if let Some(chore) = place.and_then(|place| self.chores.trunks.get_mut(place)) {
            chore.probe_at = now;
            if let Some(registering) = &mut chore.register {
                registering.at = Some(now);
            }
        }
    }

    fn registering(&mut self, place: usize) -> Option<&mut Registering> {
        let chore = self.chores.trunks.get_mut(place)?;
        chore.register.as_mut()
    }

    pub(super) fn register_lost(&mut self, now: Instant, place: usize) {
        self.register_again(place, now + REGISTER_AGAIN);
        self.tell_registered(place, Err(408));
    }

    fn register_again(&mut self, place: usize, at: Instant) {
        if let Some(Chore {
            register: Some(registering),
            ..
        }) = self.chores.trunks.get_mut(place)
        {
            registering.at = Some(at);
        }
    }

    fn tell_registered(&mut self, place: usize, outcome: Result<u32, u16>) {
        if let Some(trunk) = self.settings.trunks.get(place) {
            self.events.push_back(Event::Registered {
                trunk: trunk.name.clone(),
                outcome,
            });
        }
    }
}

/// How long the registrar keeps us: `expires` of our contact, else Expires (RFC 3261 §10.2.4).
fn granted(response: &Message<'_>) -> Option<u32> {
    let of_contact = match response.contacts() {
        Ok(contacts @ Contacts::List(_)) => contacts.first().and_then(|contact| contact.expires()),
        Ok(Contacts::All) | Err(_) => None,
    };
    of_contact.or_else(|| response.expires().ok().flatten())
}
