//! Numbers and moments as a caller hears them: from recorded parts with the grammar of the caller's language, and as a text
//! for the synthesiser where the box does not know that.

use super::aloud::{Kind, Said, Value, aloud};
use super::walk::Walk;
use super::words;
use crate::ivr::aloud::Currency;
use crate::model::{Number, Playable, Stamp};

/// How many there are.
pub(super) fn count(walk: &Walk, count: usize) -> Vec<Playable> {
    let said = i64::try_from(count).ok().map(Said::Number);
    said_or(walk, said, || count.to_string())
}

/// A telephone number, digit by digit; whoever has a name in place of one is called by it.
pub(super) fn telephone_number(walk: &Walk, number: &Number) -> Vec<Playable> {
    let written = number.as_str();
    let digits = written.strip_prefix('+').unwrap_or(written);
    let is_number = !digits.is_empty() && digits.bytes().all(|letter| letter.is_ascii_digit());
    let said = is_number.then(|| Said::Digits(digits.to_owned()));
    said_or(walk, said, || words::spoken(written))
}

/// A day and a time of the site's clock.
pub(super) fn moment(walk: &Walk, at: Stamp) -> Vec<Playable> {
    let shown = at.to_string();
    // RFC 3339 with milliseconds: the day and the minutes are what somebody wants to hear.
    let (day, rest) = shown.split_once('T').unwrap_or((shown.as_str(), ""));
    let minute: String = rest.chars().take(5).collect();
    let read = |kind, text: &str| {
        let (of, currency) = (None, Currency::Sar);
        let said = Value { kind, of, currency }.read(text)?;
        aloud(&walk.language, &said)
    };
    match (read(Kind::Date, day), read(Kind::Time, &minute)) {
        (Some(day), Some(time)) => day.into_iter().chain(time).collect(),
        (None, _) | (_, None) => text(walk, format!("{day}, {minute}")),
    }
}

fn said_or(walk: &Walk, said: Option<Said>, written: impl FnOnce() -> String) -> Vec<Playable> {
    let parts = said.and_then(|said| aloud(&walk.language, &said));
    parts.unwrap_or_else(|| text(walk, written()))
}

fn text(walk: &Walk, text: String) -> Vec<Playable> {
    vec![Playable::Text {
        language: walk.language.clone(),
        text,
    }]
}
