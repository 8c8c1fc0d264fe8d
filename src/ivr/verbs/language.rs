use super::menu::{listen, patience, timeout_seconds};
use crate::ivr::seconds::Seconds;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Progress, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{Digit, Language, Playable, PromptName, StepName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// Chooses the caller's language: by the caller's number where `by_caller` knows it, else by a key.
///
/// The question is played once in each language that a key leads to. Languages the site does not have are not asked
/// for; where only one is left there is no question. A wrong key or none asks again, and after `tries` the default
/// stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChooseLanguage {
    /// The question, recorded in each language in that language.
    #[serde(default = "question")]
    prompt: PromptName,
    /// Which key chooses which language.
    #[serde(default)]
    keys: BTreeMap<Digit, Language>,
    /// The language when none is chosen; the one spoken so far when absent.
    #[serde(default)]
    default: Option<Language>,
    /// Beginnings of callers' numbers and the language they get without being asked; the longest match counts.
    #[serde(default)]
    by_caller: BTreeMap<String, Language>,
    /// How long to wait for a key after the question.
    #[serde(default = "timeout_seconds")]
    timeout_seconds: Seconds,
    /// How often to ask.
    #[serde(default = "tries")]
    tries: u8,
    /// What is said after a wrong key, in each language; `""` for nothing.
    #[serde(default)]
    invalid_prompt: Option<PromptName>,
    /// Where to go then.
    next: StepName,
}

fn question() -> PromptName {
    PromptName::from("choose-language")
}

fn tries() -> u8 {
    2
}

impl ChooseLanguage {
    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        match input {
            Input::Entered => self.begin(walk, progress, now),
            Input::Digit(_) => self.choose(walk, progress, now),
            Input::PlayFinished => {
                progress.deadline = Some(now + self.timeout_seconds.duration());
                Next::Stay(Turn::Wait)
            }
            Input::DeadlineReached => self.again(walk, progress, now, None),
            Input::RingEnded(_) | Input::MessageTaken(_) | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    fn begin(&self, walk: &mut Walk, progress: &mut Progress, now: Instant) -> Next {
        if let Some(language) = self.known(walk) {
            walk.speak(&language);
            return self.on();
        }
        match self.offered(walk).as_slice() {
            [] => self.settle(walk),
            [only] => {
                let only = only.clone();
                walk.speak(&only);
                self.on()
            }
            [_, _, ..] if walk.keys.are_waiting() => self.choose(walk, progress, now),
            [_, _, ..] => self.ask(walk, progress, now, None),
        }
    }

    fn choose(&self, walk: &mut Walk, progress: &mut Progress, now: Instant) -> Next {
        let chosen = walk.keys.take().and_then(|key| self.keys.get(&key));
        match chosen {
            Some(language) if walk.languages.contains(language) => {
                walk.speak(language);
                self.on()
            }
            Some(_) | None => {
                walk.keys.drop_unused();
                progress.tries = progress.tries.max(1);
                self.again(walk, progress, now, self.invalid_prompt.as_ref())
            }
        }
    }

    fn again(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        before: Option<&PromptName>,
    ) -> Next {
        if progress.tries >= self.tries {
            return self.settle(walk);
        }
        self.ask(walk, progress, now, before)
    }

    fn ask(&self, walk: &Walk, progress: &mut Progress, now: Instant, before: Option<&PromptName>) -> Next {
        progress.tries = progress.tries.saturating_add(1);
        let offered = self.offered(walk);
        let in_each = |name: &PromptName| {
            let name = name.clone();
            offered.clone().into_iter().map(move |language| Playable::Prompt {
                language,
                name: name.clone(),
            })
        };
        let items = before
            .into_iter()
            .chain([&self.prompt])
            .flat_map(in_each)
            .collect();
        listen(progress, now, self.timeout_seconds, items)
    }

    /// Nothing was chosen: the default stands.
    fn settle(&self, walk: &mut Walk) -> Next {
        if let Some(language) = &self.default {
            walk.speak(language);
        }
        self.on()
    }

    fn on(&self) -> Next {
        Next::Go(Exit::Step(self.next.clone()))
    }

    /// The languages a key leads to, in the site's order.
    fn offered(&self, walk: &Walk) -> Vec<Language> {
        let has_key = |language: &&Language| self.keys.values().any(|choice| choice == *language);
        walk.languages.iter().filter(has_key).cloned().collect()
    }

    fn known(&self, walk: &Walk) -> Option<Language> {
        let number = walk.caller.number.as_str();
        self.by_caller
            .iter()
            .filter(|(beginning, language)| {
                number.starts_with(beginning.as_str()) && walk.languages.contains(language)
            })
            .max_by_key(|(beginning, _)| beginning.len())
            .map(|(_, language)| language.clone())
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.at_once("next", [&self.next]); // A known caller is not asked.
        survey
            .languages
            .extend(self.keys.values().map(|language| ("keys", language)));
        survey
            .languages
            .extend(self.by_caller.values().map(|language| ("by_caller", language)));
        survey
            .languages
            .extend(self.default.iter().map(|language| ("default", language)));
        survey.prompts.extend(
            self.invalid_prompt
                .iter()
                .map(|prompt| ("invalid_prompt", prompt)),
        );
        if self.keys.is_empty() && self.by_caller.is_empty() {
            survey.wrong(
                "keys",
                "is missing, and so is `by_caller`",
                "write keys = { 1 = \"en\", 2 = \"ar\" }",
            );
        }
        if !self.keys.is_empty() {
            survey.needed_prompt("prompt", &self.prompt);
        }
        patience(survey, self.tries, self.timeout_seconds);
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    fn bilingual(more: &str) -> Rehearsal {
        Rehearsal::of(&format!(
            r#"
            name = "bilingual"
            start = "language"
            [step.menu]
            verb = "menu"
            prompt = "main-menu"
            keys = {{ 1 = "menu" }}
            [step.language]
            verb = "language"
            next = "menu"
            keys = {{ 1 = "en", 2 = "ar", 3 = "fr" }}
            {more}
            "#
        ))
    }

    #[test]
    fn the_question_is_asked_in_each_language_and_the_key_decides() {
        let mut caller = bilingual("");
        assert_eq!(caller.enter(), "play en/choose-language + ar/choose-language");
        assert_eq!(caller.press("2"), "play ar/main-menu");
        assert_eq!(caller.session.language().as_str(), "ar");
    }

    #[test]
    fn a_language_the_site_does_not_have_is_a_wrong_key_and_the_default_stands_in_the_end() {
        let mut caller = bilingual("default = \"ar\"\ninvalid_prompt = \"invalid\"");
        caller.enter();
        assert_eq!(
            caller.press("3"),
            "play en/invalid + ar/invalid + en/choose-language + ar/choose-language"
        );
        caller.heard();
        assert_eq!(caller.after_seconds(5.0), "play ar/main-menu");
    }

    #[test]
    fn a_known_number_is_not_asked() {
        let mut caller = bilingual("by_caller = { \"+966\" = \"ar\", \"+9665\" = \"en\", \"+\" = \"fr\" }");
        assert_eq!(caller.enter(), "play en/main-menu");
        let mut caller = bilingual("by_caller = { \"+966\" = \"ar\" }");
        assert_eq!(caller.enter(), "play ar/main-menu");
    }
}
