//! Hearing messages by telephone: who may, what there is, and a key for each thing that can be done about it.
//!
//! In a message: `4` the one before, `5` again, `6` the next, `7` throw it away or take it back, `9` keep, `3` from
//! whom and when, `2` call the sender back, `0` the greeting, `*` the keys once more, `#` the end.

use super::said;
use super::walk::{Exit, Next, Walk};
use super::{BoxAnswer, BoxContents, BoxDeed, BoxMessage, BoxQuestion, Input, Pin, Taken, Turn};
use crate::model::{Digit, MessageSound, MessageState, Playable, PromptName, StepName};
use std::time::{Duration, Instant};

/// Wrong boxes or PINs until the call ends (ROBUSTNESS 43).
const TRIES: u8 = 3;
/// How long to wait for the first key, and for a choice.
const FIRST_KEY: Duration = Duration::from_secs(7);
/// How long to wait for each further key of a number.
const NEXT_KEY: Duration = Duration::from_secs(4);
/// How often a choice is offered to somebody who presses nothing.
const MOST_SILENCES: u8 = 3;
/// The longest number of a box, and the longest PIN.
const MOST_KEYS: usize = 16;
/// The longest greeting, in seconds.
const LONGEST_GREETING: u32 = 90;

/// Somebody who hears messages.
#[derive(Debug, Clone)]
pub(super) struct Listening {
    /// Whether an agent's phone opens its own boxes.
    own: bool,
    next: Option<StepName>,
    place: Place,
    number: String,
    pin: Pin,
    tries: u8,
    silences: u8,
    contents: Option<BoxContents>,
    /// Which message.
    at: usize,
}

/// Where in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nobody has said anything.
    Door,
    /// The number of a box is typed.
    Number,
    /// Its PIN is typed.
    Pin,
    /// The engine looks.
    Opening,
    /// What there is, and what to do.
    Menu,
    /// A message plays.
    Hearing,
    /// What to do with a message.
    AtMessage,
    /// What to do with the greeting.
    Greeting,
    /// A greeting is recorded.
    Taking,
    /// What to do with the greeting just recorded.
    Taken,
    /// The sender of a message is called.
    Calling,
}

impl Listening {
    pub(super) fn new(own: bool, next: Option<&StepName>) -> Self {
        Self {
            own,
            next: next.cloned(),
            place: Place::Door,
            number: String::new(),
            pin: Pin::default(),
            tries: 0,
            silences: 0,
            contents: None,
            at: 0,
        }
    }

    /// Whether the keys pressed now are nobody's business.
    pub(super) fn keeps_secret(&self) -> bool {
        self.place == Place::Pin
    }

    pub(super) fn handle(
        &mut self,
        walk: &mut Walk,
        deadline: &mut Option<Instant>,
        now: Instant,
        input: &Input,
    ) -> Next {
        match input {
            Input::Entered => {
                walk.keys.drop_unused();
                if self.own {
                    self.place = Place::Opening;
                    return Next::Stay(Turn::AskBox(BoxQuestion::OpenOwn));
                }
                self.ask_number(walk, &[])
            }
            Input::BoxAnswered(answer) => self.answered(walk, answer),
            Input::Digit(_) => self.press(walk, deadline, now),
            Input::PlayFinished if self.place == Place::Hearing => self.heard(walk),
            Input::PlayFinished => {
                *deadline = Some(now + FIRST_KEY);
                Next::Stay(Turn::Wait)
            }
            Input::DeadlineReached => self.silent(walk),
            Input::MessageTaken(taken) => self.greeting_taken(walk, *taken),
            Input::RingEnded(_) => self.called_in_vain(walk),
        }
    }

    // Who may.

    fn ask_number(&mut self, walk: &Walk, before: &[&str]) -> Next {
        self.place = Place::Number;
        self.number.clear();
        self.pin = Pin::default();
        say(walk, before.iter().copied().chain(["vm-enter-box"]))
    }

