use crate::model::Dice;
use std::time::Duration;

/// How long a destination is left alone after an attempt in vain: twice as long each time, up to a limit,
/// give or take a fifth, so that a thousand boxes do not come back at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first attempt in vain.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
        }
    }
}

/// The longest a destination may ask for with Retry-After.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

impl BackOff {
    /// The wait after attempt number `attempts + 1`, or longer when the destination asked for that.
    pub(super) fn wait(self, attempts: u32, asked: Option<Duration>, dice: &mut Dice) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(attempts))
            .min(self.longest);
        let jitter = u32::try_from(dice.roll(401)).unwrap_or(200);
        let wait = doubled * (800 + jitter) / 1000;
        wait.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_limit_and_spread_by_a_fifth() {
        let mut dice = Dice::from_number(7);
        let back_off = BackOff::default();
        for (attempts, seconds) in [(0, 1.0), (1, 2.0), (5, 32.0), (9, 300.0), (u32::MAX, 300.0)] {
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
}
