use crate::ivr::Input;
use crate::ivr::listening::Listening;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Next, Progress, Walk};
use crate::model::StepName;
use serde::Deserialize;
use std::time::Instant;

/// Lets somebody hear the messages of a box: an agent's phone its own, everybody else with the box's number and PIN.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Whether a phone of an agent opens its own boxes without being asked for anything.
    #[serde(default = "yes")]
    own: bool,
    /// Where to go afterwards.
    #[serde(default)]
    next: Option<StepName>,
}

fn yes() -> bool {
    true
}

impl Messages {
    pub(in crate::ivr) fn with(own: bool) -> Self {
        Self { own, next: None }
    }

    pub(super) fn handle(
        &self,
        walk: &mut Walk,
        progress: &mut Progress,
        now: Instant,
        input: &Input,
    ) -> Next {
        let mut listening = progress
            .listening
            .take()
            .unwrap_or_else(|| Box::new(Listening::new(self.own, self.next.as_ref())));
        let next = listening.handle(walk, &mut progress.deadline, now, input);
        progress.listening = Some(listening);
        next
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.later("next", &self.next);
    }
}