    fn press(&mut self, walk: &mut Walk, deadline: &mut Option<Instant>, now: Instant) -> Next {
        let key = match self.place {
            Place::Pin => walk.keys.take_secretly(),
            Place::Door
            | Place::Number
            | Place::Opening
            | Place::Menu
            | Place::Hearing
            | Place::AtMessage
            | Place::Greeting
            | Place::Taking
            | Place::Taken
            | Place::Calling => walk.keys.take(),
        };
        let Some(key) = key else {
            return Next::Stay(Turn::Wait);
        };
        self.silences = 0;
        *deadline = None;
        match self.place {
            Place::Number | Place::Pin => self.type_on(walk, deadline, now, key),
            Place::Menu => self.choose(walk, key),
            Place::Hearing | Place::AtMessage => self.choose_for_message(walk, key),
            Place::Greeting => self.choose_for_greeting(walk, key),
            Place::Taken => self.choose_for_taken(walk, key),
            Place::Door | Place::Opening | Place::Taking | Place::Calling => Next::Stay(Turn::Wait),
        }
    }

    /// One more key of a number or a PIN; `#` ends it.
    fn type_on(&mut self, walk: &Walk, deadline: &mut Option<Instant>, now: Instant, key: Digit) -> Next {
        if key.as_char() == '#' {
            return self.typed(walk);
        }
        let length = if self.place == Place::Pin {
            self.pin.push(key);
            self.pin.len()
        } else {
            self.number.push(key.as_char());
            self.number.len()
        };
        if length >= MOST_KEYS {
            return self.typed(walk);
        }
        *deadline = Some(now + NEXT_KEY);
        Next::Stay(Turn::Hush)
    }

    fn typed(&mut self, walk: &Walk) -> Next {
        if self.place == Place::Number {
            self.place = Place::Pin;
            return say(walk, ["vm-enter-pin"]);
        }
        self.place = Place::Opening;
        Next::Stay(Turn::AskBox(BoxQuestion::Open {
            number: std::mem::take(&mut self.number),
            pin: std::mem::take(&mut self.pin),
        }))
    }

    fn answered(&mut self, walk: &Walk, answer: &BoxAnswer) -> Next {
        match answer {
            BoxAnswer::Opened(contents) => {
                self.contents = Some(contents.clone());
                self.at = 0;
                self.menu(walk, Vec::new())
            }
            BoxAnswer::NotOwn => self.ask_number(walk, &[]),
            BoxAnswer::Refused => {
                self.tries += 1;
                if self.tries >= TRIES {
                    return self.part(walk, &["vm-wrong"]);
                }
                self.ask_number(walk, &["vm-wrong"])
            }
            // It sounds as if the last try had been wrong, too.
            BoxAnswer::Locked => self.part(walk, &["vm-wrong"]),
            BoxAnswer::Room(_) => Next::Stay(Turn::Wait),
        }
    }

    // What there is.

    fn messages(&self) -> &[BoxMessage] {
        self.contents
            .as_ref()
            .map_or(&[], |contents| contents.messages.as_slice())
    }

    fn message(&self) -> Option<&BoxMessage> {
        self.messages().get(self.at)
    }

    fn menu(&mut self, walk: &Walk, mut items: Vec<Playable>) -> Next {
        self.place = Place::Menu;
        let count = |state| {
            self.messages()
                .iter()
                .filter(|message| message.state == state)
                .count()
        };
        let (new, saved) = (count(MessageState::New), count(MessageState::Saved));
        if new + saved == 0 {
            items.extend(prompt(walk, "vm-no-messages"));
        }
        for (name, number) in [("vm-new-count", new), ("vm-saved-count", saved)] {
            if number > 0 {
                items.extend(prompt(walk, name));
                items.extend(said::count(walk, number));
            }
        }
        items.extend(prompt(walk, "vm-menu"));
        Next::Stay(Turn::Play(items))
    }

    fn choose(&mut self, walk: &mut Walk, key: Digit) -> Next {
        match key.as_char() {
            '1' => {
                self.at = 0;
                self.hear(walk, &[])
            }
            '0' => self.greeting(walk, Vec::new()),
            '#' => self.part(walk, &[]),
            '*' => self.menu(walk, Vec::new()),
            _ => say(walk, ["invalid", "vm-menu"]),
        }
    }

    /// Plays the message that is next, or says that there is none.
    fn hear(&mut self, walk: &mut Walk, before: &[&str]) -> Next {
        let mut items = prompts(walk, before.iter().copied());
        let Some(message) = self.message() else {
            if !self.messages().is_empty() {
                items.extend(prompt(walk, "vm-no-more"));
            }
            self.at = 0;
            return self.menu(walk, items);
        };
        if message.urgent && message.state == MessageState::New {
            items.extend(prompt(walk, "vm-urgent"));
        }
        items.push(Playable::Message(MessageSound::File(message.path.clone())));
        walk.deeds.push(BoxDeed::Hear(message.id));
        self.place = Place::Hearing;
        Next::Stay(Turn::Play(items))
    }

