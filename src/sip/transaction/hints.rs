//! When to look at which transaction. A hint is no timer: the machine's own state says whether it is due, so a stale
//! hint costs one look and nothing has to be cancelled.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

/// The spans that nearly all hints have: T1, T2 or T4, and 64·T1, and one more for what is between them.
const LANES: usize = 4;

/// Hints, the earliest first.
///
/// Nearly all of them lie one of a few spans ahead of the moment they are noted (RFC 3261 §17, table 4), and hints of
/// one span come in the order of their time by themselves. So each span finds a lane of its own to wait in, behind the
/// one before it, and a rush of calls, whose transactions linger for half a minute, costs a step for each hint. What fits
/// behind no lane goes into a heap.
#[derive(Debug)]
pub(super) struct Hints<Id> {
    lanes: [VecDeque<(Instant, Id)>; LANES],
    rest: BinaryHeap<Reverse<(Instant, Id)>>,
}

impl<Id: Copy + Ord> Hints<Id> {
    pub(super) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|_| VecDeque::new()),
            rest: BinaryHeap::new(),
        }
    }

    /// Look at this one then.
    pub(super) fn note(&mut self, at: Instant, id: Id) {
        match self.lane_for(at) {
            Some(lane) => lane.push_back((at, id)),
            None => self.rest.push(Reverse((at, id))),
        }
    }

    /// The fullest lane in time that this hint may stand behind, else one nobody stands in.
    fn lane_for(&mut self, at: Instant) -> Option<&mut VecDeque<(Instant, Id)>> {
        let behind = |lane: &VecDeque<(Instant, Id)>| match lane.back() {
            Some((last, _)) if *last > at => None,
            last => Some(last.map(|(last, _)| *last)),
        };
        let fitting = self
            .lanes
            .iter_mut()
            .filter_map(|lane| Some((behind(lane)?, lane)));
        fitting.max_by_key(|(last, _)| *last).map(|(_, lane)| lane)
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(VecDeque::front);
        let rest = self.rest.peek().map(|Reverse(hint)| hint);
        lanes.chain(rest).map(|(at, _)| *at).min()
    }

    /// Takes out the next one that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Id> {
        let first = self.lanes.iter_mut().filter(|lane| !lane.is_empty());
        let first = first.min_by_key(|lane| lane.front().copied());
        let rest = self.rest.peek().map(|Reverse(hint)| *hint);
        let waiting = first.as_ref().and_then(|lane| lane.front().copied());
        let (at, id) = [waiting, rest].into_iter().flatten().min()?;
        if at > now {
            return None;
        }
        match first.filter(|_| waiting == Some((at, id))) {
            Some(lane) => drop(lane.pop_front()),
            None => drop(self.rest.pop()),
        }
        Some(id)
    }

    /// Gives the room of a past rush back.
    pub(super) fn shrink(&mut self, small: usize) {
        for lane in &mut self.lanes {
            if lane.len() * 4 < lane.capacity() {
                lane.shrink_to(small);
            }
        }
        if self.rest.len() * 4 < self.rest.capacity() {
            self.rest.shrink_to(small);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::origin;
    use super::*;
    use crate::model::Dice;
    use std::time::Duration;

    #[test]
    fn hints_come_out_in_the_order_of_their_time_whatever_order_they_went_in() {
        let (mut now, mut dice, mut hints) = (origin(), Dice::from_number(5), Hints::new());
        let mut noted = Vec::new();
        for id in 0..10_000_u32 {
            now += Duration::from_millis(dice.roll(4));
            let span = match dice.roll(8) {
                0 => dice.roll(40_000),
                1..=3 => 500,
                4 => 5000,
                _ => 32_000,
            };
            let at = now + Duration::from_millis(span);
            hints.note(at, id);
            noted.push((at, id));
            let due: Vec<u32> = std::iter::from_fn(|| hints.pop_due(now)).collect();
            let mut expected: Vec<_> = noted.extract_if(.., |(at, _)| *at <= now).collect();
            expected.sort_by_key(|(at, _)| *at);
            assert_eq!(due.len(), expected.len());
            let times = |id: &u32| expected.iter().find(|(_, own)| own == id).map(|(at, _)| *at);
            assert!(due.is_sorted_by_key(times), "{due:?}");
            assert_eq!(hints.next(), noted.iter().map(|(at, _)| *at).min());
        }
    }

    #[test]
    fn the_spans_of_the_standard_need_no_heap() {
        let (now, mut hints) = (origin(), Hints::new());
        for step in 0..1000_u64 {
            for (place, span) in [500, 5000, 32_000].into_iter().enumerate() {
                hints.note(now + Duration::from_millis(step + span), (step, place));
            }
        }
        assert!(hints.rest.is_empty());
        while hints.pop_due(now + Duration::from_secs(60)).is_some() {}
        hints.shrink(8);
        assert!(
            hints
                .lanes
                .iter()
                .all(|lane| lane.is_empty() && lane.capacity() <= 8)
        );
        assert_eq!(hints.next(), None);
    }
}
