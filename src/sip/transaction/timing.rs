use std::time::{Duration, Instant};

/// RFC 3261 §17.1.1.1: an estimate of the round trip.
pub(super) const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.1: the longest interval between retransmissions.
pub(super) const T2: Duration = Duration::from_secs(4);
/// RFC 3261 §17.1.2.1: how long a message stays in the network.
pub(super) const T4: Duration = Duration::from_secs(5);
/// 64·T1, the life of a transaction that nobody answers (timers B, D, F, H, J, L, M).
pub(super) const LIFE: Duration = Duration::from_secs(32);

/// Sending again over a transport that may lose: the interval doubles, up to a limit if there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeat {
    at: Instant,
    interval: Duration,
    limit: Option<Duration>,
}

impl Repeat {
    pub(super) fn new(now: Instant, limit: Option<Duration>) -> Self {
        Self {
            at: now + T1,
            interval: T1,
            limit,
        }
    }

    /// When to send again.
    pub(super) fn at(self) -> Instant {
        self.at
    }

    /// Sends if it is time, and sets the next time.
    pub(super) fn send_if_due(&mut self, now: Instant) -> Due {
        if self.at > now {
            return Due::Nothing;
        }
        self.interval *= 2;
        if let Some(limit) = self.limit {
            self.interval = self.interval.min(limit);
        }
        self.at = now + self.interval;
        Due::SendAgain
    }

    /// From now on only at the limit's pace (RFC 3261 §17.1.2.2, timer E in Proceeding).
    pub(super) fn slow_down(&mut self) {
        self.interval = self.limit.unwrap_or(self.interval);
    }
}

/// What a machine wants done when its deadline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing; it was woken early.
    Nothing,
    /// Send the last message again.
    SendAgain,
    /// The other side never answered.
    TimedOut,
    /// It has done its work and may be forgotten.
    Over,
}

/// The earlier of two optional instants.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
