//! Taking leave of a registrar whose trunk is no more, or knows us as somebody else from now on: RFC 3261 §10.2.2. It would
//! send calls to the box for minutes otherwise.

use super::challenged::Challenged;
use super::registration::{Leave, PARTING, Registration};
use super::{Owner, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::settings::{Trunk, way_to};
use crate::sip::transaction::ClientId;
use crate::sip::{Flow, Message, Method, Name};
use std::time::Instant;

/// A REGISTER with no time, which waits for its answer, and for one challenge before that.
#[derive(Debug)]
struct Departure {
    id: u64,
    trunk: Trunk,
    leave: Leave,
    realm: Option<String>,
    flow: Flow,
    client: ClientId,
    was_challenged: bool,
    until: Instant,
}

/// All that are under way; a handful at most, for they end after two seconds.
#[derive(Debug, Default)]
pub(super) struct Departures {
    all: Vec<Departure>,
    last: u64,
}

impl Departures {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.all.iter().map(|departure| departure.until).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn find(&mut self, id: u64) -> Option<&mut Departure> {
        self.all.iter_mut().find(|departure| departure.id == id)
    }
}

impl UserAgent {
    /// The registration with this trunk goes on no longer.
    pub(super) fn depart(&mut self, now: Instant, trunk: &Trunk, registration: Registration) {
        let (under_way, leave) = registration.into_leave(now);
        if let Some(client) = under_way {
            self.transactions.forget(client);
        }
        let mut trunk = trunk.clone();
        let target = trunk.targets.current(now, &mut self.dice);
        let flow = target.and_then(|target| way_to(&self.settings.listeners, &target));
        let (Some(leave), Some(flow)) = (leave, flow) else {
            return;
        };
        self.departures.last += 1;
        let id = self.departures.last;
        let realm = self.realms.get(&trunk.name).cloned();
        let client = self.new_client();
        self.departures.all.push(Departure {
            id,
            trunk,
            leave,
            realm,
            flow,
            client,
            was_challenged: false,
            until: now + PARTING,
        });
        self.say_farewell(now, id, None);
    }

    /// The last REGISTER of a registration: no contact of ours from now on.
    fn say_farewell(&mut self, now: Instant, id: u64, credentials: Option<(Name<'_>, String)>) {
        let client = self.new_client();
        let Some(departure) = self.departures.find(id) else {
            return;
        };
        departure.client = client;
        departure.leave.cseq += 1;
        let (flow, cseq) = (departure.flow, departure.leave.cseq);
        let aor = format!("<{}>", departure.trunk.address_of_record());
        let (user, registrar) = (departure.trunk.user().to_owned(), departure.trunk.uri(None));
        let (call_id, tag) = (departure.leave.call_id.clone(), departure.leave.tag.clone());
        let contact = self.contact(&flow, &user);
        let dialog = Dialog::asking(call_id, tag, aor.clone(), aor, registrar, flow, contact);
        let mut draft = dialog
            .request(Method::Register, client, cseq)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Expires, 0)
            .header(Name::UserAgent, &self.settings.product);
        if let Some((name, value)) = credentials {
            draft = draft.header(name, value);
        }
        self.transactions
            .ask(now, client, flow, draft.finish(), Owner::Departure(id));
    }

    pub(super) fn departure_answered(&mut self, now: Instant, id: u64, status: u16, response: &Message<'_>) {
        if status < 200 {
            return;
        }
        let source = self.heard_from;
        let Some(departure) = self.departures.all.iter_mut().find(|own| own.id == id) else {
            return;
        };
        let may_answer = matches!(status, 401 | 407) && !departure.was_challenged;
        departure.was_challenged = true;
        let uri = departure.trunk.uri(None);
        let challenged = Challenged {
            trunk: &departure.trunk,
            pinned: departure.realm.as_deref(),
            source,
            response,
            method: Method::Register,
            uri: &uri,
        };
        let answer = may_answer.then(|| challenged.answer(&mut self.dice)).flatten();
        match answer {
            Some((name, value, _, _)) => self.say_farewell(now, id, Some((name, value))),
            None => self.departed(now, id),
        }
    }

    /// It is over, one way or the other. Whoever waited for it goes on.
    pub(super) fn departed(&mut self, now: Instant, id: u64) {
        self.departures.all.retain(|departure| departure.id != id);
        if self.departures.is_empty() {
            let fresh = self.chores.trunks.iter_mut();
            fresh
                .filter_map(|chore| chore.registration.as_mut())
                .filter(|registration| registration.is_new())
                .for_each(|registration| registration.hurry(now));
        }
    }

    /// A registrar that is silent keeps nobody.
    pub(super) fn give_up_departures(&mut self, now: Instant) {
        let late = self.departures.all.iter().filter(|own| own.until <= now);
        let late: Vec<(u64, ClientId)> = late.map(|own| (own.id, own.client)).collect();
        for (id, client) in late {
            self.transactions.forget(client);
            self.departed(now, id);
        }
    }

    /// A new registration of the same name at the same place comes after the old one's end: the last word counts there.
    pub(super) fn wait_for_departures(&mut self, now: Instant) {
        let Self {
            settings,
            chores,
            departures,
            ..
        } = self;
        for (trunk, chore) in settings.trunks.iter().zip(&mut chores.trunks) {
            let ours = trunk.address_of_record();
            let is_same = |own: &Departure| own.trunk.address_of_record() == ours;
            if let Some(registration) = &mut chore.registration
                && registration.is_new()
                && departures.all.iter().any(is_same)
            {
                registration.wait_until(now + PARTING);
            }
        }
    }
}
