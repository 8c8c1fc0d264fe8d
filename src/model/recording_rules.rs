use super::{AgentId, CallId, Digit, Direction, GroupName, Number, PromptName, TrunkName};
use serde::{Deserialize, Serialize};

/// When the recording of a conversation begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordWhen {
    /// When somebody answers.
    Answer,
    /// When phones begin to ring for a caller the box can hear already; otherwise at the answer.
    Ringing,
    /// Not at all, unless a person asks for it.
    Never,
}

/// What an agent or a program wants done about a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordAction {
    /// Record from now on.
    Start,
    /// End it.
    Stop,
    /// Write silence for a while: a card number is about to be said or keyed.
    Pause,
    /// Write voices again.
    Resume,
}

/// Which conversations are recorded, who is asked, and by which keys agents change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRules {
    /// What counts where no rule fits.
    pub usual: RecordWhen,
    /// The first that fits counts.
    pub rules: Vec<RecordRule>,
    /// The announcement without which nothing is recorded.
    pub consent: Option<ConsentRule>,
    /// Keys by which an agent starts and stops while talking; empty: none.
    pub record_keys: Vec<Digit>,
    /// Keys by which an agent pauses and resumes while talking; empty: none.
    pub pause_keys: Vec<Digit>,
}

/// One `[[recording.rule]]`: every condition that is written has to fit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRule {
    /// `answer`, `ringing` or `never`.
    pub record: RecordWhen,
    /// Calls in this direction: `inbound`, `outbound` or `internal`.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Calls that came by this trunk.
    #[serde(default)]
    pub trunk: Option<TrunkName>,
    /// Calls for this group.
    #[serde(default)]
    pub group: Option<GroupName>,
    /// Calls of this agent; fits once the agent has answered.
    #[serde(default)]
    pub agent: Option<AgentId>,
    /// Calls from or to this number; `*` at the end stands for any rest.
    #[serde(default)]
    pub number: Option<String>,
    /// So many of a hundred calls, chosen by the call's identity: the same call is always the same.
    #[serde(default)]
    pub percent: Option<u8>,
}

/// What a caller is told before anything is recorded, and how to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRule {
    /// The announcement; both sides hear it.
    pub prompt: PromptName,
    /// The key that refuses while it plays.
    pub opt_out: Option<Digit>,
    /// The key without which nothing is recorded.
    pub opt_in: Option<Digit>,
}

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Recordable<'a> {
    /// Which call.
    pub call: CallId,
    /// Its way.
    pub direction: Direction,
    /// The trunk it came by.
    pub trunk: Option<&'a TrunkName>,
    /// The group it is for.
    pub group: Option<&'a GroupName>,
    /// Who answered.
    pub agent: Option<&'a AgentId>,
    /// Who calls.
    pub caller: &'a Number,
    /// What was dialled.
    pub dialed: &'a Number,
}

impl RecordingRules {
    /// Every conversation or none, without rules, keys or announcement.
    pub fn plain(records: bool) -> Self {
        let usual = if records {
            RecordWhen::Answer
        } else {
            RecordWhen::Never
        };
        Self {
            usual,
            rules: Vec::new(),
            consent: None,
            record_keys: Vec::new(),
            pause_keys: Vec::new(),
        }
    }

    /// What is to be done about this call.
    pub fn decide(&self, call: &Recordable<'_>) -> RecordWhen {
        let rule = self.rules.iter().find(|rule| rule.fits(call));
        rule.map_or(self.usual, |rule| rule.record)
    }
}

impl RecordRule {
    /// Whether every condition fits.
    pub fn fits(&self, call: &Recordable<'_>) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, there: Option<&T>) -> bool {
            wanted.is_none_or(|wanted| there == Some(wanted))
        }
        is(self.direction.as_ref(), Some(&call.direction))
            && is(self.trunk.as_ref(), call.trunk)
            && is(self.group.as_ref(), call.group)
            && is(self.agent.as_ref(), call.agent)
            && self.number.as_deref().is_none_or(|number| {
                [call.caller, call.dialed]
                    .iter()
                    .any(|there| matches(number, there))
            })
            && self
                .percent
                .is_none_or(|percent| bucket(call.call) < u32::from(percent))
    }
}

