use super::section::Section;
use super::{Mistake, links};
use crate::model::{AgentId, FlowName, GroupName, Number};
use crate::routing::{Decision, Pattern, Rule, without_separators};
use serde::Deserialize;

/// `[[number]]`: what happens to calls for a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberRule {
    /// The number or user part that is dialled; `*` for every other.
    #[serde(rename = "match")]
    pub number: String,
    /// The flow the caller walks through.
    #[serde(default)]
    pub flow: Option<FlowName>,
    /// The group that is rung.
    #[serde(default)]
    pub group: Option<GroupName>,
    /// The agent who is rung.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// Whether conversations are recorded; `[recording] enabled` when absent.
    #[serde(default)]
    pub record: Option<bool>,
}

impl NumberRule {
    /// The number as it is compared, without visual separators.
    pub(super) fn plain_number(&self) -> String {
        without_separators(&self.number)
    }

    /// The rule as the number plan knows it.
    pub(super) fn as_rule(&self) -> Rule {
        let number = self.plain_number();
        let then = match (&self.flow, &self.group, &self.agent) {
            (Some(flow), _, _) => Decision::Flow(flow.clone()),
            (None, Some(group), _) => Decision::Group(group.clone()),
            (None, None, Some(agent)) => Decision::Agent(agent.clone()),
            (None, None, None) => Decision::Unknown,
        };
        let pattern = match number.as_str() {
            "*" => Pattern::TheRest,
            number => Pattern::Exactly(Number::from(number)),
        };
        Rule {
            pattern,
            then,
            record: self.record,
        }
    }
}

impl Section<NumberRule> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        let rule = &self.value;
        if rule.plain_number() != "*" && !links::is_user_part(&rule.plain_number()) {
            let problem = format!("\"{}\" cannot be dialled", rule.number);
            mistakes.push(self.mistake(
                "match",
                problem,
                "write a number, a user part, or \"*\" for the rest",
            ));
        }
        let named = [
            rule.flow.as_ref().map(|_| "flow"),
            rule.group.as_ref().map(|_| "group"),
            rule.agent.as_ref().map(|_| "agent"),
        ];
        let named: Vec<&str> = named.into_iter().flatten().collect();
        match named.as_slice() {
            [] if self.whole => {
                mistakes.push(self.mistake("", "leads nowhere", "write flow = …, group = … or agent = …"));
            }
            [] | [_] => {}
            [_, second, ..] => {
                let problem = format!("leads to {} at once", named.join(" and "));
                mistakes.push(self.mistake(second, problem, "keep one of them"));
            }
        }
    }
}
