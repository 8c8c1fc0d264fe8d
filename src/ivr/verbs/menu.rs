use crate::ivr::seconds::Seconds;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Progress, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{Digit, Playable, PromptName, StepName};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Instant;

/// Plays a prompt and waits for one key. A key cuts the prompt; a key typed ahead is taken before the prompt begins.
///
/// A wrong key, no key, and too many tries each have a prompt and a way out: `invalid_prompt` and `invalid`,
/// `timeout_prompt` and `timeout`, `otherwise_prompt` and `otherwise`. Without a way of its own, a wrong key or no key
/// asks again; without `otherwise`, too many tries end the call with a goodbye.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// The choices, spoken; `""` when the step before has told them.
    #[serde(default)]
    prompt: Option<PromptName>,
    /// Which key leads where.
    keys: BTreeMap<Digit, StepName>,
    /// How long to wait for a key after the prompt.
    #[serde(default = "timeout_seconds")]
    timeout_seconds: Seconds,
    /// How often to ask.
    #[serde(default = "tries")]
    tries: u8,
    /// What is said after a wrong key; `""` for nothing.
    #[serde(default = "invalid_prompt")]
    invalid_prompt: PromptName,
    /// Where a wrong key leads, instead of asking again.
    #[serde(default)]
    invalid: Option<StepName>,
    /// What is said when no key came; `""` for nothing.
    #[serde(default = "timeout_prompt", alias = "no_key_prompt")]
    timeout_prompt: PromptName,
    /// Where no key leads, instead of asking again.
    #[serde(default, alias = "no_key")]
    timeout: Option<StepName>,
    /// What is said after too many tries; a goodbye when absent and the call ends, else nothing.
    #[serde(default)]
    otherwise_prompt: Option<PromptName>,
    /// Where too many tries lead.
    #[serde(default)]
    otherwise: Option<StepName>,
}

pub(super) fn timeout_seconds() -> Seconds {
    Seconds::new(5)
}

pub(super) fn tries() -> u8 {
    3
}

pub(super) fn invalid_prompt() -> PromptName {
    PromptName::from("invalid")
}

pub(super) fn timeout_prompt() -> PromptName {
    PromptName::from("no-input")
}

/// How a step bids farewell when it gives up and leads nowhere.
pub(super) fn farewell(prompt: &Option<PromptName>, next: &Option<StepName>) -> Option<PromptName> {
    match (prompt, next) {
        (Some(prompt), _) => Some(prompt.clone()),
        (None, Some(_)) => None,
        (None, None) => Some(PromptName::from("goodbye")),
    }
}

