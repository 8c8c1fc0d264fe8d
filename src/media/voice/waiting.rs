/// Packets that can wait at once: 200 ms in packets of 5 ms.
const MOST: usize = 40;
/// Bytes of a payload there is room for from the beginning. A longer one makes more room once.
const ROOM: usize = 320;

/// Packets that came and are not heard yet, in the order of their stamps.
#[derive(Debug)]
pub(in crate::media) struct Waiting {
    /// Those in use come first, in order.
    places: Vec<Place>,
    used: usize,
}

/// One packet.
#[derive(Debug, Default)]
pub(in crate::media) struct Place {
    /// When it begins, in ticks since the source's beginning.
    pub(in crate::media) at: i64,
    /// How long it sounds, in ticks; 0 for a word about the silence.
    pub(in crate::media) ticks: i64,
    pub(in crate::media) sequence: u16,
    pub(in crate::media) payload: Vec<u8>,
}

impl Waiting {
    /// Nobody waits.
    pub(in crate::media) fn new() -> Self {
        let place = || Place {
            payload: Vec::with_capacity(ROOM),
            ..Place::default()
        };
        Self {
            places: std::iter::repeat_with(place).take(MOST).collect(),
            used: 0,
        }
    }

    /// Takes a packet in where it belongs. False for a repetition. When all places are taken the oldest gives way.
    pub(in crate::media) fn put(&mut self, at: i64, ticks: i64, sequence: u16, payload: &[u8]) -> bool {
        if self.used == self.places.len() {
            self.drop_first();
        }
        let known = self.places.get(..self.used).unwrap_or_default();
        let place = known.partition_point(|place| place.at < at);
        if known.get(place).is_some_and(|known| known.at == at) {
            return false;
        }
        let Some(free) = self.places.get_mut(self.used) else {
            return false;
        };
        (free.at, free.ticks, free.sequence) = (at, ticks, sequence);
        free.payload.clear();
        free.payload.extend_from_slice(payload);
        self.used += 1;
        if let Some(moved) = self.places.get_mut(place..self.used) {
            moved.rotate_right(1);
        }
        true
    }

    /// The oldest.
    pub(in crate::media) fn first(&self) -> Option<&Place> {
        self.places.first().filter(|_| self.used > 0)
    }

    /// The newest.
    pub(in crate::media) fn last(&self) -> Option<&Place> {
        self.used.checked_sub(1).and_then(|last| self.places.get(last))
    }

    /// The oldest has been heard.
    pub(in crate::media) fn drop_first(&mut self) {
        if let Some(used) = self.places.get_mut(..self.used).filter(|used| !used.is_empty()) {
            used.rotate_left(1);
            self.used -= 1;
        }
    }

    /// Nobody waits any more.
    pub(in crate::media) fn clear(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_in_order_once_and_the_oldest_gives_way() {
        let mut waiting = Waiting::new();
        let came = [320, 0, 160, 160, 480, 0];
        let new = came.map(|at| waiting.put(at, 160, at as u16, &[at as u8; 7]));
        assert_eq!(new, [true, true, true, false, true, false]);
        let mut heard = Vec::new();
        while let Some(first) = waiting.first() {
            assert_eq!(first.payload, [first.at as u8; 7]);
            heard.push(first.at);
            waiting.drop_first();
        }
        assert_eq!(heard, [0, 160, 320, 480]);
        for at in 0..100 {
            waiting.put(at, 1, 0, &[]);
        }
        let first = waiting.first().map(|first| first.at);
        assert_eq!((first, waiting.last().map(|last| last.at)), (Some(60), Some(99)));
        waiting.clear();
        assert!(waiting.first().is_none() && waiting.last().is_none());
    }
}
