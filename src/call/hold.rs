//! Holding a call for somebody who has no hand on the telephone: the two stay and do not hear each other.

use super::machine::Stage;
use super::{Action, Call};
use crate::model::NoteKind;
use std::time::Instant;

impl Call {
    pub(super) fn hold_ordered(&mut self, now: Instant, holds: bool) -> Vec<Action> {
        let (Stage::Talking, Some(leg)) = (&self.stage, self.other_than(self.front)) else {
            return Vec::new();
        };
        if !self.ledger.hold_by_order(now, holds) {
            return Vec::new(); // It is so already.
        }
        let (action, kind) = if holds {
            (Action::Unbridge(leg), NoteKind::Held)
        } else {
            (Action::Bridge(self.front, leg), NoteKind::Resumed)
        };
        vec![action, Action::Note(kind, Some(leg), "ordered".to_owned())]
    }
}
