//! URIs of requests, contacts and identities: RFC 3261 §19.1 (`sip:`, `sips:`), RFC 3966 (`tel:`); all others opaque.

use super::grammar::{Scanner, ascii};
use super::host::{Host, scan_port};
use super::text::{text, unescape, unescaped_text};
use std::borrow::Cow;
use std::fmt;

/// The scheme of a URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`: TLS on every hop.
    Sips,
    /// `tel:`: a telephone number (RFC 3966).
    Tel,
    /// Any other, kept as it came; in a Request-URI it earns 416 (RFC 3261 §8.2.2.1).
    Other(&'a str),
}

/// A URI, read but not copied: parts are found once, escapes are resolved when asked for.
#[derive(Debug, Clone, Copy)]
pub struct Uri<'a> {
    raw: &'a [u8],
    scheme: Scheme<'a>,
    user: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
    host: Option<Host<'a>>,
    port: Option<u16>,
    params: &'a [u8],
    headers: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Reads a whole URI. The error says what is wrong with it.
    pub fn parse(raw: &'a [u8]) -> Result<Self, &'static str> {
        if raw.iter().any(|byte| !ALLOWED[usize::from(*byte)]) {
            return Err("a character that no URI has");
        }
        let mut scanner = Scanner::new(raw);
        let scheme =
            scanner.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let starts_well = scheme.first().is_some_and(u8::is_ascii_alphabetic);
        let scheme = ascii(scheme).filter(|_| starts_well).ok_or("no scheme")?;
        if !scanner.eat(b':') {
            return Err("no scheme");
        }
        let blank = Self::blank(raw, Scheme::of(scheme));
        match blank.scheme {
            Scheme::Sip | Scheme::Sips => blank.sip(scanner),
            Scheme::Tel => blank.tel(scanner),
            Scheme::Other(_) => Ok(blank),
        }
    }

    fn blank(raw: &'a [u8], scheme: Scheme<'a>) -> Self {
        Self {
            raw,
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            params: b"",
            headers: b"",
        }
    }

    /// `[ userinfo ] hostport uri-parameters [ headers ]`. An `@` can only end the user part: everywhere else
    /// it must be escaped, so the first one divides.
    fn sip(mut self, mut scanner: Scanner<'a>) -> Result<Self, &'static str> {
        if let Some(end) = memchr::memchr(b'@', scanner.rest()) {
            let mut info = Scanner::new(scanner.take(end));
            let user = info.take_while(|byte| byte != b':');
            if user.is_empty() {
                return Err("no user before the @");
            }
            self.user = Some(user);
            self.password = info.eat(b':').then_some(info.rest());
            scanner.eat(b'@');
        }
        self.host = Some(Host::scan(&mut scanner)?);
        self.port = scan_port(&mut scanner)?;
        if scanner.peek() == Some(b';') {
            self.params = scanner.take_while(|byte| byte != b'?');
        }
        if scanner.eat(b'?') {
            self.headers = scanner.take(usize::MAX);
        }
        if scanner.is_empty() {
            Ok(self)
        } else {
            Err("something odd behind the host")
        }
    }

    fn tel(mut self, mut scanner: Scanner<'a>) -> Result<Self, &'static str> {
        let number = scanner.take_while(|byte| byte != b';');
        if !number
            .iter()
            .any(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#'))
        {
            return Err("no number");
        }
        self.user = Some(number);
        self.params = scanner.rest();
        Ok(self)
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// Whether it is `sip:` or `sips:`, so that a request can be sent there.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part with escapes resolved; of a `tel:` URI the number without visual separators.
    pub fn user(&self) -> Option<Cow<'a, str>> {
        let user = self.user?;
        if self.scheme == Scheme::Tel {
            return Some(Cow::Owned(digits(user)));
        }
        Some(unescaped_text(user))
    }

    /// The user part as it stands in the URI.
    pub fn raw_user(&self) -> Option<&'a [u8]> {
        self.user
    }

    /// The password, which nobody should send (RFC 3261 §19.1.1).
    pub fn password(&self) -> Option<Cow<'a, str>> {
        self.password.map(unescaped_text)
    }

    /// The host; nothing for `tel:` and unknown schemes.
    pub fn host(&self) -> Option<Host<'a>> {
        self.host
    }

    /// The port, when one is written. Without one it is 5060, or 5061 with TLS (RFC 3261 §19.1.2).
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// All parameters in their order, names and values as they stand in the URI.
    pub fn params(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        pairs(self.params, b';')
    }

    /// Whether there is such a parameter.
    pub fn has_param(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of a parameter with escapes resolved; nothing when it is absent or bare.
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        self.find(name)?.map(unescaped_text)
    }

    /// Whether it names a loose router (RFC 3261 §19.1.1, `lr`).
    pub fn is_loose_router(&self) -> bool {
        self.has_param("lr")
    }

    fn find(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.params()
            .find(|(found, _)| same(found, name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The headers behind the `?`, as they stand in the URI.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        pairs(self.headers, b'&')
    }

    /// The whole URI as it came.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// The whole URI as text.
    pub fn text(&self) -> Cow<'a, str> {
        text(self.raw)
    }

    /// Whether both mean the same by RFC 3261 §19.1.4 (for `tel:` RFC 3966 §4, for others: byte by byte).
    pub fn is_same(&self, other: &Uri<'_>) -> bool {
        if self.raw == other.raw {
            return true;
        }
        if self.scheme != other.scheme || self.is_crowded() || other.is_crowded() {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => self.is_same_sip(other),
            Scheme::Tel => self.user() == other.user() && self.params_agree(other),
            Scheme::Other(_) => false,
        }
    }

    /// Whether comparing it part by part would cost more than any honest URI is worth.
    fn is_crowded(&self) -> bool {
        self.params().nth(COMPARED).is_some() || self.headers().nth(COMPARED).is_some()
    }

    fn is_same_sip(&self, other: &Uri<'_>) -> bool {
        let users = self.user.map(unescape) == other.user.map(unescape);
        let passwords = self.password.map(unescape) == other.password.map(unescape);
        users
            && passwords
            && self.host == other.host
            && self.port == other.port
            && self.params_agree(other)
            && headers_agree(self, other)
    }

    /// Parameters of both must agree; `user`, `ttl`, `method` and `maddr` may not be in one alone.
    fn params_agree(&self, other: &Uri<'_>) -> bool {
        let strict = ["user", "ttl", "method", "maddr"];
        if strict
            .iter()
            .any(|name| self.has_param(name) != other.has_param(name))
        {
            return false;
        }
        self.params().all(|(name, value)| {
            let mut theirs = other.params().filter(|(found, _)| same(found, name)).peekable();
            theirs.peek().is_none() || theirs.any(|(_, theirs)| values_agree(value, theirs))
        })
    }
}

fn values_agree(one: Option<&[u8]>, two: Option<&[u8]>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (one, two) => one.is_none() && two.is_none(),
    }
}

