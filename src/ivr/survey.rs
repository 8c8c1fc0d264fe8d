use super::words::{self, Words};
use crate::model::{GroupName, Language, PromptName, StepName};

/// What a step names and does, as `check` needs to know it. Each verb fills in its own.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// Steps it leads to.
    pub(super) ways: Vec<Way<'a>>,
    /// Groups it names, with the key.
    pub(super) groups: Vec<(&'static str, &'a GroupName)>,
    /// Prompts it plays, with the key.
    pub(super) prompts: Vec<(&'static str, &'a PromptName)>,
    /// Languages it names, with the key.
    pub(super) languages: Vec<(&'static str, &'a Language)>,
    /// Values its texts use, with the key.
    pub(super) used: Vec<(&'static str, &'a str)>,
    /// Values it stores, with the key.
    pub(super) stored: Vec<(&'static str, &'a str)>,
    /// What is wrong with it by itself: the key, what, and the cure.
    pub(super) wrong: Vec<(&'static str, String, String)>,
}

/// A way out of a step.
#[derive(Debug)]
pub(super) struct Way<'a> {
    /// The key that names the step.
    pub(super) key: &'static str,
    /// The step.
    pub(super) to: &'a StepName,
    /// Whether something outside has to happen first: a sound ends, a key is pressed, phones ring, time passes.
    pub(super) after_wait: bool,
}

impl<'a> Survey<'a> {
    /// A way that is taken after a wait.
    pub(super) fn later(&mut self, key: &'static str, to: impl IntoIterator<Item = &'a StepName>) {
        self.ways.extend(to.into_iter().map(|to| Way {
            key,
            to,
            after_wait: true,
        }));
    }

    /// A way that may be taken in the same instant.
    pub(super) fn at_once(&mut self, key: &'static str, to: impl IntoIterator<Item = &'a StepName>) {
        self.ways.extend(to.into_iter().map(|to| Way {
            key,
            to,
            after_wait: false,
        }));
    }

    /// Prompts with their keys; the empty name means silence.
    pub(super) fn prompts<const N: usize>(&mut self, prompts: [(&'static str, &'a PromptName); N]) {
        self.prompts
            .extend(prompts.into_iter().filter(|(_, name)| !name.as_str().is_empty()));
    }

    /// A prompt without which the step makes no sense.
    pub(super) fn needed_prompt(&mut self, key: &'static str, prompt: &'a PromptName) {
        if prompt.as_str().is_empty() {
            self.wrong(
                key,
                "is empty",
                "name a file of prompts/<language>/ without its ending",
            );
        } else {
            self.prompts.push((key, prompt));
        }
    }

    /// A text, with the languages it is written in and the values it uses.
    pub(super) fn words(&mut self, key: &'static str, words: &'a Words) {
        for (language, text) in words.texts() {
            self.languages.extend(language.map(|language| (key, language)));
            self.used.extend(words::places(text).map(|name| (key, name)));
        }
        if words.texts().all(|(_, text)| text.trim().is_empty()) {
            self.wrong(key, "is empty", "write what is to be said");
        }
    }

    /// A value's name.
    pub(super) fn stores(&mut self, key: &'static str, name: &'a str) {
        if !words::is_name(name) {
            let problem = format!("`{name}` cannot name a value");
            self.wrong(key, &problem, "use letters, digits and _");
        }
        self.stored.push((key, name));
    }

    /// Something that is wrong with the step by itself.
    pub(super) fn wrong(&mut self, key: &'static str, problem: &str, cure: &str) {
        self.wrong.push((key, problem.to_owned(), cure.to_owned()));
    }
}
