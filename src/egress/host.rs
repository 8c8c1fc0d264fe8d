use super::Refused;
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host as it was written: an address, or a name still to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address in its usual form.
    Literal(IpAddr),
    /// A name, in small letters.
    Name(String),
}

/// Longest name (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

impl Host {
    /// Reads `head-office.example`, `192.168.1.20`, `[fd00::1]` or `fd00::1`.
    ///
    /// # Errors
    /// For what is neither, and for an address in a form that hides it: `2130706433`, `0x7f.1`, `127.1`,
    /// `::ffff:127.0.0.1`. What reads those differently than we do would be led astray.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Literal(address.into()));
        }
        let inner = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = inner.parse::<Ipv6Addr>() {
            let is_disguised = address.to_ipv4_mapped().is_some();
            return if is_disguised {
                Err(Refused::Disguised {
                    host: text.to_owned(),
                })
            } else {
                Ok(Self::Literal(address.into()))
            };
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if ends_in_a_number(name) {
            return Err(Refused::Disguised {
                host: text.to_owned(),
            });
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if name.is_empty()
            || name.len() > LONGEST_NAME
            || name.split('.').any(str::is_empty)
            || !name.chars().all(is_plain)
        {
            return Err(Refused::Malformed {
                host: text.to_owned(),
            });
        }
        Ok(Self::Name(name.to_ascii_lowercase()))
    }
}

/// Such a host is an address for some readers (WHATWG URL §3.5), whatever else it looks like.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = last
        .strip_prefix("0x")
        .or_else(|| last.strip_prefix("0X"))
        .is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()));
    is_hexadecimal || (!last.is_empty() && last.chars().all(|digit| digit.is_ascii_digit()))
}

/// Reads a URL with one of these schemes and a host; the problem in words that follow the key's name.
///
/// # Errors
/// When it is none, has another scheme, holds a password (URLs are shown), or hides an address.
pub fn read_url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("is no URL: {error}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "has the scheme `{}`, and {} is wanted",
            url.scheme(),
            schemes.join(" or ")
        ));
    }
    if url.password().is_some() {
        return Err("holds a password, and URLs are logged".to_owned());
    }
    let Some(understood) = url.host_str() else {
        return Err("names no host".to_owned());
    };
    let written = written_host(text);
    let (Ok(understood), written) = (Host::parse(understood), Host::parse(written)) else {
        return Err("hides an address".to_owned());
    };
    match (understood, written) {
        // Names may be written in any alphabet; the URL holds their plain form.
        (Host::Name(_), Ok(Host::Name(_)) | Err(Refused::Malformed { .. })) => Ok(url),
        (Host::Literal(address), Ok(Host::Literal(same))) if address == same => Ok(url),
        _ => Err("hides an address".to_owned()),
    }
}

/// The host's letters as they stand in the text, before anything was normalised.
fn written_host(text: &str) -> &str {
    let rest = text.trim().split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_only_in_its_usual_form() {
        assert_eq!(Host::parse("10.1.2.3"), Ok(Host::Literal([10, 1, 2, 3].into())));
        assert_eq!(
            Host::parse("[::1]"),
            Ok(Host::Literal(Ipv6Addr::LOCALHOST.into()))
        );
        assert_eq!(Host::parse("::1"), Ok(Host::Literal(Ipv6Addr::LOCALHOST.into())));
        assert_eq!(
            Host::parse("Head-Office.Example."),
            Ok(Host::Name("head-office.example".into()))
        );
        for hidden in [
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "0x7f.1",
            "a.0x7f",
            "1.2.3.4.5",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
            "0",
            "127.0.0.01",
        ] {
            assert!(
                matches!(Host::parse(hidden), Err(Refused::Disguised { .. })),
                "{hidden}"
            );
        }
        for wrong in [
            "",
            ".",
            "a b",
            "a..b",
            "１２７.0.0.x",
            "a/b",
            "user@host",
            "[::1",
            "fe80::1%eth0",
        ] {
            assert!(
                matches!(Host::parse(wrong), Err(Refused::Malformed { .. })),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_url_cannot_hide_an_address() {
        for good in [
            "https://head-office.example/cdrs?x=1",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/",
            "https://bücher.example/",
            "https://sam@head-office.example/",
        ] {
            read_url(good, &["http", "https"]).unwrap();
        }
        for hidden in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
            "http://127。0。0。1/",
            "http://[::ffff:127.0.0.1]/",
            "http://a@0x7f000001:80/",
            "http://127.0.0.1.:80/",
            "http:\\\\0x7f.1/",
        ] {
            assert!(read_url(hidden, &["http", "https"]).is_err(), "{hidden}");
        }
        for wrong in [
            "file:///etc/passwd",
            "gopher://a.example/",
            "ftp://a.example",
            "https://sam:pw@a.example",
            "x",
            "http://",
        ] {
            assert!(read_url(wrong, &["http", "https"]).is_err(), "{wrong}");
        }
    }
}
