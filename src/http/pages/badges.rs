use super::text::clock_of_ms;
use super::words::Words;
use crate::model::{Direction, Number, Status};
use serde::Serialize;

/// A word and the state that colours it. The word alone says it all.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Badge {
    pub(super) state: String,
    pub(super) word: String,
}

pub(super) fn badge(state: &str, word: &str) -> Badge {
    Badge {
        state: state.to_owned(),
        word: word.to_owned(),
    }
}

/// How a call went.
pub(super) fn status(w: &Words, status: Status) -> Badge {
    match status {
        Status::Answer => badge("good", w.status_answer),
        Status::Canceled => badge("quiet", w.status_canceled),
        Status::Busy => badge("warn", w.status_busy),
        Status::NoAnswer => badge("warn", w.status_no_answer),
        Status::Failed => badge("bad", w.status_failed),
        Status::Voicemail => badge("note", w.status_voicemail),
    }
}

/// Which way a call went.
pub(super) fn way(w: &Words, direction: Direction) -> Badge {
    match direction {
        Direction::Inbound => badge("inbound", w.inbound),
        Direction::Outbound => badge("outbound", w.outbound),
        Direction::Internal => badge("internal", w.internal),
    }
}

/// A number for people: one that is withheld says so.
pub(super) fn number(w: &Words, number: &Number) -> String {
    if *number == Number::anonymous() {
        w.withheld.to_owned()
    } else {
        number.to_string()
    }
}

/// A duration, or nothing for none.
pub(super) fn some_time(millis: u64) -> String {
    if millis > 0 {
        clock_of_ms(millis)
    } else {
        String::new()
    }
}
