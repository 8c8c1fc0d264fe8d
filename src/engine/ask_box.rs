//! What a flow asks about message boxes, and has done to them.

use super::Engine;
use super::mailbox::{Mailboxes, Taking, Verdict, Wanted};
use crate::ivr::{BoxAnswer, BoxContents, BoxDeed, BoxMessage, BoxQuestion, BoxRoom, Pin};
use crate::model::{
    AgentId, CallKey, Entry, Mailbox, Message, MessageSound, MessageState, Playable, RecordingId,
    RecordingRow,
};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

impl Engine {
    pub(super) fn ask_box(&mut self, now: Instant, key: CallKey, question: BoxQuestion) -> BoxAnswer {
        match question {
            BoxQuestion::Leave(mailbox) => BoxAnswer::Room(self.room(&mailbox)),
            BoxQuestion::OpenOwn => match self.agent_in_flow(key) {
                Some(agent) => BoxAnswer::Opened(self.contents_of_agent(key, &agent)),
                None => BoxAnswer::NotOwn,
            },
            BoxQuestion::Open { number, pin } => self.open_with_pin(now, key, &number, &pin),
        }
    }

    fn room(&self, mailbox: &Mailbox) -> BoxRoom {
        let rules = self.settings.voicemail.rules(mailbox);
        let recorded = self.greeting_of(mailbox);
        let written = rules.greeting.as_ref().map(|name| Playable::Prompt {
            // The flow says it in the language its caller hears.
            language: self.first_language(),
            name: name.clone(),
        });
        BoxRoom {
            greeting: recorded.or(written),
            max_seconds: rules.max_seconds,
            min_seconds: rules.min_seconds,
            silence_seconds: rules.silence_seconds,
            review: rules.review,
            is_full: self.mailboxes.held(mailbox) >= rules.most_messages,
        }
    }

    fn first_language(&self) -> crate::model::Language {
        let first = self.settings.languages.first().cloned();
        first.unwrap_or_else(|| "en".into())
    }

    fn greeting_of(&self, mailbox: &Mailbox) -> Option<Playable> {
        let greeting = self.mailboxes.greetings.get(mailbox)?;
        Some(Playable::Message(MessageSound::File(greeting.path.clone())))
    }

    /// Whose phone the party in the flow is; a party that was handed on counts as itself, not as who handed it on.
    fn agent_in_flow(&self, key: CallKey) -> Option<AgentId> {
        let call = &self.calls.get(&key)?.call;
        call.agent_of(call.front()).cloned()
    }

    fn contents_of_agent(&self, key: CallKey, agent: &AgentId) -> BoxContents {
        let groups = self.roster.agent(agent).map(|agent| agent.groups.clone());
        let boxes: Vec<Mailbox> = Mailboxes::boxes_of(agent, groups.as_deref().unwrap_or_default()).collect();
        self.contents(key, Mailbox::Agent(agent.clone()), &boxes)
    }

    fn contents(&self, key: CallKey, mailbox: Mailbox, boxes: &[Mailbox]) -> BoxContents {
        let all = boxes
            .iter()
            .filter_map(|mailbox| self.mailboxes.messages.get(mailbox));
        let mut messages: Vec<BoxMessage> = all
            .flatten()
            .filter(|message| message.state != MessageState::Deleted)
            .map(shown)
            .collect();
        messages.sort_by_key(|message| (message.state, Reverse(message.urgent), message.left_at.unix_ms));
        let from_trunk = self
            .calls
            .get(&key)
            .is_none_or(|live| live.call.setup().trunk.is_some());
        BoxContents {
            greeting: self.greeting_of(&mailbox),
            mailbox,
            messages,
            may_call_back: !from_trunk,
        }
    }

    /// ROBUSTNESS 43: a caller who guesses waits, and so does everybody at a box that is guessed at.
    fn open_with_pin(&mut self, now: Instant, key: CallKey, number: &str, pin: &Pin) -> BoxAnswer {
        let Some(live) = self.calls.get(&key) else {
            return BoxAnswer::Refused;
        };
        let caller = live.call.setup().caller_number.to_string();
        let mailbox = self.box_of_number(number);
        if !self.pin_guard.admits(now, &caller, mailbox.as_ref()) {
            return BoxAnswer::Locked;
        }
        let rules = mailbox
            .as_ref()
            .map(|mailbox| self.settings.voicemail.rules(mailbox));
        let fits = rules.is_some_and(|rules| rules.is_pin(pin.expose()));
        match mailbox {
            Some(mailbox) if fits => {
                self.pin_guard.succeeded(&caller, &mailbox);
                BoxAnswer::Opened(match &mailbox {
                    Mailbox::Agent(agent) => self.contents_of_agent(key, agent),
                    Mailbox::House | Mailbox::Group(_) => {
                        let boxes = [mailbox.clone()];
                        self.contents(key, mailbox, &boxes)
                    }
                })
            }
            mailbox => {
                self.pin_guard.failed(now, &caller, mailbox.as_ref());
                BoxAnswer::Refused
            }
        }
    }

