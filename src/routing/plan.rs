use super::{Dialing, NotAllowed, Route, digits_only, without_separators};
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
    /// It leaves by a trunk.
    Outside(Outside),
    /// It would leave by a trunk, and may not.
    Refused(NotAllowed),
    /// The number is not known here.
    Unknown,
}

/// A number outside, and the ways there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// In the order they are tried.
    pub ways: Vec<Way>,
    /// Whether somebody's life may hang on it: nothing stands in its way.
    pub is_emergency: bool,
}

/// One way outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// By which trunk.
    pub trunk: TrunkName,
    /// What is dialled there.
    pub number: Number,
    /// The number to show, when it is not the caller's own.
    pub caller_id: Option<Number>,
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
    routes: Vec<Route>,
    dialing: Dialing,
    emergency: Vec<String>,
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

    /// The same plan with ways outside: the routes in order, what may be dialled by them, and the numbers that always may.
    pub fn with_routes(mut self, routes: Vec<Route>, dialing: Dialing, emergency: Vec<String>) -> Self {
        self.routes = routes;
        self.dialing = dialing;
        self.emergency = emergency;
        self
    }

    /// What phones may dial outside.
    pub fn dialing(&self) -> &Dialing {
        &self.dialing
    }

    /// What happens to a call for this number. A number that is listed counts first, then, for phones of the house,
    /// the extensions, the emergency numbers and the routes, then the rule for the rest. From a trunk an extension can be
    /// dialled only if it is listed, and nothing outside.
    pub fn decide(&self, dialed: &Number, origin: &Origin) -> Decision {
        let dialed = without_separators(dialed.as_str());
        if let Some(rule) = self.listed(&dialed) {
            return rule.then.clone();
        }
        if let (Origin::Phone(_), Some(agent)) = (origin, self.extensions.get(&dialed)) {
            return Decision::Agent(agent.clone());
        }
        if let Origin::Phone(_) = origin
            && let Some(decision) = self.outside(&dialed)
        {
            return decision;
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

    /// Where a number leads that is nobody's here; nothing when no route is for it.
    fn outside(&self, dialed: &str) -> Option<Decision> {
        let route = self
            .routes
            .iter()
            .find_map(|route| Some((route, route.number_for(dialed)?)));
        let is_emergency = |number: &str| self.emergency.iter().any(|own| own == number);
        if is_emergency(dialed) || route.as_ref().is_some_and(|(_, number)| is_emergency(number)) {
            return self.emergency_ways(dialed, route);
        }
        let (route, number) = route?;
        if let Err(reason) = self.dialing.allows(&number) {
            return Some(Decision::Refused(reason));
        }
        Some(Decision::Outside(Outside {
            ways: ways(route, &number).collect(),
            is_emergency: false,
        }))
    }

    /// The way the site has written, then every other trunk it knows a route by.
    fn emergency_ways(&self, dialed: &str, route: Option<(&Route, String)>) -> Option<Decision> {
        let number = route.as_ref().map_or(dialed, |(_, number)| number.as_str());
        let mut all: Vec<Way> = route
            .iter()
            .flat_map(|(route, number)| ways(route, number))
            .collect();
        for way in self.routes.iter().flat_map(|route| ways(route, number)) {
            if !all.iter().any(|own| own.trunk == way.trunk) {
                all.push(way);
            }
        }
        (!all.is_empty()).then_some(Decision::Outside(Outside {
            ways: all,
            is_emergency: true,
        }))
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

fn ways<'a>(route: &'a Route, number: &'a str) -> impl Iterator<Item = Way> + 'a {
    route.trunks.iter().map(move |trunk| Way {
        trunk: trunk.clone(),
        number: Number::from(number),
        caller_id: route.caller_id.clone(),
    })
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

    fn with_routes() -> Plan {
        let route = |name: &str, pattern: &str, strip, trunks: &[&str]| Route {
            name: name.to_owned(),
            matches: vec![pattern.parse().unwrap()],
            strip,
            prepend: String::new(),
            trunks: trunks.iter().map(|name| TrunkName::from(*name)).collect(),
            caller_id: Some("+966112345678".into()),
        };
        plan().with_routes(
            vec![
                route("city", "0*", 0, &["first", "second"]),
                route("line", "9*", 1, &["third"]),
            ],
            Dialing::default(),
            vec!["112".to_owned()],
        )
    }

    #[test]
    fn a_phone_reaches_the_outside_by_the_first_route_for_its_number() {
        let Decision::Outside(outside) = with_routes().decide(&"0501234567".into(), &phone()) else {
            panic!("no way outside");
        };
        let ways: Vec<_> = outside
            .ways
            .iter()
            .map(|way| (way.trunk.as_str(), way.number.as_str()))
            .collect();
        assert_eq!(ways, [("first", "0501234567"), ("second", "0501234567")]);
        assert!(!outside.is_emergency);
        assert_eq!(
            with_routes().decide(&"1001".into(), &phone()),
            Decision::Agent("ali".into())
        );
        assert_eq!(with_routes().decide(&"555".into(), &phone()), Decision::Unknown);
    }

    /// ROBUSTNESS 41: who comes in by a trunk does not leave by one.
    #[test]
    fn a_caller_from_a_trunk_never_gets_outside() {
        assert_eq!(
            with_routes().decide(&"0501234567".into(), &trunk()),
            Decision::Unknown
        );
        assert_eq!(with_routes().decide(&"112".into(), &trunk()), Decision::Unknown);
    }

    #[test]
    fn an_emergency_number_finds_every_trunk_even_behind_a_prefix() {
        for dialed in ["112", "9112"] {
            let Decision::Outside(outside) = with_routes().decide(&dialed.into(), &phone()) else {
                panic!("{dialed} leads nowhere");
            };
            assert!(outside.is_emergency);
            assert_eq!(outside.ways.len(), 3, "{outside:?}");
            assert!(outside.ways.iter().all(|way| way.number.as_str() == "112"));
        }
    }

    #[test]
    fn what_may_not_be_dialled_is_refused_on_the_number_the_trunk_would_get() {
        assert_eq!(
            with_routes().decide(&"90900123456".into(), &phone()),
            Decision::Refused(NotAllowed::Refused)
        );
        assert_eq!(
            with_routes().decide(&"9*72".into(), &phone()),
            Decision::Refused(NotAllowed::Code)
        );
    }
}
