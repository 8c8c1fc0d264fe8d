use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::{Input, Turn};
use crate::model::{Playable, PromptName, StepName};
use serde::Deserialize;

/// Plays a prompt to its end, then moves on; without `next`, hangs up.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    /// What to play.
    prompt: PromptName,
    /// Where to go then.
    #[serde(default)]
    next: Option<StepName>,
    /// Whether a key cuts the prompt short; the key is kept for the next menu.
    #[serde(default = "yes")]
    barge_in: bool,
}

pub(super) fn yes() -> bool {
    true
}

impl Play {
    pub(super) fn handle(&self, walk: &Walk, input: &Input) -> Next {
        let items = walk.prompts([&self.prompt]);
        announce(walk, input, items, self.next.as_ref(), self.barge_in)
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.needed_prompt("prompt", &self.prompt);
        survey.later("next", &self.next);
    }
}

/// Something to hear and a way on, as `play` and `say` have it. With `barge_in` a key cuts it, and a key that was
/// typed ahead skips it altogether.
pub(super) fn announce(
    walk: &Walk,
    input: &Input,
    items: Vec<Playable>,
    next: Option<&StepName>,
    barge_in: bool,
) -> Next {
    let exit = Exit::to(next);
    match input {
        Input::Entered if barge_in && next.is_some() && walk.keys.are_waiting() => Next::Go(exit),
        Input::Entered if barge_in || items.is_empty() => Next::PlayThen(items, exit),
        Input::Entered => Next::Stay(Turn::Play(items)),
        Input::PlayFinished => Next::Go(exit),
        Input::Digit(_)
        | Input::DeadlineReached
        | Input::RingEnded(_)
        | Input::MessageTaken(_)
        | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    #[test]
    fn an_announcement_that_must_be_heard_is_not_cut() {
        let mut caller = Rehearsal::of(
            r#"
            name = "consent"
            start = "notice"
            [step.notice]
            verb = "play"
            prompt = "recorded"
            barge_in = false
            next = "menu"
            [step.menu]
            verb = "menu"
            prompt = "main-menu"
            keys = { 1 = "notice" }
            "#,
        );
        assert_eq!(caller.enter(), "play en/recorded");
        assert_eq!(caller.press("1"), "wait");
        assert_eq!(caller.heard(), "play en/recorded"); // The key chose in the menu.
    }
}
