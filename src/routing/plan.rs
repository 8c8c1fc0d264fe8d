use super::{digits_only, without_separators};
use crate::model::{AgentId, FlowName, GroupName, Number, TrunkName};
use std::collections::HashMap;

/// Where a call came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By a trunk.
    Trunk(TrunkName),
    /// From a phone registered here, with this extension.
    Phone(Number),
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It walks through a flow.
    Flow(FlowName),
    /// It rings a group.
    Group(GroupName),
    /// It rings an agent.
    Agent(AgentId),
    /// The number is not known here.
    Unknown,
}

/// Which dialled numbers a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This number or user part.
    Exactly(Number),
    /// Every number no other rule and no extension is for, `*`.
    TheRest,
}

/// One `[[number]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// For which numbers.
    pub pattern: Pattern,
    /// What happens.
    pub then: Decision,
    /// Whether the conversation is recorded; the site's setting when `None`.
    pub record: Option<bool>,
}

/// Decides by the dialled number. Built once from the configuration; asking it allocates next to nothing.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    exact: HashMap<String, Rule>,
    by_digits: HashMap<String, Rule>,
    extensions: HashMap<String, AgentId>,
    rest: Option<Rule>,
}

impl Plan {
    /// The plan of these rules and extensions. Of two rules for one number the first stands.
    pub fn new(
        rules: impl IntoIterator<Item = Rule>,
        extensions: impl IntoIterator<Item = (Number, AgentId)>,
    ) -> Self {
        let mut plan = Self::default();
        for rule in rules {
            plan.add(rule);
        }
        plan.extensions = extensions
            .into_iter()
            .map(|(number, agent)| (number.as_str().to_owned(), agent))
            .collect();
        plan
    }

    /// What happens to a call for this number. A number that is listed counts first, then, for phones of the house,
    /// the extensions, then the rule for the rest. From a trunk an extension can be dialled only if it is listed.
    pub fn decide(&self, dialed: &Number, origin: &Origin) -> Decision {
        let dialed = without_separators(dialed.as_str());
        if let Some(rule) = self.listed(&dialed) {
            return rule.then.clone();
        }
        if let (Origin::Phone(_), Some(agent)) = (origin, self.extensions.get(&dialed)) {
            return Decision::Agent(agent.clone());
        }
        self.rest
            .as_ref()
            .map_or(Decision::Unknown, |rule| rule.then.clone())
    }

    /// Whether the rule for this number says to record, or not to; `None` when the site's setting counts.
    pub fn record(&self, dialed: &Number, origin: &Origin) -> Option<bool> {
        let dialed = without_separators(dialed.as_str());
        if let Some(rule) = self.listed(&dialed) {
            return rule.record;
        }
        if matches!(origin, Origin::Phone(_)) && self.extensions.contains_key(&dialed) {
            return None;
        }
        self.rest.as_ref().and_then(|rule| rule.record)
    }

    fn add(&mut self, rule: Rule) {
        let Pattern::Exactly(number) = &rule.pattern else {
            self.rest.get_or_insert(rule);
            return;
        };
        let number = without_separators(number.as_str());
        if let Some(digits) = digits_only(&number) {
            self.by_digits
                .entry(digits.to_owned())
                .or_insert_with(|| rule.clone());
        }
        self.exact.entry(number).or_insert(rule);
    }

    /// The rule for exactly what was dialled, or for the same digits written in another form.
    fn listed(&self, dialed: &str) -> Option<&Rule> {
        self.exact
            .get(dialed)
            .or_else(|| digits_only(dialed).and_then(|digits| self.by_digits.get(digits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let rule = |number: &str, then, record| Rule {
            pattern: Pattern::Exactly(number.into()),
            then,
            record,
        };
        Plan::new(
            [
                rule("+966112345678", Decision::Flow("main".into()), Some(false)),
                rule("sales", Decision::Group("sales".into()), None),
                rule("1002", Decision::Group("night".into()), None),
            ],
            [("1001".into(), "ali".into()), ("1002".into(), "mona".into())],
        )
    }

    fn with_rest() -> Plan {
        let mut plan = plan();
        plan.add(Rule {
            pattern: Pattern::TheRest,
            then: Decision::Group("reception".into()),
            record: Some(true),
        });
        plan
    }

    fn trunk() -> Origin {
        Origin::Trunk("pbx".into())
    }

    fn phone() -> Origin {
        Origin::Phone("1003".into())
    }

    #[test]
    fn a_listed_number_is_found_in_every_form_a_trunk_may_send() {
        for dialed in [
            "+966112345678",
            "966112345678",
            "00966112345678",
            "+966 11 234-5678",
        ] {
            assert_eq!(
                plan().decide(&dialed.into(), &trunk()),
                Decision::Flow("main".into()),
                "{dialed}"
            );
            assert_eq!(plan().record(&dialed.into(), &trunk()), Some(false));
        }
        assert_eq!(plan().decide(&"0112345678".into(), &trunk()), Decision::Unknown);
    }

    #[test]
    fn extensions_are_for_phones_of_the_house_and_a_listed_number_wins() {
        assert_eq!(
            plan().decide(&"1001".into(), &phone()),
            Decision::Agent("ali".into())
        );
        assert_eq!(plan().decide(&"1001".into(), &trunk()), Decision::Unknown);
        assert_eq!(
            plan().decide(&"1002".into(), &phone()),
            Decision::Group("night".into())
        );
        assert_eq!(
            plan().decide(&"sales".into(), &phone()),
            Decision::Group("sales".into())
        );
    }

    #[test]
    fn the_rest_is_taken_by_the_rule_for_the_rest() {
        assert_eq!(
            with_rest().decide(&"1001".into(), &trunk()),
            Decision::Group("reception".into())
        );
        assert_eq!(
            with_rest().decide(&"1001".into(), &phone()),
            Decision::Agent("ali".into())
        );
        assert_eq!(with_rest().record(&"1001".into(), &phone()), None);
        assert_eq!(with_rest().record(&"999".into(), &phone()), Some(true));
        assert_eq!(plan().decide(&"".into(), &phone()), Decision::Unknown);
    }
}
