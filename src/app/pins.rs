use crate::egress::{Fingerprint, PinBook};
use crate::store::{Clock, PinRow, PinShelf, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The keys that were pinned on first use: in memory for the handshakes, in the store for the next start.
#[derive(Debug)]
pub(super) struct PinDesk {
    rows: Mutex<BTreeMap<String, PinRow>>,
    /// Destinations whose row is not in the store as it is here.
    unwritten: Arc<Mutex<BTreeSet<String>>>,
    shelf: PinShelf,
    clock: Clock,
}

impl PinDesk {
    /// The desk with what the last run knew.
    pub(super) fn open(store: &Store, clock: Clock) -> Result<Self, StoreError> {
        let known = store.reader().pins()?;
        let rows = known
            .into_iter()
            .map(|row| (row.destination.clone(), row))
            .collect();
        Ok(Self {
            rows: Mutex::new(rows),
            unwritten: Arc::default(),
            shelf: store.pins(),
            clock,
        })
    }

    /// Every pinned key, by destination.
    pub(super) fn all(&self) -> Vec<PinRow> {
        self.with(|rows| rows.values().cloned().collect())
    }

    /// Believes the other key that an upstream of this name showed; nothing when it showed none.
    pub(super) fn accept(&self, upstream: &str) -> Option<PinRow> {
        let owner = format!("upstream/{upstream}@");
        let now = (self.clock.unix_ms)();
        let accepted = self.with(|rows| {
            let row = rows
                .values_mut()
                .find(|row| row.destination.starts_with(&owner) && row.shown.is_some())?;
            row.kept = row.shown.take()?;
            row.kept_ms = now;
            row.shown_ms = None;
            Some(row.clone())
        })?;
        self.write(accepted.clone());
        Some(accepted)
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<String, PinRow>) -> T) -> T {
        look(&mut self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes a row down. One that could not be written is told of, and written when its destination is met again.
    fn write(&self, row: PinRow) {
        let (unwritten, destination) = (Arc::clone(&self.unwritten), row.destination.clone());
        self.shelf.put(row, move |outcome| {
            let mut unwritten = unwritten.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(()) => drop(unwritten.remove(&destination)),
                Err(reason) => {
                    tracing::error!(
                        destination, reason,
                        "The pinned key of {destination} is not written down ({reason}); a restart now would believe any other."
                    );
                    unwritten.insert(destination);
                }
            }
        });
    }

    fn is_unwritten(&self, destination: &str) -> bool {
        let unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.contains(destination)
    }

    /// Changes a row that is known, and writes it down if it is another one then, or was not written.
    fn change(&self, destination: &str, change: impl FnOnce(&mut PinRow)) {
        let changed = self.with(|rows| {
            let row = rows.get_mut(destination)?;
            let before = row.clone();
            change(row);
            (before != *row || self.is_unwritten(destination)).then(|| row.clone())
        });
        if let Some(row) = changed {
            self.write(row);
        }
    }
}

impl PinBook for PinDesk {
    fn pinned(&self, destination: &str) -> Option<Fingerprint> {
        self.with(|rows| rows.get(destination)?.kept.parse().ok())
    }

    fn remember(&self, destination: &str, key: Fingerprint) {
        let row = PinRow {
            destination: destination.to_owned(),
            kept: key.to_string(),
            kept_ms: (self.clock.unix_ms)(),
            shown: None,
            shown_ms: None,
        };
        tracing::info!(destination, %key, "{destination} is pinned to the key {key}.");
        self.with(|rows| rows.insert(destination.to_owned(), row.clone()));
        self.write(row);
    }

    fn refused(&self, destination: &str, kept: Fingerprint, shown: Fingerprint) {
        let now = (self.clock.unix_ms)();
        self.change(destination, |row| {
            if row.shown != Some(shown.to_string()) {
                tracing::error!(
                    destination, %kept, %shown,
                    "{destination} shows the key {shown} in place of the pinned {kept} and is refused."
                );
                row.shown = Some(shown.to_string());
                row.shown_ms = Some(now);
            }
        });
    }

    fn confirmed(&self, destination: &str) {
        self.change(destination, |row| {
            row.shown = None;
            row.shown_ms = None;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::clock::for_store;
    use crate::store::Options;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn key(byte: u8) -> Fingerprint {
        format!("sha256/{}", STANDARD.encode([byte; 32])).parse().unwrap()
    }

    #[test]
    fn a_pin_survives_a_restart_and_a_changed_key_waits_to_be_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let place = "upstream/crm@head-office.example";
        let open = || Store::open(dir.path(), Options::new(for_store())).unwrap().store;
        let store = open();
        let desk = PinDesk::open(&store, for_store()).unwrap();
        assert_eq!(desk.pinned(place), None);
        desk.remember(place, key(1));
        desk.refused(place, key(1), key(2));
        drop(desk);
        store.shutdown();

        let store = open();
        let desk = PinDesk::open(&store, for_store()).unwrap();
        assert_eq!(desk.pinned(place), Some(key(1)));
        assert_eq!(desk.all()[0].shown, Some(key(2).to_string()));
        assert_eq!(desk.accept("cr"), None);
        assert!(desk.accept("crm").is_some());
        assert_eq!(desk.pinned(place), Some(key(2)));
        assert_eq!(desk.accept("crm"), None);
        drop(desk);
        store.shutdown();
    }

    #[test]
    fn a_pin_that_could_not_be_written_is_written_when_its_destination_is_met_again() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Store::open(dir.path(), Options::new(for_store())).unwrap().store;
        let store = open();
        let mut desk = PinDesk::open(&store, for_store()).unwrap();
        store.shutdown();
        desk.remember("a@b", key(1));
        assert!(desk.is_unwritten("a@b"));
        let store = open();
        desk.shelf = store.pins();
        desk.confirmed("a@b");
        store.shutdown();
        assert!(!desk.is_unwritten("a@b"));
        let store = open();
        assert_eq!(store.reader().pins().unwrap()[0].kept, key(1).to_string());
        store.shutdown();
    }

    #[test]
    fn the_old_key_shown_again_ends_the_alarm() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Options::new(for_store())).unwrap().store;
        let desk = PinDesk::open(&store, for_store()).unwrap();
        desk.remember("a@b", key(1));
        desk.refused("a@b", key(1), key(2));
        desk.confirmed("a@b");
        assert_eq!(desk.all()[0].shown, None);
        drop(desk);
        store.shutdown();
    }
}
