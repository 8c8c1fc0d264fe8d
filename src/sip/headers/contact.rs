//! `Contact`: RFC 3261 §20.10, with `+sip.instance` and `reg-id` of RFC 5626.

use super::NameAddr;
use crate::sip::grammar::{Elements, Scanner, number};
use crate::sip::text::text;
use crate::sip::uri::Uri;

/// One contact.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a>(pub NameAddr<'a>);

/// What the Contact headers of a message say.
#[derive(Debug, Clone)]
pub enum Contacts<'a> {
    /// `*`: all contacts, to be removed (§10.2.2).
    All,
    /// These, in their order; there may be none.
    List(Vec<Contact<'a>>),
}

impl<'a> Contact<'a> {
    /// The URI.
    pub fn uri(&self) -> Uri<'a> {
        self.0.uri
    }

    /// Preference in thousandths (`q`, 0–1 with three decimals); 1000 when absent or unreadable.
    pub fn q(&self) -> u16 {
        self.0.params.token("q").and_then(thousandths).unwrap_or(1000)
    }

    /// The expiry this contact asks for, in seconds. An unreadable one means 3600 (§20.10), one that is too
    /// large the largest.
    pub fn expires(&self) -> Option<u32> {
        let raw = self.0.params.find("expires")?.raw.unwrap_or_default();
        let digits = Scanner::new(raw).quoted().unwrap_or(raw);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Some(3600);
        }
        Some(
            number(digits)
                .and_then(|seconds| u32::try_from(seconds).ok())
                .unwrap_or(u32::MAX),
        )
    }

    /// `+sip.instance`: the same device under whatever address (RFC 5626 §4.1), angle brackets included.
    pub fn instance(&self) -> Option<String> {
        self.0
            .params
            .value("+sip.instance")
            .map(|value| value.into_owned())
    }

    /// `reg-id`: which of the device's flows (RFC 5626 §4.2).
    pub fn reg_id(&self) -> Option<u32> {
        self.0
            .params
            .find("reg-id")?
            .raw
            .and_then(number)
            .and_then(|id| u32::try_from(id).ok())
    }
}

impl<'a> Contacts<'a> {
    /// Reads all Contact values of a message.
    pub(crate) fn parse(lines: impl Iterator<Item = &'a [u8]>) -> Result<Self, &'static str> {
        let mut list = Vec::new();
        let mut all = false;
        for element in lines.flat_map(Elements::of) {
            if element == b"*" {
                all = true;
            } else {
                list.push(Contact(NameAddr::parse(element)?));
            }
        }
        match (all, list.is_empty()) {
            (true, true) => Ok(Self::All),
            (true, false) => Err("* and others"),
            (false, _) => Ok(Self::List(list)),
        }
    }

    /// The first contact: the target of a dialog.
    pub fn first(&self) -> Option<&Contact<'a>> {
        match self {
            Self::All => None,
            Self::List(list) => list.first(),
        }
    }
}

impl std::fmt::Display for Contact<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&text(self.0.raw))
    }
}

/// `( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) || whole.len() > 1 {
        return None;
    }
    let whole: u16 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let padded: u16 = format!("{decimals:0<3}").parse().ok()?;
    Some(whole * 1000 + padded).filter(|q| *q <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(text: &str) -> Contact<'_> {
        Contact(NameAddr::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn q_is_read_in_thousandths() {
        for (value, q) in [
            ("0.33", 330),
            ("1", 1000),
            ("1.000", 1000),
            ("0", 0),
            (".5", 500),
            ("2", 1000),
            ("x", 1000),
            ("0.1234", 1000),
        ] {
            assert_eq!(contact(&format!("<sip:a@b>;q={value}")).q(), q, "{value}");
        }
        assert_eq!(contact("<sip:a@b>").q(), 1000);
    }

    #[test]
    fn expiry_is_forgiving() {
        for (value, seconds) in [
            ("60", 60),
            ("\"60\"", 60),
            ("0", 0),
            ("soon", 3600),
            ("99999999999999999999", u32::MAX),
            ("-1", 3600),
        ] {
            assert_eq!(
                contact(&format!("<sip:a@b>;expires={value}")).expires(),
                Some(seconds),
                "{value}"
            );
        }
        assert_eq!(contact("<sip:a@b>").expires(), None);
        assert_eq!(contact("<sip:a@b>;expires").expires(), Some(3600));
    }

    #[test]
    fn a_device_is_known_by_its_instance() {
        let device =
            contact(r#"<sip:a@b>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=2"#);
        assert_eq!(
            device.instance().unwrap(),
            "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
        );
        assert_eq!(device.reg_id(), Some(2));
    }

    #[test]
    fn a_star_stands_alone() {
        let parse = |lines: &[&'static str]| Contacts::parse(lines.iter().map(|line| line.as_bytes()));
        assert!(matches!(parse(&["*"]), Ok(Contacts::All)));
        assert!(parse(&["*, <sip:a@b>"]).is_err());
        assert!(parse(&["<sip:a@b>,, <sip:c@d>"]).is_err());
        let Ok(Contacts::List(list)) = parse(&["<sip:a@b>, \"C, D\" <sip:c@d>", "sip:e@f"]) else {
            panic!("not a list");
        };
        assert_eq!(list.len(), 3);
        assert!(matches!(parse(&[]), Ok(Contacts::List(list)) if list.is_empty()));
    }
}
