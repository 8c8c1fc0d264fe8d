use super::sockets::Pair;
use crate::media::Session;
use crate::model::LegKey;
use std::collections::HashMap;

/// One leg on this thread.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) key: LegKey,
    pub(super) session: Session,
    pub(super) sockets: Pair,
    /// The other side of the bridge, when packets are passed on as they are.
    pub(super) peer: Option<usize>,
    /// The mixer it meets others in.
    pub(super) mixer: Option<usize>,
    /// The tape that listens to it, and on which channel.
    pub(super) tape: Option<(usize, usize)>,
    /// The tape that it is heard on beside the two whose conversation that is.
    pub(super) guest_on: Option<usize>,
    /// Whether what it says is kept off the tape.
    pub(super) is_secret: bool,
    /// The playout phase it belongs to while something plays.
    pub(super) phase: Option<usize>,
    /// Datagrams that its report port may still bring before the next sweep; none in a flood.
    pub(super) reports_left: u16,
}

/// The legs of a thread, each at a place that stays the same while it lives.
#[derive(Debug, Default)]
pub(super) struct Legs {
    places: Vec<Option<Leg>>,
    free: Vec<usize>,
    by_key: HashMap<LegKey, usize>,
}

impl Legs {
    /// Takes a leg in, and gives its place.
    pub(super) fn insert(&mut self, leg: Leg) -> usize {
        let key = leg.key;
        let place = self.free.pop().unwrap_or(self.places.len());
        match self.places.get_mut(place) {
            Some(free) => *free = Some(leg),
            None => self.places.push(Some(leg)),
        }
        self.by_key.insert(key, place);
        place
    }

    /// Where a leg lives.
    pub(super) fn place(&self, key: LegKey) -> Option<usize> {
        self.by_key.get(&key).copied()
    }

    /// The leg at a place.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Leg> {
        self.places.get_mut(place)?.as_mut()
    }

    /// Lets a leg go.
    pub(super) fn remove(&mut self, place: usize) -> Option<Leg> {
        let leg = self.places.get_mut(place)?.take()?;
        self.by_key.remove(&leg.key);
        self.free.push(place);
        Some(leg)
    }

    /// How many places there are, with and without a leg.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// All legs.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Leg> {
        self.places.iter_mut().flatten()
    }

    /// The places of all legs.
    pub(super) fn all_places(&self) -> Vec<usize> {
        self.by_key.values().copied().collect()
    }
}
