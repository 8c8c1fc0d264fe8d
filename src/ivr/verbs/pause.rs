use crate::ivr::seconds::Seconds;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Progress};
use crate::ivr::{Input, Turn};
use crate::model::StepName;
use serde::Deserialize;
use std::time::Instant;

/// Lets time pass in silence, then moves on; without `next`, hangs up. Keys are kept for the next menu.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// How long, such as `0.05` or `2`.
    seconds: Seconds,
    /// Where to go then.
    #[serde(default)]
    next: Option<StepName>,
}

impl Pause {
    pub(super) fn handle(&self, progress: &mut Progress, now: Instant, input: &Input) -> Next {
        match input {
            Input::Entered => {
                progress.deadline = Some(now + self.seconds.duration());
                Next::Stay(Turn::Answer)
            }
            Input::DeadlineReached => Next::Go(Exit::to(self.next.as_ref())),
            Input::Digit(_)
            | Input::PlayFinished
            | Input::RingEnded(_)
            | Input::MessageTaken(_)
            | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        if self.seconds.is_zero() {
            survey.at_once("next", &self.next);
        } else {
            survey.later("next", &self.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    #[test]
    fn a_pause_answers_and_lasts_as_long_as_it_says() {
        let mut caller = Rehearsal::of(
            r#"
            name = "short"
            start = "wait"
            [step.wait]
            verb = "pause"
            seconds = 0.05
            next = "bye"
            [step.bye]
            verb = "hangup"
            "#,
        );
        assert_eq!(caller.enter(), "answer");
        assert_eq!(caller.press("1"), "wait");
        assert_eq!(caller.after_seconds(0.04), "nothing is due");
        assert_eq!(caller.after_seconds(0.01), "hang up");
    }
}
