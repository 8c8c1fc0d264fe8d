//! `Content-Type`: RFC 3261 §20.15.

use crate::sip::grammar::Scanner;
use crate::sip::params::Params;

/// What the body is.
#[derive(Debug, Clone, Copy)]
pub struct ContentType<'a> {
    /// `application`, `multipart`, …
    pub kind: &'a str,
    /// `sdp`, `dtmf-relay`, …
    pub subtype: &'a str,
    /// `boundary`, `charset`, …
    pub params: Params<'a>,
}

impl ContentType<'_> {
    /// Whether it is this type, such as `application/sdp`, in any case and with any parameters.
    pub fn is(&self, wanted: &str) -> bool {
        wanted.split_once('/').is_some_and(|(kind, subtype)| {
            self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
        })
    }
}

pub(crate) fn parse(value: &[u8]) -> Result<ContentType<'_>, &'static str> {
    let mut scanner = Scanner::new(value);
    scanner.skip_space();
    let kind = scanner.token().ok_or("no type")?;
    if !scanner.separator(b'/') {
        return Err("no subtype");
    }
    let subtype = scanner.token().ok_or("no subtype")?;
    let params = Params::scan(&mut scanner)?;
    if scanner.at_end() {
        Ok(ContentType {
            kind,
            subtype,
            params,
        })
    } else {
        Err("something odd behind it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_compared_without_case_and_parameters() {
        let found = parse(b"Multipart/MIXED ; boundary=\"7a9c\"").unwrap();
        assert!(found.is("multipart/mixed") && !found.is("multipart"));
        assert_eq!(found.params.value("boundary").unwrap(), "7a9c");
        for bad in ["", "application", "application/", "/sdp", "application/sdp x"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
