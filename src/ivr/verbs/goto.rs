use crate::ivr::survey::Survey;
use crate::ivr::walk::{Exit, Next};
use crate::model::StepName;
use serde::Deserialize;

/// Goes to another step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goto {
    /// Where to.
    next: StepName,
}

impl Goto {
    pub(super) fn handle(&self) -> Next {
        Next::Go(Exit::Step(self.next.clone()))
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.at_once("next", [&self.next]);
    }
}
