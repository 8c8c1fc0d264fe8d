//! `name-addr` and `addr-spec` with parameters: From §20.20, To §20.39, Route §20.34, Record-Route §20.30,
//! Reply-To §20.31, P-Asserted-Identity (RFC 3325), Refer-To (RFC 3515), all of RFC 3261 §25.1.

use crate::sip::grammar::{Scanner, trim};
use crate::sip::params::Params;
use crate::sip::text::{text, unquote};
use crate::sip::uri::Uri;
use std::borrow::Cow;

/// A URI with an optional display name before it and optional parameters behind it.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// The whole value as it came.
    pub raw: &'a [u8],
    /// The display name as it came, quotes included; empty when there is none.
    raw_display: &'a [u8],
    /// Who or where.
    pub uri: Uri<'a>,
    /// Parameters of the header, not of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one and stops behind its parameters.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, &'static str> {
        scanner.skip_space();
        let start = *scanner;
        let bracketed = display(scanner)?;
        let raw_display = trim(if bracketed { scanner.since(&start) } else { b"" });
        let uri = if bracketed {
            in_brackets(scanner)?
        } else {
            bare(scanner)?
        };
        let params = Params::scan(scanner)?;
        Ok(Self {
            raw: scanner.since(&start),
            raw_display,
            uri,
            params,
        })
    }

    /// Reads a whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        let found = Self::scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(found)
        } else {
            Err("something odd behind it")
        }
    }

    /// The display name, unfolded and without quotes; nothing when it is empty.
    pub fn display(&self) -> Option<Cow<'a, str>> {
        let name = match Scanner::new(self.raw_display).quoted() {
            Some(inside) => unquote(inside),
            None => text(self.raw_display),
        };
        (!name.trim().is_empty()).then_some(name)
    }

    /// The `tag` parameter (RFC 3261 §19.3): half of a dialog's name.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.token("tag")
    }
}

/// Reads a display name up to the bracket; tells whether there is a bracket at all.
fn display(scanner: &mut Scanner<'_>) -> Result<bool, &'static str> {
    if scanner.peek() == Some(b'"') {
        scanner.quoted().ok_or("a quotation mark is missing")?;
        scanner.skip_space();
        return if scanner.peek() == Some(b'<') {
            Ok(true)
        } else {
            Err("no address behind the name")
        };
    }
    let mut ahead = *scanner;
    ahead.take_while(|byte| !matches!(byte, b'<' | b'"' | b',' | b';' | b'>'));
    if ahead.peek() == Some(b'<') {
        *scanner = ahead;
        return Ok(true);
    }
    Ok(false)
}

fn in_brackets<'a>(scanner: &mut Scanner<'a>) -> Result<Uri<'a>, &'static str> {
    scanner.eat(b'<');
    let uri = scanner.take_while(|byte| byte != b'>');
    if !scanner.eat(b'>') {
        return Err("a bracket is missing");
    }
    Uri::parse(uri)
}

/// Without brackets whatever follows a `;` belongs to the header, and `?` and `,` may not occur (§20.10).
fn bare<'a>(scanner: &mut Scanner<'a>) -> Result<Uri<'a>, &'static str> {
    let raw = scanner.take_while(|byte| byte > b' ' && !matches!(byte, b';' | b',' | b'<' | b'>' | b'"'));
    let uri = Uri::parse(raw)?;
    if uri.is_sip() && raw.contains(&b'?') {
        Err("a URI with a ? needs angle brackets")
    } else {
        Ok(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text.as_bytes()).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn every_form_of_a_display_name_is_read() {
        let cases = [
            (
                r#""J Rosner \\\"" <sip:j@example.com>;tag=1"#,
                Some(r#"J Rosner \""#),
            ),
            ("caller<sip:j@example.com>;tag=1", Some("caller")),
            ("A. G. Bell <sip:j@example.com> ;tag=1", Some("A. G. Bell")),
            ("<sip:j@example.com>;tag=1", None),
            ("\"\" <sip:j@example.com>;tag=1", None),
            ("sip:j@example.com;tag=1", None),
            (
                "\r\n \"Bell\r\n  Company\"\r\n <sip:j@example.com>\r\n ; tag\r\n = 1",
                Some("Bell Company"),
            ),
            ("محمد <sip:j@example.com>;tag=1", Some("محمد")),
        ];
        for (value, display) in cases {
            let found = read(value);
            assert_eq!(found.display().as_deref(), display, "{value}");
            assert_eq!(found.uri.user().unwrap(), "j");
            assert_eq!(found.tag(), Some("1"), "{value}");
        }
    }

    #[test]
    fn parameters_belong_to_the_uri_only_inside_brackets() {
        let inside = read("<sip:a@b;x=1>;y=2");
        assert!(inside.uri.has_param("x") && inside.params.has("y") && !inside.params.has("x"));
        let outside = read("sip:a@b;x=1");
        assert!(!outside.uri.has_param("x") && outside.params.has("x"));
    }

    #[test]
    fn wrong_ones_are_refused() {
        for bad in [
            "",
            "<>",
            "\"open <sip:a@b>",
            "<sip:a@b",
            "sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b> x",
            "\"name\" sip:a@b",
            "<sip:a@b>;;",
            "sip:a@b?x=y",
            "Bell, A <sip:a@b>",
            "<sip:a@b>, <sip:c@d>",
            "<sip:a@b><sip:c@d>",
            "name",
        ] {
            assert!(NameAddr::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
