use super::{Verb, verbs};
use crate::model::{FlowName, GroupName, Language, Mailbox, StepName};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A call flow: a table of named steps, as written in `flows/*.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The name that `[[number]] flow` and a group's overflow use.
    pub name: FlowName,
    /// The step a caller enters first.
    pub start: StepName,
    /// The language a caller hears until another is chosen; the site's first language when absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// The steps, `[step.NAME]`.
    #[serde(rename = "step", default)]
    pub steps: BTreeMap<StepName, Verb>,
}

impl Flow {
    /// The flow of a number that names a group and no flow: ring it, then the group's overflow.
    pub fn ringing(group: &GroupName) -> Self {
        Self::of_one_step(group.as_str(), "ring", Verb::Ring(verbs::Ring::of(group)))
    }

    /// The flow of an overflow that says `voicemail`: take a message for the box, thank the caller, hang up.
    pub fn mailbox(mailbox: &Mailbox) -> Self {
        let name = match mailbox {
            Mailbox::House => "house",
            Mailbox::Group(group) => group.as_str(),
            Mailbox::Agent(agent) => agent.as_str(),
        };
        Self::of_one_step(name, "voicemail", Verb::Voicemail(verbs::Voicemail::of(mailbox)))
    }

    /// The flow of the codes that phones dial to hear messages. With `own`, a phone of an agent opens its own boxes;
    /// without, and from everywhere else, the box's number and PIN are asked for.
    pub fn messages(name: &FlowName, own: bool) -> Self {
        Self::of_one_step(
            name.as_str(),
            "messages",
            Verb::Messages(verbs::Messages::with(own)),
        )
    }

    fn of_one_step(name: &str, step: &str, verb: Verb) -> Self {
        let start = StepName::from(step);
        Self {
            name: FlowName::from(name),
            start: start.clone(),
            language: None,
            steps: BTreeMap::from([(start, verb)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_of_the_interface_paper_is_understood() {
        let flow: Flow = toml::from_str(
            r#"
            name = "main"
            start = "welcome"
            [step]
            welcome = { verb="play", prompt="welcome", next="menu" }
            menu = { verb="menu", prompt="main-menu", keys={"1"="sales","0"="sales","*"="menu"}, timeout_seconds=5, tries=3, invalid_prompt="invalid", otherwise="mailbox" }
            sales = { verb="ring", group="sales", no_answer="mailbox" }
            mailbox = { verb="voicemail", group="sales" }
            wait = { verb="pause", seconds=0.05, next="bye" }
            bye = { verb="hangup" }
            "#,
        )
        .unwrap();
        assert_eq!(flow.steps.len(), 6);
        assert_eq!(flow.start.as_str(), "welcome");
    }
}
