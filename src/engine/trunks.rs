//! How the trunks are: what their probes and our registrations there say, and what that means for those who look.

use super::line::Live;
use super::{Alarm, Engine, Notice, Output, Severity, TrunkView};
use crate::model::TrunkName;
use crate::sip::{Outage, Trunk};
use std::time::{Duration, Instant};

/// What is known of a trunk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TrunkHealth {
    /// Nothing before the first answer or silence.
    pub(super) is_up: Option<bool>,
    round_trip: Option<Duration>,
    outage: Option<Outage>,
    /// Since when it is up or down.
    since: Option<Instant>,
    /// Our registration there: nothing before the first answer, then the status of a refusal, if it was one.
    registered: Option<Option<u16>>,
    registered_since: Option<Instant>,
}

impl Engine {
    pub(super) fn trunk_probed(&mut self, now: Instant, trunk: TrunkName, outcome: Result<Duration, Outage>) {
        let health = self.trunks.entry(trunk.clone()).or_default();
        let is_up = outcome.is_ok();
        let has_changed = health.is_up.replace(is_up) != Some(is_up);
        health.round_trip = outcome.ok();
        health.outage = outcome.err();
        if has_changed {
            health.since = Some(now);
            let outage = outcome.err();
            self.out
                .push(Output::Notice(Notice::TrunkChanged { trunk, outage }));
        }
    }

    /// Told when it changes, not at every try.
    pub(super) fn trunk_registered(&mut self, now: Instant, trunk: TrunkName, refused: Option<u16>) {
        let health = self.trunks.entry(trunk.clone()).or_default();
        if health.registered.replace(refused) != Some(refused) {
            health.registered_since = Some(now);
            self.out
                .push(Output::Notice(Notice::TrunkRegistration { trunk, refused }));
        }
    }

    pub(super) fn trunk_views(&self) -> Vec<TrunkView> {
        let trunks = self.sip.settings().trunks.iter();
        trunks.map(|trunk| self.trunk_view(trunk)).collect()
    }

    fn trunk_view(&self, trunk: &Trunk) -> TrunkView {
        let health = self.trunks.get(&trunk.name).copied().unwrap_or_default();
        TrunkView {
            name: trunk.name.clone(),
            host: trunk.host.clone(),
            address: trunk.targets.now().map(|target| target.address.to_string()),
            state: match health.is_up {
                None => "unknown",
                Some(true) => "up",
                Some(false) => "down",
            },
            reason: health.outage.map(|outage| outage.to_string()),
            since: health.since.map(|at| self.clock.stamp(at)),
            registration: match (trunk.register, health.registered) {
                (false, _) => "none",
                (true, None) => "unknown",
                (true, Some(None)) => "registered",
                (true, Some(Some(_))) => "refused",
            },
            registration_status: health.registered.flatten(),
            registration_since: health.registered_since.map(|at| self.clock.stamp(at)),
            round_trip_ms: health.round_trip.map(|time| time.as_secs_f32() * 1000.0),
            calls: u32::try_from(self.calls_on(&trunk.name)).unwrap_or(u32::MAX),
        }
    }

    /// Live calls that came or go by this trunk.
    fn calls_on(&self, trunk: &TrunkName) -> usize {
        let has_leg = |live: &&Live| live.lines.iter().any(|line| line.trunk.as_ref() == Some(trunk));
        self.calls.values().filter(has_leg).count()
    }

    /// Legs that this trunk carries.
    pub(super) fn legs_on(&self, trunk: &TrunkName) -> usize {
        let lines = self.calls.values().flat_map(|live| &live.lines);
        lines.filter(|line| line.trunk.as_ref() == Some(trunk)).count()
    }

    /// New trunks are in place: what was known of those that are gone, or are somewhere else now, counts no more.
    pub(super) fn forget_changed_trunks(&mut self, old: &[Trunk]) {
        let new = &self.sip.settings().trunks;
        let is_same = |name: &TrunkName| {
            let before = old.iter().find(|trunk| trunk.name == *name);
            let after = new.iter().find(|trunk| trunk.name == *name);
            before
                .zip(after)
                .is_some_and(|(before, after)| before.is_where(after))
        };
        self.trunks.retain(|name, _| is_same(name));
    }

    pub(super) fn trunk_alarms(&self, alarms: &mut Vec<Alarm>) {
        for trunk in &self.settings.sip.trunks {
            let health = self.trunks.get(&trunk.name).copied().unwrap_or_default();
            if let Some(outage) = health.outage {
                let (name, host) = (&trunk.name, &trunk.host);
                alarms.push(Alarm {
                    severity: Severity::Warning,
                    code: "trunk_down",
                    text: format!(
                        "Trunk {name} at {host} is down: {outage}. Check its address, the cable and the PBX."
                    ),
                });
            }
            if let Some(Some(status)) = health.registered {
                alarms.push(Alarm {
                    severity: Severity::Warning,
                    code: "trunk_registration_refused",
                    text: format!(
                        "Trunk {} at {} does not register us ({status}). Check username and password; 408 and 503 mean \
                         it could not be reached.",
                        trunk.name, trunk.host
                    ),
                });
            }
        }
    }
}
