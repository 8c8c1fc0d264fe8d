use crate::model::Digit;
use std::time::{Duration, Instant};

/// How a key press is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPath {
    /// RFC 4733 in the media.
    Event,
    /// SIP INFO.
    Info,
    /// Two frequencies in the voice.
    Tone,
}

/// Tells a key press from its echo: some phones report each press in two ways, or in all three.
///
/// A press heard on one path is an echo when the same key was heard on another path shortly before and that press has
/// not been heard on this path yet. So `1 1` pressed quickly stays two presses, and a press lost on one path is still
/// heard from another.
///
/// Asked for packets, so it has a fixed size.
#[derive(Debug, Default)]
pub struct Echo {
    heard: [Option<Heard>; MOST],
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    digit: Digit,
    /// One bit for each path.
    paths: u8,
    at: Instant,
}

/// An echo comes within this time: a retransmitted INFO may be late.
const WINDOW: Duration = Duration::from_secs(2);
/// Presses remembered. Full: the oldest is forgotten.
const MOST: usize = 16;

impl Echo {
    /// Whether this is a new press.
    pub fn is_news(&mut self, now: Instant, digit: Digit, path: KeyPath) -> bool {
        let bit = match path {
            KeyPath::Event => 1,
            KeyPath::Info => 2,
            KeyPath::Tone => 4,
        };
        let is_fresh = |heard: &Heard| now.saturating_duration_since(heard.at) < WINDOW;
        let original = self
            .heard
            .iter_mut()
            .flatten()
            .filter(|heard| heard.digit == digit && heard.paths & bit == 0 && is_fresh(heard))
            .min_by_key(|heard| heard.at);
        if let Some(original) = original {
            original.paths |= bit;
            return false;
        }
        // A free place, else the oldest one: `None` is less than any instant.
        let place = self
            .heard
            .iter_mut()
            .min_by_key(|place| place.map(|heard| heard.at));
        if let Some(place) = place {
            let (paths, at) = (bit, now);
            *place = Some(Heard { digit, paths, at });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;

    /// Which of these reports are news: milliseconds, key, path.
    fn news(reports: &[(u64, char, KeyPath)]) -> String {
        let (start, mut echo) = (origin(), Echo::default());
        let mut new = |(millis, key, path): &(u64, char, KeyPath)| {
            let digit = Digit::from_char(*key).unwrap();
            echo.is_news(start + Duration::from_millis(*millis), digit, *path)
        };
        reports
            .iter()
            .filter(|report| new(report))
            .map(|(_, key, _)| key)
            .collect()
    }

    #[test]
    fn each_press_counts_once_however_it_arrives() {
        use KeyPath::{Event, Info};
        let reports = [
            (0, '1', Event),
            (20, '1', Info),
            (200, '1', Info), // The second press, heard the other way first.
            (220, '1', Event),
            (400, '2', Info), // Lost in the media.
            (600, '3', Event),
            (650, '3', Info),
            (9_000, '2', Event), // Much later it is a new press.
        ];
        assert_eq!(news(&reports), "11232");
    }

    #[test]
    fn a_press_told_in_all_three_ways_is_one_in_whatever_order_they_come() {
        use KeyPath::{Event, Info, Tone};
        for order in [
            [Event, Tone, Info],
            [Event, Info, Tone],
            [Tone, Event, Info],
            [Tone, Info, Event],
            [Info, Event, Tone],
            [Info, Tone, Event],
        ] {
            let once = order.map(|path| (0, '7', path));
            assert_eq!(news(&once), "7", "{order:?}");
            let one_after_the_other = [once, order.map(|path| (150, '7', path))].concat();
            assert_eq!(news(&one_after_the_other), "77", "{order:?}");
            let late: Vec<_> = order
                .iter()
                .enumerate()
                .flat_map(|(lag, path)| [0, 150, 300].map(|at| (at + 400 * lag as u64, '7', *path)))
                .collect();
            assert_eq!(news(&late), "777", "{order:?}");
        }
    }

    #[test]
    fn a_key_leant_on_for_ever_fills_no_memory() {
        let mut echo = Echo::default();
        for _ in 0..1000 {
            echo.is_news(origin(), Digit::from_event(1).unwrap(), KeyPath::Info);
        }
        assert!(echo.is_news(origin(), Digit::from_event(1).unwrap(), KeyPath::Info));
    }
}
