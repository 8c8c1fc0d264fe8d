//! Whether a trunk is there: OPTIONS (RFC 3261 §11) to the target its calls would take, then to the next one.

use super::chores::{PATIENCE, about};
use super::invite::new_call_id;
use super::{Event, Outage, Owner, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::ClientId;
use crate::sip::{Message, Method, Name, Target};
use std::time::{Duration, Instant};

/// A trunk that does not answer is asked so often, so that its return is noticed soon.
const ASK_WHEN_DOWN: Duration = Duration::from_secs(10);

/// The probing of one trunk.
#[derive(Debug)]
pub(super) struct Probe {
    every: Duration,
    at: Instant,
    asking: Option<Asking>,
    tried: Vec<Target>,
    /// The CSeq of the last probe, by which its answer is known.
    serial: u32,
    is_down: bool,
}

#[derive(Debug)]
struct Asking {
    client: ClientId,
    target: Target,
    since: Instant,
}

impl Probe {
    pub(super) fn new(now: Instant, every: Duration) -> Self {
        Self {
            every,
            at: now,
            asking: None,
            tried: Vec::new(),
            serial: 0,
            is_down: false,
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        match &self.asking {
            Some(asking) => asking.since + PATIENCE,
            None => self.at,
        }
    }

    /// The transaction it waits for.
    pub(super) fn client(&self) -> Option<ClientId> {
        self.asking.as_ref().map(|asking| asking.client)
    }

    /// What it waits for will not be known as its own any more: asks once more. The transaction to be forgotten.
    pub(super) fn ask_anew(&mut self, now: Instant) -> Option<ClientId> {
        let asking = self.asking.take()?;
        self.at = now;
        Some(asking.client)
    }

    /// Asks now rather than when it is due.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.at = now;
    }
}

impl UserAgent {
    pub(super) fn look_at_probe(&mut self, now: Instant, place: usize) {
        let Some(probe) = self.probe_of(place) else { return };
        if probe.next_deadline() > now {
            return;
        }
        match probe.asking.take() {
            Some(asking) => {
                self.transactions.forget(asking.client);
                self.probe_failed(now, place, asking.target, Outage::Silent);
            }
            None => {
                probe.tried.clear();
                let to = self.target_of(now, place);
                self.probe_target(now, place, to);
            }
        }
    }

    fn probe_target(&mut self, now: Instant, place: usize, to: Option<(Target, crate::sip::Flow)>) {
        let Some((target, flow)) = to else {
            let trunk = self.settings.trunks.get(place);
            let trouble = trunk.and_then(|trunk| trunk.targets.trouble());
            return match trouble {
                Some(trouble) => self.trunk_is_down(now, place, Outage::Unresolved(trouble)),
                // DNS has not spoken yet, or no listener speaks its transport: nothing is known.
                None => self.probe_again(now, place),
            };
        };
        let client = self.new_client();
        let (call_id, tag) = (new_call_id(&mut self.dice), self.dice.token());
        let Some(trunk) = self.settings.trunks.get(place) else {
            return;
        };
        let uri = trunk.uri(None);
        let Some(probe) = self.probe_of(place) else { return };
        probe.asking = Some(Asking {
            client,
            target,
            since: now,
        });
        probe.tried.push(target);
        probe.serial += 1;
        let serial = probe.serial;
        let us = format!("<sip:{}>", flow.local);
        let dialog = Dialog::asking(call_id, tag, us.clone(), format!("<{uri}>"), uri, flow, us);
        let request = dialog
            .request(Method::Options, client, serial)
            .header(Name::Contact, &dialog.contact)
            .header(Name::Accept, "application/sdp")
            .header(Name::UserAgent, &self.settings.product)
            .finish();
        self.transactions
            .ask(now, client, flow, request, Owner::Probe(place));
    }

    /// Any answer shows that the target is there; what it thinks of OPTIONS does not matter, except that 503 means
    /// that it takes no calls (RFC 3261 §21.5.4).
    pub(super) fn probe_answered(&mut self, now: Instant, place: usize, status: u16, response: &Message<'_>) {
        let Some(probe) = self.probe_of(place) else { return };
        if status < 200 || probe.serial != response.cseq().number {
            return;
        }
        let Some(asking) = probe.asking.take() else { return };
        if status == 503 {
            return self.probe_failed(now, place, asking.target, Outage::Refuses(503));
        }
        let every = probe.every;
        let was_down = std::mem::replace(&mut probe.is_down, false);
        let next = now + about(every, &mut self.dice);
        if let Some(probe) = self.probe_of(place) {
            probe.at = next;
        }
        let Some(trunk) = self.settings.trunks.get_mut(place) else {
            return;
        };
        trunk.targets.served(&asking.target);
        let trunk = trunk.name.clone();
        let outcome = Ok(now - asking.since);
        self.events.push_back(Event::TrunkProbed { trunk, outcome });
        if was_down {
            self.trunk_is_back(now, place);
        }
    }

    /// The way to the target is gone. Silence is found out by the watch over the request.
    pub(super) fn probe_lost(&mut self, now: Instant, place: usize) {
        let Some(probe) = self.probe_of(place) else { return };
        if let Some(asking) = probe.asking.take() {
            self.probe_failed(now, place, asking.target, Outage::Unreachable);
        }
    }

    fn probe_failed(&mut self, now: Instant, place: usize, target: Target, outage: Outage) {
        let Some(trunk) = self.settings.trunks.get_mut(place) else {
            return;
        };
        trunk.targets.failed(now, &target);
        let tried = self.probe_of(place).map(|probe| probe.tried.clone());
        match self.target_after(now, place, &tried.unwrap_or_default()) {
            Some(next) => self.probe_target(now, place, Some(next)),
            None => self.trunk_is_down(now, place, outage),
        }
    }

    fn trunk_is_down(&mut self, now: Instant, place: usize, outage: Outage) {
        let Some(probe) = self.probe_of(place) else { return };
        probe.is_down = true;
        self.probe_again(now, place);
        if let Some(trunk) = self.settings.trunks.get(place) {
            let (trunk, outcome) = (trunk.name.clone(), Err(outage));
            self.events.push_back(Event::TrunkProbed { trunk, outcome });
        }
    }

    fn probe_again(&mut self, now: Instant, place: usize) {
        let next = now + about(ASK_WHEN_DOWN, &mut self.dice);
        if let Some(probe) = self.probe_of(place) {
            probe.at = next;
        }
    }

    fn probe_of(&mut self, place: usize) -> Option<&mut Probe> {
        self.chores.trunks.get_mut(place)?.probe.as_mut()
    }
}
