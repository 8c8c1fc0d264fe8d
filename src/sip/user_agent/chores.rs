//! What the box asks of its trunks by itself: whether they are there (`probe`), and to know us (`registration`).

use super::UserAgent;
use super::probe::Probe;
use super::registration::Registration;
use crate::model::{Dice, TrunkName};
use crate::sip::settings::{Settings, Trunk};
use std::time::{Duration, Instant};

/// How long a trunk may be silent before the request goes to its next target.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// One list of things to do for each trunk, in the order of the configuration.
#[derive(Debug)]
pub(super) struct Chores {
    pub(super) trunks: Vec<Chore>,
}

#[derive(Debug)]
pub(super) struct Chore {
    pub(super) probe: Option<Probe>,
    pub(super) registration: Option<Registration>,
}

impl Chores {
    pub(super) fn new(now: Instant, settings: &Settings, dice: &mut Dice) -> Self {
        let trunks = settings
            .trunks
            .iter()
            .map(|trunk| Chore::new(now, trunk, dice))
            .collect();
        Self { trunks }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let of_one = |chore: &Chore| {
            let probe = chore.probe.as_ref().map(Probe::next_deadline);
            let registration = chore.registration.as_ref().and_then(Registration::next_deadline);
            [probe, registration].into_iter().flatten().min()
        };
        self.trunks.iter().filter_map(of_one).min()
    }
}

impl Chore {
    fn new(now: Instant, trunk: &Trunk, dice: &mut Dice) -> Self {
        Self {
            probe: trunk.probe_every.map(|every| Probe::new(now, every)),
            registration: trunk.register.then(|| Registration::new(now, dice)),
        }
    }
}

impl UserAgent {
    pub(super) fn do_chores(&mut self, now: Instant) {
        self.tidy_relays(now);
        self.give_up_departures(now);
        for place in 0..self.chores.trunks.len() {
            self.look_at_probe(now, place);
            self.look_at_registration(now, place);
        }
    }

    /// Trunks that stay as they were keep their standing with the far side; from those that go, or that know us as
    /// somebody else from now on, we take leave. `settings` are the new ones, already in place; `old` are what was.
    pub(super) fn take_over_chores(&mut self, now: Instant, old: &Settings) {
        let fresh = Chores::new(now, &self.settings, &mut self.dice);
        let mut known = std::mem::replace(&mut self.chores, fresh);
        for place in 0..self.chores.trunks.len() {
            self.take_over_chore(now, place, old, &mut known);
        }
        for (chore, trunk) in known.trunks.into_iter().zip(&old.trunks) {
            if let Some(client) = chore.probe.as_ref().and_then(Probe::client) {
                self.transactions.forget(client);
            }
            if let Some(registration) = chore.registration {
                self.depart(now, trunk, registration);
            }
        }
        self.wait_for_departures(now);
    }

    /// What goes on keeps its state; what was asked under another number is asked anew.
    fn take_over_chore(&mut self, now: Instant, place: usize, old: &Settings, known: &mut Chores) {
        let (Some(trunk), Some(chore)) = (self.settings.trunks.get(place), self.chores.trunks.get_mut(place))
        else {
            return;
        };
        let was = old.trunks.iter().position(|own| own.is_where(trunk));
        let Some((was, own)) = was.and_then(|was| Some((was, old.trunks.get(was)?))) else {
            return;
        };
        let Some(before) = known.trunks.get_mut(was) else {
            return;
        };
        let mut astray = Vec::new();
        if own.probe_every == trunk.probe_every {
            chore.probe = before.probe.take();
            let moved = chore.probe.as_mut().filter(|_| was != place);
            astray.extend(moved.and_then(|probe| probe.ask_anew(now)));
        }
        if own.registers_like(trunk) {
            chore.registration = before.registration.take();
            let moved = chore.registration.as_mut().filter(|_| was != place);
            astray.extend(moved.and_then(|registration| registration.ask_anew(now)));
        }
        for client in astray {
            self.transactions.forget(client);
        }
    }

    /// The name of a trunk has led somewhere for the first time: it is met at once.
    pub(super) fn trunk_found(&mut self, now: Instant, name: &TrunkName) {
        let place = self.settings.trunks.iter().position(|trunk| trunk.name == *name);
        let Some(chore) = place.and_then(|place| self.chores.trunks.get_mut(place)) else {
            return;
        };
        if let Some(probe) = &mut chore.probe {
            probe.hurry(now);
        }
        if let Some(registration) = &mut chore.registration {
            registration.hurry(now);
        }
    }
}

/// A span of about this length, a tenth more or less, so that boxes that started together do not ask together.
pub(super) fn about(span: Duration, dice: &mut Dice) -> Duration {
    let fifth = u64::try_from(span.as_millis() / 5).unwrap_or(u64::MAX);
    let shift = Duration::from_millis(dice.roll(fifth.saturating_add(1)));
    span - span / 10 + shift
}
