use std::time::{Duration, Instant};

/// Ticks of a clock of so many Hz in this time.
pub(super) fn ticks_in(time: Duration, clock: u32) -> i64 {
    i64::try_from(time.as_micros() * u128::from(clock) / 1_000_000).unwrap_or(i64::MAX)
}

/// Ticks from `earlier` to `later`; 0 when they are the wrong way round.
pub(super) fn ticks_between(earlier: Instant, later: Instant, clock: u32) -> i64 {
    ticks_in(later.saturating_duration_since(earlier), clock)
}

/// Samples at 8000 Hz from `earlier` to `later`; 0 when they are the wrong way round.
pub(super) fn samples_between(earlier: Instant, later: Instant) -> i64 {
    ticks_between(earlier, later, 8000)
}

/// An instant for tests to begin at.
#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
pub(super) fn origin() -> Instant {
    Instant::now()
}
