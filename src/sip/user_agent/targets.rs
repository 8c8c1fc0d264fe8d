//! Where our trunks are: questions to DNS when they are due, and the target a request of ours goes to.

use super::{Output, UserAgent};
use crate::sip::settings::{is_fit, way_to};
use crate::sip::{Flow, ResolveError, Target};
use std::time::{Duration, Instant};

impl UserAgent {
    /// DNS has answered a question of ours, or has not.
    pub fn resolved(
        &mut self,
        now: Instant,
        token: u64,
        result: Result<Vec<Target>, ResolveError>,
        ttl: Duration,
    ) {
        let listeners = &self.settings.listeners;
        // A token of a configuration that is gone means nothing any more.
        let asked = |trunk: &&mut crate::sip::Trunk| trunk.targets.asked(token);
        let Some(trunk) = self.settings.trunks.iter_mut().find(asked) else {
            return;
        };
        let is_first = trunk.targets.targets().next().is_none();
        trunk
            .targets
            .resolved(now, result, ttl, |target| is_fit(listeners, target));
        if is_first && trunk.targets.targets().next().is_some() {
            let name = trunk.name.clone();
            self.trunk_found(now, &name);
        }
    }

    /// Asks for every name whose answer is missing or has grown old.
    pub(super) fn ask_for_names(&mut self, now: Instant) {
        for trunk in &mut self.settings.trunks {
            let token = self.last_question + 1;
            if let Some(query) = trunk.targets.question(now, token) {
                self.last_question = token;
                self.questions.push_back(query);
            }
        }
    }

    /// When a name has to be asked for.
    pub(super) fn next_question(&self) -> Option<Instant> {
        let started = self.started;
        let trunks = self.settings.trunks.iter();
        trunks
            .filter_map(|trunk| trunk.targets.next_deadline(started))
            .min()
    }

    pub(super) fn next_query(&mut self) -> Option<Output> {
        self.questions.pop_front().map(Output::Resolve)
    }

    /// Where requests to this trunk go now.
    pub(super) fn target_of(&mut self, now: Instant, place: usize) -> Option<(Target, Flow)> {
        let trunk = self.settings.trunks.get_mut(place)?;
        let target = trunk.targets.current(now, &mut self.dice)?;
        Some((target, way_to(&self.settings.listeners, &target)?))
    }

    /// Where a request goes that these targets did not serve.
    pub(super) fn target_after(
        &mut self,
        now: Instant,
        place: usize,
        tried: &[Target],
    ) -> Option<(Target, Flow)> {
        let trunk = self.settings.trunks.get_mut(place)?;
        let target = trunk.targets.after(now, tried, &mut self.dice)?;
        Some((target, way_to(&self.settings.listeners, &target)?))
    }
}
