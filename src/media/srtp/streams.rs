/// Sources remembered at once. A phone has one; one that begins anew after each hold has a few.
const SOURCES: usize = 8;
/// How far back a packet may come late, in packets (RFC 3711 §3.3.2 wants 64 at least).
const WINDOW: u64 = 128;
/// Packets under one key (RFC 3711 §9.2): 48 bits of index.
const END: u64 = 1 << 48;

/// Rollover counters and what was seen, for each source (RFC 3711 §3.2.1).
#[derive(Debug, Default)]
pub(super) struct Streams {
    known: [Option<Stream>; SOURCES],
    clock: u64,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    ssrc: u32,
    /// The highest index so far.
    highest: u64,
    /// Bit n: the packet n before the highest was here.
    seen: u128,
    used_at: u64,
}

/// Where a sequence number lies among all of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The source is known; the index is the nearest to its highest (RFC 3711 §3.3.1).
    Known(u64),
    /// The source is new.
    New,
    /// It was here before, or comes so late that nobody can tell.
    Stale,
}

impl Streams {
    /// Places a sequence number.
    pub(super) fn place(&self, ssrc: u32, sequence: u16) -> Standing {
        let Some(stream) = self.find(ssrc) else {
            return Standing::New;
        };
        let step = sequence.wrapping_sub(stream.highest as u16).cast_signed();
        let index = stream.highest.checked_add_signed(i64::from(step));
        match index.filter(|index| stream.is_news(*index)) {
            Some(index) => Standing::Known(index),
            None => Standing::Stale,
        }
    }

    /// Whether an index that was told in full is news.
    pub(super) fn is_news(&self, ssrc: u32, index: u64) -> bool {
        index < END && self.find(ssrc).is_none_or(|stream| stream.is_news(index))
    }

    /// Remembers a packet that proved genuine. A new source takes the place of the one that has been silent longest.
    pub(super) fn keep(&mut self, ssrc: u32, index: u64) {
        self.clock += 1;
        let used_at = self.clock;
        if let Some(stream) = self.known.iter_mut().flatten().find(|one| one.ssrc == ssrc) {
            stream.keep(index);
            stream.used_at = used_at;
            return;
        }
        let oldest = self
            .known
            .iter_mut()
            .min_by_key(|place| place.map_or(0, |stream| stream.used_at));
        if let Some(place) = oldest {
            *place = Some(Stream {
                ssrc,
                highest: index,
                seen: 1,
                used_at,
            });
        }
    }

    fn find(&self, ssrc: u32) -> Option<&Stream> {
        self.known.iter().flatten().find(|stream| stream.ssrc == ssrc)
    }
}

impl Stream {
    fn is_news(&self, index: u64) -> bool {
        if index >= END {
            return false;
        }
        let Some(back) = self.highest.checked_sub(index) else {
            return true;
        };
        back < WINDOW && self.seen >> back & 1 == 0
    }

    fn keep(&mut self, index: u64) {
        if let Some(back) = self.highest.checked_sub(index) {
            if back < WINDOW {
                self.seen |= 1 << back;
            }
            return;
        }
        let step = index - self.highest;
        self.seen = if step < WINDOW { self.seen << step } else { 0 };
        self.seen |= 1;
        self.highest = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dice;
    use std::collections::HashSet;

    /// The rollover counter of a source.
    fn rollover(streams: &Streams, ssrc: u32) -> Option<u64> {
        streams.find(ssrc).map(|stream| stream.highest >> 16)
    }

    fn pass(streams: &mut Streams, sequence: u16) -> Option<u64> {
        match streams.place(7, sequence) {
            Standing::Known(index) => {
                streams.keep(7, index);
                Some(index)
            }
            Standing::New => {
                streams.keep(7, u64::from(sequence));
                Some(u64::from(sequence))
            }
            Standing::Stale => None,
        }
    }

    #[test]
    fn the_counter_rolls_over_and_late_packets_belong_to_the_turn_before() {
        let mut streams = Streams::default();
        let table = [
            (65_533, Some(65_533)),
            (65_535, Some(65_535)),
            (1, Some(65_537)),
            (65_534, Some(65_534)),
            (0, Some(65_536)),
            (65_534, None),
            (0, None),
            (2, Some(65_538)),
        ];
        for (sequence, index) in table {
            assert_eq!(pass(&mut streams, sequence), index, "{sequence}");
        }
        assert_eq!(rollover(&streams, 7), Some(1));
    }

    #[test]
    fn before_the_first_turn_there_is_nothing() {
        let mut streams = Streams::default();
        assert_eq!(pass(&mut streams, 3), Some(3));
        assert_eq!(pass(&mut streams, 65_000), None);
    }

    #[test]
    fn every_packet_counts_once_however_they_are_mixed() {
        let mut dice = Dice::from_number(3);
        let mut streams = Streams::default();
        let (mut seen, mut highest) = (HashSet::new(), 60_000u64);
        pass(&mut streams, 60_000);
        seen.insert(highest);
        for _ in 0..200_000 {
            let index = match dice.roll(2) {
                0 => highest + dice.roll(12),
                _ => highest - dice.roll(160),
            };
            let is_news = index > highest || (highest - index < WINDOW && !seen.contains(&index));
            let placed = pass(&mut streams, index as u16);
            assert_eq!(placed, is_news.then_some(index), "{index} after {highest}");
            if is_news {
                seen.insert(index);
                highest = highest.max(index);
            }
        }
        assert!(highest > 5 * 65_536);
    }

    #[test]
    fn sources_have_counters_of_their_own_and_the_quietest_is_forgotten_first() {
        let mut streams = Streams::default();
        for ssrc in 0..8 {
            streams.keep(ssrc, u64::from(ssrc) << 16);
        }
        streams.keep(0, 1);
        streams.keep(99, 5);
        assert_eq!(rollover(&streams, 0), Some(0));
        assert_eq!(rollover(&streams, 1), None);
        assert_eq!(rollover(&streams, 7), Some(7));
        assert_eq!(streams.place(1, 9), Standing::New);
    }

    #[test]
    fn a_key_ends_with_its_last_index() {
        let mut streams = Streams::default();
        streams.keep(7, END - 1);
        assert_eq!(streams.place(7, 0), Standing::Stale);
        assert!(!streams.is_news(8, END));
    }
}
