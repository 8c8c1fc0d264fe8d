use serde::{Deserialize, Serialize};
use std::fmt;

/// A key of a telephone: `0`–`9`, `*`, `#`, `A`–`D`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Digit(char);

impl Digit {
    /// The key for a character, or nothing when no telephone has such a key. Lower-case letters count.
    pub fn from_char(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(Self(key))
    }

    /// The key for a telephone-event code 0–15 (RFC 4733 §3.2, table 3).
    pub fn from_event(code: u8) -> Option<Self> {
        b"0123456789*#ABCD"
            .get(usize::from(code))
            .map(|key| Self(char::from(*key)))
    }

    /// The telephone-event code 0–15 of this key (RFC 4733 §3.2, table 3).
    pub fn event(self) -> u8 {
        let keys = "0123456789*#ABCD";
        u8::try_from(keys.find(self.0).unwrap_or(0)).unwrap_or(0)
    }

    /// The key as a character.
    pub fn as_char(self) -> char {
        self.0
    }
}

impl TryFrom<char> for Digit {
    type Error = String;
    fn try_from(key: char) -> Result<Self, String> {
        Self::from_char(key).ok_or_else(|| format!("`{key}` is not a telephone key; use 0-9, *, # or A-D"))
    }
}

impl From<Digit> for char {
    fn from(digit: Digit) -> Self {
        digit.0
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_codes_and_keys_are_one_table() {
        for code in 0..16 {
            assert_eq!(Digit::from_event(code).unwrap().event(), code);
        }
        assert_eq!(Digit::from_event(16), None);
        assert_eq!(Digit::from_char('d').unwrap().as_char(), 'D');
        assert_eq!(Digit::from_char('x'), None);
    }
}