/// Most parameters, and most headers, of URIs that are compared part by part. Everyone's are compared with
/// everyone's, so a hostile pair could keep us busy for long; beyond, only the same bytes are the same.
const COMPARED: usize = 32;

/// Bytes that may stand in a URI; those above 127 are tolerated and kept.
static ALLOWED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte > 0x20 && !matches!(byte as u8, 0x7f | b'<' | b'>' | b'"');
        byte += 1;
    }
    table
};

/// Headers are never ignored: the same ones with the same values, in any order.
fn headers_agree(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.headers().count() == two.headers().count()
        && one.headers().all(|(name, value)| {
            two.headers()
                .any(|(found, theirs)| same(found, name) && value.map(unescape) == theirs.map(unescape))
        })
}

/// Equal without regard to case, escapes resolved.
fn same(one: &[u8], two: &[u8]) -> bool {
    unescape(one).eq_ignore_ascii_case(&unescape(two))
}

fn pairs(raw: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    raw.split(move |byte| *byte == separator)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut scanner = Scanner::new(part);
            let name = scanner.take_while(|byte| byte != b'=');
            (name, scanner.eat(b'=').then_some(scanner.rest()))
        })
}

/// A number without its visual separators (RFC 3966 §5.1.1).
fn digits(number: &[u8]) -> String {
    let kept = number
        .iter()
        .filter(|byte| !matches!(byte, b'-' | b'.' | b'(' | b')'));
    kept.map(|byte| char::from(*byte)).collect()
}

