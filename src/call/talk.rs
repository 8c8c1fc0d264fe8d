//! Two people begin to talk, and are recorded if that is wanted.

use super::machine::{Stage, Talk};
use super::{Action, Call};
use crate::model::{LegId, NoteKind, RecordingKind};
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
        actions.extend(self.let_talk(self.front, leg));
        actions.extend(self.record_talk(leg));
        actions
    }

    /// Begins to record the two who talk, if that is wanted.
    pub(super) fn record_talk(&mut self, leg: LegId) -> Vec<Action> {
        if !self.policy.record {
            return Vec::new();
        }
        let id = self.setup.recording;
        self.recording = Some(id);
        let (kind, left, right) = (RecordingKind::Conversation, self.front, Some(leg));
        vec![
            Action::Record {
                id,
                kind,
                left,
                right,
            },
            Action::Note(NoteKind::Recording, None, id.to_string()),
        ]
    }
}
