use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// The longest time a step may wait: a day.
const LONGEST_SECONDS: f64 = 86_400.0;

/// A length of time as flows write it: `5` or `0.05`, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seconds(Duration);

impl Seconds {
    /// Whole seconds.
    pub(super) const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same as a duration.
    pub(super) fn duration(self) -> Duration {
        self.0
    }

    /// Whether no time passes at all.
    pub(super) fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl SecondsVisitor {
    fn check<E: Error>(seconds: f64) -> Result<Seconds, E> {
        if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
            return Err(E::custom(
                "is outside of what a step may wait; use 0 to 86400 seconds",
            ));
        }
        Ok(Seconds(Duration::from_secs_f64(seconds)))
    }
}

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number of seconds")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
        Self::check(seconds as f64)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
        Self::check(seconds as f64)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Seconds, E> {
        Self::check(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Step {
        seconds: Seconds,
    }

    #[test]
    fn seconds_are_whole_or_broken_numbers_of_a_day_at_most() {
        let read = |text: &str| toml::from_str::<Step>(text).map(|step| step.seconds.duration());
        assert_eq!(read("seconds = 5").unwrap(), Duration::from_secs(5));
        assert_eq!(read("seconds = 0.05").unwrap(), Duration::from_millis(50));
        for bad in ["-1", "86401", "nan", "inf", "\"5\""] {
            assert!(read(&format!("seconds = {bad}")).is_err(), "{bad}");
        }
    }
}
