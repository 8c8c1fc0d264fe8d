use super::section::Section;
use super::{Mistake, links};
use crate::model::{Number, TrunkName};
use crate::routing::{Route as Way, RoutePattern, without_separators};
use serde::Deserialize;

/// `[[route]]`: which numbers phones of the house reach outside, and by which trunks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// The numbers it is for: one pattern or a list. `X` is any digit, `*` at the end any rest.
    #[serde(rename = "match")]
    matches: Patterns,
    /// How many characters are taken off the front of what was dialled.
    #[serde(default)]
    strip: usize,
    /// What is put in front of what is left.
    #[serde(default)]
    prepend: String,
    /// The trunks in the order they are tried: the next one when one is full, down or fails.
    pub trunks: Vec<TrunkName>,
    /// The number the callee sees; the caller's extension when absent.
    #[serde(default)]
    caller_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(PatternText),
    Many(Vec<PatternText>),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PatternText(RoutePattern);

impl TryFrom<String> for PatternText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(Self(text.parse()?))
    }
}

impl Route {
    /// The route as the number plan knows it.
    pub(super) fn as_way(&self) -> Way {
        let matches = match &self.matches {
            Patterns::One(pattern) => vec![pattern.0.clone()],
            Patterns::Many(patterns) => patterns.iter().map(|pattern| pattern.0.clone()).collect(),
        };
        let caller_id = self.caller_id.as_deref().map(without_separators);
        Way {
            name: self.name.clone(),
            matches,
            strip: self.strip,
            prepend: self.prepend.clone(),
            trunks: self.trunks.clone(),
            caller_id: caller_id.map(Number::from),
        }
    }
}

impl Section<Route> {
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>) {
        let route = &self.value;
        if route.trunks.is_empty() {
            let cure = "write trunks = [\"NAME\"], the preferred first";
            mistakes.push(self.mistake("trunks", "leads nowhere", cure));
        }
        if route.strip > 10 {
            let problem = format!("{} leaves nothing of most numbers", route.strip);
            mistakes.push(self.mistake("strip", problem, "use 0 to 10; 1 takes a leading 9 or 0 off"));
        }
        let is_dialled = |letter: char| letter.is_ascii_digit() || letter == '+';
        if !route.prepend.chars().all(is_dialled) {
            let problem = format!("\"{}\" cannot be dialled", route.prepend);
            mistakes.push(self.mistake("prepend", problem, "write digits or +"));
        }
        if let Some(number) = &route.caller_id
            && !links::is_user_part(&without_separators(number))
        {
            let problem = format!("\"{number}\" is no number");
            mistakes.push(self.mistake("caller_id", problem, "write it like \"+966112345678\""));
        }
        if let Patterns::Many(patterns) = &route.matches
            && patterns.is_empty()
        {
            mistakes.push(self.mistake("match", "fits no number", "write match = \"0*\" or the like"));
        }
    }
}
