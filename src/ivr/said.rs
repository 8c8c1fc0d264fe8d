//! Numbers and moments as a caller hears them.

use super::walk::Walk;
use super::words;
use crate::model::{Number, Playable, Stamp};

/// How many there are.
pub(super) fn count(walk: &Walk, count: usize) -> Vec<Playable> {
    text(walk, count.to_string())
}

/// A telephone number, digit by digit.
pub(super) fn telephone_number(walk: &Walk, number: &Number) -> Vec<Playable> {
    text(walk, words::spoken(number.as_str()))
}

/// A day and a time of the site's clock.
pub(super) fn moment(walk: &Walk, at: Stamp) -> Vec<Playable> {
    let shown = at.to_string();
    // RFC 3339 with milliseconds: the day and the minutes are what somebody wants to hear.
    let (day, rest) = shown.split_once('T').unwrap_or((shown.as_str(), ""));
    let minute: String = rest.chars().take(5).collect();
    text(walk, format!("{day}, {minute}"))
}

fn text(walk: &Walk, text: String) -> Vec<Playable> {
    vec![Playable::Text {
        language: walk.language.clone(),
        text,
    }]
}