    /// A message that was heard to its end is a new one no longer.
    fn heard(&mut self, walk: &mut Walk) -> Next {
        if self.message().is_some_and(|it| it.state == MessageState::New) {
            self.mark(walk, MessageState::Saved);
        }
        self.at_message(walk, &[])
    }

    fn at_message(&mut self, walk: &Walk, before: &[&str]) -> Next {
        self.place = Place::AtMessage;
        say(walk, before.iter().copied().chain(["vm-message-menu"]))
    }

    fn choose_for_message(&mut self, walk: &mut Walk, key: Digit) -> Next {
        match key.as_char() {
            '4' if self.at == 0 => self.hear(walk, &["vm-first"]),
            '4' => {
                self.at -= 1;
                self.hear(walk, &[])
            }
            '5' | '1' => self.hear(walk, &[]),
            '6' => {
                self.at += 1;
                self.hear(walk, &[])
            }
            '7' => self.delete_or_take_back(walk),
            '9' => {
                self.mark(walk, MessageState::Saved);
                self.place = Place::AtMessage;
                say(walk, ["vm-kept"])
            }
            '3' => self.envelope(walk),
            '2' => self.call_back(walk),
            '0' => self.greeting(walk, Vec::new()),
            '#' => self.part(walk, &[]),
            '*' => self.at_message(walk, &[]),
            _ => self.at_message(walk, &["invalid"]),
        }
    }

    fn mark(&mut self, walk: &mut Walk, state: MessageState) {
        let at = self.at;
        let message = self
            .contents
            .as_mut()
            .and_then(|contents| contents.messages.get_mut(at));
        if let Some(message) = message.filter(|message| message.state != state) {
            message.state = state;
            walk.deeds.push(BoxDeed::Mark(message.id, state));
        }
    }

    fn delete_or_take_back(&mut self, walk: &mut Walk) -> Next {
        let is_deleted = self.message().is_some_and(|it| it.state == MessageState::Deleted);
        self.place = Place::AtMessage;
        if is_deleted {
            self.mark(walk, MessageState::Saved);
            return say(walk, ["vm-kept"]);
        }
        self.mark(walk, MessageState::Deleted);
        say(walk, ["vm-deleted"])
    }

    fn envelope(&mut self, walk: &Walk) -> Next {
        let Some(message) = self.message() else {
            return self.menu(walk, Vec::new());
        };
        let mut items = prompts(walk, ["vm-from"]);
        items.extend(said::telephone_number(walk, &message.caller));
        items.extend(prompt(walk, "vm-received"));
        items.extend(said::moment(walk, message.left_at));
        items.extend(prompt(walk, "vm-message-menu"));
        self.place = Place::AtMessage;
        Next::Stay(Turn::Play(items))
    }

    fn call_back(&mut self, walk: &Walk) -> Next {
        let may = self
            .contents
            .as_ref()
            .is_some_and(|contents| contents.may_call_back);
        let number = self.message().map(|message| message.caller.clone());
        let is_number = |text: &str| text.chars().any(|letter| letter.is_ascii_digit());
        match number.filter(|number| may && is_number(number.as_str())) {
            Some(number) => {
                self.place = Place::Calling;
                Next::Stay(Turn::CallBack(number))
            }
            None => self.at_message(walk, &["number-unknown"]),
        }
    }

    fn called_in_vain(&mut self, walk: &Walk) -> Next {
        if self.place != Place::Calling {
            return Next::Stay(Turn::Wait);
        }
        self.at_message(walk, &["nobody-available"])
    }

    // The greeting.

    fn greeting(&mut self, walk: &Walk, mut items: Vec<Playable>) -> Next {
        self.place = Place::Greeting;
        items.extend(prompt(walk, "vm-greeting-menu"));
        Next::Stay(Turn::Play(items))
    }

    fn choose_for_greeting(&mut self, walk: &mut Walk, key: Digit) -> Next {
        let Some(contents) = &mut self.contents else {
            return self.part(walk, &[]);
        };
        match key.as_char() {
            '1' => self.take_greeting(walk),
            '2' => {
                let heard = contents.greeting.clone();
                let items = heard.or_else(|| prompt(walk, "voicemail-greeting"));
                self.greeting(walk, items.into_iter().collect())
            }
            '3' => {
                contents.greeting = None;
                walk.deeds.push(BoxDeed::ForgetGreeting(contents.mailbox.clone()));
                self.greeting(walk, prompts(walk, ["vm-erased"]))
            }
            '*' => self.menu(walk, Vec::new()),
            '#' => self.part(walk, &[]),
            _ => self.greeting(walk, prompts(walk, ["invalid"])),
        }
    }

