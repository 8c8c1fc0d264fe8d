use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections in all. Full: a new one is closed at once.
pub(super) const MOST_CONNECTIONS: usize = 1000;
/// Connections of one address. Full: a new one is closed at once.
pub(super) const MOST_OF_ONE_ADDRESS: usize = 20;

/// Counts connections from the moment they are accepted, so that unfinished handshakes count too.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place for one connection; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// A place for a peer that came to us. A proxy or a PBX on this machine may need many.
    pub(super) fn for_guest(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let from = from.to_canonical();
        let most = if from.is_loopback() {
            MOST_CONNECTIONS
        } else {
            MOST_OF_ONE_ADDRESS
        };
        self.take(from, most)
    }

    /// A place for a peer we go to.
    pub(super) fn for_host(self: &Arc<Self>, to: IpAddr) -> Option<Place> {
        self.take(to.to_canonical(), MOST_CONNECTIONS)
    }

    fn take(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Place> {
        let mut taken = self.lock();
        let of_it = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= MOST_CONNECTIONS || of_it >= most {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_it + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }

    fn give_back(&self, address: IpAddr) {
        let mut taken = self.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(count) = taken.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&address);
            }
        }
    }

    /// Connections now.
    pub(super) fn count(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROBUSTNESS 21
    #[test]
    fn one_address_has_twenty_places_and_all_together_a_thousand() {
        let places = Arc::new(Places::default());
        let one: IpAddr = [198, 51, 100, 7].into();
        let mut held: Vec<Place> = (0..MOST_OF_ONE_ADDRESS)
            .map(|_| places.for_guest(one).unwrap())
            .collect();
        assert!(places.for_guest(one).is_none());
        let mapped: IpAddr = "::ffff:198.51.100.7".parse().unwrap();
        assert!(
            places.for_guest(mapped).is_none(),
            "the same address in other clothes"
        );
        held.pop();
        held.push(places.for_guest(one).unwrap());
        for number in 0..MOST_CONNECTIONS - MOST_OF_ONE_ADDRESS {
            let low = u8::try_from(number % 250).unwrap();
            let high = u8::try_from(number / 250).unwrap();
            held.push(places.for_guest([203, 0, high, low].into()).unwrap());
        }
        assert!(
            places.for_guest([192, 0, 2, 1].into()).is_none(),
            "the house is full"
        );
        drop(held);
        assert_eq!(places.count(), 0);
        assert!(places.lock().by_address.is_empty());
    }
}
