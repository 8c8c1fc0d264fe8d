//! `CSeq`: RFC 3261 §20.16.

use crate::sip::grammar::Scanner;
use crate::sip::method::Method;
use std::fmt;

/// A request's place in its dialog and its method; responses repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹ (§8.1.1.5).
    pub number: u32,
    /// The request's method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        let found = scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(found)
        } else {
            Err("something odd behind it")
        }
    }
}

impl fmt::Display for CSeq<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.number, self.method)
    }
}

fn scan<'a>(scanner: &mut Scanner<'a>) -> Result<CSeq<'a>, &'static str> {
    scanner.skip_space();
    let number = scanner
        .number()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or("no number below 2^31")?;
    if number >= 1 << 31 {
        return Err("no number below 2^31");
    }
    let before = *scanner;
    scanner.skip_space();
    if scanner.since(&before).is_empty() {
        return Err("no method");
    }
    let method = scanner.token().ok_or("no method")?;
    Ok(CSeq {
        number,
        method: Method::from_token(method),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_methods_are_read_and_nonsense_refused() {
        assert_eq!(
            CSeq::parse(b"0009\r\n  INVITE").unwrap(),
            CSeq {
                number: 9,
                method: Method::Invite
            }
        );
        assert_eq!(
            CSeq::parse(b"2147483647 Odd").unwrap().method,
            Method::Other("Odd")
        );
        for bad in [
            "",
            "1",
            "INVITE",
            "1INVITE",
            "2147483648 INVITE",
            "36893488147419103232 REGISTER",
            "-1 INVITE",
            "1 INVITE x",
        ] {
            assert!(CSeq::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
