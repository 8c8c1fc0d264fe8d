//! `Reason`: RFC 3326.

use crate::sip::grammar::{Scanner, number};
use crate::sip::params::Params;
use std::borrow::Cow;

/// Why a request was sent: `SIP;cause=200;text="Call completed elsewhere"`, `Q.850;cause=26`.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, …
    pub protocol: &'a str,
    /// `cause`: a SIP status, or a cause of ITU-T Q.850.
    pub cause: Option<u16>,
    params: Params<'a>,
}

impl<'a> Reason<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let protocol = scanner.token().ok_or("no protocol")?;
        let params = Params::scan(&mut scanner)?;
        if !scanner.at_end() {
            return Err("something odd behind it");
        }
        let cause = params.find("cause").and_then(|param| param.raw).and_then(number);
        Ok(Self {
            protocol,
            cause: cause.and_then(|cause| u16::try_from(cause).ok()),
            params,
        })
    }

    /// `text`: the same for people.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.value("text")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_text_are_read() {
        let reason = Reason::parse(br#"SIP ;cause=200 ;text="Call completed elsewhere""#).unwrap();
        assert_eq!((reason.protocol, reason.cause), ("SIP", Some(200)));
        assert_eq!(reason.text().unwrap(), "Call completed elsewhere");
        assert_eq!(Reason::parse(b"Q.850;cause=x").unwrap().cause, None);
        assert!(Reason::parse(b";cause=1").is_err());
    }
}
