//! The message boxes: what is in them, for the lamps of phones (RFC 3842) and for whoever hears or looks.

use super::Engine;
use crate::model::{
    AgentId, CallId, CallKey, Entry, Greeting, GroupName, Language, Mailbox, Message, MessageFacts,
    MessageState, Number, RecordingFacts, RecordingId, Stamp, TapeDone,
};
use crate::sip::Messages;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Messages being taken at once whose box is remembered. Identities begin with the time, so the oldest goes first.
const MOST: usize = 4096;

/// The boxes, and messages on their way into one.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    /// Messages of each box that has held one, the oldest first.
    pub(super) messages: BTreeMap<Mailbox, Vec<Message>>,
    /// What owners recorded.
    pub(super) greetings: BTreeMap<Mailbox, Greeting>,
    taking: BTreeMap<RecordingId, Taking>,
}

/// A message being taken, or waiting for its file or its caller's word.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) call: CallKey,
    pub(super) call_id: CallId,
    pub(super) wanted: Wanted,
    pub(super) left_at: Stamp,
    pub(super) caller_number: Number,
    pub(super) caller_name: Option<String>,
    pub(super) language: Option<Language>,
    pub(super) path: String,
    pub(super) urgent: bool,
    pub(super) verdict: Verdict,
    pub(super) facts: Option<RecordingFacts>,
}

/// For which box words are recorded, and as what.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) mailbox: Mailbox,
    pub(super) shortest: Duration,
    pub(super) is_greeting: bool,
}

/// What becomes of recorded words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The caller has not decided.
    Open,
    /// They are a message.
    Keep,
    /// The caller hung up: they are a message if they are long enough.
    KeepIfLongEnough,
    /// They are thrown away.
    Drop,
    /// They greet callers.
    Greet,
}

impl Mailboxes {
    /// Every box that has held a message.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Mailbox, Messages)> {
        self.messages
            .iter()
            .map(|(mailbox, messages)| (mailbox, count(messages)))
    }

    /// Words for a box are being recorded.
    pub(super) fn takes(&mut self, id: RecordingId, taking: Taking) {
        self.taking.insert(id, taking);
        if self.taking.len() > MOST {
            self.taking.pop_first();
        }
    }

    /// What a call has recorded last.
    pub(super) fn last_of(&mut self, call: CallKey) -> Option<(RecordingId, &mut Taking)> {
        let newest = self
            .taking
            .iter_mut()
            .rev()
            .find(|(_, taking)| taking.call == call);
        newest.map(|(id, taking)| (*id, taking))
    }

    /// Messages that a box holds, new and saved.
    pub(super) fn held(&self, mailbox: &Mailbox) -> usize {
        let kept = |message: &&Message| message.state != MessageState::Deleted;
        self.messages
            .get(mailbox)
            .map_or(0, |messages| messages.iter().filter(kept).count())
    }

    /// An agent's own box and those of the agent's groups.
    pub(super) fn boxes_of<'a>(
        agent: &'a AgentId,
        groups: &'a [GroupName],
    ) -> impl Iterator<Item = Mailbox> + 'a {
        let own = std::iter::once(Mailbox::Agent(agent.clone()));
        own.chain(groups.iter().cloned().map(Mailbox::Group))
    }

    /// The box of an agent together with those of the agent's groups.
    fn of_agent(&self, agent: &AgentId, groups: &[GroupName]) -> Option<Messages> {
        let counts: Vec<Messages> = Self::boxes_of(agent, groups)
            .filter_map(|mailbox| self.messages.get(&mailbox).map(|messages| count(messages)))
            .collect();
        let sum = |of: fn(&Messages) -> u32| counts.iter().map(of).fold(0_u32, u32::saturating_add);
        (!counts.is_empty()).then(|| Messages {
            new: sum(|count| count.new),
            old: sum(|count| count.old),
        })
    }
}