    fn box_of_number(&self, number: &str) -> Option<Mailbox> {
        let written = self
            .settings
            .voicemail
            .boxes
            .iter()
            .find(|(_, rules)| rules.number.as_ref().is_some_and(|own| own.as_str() == number));
        if let Some((mailbox, _)) = written {
            return Some(mailbox.clone());
        }
        let agent = self.roster.agent_of_number(&number.into())?;
        Some(Mailbox::Agent(agent.id.clone()))
    }

    /// A caller is about to speak for a box.
    pub(super) fn take_for(&mut self, key: CallKey, mailbox: Mailbox, shortest: Duration, is_greeting: bool) {
        if let Some(live) = self.calls.get_mut(&key) {
            live.wanted = Some(Wanted {
                mailbox,
                shortest,
                is_greeting,
            });
        }
    }

    /// The recording of those words has a name.
    pub(super) fn note_taking(&mut self, key: CallKey, row: &RecordingRow) {
        let Some(live) = self.calls.get_mut(&key) else {
            return;
        };
        let Some(wanted) = live.wanted.take() else { return };
        let call = &live.call;
        let setup = call.setup();
        let taking = Taking {
            call: key,
            call_id: setup.id,
            wanted,
            left_at: row.started_at,
            caller_number: setup.caller_number.clone(),
            caller_name: setup.caller_name.clone(),
            language: call.chosen_language().cloned(),
            path: row.path.clone(),
            urgent: false,
            verdict: Verdict::Open,
            facts: None,
        };
        self.mailboxes.takes(row.id, taking);
    }

    pub(super) fn change_box(&mut self, now: Instant, key: CallKey, deed: BoxDeed) {
        match deed {
            BoxDeed::Keep => self.decide(now, key, Verdict::Keep),
            BoxDeed::Drop => self.decide(now, key, Verdict::Drop),
            BoxDeed::Greet(_) => self.decide(now, key, Verdict::Greet),
            BoxDeed::MarkUrgent => {
                if let Some((_, taking)) = self.mailboxes.last_of(key) {
                    taking.urgent = true;
                }
            }
            BoxDeed::Hear(id) => self.note_listener(now, key, id),
            BoxDeed::Mark(id, state) => self.mark_message(now, id, state),
            BoxDeed::ForgetGreeting(mailbox) => self.forget_greeting(mailbox),
        }
    }

    /// Whose phone hears a message.
    fn note_listener(&mut self, now: Instant, key: CallKey, id: RecordingId) {
        let Some(live) = self.calls.get(&key) else { return };
        let by = live.call.setup().caller_number.clone();
        let at = self.clock.stamp(now);
        self.journal(Entry::MessageHeard { id, by, at });
    }

    fn decide(&mut self, now: Instant, key: CallKey, verdict: Verdict) {
        let Some((id, taking)) = self.mailboxes.last_of(key) else {
            return;
        };
        taking.verdict = verdict;
        self.settle_message(now, id);
    }

    /// What was just recorded in this call is a file by now.
    pub(super) fn with_file(&self, key: CallKey, item: Playable) -> Option<Playable> {
        if item != Playable::Message(MessageSound::JustTaken) {
            return Some(item);
        }
        let live = self.calls.get(&key)?;
        let is_message = |row: &&RecordingRow| row.kind == crate::model::RecordingKind::Voicemail;
        let row = live.recordings.iter().rev().find(is_message)?;
        Some(Playable::Message(MessageSound::File(row.path.as_str().into())))
    }
}

fn shown(message: &Message) -> BoxMessage {
    let id: RecordingId = message.id;
    BoxMessage {
        id,
        state: message.state,
        caller: message.caller_number.clone(),
        left_at: message.left_at,
        urgent: message.urgent,
        path: message.path.clone(),
    }
}
