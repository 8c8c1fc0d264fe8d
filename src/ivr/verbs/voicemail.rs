use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{GroupName, PromptName, StepName};
use serde::Deserialize;

/// Greets, beeps and records a message. It ends by `#`, silence, the limit or hanging up; then the caller is thanked
/// and goes to `next`, or the call ends.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voicemail {
    /// Whose box; the box of the house when absent.
    #[serde(default)]
    group: Option<GroupName>,
    /// The greeting; `""` for none.
    #[serde(default = "greeting")]
    prompt: PromptName,
    /// The longest message.
    #[serde(default = "max_seconds")]
    max_seconds: u32,
    /// Silence that ends the message.
    #[serde(default = "silence_seconds")]
    silence_seconds: u32,
    /// What is said after the message; `""` for nothing.
    #[serde(default = "thanks")]
    thanks_prompt: PromptName,
    /// Where to go after the message.
    #[serde(default)]
    next: Option<StepName>,
}

fn greeting() -> PromptName {
    PromptName::from("voicemail-greeting")
}

fn thanks() -> PromptName {
    PromptName::from("thank-you")
}

fn max_seconds() -> u32 {
    120
}

fn silence_seconds() -> u32 {
    5
}

impl Voicemail {
    pub(in crate::ivr) fn of(group: &GroupName) -> Self {
        Self {
            group: Some(group.clone()),
            prompt: greeting(),
            max_seconds: max_seconds(),
            silence_seconds: silence_seconds(),
            thanks_prompt: thanks(),
            next: None,
        }
    }

    pub(super) fn handle(&self, walk: &mut Walk, input: &Input) -> Next {
        walk.keys.drop_unused();
        match input {
            Input::Entered => Next::Stay(Turn::TakeMessage {
                group: self.group.clone(),
                greeting: walk.prompts([&self.prompt]),
                max_seconds: self.max_seconds,
                silence_seconds: self.silence_seconds,
            }),
            Input::MessageTaken => {
                Next::PlayThen(walk.prompts([&self.thanks_prompt]), Exit::to(self.next.as_ref()))
            }
            Input::Digit(_) | Input::PlayFinished | Input::DeadlineReached | Input::RingEnded(_) => {
                Next::Stay(Turn::Wait)
            }
        }
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey
            .groups
            .extend(self.group.iter().map(|group| ("group", group)));
        survey.prompts([("prompt", &self.prompt), ("thanks_prompt", &self.thanks_prompt)]);
        survey.later("next", &self.next);
        if !(1..=3600).contains(&self.max_seconds) {
            survey.wrong(
                "max_seconds",
                "is no length for a message",
                "use 1 to 3600; 120 is usual",
            );
        }
        if !(1..=60).contains(&self.silence_seconds) {
            survey.wrong(
                "silence_seconds",
                "is no pause between words",
                "use 1 to 60; 5 is usual",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::Input;
    use crate::ivr::rehearsal::Rehearsal;

    #[test]
    fn a_message_is_taken_and_the_caller_is_thanked() {
        let mut caller = Rehearsal::of(
            r#"
            name = "box"
            start = "box"
            [step.box]
            verb = "voicemail"
            group = "sales"
            max_seconds = 30
            "#,
        );
        assert_eq!(
            caller.enter(),
            "take a message after en/voicemail-greeting (30 s, 5 s)"
        );
        assert!(caller.session.awaits_message());
        assert_eq!(caller.press("#"), "wait");
        assert_eq!(caller.input(Input::MessageTaken), "play en/thank-you");
        assert!(!caller.session.awaits_message());
        assert_eq!(caller.heard(), "hang up");
    }
}
