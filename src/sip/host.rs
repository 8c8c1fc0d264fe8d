use super::grammar::{Scanner, ascii, number};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// `host` of RFC 3261 §25.1.
#[derive(Debug, Clone, Copy)]
pub enum Host<'a> {
    /// A domain name.
    Name(&'a str),
    /// An address; IPv6 stands in brackets on the wire.
    Ip(IpAddr),
}

impl<'a> Host<'a> {
    /// Reads a host and stops behind it.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, &'static str> {
        if scanner.eat(b'[') {
            let inside = ascii(scanner.take_while(|byte| byte != b']')).ok_or("not an IPv6 address")?;
            if !scanner.eat(b']') {
                return Err("a bracket is missing");
            }
            return Ok(Self::Ip(IpAddr::V6(v6(inside).ok_or("not an IPv6 address")?)));
        }
        let name = scanner.take_while(is_of_name);
        ascii(name).and_then(Self::name_or_v4).ok_or("no host")
    }

    /// A name or an address without a port; IPv6 with or without brackets.
    pub fn from_text(text: &'a str) -> Option<Self> {
        if let Some(address) = v6(text.trim_start_matches('[').trim_end_matches(']')) {
            return Some(Self::Ip(IpAddr::V6(address)));
        }
        if text.bytes().all(is_of_name) {
            Self::name_or_v4(text)
        } else {
            None
        }
    }

    /// A name whose last label is a number is neither: resolvers take such text for an address, which would get
    /// round every check of addresses.
    fn name_or_v4(text: &'a str) -> Option<Self> {
        let last = text
            .strip_suffix('.')
            .unwrap_or(text)
            .bytes()
            .rposition(|byte| byte == b'.');
        let last = text.get(last.map_or(0, |dot| dot + 1)..)?.trim_end_matches('.');
        if is_number(last) {
            return text.parse().ok().map(|address| Self::Ip(IpAddr::V4(address)));
        }
        (!text.starts_with('.') && !text.contains("..")).then_some(Self::Name(text))
    }

    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Ip(address) => Some(*address),
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Decimal, octal or hexadecimal, as `inet_aton` reads it; nothing at all counts too.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Reads `":" port` if it comes next, without white space, as in URIs.
pub(crate) fn scan_port(scanner: &mut Scanner<'_>) -> Result<Option<u16>, &'static str> {
    if !scanner.eat(b':') {
        return Ok(None);
    }
    let digits = scanner.take_while(|byte| byte.is_ascii_digit());
    let port = number(digits).and_then(|port| u16::try_from(port).ok());
    port.map(Some).ok_or("not a port number")
}

/// Three colons are two: RFC 3261's own grammar once produced them, so peers may send them (RFC 5118 §4.10).
fn v6(text: &str) -> Option<Ipv6Addr> {
    if !text.contains(':') {
        return None;
    }
    text.parse()
        .ok()
        .or_else(|| text.replacen(":::", "::", 1).parse().ok())
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::Ip(one), Host::Ip(two)) => one == two,
            (Host::Name(_), Host::Ip(_)) | (Host::Ip(_), Host::Name(_)) => false,
        }
    }
}

impl Eq for Host<'_> {}

impl fmt::Display for Host<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => out.write_str(name),
            Self::Ip(IpAddr::V4(address)) => write!(out, "{address}"),
            Self::Ip(IpAddr::V6(address)) => write!(out, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_and_nothing_in_between() {
        for good in [
            "example.com",
            "pbx",
            "a-b.c_d",
            "example.com.",
            "192.0.2.1",
            "[2001:db8::1]",
            "3com.example",
            "4f1e2d3c",
        ] {
            let mut scanner = Scanner::new(good.as_bytes());
            assert_eq!(Host::scan(&mut scanner).unwrap().to_string(), good);
            assert!(scanner.is_empty());
        }
        for bad in [
            "",
            "256.0.0.1",
            "1.2.3",
            "2130706433",
            "[::1",
            "[1.2.3.4]",
            "[]",
            ".com",
            "a..b",
            "0x7f.1",
            "0x7f000001",
        ] {
            assert!(Host::scan(&mut Scanner::new(bad.as_bytes())).is_err(), "{bad}");
        }
    }

    #[test]
    fn three_colons_of_the_old_grammar_are_two() {
        let host = Host::scan(&mut Scanner::new(b"[2001:db8:::192.0.2.1]")).unwrap();
        assert_eq!(
            host.ip().unwrap(),
            "2001:db8::192.0.2.1".parse::<IpAddr>().unwrap()
        );
    }
}
