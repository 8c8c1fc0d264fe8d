//! `Privacy`: RFC 3323 §4.2, with `id` of RFC 3325 §9.3 and `history` of RFC 7044 §10.1.

use crate::sip::grammar::Scanner;
use std::fmt;

/// What a caller wants hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy<'a> {
    kinds: Vec<&'a str>,
}

impl<'a> Privacy<'a> {
    /// Reads a whole value. Values stand between semicolons; `none` stands alone.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let mut kinds = vec![scanner.token().ok_or("no value")?];
        while scanner.separator(b';') {
            kinds.push(scanner.token().ok_or("an empty value")?);
        }
        let privacy = Self { kinds };
        if privacy.wants("none") && privacy.kinds.len() > 1 {
            return Err("none and others");
        }
        scanner.finish(privacy)
    }

    /// Whether it asks for this kind: `id`, `header`, `session`, `user`, `history`, `critical`.
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.iter().any(|one| one.eq_ignore_ascii_case(kind))
    }

    /// Whether the caller's number and name must not be shown.
    pub fn hides_the_caller(&self) -> bool {
        ["id", "user", "header"].iter().any(|kind| self.wants(kind))
    }
}

impl fmt::Display for Privacy<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.kinds.join(";"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_between_semicolons() {
        let found = Privacy::parse(b"Header ; id;critical").unwrap();
        assert!(found.wants("header") && found.wants("ID") && !found.wants("session"));
        assert!(found.hides_the_caller());
        assert_eq!(found.to_string(), "Header;id;critical");
        assert!(!Privacy::parse(b"none").unwrap().hides_the_caller());
        for bad in ["", ";", "id;", "none;id", "id header", "id, header"] {
            assert!(Privacy::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
