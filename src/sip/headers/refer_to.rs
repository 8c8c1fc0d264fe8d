//! `Refer-To`: RFC 3515 §2.1, with the `Replaces` an attended transfer carries in its URI (RFC 3891 §4).

use super::NameAddr;
use crate::sip::method::Method;
use crate::sip::text::{unescape, unescaped_text};
use crate::sip::uri::Uri;
use std::borrow::Cow;

/// Where the receiver of a REFER is to turn to.
#[derive(Debug, Clone, Copy)]
pub struct ReferTo<'a>(pub NameAddr<'a>);

impl<'a> ReferTo<'a> {
    /// Reads a whole value. Headers of the URI make brackets necessary (RFC 3261 §20.10).
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        NameAddr::parse(value).map(Self)
    }

    /// The address.
    pub fn uri(&self) -> Uri<'a> {
        self.0.uri
    }

    /// What to send there: `method` of the URI, INVITE without one (RFC 3515 §2.1).
    pub fn asks_for(&self, method: Method<'_>) -> bool {
        let named = self.uri().param("method").unwrap_or(Cow::Borrowed("INVITE"));
        Method::from_token(&named) == method
    }

    /// The Replaces value in the URI, its escapes resolved; read it with [`super::Replaces::parse`].
    pub fn replaces(&self) -> Option<Cow<'a, [u8]>> {
        let mut headers = self.uri().headers();
        let (_, value) = headers.find(|(name, _)| unescaped_text(name).eq_ignore_ascii_case("Replaces"))?;
        value.map(unescape)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Replaces;
    use super::*;

    #[test]
    fn an_attended_transfer_names_the_dialog_it_replaces() {
        let value = b"<sips:bob@b.example;method=INVITE?Replaces=12345%40c.example%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE>";
        let found = ReferTo::parse(value).unwrap();
        assert!(found.asks_for(Method::Invite) && !found.asks_for(Method::Bye));
        let raw = found.replaces().unwrap();
        let replaces = Replaces::parse(&raw).unwrap();
        assert_eq!((replaces.call_id, replaces.to_tag), ("12345@c.example", "12345"));
    }

    #[test]
    fn a_blind_transfer_names_none() {
        let found = ReferTo::parse(b"sip:1002@callpost").unwrap();
        assert!(found.asks_for(Method::Invite) && found.replaces().is_none());
        assert!(
            ReferTo::parse(b"<sip:a@b;method=SUBSCRIBE>")
                .unwrap()
                .asks_for(Method::Subscribe)
        );
        for bad in [
            "",
            "nobody",
            "sip:a@b?Replaces=x",
            "<sip:a@b",
            "<sip:a@b>, <sip:c@d>",
        ] {
            assert!(ReferTo::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