/// Whether a number is the one written, `00` and `+` being the same.
fn matches(pattern: &str, number: &Number) -> bool {
    let plain = |text: &str| {
        let kept: String = text.chars().filter(|letter| !" -().".contains(*letter)).collect();
        kept.strip_prefix("00")
            .map(|rest| format!("+{rest}"))
            .unwrap_or(kept)
    };
    let number = plain(number.as_str());
    match pattern.strip_suffix('*') {
        Some(front) => number.starts_with(&plain(front)),
        None => number == plain(pattern),
    }
}

/// 0 to 99, evenly: the end of an identity is random (RFC 9562 §5.7).
fn bucket(call: CallId) -> u32 {
    let [.., a, b, c, d] = *call.0.as_bytes();
    u32::from_be_bytes([a, b, c, d]) % 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dice;

    fn rule(record: RecordWhen) -> RecordRule {
        RecordRule {
            record,
            direction: None,
            trunk: None,
            group: None,
            agent: None,
            number: None,
            percent: None,
        }
    }

    fn with(rules: Vec<RecordRule>, decide: impl FnOnce(&mut Recordable<'_>)) -> RecordWhen {
        let (caller, dialed) = (Number::from("+966501234567"), Number::from("8000"));
        let (trunk, group, agent) = (
            TrunkName::from("pbx"),
            GroupName::from("sales"),
            AgentId::from("ali"),
        );
        let mut call = Recordable {
            call: CallId::new(1, &[0; 10]),
            direction: Direction::Inbound,
            trunk: Some(&trunk),
            group: Some(&group),
            agent: Some(&agent),
            caller: &caller,
            dialed: &dialed,
        };
        decide(&mut call);
        let rules = RecordingRules {
            rules,
            ..RecordingRules::plain(false)
        };
        rules.decide(&call)
    }

    #[test]
    fn the_first_rule_whose_conditions_all_fit_counts() {
        use RecordWhen::{Answer, Never, Ringing};
        let sales = RecordRule {
            group: Some("sales".into()),
            direction: Some(Direction::Inbound),
            ..rule(Answer)
        };
        let ali = RecordRule {
            agent: Some("ali".into()),
            ..rule(Ringing)
        };
        assert_eq!(with(vec![sales.clone(), ali.clone()], |_| ()), Answer);
        assert_eq!(with(vec![ali.clone(), sales.clone()], |_| ()), Ringing);
        assert_eq!(
            with(vec![ali.clone(), sales.clone()], |call| call.agent = None),
            Answer
        );
        assert_eq!(
            with(vec![sales, ali], |call| (call.group, call.agent) = (None, None)),
            Never
        );
        assert_eq!(with(vec![], |_| ()), Never);
    }

    #[test]
    fn a_rule_for_a_number_knows_both_sides_and_beginnings() {
        for (number, fits) in [
            ("8000", true),
            ("800", false),
            ("80*", true),
            ("00966 50-123 4567", true),
            ("+96650*", true),
            ("+97*", false),
        ] {
            let rule = RecordRule {
                number: Some(number.to_owned()),
                ..rule(RecordWhen::Answer)
            };
            assert_eq!(with(vec![rule], |_| ()) == RecordWhen::Answer, fits, "{number}");
        }
    }

    #[test]
    fn a_percentage_chooses_evenly_and_always_the_same_calls() {
        let some = RecordRule {
            percent: Some(30),
            ..rule(RecordWhen::Answer)
        };
        let mut dice = Dice::from_number(7);
        let mut chosen = 0;
        for _ in 0..10_000 {
            let id = CallId::new(1_795_000_000_000, &dice.bytes());
            let first = with(vec![some.clone()], |call| call.call = id);
            assert_eq!(first, with(vec![some.clone()], |call| call.call = id));
            chosen += u32::from(first == RecordWhen::Answer);
        }
        assert!((2_850..3_150).contains(&chosen), "{chosen}");
        let of = |percent| RecordRule {
            percent: Some(percent),
            ..rule(RecordWhen::Answer)
        };
        assert_eq!(with(vec![of(0)], |_| ()), RecordWhen::Never);
        assert_eq!(with(vec![of(100)], |_| ()), RecordWhen::Answer);
    }
}
