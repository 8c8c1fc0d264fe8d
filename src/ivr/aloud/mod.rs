//! Numbers, counts, money, times and dates as they are said: which recorded parts follow each other.
//!
//! Each language has a table of its parts, each with a name and the text to record; its grammar picks from them. A site
//! records them as prompts of these names, or leaves them to the speech synthesiser, part by part.

mod arabic;
mod arabic_parts;
mod english;
mod english_parts;
mod value;

use crate::model::{Language, Playable, PromptName};

pub(in crate::ivr) use value::{Kind, Value};

/// The largest number that is said as one: beyond it, digits are.
const LARGEST: u64 = 999_999_999_999;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    /// The riyal of Saudi Arabia.
    Riyal,
    /// Its hundredth.
    Halala,
    /// The dollar.
    Dollar,
    /// Its hundredth.
    Cent,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A message.
    Message,
    /// A telephone call.
    Call,
}

/// A currency by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Riyal and halala.
    Sar,
    /// Dollar and cent.
    Usd,
}

impl Currency {
    fn nouns(self) -> (Noun, Noun) {
        match self {
            Self::Sar => (Noun::Riyal, Noun::Halala),
            Self::Usd => (Noun::Dollar, Noun::Cent),
        }
    }
}

/// One thing to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A number by itself.
    Number(i64),
    /// A number with decimals: what stands before the point, and each digit after it.
    Decimal {
        /// Whether it is less than zero.
        negative: bool,
        /// Before the point.
        whole: u64,
        /// After it.
        digits: String,
    },
    /// So many of something.
    Count(u64, Noun),
    /// An amount in the hundredths of its currency.
    Money(u64, Currency),
    /// An hour from 0 to 23 and a minute.
    Time(u8, u8),
    /// A day.
    Date {
        /// The year.
        year: u16,
        /// The month, from 1.
        month: u8,
        /// The day of the month, from 1.
        day: u8,
        /// The day of the week, Monday being 1.
        weekday: u8,
    },
    /// Digit by digit.
    Digits(String),
}

#[derive(Debug, Clone, Copy)]
enum Tongue {
    English,
    Arabic,
}

impl Tongue {
    /// `en`, `en-GB`, `ar`, `ar-SA`, …
    fn of(language: &Language) -> Option<Self> {
        let name = language.as_str().to_ascii_lowercase();
        match name.split(['-', '_']).next() {
            Some("en") => Some(Self::English),
            Some("ar") => Some(Self::Arabic),
            Some(_) | None => None,
        }
    }
}

/// A part: its name as a prompt, and the text that is recorded or synthesised.
pub type Part = (String, String);

/// Every part that this language needs; none when the box does not know its grammar.
pub fn parts(language: &Language) -> Option<Vec<Part>> {
    Tongue::of(language).map(|tongue| match tongue {
        Tongue::English => english_parts::parts(),
        Tongue::Arabic => arabic_parts::parts(),
    })
}

/// The parts of what is said, in their order; none when the box does not know the language's grammar.
pub fn aloud(language: &Language, said: &Said) -> Option<Vec<Playable>> {
    let names = Tongue::of(language).map(|tongue| match tongue {
        Tongue::English => english::say(said),
        Tongue::Arabic => arabic::say(said),
    })?;
    let playable = |name: String| Playable::Prompt {
        language: language.clone(),
        name: PromptName::from(name.as_str()),
    };
    Some(names.into_iter().map(playable).collect())
}

/// The digits of a text, `0` to `9`; all else is not said.
fn digits_of(text: &str) -> impl Iterator<Item = u32> {
    text.chars().filter_map(|letter| letter.to_digit(10))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// What is said, written out by the texts of its parts.
    pub(in crate::ivr) fn written(language: &str, said: &Said) -> String {
        let language = Language::from(language);
        let texts: BTreeMap<String, String> = parts(&language).unwrap().into_iter().collect();
        let spoken = aloud(&language, said).unwrap();
        let words: Vec<&str> = spoken
            .iter()
            .map(|part| match part {
                Playable::Prompt { name, .. } => texts[name.as_str()].as_str(),
                Playable::Text { .. } | Playable::Tone(_) | Playable::Message(_) => panic!("{part:?}"),
            })
            .collect();
        words.join(" ")
    }

    fn everything() -> impl Iterator<Item = Said> {
        let nouns = [
            Noun::Riyal,
            Noun::Halala,
            Noun::Dollar,
            Noun::Cent,
            Noun::Minute,
            Noun::Hour,
            Noun::Day,
            Noun::Message,
            Noun::Call,
        ];
        let numbers = (0..2500u64).chain([10_000, 11_000, 99_999, 100_000, 101_002, 999_999, LARGEST]);
        let powers = (0..12).flat_map(|power| (1..=12).map(move |digit| digit * 10u64.pow(power)));
        let numbers: Vec<u64> = numbers.chain(powers).collect();
        let counts = numbers
            .clone()
            .into_iter()
            .flat_map(move |number| nouns.map(|noun| Said::Count(number, noun)));
        let plain = numbers
            .clone()
            .into_iter()
            .flat_map(|number| [Said::Number(number as i64), Said::Number(-(number as i64))]);
        let money = numbers
            .into_iter()
            .flat_map(|cents| [Currency::Sar, Currency::Usd].map(|currency| Said::Money(cents, currency)));
        let times = (0..24).flat_map(|hour| (0..60).map(move |minute| Said::Time(hour, minute)));
        let dates = (1900..2100u16).flat_map(|year| {
            (1..=31).map(move |day| Said::Date {
                year,
                month: 1 + day % 12,
                day,
                weekday: 1 + day % 7,
            })
        });
        let rest = [
            Said::Digits("0123456789".into()),
            Said::Decimal {
                negative: true,
                whole: 7,
                digits: "905".into(),
            },
        ];
        counts
            .chain(plain)
            .chain(money)
            .chain(times)
            .chain(dates)
            .chain(rest)
    }

    #[test]
    fn everything_that_can_be_said_is_made_of_the_parts_and_every_part_is_needed() {
        for language in ["en", "ar"] {
            let language = Language::from(language);
            let names: BTreeSet<String> = parts(&language)
                .unwrap()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert_eq!(names.len(), parts(&language).unwrap().len(), "no name twice");
            let mut used = BTreeSet::new();
            for said in everything() {
                for part in aloud(&language, &said).unwrap() {
                    let Playable::Prompt { name, .. } = part else {
                        panic!()
                    };
                    assert!(names.contains(name.as_str()), "{language}: {said:?} wants {name}");
                    used.insert(name.as_str().to_owned());
                }
            }
            let idle: Vec<_> = names.difference(&used).collect();
            assert!(idle.is_empty(), "{language}: {idle:?}");
        }
    }

    #[test]
    fn names_of_parts_are_names_of_files() {
        for (name, text) in ["en", "ar"]
            .into_iter()
            .flat_map(|language| parts(&language.into()).unwrap())
        {
            assert!(
                name.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
                "{name}"
            );
            assert!(!text.is_empty());
        }
    }

    #[test]
    fn a_language_is_known_with_its_country_and_others_are_not() {
        assert!(parts(&"ar-SA".into()).is_some() && parts(&"en_GB".into()).is_some());
        assert!(parts(&"fr".into()).is_none() && aloud(&"fr".into(), &Said::Number(1)).is_none());
    }
}
