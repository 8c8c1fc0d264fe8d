//! `Referred-By`: RFC 3892 §3.

use super::NameAddr;
use crate::sip::uri::Uri;
use std::borrow::Cow;

/// On whose behalf a REFER or the INVITE that follows it is sent.
#[derive(Debug, Clone, Copy)]
pub struct ReferredBy<'a>(pub NameAddr<'a>);

impl<'a> ReferredBy<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let found = Self(NameAddr::parse(value)?);
        match found.0.params.find("cid") {
            Some(cid) if !cid.value().is_some_and(|cid| cid.contains('@')) => Err("not a Content-ID"),
            Some(_) | None => Ok(found),
        }
    }

    /// Who refers.
    pub fn uri(&self) -> Uri<'a> {
        self.0.uri
    }

    /// `cid`: which body part proves it.
    pub fn cid(&self) -> Option<Cow<'a, str>> {
        self.0.params.value("cid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_referrer_and_the_proof_are_read() {
        let found = ReferredBy::parse(b"sip:r@ref.example ; cid=\"2UWQ@ref.example\"").unwrap();
        assert_eq!(found.uri().to_string(), "sip:r@ref.example");
        assert_eq!(found.cid().unwrap(), "2UWQ@ref.example");
        assert!(
            ReferredBy::parse(b"\"R\" <sip:r@ref.example>")
                .unwrap()
                .cid()
                .is_none()
        );
        for bad in ["", "r", "<sip:r@x>;cid", "<sip:r@x>;cid=\"noat\"", "<sip:r@x> y"] {
            assert!(ReferredBy::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
