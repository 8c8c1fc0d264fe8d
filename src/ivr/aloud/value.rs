use super::{Currency, Noun, Said};
use serde::Deserialize;

/// As what a value is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::ivr) enum Kind {
    /// Digit by digit.
    Digits,
    /// As a number.
    Number,
    /// As so many of something.
    Count,
    /// As an amount of money.
    Money,
    /// As a time of day, `15:30`.
    Time,
    /// As a day, `2026-08-21`.
    Date,
}

/// How a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ivr) struct Value {
    pub(in crate::ivr) kind: Kind,
    pub(in crate::ivr) of: Option<Noun>,
    pub(in crate::ivr) currency: Currency,
}

impl Value {
    /// What is said for this text. A text that is not what it should be is said digit by digit; one without digits not
    /// at all.
    pub(in crate::ivr) fn read(self, text: &str) -> Option<Said> {
        let text: String = text.trim().chars().map(western).collect();
        let said = match self.kind {
            Kind::Digits => None,
            Kind::Number => number(&text),
            Kind::Count => self.of.and_then(|noun| Some(Said::Count(whole(&text)?, noun))),
            Kind::Money => money(&text).map(|hundredths| Said::Money(hundredths, self.currency)),
            Kind::Time => time(&text),
            Kind::Date => date(&text),
        };
        let has_digits = text.contains(|letter: char| letter.is_ascii_digit());
        said.or_else(|| has_digits.then_some(Said::Digits(text)))
    }
}

/// Digits of Arabic writing are digits too.
fn western(letter: char) -> char {
    let number = u32::from(letter);
    let digit = match number {
        0x660..=0x669 => Some(number - 0x660),
        0x6f0..=0x6f9 => Some(number - 0x6f0),
        _ => None,
    };
    digit
        .and_then(|digit| char::from_digit(digit, 10))
        .unwrap_or(letter)
}

fn whole(text: &str) -> Option<u64> {
    let plain = text.replace([',', ' '], "");
    let is_whole = (1..=12).contains(&plain.len()) && plain.bytes().all(|letter| letter.is_ascii_digit());
    plain.parse().ok().filter(|_| is_whole)
}

fn number(text: &str) -> Option<Said> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    match text.split_once('.') {
        None => {
            let number = i64::try_from(whole(text)?).ok()?;
            Some(Said::Number(if negative { -number } else { number }))
        }
        Some((before, after)) => {
            let is_fraction =
                (1..=9).contains(&after.len()) && after.bytes().all(|letter| letter.is_ascii_digit());
            let (whole, digits) = (whole(before)?, after.to_owned());
            is_fraction.then_some(Said::Decimal {
                negative,
                whole,
                digits,
            })
        }
    }
}

/// `12`, `12.5`, `1,250.75`; further places are left out, never rounded up.
fn money(text: &str) -> Option<u64> {
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    if !after.bytes().all(|letter| letter.is_ascii_digit()) {
        return None;
    }
    let places: String = after.chars().chain("00".chars()).take(2).collect();
    whole(before)?.checked_mul(100)?.checked_add(places.parse().ok()?)
}

fn time(text: &str) -> Option<Said> {
    let mut parts = text.split(':');
    let (hour, minute) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (hour < 24 && minute < 60).then_some(Said::Time(hour, minute))
}

fn date(text: &str) -> Option<Said> {
    let date: jiff::civil::Date = text.parse().ok()?;
    Some(Said::Date {
        year: u16::try_from(date.year())
            .ok()
            .filter(|year| (1000..=2999).contains(year))?,
        month: u8::try_from(date.month()).ok()?,
        day: u8::try_from(date.day()).ok()?,
        weekday: u8::try_from(date.weekday().to_monday_one_offset()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, text: &str) -> Option<Said> {
        let of = Some(Noun::Message);
        let currency = Currency::Sar;
        Value { kind, of, currency }.read(text)
    }

    #[test]
    fn values_are_read_as_what_they_should_be_and_else_digit_by_digit() {
        let digits = |text: &str| Some(Said::Digits(text.to_owned()));
        for (kind, text, said) in [
            (Kind::Number, "42", Some(Said::Number(42))),
            (Kind::Number, "-7", Some(Said::Number(-7))),
            (Kind::Number, "٤٢", Some(Said::Number(42))),
            (Kind::Number, "1,200", Some(Said::Number(1200))),
            (Kind::Number, "order 7", digits("order 7")),
            (Kind::Number, "1234567890123", digits("1234567890123")),
            (Kind::Number, "boo", None),
            (Kind::Number, "", None),
            (Kind::Digits, "0501", digits("0501")),
            (Kind::Count, "3", Some(Said::Count(3, Noun::Message))),
            (Kind::Money, "12.5", Some(Said::Money(1250, Currency::Sar))),
            (Kind::Money, "0.059", Some(Said::Money(5, Currency::Sar))),
            (Kind::Money, "1,250", Some(Said::Money(125_000, Currency::Sar))),
            (Kind::Money, "12.x", digits("12.x")),
            (Kind::Time, "15:30", Some(Said::Time(15, 30))),
            (Kind::Time, "09:05:59", Some(Said::Time(9, 5))),
            (Kind::Time, "25:00", digits("25:00")),
            (Kind::Date, "2026-02-30", digits("2026-02-30")),
        ] {
            assert_eq!(read(kind, text), said, "{kind:?} {text}");
        }
        let date = Said::Date {
            year: 2026,
            month: 8,
            day: 21,
            weekday: 5,
        };
        assert_eq!(read(Kind::Date, "2026-08-21"), Some(date));
        let decimal = Said::Decimal {
            negative: true,
            whole: 3,
            digits: "14".into(),
        };
        assert_eq!(read(Kind::Number, "-3.14"), Some(decimal));
    }
}
