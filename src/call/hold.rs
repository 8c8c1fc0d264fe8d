//! Holding: by a telephone, or for somebody who has no hand on one. Whoever waits hears music; whoever keeps them
//! waiting hears that the line is there.

use super::machine::Stage;
use super::{Action, Call};
use crate::model::{LegId, NoteKind, Playable, Tone};
use std::time::Instant;

impl Call {
    /// A phone holds the others, or comes back.
    pub(super) fn hold(&mut self, now: Instant, leg: LegId, holds: bool) -> Vec<Action> {
        if !self.ledger.is_live(leg) {
            return Vec::new();
        }
        let kind = if holds { NoteKind::Held } else { NoteKind::Resumed };
        let mut actions = vec![Action::Note(kind, Some(leg), String::new())];
        if !self.is_guest(leg) {
            self.ledger.set_hold(now, leg, holds);
            actions.extend(self.music_for_other(leg, holds));
        }
        actions
    }

    /// A person wants the two to be kept apart, or together again.
    pub(super) fn hold_ordered(&mut self, now: Instant, holds: bool) -> Vec<Action> {
        let (Stage::Talking, Some(leg)) = (&self.stage, self.other_than(self.front)) else {
            return Vec::new();
        };
        if self.is_asking_consent() {
            return Vec::new(); // They do not hear each other yet.
        }
        if !self.ledger.hold_by_order(now, holds) {
            return Vec::new(); // It is so already.
        }
        let kind = if holds { NoteKind::Held } else { NoteKind::Resumed };
        let mut actions = Vec::new();
        if holds {
            actions.push(self.keep_apart(leg));
            actions.push(Action::PlayMusic(self.front));
            if !self.has_guests() {
                actions.push(Action::Play {
                    leg,
                    items: vec![Playable::Tone(Tone::Comfort)],
                    repeat: true,
                });
            }
        } else {
            actions.extend(self.let_talk(self.front, leg));
            // A phone that holds by itself still wants its other side to hear music.
            let waiting = [(leg, self.front), (self.front, leg)];
            let waiting = waiting
                .into_iter()
                .filter(|(holder, _)| self.ledger.holds(*holder));
            actions.extend(waiting.map(|(_, waits)| Action::PlayMusic(waits)));
        }
        actions.push(Action::Note(kind, Some(leg), "ordered".to_owned()));
        actions
    }

    /// Whoever is held hears music until the holder is back: not while others talk with them, and not while the two
    /// are kept apart anyway.
    fn music_for_other(&self, holder: LegId, holds: bool) -> Option<Action> {
        let waits = self.other_than(holder).filter(|_| self.is_talking(holder))?;
        if self.has_third() || self.ledger.is_held_by_order() {
            return None;
        }
        Some(if holds {
            Action::PlayMusic(waits)
        } else {
            Action::StopPlaying(waits)
        })
    }
}
