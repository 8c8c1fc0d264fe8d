use crate::store::tables::meta;
use rusqlite::Connection;
use std::time::{Duration, Instant};

const KEY: &str = "ageing_ms";
const DAY_MS: i64 = 86_400_000;
/// A leap of the clock up to this is believed at once: a box that was switched off or asleep for a while.
const BELIEVED_MS: i64 = 31 * DAY_MS;
/// Beyond that, days pass this many times as fast as by the monotonic clock until they have caught up.
const HASTE: i64 = 24;

/// The clock by which records age. It follows the wall clock, but not over a leap of years: a wrong clock must not cost
/// every record there is before somebody has seen it.
#[derive(Debug)]
pub(in crate::store) struct Ageing {
    now_ms: i64,
    saved_ms: i64,
    looked: Instant,
}

impl Ageing {
    /// Goes on from where the last run left it.
    pub(in crate::store) fn resume(
        connection: &Connection,
        now: Instant,
        wall_ms: i64,
    ) -> Result<Self, rusqlite::Error> {
        let saved = meta::get(connection, KEY)?.and_then(|text| text.parse::<i64>().ok());
        let now_ms = match saved {
            Some(saved) if wall_ms.saturating_sub(saved) > BELIEVED_MS => saved,
            Some(_) | None => wall_ms,
        };
        Ok(Self {
            now_ms,
            saved_ms: saved.unwrap_or(i64::MIN),
            looked: now,
        })
    }

    /// What time it is for the records, in ms since 1970.
    pub(in crate::store) fn pass(&mut self, now: Instant, wall_ms: i64) -> i64 {
        let passed = millis(now.saturating_duration_since(self.looked));
        self.looked = now;
        let ahead = wall_ms.saturating_sub(self.now_ms);
        // A clock that was set back is followed: it keeps records longer.
        self.now_ms = if ahead <= BELIEVED_MS.max(passed.saturating_mul(HASTE)) {
            wall_ms
        } else {
            self.now_ms.saturating_add(passed.saturating_mul(HASTE))
        };
        self.now_ms
    }

    /// What time it was for the records at the last [`Ageing::pass`].
    pub(in crate::store) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Remembers it, once a day: a restart then loses no more.
    pub(in crate::store) fn save(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if self.now_ms.abs_diff(self.saved_ms) < DAY_MS.unsigned_abs() {
            return Ok(());
        }
        meta::set(connection, KEY, Some(&self.now_ms.to_string()))?;
        self.saved_ms = self.now_ms;
        Ok(())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_003_200_000;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
    fn a_clock_that_leaps_by_years_ages_nothing_by_years() {
        let start = Instant::now();
        let mut ageing = Ageing {
            now_ms: NOON,
            saved_ms: NOON,
            looked: start,
        };
        assert_eq!(ageing.pass(after(start, 60), NOON + 60_000), NOON + 60_000);
        let leap = NOON + 10 * 365 * DAY_MS;
        assert_eq!(
            ageing.pass(after(start, 120), leap),
            NOON + 60_000 + 24 * 60_000,
            "an hour for a day, not ten years at once"
        );
        assert_eq!(ageing.pass(after(start, 180), NOON + 180_000), NOON + 180_000);
    }
}
