//! `CSeq`: RFC 3261 §20.16; `RAck`: RFC 3262 §7.2.

use crate::sip::grammar::Scanner;
use crate::sip::method::Method;

/// A request's place in its dialog and its method; responses repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹ (§8.1.1.5).
    pub number: u32,
    /// The request's method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        let found = scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(found)
        } else {
            Err("something odd behind it")
        }
    }
}

/// Which provisional response a PRACK acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The `RSeq` of the response.
    pub rseq: u32,
    /// The `CSeq` of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let rseq = scanner
            .number()
            .and_then(|rseq| u32::try_from(rseq).ok())
            .ok_or("no response number")?;
        let cseq = scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(Self { rseq, cseq })
        } else {
            Err("something odd behind it")
        }
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
        assert_eq!(RAck::parse(b"7 1 INVITE").unwrap().rseq, 7);
    }
}
