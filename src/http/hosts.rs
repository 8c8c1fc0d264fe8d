use std::net::{Ipv4Addr, Ipv6Addr};

/// The names this box answers to. A browser that was lured to `evil.example` and then had that name pointed at
/// the box (DNS rebinding) still sends `Host: evil.example`, and is turned away.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    named: Vec<String>,
}

impl Hosts {
    /// `named` are the configured names beside addresses and `localhost`.
    pub(super) fn new(named: &[String]) -> Self {
        Self {
            named: named.iter().map(|name| plain(name)).collect(),
        }
    }

    /// Whether a Host header (RFC 9110 §7.2), with or without port, is one of ours.
    pub(super) fn allow(&self, authority: &str) -> bool {
        let Some(host) = without_port(authority) else {
            return false;
        };
        let host = plain(host);
        is_address(&host) || host == "localhost" || self.named.contains(&host)
    }
}

fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_address(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// The host part, brackets kept, or nothing when the port is no number.
fn without_port(authority: &str) -> Option<&str> {
    let after_brackets = authority.find(']').unwrap_or(0);
    let Some(colon) = authority.get(after_brackets..)?.find(':') else {
        return Some(authority);
    };
    let (host, port) = authority.split_at(after_brackets + colon);
    port.get(1..)?.parse::<u16>().ok()?;
    Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_configured_names_are_ours_and_nothing_else() {
        let hosts = Hosts::new(&["Callpost.branch.example".to_owned()]);
        for ours in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "192.168.1.9",
            "[::1]:8080",
            "[fe80::1]",
            "callpost.branch.example:8080",
            "callpost.branch.example.",
        ] {
            assert!(hosts.allow(ours), "{ours}");
        }
        for foreign in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "[::1].evil.example",
            "127.0.0.1:80:80",
            "localhost:http",
            "[evil]",
            "::1",
            "user@localhost",
            "]:80",
        ] {
            assert!(!hosts.allow(foreign), "{foreign}");
        }
    }
}