    fn take_greeting(&mut self, walk: &Walk) -> Next {
        let Some(contents) = &self.contents else {
            return self.part(walk, &[]);
        };
        self.place = Place::Taking;
        Next::Stay(Turn::TakeMessage {
            mailbox: contents.mailbox.clone(),
            is_greeting: true,
            greeting: prompts(walk, ["vm-greeting-record"]),
            max_seconds: LONGEST_GREETING,
            min_seconds: 1,
            silence_seconds: 5,
        })
    }

    fn greeting_taken(&mut self, walk: &mut Walk, taken: Taken) -> Next {
        if self.place != Place::Taking {
            return Next::Stay(Turn::Wait);
        }
        if !taken.is_long_enough {
            walk.deeds.push(BoxDeed::Drop);
            return self.greeting(walk, prompts(walk, ["invalid"]));
        }
        self.place = Place::Taken;
        say(walk, ["vm-greeting-review"])
    }

    fn choose_for_taken(&mut self, walk: &mut Walk, key: Digit) -> Next {
        match (key.as_char(), &mut self.contents) {
            ('1', _) => {
                let mut items = vec![Playable::Message(MessageSound::JustTaken)];
                items.extend(prompt(walk, "vm-greeting-review"));
                Next::Stay(Turn::Play(items))
            }
            ('2' | '#', Some(contents)) => {
                contents.greeting = Some(Playable::Message(MessageSound::JustTaken));
                walk.deeds.push(BoxDeed::Greet(contents.mailbox.clone()));
                self.greeting(walk, prompts(walk, ["vm-greeting-set"]))
            }
            ('3', _) => {
                walk.deeds.push(BoxDeed::Drop);
                self.greeting(walk, prompts(walk, ["vm-erased"]))
            }
            ('4', _) => {
                walk.deeds.push(BoxDeed::Drop);
                self.take_greeting(walk)
            }
            _ => say(walk, ["invalid", "vm-greeting-review"]),
        }
    }

    // Nobody presses anything.

    fn silent(&mut self, walk: &mut Walk) -> Next {
        let has_typed = match self.place {
            Place::Number => !self.number.is_empty(),
            Place::Pin => self.pin.len() > 0,
            Place::Door
            | Place::Opening
            | Place::Menu
            | Place::Hearing
            | Place::AtMessage
            | Place::Greeting
            | Place::Taking
            | Place::Taken
            | Place::Calling => false,
        };
        if has_typed {
            return self.typed(walk);
        }
        self.silences += 1;
        if self.silences >= MOST_SILENCES {
            if self.place == Place::Taken {
                walk.deeds.push(BoxDeed::Drop);
            }
            return self.part(walk, &[]);
        }
        match self.place {
            Place::Number => self.ask_number(walk, &[]),
            Place::Pin => say(walk, ["vm-enter-pin"]),
            Place::Menu => self.menu(walk, Vec::new()),
            Place::AtMessage => self.at_message(walk, &[]),
            Place::Greeting => self.greeting(walk, Vec::new()),
            Place::Taken => say(walk, ["vm-greeting-review"]),
            Place::Door | Place::Opening | Place::Hearing | Place::Taking | Place::Calling => {
                Next::Stay(Turn::Wait)
            }
        }
    }

    fn part(&self, walk: &Walk, before: &[&str]) -> Next {
        let items = prompts(walk, before.iter().copied().chain(["goodbye"]));
        Next::PlayThen(items, Exit::to(self.next.as_ref()))
    }
}

fn prompt(walk: &Walk, name: &str) -> Option<Playable> {
    walk.prompt(&PromptName::from(name))
}

fn prompts<'a>(walk: &Walk, names: impl IntoIterator<Item = &'a str>) -> Vec<Playable> {
    names.into_iter().filter_map(|name| prompt(walk, name)).collect()
}

fn say<'a>(walk: &Walk, names: impl IntoIterator<Item = &'a str>) -> Next {
    Next::Stay(Turn::Play(prompts(walk, names)))
}

#[cfg(test)]
mod tests;
