//! Two people begin to talk, and are recorded if that is wanted.

use super::machine::{Stage, Talk};
use super::{Action, Call};
use crate::model::LegId;
use std::time::Instant;

impl Call {
    /// The winner is in; the caller is answered and both talk. Called by the hunt alone.
    pub(super) fn talk(&mut self, now: Instant, leg: LegId) -> Vec<Action> {
        if self.talked.is_some() {
            return self.take_over(now, leg);
        }
        let mut actions = Vec::new();
        self.answer_caller(now, &mut actions);
        self.talked = Some(Talk { leg, since: now });
        self.stage = Stage::Talking;
        match self.ask_consent(now, leg, false) {
            Some(announcement) => actions.extend(announcement),
            None => {
                actions.extend(self.let_talk(self.front, leg));
                actions.extend(self.record_talk(leg));
            }
        }
        actions
    }
}