impl<'a> Scheme<'a> {
    fn of(text: &'a str) -> Self {
        if text.eq_ignore_ascii_case("sip") {
            Self::Sip
        } else if text.eq_ignore_ascii_case("sips") {
            Self::Sips
        } else if text.eq_ignore_ascii_case("tel") {
            Self::Tel
        } else {
            Self::Other(text)
        }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text.as_bytes()).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn every_part_is_found() {
        let all = uri("SIPS:al%69ce:se%20cret@[2001:db8::1]:5071;transport=tcp;LR;x=%41?Subject=a%20b&p=");
        assert_eq!(all.scheme(), Scheme::Sips);
        assert_eq!(all.user().unwrap(), "alice");
        assert_eq!(all.password().unwrap(), "se cret");
        assert_eq!(all.host().unwrap().to_string(), "[2001:db8::1]");
        assert_eq!(all.port(), Some(5071));
        assert_eq!(all.param("Transport").unwrap(), "tcp");
        assert!(all.is_loose_router());
        assert_eq!(all.param("x").unwrap(), "A");
        assert_eq!(all.headers().count(), 2);
    }

    #[test]
    fn a_user_part_may_hold_nearly_everything() {
        let odd =
            uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d@example.com");
        assert_eq!(
            odd.user().unwrap(),
            "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        );
        assert_eq!(odd.host().unwrap().to_string(), "example.com");
        assert_eq!(
            uri("sip:user;par=u%40example.net@example.com").user().unwrap(),
            "user;par=u@example.net"
        );
        assert_eq!(
            uri("sip:null-%00-null@example.com").user().unwrap(),
            "null-\0-null"
        );
        let latin = Uri::parse(b"sip:J\xfcrgen@example.com").unwrap();
        assert_eq!(latin.user().unwrap(), "Jürgen");
    }

    #[test]
    fn telephone_numbers_lose_their_visual_separators() {
        let tel = uri("tel:+966-(11)-234.5678;phone-context=example.com");
        assert_eq!(tel.user().unwrap(), "+966112345678");
        assert_eq!(tel.param("phone-context").unwrap(), "example.com");
        assert!(tel.host().is_none());
    }

    #[test]
    fn unknown_schemes_are_kept() {
        assert_eq!(
            uri("nobodyKnowsThisScheme:totallyopaquecontent").scheme(),
            Scheme::Other("nobodyKnowsThisScheme")
        );
        assert_eq!(uri("http://example.com/a").to_string(), "http://example.com/a");
    }

    #[test]
    fn wrong_ones_are_refused() {
        for bad in [
            "",
            "sip",
            "sip:",
            ":x",
            "1sip:x",
            "sip:@host",
            "sip:a@",
            "sip:a@b c",
            "sip:a@h:99999",
            "sip:a@h:",
            "sip:2001:db8::10",
            "sip:[2001:db8::10",
            "<sip:a@b>",
            "sip:a@b\r\n",
            "tel:",
            "tel:;x",
            "sip:a@h:x",
            "sip:a@h/x",
        ] {
            assert!(Uri::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn equality_is_that_of_rfc_3261_19_1_4() {
        let same = [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            (
                "sip:carol@chicago.com;newparam=5",
                "sip:carol@chicago.com;security=on",
            ),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
        ];
        for (one, two) in same {
            assert!(
                uri(one).is_same(&uri(two)) && uri(two).is_same(&uri(one)),
                "{one} = {two}"
            );
        }
        let different = [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;security=off",
            ),
            ("sip:a@b;maddr=192.0.2.1", "sip:a@b"),
            ("sip:a@b;user=phone", "sip:a@b"),
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b", "sip:b"),
        ];
        let crowd = format!("sip:a@b{}", ";x".repeat(4000));
        assert!(uri(&crowd).is_same(&uri(&crowd)) && !uri(&crowd).is_same(&uri("sip:a@b;x")));
        for (one, two) in different {
            assert!(
                !uri(one).is_same(&uri(two)) && !uri(two).is_same(&uri(one)),
                "{one} ≠ {two}"
            );
        }
    }
}
