use std::time::{Duration, Instant};

/// From one frame of a leg to its next.
const TICK: Duration = Duration::from_millis(20);
/// Legs that play are spread over so many moments of a tick, so that a hundred prompts are not one burst.
const PHASES: usize = 5;
/// A tick missed by more than this is not made up for: the thread was stopped.
const STALLED: Duration = Duration::from_millis(100);

/// When which leg sends its next frame. Empty, it asks for no wake-up.
#[derive(Debug)]
pub(super) struct Playout {
    origin: Instant,
    phases: [Phase; PHASES],
}

#[derive(Debug, Default)]
struct Phase {
    legs: Vec<usize>,
    due: Option<Instant>,
}

impl Playout {
    /// Nobody plays.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            phases: <[Phase; PHASES]>::default(),
        }
    }

    /// Takes a leg into the phase with the fewest, and gives the phase.
    pub(super) fn join(&mut self, now: Instant, leg: usize) -> usize {
        let emptiest = self
            .phases
            .iter()
            .enumerate()
            .min_by_key(|(_, phase)| phase.legs.len());
        let place = emptiest.map_or(0, |(place, _)| place);
        let due = self.next_moment(now, place);
        if let Some(phase) = self.phases.get_mut(place) {
            phase.legs.push(leg);
            phase.due.get_or_insert(due);
        }
        place
    }

    /// Takes a leg out of its phase.
    pub(super) fn leave(&mut self, phase: usize, leg: usize) {
        let Some(phase) = self.phases.get_mut(phase) else {
            return;
        };
        phase.legs.retain(|known| *known != leg);
        if phase.legs.is_empty() {
            phase.due = None;
        }
    }

    /// When the next phase is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.phases.iter().filter_map(|phase| phase.due).min()
    }

    /// A phase whose moment has come; it is due again 20 ms later.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<usize> {
        let place = self
            .phases
            .iter()
            .position(|phase| phase.due.is_some_and(|due| due <= now))?;
        let moment = self.next_moment(now, place);
        let phase = self.phases.get_mut(place)?;
        phase.due = phase
            .due
            .map(|due| if now > due + STALLED { moment } else { due + TICK });
        Some(place)
    }

    /// The leg at this place of a phase.
    pub(super) fn leg(&self, phase: usize, place: usize) -> Option<usize> {
        self.phases.get(phase)?.legs.get(place).copied()
    }

    /// The next moment of a phase after now, on a grid that is the same for all.
    fn next_moment(&self, now: Instant, phase: usize) -> Instant {
        let first = self.origin + TICK / PHASES as u32 * phase as u32;
        let gone = now.saturating_duration_since(first).as_micros() / TICK.as_micros();
        first + TICK * (u32::try_from(gone).unwrap_or(u32::MAX - 1) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do; only differences are used"
    )]
    fn origin() -> Instant {
        Instant::now()
    }

    #[test]
    fn legs_are_spread_and_each_is_served_every_twenty_milliseconds() {
        let start = origin();
        let mut playout = Playout::new(start);
        assert_eq!(playout.next_deadline(), None);
        let phases: Vec<_> = (0..10).map(|leg| playout.join(start, leg)).collect();
        assert_eq!(phases, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
        let mut served = 0;
        for millis in 1..=1000 {
            while let Some(phase) = playout.take_due(start + Duration::from_millis(millis)) {
                served += (0..)
                    .take_while(|place| playout.leg(phase, *place).is_some())
                    .count();
            }
        }
        assert!((490..=500).contains(&served), "{served}");
    }

    #[test]
    fn when_the_last_leg_leaves_nobody_is_woken() {
        let start = origin();
        let mut playout = Playout::new(start);
        let phase = playout.join(start, 7);
        playout.leave(phase, 7);
        assert_eq!(playout.next_deadline(), None);
    }

    #[test]
    fn a_short_delay_is_made_up_for_and_a_long_one_is_not() {
        let start = origin();
        let mut playout = Playout::new(start);
        playout.join(start, 1);
        let at = |millis| start + Duration::from_millis(millis);
        let ticks = |playout: &mut Playout, now| std::iter::from_fn(|| playout.take_due(now)).count();
        assert_eq!(ticks(&mut playout, at(20)), 1);
        assert_eq!(ticks(&mut playout, at(100)), 4);
        assert_eq!(ticks(&mut playout, at(5000)), 1);
        assert_eq!(ticks(&mut playout, at(5021)), 1);
    }
}
