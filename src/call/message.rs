//! Taking a message: greeting, beep, the caller's words, and four ways to end it.

use super::machine::Stage;
use super::{Action, Call};
use crate::ivr::Input;
use crate::model::{GroupName, NoteKind, Playable, RecordingKind, Tone};
use std::time::{Duration, Instant};

/// A message being taken.
#[derive(Debug)]
pub(super) struct Message {
    group: Option<GroupName>,
    greeting: Vec<Playable>,
    longest: Duration,
    silence: Duration,
    /// When the beep ended; nothing while the greeting plays.
    since: Option<Instant>,
}

/// A shorter message is somebody who changed their mind.
const SHORTEST: Duration = Duration::from_secs(1);

impl Message {
    pub(super) fn new(
        group: Option<GroupName>,
        greeting: Vec<Playable>,
        max_seconds: u32,
        silence_seconds: u32,
    ) -> Self {
        let longest = Duration::from_secs(max_seconds.into());
        let silence = Duration::from_secs(silence_seconds.into());
        Self {
            group,
            greeting,
            longest,
            silence,
            since: None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.longest)
    }
}

impl Call {
    pub(super) fn take_message(&mut self, now: Instant, mut message: Message) -> Vec<Action> {
        let mut actions = Vec::new();
        self.answer_caller(now, &mut actions);
        if let Some(group) = &message.group {
            self.group = Some(group.clone());
        }
        let mut items = std::mem::take(&mut message.greeting);
        items.push(Playable::Tone(Tone::Beep));
        actions.push(Action::Play {
            leg: self.front,
            items,
            repeat: false,
        });
        self.stage = Stage::Leaving(message);
        actions
    }

    /// The beep is over.
    pub(super) fn start_message(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Leaving(message) = &mut self.stage else {
            return Vec::new();
        };
        if message.since.is_some() {
            return Vec::new();
        }
        message.since = Some(now);
        let silence = message.silence;
        let id = self.setup.message;
        // A conversation that was handed on to a mailbox is one recording, the message another.
        let before = self.recording.replace(id);
        self.taping.with_voices();
        let mut actions: Vec<Action> = before.map(Action::StopRecording).into_iter().collect();
        actions.extend([
            Action::Record {
                id,
                kind: RecordingKind::Voicemail,
                left: self.front,
                right: None,
            },
            Action::WatchSilence(Some(silence)),
            Action::Note(NoteKind::Recording, Some(self.front), id.to_string()),
        ]);
        actions
    }

    /// `#`, silence or the limit ended the message.
    pub(super) fn message_over(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Leaving(message) = &self.stage else {
            return Vec::new();
        };
        if message.since.is_none() {
            return Vec::new(); // The greeting still plays.
        }
        self.note_message_length(now);
        self.stage = Stage::InFlow;
        let mut actions = vec![Action::WatchSilence(None)];
        if let Some(id) = self.recording.take() {
            actions.push(Action::StopRecording(id));
        }
        actions.extend(self.step_flow(now, Input::MessageTaken));
        actions
    }

    pub(super) fn note_message_length(&mut self, now: Instant) {
        let Stage::Leaving(message) = &self.stage else {
            return;
        };
        self.left_message |= message.since.is_some_and(|since| now - since >= SHORTEST);
    }
}
