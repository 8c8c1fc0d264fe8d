//! `Session-Expires`: RFC 4028 §4.

use super::{delta_seconds, min_se};
use crate::sip::params::Params;
use std::fmt;

/// For how long a session lives without a refresh, and who is to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds.
    pub seconds: u32,
    /// Who refreshes, once that is settled.
    pub refresher: Option<Refresher>,
}

/// The two sides of the transaction that settles it (not of the dialog).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

impl SessionExpires {
    /// Reads a whole value.
    pub fn parse(value: &[u8]) -> Result<Self, &'static str> {
        let (digits, params) = min_se::with_params(value)?;
        Ok(Self {
            seconds: delta_seconds(digits)?,
            refresher: refresher(&params)?,
        })
    }
}

fn refresher(params: &Params<'_>) -> Result<Option<Refresher>, &'static str> {
    let word = params.only("refresher").map_err(|()| "not one plain refresher")?;
    match word {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("uac") => Ok(Some(Refresher::Uac)),
        Some(word) if word.eq_ignore_ascii_case("uas") => Ok(Some(Refresher::Uas)),
        Some(_) => Err("a refresher that is neither uac nor uas"),
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refresher = match self.refresher {
            None => "",
            Some(Refresher::Uac) => ";refresher=uac",
            Some(Refresher::Uas) => ";refresher=uas",
        };
        write!(out, "{}{refresher}", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_refresher_are_read_in_any_case() {
        let found = SessionExpires::parse(b" 4000 ; Refresher = UAC;odd").unwrap();
        assert_eq!((found.seconds, found.refresher), (4000, Some(Refresher::Uac)));
        assert_eq!(found.to_string(), "4000;refresher=uac");
        assert_eq!(SessionExpires::parse(b"90").unwrap().refresher, None);
        for bad in [
            "",
            "soon",
            "-1",
            "90;refresher=both",
            "90;refresher",
            "90 x",
            "90;refresher=uac;refresher=uas",
        ] {
            assert!(SessionExpires::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
