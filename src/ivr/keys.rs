use crate::model::Digit;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Keys remembered for the call record. A caller who leans on the keypad fills this and no more.
const LONGEST_RECORD: usize = 200;
/// Keys kept for the steps to come. Full: the newest key is dropped, as a caller who typed that far ahead is lost anyway.
const FARTHEST_AHEAD: usize = 32;
/// How long after a full entry its finish key is still taken as part of it.
const AFTERTHOUGHT: Duration = Duration::from_secs(2);
/// What stands in the record for a key nobody may read.
const MASK: &str = "x";

/// Every key the caller pressed, and those of them that no step has used yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    record: String,
    ahead: VecDeque<(Digit, Option<usize>)>,
    afterthought: Option<(Digit, Instant)>,
}

impl Keys {
    /// Writes a key down as pressed now and puts it at the end of the line. Says whether a step may take it:
    /// a finish key pressed right after an entry that was already full belongs to that entry and is not offered.
    pub(super) fn press(&mut self, now: Instant, key: Digit) -> bool {
        let place = (self.record.len() < LONGEST_RECORD).then_some(self.record.len());
        if place.is_some() {
            self.record.push(key.as_char());
        }
        if let Some((finish, until)) = self.afterthought.take()
            && finish == key
            && now <= until
        {
            return false;
        }
        if self.ahead.len() < FARTHEST_AHEAD {
            self.ahead.push_back((key, place));
        }
        true
    }

    /// Whether there are keys that no step has used.
    pub(super) fn are_waiting(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The oldest key that no step has used.
    pub(super) fn take(&mut self) -> Option<Digit> {
        self.ahead.pop_front().map(|(key, _)| key)
    }

    /// The same, and the record no longer shows which key it was.
    pub(super) fn take_secretly(&mut self) -> Option<Digit> {
        let (key, place) = self.ahead.pop_front()?;
        if let Some(place) = place {
            self.record.replace_range(place..=place, MASK); // Keys are ASCII: one byte each.
        }
        Some(key)
    }

    /// Forgets the keys that no step has used.
    pub(super) fn drop_unused(&mut self) {
        self.ahead.clear();
    }

    /// Swallows this key if it is the next one and comes soon.
    pub(super) fn expect_afterthought(&mut self, now: Instant, finish: Digit) {
        self.afterthought = Some((finish, now + AFTERTHOUGHT));
    }

    /// All keys in order, secret ones masked.
    pub(super) fn record(&self) -> &str {
        &self.record
    }
}

/// How an entry is stored when it is secret: as long, and unreadable.
pub(super) fn masked(entry: &str) -> String {
    MASK.repeat(entry.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::rehearsal::origin;

    fn key(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    #[test]
    fn a_key_taken_secretly_is_masked_even_when_it_was_typed_ahead() {
        let (mut keys, now) = (Keys::default(), origin());
        for pressed in ['1', '2', '3'] {
            keys.press(now, key(pressed));
        }
        assert_eq!(keys.take(), Some(key('1')));
        assert_eq!(keys.take_secretly(), Some(key('2')));
        assert_eq!(keys.record(), "1x3");
    }

    #[test]
    fn a_caller_leaning_on_the_keypad_fills_neither_memory_nor_record() {
        let (mut keys, now) = (Keys::default(), origin());
        for _ in 0..10_000 {
            keys.press(now, key('5'));
        }
        assert_eq!(keys.record().len(), LONGEST_RECORD);
        assert_eq!(keys.ahead.len(), FARTHEST_AHEAD);
    }
}
