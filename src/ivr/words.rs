use crate::model::Language;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The longest text that is spoken or stored, in characters: about a minute of speech.
const LONGEST_TEXT: usize = 1000;

/// Text of a flow, one for all languages or one each, with `{name}` places that are filled in when it is used.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Words {
    /// The same in every language.
    Same(String),
    /// `{ en = "…", ar = "…" }`.
    Each(BTreeMap<Language, String>),
}

impl Words {
    /// The text for a language; the first one written when that language has none.
    pub(super) fn text(&self, language: &Language) -> &str {
        match self {
            Self::Same(text) => text,
            Self::Each(texts) => texts
                .get(language)
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
        }
    }

    /// Every text, with its language where it has one.
    pub(super) fn texts(&self) -> impl Iterator<Item = (Option<&Language>, &str)> {
        let (same, each) = match self {
            Self::Same(text) => (Some((None, text.as_str())), None),
            Self::Each(texts) => (None, Some(texts.iter())),
        };
        same.into_iter().chain(
            each.into_iter()
                .flatten()
                .map(|(language, text)| (Some(language), text.as_str())),
        )
    }
}

/// Fills in the `{name}` places of a text. A place that `value` knows nothing for becomes empty.
pub(super) fn fill<'a>(text: &'a str, value: impl Fn(&'a str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(text) => filled.push_str(text),
            Piece::Place(name) => filled.push_str(&value(name).unwrap_or_default()),
        }
    }
    filled.chars().take(LONGEST_TEXT).collect()
}

/// The names of the `{name}` places.
pub(super) fn places(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Place(name) => Some(name),
        Piece::Plain(_) => None,
    })
}

enum Piece<'a> {
    Plain(&'a str),
    Place(&'a str),
}

/// Cuts a text at its places. A brace that opens no place is plain text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'))
            && is_name(name)
        {
            rest = after;
            return Some(Piece::Place(name));
        }
        let from = usize::from(rest.starts_with('{'));
        let end = rest[from..].find('{').map_or(rest.len(), |at| at + from);
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Plain(plain))
    })
}

/// Whether a value may be called so: letters, digits and `_`.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// A value as it is spoken: numbers of telephones, orders and cards are said digit by digit, and nothing is left
/// in it that a caller could have smuggled in to be read as markup.
pub(super) fn spoken(value: &str) -> String {
    let clean: String = value
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " +*#.-".contains(*letter))
        .collect();
    let number = clean.trim_start_matches('+');
    if !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit()) {
        let digits: Vec<String> = number.chars().map(String::from).collect();
        return digits.join(" ");
    }
    clean
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text, or a table with one text for each language")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
        Ok(Words::Same(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Words, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((language, text)) = table.next_entry::<Language, String>()? {
            texts.insert(language, text);
        }
        Ok(Words::Each(texts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_stray_braces_stay() {
        let value = |name: &str| (name == "caller").then(|| "1001".to_owned());
        assert_eq!(
            fill("from {caller} {nobody}{ {caller", value),
            "from 1001 { {caller"
        );
        assert_eq!(
            places("{a} b {c_1} {not a name}").collect::<Vec<_>>(),
            ["a", "c_1"]
        );
    }

    #[test]
    fn a_number_is_said_digit_by_digit() {
        assert_eq!(spoken("+9661"), "9 6 6 1");
        assert_eq!(spoken("Gate 12"), "Gate 12");
        assert_eq!(spoken("<speak>[[boo]]"), "speakboo");
    }
}
