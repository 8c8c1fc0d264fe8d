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
            key: if key.is_empty() { self.label.clone() } else { format!("{}.{key}", self.label) },
            problem: problem.into(),
            cure: cure.into(),
        }
    }

    /// The same table with its value seen in another way.
    pub(super) fn map<U>(self, see: impl FnOnce(T) -> U) -> Section<U> {
        let Self { value, label, place, keys, whole } = self;
        Section { value: see(value), label, place, keys, whole }
    }
}
