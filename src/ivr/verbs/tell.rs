use super::play::{announce, yes};
use crate::ivr::Input;
use crate::ivr::aloud::{self, Currency, Kind, Noun, Value};
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Next, Walk};
use crate::ivr::words::Words;
use crate::model::{Playable, PromptName, StepName};
use serde::Deserialize;

/// Tells a value as people say it: a number, so many of something, an amount of money, a time, a date, or digit by digit,
/// with the grammar of English and Arabic, from recorded parts. Then moves on; without `next`, hangs up.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tell {
    /// The value: a text with places as `say` has them, such as `{balance}`.
    value: Words,
    /// As what it is said: `digits`, `number`, `count`, `money`, `time` (`15:30`) or `date` (`2026-08-21`).
    #[serde(rename = "as")]
    kind: Kind,
    /// What is counted: `minute`, `hour`, `day`, `message`, `call`, `riyal`, `halala`, `dollar` or `cent`.
    #[serde(default)]
    of: Option<Noun>,
    /// The currency of money: `SAR` or `USD`.
    #[serde(default)]
    currency: Option<Currency>,
    /// What is played before the value.
    #[serde(default)]
    prompt: Option<PromptName>,
    /// What is played after it.
    #[serde(default)]
    after_prompt: Option<PromptName>,
    /// Where to go then.
    #[serde(default)]
    next: Option<StepName>,
    /// Whether a key cuts it short; the key is kept for the next menu.
    #[serde(default = "yes")]
    barge_in: bool,
}

impl Tell {
    pub(super) fn handle(&self, walk: &Walk, input: &Input) -> Next {
        let items = walk
            .prompts(&self.prompt)
            .into_iter()
            .chain(self.told(walk))
            .chain(walk.prompts(&self.after_prompt))
            .collect();
        announce(walk, input, items, self.next.as_ref(), self.barge_in)
    }

    /// The parts of the value; in a language whose grammar the box does not know, its text for the synthesiser.
    fn told(&self, walk: &Walk) -> Vec<Playable> {
        let value = Value {
            kind: self.kind,
            of: self.of,
            currency: self.currency.unwrap_or(Currency::Sar),
        };
        let said = value.read(&walk.written(&self.value));
        said.and_then(|said| aloud::aloud(&walk.language, &said))
            .unwrap_or_else(|| walk.spoken(&self.value).into_iter().collect())
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.words("value", &self.value);
        survey.later("next", &self.next);
        for (key, prompt) in [("prompt", &self.prompt), ("after_prompt", &self.after_prompt)] {
            let named = prompt.iter().filter(|name| !name.as_str().is_empty());
            survey.prompts.extend(named.map(|name| (key, name)));
        }
        if self.kind == Kind::Count && self.of.is_none() {
            survey.wrong(
                "of",
                "is missing",
                "say what is counted, for instance of = \"message\"",
            );
        }
        if self.kind == Kind::Money && self.currency.is_none() {
            survey.wrong("currency", "is missing", "write currency = \"SAR\" or \"USD\"");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    fn balance(language: &str, more: &str) -> Rehearsal {
        Rehearsal::of(&format!(
            r#"
            name = "balance"
            start = "set"
            language = "{language}"
            [step.set]
            verb = "set"
            values = {{ amount = "12.50", due = "soon" }}
            next = "tell"
            [step.tell]
            verb = "tell"
            {more}
            "#
        ))
    }

    #[test]
    fn money_is_told_in_the_callers_language_between_its_prompts() {
        let more = "value = \"{amount}\"\nas = \"money\"\ncurrency = \"SAR\"\nprompt = \"balance\"\nafter_prompt = \"thanks\"";
        assert_eq!(
            balance("en", more).enter(),
            "play en/balance + en/num-12 + en/riyal-many + en/num-and + en/num-50 + en/halala-many + en/thanks"
        );
        assert_eq!(
            balance("ar", more).enter(),
            "play ar/balance + ar/num-12 + ar/riyal-many + ar/num-and + ar/num-50 + ar/halala-many + ar/thanks"
        );
    }

    #[test]
    fn a_value_that_is_no_number_is_spoken_as_it_is() {
        let mut caller = balance("en", "value = \"{due}\"\nas = \"number\"");
        assert_eq!(caller.enter(), "play en \"soon\"");
        assert_eq!(caller.heard(), "hang up");
    }
}
