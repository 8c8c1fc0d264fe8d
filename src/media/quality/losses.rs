/// Packets that may come out of order before a hole counts as a loss.
const WINDOW: u64 = 64;

/// Which packets of one run of numbers came, each counted once, and how the lost ones lie together.
///
/// A run never jumps by more than the source lets through; a hole is judged once sixty-four newer packets came.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) struct Losses {
    /// Numbers with their cycles; the first one begins in the second cycle, so that nothing is below 0.
    first: u64,
    newest: u64,
    /// Bit n is the packet n before the newest.
    came: u64,
    received: u64,
    spread: Spread,
}

/// How lost packets lie together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Spread {
    /// Lost packets.
    pub(in crate::media) lost: u64,
    /// Runs of them.
    pub(in crate::media) bursts: u64,
    /// The longest run, in packets.
    pub(in crate::media) longest: u64,
    /// The run that the newest judged packet belongs to.
    open: u64,
}

impl Losses {
    /// The first packet of a run.
    pub(in crate::media) fn begin(sequence: u16) -> Self {
        let first = 65_536 + u64::from(sequence);
        Self {
            first,
            newest: first,
            came: 1,
            received: 1,
            spread: Spread::default(),
        }
    }

    /// Takes a further packet; false when it had come already, or too long ago to know.
    pub(in crate::media) fn take(&mut self, sequence: u16) -> bool {
        let step = sequence.wrapping_sub(self.newest as u16).cast_signed();
        if step > 0 {
            for _ in 0..step {
                self.shift();
            }
            self.came |= 1;
            self.received += 1;
            return true;
        }
        let back = u64::from(step.unsigned_abs());
        if back >= WINDOW || self.came >> back & 1 == 1 {
            return false;
        }
        // Even the first packet of a run may have been overtaken.
        self.first = self.first.min(self.newest - back);
        self.came |= 1 << back;
        self.received += 1;
        true
    }

    fn shift(&mut self) {
        if self.newest - self.first >= WINDOW - 1 {
            self.spread.judge(self.came >> (WINDOW - 1) == 1);
        }
        self.came <<= 1;
        self.newest += 1;
    }

    /// Packets from the first number to the newest.
    pub(in crate::media) fn expected(&self) -> u64 {
        self.newest - self.first + 1
    }

    /// Packets that came, each once.
    pub(in crate::media) fn received(&self) -> u64 {
        self.received
    }

    /// The newest number, with the cycles since the run began (RFC 3550 §6.4.1).
    pub(in crate::media) fn highest(&self) -> u32 {
        (self.newest - 65_536) as u32
    }

    /// How the losses lie, as if no more of them would come.
    pub(in crate::media) fn spread(&self) -> Spread {
        let mut spread = self.spread;
        let depth = self.expected().min(WINDOW);
        for back in (0..depth).rev() {
            spread.judge(self.came >> back & 1 == 1);
        }
        spread
    }
}

impl Spread {
    fn judge(&mut self, came: bool) {
        if came {
            self.open = 0;
            return;
        }
        self.lost += 1;
        self.bursts += u64::from(self.open == 0);
        self.open += 1;
        self.longest = self.longest.max(self.open);
    }

    /// Both together.
    pub(in crate::media) fn and(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            bursts: self.bursts + other.bursts,
            longest: self.longest.max(other.longest),
            open: 0,
        }
    }

    /// The mean length of a run, in packets; none when nothing was lost.
    pub(in crate::media) fn mean(&self) -> Option<f32> {
        (self.bursts > 0).then(|| self.lost as f32 / self.bursts as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives these of so many packets numbered from `first`.
    fn of(first: u16, count: u32, came: impl Fn(u32) -> bool) -> Losses {
        let mut losses = Losses::begin(first);
        for place in (1..count).filter(|place| came(*place)) {
            assert!(losses.take(first.wrapping_add(place as u16)));
        }
        losses
    }

    #[test]
    fn runs_of_lost_packets_are_told_apart() {
        // 10 and 11, then 20, then 300 to 309, out of 1000.
        let losses = of(65_000, 1000, |place| !matches!(place, 10 | 11 | 20 | 300..310));
        let spread = losses.spread();
        assert_eq!((losses.expected(), losses.received()), (1000, 987));
        assert_eq!((spread.lost, spread.bursts, spread.longest), (13, 3, 10));
        assert!((spread.mean().unwrap() - 13.0 / 3.0).abs() < 1e-6);
        assert_eq!(losses.highest(), 65_999);
    }

    #[test]
    fn a_packet_out_of_order_is_no_loss_and_a_second_one_no_gain() {
        let mut losses = of(7, 10, |place| place != 4);
        assert_eq!(losses.spread().lost, 1);
        assert!(losses.take(11));
        assert_eq!((losses.spread().lost, losses.received()), (0, 10));
        for again in [11, 7, 16, 9] {
            assert!(!losses.take(again), "{again}");
        }
        assert_eq!((losses.expected(), losses.received()), (10, 10));
    }

    #[test]
    fn the_first_packet_may_be_overtaken_and_an_old_one_counts_for_nothing() {
        let mut losses = Losses::begin(0);
        assert!(losses.take(65_535) && !losses.take(65_535));
        assert_eq!((losses.expected(), losses.received()), (2, 2));
        let mut losses = of(100, 200, |_| true);
        assert!(!losses.take(101), "too late to know");
        assert_eq!(losses.received(), 200);
    }

    #[test]
    fn cycles_are_counted() {
        let losses = of(60_000, 200_000, |_| true);
        assert_eq!((losses.expected(), losses.received()), (200_000, 200_000));
        assert_eq!(losses.highest(), 60_000 + 199_999);
        assert_eq!(losses.spread(), Spread::default());
    }
}
