//! `History-Info`: RFC 7044 §5, read from trunks that forward calls to us.

use super::NameAddr;
use crate::sip::grammar::number;
use crate::sip::text::unescaped_text;
use crate::sip::uri::Uri;
use std::borrow::Cow;

/// One station of a request on its way here, the first one first.
#[derive(Debug, Clone)]
pub struct HistoryInfo<'a> {
    /// The address it had.
    pub address: NameAddr<'a>,
    /// `index`: its place in the tree of forks and retargetings, `1.2.1`.
    pub index: Vec<u32>,
}

impl<'a> HistoryInfo<'a> {
    /// Reads one value of the list. An index has to be there (§5).
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let address = NameAddr::parse(value)?;
        let index = address.params.only("index").map_err(|()| "not one plain index")?;
        let index = index.ok_or("no index")?.split('.');
        let place = |part: &str| number(part.as_bytes()).and_then(|place| u32::try_from(place).ok());
        let index: Option<Vec<u32>> = index.map(place).collect();
        Ok(Self {
            address,
            index: index.ok_or("an index that is not numbers between dots")?,
        })
    }

    /// Where the request was sent.
    pub fn uri(&self) -> Uri<'a> {
        self.address.uri
    }

    /// The station that this one replaced: `rc`, `mp` or `np` (§5).
    pub fn replaced(&self) -> Option<&'a str> {
        ["rc", "mp", "np"]
            .iter()
            .find_map(|name| self.address.params.token(name))
    }

    /// Why the request went on from here: the Reason escaped into the URI (§5), `SIP;cause=486`.
    pub fn reason(&self) -> Option<Cow<'a, str>> {
        self.escaped("Reason")
    }

    /// Whether this station asks not to be shown (§10.1.1).
    pub fn is_private(&self) -> bool {
        self.escaped("Privacy")
            .is_some_and(|value| !value.eq_ignore_ascii_case("none"))
    }

    fn escaped(&self, header: &str) -> Option<Cow<'a, str>> {
        let mut headers = self.uri().headers();
        let (_, value) = headers.find(|(name, _)| unescaped_text(name).eq_ignore_ascii_case(header))?;
        value.map(unescaped_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_their_places_and_reasons_are_read() {
        let value = b"<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1.2.1;mp=1.2";
        let found = HistoryInfo::parse(value).unwrap();
        assert_eq!(
            (found.index.as_slice(), found.replaced()),
            (&[1, 2, 1][..], Some("1.2"))
        );
        assert_eq!(found.reason().unwrap(), "SIP;cause=302");
        assert!(found.is_private());
        assert!(!HistoryInfo::parse(b"<sip:a@b>;index=1").unwrap().is_private());
        for bad in [
            "<sip:a@b>",
            "<sip:a@b>;index=1.",
            "<sip:a@b>;index=a",
            "<sip:a@b>;index",
            "<sip:a@b>;index=1;index=2",
        ] {
            assert!(HistoryInfo::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
