use super::menu::{farewell, invalid_prompt, listen, patience, timeout_prompt, timeout_seconds, tries};
use crate::ivr::keys::masked;
use crate::ivr::seconds::Seconds;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Progress, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{Digit, Playable, PromptName, StepName};
use serde::Deserialize;
use std::time::Instant;

/// Asks for several keys, such as an order number, and stores them. The entry ends by the finish key, by reaching
/// `max` keys, or when no further key comes for `digit_timeout_seconds`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    /// The question; without it, the step listens at once.
    #[serde(default)]
    prompt: Option<PromptName>,
    /// Under which name the entry is stored.
    store: String,
    /// Fewest keys.
    #[serde(default = "one")]
    min: u8,
    /// Most keys.
    #[serde(default = "sixteen")]
    max: u8,
    /// The key that ends the entry; `""` for none.
    #[serde(default = "hash")]
    finish: String,
    /// How long to wait for the first key after the question.
    #[serde(default = "timeout_seconds")]
    timeout_seconds: Seconds,
    /// How long to wait for each further key.
    #[serde(default = "digit_timeout_seconds")]
    digit_timeout_seconds: Seconds,
    /// How often to ask.
    #[serde(default = "tries")]
    tries: u8,
    /// Whether the keys are nobody's business: the record shows `x` for each.
    #[serde(default)]
    secret: bool,
    /// What is said after too short an entry; `""` for nothing.
    #[serde(default = "invalid_prompt")]
    invalid_prompt: PromptName,
    /// What is said when no key came; `""` for nothing.
    #[serde(default = "timeout_prompt", alias = "no_key_prompt")]
    timeout_prompt: PromptName,
    /// What is said after too many tries; a goodbye when absent and the call ends, else nothing.
    #[serde(default)]
    otherwise_prompt: Option<PromptName>,
    /// Where too many tries lead.
    #[serde(default)]
    otherwise: Option<StepName>,
    /// Where the entry leads.
    #[serde(default)]
    next: Option<StepName>,
}

fn one() -> u8 {
    1
}

fn sixteen() -> u8 {
    16
}

fn hash() -> String {
    "#".to_owned()
}

fn digit_timeout_seconds() -> Seconds {
    Seconds::new(3)
}

