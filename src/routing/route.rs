use super::without_separators;
use crate::model::{Number, TrunkName};
use std::fmt;
use std::str::FromStr;

/// One `[[route]]`: which numbers leave by which trunks, and how they are written there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Which dialled numbers it is for; the first route with a fitting pattern counts.
    pub matches: Vec<Pattern>,
    /// How many characters are taken off the front of what was dialled.
    pub strip: usize,
    /// What is put in front of what is left.
    pub prepend: String,
    /// The trunks in the order they are tried.
    pub trunks: Vec<TrunkName>,
    /// The number shown to the callee, in place of the caller's extension.
    pub caller_id: Option<Number>,
}

/// A pattern of numbers: digits and `+` stand for themselves, `X` for any digit, `*` at the end for any rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    places: Vec<Place>,
    open_ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    This(char),
    AnyDigit,
}

impl Route {
    /// What is dialled on the trunk for this number; nothing when the route is not for it.
    pub fn number_for(&self, dialed: &str) -> Option<String> {
        if !self.matches.iter().any(|pattern| pattern.fits(dialed)) {
            return None;
        }
        let rest: String = dialed.chars().skip(self.strip).collect();
        (!rest.is_empty()).then(|| format!("{}{rest}", self.prepend))
    }
}

impl Pattern {
    /// Whether the number is one of them. A `00` in front and a `+` are the same.
    pub fn fits(&self, number: &str) -> bool {
        let number = plain(number);
        let mut letters = number.chars();
        let fits = self.places.iter().all(|place| match (place, letters.next()) {
            (Place::This(wanted), Some(letter)) => *wanted == letter,
            (Place::AnyDigit, Some(letter)) => letter.is_ascii_digit(),
            (Place::This(_) | Place::AnyDigit, None) => false,
        });
        fits && (self.open_ended || letters.next().is_none())
    }
}

/// A number without separators, the international prefix as `+`.
pub(super) fn plain(number: &str) -> String {
    let number = without_separators(number);
    match number.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => number,
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (body, open_ended) = text.strip_suffix('*').map_or((text, false), |body| (body, true));
        if body.is_empty() && !open_ended {
            return Err("an empty pattern fits nothing".to_owned());
        }
        let place = |letter| match letter {
            'X' | 'x' => Ok(Place::AnyDigit),
            '0'..='9' | '+' | '#' | '*' => Ok(Place::This(letter)),
            odd => Err(format!("`{odd}` is no digit, `X`, `+` or a `*` at the end")),
        };
        Ok(Self {
            places: plain(body).chars().map(place).collect::<Result<_, _>>()?,
            open_ended,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            match place {
                Place::This(letter) => write!(out, "{letter}")?,
                Place::AnyDigit => write!(out, "X")?,
            }
        }
        out.write_str(if self.open_ended { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_digits_any_digit_and_an_open_end() {
        for (pattern, number, fits) in [
            ("0*", "0112345678", true),
            ("0*", "112", false),
            ("05XXXXXXXX", "0501234567", true),
            ("05XXXXXXXX", "050123456", false),
            ("05XXXXXXXX", "05012345678", false),
            ("00*", "+4930123", true),
            ("+*", "004930123", true),
            ("0*", "004930123", false),
            ("9X*", "9", false),
            ("*", "anything", true),
            ("112", "112", true),
            ("0 11*", "011-234", true),
        ] {
            assert_eq!(
                pattern.parse::<Pattern>().unwrap().fits(number),
                fits,
                "{pattern} {number}"
            );
        }
        for bad in ["", "0a", "sip:1", "(0)x*y"] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_route_takes_off_and_puts_in_front() {
        let route = Route {
            name: "city".to_owned(),
            matches: vec!["9*".parse().unwrap()],
            strip: 1,
            prepend: "0".to_owned(),
            trunks: Vec::new(),
            caller_id: None,
        };
        assert_eq!(route.number_for("9112345678").as_deref(), Some("0112345678"));
        assert_eq!(route.number_for("9"), None, "nothing would be left");
        assert_eq!(route.number_for("8112345678"), None);
    }
}
