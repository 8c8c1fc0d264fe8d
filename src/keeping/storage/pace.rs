use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How fast a place is sent to, so that calls keep the line to themselves: pieces leave at a steady pace, whatever the
/// line could carry.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    /// When the next piece may leave.
    next: Mutex<Option<Instant>>,
}

/// A piece: at 250 kB/s sixteen of them a second.
pub(super) const PIECE_BYTES: usize = 16 * 1024;

impl Pace {
    pub(super) fn new(kilobytes_per_second: u32) -> Self {
        Self {
            bytes_per_second: u64::from(kilobytes_per_second.max(1)) * 1000,
            next: Mutex::new(None),
        }
    }

    /// Takes a place in the line for so many bytes, and tells when their turn is.
    pub(super) fn reserve(&self, bytes: usize, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let micros = bytes.saturating_mul(1_000_000) / self.bytes_per_second;
        *next = Some(turn + Duration::from_micros(micros));
        turn
    }

    /// Waits for the turn of so many bytes.
    pub(super) async fn wait(&self, bytes: usize) {
        tokio::time::sleep_until(self.reserve(bytes, Instant::now())).await;
    }

    /// How long so many bytes may take until something must be wrong.
    pub(super) fn patience(&self, bytes: u64) -> Duration {
        const LEAST: Duration = Duration::from_secs(60);
        LEAST + Duration::from_secs(bytes / self.bytes_per_second * 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_megabyte_takes_four_seconds_at_the_usual_pace() {
        let pace = Pace::new(250);
        let start = Instant::now();
        let mut turn = start;
        for _ in 0..100 {
            turn = pace.reserve(10_000, start);
        }
        assert_eq!(
            turn - start,
            Duration::from_millis(3960),
            "the first piece leaves at once"
        );
        assert_eq!(pace.reserve(1, start) - start, Duration::from_secs(4));
        let later = start + Duration::from_secs(60);
        assert_eq!(pace.reserve(1, later), later, "what was not used is not saved up");
    }
}
