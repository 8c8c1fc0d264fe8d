//! `Accept`: RFC 3261 §20.1.

use crate::sip::grammar::Scanner;
use crate::sip::params::Params;

/// One range of body types the sender of a request takes.
#[derive(Debug, Clone, Copy)]
pub struct Accept<'a> {
    /// `application`, or `*`.
    pub kind: &'a str,
    /// `sdp`, or `*`.
    pub subtype: &'a str,
    /// `q` and others.
    pub params: Params<'a>,
}

impl<'a> Accept<'a> {
    /// Reads one value of the list.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let kind = scanner.token().ok_or("no type")?;
        if !scanner.separator(b'/') {
            return Err("no subtype");
        }
        let subtype = scanner.token().ok_or("no subtype")?;
        if kind == "*" && subtype != "*" {
            return Err("a subtype of any type");
        }
        let params = Params::scan(&mut scanner)?;
        scanner.finish(Self {
            kind,
            subtype,
            params,
        })
    }

    /// Whether this type, such as `application/sdp`, falls into the range and is wanted at all (`q` above 0).
    pub fn takes(&self, wanted: &str) -> bool {
        let fits = |range: &str, word: &str| range == "*" || range.eq_ignore_ascii_case(word);
        let inside = wanted
            .split_once('/')
            .is_some_and(|(kind, subtype)| fits(self.kind, kind) && fits(self.subtype, subtype));
        let unwanted = self
            .params
            .token("q")
            .is_some_and(|q| q.bytes().all(|byte| matches!(byte, b'0' | b'.')));
        inside && !unwanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_take_what_falls_into_them() {
        let takes = |range: &'static str| Accept::parse(range.as_bytes()).unwrap().takes("application/sdp");
        for good in [
            "application/sdp",
            "Application / SDP;level=1",
            "application/*",
            "*/*;q=0.1",
        ] {
            assert!(takes(good), "{good}");
        }
        for other in ["text/*", "application/isup", "application/sdp;q=0.000", "*/*;q=0"] {
            assert!(!takes(other), "{other}");
        }
        for bad in ["", "application", "*/sdp", "application/", "a/b c", "a/b;"] {
            assert!(Accept::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
