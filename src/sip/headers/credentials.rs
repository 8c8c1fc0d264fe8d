//! `Authorization` §20.7 and `Proxy-Authorization` §20.28 of RFC 3261: credentials of RFC 7616 §3.4.

use super::challenge::{Pair, pair};
use crate::sip::grammar::Scanner;
use crate::sip::text::unquote;
use std::borrow::Cow;

/// Digest credentials as they came. Quoted values are without their quotes and with their pairs unresolved,
/// for that is what goes into the digest.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// `username`, see [`Credentials::user`].
    pub username: &'a [u8],
    /// `realm`.
    pub realm: &'a [u8],
    /// `nonce`.
    pub nonce: &'a [u8],
    /// `uri`.
    pub uri: &'a [u8],
    /// `response`, hexadecimal.
    pub response: &'a [u8],
    /// `algorithm`; empty means MD5 (RFC 2617).
    pub algorithm: &'a [u8],
    /// `cnonce`.
    pub cnonce: &'a [u8],
    /// `opaque`.
    pub opaque: &'a [u8],
    /// `qop`; empty means the digest of RFC 2069.
    pub qop: &'a [u8],
    /// `nc` as it came: eight hexadecimal digits.
    pub nc: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// Reads credentials; nothing when they are of another scheme than Digest.
    pub(crate) fn parse(value: &'a [u8]) -> Result<Option<Self>, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let scheme = scanner.token().ok_or("no scheme")?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Ok(None);
        }
        let mut found = Self::default();
        loop {
            scanner.skip_space();
            found.keep(pair(&mut scanner)?);
            if scanner.at_end() {
                break;
            }
            if !scanner.separator(b',') {
                return Err("a comma is missing");
            }
        }
        Ok(Some(found))
    }

    fn keep(&mut self, pair: Pair<'a>) {
        let places: [(&str, &mut &'a [u8]); 10] = [
            ("username", &mut self.username),
            ("realm", &mut self.realm),
            ("nonce", &mut self.nonce),
            ("uri", &mut self.uri),
            ("response", &mut self.response),
            ("algorithm", &mut self.algorithm),
            ("cnonce", &mut self.cnonce),
            ("opaque", &mut self.opaque),
            ("qop", &mut self.qop),
            ("nc", &mut self.nc),
        ];
        for (name, place) in places {
            if pair.name.eq_ignore_ascii_case(name) {
                *place = pair.value;
            }
        }
    }

    /// Whose credentials they claim to be.
    pub fn user(&self) -> Cow<'a, str> {
        unquote(self.username)
    }

    /// `nc` as a number: how often this nonce has been used, this time included.
    pub fn nonce_count(&self) -> Option<u32> {
        let hexadecimal = self.nc.len() == 8 && self.nc.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(self.nc).ok().filter(|_| hexadecimal)?;
        u32::from_str_radix(text, 16).ok()
    }
}

/// Shows whose they are and nothing one could replay.
impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Credentials({:?})", self.user())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_in_any_order_and_spelling() {
        let value = br#"DIGEST Username="bo\"b",realm = "callpost" , nonce="abc",uri="sip:a,b@c",
 response="00ff", Algorithm=SHA-256, cnonce="x=y", qop=auth, nc=0000000a, opaque="""#;
        let found = Credentials::parse(value).unwrap().unwrap();
        assert_eq!(found.user(), "bo\"b");
        assert_eq!(found.realm, b"callpost");
        assert_eq!(found.uri, b"sip:a,b@c");
        assert_eq!(found.algorithm, b"SHA-256");
        assert_eq!(found.cnonce, b"x=y");
        assert_eq!(found.nonce_count(), Some(10));
        assert_eq!(format!("{found:?}"), r#"Credentials("bo\"b")"#);
    }

    #[test]
    fn other_schemes_are_passed_over_and_broken_ones_refused() {
        assert!(
            Credentials::parse(b"NoOneKnowsThisScheme opaque-data=here")
                .unwrap()
                .is_none()
        );
        for bad in [
            "",
            "Digest",
            "Digest username",
            "Digest username=\"open",
            "Digest a=b c=d",
            "Digest a=b,,c=d",
        ] {
            assert!(Credentials::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_nonce_count_has_eight_hexadecimal_digits() {
        for bad in ["", "1", "000000001", "0000000g", "+0000001"] {
            let credentials = Credentials {
                nc: bad.as_bytes(),
                ..Credentials::default()
            };
            assert_eq!(credentials.nonce_count(), None, "{bad}");
        }
    }
}
