use crate::model::Digit;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How a key press reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// RFC 4733 in the media.
    Media,
    /// SIP INFO.
    Info,
}

/// Tells a key press from its echo: some phones report each press both ways.
///
/// A press heard on one path is an echo when the same key was heard on the other path shortly before and that
/// press has had no echo yet. So `1 1` pressed quickly stays two presses, and a press lost on one path is still
/// heard from the other.
#[derive(Debug, Default)]
pub(super) struct Echo {
    heard: VecDeque<Heard>,
}

#[derive(Debug)]
struct Heard {
    digit: Digit,
    path: Path,
    at: Instant,
}

/// An echo comes within this time: a retransmitted INFO may be late.
const WINDOW: Duration = Duration::from_secs(2);
const MOST: usize = 16;

impl Echo {
    /// Whether this is a new press.
    pub(super) fn is_news(&mut self, now: Instant, digit: Digit, path: Path) -> bool {
        self.heard.retain(|heard| now - heard.at < WINDOW);
        let original = self
            .heard
            .iter()
            .position(|heard| heard.digit == digit && heard.path != path);
        if let Some(place) = original {
            self.heard.remove(place);
            return false;
        }
        if self.heard.len() == MOST {
            self.heard.pop_front();
        }
        self.heard.push_back(Heard { digit, path, at: now });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_press_counts_once_however_it_arrives() {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        let start = Instant::now();
        let mut echo = Echo::default();
        let mut hear = |ms, key, path| {
            echo.is_news(
                start + Duration::from_millis(ms),
                Digit::from_char(key).unwrap(),
                path,
            )
        };
        assert!(hear(0, '1', Path::Media));
        assert!(!hear(20, '1', Path::Info));
        assert!(
            hear(200, '1', Path::Info),
            "the second press, heard the other way first"
        );
        assert!(!hear(220, '1', Path::Media));
        assert!(hear(400, '2', Path::Info), "lost in the media");
        assert!(hear(600, '3', Path::Media));
        assert!(!hear(650, '3', Path::Info));
        assert!(hear(9_000, '2', Path::Media), "much later it is a new press");
    }
}
