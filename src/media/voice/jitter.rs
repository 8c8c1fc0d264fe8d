use std::time::{Duration, Instant};

/// The least a packet is held back: one frame, so that it is there when its first sample is due.
const LEAST: i64 = 20_000;
/// The most; what comes later than that is given up.
const MOST: i64 = 200_000;
/// The delay shrinks by so many µs each second in which it is not needed.
const SHRINKS: i64 = 4_000;
/// How long the punctual packets are remembered, twice over. So a clock that drifts is followed.
const REMEMBERED: Duration = Duration::from_secs(4);

/// How long the packets of a stream are held back before they are heard: as long as they are uneven, and no longer.
/// Everything is in µs; a packet's lateness is against the most punctual ones of the last seconds.
#[derive(Debug)]
pub(in crate::media) struct Delay {
    began: Instant,
    /// Arrival less stamp of the most punctual packet, in this span of time and the one before it.
    punctual: Option<i64>,
    punctual_before: Option<i64>,
    since: Instant,
    /// The lateness that is allowed for.
    allowed: i64,
    eased_at: Instant,
}

impl Delay {
    /// Nothing came yet.
    pub(in crate::media) fn new(now: Instant) -> Self {
        Self {
            began: now,
            punctual: None,
            punctual_before: None,
            since: now,
            allowed: 0,
            eased_at: now,
        }
    }

    /// Another source: its stamps have nothing to do with those before. What was learnt of the way stays.
    pub(in crate::media) fn begin_anew(&mut self, now: Instant) {
        self.punctual = None;
        self.punctual_before = None;
        self.since = now;
    }

    /// A packet stamped `stamp` µs after the source's beginning has come.
    pub(in crate::media) fn hear(&mut self, now: Instant, stamp: i64) {
        let transit = micros(self.began, now) - stamp;
        if now.saturating_duration_since(self.since) >= REMEMBERED {
            self.punctual_before = self.punctual.take();
            self.since = now;
        }
        self.punctual = Some(self.punctual.map_or(transit, |known| known.min(transit)));
        let late = transit - self.base();
        self.ease(now);
        self.allowed = self.allowed.max(late.min(MOST - LEAST));
    }

    /// The stamp in µs that is to be heard now.
    pub(in crate::media) fn due(&self, now: Instant) -> i64 {
        micros(self.began, now) - self.base() - self.held()
    }

    /// How long packets are held back, in µs.
    pub(in crate::media) fn held(&self) -> i64 {
        LEAST + self.allowed
    }

    fn base(&self) -> i64 {
        let both = [self.punctual, self.punctual_before];
        both.into_iter().flatten().min().unwrap_or(0)
    }

    fn ease(&mut self, now: Instant) {
        let gone = micros(self.eased_at, now);
        let eased = gone * SHRINKS / 1_000_000;
        if eased > 0 {
            self.allowed = (self.allowed - eased).max(0);
            self.eased_at = now;
        }
    }
}

fn micros(from: Instant, to: Instant) -> i64 {
    i64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;

    #[test]
    fn a_calm_way_holds_back_one_frame_and_a_rough_one_as_much_as_it_is_rough() {
        let start = origin();
        let mut delay = Delay::new(start);
        let at = |ms: u64| start + Duration::from_millis(ms);
        for packet in 0..100 {
            delay.hear(at(packet * 20 + 5), packet as i64 * 20_000);
        }
        assert_eq!(delay.held(), 20_000);
        for packet in 100..200 {
            delay.hear(at(packet * 20 + 5 + packet % 3 * 30), packet as i64 * 20_000);
        }
        assert!((78_000..=80_000).contains(&delay.held()), "{}", delay.held());
        // One that is later than anybody waits for.
        delay.hear(at(200 * 20 + 5000), 200 * 20_000);
        assert_eq!(delay.held(), 200_000);
        // Calm again: it takes a while to believe it.
        for packet in 500..3500 {
            delay.hear(at(packet * 20 + 5), packet as i64 * 20_000);
        }
        assert!(delay.held() < 30_000, "{}", delay.held());
    }
}
