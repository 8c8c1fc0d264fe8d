//! Registrations that were only confirmed go to the journal together: a phone refreshes every few minutes for years,
//! and none of that is worth a row of its own.

use super::{Engine, Output};
use crate::model::{Entry, Number};
use crate::sip;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long a refresh waits for company.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many in one entry.
const LOT: usize = 256;

/// Confirmed registrations that the journal has not heard of.
#[derive(Debug, Default)]
pub(super) struct Refreshes {
    waiting: BTreeSet<(Number, String)>,
    due: Option<Instant>,
}

impl Refreshes {
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// `before` is when the registration would have ended as the journal knows it: it is told by half of that time, so
    /// that a restart never finds a phone expired that is not.
    fn remember(&mut self, now: Instant, binding: &sip::Binding, before: Instant) {
        if !self
            .waiting
            .insert((binding.extension.clone(), binding.contact.clone()))
        {
            return; // What counts is what the journal knows, and that is older.
        }
        let half = before.saturating_duration_since(now) / 2;
        let due = now + PATIENCE.min(half);
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// The journal learns of this contact in another way.
    fn forget(&mut self, extension: &Number, contact: &str) {
        self.waiting.remove(&(extension.clone(), contact.to_owned()));
    }
}

impl Engine {
    /// A phone is new, or something about it: the journal knows at once.
    pub(super) fn keep_binding(&mut self, now: Instant, binding: &sip::Binding) {
        self.refreshes.forget(&binding.extension, &binding.contact);
        let unix_ms = self.clock.stamp(now).unix_ms;
        self.journal(Entry::Bound(binding.journal(now, unix_ms)));
    }

    /// A phone only said that it is still there.
    pub(super) fn keep_refresh(&mut self, now: Instant, binding: &sip::Binding, before: Instant) {
        self.refreshes.remember(now, binding, before);
    }

    /// A phone is gone.
    pub(super) fn keep_unbound(&mut self, gone: sip::Unbound) {
        self.refreshes.forget(&gone.extension, &gone.contact);
        let sip::Unbound { extension, contact } = gone;
        self.journal(Entry::Unbound { extension, contact });
    }

    pub(super) fn journal_due_refreshes(&mut self, now: Instant) {
        if self.refreshes.due.is_some_and(|due| due <= now) {
            self.journal_refreshes(now);
        }
    }

    /// Everything that waits.
    pub(super) fn journal_refreshes(&mut self, now: Instant) {
        let unix_ms = self.clock.stamp(now).unix_ms;
        self.refreshes.due = None;
        let waiting = std::mem::take(&mut self.refreshes.waiting);
        let mut bindings = waiting
            .iter()
            .filter_map(|(extension, contact)| self.sip.registration(extension, contact))
            .map(|binding| binding.journal(now, unix_ms))
            .peekable();
        let mut entries = Vec::new();
        while bindings.peek().is_some() {
            entries.push(Entry::Refreshed(bindings.by_ref().take(LOT).collect()));
        }
        self.out.extend(entries.into_iter().map(Output::Journal));
    }
}