impl Gather {
    pub(super) fn is_secret(&self) -> bool {
        self.secret
    }

    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        match input {
            Input::Entered if !walk.keys.are_waiting() => self.ask(walk, progress, now, None),
            Input::Entered | Input::Digit(_) => {
                progress.tries = progress.tries.max(1);
                self.take_keys(walk, progress, now)
            }
            Input::PlayFinished => {
                progress.deadline = Some(now + self.timeout_seconds.duration());
                Next::Stay(Turn::Wait)
            }
            Input::DeadlineReached if progress.entry.is_empty() => {
                self.again(walk, progress, now, &self.timeout_prompt)
            }
            Input::DeadlineReached => self.finish(walk, progress, now),
            Input::RingEnded(_) | Input::MessageTaken(_) | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    fn take_keys(&self, walk: &mut Walk, progress: &mut Progress, now: Instant) -> Next {
        while let Some(key) = self.take_key(walk) {
            if Some(key) == self.finish_key() {
                return self.finish(walk, progress, now);
            }
            progress.entry.push(key.as_char());
            if progress.entry.len() >= usize::from(self.max) {
                if let Some(finish) = self.finish_key() {
                    walk.keys.expect_afterthought(now, finish);
                }
                return self.finish(walk, progress, now);
            }
        }
        progress.deadline = Some(now + self.digit_timeout_seconds.duration());
        Next::Stay(Turn::Hush)
    }

    fn take_key(&self, walk: &mut Walk) -> Option<Digit> {
        if self.secret {
            walk.keys.take_secretly()
        } else {
            walk.keys.take()
        }
    }

    /// The entry is over: stored if it is long enough.
    fn finish(&self, walk: &mut Walk, progress: &mut Progress, now: Instant) -> Next {
        if progress.entry.len() < usize::from(self.min) {
            return self.again(walk, progress, now, &self.invalid_prompt);
        }
        let entry = std::mem::take(&mut progress.entry);
        let value = if self.secret { masked(&entry) } else { entry };
        walk.collected.insert(self.store.clone(), value);
        Next::Go(Exit::to(self.next.as_ref()))
    }

    fn again(&self, walk: &Walk, progress: &mut Progress, now: Instant, prompt: &PromptName) -> Next {
        if progress.tries >= self.tries {
            let farewell = farewell(&self.otherwise_prompt, &self.otherwise);
            return Next::PlayThen(walk.prompts(&farewell), Exit::to(self.otherwise.as_ref()));
        }
        self.ask(walk, progress, now, walk.prompt(prompt))
    }

    fn ask(&self, walk: &Walk, progress: &mut Progress, now: Instant, before: Option<Playable>) -> Next {
        progress.tries = progress.tries.saturating_add(1);
        progress.entry.clear();
        let items: Vec<Playable> = before.into_iter().chain(walk.prompts(&self.prompt)).collect();
        listen(progress, now, self.timeout_seconds, items)
    }

    fn finish_key(&self) -> Option<Digit> {
        self.finish.chars().next().and_then(Digit::from_char)
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.later("next", &self.next);
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
        survey.stores("store", &self.store);
        if self.max == 0 || self.max > 64 {
            survey.wrong("max", "is no length for an entry", "use 1 to 64");
        }
        if self.min > self.max {
            survey.wrong("min", "is more than `max`", "make it smaller");
        }
        if !self.finish.is_empty() && (self.finish.len() > 1 || self.finish_key().is_none()) {
            survey.wrong(
                "finish",
                "is not one key",
                "use one of 0-9, *, #, A-D, or \"\" for none",
            );
        }
        if self.digit_timeout_seconds.is_zero() {
            survey.wrong(
                "digit_timeout_seconds",
                "0 gives nobody time for a second key",
                "3 is usual",
            );
        }
        patience(survey, self.tries, self.timeout_seconds);
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    fn order(more: &str) -> Rehearsal {
        Rehearsal::of(&format!(
            r#"
            name = "order"
            start = "ask"
            [step.thanks]
            verb = "menu"
            prompt = "thanks"
            keys = {{ 1 = "ask" }}
            [step.ask]
            verb = "gather"
            prompt = "order-number"
            store = "order"
            next = "thanks"
            {more}
            "#
        ))
    }

    #[test]
    fn an_entry_ends_by_the_finish_key() {
        let mut caller = order("");
        assert_eq!(caller.enter(), "play en/order-number");
        assert_eq!(caller.press("4"), "hush");
        assert_eq!(caller.press("71"), "wait");
        assert_eq!(caller.press("#"), "play en/thanks");
        assert_eq!(caller.session.collected()["order"], "471");
    }

    #[test]
    fn an_entry_ends_when_it_is_full_and_a_finish_key_out_of_habit_is_swallowed() {
        let mut caller = order("min = 4\nmax = 4");
        caller.enter();
        assert_eq!(caller.press("4711"), "play en/thanks");
        assert_eq!(caller.press("#"), "wait");
        assert_eq!(caller.press("#"), "play en/invalid + en/thanks");
        assert_eq!(caller.session.digits(), "4711##");
    }

    #[test]
    fn an_entry_ends_when_the_caller_stops() {
        let mut caller = order("");
        caller.enter();
        caller.press("12");
        assert_eq!(caller.after_seconds(2.9), "nothing is due");
        assert_eq!(caller.after_seconds(0.1), "play en/thanks");
    }

    #[test]
    fn too_short_an_entry_is_asked_for_again_and_then_given_up() {
        let mut caller = order("min = 3\ntries = 2");
        caller.enter();
        assert_eq!(caller.press("1#"), "play en/invalid + en/order-number");
        assert_eq!(caller.heard(), "wait");
        assert_eq!(caller.after_seconds(5.0), "play en/goodbye");
        assert_eq!(caller.heard(), "hang up");
    }

    #[test]
    fn a_secret_is_masked_in_the_record_and_the_value_even_when_typed_ahead() {
        let mut caller = Rehearsal::of(
            r#"
            name = "pin"
            start = "welcome"
            [step.welcome]
            verb = "play"
            prompt = "welcome"
            barge_in = false
            next = "pin"
            [step.pin]
            verb = "gather"
            prompt = "pin"
            store = "pin"
            secret = true
            next = "bye"
            [step.bye]
            verb = "hangup"
            "#,
        );
        caller.enter();
        assert!(!caller.session.keeps_secret());
        caller.press("12");
        assert_eq!(caller.heard(), "wait"); // Two keys are there; the question is not needed.
        assert!(caller.session.keeps_secret());
        assert_eq!(caller.press("34#"), "hang up");
        assert_eq!(caller.session.digits(), "xxxxx");
        assert_eq!(caller.session.collected()["pin"], "xxxx");
    }
}
