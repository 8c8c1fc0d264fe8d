use super::plain_words::in_two;
use super::{Mistake, Place};
use std::collections::HashMap;

/// One table of the configuration: what it says, and where each of its keys stands.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub(super) value: T,
    /// What messages call it: `sip`, `agent.ali`, `step.menu`.
    pub(super) label: String,
    pub(super) place: Place,
    pub(super) keys: HashMap<String, Place>,
    /// Whether every key of it could be read. If not, what is missing has already been told.
    pub(super) whole: bool,
}

impl<T> Section<T> {
    /// Something wrong with one of its keys; `""` for the table as a whole.
    pub(super) fn mistake(&self, key: &str, problem: impl Into<String>, cure: impl Into<String>) -> Mistake {
        Mistake {
            place: self.keys.get(key).unwrap_or(&self.place).clone(),
            key: match (self.label.as_str(), key) {
                (label, "") => label.to_owned(),
                ("", key) => key.to_owned(),
                (label, key) => format!("{label}.{key}"),
            },
            problem: problem.into(),
            cure: cure.into(),
        }
    }

    /// The same, from a message that says the problem, then the cure.
    pub(super) fn mistake_in_two(&self, key: &str, message: &str) -> Mistake {
        let (problem, cure) = in_two(message);
        self.mistake(key, problem, cure)
    }

    /// The same places with another value.
    pub(super) fn with<U>(&self, value: U) -> Section<U> {
        let Self {
            label,
            place,
            keys,
            whole,
            ..
        } = self;
        Section {
            value,
            label: label.clone(),
            place: place.clone(),
            keys: keys.clone(),
            whole: *whole,
        }
    }

    /// The same table with its value seen in another way.
    pub(super) fn map<U>(self, see: impl FnOnce(T) -> U) -> Section<U> {
        let Self {
            value,
            label,
            place,
            keys,
            whole,
        } = self;
        Section {
            value: see(value),
            label,
            place,
            keys,
            whole,
        }
    }
}
