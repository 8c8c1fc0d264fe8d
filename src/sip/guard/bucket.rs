/// How often something may happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Microseconds that one time takes.
    each: u64,
    /// Times that may come at once.
    burst: u64,
}

impl Rate {
    pub(super) const fn per_second(times: u64, burst: u64) -> Self {
        Self {
            each: 1_000_000 / times,
            burst,
        }
    }

    pub(super) const fn per_hour(times: u64, burst: u64) -> Self {
        Self {
            each: 3_600_000_000 / times,
            burst,
        }
    }

    pub(super) fn per_minute(times: u32, burst: u64) -> Self {
        Self {
            each: 60_000_000 / u64::from(times.max(1)),
            burst,
        }
    }
}

/// A bucket that fills steadily and is emptied by what happens: the time at which it will be full again, so that it
/// is one number and needs no tending. Instants are microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Whether it may happen now.
    pub(super) fn has(self, now: u64, rate: Rate) -> bool {
        let behind = self.full_at.saturating_sub(now);
        behind.saturating_add(rate.each) <= rate.each.saturating_mul(rate.burst)
    }

    /// Takes one time; false when it may not happen now.
    pub(super) fn take(&mut self, now: u64, rate: Rate) -> bool {
        let may = self.has(now, rate);
        if may {
            self.full_at = self.full_at.max(now).saturating_add(rate.each);
        }
        may
    }

    /// Puts back what was taken for what turned out to be welcome.
    pub(super) fn give_back(&mut self, times: u64, rate: Rate) {
        self.full_at = self.full_at.saturating_sub(rate.each.saturating_mul(times));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let (mut bucket, rate) = (Bucket::default(), Rate::per_second(10, 5));
        let start = 7_000_000;
        let burst = (0..100).filter(|_| bucket.take(start, rate)).count();
        assert_eq!(burst, 5);
        let steady = (0..1000)
            .filter(|step| bucket.take(start + step * 1000, rate))
            .count();
        assert!((9..=10).contains(&steady), "{steady}");
        assert!(bucket.has(start + 10_000_000, rate));
    }
}
