//! Taking a message: greeting, beep, the caller's words, and four ways to end it. What becomes of it then is the flow's
//! to say, and the engine's to do.

use super::machine::Stage;
use super::{Action, Call, Entry, TransferObjection};
use crate::ivr::{BoxAnswer, BoxDeed, Input, RingResult, Taken, TakenBy, Turn};
use crate::model::{Mailbox, NoteKind, Number, Playable, RecordingKind, Tone};
use std::time::{Duration, Instant};

/// A message being taken.
#[derive(Debug)]
pub(super) struct Message {
    mailbox: Mailbox,
    is_greeting: bool,
    longest: Duration,
    /// A shorter message is somebody who changed their mind.
    shortest: Duration,
    silence: Duration,
    /// When the beep ended; nothing while the greeting plays.
    since: Option<Instant>,
}

impl Message {
    /// What a flow asks for, and what is heard before it.
    fn of(turn: Turn) -> Option<(Self, Vec<Playable>)> {
        let Turn::TakeMessage {
            mailbox,
            is_greeting,
            greeting,
            max_seconds,
            min_seconds,
            silence_seconds,
        } = turn
        else {
            return None;
        };
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let message = Self {
            mailbox,
            is_greeting,
            longest: seconds(max_seconds),
            shortest: seconds(min_seconds.max(1)),
            silence: seconds(silence_seconds),
            since: None,
        };
        Some((message, greeting))
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.longest)
    }

    /// Whether what was said until now counts.
    fn is_long_enough(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now - since >= self.shortest)
    }
}

impl Call {
    pub(super) fn take_message(&mut self, now: Instant, turn: Turn) -> Vec<Action> {
        let Some((message, mut items)) = Message::of(turn) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        self.answer_caller(now, &mut actions);
        if let (Mailbox::Group(group), false) = (&message.mailbox, message.is_greeting) {
            self.group = Some(group.clone());
        }
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
        let take = Action::TakeFor {
            mailbox: message.mailbox.clone(),
            shortest: message.shortest,
            is_greeting: message.is_greeting,
        };
        let id = self.setup.message;
        // A conversation that was handed on to a mailbox is one recording, the message another.
        let before = self.recording.replace(id);
        self.taping.with_voices();
        let mut actions: Vec<Action> = before.map(Action::StopRecording).into_iter().collect();
        actions.extend([
            take,
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

    /// The caller has pressed `#`, or the longest time is over.
    pub(super) fn message_over(&mut self, now: Instant, by: TakenBy) -> Vec<Action> {
        let Stage::Leaving(message) = &self.stage else {
            return Vec::new();
        };
        let is_long_enough = message.is_long_enough(now);
        self.end_message(now, by, is_long_enough)
    }

    /// Nothing has been said for a while: what counts is what was said before.
    pub(super) fn fell_silent(&mut self, now: Instant) -> Vec<Action> {
        let Stage::Leaving(message) = &self.stage else {
            return Vec::new();
        };
        let spoke_until = now.checked_sub(message.silence).unwrap_or(now);
        let is_long_enough = message
            .since
            .is_some_and(|since| spoke_until >= since + message.shortest);
        self.end_message(now, TakenBy::Itself, is_long_enough)
    }

    fn end_message(&mut self, now: Instant, by: TakenBy, is_long_enough: bool) -> Vec<Action> {
        let Stage::Leaving(message) = &self.stage else {
            return Vec::new();
        };
        if message.since.is_none() {
            return Vec::new(); // The greeting still plays.
        }
        self.left_message |= is_long_enough && !message.is_greeting;
        self.stage = Stage::InFlow;
        let mut actions = vec![Action::WatchSilence(None)];
        if let Some(id) = self.recording.take() {
            actions.push(Action::StopRecording(id));
        }
        let taken = Taken { by, is_long_enough };
        actions.extend(self.step_flow(now, Input::MessageTaken(taken)));
        actions
    }

    pub(super) fn note_message_length(&mut self, now: Instant) {
        let Stage::Leaving(message) = &self.stage else {
            return;
        };
        self.left_message |= !message.is_greeting && message.is_long_enough(now);
    }

    /// What the flow has done to boxes: the record follows, the engine does it.
    pub(super) fn carry_out_deeds(&mut self, deeds: Vec<BoxDeed>) -> Vec<Action> {
        for deed in &deeds {
            match deed {
                BoxDeed::Keep => self.kept_message = true,
                BoxDeed::Drop => self.left_message = self.kept_message,
                BoxDeed::MarkUrgent
                | BoxDeed::Hear(_)
                | BoxDeed::Mark(..)
                | BoxDeed::Greet(_)
                | BoxDeed::ForgetGreeting(_) => {}
            }
        }
        deeds.into_iter().map(Action::ChangeBox).collect()
    }

    pub(super) fn box_answered(&mut self, now: Instant, answer: BoxAnswer) -> Vec<Action> {
        match self.stage {
            Stage::InFlow => self.step_flow(now, Input::BoxAnswered(answer)),
            Stage::Arriving(_)
            | Stage::Hunting(_)
            | Stage::Outside(_)
            | Stage::Talking
            | Stage::Leaving(_)
            | Stage::Ended => Vec::new(),
        }
    }

    /// The sender of a message is called for whoever hears it.
    pub(super) fn call_back(&mut self, number: Number) -> Vec<Action> {
        self.calls_back = true;
        vec![Action::FindTarget(self.front, number)]
    }

    /// Where the sender is.
    pub(super) fn sender_found(
        &mut self,
        now: Instant,
        target: Result<Entry, TransferObjection>,
    ) -> Vec<Action> {
        if !self.calls_back || !matches!(self.stage, Stage::InFlow) {
            return Vec::new();
        }
        match target {
            Ok(Entry::Ring(who)) => self.hunt_for(who),
            Ok(Entry::Outside(outside)) => {
                let mut actions = vec![Action::Play {
                    leg: self.front,
                    items: vec![Playable::Tone(Tone::Ringback)],
                    repeat: true,
                }];
                actions.extend(self.call_outside(now, outside));
                actions
            }
            // A menu is nobody who has left a message.
            Ok(Entry::Flow(_)) | Err(_) => self.step_flow(now, Input::RingEnded(RingResult::NobodyThere)),
        }
    }
}
