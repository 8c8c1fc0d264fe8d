use std::time::{Duration, Instant};

/// Samples at 8000 Hz in this time.
pub(super) fn samples_in(time: Duration) -> i64 {
    i64::try_from(time.as_micros() / 125).unwrap_or(i64::MAX)
}

/// Samples at 8000 Hz from `earlier` to `later`; 0 when they are the wrong way round.
pub(super) fn samples_between(earlier: Instant, later: Instant) -> i64 {
    samples_in(later.saturating_duration_since(earlier))
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
