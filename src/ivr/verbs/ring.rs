use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next, Walk};
use crate::ivr::{Input, RingResult, Turn};
use crate::model::{GroupName, StepName};
use serde::Deserialize;

/// Rings a group. When nobody takes the call, goes where the result says; without a step for the result, the
/// group's own `overflow` decides.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Whom to ring.
    group: GroupName,
    /// Where to go when nobody picks up in any round.
    #[serde(default)]
    no_answer: Option<StepName>,
    /// Where to go when every phone is busy or declines; `no_answer` when absent.
    #[serde(default)]
    busy: Option<StepName>,
    /// Where to go when the group has nobody to ring; `no_answer` when absent.
    #[serde(default)]
    nobody: Option<StepName>,
}

impl Ring {
    pub(in crate::ivr) fn of(group: &GroupName) -> Self {
        Self {
            group: group.clone(),
            no_answer: None,
            busy: None,
            nobody: None,
        }
    }

    pub(super) fn handle(&self, walk: &mut Walk, input: &Input) -> Next {
        walk.keys.drop_unused(); // A key pressed at a ringing phone means nothing to a later menu.
        match input {
            Input::Entered => Next::Stay(Turn::Ring(self.group.clone())),
            Input::RingEnded(result) => match self.way(*result) {
                Some(step) => Next::Go(Exit::Step(step.clone())),
                None => Next::Stay(Turn::Overflow(self.group.clone())),
            },
            Input::Digit(_)
            | Input::PlayFinished
            | Input::DeadlineReached
            | Input::MessageTaken(_)
            | Input::BoxAnswered(_) => Next::Stay(Turn::Wait),
        }
    }

    pub(super) fn takes_back(&self, result: RingResult) -> bool {
        self.way(result).is_some()
    }

    /// Busy phones and an empty group end the ringing at once, so only an unanswered ring counts as a wait.
    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.groups.push(("group", &self.group));
        survey.later("no_answer", &self.no_answer);
        for (key, result) in [("busy", RingResult::Busy), ("nobody", RingResult::NobodyThere)] {
            let named = if self.own_way(result).is_some() {
                key
            } else {
                "no_answer"
            };
            survey.at_once(named, self.way(result));
        }
    }

    fn own_way(&self, result: RingResult) -> Option<&StepName> {
        match result {
            RingResult::NoAnswer => self.no_answer.as_ref(),
            RingResult::Busy => self.busy.as_ref(),
            RingResult::NobodyThere => self.nobody.as_ref(),
        }
    }

    fn way(&self, result: RingResult) -> Option<&StepName> {
        self.own_way(result).or(self.no_answer.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;
    use crate::ivr::{Input, RingResult};

    fn sales() -> Rehearsal {
        Rehearsal::of(
            r#"
            name = "sales"
            start = "ring"
            [step.ring]
            verb = "ring"
            group = "sales"
            no_answer = "mailbox"
            nobody = "bye"
            [step.mailbox]
            verb = "voicemail"
            [step.bye]
            verb = "hangup"
            prompt = "nobody-available"
            "#,
        )
    }

    #[test]
    fn each_end_of_the_ringing_has_its_way() {
        for (result, then) in [
            (
                RingResult::NoAnswer,
                "take a message after en/voicemail-greeting (120 s, 5 s)",
            ),
            (
                RingResult::Busy,
                "take a message after en/voicemail-greeting (120 s, 5 s)",
            ),
            (RingResult::NobodyThere, "play en/nobody-available"),
        ] {
            let mut caller = sales();
            assert_eq!(caller.enter(), "ring sales");
            assert!(caller.session.takes_back(result));
            assert_eq!(caller.input(Input::RingEnded(result)), then);
        }
    }

    #[test]
    fn keys_pressed_while_phones_ring_choose_nothing_later() {
        let mut caller = Rehearsal::of(
            r#"
            name = "sales"
            start = "ring"
            [step.ring]
            verb = "ring"
            group = "sales"
            no_answer = "menu"
            [step.menu]
            verb = "menu"
            prompt = "main-menu"
            keys = { 1 = "ring" }
            "#,
        );
        caller.enter();
        assert_eq!(caller.press("1"), "wait");
        assert_eq!(
            caller.input(Input::RingEnded(RingResult::NoAnswer)),
            "play en/main-menu"
        );
        assert_eq!(caller.session.digits(), "1");
    }
}
