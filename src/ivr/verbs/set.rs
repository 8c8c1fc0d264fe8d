use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::words::Words;
use crate::model::{Language, StepName};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Stores values for the call record and for later texts, then moves on; without `next`, hangs up.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The values; their texts may use `{name}` places like `say`.
    #[serde(default)]
    values: BTreeMap<String, Words>,
    /// The language from here on.
    #[serde(default)]
    language: Option<Language>,
    /// Where to go then.
    #[serde(default)]
    next: Option<StepName>,
}

impl Set {
    pub(super) fn handle(&self, walk: &mut Walk) -> Next {
        if let Some(language) = &self.language {
            walk.speak(language);
        }
        for (name, words) in &self.values {
            let value = walk.written(words);
            walk.collected.insert(name.clone(), value);
        }
        Next::Go(Exit::to(self.next.as_ref()))
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        for (name, words) in &self.values {
            survey.stores("values", name);
            survey.words("values", words);
        }
        survey
            .languages
            .extend(self.language.iter().map(|language| ("language", language)));
        survey.at_once("next", &self.next);
    }
}
