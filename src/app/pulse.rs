//! Whether the box is alive: not whether its process is there, but whether the loops that calls depend on come round.

use super::Appliance;
use crate::model::Turns;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The loops that have to come round, and the way to wake those that have nothing to do.
pub struct Pulse {
    loops: Vec<Watched>,
    nudge: Box<dyn Fn() + Send>,
}

struct Watched {
    name: &'static str,
    turns: Turns,
    /// How many there had been when it was last asked.
    seen: u64,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pulse")
            .field("stuck", &self.stuck())
            .finish_non_exhaustive()
    }
}

impl Appliance {
    /// Whether the three loops that calls depend on come round: the engine, the voice, the journal.
    pub fn pulse(&self) -> Pulse {
        let mut loops = vec![
            ("the engine", self.engine_turns.clone()),
            ("the store's writer", self.store.turns()),
        ];
        loops.extend(self.rtp.turns().into_iter().map(|turns| ("an RTP thread", turns)));
        let (post, journal) = (self.post.clone(), self.store.journal());
        // Whoever stops the appliance waits for the threads, and not for us.
        let rtp = Arc::downgrade(&self.rtp);
        let nudge = move || {
            post.nudge();
            journal.nudge();
            if let Some(rtp) = rtp.upgrade() {
                rtp.nudge();
            }
        };
        Pulse::new(loops, nudge)
    }
}

impl Pulse {
    /// Asks every loop for the first time.
    fn new(loops: Vec<(&'static str, Turns)>, nudge: impl Fn() + Send + 'static) -> Self {
        let loops = loops
            .into_iter()
            .map(|(name, turns)| Watched { name, turns, seen: 0 })
            .collect();
        let mut pulse = Self {
            loops,
            nudge: Box::new(nudge),
        };
        pulse.ask();
        pulse
    }

    /// The loops that have not come round since they were last asked.
    fn stuck(&self) -> Vec<&'static str> {
        self.loops
            .iter()
            .filter(|watched| watched.turns.so_far() == watched.seen)
            .map(|watched| watched.name)
            .collect()
    }

    /// Asks every loop to come round.
    fn ask(&mut self) {
        for watched in &mut self.loops {
            watched.seen = watched.turns.so_far();
        }
        (self.nudge)();
    }
}

/// When the service manager is told that the box is alive.
#[derive(Debug)]
pub struct Heartbeat {
    pulse: Pulse,
    /// How often it is to be told; a box that is silent for four times as long is started again.
    every: Duration,
    /// When every loop was last seen to have come round.
    last: Instant,
    /// Whether the trouble has been written down.
    complained: bool,
}

impl Heartbeat {
    /// For a service manager that waits as long as `patience` for the next word.
    pub fn new(now: Instant, patience: Duration, pulse: Pulse) -> Self {
        Self {
            pulse,
            every: patience / 4,
            last: now,
            complained: false,
        }
    }

    /// Whether it is to be told now: it is time, and every loop has come round since the last time.
    pub fn beats(&mut self, now: Instant) -> bool {
        let silent = now.saturating_duration_since(self.last);
        if silent < self.every {
            return false;
        }
        let stuck = self.pulse.stuck();
        if stuck.is_empty() {
            self.last = now;
            self.complained = false;
            self.pulse.ask();
            return true;
        }
        if silent >= 2 * self.every && !std::mem::replace(&mut self.complained, true) {
            tracing::error!(
                "Stuck for {} s: {}. The service manager will start the box again if that goes on.",
                silent.as_secs(),
                stuck.join(", ")
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::monotonic;
    use std::sync::atomic::{AtomicBool, Ordering};

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Three loops that come round when they are asked; the last one can be made to hang.
    fn three_loops() -> (Pulse, Arc<AtomicBool>) {
        let loops =
            ["the engine", "an RTP thread", "the store's writer"].map(|name| (name, Turns::default()));
        let hangs = Arc::new(AtomicBool::new(false));
        let (turning, is_hung) = (loops.clone(), Arc::clone(&hangs));
        let nudge = move || {
            let moving = if is_hung.load(Ordering::Relaxed) { 2 } else { 3 };
            turning.iter().take(moving).for_each(|(_, turns)| turns.count());
        };
        (Pulse::new(loops.into(), nudge), hangs)
    }

    /// ROBUSTNESS 94.
    #[test]
    fn the_service_manager_is_told_only_while_all_three_loops_come_round() {
        let (pulse, hangs) = three_loops();
        let start = monotonic();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut heart = Heartbeat::new(start, PATIENCE, pulse);
        let told: Vec<u64> = (0..=30).filter(|second| heart.beats(at(*second))).collect();
        assert_eq!(
            told,
            [8, 16, 24],
            "well before its patience ends, and no more often"
        );

        hangs.store(true, Ordering::Relaxed);
        // The loop still answers what it was asked before it hung.
        assert!(heart.beats(at(32)));
        assert!(
            (33..=90).all(|second| !heart.beats(at(second))),
            "two loops of three are not enough"
        );
        assert_eq!(heart.pulse.stuck(), ["the store's writer"]);
    }

    #[test]
    fn a_loop_that_comes_round_late_is_forgiven() {
        let (pulse, hangs) = three_loops();
        let writer = pulse.loops[2].turns.clone();
        let start = monotonic();
        let mut heart = Heartbeat::new(start, PATIENCE, pulse);
        hangs.store(true, Ordering::Relaxed);
        assert!(heart.beats(start + Duration::from_secs(8)));
        assert!(!heart.beats(start + Duration::from_secs(20)));
        writer.count();
        assert!(
            heart.beats(start + Duration::from_secs(21)),
            "a disk that was slow"
        );
    }
}
