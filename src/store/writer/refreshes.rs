use crate::model::{Binding, Number};
use std::collections::BTreeMap;
use std::time::Instant;

/// Registrations whose only news is a later expiry, by extension and contact, with the instant each has to be
/// written.
#[derive(Default)]
pub(in crate::store) struct Refreshes {
    waiting: BTreeMap<(Number, String), (Binding, Instant)>,
}

impl Refreshes {
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|(_, due)| *due).min()
    }

    pub(super) fn remember(&mut self, binding: Binding, due: Instant) {
        let key = (binding.extension.clone(), binding.contact.clone());
        // The stored row grows older with each refresh that is not written, so the first one's instant
        // counts.
        let due = self
            .waiting
            .get(&key)
            .map_or(due, |(_, earlier)| due.min(*earlier));
        self.waiting.insert(key, (binding, due));
    }

    pub(super) fn forget(&mut self, extension: &Number, contact: &str) {
        self.waiting.remove(&(extension.clone(), contact.to_owned()));
    }

    pub(super) fn take_all(&mut self) -> Vec<Binding> {
        std::mem::take(&mut self.waiting)
            .into_values()
            .map(|(binding, _)| binding)
            .collect()
    }
}

/// Whether a registration says nothing new but that it lasts longer.
pub(super) fn is_refresh(stored: &Binding, fresh: &Binding) -> bool {
    let same_but_time = Binding {
        expires_at_unix_ms: stored.expires_at_unix_ms,
        cseq: stored.cseq,
        call_id: stored.call_id.clone(),
        ..fresh.clone()
    };
    same_but_time == *stored
}
