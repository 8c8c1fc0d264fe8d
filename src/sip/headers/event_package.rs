//! `Event`: RFC 6665 §8.2.1; `Allow-Events` (§8.2.2) is a list of the same names and read as tokens.

use crate::sip::grammar::Scanner;
use crate::sip::params::Params;
use std::fmt;

/// What a subscription is about: `message-summary`, `dialog`, `reg`, `refer`, …
#[derive(Debug, Clone, Copy)]
pub struct EventPackage<'a> {
    /// The package, with its templates: `presence.winfo`.
    pub package: &'a str,
    /// `id`: which of several subscriptions of one dialog; a REFER's is its CSeq (RFC 3515 §2.4.6).
    pub id: Option<&'a str>,
    /// Everything behind it, `id` included.
    pub params: Params<'a>,
}

impl<'a> EventPackage<'a> {
    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let package = scanner.token().ok_or("no package")?;
        if package.split('.').any(str::is_empty) {
            return Err("an empty name between dots");
        }
        let params = Params::scan(&mut scanner)?;
        let id = params.only("id").map_err(|()| "not one plain id")?;
        scanner.finish(Self { package, id, params })
    }

    /// Whether it is this package. Names are case-sensitive (RFC 6665 §4.1.2.1 compares byte by byte).
    pub fn is(&self, package: &str) -> bool {
        self.package == package
    }

    /// Whether two requests mean the same subscription: package and `id` alone count (§8.2.1).
    pub fn is_same(&self, other: &EventPackage<'_>) -> bool {
        self.package == other.package && self.id == other.id
    }
}

impl fmt::Display for EventPackage<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.package)?;
        self.id.map_or(Ok(()), |id| write!(out, ";id={id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_and_its_id_name_a_subscription() {
        let one = EventPackage::parse(b"refer ; id=93809824; odd").unwrap();
        assert_eq!((one.package, one.id), ("refer", Some("93809824")));
        assert_eq!(one.to_string(), "refer;id=93809824");
        let two = EventPackage::parse(b"refer;x=1;id=93809824").unwrap();
        assert!(one.is_same(&two) && one.is("refer") && !one.is("Refer"));
        assert!(!one.is_same(&EventPackage::parse(b"refer").unwrap()));
        assert_eq!(
            EventPackage::parse(b"presence.winfo").unwrap().package,
            "presence.winfo"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            ";id=1",
            "a..b",
            ".a",
            "dialog;id=1;id=2",
            "dialog;id=",
            "dialog x",
            "a, b",
        ] {
            assert!(EventPackage::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
