//! Before a new configuration is swapped in, every number of it is called in virtual time: what would end the engine's work
//! ends here.

use crate::app::rehearsal::{rehearse, walks_in_circles};
use crate::config::Config;
use crate::http::{Fault, Story};
use crate::media::{Found, Sounds};
use crate::model::Playable;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Numbers that are called. More are not of a house.
const MOST_NUMBERS: usize = 200;
/// Somebody whom no number plan knows.
const SOMEBODY: &str = "+999000000000";

/// The sounds that are there; a text is not spoken for a rehearsal, only counted.
pub(super) struct Recorded<'a>(pub(super) &'a dyn Sounds);

impl Sounds for Recorded<'_> {
    fn find(&self, playable: &Playable) -> Found {
        match playable {
            Playable::Prompt { .. } | Playable::Tone(_) => self.0.find(playable),
            Playable::Text { .. } | Playable::Message(_) => Found::Missing,
        }
    }
}

/// What a call of each number shows: mistakes, then what is worth a look.
pub(super) fn call_every_number(config: &Config, sounds: &dyn Sounds) -> (Vec<Fault>, Vec<Fault>) {
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let numbers = config.numbers.iter().map(|rule| rule.number.clone());
    for number in numbers.filter(|number| number != "*").take(MOST_NUMBERS) {
        let story = Story {
            from: SOMEBODY.to_owned(),
            to: number.clone(),
            ..Story::default()
        };
        let attempt = AssertUnwindSafe(|| rehearse(config, &Recorded(sounds), &story));
        match catch_unwind(attempt) {
            Ok(Ok(rungs)) if walks_in_circles(&rungs) => warnings.push(fault(
                &number,
                "a caller who presses nothing is never let go",
                "give a menu of the flow a way out that ends: `otherwise`, or a step that hangs up",
            )),
            Ok(Ok(_)) => {}
            Ok(Err(problem)) => warnings.push(fault(&number, &problem, "look at the rule of this number")),
            Err(_) => mistakes.push(fault(
                &number,
                "a rehearsed call breaks the box",
                "this is a fault of the program: keep the configuration as it was, and send a support bundle",
            )),
        }
    }
    (mistakes, warnings)
}

fn fault(number: &str, problem: &str, cure: &str) -> Fault {
    Fault {
        file: "a rehearsed call".to_owned(),
        line: None,
        key: format!("number.{number}"),
        problem: problem.to_owned(),
        cure: cure.to_owned(),
    }
}