fn count(messages: &[Message]) -> Messages {
    let of = |state| {
        let count = messages.iter().filter(|message| message.state == state).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    Messages {
        new: of(MessageState::New),
        old: of(MessageState::Saved),
    }
}

impl Engine {
    /// Takes the messages and greetings of the last run.
    pub fn restore_mailboxes(
        &mut self,
        now: Instant,
        messages: Vec<Message>,
        greetings: Vec<(Mailbox, Greeting)>,
    ) {
        for message in messages {
            let mailbox = message.mailbox.clone();
            self.mailboxes.messages.entry(mailbox).or_default().push(message);
        }
        self.mailboxes.greetings = greetings.into_iter().collect();
        self.light_all_message_lamps(now);
    }

    /// A recording is complete: if it is for a box, its file is there now.
    pub(super) fn message_taken(&mut self, now: Instant, done: &TapeDone) {
        let Some(taking) = self.mailboxes.taking.get_mut(&done.id) else {
            return;
        };
        match &done.result {
            Ok(facts) => {
                taking.facts = Some(facts.clone());
                self.settle_message(now, done.id);
            }
            Err(_) => {
                self.mailboxes.taking.remove(&done.id);
            }
        }
    }

    /// The call is over: what it recorded and said nothing more about stays.
    pub(super) fn settle_messages_of(&mut self, now: Instant, call: CallKey) {
        let of_call = |taking: &&mut Taking| taking.call == call && taking.verdict == Verdict::Open;
        for taking in self.mailboxes.taking.values_mut().filter(of_call) {
            taking.verdict = if taking.wanted.is_greeting {
                Verdict::Drop
            } else {
                Verdict::KeepIfLongEnough
            };
        }
        let settled = self.mailboxes.taking.iter();
        let ids: Vec<RecordingId> = settled
            .filter(|(_, taking)| taking.call == call)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.settle_message(now, id);
        }
    }

    /// Puts recorded words where they belong, once it is known where that is and the file is there.
    pub(super) fn settle_message(&mut self, now: Instant, id: RecordingId) {
        let Some(taking) = self.mailboxes.taking.get(&id) else {
            return;
        };
        let Some(facts) = &taking.facts else { return };
        let shortest = u64::try_from(taking.wanted.shortest.as_millis()).unwrap_or(u64::MAX);
        let is_long_enough = facts.duration_ms.is_none_or(|length| length >= shortest);
        let state = match taking.verdict {
            Verdict::Open => return,
            Verdict::Greet => return self.greet_with(id),
            Verdict::Keep => MessageState::New,
            Verdict::KeepIfLongEnough if is_long_enough => MessageState::New,
            Verdict::KeepIfLongEnough | Verdict::Drop => MessageState::Deleted,
        };
        let Some(taking) = self.mailboxes.taking.remove(&id) else {
            return;
        };
        let call = taking.call;
        let message = taking.into_message(id, state);
        if state == MessageState::Deleted {
            self.forget_recording(call, id);
            let message = Box::new(message);
            let errands = Vec::new();
            return self.journal(Entry::MessageLeft { message, errands });
        }
        self.deliver(now, call, message);
    }

    /// A message is in its box.
    fn deliver(&mut self, now: Instant, call: CallKey, message: Message) {
        self.note_message(
            call,
            MessageFacts {
                id: message.id,
                mailbox: message.mailbox.clone(),
                urgent: message.urgent,
                transcript: None,
            },
        );
        let errands = self.settings.voicemail.rules(&message.mailbox).errands.clone();
        let messages = self
            .mailboxes
            .messages
            .entry(message.mailbox.clone())
            .or_default();
        // Those thrown away are kept only so that somebody can take them back.
        messages.retain(|message| message.state != MessageState::Deleted);
        messages.push(message.clone());
        let message = Box::new(message);
        self.journal(Entry::MessageLeft { message, errands });
        self.light_all_message_lamps(now);
    }

    fn greet_with(&mut self, id: RecordingId) {
        let Some(taking) = self.mailboxes.taking.remove(&id) else {
            return;
        };
        self.forget_recording(taking.call, id);
        let mailbox = taking.wanted.mailbox;
        let greeting = Greeting {
            id,
            path: taking.path.into(),
        };
        self.mailboxes.greetings.insert(mailbox.clone(), greeting.clone());
        let greeting = Some(greeting);
        self.journal(Entry::GreetingSet { mailbox, greeting });
    }

    /// A box goes back to the greeting of the site.
    pub(super) fn forget_greeting(&mut self, mailbox: Mailbox) {
        if self.mailboxes.greetings.remove(&mailbox).is_some() {
            let greeting = None;
            self.journal(Entry::GreetingSet { mailbox, greeting });
        }
    }

    /// A message was heard, kept, thrown away or taken back. One that is in no box is nobody's loss.
    pub(super) fn mark_message(&mut self, now: Instant, id: RecordingId, state: MessageState) {
        let all = self.mailboxes.messages.values_mut().flatten();
        let Some(message) = all.into_iter().find(|message| message.id == id) else {
            return;
        };
        if message.state == state {
            return;
        }
        message.state = state;
        self.journal(Entry::MessageMarked { id, state });
        self.light_all_message_lamps(now);
    }

    /// Everything in this box has been listened to.
    pub(super) fn mailbox_heard(&mut self, now: Instant, mailbox: &Mailbox) {
        let messages = self.mailboxes.messages.get_mut(mailbox);
        let new = messages
            .into_iter()
            .flatten()
            .filter(|message| message.state == MessageState::New);
        let heard: Vec<RecordingId> = new
            .map(|message| {
                message.state = MessageState::Saved;
                message.id
            })
            .collect();
        for id in &heard {
            let (id, state) = (*id, MessageState::Saved);
            self.journal(Entry::MessageMarked { id, state });
        }
        if !heard.is_empty() {
            self.light_all_message_lamps(now);
        }
    }

    /// Who has gone or come may share a box; only what is news is sent.
    pub(super) fn light_all_message_lamps(&mut self, now: Instant) {
        if self.mailboxes.messages.is_empty() {
            return;
        }
        let told: Vec<_> = self
            .roster
            .agents()
            .filter_map(|agent| {
                let count = self.mailboxes.of_agent(&agent.id, &agent.groups)?;
                Some((self.extension_of(&agent.id)?, count))
            })
            .collect();
        for (extension, count) in told {
            self.sip.set_messages(now, &extension, count);
        }
    }

    /// The recording of a call that is not the call's: its record does not name it.
    fn forget_recording(&mut self, call: CallKey, id: RecordingId) {
        if let Some(live) = self.calls.get_mut(&call) {
            live.aside.push(id);
        } else if let Some(filing) = self.filings.get_mut(&call) {
            filing.forget(id);
            self.file_if_complete(call);
        }
    }

    fn note_message(&mut self, call: CallKey, facts: MessageFacts) {
        if let Some(live) = self.calls.get_mut(&call) {
            live.voicemail = Some(facts);
        } else if let Some(filing) = self.filings.get_mut(&call) {
            filing.note_message(facts);
        }
    }
}

impl Taking {
    fn into_message(self, id: RecordingId, state: MessageState) -> Message {
        Message {
            id,
            call_id: self.call_id,
            mailbox: self.wanted.mailbox,
            state,
            left_at: self.left_at,
            caller_number: self.caller_number,
            caller_name: self.caller_name,
            path: Arc::from(self.path),
            duration_ms: self.facts.and_then(|facts| facts.duration_ms).unwrap_or(0),
            language: self.language,
            urgent: self.urgent,
        }
    }
}
