//! `Content-Disposition`: RFC 3261 §20.11, RFC 5621 §8.

use crate::sip::grammar::Scanner;
use crate::sip::params::Params;

/// What a body or a part of it is for.
#[derive(Debug, Clone, Copy)]
pub struct ContentDisposition<'a> {
    /// `session`, `render`, `icon`, `by-reference`, …
    pub kind: &'a str,
    /// Whether a receiver that cannot read it may go on without it: `handling=optional`. Required is what is meant
    /// when nothing is said.
    pub optional: bool,
}

impl<'a> ContentDisposition<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let kind = scanner.token().ok_or("no type")?;
        let params = Params::scan(&mut scanner)?;
        let handling = params.value("handling");
        let optional = handling.is_some_and(|word| word.eq_ignore_ascii_case("optional"));
        scanner.finish(Self { kind, optional })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_optional() {
        let read = |text: &'static str| ContentDisposition::parse(text.as_bytes()).unwrap();
        assert!(read("signal ; Handling=Optional").optional);
        assert!(!read("session").optional && !read("session;handling=required").optional);
        for bad in ["", ";handling=optional", "session x", "session;handling="] {
            assert!(ContentDisposition::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
