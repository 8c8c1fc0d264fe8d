use super::Digest;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Requests that may come at once, whatever the rate: a page with its parts, a program that catches up.
const AT_ONCE: u32 = 300;
/// From so many entries on, those that are full again are thrown away.
const MANY: usize = 256;

/// A token bucket for each token, session or address that may ask without one, so that a program gone wild slows nobody
/// but itself. Holds entries of those alone who asked within the last minutes.
#[derive(Debug)]
pub(in crate::http) struct Allowance {
    /// One request is put back after so long.
    pause: Duration,
    /// When each bucket is full again.
    full_at: HashMap<Digest, Instant>,
}

impl Allowance {
    /// Lets so many requests a minute pass in the long run.
    pub(in crate::http) fn new(requests_per_minute: u32) -> Self {
        Self {
            pause: Duration::from_secs(60) / requests_per_minute.max(1),
            full_at: HashMap::new(),
        }
    }

    /// Takes a request out of the bucket, or says after how long there is one again.
    pub(in crate::http) fn spend(&mut self, now: Instant, who: Digest) -> Result<(), Duration> {
        if self.full_at.len() >= MANY {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let before = self.full_at.get(&who).copied().unwrap_or(now).max(now);
        let after = before + self.pause;
        let missing = after.saturating_duration_since(now);
        let room = self.pause * AT_ONCE;
        if missing > room {
            return Err(missing.saturating_sub(room));
        }
        self.full_at.insert(who, after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from"
    )]
    fn a_bucket_runs_empty_fills_again_and_is_nobody_elses() {
        let start = Instant::now();
        let (one, other) = (Digest::of("one"), Digest::of("other"));
        let mut allowance = Allowance::new(60);
        for _ in 0..AT_ONCE {
            assert_eq!(allowance.spend(start, one), Ok(()));
        }
        assert_eq!(allowance.spend(start, one), Err(Duration::from_secs(1)));
        assert_eq!(allowance.spend(start, other), Ok(()));
        let later = start + Duration::from_millis(2500);
        assert_eq!(allowance.spend(later, one), Ok(()));
        assert_eq!(allowance.spend(later, one), Ok(()));
        assert_eq!(allowance.spend(later, one), Err(Duration::from_millis(500)));
        // A refusal takes nothing.
        let refilled = start + Duration::from_secs(3);
        assert_eq!(allowance.spend(refilled, one), Ok(()));
        assert!(allowance.spend(refilled, one).is_err());
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from"
    )]
    fn those_who_have_not_asked_for_long_are_forgotten() {
        let start = Instant::now();
        let mut allowance = Allowance::new(600);
        for number in 0..MANY {
            allowance.spend(start, Digest::of(&number.to_string())).unwrap();
        }
        allowance
            .spend(start + Duration::from_secs(1), Digest::of("later"))
            .unwrap();
        assert_eq!(allowance.full_at.len(), 1);
    }
}
