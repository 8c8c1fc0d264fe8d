//! `Diversion`: RFC 5806 §4, read from trunks that forward calls to us.

use super::NameAddr;
use crate::sip::grammar::number;
use crate::sip::uri::Uri;
use std::borrow::Cow;

/// Who forwarded a call, the last one first.
#[derive(Debug, Clone, Copy)]
pub struct Diversion<'a>(pub NameAddr<'a>);

impl<'a> Diversion<'a> {
    /// Reads one value of the list.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        NameAddr::parse(value).map(Self)
    }

    /// Whose calls are forwarded.
    pub fn uri(&self) -> Uri<'a> {
        self.0.uri
    }

    /// `reason`: `unconditional`, `user-busy`, `no-answer`, …
    pub fn reason(&self) -> Option<Cow<'a, str>> {
        self.0.params.value("reason")
    }

    /// `counter`: how many times the call was forwarded up to here; 1 when it is not said (§4.2).
    pub fn counter(&self) -> u8 {
        let raw = self.0.params.find("counter").and_then(|param| param.raw);
        raw.and_then(number)
            .map_or(1, |count| u8::try_from(count).unwrap_or(u8::MAX))
    }

    /// `privacy`: whether the number must not be shown.
    pub fn is_private(&self) -> bool {
        let privacy = self.0.params.value("privacy");
        privacy.is_some_and(|kind| !kind.eq_ignore_ascii_case("off"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_forwarded_and_why_is_read() {
        let found =
            Diversion::parse(b"\"Sales\" <tel:+9665550100>;reason=no-answer;counter=2;privacy=\"full\"")
                .unwrap();
        assert_eq!(found.uri().user().unwrap(), "+9665550100");
        assert_eq!(
            (found.reason().unwrap().as_ref(), found.counter()),
            ("no-answer", 2)
        );
        assert!(found.is_private());
        let plain = Diversion::parse(b"<sip:1@x>;reason=\"user-busy\";privacy=off;counter=900").unwrap();
        assert_eq!(
            (plain.reason().unwrap().as_ref(), plain.counter()),
            ("user-busy", u8::MAX)
        );
        assert!(!plain.is_private());
        for bad in ["", "<>", "<sip:1@x>;;", "<sip:1@x> y", "sip:1@x>"] {
            assert!(Diversion::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
