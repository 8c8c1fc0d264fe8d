//! Sound before the answer (RFC 3960): a trunk's tones and words are heard by whoever calls outside. Phones that ring
//! together are not heard; the caller hears one ringing tone, whoever of them rings how.

use super::machine::Stage;
use super::{Action, Call};
use crate::model::{LegId, NoteKind, Playable, Tone};
use std::time::Instant;

/// What the journal says of a leg that is heard before it is picked up.
const EARLY: &str = "early media";

impl Call {
    /// A phone sends sound before it is picked up.
    pub(super) fn leg_speaks(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if self.is_guest(leg) {
            return self.guest_rings(now, leg);
        }
        let Stage::Outside(calling) = &mut self.stage else {
            return self.leg_rings(now, leg);
        };
        if calling.leg != leg {
            return Vec::new();
        }
        let is_first = !std::mem::replace(&mut calling.is_heard, true);
        let has_rung = calling.has_rung;
        let through = Action::RingThrough(self.front, leg);
        if !is_first {
            return vec![through];
        }
        let mut actions = Vec::new();
        if self.is_caller_answered() {
            actions.push(Action::StopPlaying(self.front));
        }
        actions.push(through);
        if !has_rung {
            actions.extend(self.transfer_rings());
        }
        self.ledger.ringing(now, leg);
        actions.push(Action::Note(NoteKind::Ringing, Some(leg), EARLY.to_owned()));
        actions
    }

    /// Whoever has heard a leg that is gone, and waits for the next one, hears a ringing tone.
    pub(super) fn ring_on(&self) -> Action {
        Action::Play {
            leg: self.front,
            items: vec![Playable::Tone(Tone::Ringback)],
            repeat: true,
        }
    }

    /// Whether a leg has not been picked up: nothing has to come from it.
    pub(super) fn is_before_answer(&self, leg: LegId) -> bool {
        let rings = matches!(self.stage, Stage::Outside(_) | Stage::Hunting(_));
        let is_transferor = self.is_transferor(leg);
        rings && !is_transferor && (leg != self.front || !self.is_caller_answered())
    }
}
