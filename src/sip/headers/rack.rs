//! `RAck`: RFC 3262 §7.2.

use super::CSeq;
use crate::sip::grammar::Scanner;
use std::fmt;

/// Which provisional response a PRACK acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The `RSeq` of the response.
    pub rseq: u32,
    /// The `CSeq` of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let rseq = scanner
            .number()
            .and_then(|rseq| u32::try_from(rseq).ok())
            .ok_or("no response number")?;
        let before = scanner;
        scanner.skip_space();
        if scanner.since(&before).is_empty() {
            return Err("no number below 2^31");
        }
        let cseq = CSeq::parse(scanner.rest())?;
        Ok(Self { rseq, cseq })
    }
}

impl fmt::Display for RAck<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.rseq, self.cseq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_named_by_its_number_and_its_request() {
        let found = RAck::parse(b"776656 1\r\n INVITE").unwrap();
        assert_eq!((found.rseq, found.cseq.number), (776_656, 1));
        assert_eq!(found.to_string(), "776656 1 INVITE");
        for bad in [
            "",
            "1",
            "1 INVITE",
            "1 1",
            "x 1 INVITE",
            "4294967296 1 INVITE",
            "1 2147483648 INVITE",
            "1 1 INVITE x",
        ] {
            assert!(RAck::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
