use super::keys::Keys;
use super::listening::Listening;
use super::words::{self, Words};
use super::{BoxDeed, BoxRoom, EndCause, LocalTime, Turn};
use crate::model::{Language, Number, Playable, PromptName, StepName, WallClock};
use std::collections::BTreeMap;
use std::time::Instant;

/// Who is in the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller's number.
    pub number: Number,
    /// The display name that was sent.
    pub name: Option<String>,
    /// What was dialled.
    pub dialed: Number,
}

/// The names that texts may use besides what the flow itself stores.
pub(super) const GIVEN_VALUES: [&str; 4] = ["caller", "caller_name", "dialed", "digits"];

/// What a caller carries from step to step.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    pub(super) caller: Caller,
    pub(super) languages: Vec<Language>,
    pub(super) language: Language,
    pub(super) clock: WallClock,
    pub(super) keys: Keys,
    pub(super) collected: BTreeMap<String, String>,
    pub(super) end_cause: EndCause,
    /// What was done to boxes and nobody has been told yet.
    pub(super) deeds: Vec<BoxDeed>,
}

/// A step's scratch space; fresh each time a step is entered.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// How often the caller has been asked.
    pub(super) tries: u8,
    /// Keys of an entry under way.
    pub(super) entry: String,
    /// The box a message is left in, and how far that is.
    pub(super) taking: Option<Taking>,
    /// Whoever hears messages, and where they are.
    pub(super) listening: Option<Box<Listening>>,
    /// When the step wants to be asked again.
    pub(super) deadline: Option<Instant>,
}

/// A message being left.
#[derive(Debug, Clone)]
pub(super) struct Taking {
    /// The rules of the box.
    pub(super) room: BoxRoom,
    /// Whether the caller decides what becomes of the message.
    pub(super) reviews: bool,
}

/// What a step decides.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Say this to the outside and stay.
    Stay(Turn),
    /// Play these to their end, then go.
    PlayThen(Vec<Playable>, Exit),
    /// Go now.
    Go(Exit),
}

/// Where a step leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exit {
    /// To another step.
    Step(StepName),
    /// Out of the flow.
    HangUp,
}

impl Exit {
    /// The named step, or the end of the flow when none is named.
    pub(super) fn to(step: Option<&StepName>) -> Self {
        step.map_or(Self::HangUp, |step| Self::Step(step.clone()))
    }
}

impl Walk {
    /// The prompt in the caller's language; nothing for the empty name, which flows write to keep a step silent.
    pub(super) fn prompt(&self, name: &PromptName) -> Option<Playable> {
        let said = !name.as_str().is_empty();
        said.then(|| Playable::Prompt {
            language: self.language.clone(),
            name: name.clone(),
        })
    }

    /// Several prompts in the caller's language, the silent ones left out.
    pub(super) fn prompts<'a>(&self, names: impl IntoIterator<Item = &'a PromptName>) -> Vec<Playable> {
        names.into_iter().filter_map(|name| self.prompt(name)).collect()
    }

    /// Speaks the language if the site has it.
    pub(super) fn speak(&mut self, language: &Language) {
        if self.languages.contains(language) {
            self.language = language.clone();
        }
    }

    /// A text in the caller's language, its places filled in for the ear.
    pub(super) fn spoken(&self, words: &Words) -> Option<Playable> {
        let text = words::fill(words.text(&self.language), |name| {
            self.value(name).map(|value| words::spoken(&value))
        });
        let said = !text.trim().is_empty();
        said.then(|| Playable::Text {
            language: self.language.clone(),
            text,
        })
    }

    /// A text in the caller's language, its places filled in as they are.
    pub(super) fn written(&self, words: &Words) -> String {
        words::fill(words.text(&self.language), |name| self.value(name))
    }

    /// What the site's clock shows; nothing when the clock cannot be believed.
    pub(super) fn local_time(&self, now: Instant) -> Option<LocalTime> {
        self.clock
            .is_synced()
            .then(|| LocalTime::of(self.clock.stamp(now)))
    }

    fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.collected.get(name) {
            return Some(value.clone());
        }
        match name {
            "caller" => Some(self.caller.number.to_string()),
            "caller_name" => self.caller.name.clone(),
            "dialed" => Some(self.caller.dialed.to_string()),
            "digits" => Some(self.keys.record().to_owned()),
            _ => None,
        }
    }
}
