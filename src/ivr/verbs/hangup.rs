use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::{EndCause, Input, Turn};
use crate::model::PromptName;
use serde::Deserialize;

/// Ends the call, after a last prompt if one is given. Without a prompt and before any step that needs audio, the
/// call is never answered: the caller's phone shows the cause instead.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hangup {
    /// What to say before.
    #[serde(default)]
    prompt: Option<PromptName>,
    /// `normal`, `busy`, `rejected`, `unavailable` or `congestion`.
    #[serde(default)]
    cause: EndCause,
}

impl Hangup {
    pub(super) fn handle(&self, walk: &mut Walk, input: &Input) -> Next {
        match input {
            Input::Entered => {
                walk.end_cause = self.cause;
                Next::PlayThen(walk.prompts(&self.prompt), Exit::HangUp)
            }
            Input::Digit(_)
            | Input::PlayFinished
            | Input::DeadlineReached
            | Input::RingEnded(_)
            | Input::MessageTaken(_)
            | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey
            .prompts
            .extend(self.prompt.iter().map(|prompt| ("prompt", prompt)));
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::EndCause;
    use crate::ivr::rehearsal::Rehearsal;

    #[test]
    fn a_call_can_be_refused_without_being_answered() {
        let mut caller = Rehearsal::of(
            r#"
            name = "night"
            start = "no"
            [step.no]
            verb = "hangup"
            cause = "busy"
            "#,
        );
        assert_eq!(caller.enter(), "hang up");
        assert_eq!(caller.session.end_cause(), EndCause::Busy);
        assert_eq!(caller.session.end_cause().q850(), 17);
    }

    #[test]
    fn a_farewell_is_heard_to_its_end() {
        let mut caller = Rehearsal::of(
            r#"
            name = "bye"
            start = "bye"
            [step.bye]
            verb = "hangup"
            prompt = "goodbye"
            "#,
        );
        assert_eq!(caller.enter(), "play en/goodbye");
        assert_eq!(caller.press("1"), "wait");
        assert_eq!(caller.heard(), "hang up");
    }
}
