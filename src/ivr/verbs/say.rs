use super::play::{announce, yes};
use crate::ivr::Input;
use crate::ivr::survey::Survey;
use crate::ivr::walk::{Next, Walk};
use crate::ivr::words::Words;
use crate::model::StepName;
use serde::Deserialize;

/// Speaks a text with the speech synthesiser, then moves on; without `next`, hangs up. `{caller}`, `{caller_name}`,
/// `{dialed}`, `{digits}` and every stored value may stand in the text; numbers are said digit by digit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// What to say: one text, or one for each language.
    text: Words,
    /// Where to go then.
    #[serde(default)]
    next: Option<StepName>,
    /// Whether a key cuts the speech short; the key is kept for the next menu.
    #[serde(default = "yes")]
    barge_in: bool,
}

impl Say {
    /// The text as it is written.
    pub(in crate::ivr) fn text(&self) -> &Words {
        &self.text
    }

    pub(super) fn handle(&self, walk: &Walk, input: &Input) -> Next {
        let items = walk.spoken(&self.text).into_iter().collect();
        announce(walk, input, items, self.next.as_ref(), self.barge_in)
    }

    pub(super) fn survey<'a>(&'a self, survey: &mut Survey<'a>) {
        survey.words("text", &self.text);
        survey.later("next", &self.next);
    }
}

#[cfg(test)]
mod tests {
    use crate::ivr::rehearsal::Rehearsal;

    #[test]
    fn a_text_is_said_in_the_callers_language_with_its_values() {
        let mut caller = Rehearsal::of(
            r#"
            name = "echo"
            start = "set"
            language = "ar"
            [step.set]
            verb = "set"
            values = { order = "4711" }
            next = "say"
            [step.say]
            verb = "say"
            text = { en = "order {order}", ar = "طلب {order} من {caller}" }
            "#,
        );
        assert_eq!(
            caller.enter(),
            r#"play ar "طلب 4 7 1 1 من 9 6 6 5 0 1 2 3 4 5 6 7""#
        );
        assert_eq!(caller.heard(), "hang up");
    }
}
