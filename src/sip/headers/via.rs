//! `Via`: RFC 3261 §20.42, with `rport` of RFC 3581.

use crate::sip::grammar::{Scanner, number};
use crate::sip::host::Host;
use crate::sip::params::Params;
use std::net::{IpAddr, SocketAddr};

/// One hop of the way a request came: where its answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    /// The hop as it came, without the comma behind it.
    pub raw: &'a [u8],
    /// `UDP`, `TCP`, `TLS`, `WS`, … in the peer's spelling.
    pub transport: &'a str,
    /// The sender's own name.
    pub host: Host<'a>,
    /// The sender's own port, when it gave one.
    pub port: Option<u16>,
    /// `branch`: the name of the transaction. RFC 2543 peers send none.
    pub branch: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

/// What a `branch` of RFC 3261 begins with (§8.1.1.7).
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

impl<'a> Via<'a> {
    /// Reads one hop and stops behind it.
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, &'static str> {
        let start = *scanner;
        let name = scanner.token().ok_or("no protocol")?;
        let version = slash(scanner)
            .and_then(|()| scanner.token())
            .ok_or("no protocol version")?;
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return Err("not SIP/2.0");
        }
        let transport = slash(scanner)
            .and_then(|()| scanner.token())
            .ok_or("no transport")?;
        let before = *scanner;
        scanner.skip_space();
        if scanner.since(&before).is_empty() {
            return Err("no host");
        }
        let host = Host::scan(scanner)?;
        let port = if scanner.separator(b':') {
            Some(port(scanner)?)
        } else {
            None
        };
        let params = Params::scan(scanner)?;
        let branch = params.only("branch").map_err(|()| "not one plain branch")?;
        Ok(Self {
            raw: scanner.since(&start),
            transport,
            host,
            port,
            branch,
            params,
        })
    }

    /// Reads one whole hop.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let mut scanner = Scanner::new(value);
        scanner.skip_space();
        let via = Self::scan(&mut scanner)?;
        if scanner.at_end() {
            Ok(via)
        } else {
            Err("something odd behind it")
        }
    }

    /// Whether the branch names the transaction by itself (RFC 3261 §17.2.3).
    pub fn has_magic_cookie(&self) -> bool {
        self.branch
            .and_then(|branch| branch.get(..MAGIC_COOKIE.len()))
            .is_some_and(|start| start == MAGIC_COOKIE)
    }

    /// Whether the sender wants its answer where the request came from (RFC 3581 §3).
    pub fn wants_rport(&self) -> bool {
        self.params.has("rport")
    }

    /// The port the hop behind saw the request come from (RFC 3581 §4).
    pub fn rport(&self) -> Option<u16> {
        self.params
            .find("rport")?
            .raw
            .and_then(number)
            .and_then(|port| u16::try_from(port).ok())
    }

    /// The address the hop behind saw the request come from (§18.2.1); IPv6 with or without brackets (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        Host::from_text(self.params.token("received")?)?.ip()
    }

    /// Where an unreliable transport's response goes that arrived with a request from `source` (§18.2.2,
    /// RFC 3581 §4): back to the source address; its port when `rport` asks for it, else the port written here.
    pub fn answer_to(&self, source: SocketAddr) -> SocketAddr {
        if self.wants_rport() {
            return source;
        }
        SocketAddr::new(source.ip(), self.port.unwrap_or(5060))
    }
}

fn slash(scanner: &mut Scanner<'_>) -> Option<()> {
    scanner.separator(b'/').then_some(())
}

fn port(scanner: &mut Scanner<'_>) -> Result<u16, &'static str> {
    scanner
        .number()
        .and_then(|port| u16::try_from(port).ok())
        .ok_or("not a port number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_folds_may_stand_everywhere() {
        let via =
            Via::parse(b"SIP  / 2.0\r\n /UDP\r\n    192.0.2.2 : 5062 ;branch=\r\n z9hG4bK390skdjuw ; rport")
                .unwrap();
        assert_eq!(via.transport, "UDP");
        assert_eq!(via.host.to_string(), "192.0.2.2");
        assert_eq!(via.port, Some(5062));
        assert_eq!(via.branch, Some("z9hG4bK390skdjuw"));
        assert!(via.has_magic_cookie() && via.wants_rport());
        assert_eq!(via.rport(), None);
    }

    #[test]
    fn received_is_read_with_and_without_brackets() {
        for value in ["[2001:db8::9:255]", "2001:db8::9:255"] {
            let text = format!("SIP/2.0/UDP [2001:db8::9:1];received={value};rport=5070;branch=z9hG4bKas3");
            let via = Via::parse(text.as_bytes()).unwrap();
            assert_eq!(
                via.received().unwrap(),
                "2001:db8::9:255".parse::<IpAddr>().unwrap()
            );
            assert_eq!(via.rport(), Some(5070));
        }
    }

    #[test]
    fn the_answer_goes_to_the_source_and_the_port_that_was_asked_for() {
        let source = "198.51.100.7:40001".parse().unwrap();
        let answer = |text: &str| Via::parse(text.as_bytes()).unwrap().answer_to(source).to_string();
        assert_eq!(
            answer("SIP/2.0/UDP pc33.example.com;branch=z9hG4bK1"),
            "198.51.100.7:5060"
        );
        assert_eq!(
            answer("SIP/2.0/UDP pc33.example.com:5088;branch=z9hG4bK1"),
            "198.51.100.7:5088"
        );
        assert_eq!(
            answer("SIP/2.0/UDP pc33.example.com:5088;rport;branch=z9hG4bK1"),
            "198.51.100.7:40001"
        );
    }

    #[test]
    fn wrong_hops_are_refused() {
        for bad in [
            "",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0/UDP;branch=1",
            "SIP/7.0/UDP host",
            "HTTP/2.0/UDP host",
            "SIP/2.0/UDP host:",
            "SIP/2.0/UDP host:77777",
            "SIP/2.0/UDP host;;branch=1",
            "SIP/2.0/UDP host;branch=1;branch=2",
            "SIP/2.0/UDP host x",
            "SIP/2.0/UDP host, SIP/2.0/UDP two",
        ] {
            assert!(Via::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
