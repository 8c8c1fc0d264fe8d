//! `WWW-Authenticate` §20.44 and `Proxy-Authenticate` §20.27 of RFC 3261: challenges of RFC 7616 §3.3.

use crate::sip::grammar::{Scanner, is_space};
use std::borrow::Cow;

/// One Digest challenge. Quoted values are without their quotes and with their pairs unresolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// `realm`.
    pub realm: &'a [u8],
    /// `nonce`.
    pub nonce: &'a [u8],
    /// `opaque`, to be sent back.
    pub opaque: Option<&'a [u8]>,
    /// `algorithm`; empty means MD5.
    pub algorithm: &'a [u8],
    /// `qop`: a list; empty means the digest of RFC 2069.
    pub qop: &'a [u8],
    /// `stale=true`: the password was right, only the nonce is too old.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// Reads all Digest challenges of one header line; other schemes are passed over.
    pub(crate) fn parse(value: &'a [u8]) -> Result<Vec<Self>, &'static str> {
        let mut scanner = Scanner::new(value);
        let mut found: Vec<Self> = Vec::new();
        let mut digest = false;
        loop {
            scanner.skip_space();
            if let Some(scheme) = scheme(&mut scanner) {
                digest = scheme.eq_ignore_ascii_case("Digest");
                if digest {
                    found.push(Self::default());
                }
            }
            let pair = pair(&mut scanner)?;
            if digest && let Some(last) = found.last_mut() {
                last.keep(&pair);
            }
            if scanner.at_end() {
                return Ok(found);
            }
            if !scanner.separator(b',') {
                return Err("a comma is missing");
            }
        }
    }

    fn keep(&mut self, pair: &Pair<'a>) {
        if pair.name.eq_ignore_ascii_case("realm") {
            self.realm = pair.value;
        } else if pair.name.eq_ignore_ascii_case("nonce") {
            self.nonce = pair.value;
        } else if pair.name.eq_ignore_ascii_case("opaque") {
            self.opaque = Some(pair.value);
        } else if pair.name.eq_ignore_ascii_case("algorithm") {
            self.algorithm = pair.value;
        } else if pair.name.eq_ignore_ascii_case("qop") {
            self.qop = pair.value;
        } else if pair.name.eq_ignore_ascii_case("stale") {
            self.stale = pair.value.eq_ignore_ascii_case(b"true");
        }
    }

    /// The realm as text.
    pub fn realm_text(&self) -> Cow<'a, str> {
        crate::sip::text::unquote(self.realm)
    }

    /// Whether `qop` offers this protection.
    pub fn offers_qop(&self, wanted: &str) -> bool {
        self.qop
            .split(|byte| *byte == b',' || is_space(*byte))
            .any(|one| one.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

/// `auth-param`: a name with a token or a quoted string.
pub(crate) struct Pair<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a [u8],
}

pub(crate) fn pair<'a>(scanner: &mut Scanner<'a>) -> Result<Pair<'a>, &'static str> {
    let name = scanner.token().ok_or("a parameter has no name")?;
    if !scanner.separator(b'=') {
        return Err("a parameter has no value");
    }
    let value = match scanner.peek() {
        Some(b'"') => scanner.quoted().ok_or("a quotation mark is missing")?,
        Some(_) | None => scanner.take_while(|byte| !is_space(byte) && byte != b',' && byte != b'"'),
    };
    Ok(Pair { name, value })
}

/// A word that is followed by another word and not by `=` begins a challenge.
fn scheme<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    let mut ahead = *scanner;
    let word = ahead.token()?;
    let here = ahead;
    ahead.skip_space();
    if ahead.since(&here).is_empty() || ahead.peek() == Some(b'=') {
        return None;
    }
    *scanner = ahead;
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_challenges_may_share_a_line() {
        let line =
            br#"Basic realm="x", Digest realm="a, b", nonce="1", qop="auth,auth-int", algorithm=SHA-256,
  stale = TRUE, Digest realm="c", nonce="2""#;
        let found = Challenge::parse(line).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].realm_text(), "a, b");
        assert!(found[0].offers_qop("auth") && found[0].stale);
        assert_eq!(found[0].algorithm, b"SHA-256");
        assert_eq!(found[1].nonce, b"2");
        assert!(!found[1].offers_qop("auth") && found[1].opaque.is_none());
    }

    #[test]
    fn broken_ones_are_refused() {
        for bad in [
            "",
            "Digest",
            "Digest realm=\"open",
            "Digest realm=a nonce=b",
            "Digest realm",
        ] {
            assert!(Challenge::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
