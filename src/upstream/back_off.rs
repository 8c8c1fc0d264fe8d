use crate::model::Dice;
use std::time::Duration;

/// How long a destination is left alone after an attempt in vain: the waits that Standard Webhooks recommends, give
/// or take a fifth, so that a thousand boxes do not come back at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// What the waits are shortened to, in thousandths, so that a test need not wait for hours.
    scale_per_mille: u32,
    /// The longest.
    longest: Duration,
}

/// After the first attempt in vain, the second, and so on; the last one from then on.
const WAITS_SECONDS: [u64; 9] = [
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
];

/// The longest a destination may ask for with Retry-After.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

impl Default for BackOff {
    fn default() -> Self {
        Self {
            scale_per_mille: 1000,
            longest: Duration::from_secs(24 * 3600),
        }
    }
}

impl BackOff {
    /// The same waits a thousand times shorter and none longer than `longest`, for tests.
    pub fn hurried(longest: Duration) -> Self {
        Self {
            scale_per_mille: 1,
            longest,
        }
    }

    /// The same with no wait longer than this.
    pub(super) fn capped(self, longest: Duration) -> Self {
        Self {
            longest: self.longest.min(longest),
            ..self
        }
    }

    /// The wait after so many attempts in vain and one more, or longer when the destination asked for that.
    pub(super) fn wait(self, attempts: u32, asked: Option<Duration>, dice: &mut Dice) -> Duration {
        let place = usize::try_from(attempts)
            .unwrap_or(usize::MAX)
            .min(WAITS_SECONDS.len() - 1);
        let seconds = WAITS_SECONDS.get(place).copied().unwrap_or_default();
        let wait = Duration::from_millis(seconds * u64::from(self.scale_per_mille)).min(self.longest);
        let jitter = u32::try_from(dice.roll(401)).unwrap_or(200);
        let wait = wait * (800 + jitter) / 1000;
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_five_seconds_to_a_day_and_spread_by_a_fifth() {
        let mut dice = Dice::from_number(7);
        let back_off = BackOff::default();
        for (attempts, seconds) in [
            (0, 5.0),
            (1, 300.0),
            (2, 1800.0),
            (8, 86_400.0),
            (u32::MAX, 86_400.0),
        ] {
            let waits: Vec<f64> = (0..200)
                .map(|_| back_off.wait(attempts, None, &mut dice).as_secs_f64())
                .collect();
            assert!(
                waits
                    .iter()
                    .all(|wait| (0.8 * seconds..=1.2 * seconds).contains(wait))
            );
            assert!(
                waits.iter().any(|wait| *wait < 0.9 * seconds)
                    && waits.iter().any(|wait| *wait > 1.1 * seconds)
            );
        }
    }

    #[test]
    fn a_destination_may_ask_for_more_time_but_not_for_ever() {
        let mut dice = Dice::from_number(7);
        let wait = BackOff::default().wait(0, Some(Duration::from_secs(90)), &mut dice);
        assert_eq!(wait, Duration::from_secs(90));
        assert_eq!(
            BackOff::default().wait(0, Some(Duration::MAX), &mut dice),
            LONGEST_ASKED
        );
    }

    #[test]
    fn the_owner_may_ask_for_shorter_waits() {
        let mut dice = Dice::from_number(7);
        let back_off = BackOff::default().capped(Duration::from_secs(60));
        assert!(back_off.wait(7, None, &mut dice) <= Duration::from_secs(72));
    }
}