impl Menu {
    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        match input {
            Input::Entered | Input::Digit(_) => match walk.keys.take() {
                Some(key) => self.choose(walk, progress, now, key),
                None => self.ask(walk, progress, now, None),
            },
            Input::PlayFinished => {
                progress.deadline = Some(now + self.timeout_seconds.duration());
                Next::Stay(Turn::Wait)
            }
            Input::DeadlineReached => {
                self.stray(walk, progress, now, &self.timeout_prompt, self.timeout.as_ref())
            }
            Input::RingEnded(_) | Input::MessageTaken(_) | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    fn choose(&self, walk: &mut Walk, progress: &mut Progress, now: Instant, key: Digit) -> Next {
        if let Some(step) = self.keys.get(&key) {
            return Next::Go(Exit::Step(step.clone()));
        }
        walk.keys.drop_unused(); // What was typed after a wrong key was meant for another menu.
        progress.tries = progress.tries.max(1);
        self.stray(walk, progress, now, &self.invalid_prompt, self.invalid.as_ref())
    }

    /// A wrong key or none: the way of its own, another try, or the end of patience.
    fn stray(
        &self,
        walk: &Walk,
        progress: &mut Progress,
        now: Instant,
        prompt: &PromptName,
        way: Option<&StepName>,
    ) -> Next {
        if let Some(step) = way {
            return Next::PlayThen(walk.prompts([prompt]), Exit::Step(step.clone()));
        }
        if progress.tries >= self.tries {
            let farewell = farewell(&self.otherwise_prompt, &self.otherwise);
            return Next::PlayThen(walk.prompts(&farewell), Exit::to(self.otherwise.as_ref()));
        }
        self.ask(walk, progress, now, walk.prompt(prompt))
    }

    fn ask(&self, walk: &Walk, progress: &mut Progress, now: Instant, before: Option<Playable>) -> Next {
        progress.tries = progress.tries.saturating_add(1);
        let items: Vec<Playable> = before.into_iter().chain(walk.prompts(&self.prompt)).collect();
        listen(progress, now, self.timeout_seconds, items)
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.later("keys", self.keys.values());
        survey.later("invalid", &self.invalid);
        survey.later("timeout", &self.timeout);
        survey.later("otherwise", &self.otherwise);
        survey.prompts([
            ("invalid_prompt", &self.invalid_prompt),
            ("timeout_prompt", &self.timeout_prompt),
        ]);
        for (key, prompt) in [
            ("prompt", &self.prompt),
            ("otherwise_prompt", &self.otherwise_prompt),
        ] {
            survey.prompts.extend(
                prompt
                    .iter()
                    .filter(|name| !name.as_str().is_empty())
                    .map(|name| (key, name)),
            );
        }
        if self.keys.is_empty() {
            survey.wrong(
                "keys",
                "is empty",
                "write which key leads where, such as keys = { 1 = \"sales\" }",
            );
        }
        patience(survey, self.tries, self.timeout_seconds);
    }
}

/// Plays and then waits; when there is nothing to play, waits at once.
pub(super) fn listen(progress: &mut Progress, now: Instant, timeout: Seconds, items: Vec<Playable>) -> Next {
    if items.is_empty() {
        progress.deadline = Some(now + timeout.duration());
        return Next::Stay(Turn::Answer);
    }
    progress.deadline = None;
    Next::Stay(Turn::Play(items))
}

/// Steps that ask must ask at least once and wait for the answer.
pub(super) fn patience(survey: &mut Survey<'_>, tries: u8, timeout: Seconds) {
    if tries == 0 {
        survey.wrong("tries", "0 never asks", "use 1 or more; 3 is usual");
    }
    if timeout.is_zero() {
        survey.wrong(
            "timeout_seconds",
            "0 gives nobody time to press a key",
            "use 1 or more; 5 is usual",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    fn office(more: &str) -> Rehearsal {
        Rehearsal::of(&format!(
            r#"
            name = "office"
            start = "menu"
            [step.sales]
            verb = "ring"
            group = "sales"
            [step.other]
            verb = "hangup"
            prompt = "other"
            [step.menu]
            verb = "menu"
            prompt = "main-menu"
            keys = {{ 1 = "sales", "*" = "menu" }}
            {more}
            "#
        ))
    }

    #[test]
    fn the_right_key_cuts_the_prompt_and_leads_on() {
        let mut caller = office("");
        assert_eq!(caller.enter(), "play en/main-menu");
        assert_eq!(caller.press("1"), "ring sales");
    }

    #[test]
    fn a_key_may_repeat_the_menu_as_often_as_the_caller_likes() {
        let mut caller = office("");
        caller.enter();
        for _ in 0..10 {
            assert_eq!(caller.press("*"), "play en/main-menu");
        }
    }

    #[test]
    fn wrong_keys_are_told_and_the_third_ends_the_call() {
        let mut caller = office("");
        caller.enter();
        assert_eq!(caller.press("9"), "play en/invalid + en/main-menu");
        assert_eq!(caller.press("9"), "play en/invalid + en/main-menu");
        assert_eq!(caller.press("9"), "play en/goodbye");
        assert_eq!(caller.heard(), "hang up");
    }

    #[test]
    fn silence_is_told_and_the_third_time_leads_to_otherwise() {
        let mut caller = office("otherwise = \"sales\"\ntimeout_seconds = 4");
        caller.enter();
        assert_eq!(caller.after_seconds(60.0), "nothing is due"); // The prompt still plays.
        for _ in 0..2 {
            assert_eq!(caller.heard(), "wait");
            assert_eq!(caller.after_seconds(3.9), "nothing is due");
            assert_eq!(caller.after_seconds(0.1), "play en/no-input + en/main-menu");
        }
        caller.heard();
        assert_eq!(caller.after_seconds(4.0), "ring sales");
    }

    #[test]
    fn wrong_key_no_key_and_too_many_tries_each_have_their_own_way() {
        let mut caller = office("invalid = \"other\"\ntimeout = \"sales\"\ntimeout_prompt = \"\"");
        caller.enter();
        assert_eq!(caller.press("5"), "play en/invalid");
        assert_eq!(caller.heard(), "play en/other");
        let mut caller = office("invalid = \"other\"\ntimeout = \"sales\"\ntimeout_prompt = \"\"");
        caller.enter();
        caller.heard();
        assert_eq!(caller.after_seconds(5.0), "ring sales");
        let mut caller = office("tries = 1\notherwise = \"sales\"\notherwise_prompt = \"please-hold\"");
        caller.enter();
        assert_eq!(caller.press("5"), "play en/please-hold");
        assert_eq!(caller.heard(), "ring sales");
    }

    #[test]
    fn a_menu_without_a_prompt_answers_and_waits_at_once() {
        let mut caller = Rehearsal::of(
            r#"
            name = "quiet"
            start = "menu"
            [step.menu]
            verb = "menu"
            keys = { 1 = "menu" }
            tries = 1
            "#,
        );
        assert_eq!(caller.enter(), "answer");
        assert_eq!(caller.after_seconds(5.0), "play en/goodbye");
    }
}
