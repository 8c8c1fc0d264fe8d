use std::net::{Ipv4Addr, Ipv6Addr};

/// Which web pages may open a WebSocket here. A browser sends the page's origin with the handshake (RFC 6455 §10.2), and
/// the host it believes to speak with; programs that are no browsers send no origin and log in like every phone.
#[derive(Debug, Clone, Default)]
pub struct WebRules {
    /// Host names under which the box answers, beside its addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Origins of foreign pages with a telephone in them, such as `https://crm.example`.
    pub origins: Vec<String>,
}

impl WebRules {
    /// Whether a handshake with this Host and this Origin is welcome. A page of the box itself is, on whatever port.
    pub fn admit(&self, host: Option<&str>, origin: Option<&str>) -> bool {
        let Some(host) = host.and_then(without_port) else {
            return false;
        };
        if !self.is_ours(host) {
            return false;
        }
        let Some(origin) = origin else { return true };
        let listed = |own: &String| own.trim_end_matches('/').eq_ignore_ascii_case(origin);
        self.origins.iter().any(listed) || host_of(origin).is_some_and(|name| same(name, host))
    }

    fn is_ours(&self, host: &str) -> bool {
        is_address(host) || same(host, "localhost") || self.hosts.iter().any(|name| same(name, host))
    }
}

fn same(one: &str, two: &str) -> bool {
    one.trim_end_matches('.')
        .eq_ignore_ascii_case(two.trim_end_matches('.'))
}

fn is_address(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// The host of `https://host:port`; an origin has no more than that (RFC 6454 §6.1).
fn host_of(origin: &str) -> Option<&str> {
    let rest = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))?;
    (!rest.contains(['/', '@', '?', '#']))
        .then(|| without_port(rest))
        .flatten()
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
    fn our_own_pages_and_listed_ones_may_telephone_and_no_others() {
        let rules = WebRules {
            hosts: vec!["pbx.branch.example".to_owned()],
            origins: vec!["https://crm.example".to_owned()],
        };
        for (host, origin, welcome) in [
            (Some("192.168.1.9:8080"), None, true),
            (Some("pbx.branch.example"), None, true),
            (Some("192.168.1.9:5066"), Some("http://192.168.1.9:8080"), true),
            (Some("[fd00::1]:5066"), Some("https://[fd00::1]"), true),
            (
                Some("PBX.branch.example"),
                Some("https://pbx.branch.example"),
                true,
            ),
            (Some("192.168.1.9"), Some("https://crm.example"), true),
            (Some("192.168.1.9"), Some("https://evil.example"), false),
            (
                Some("192.168.1.9"),
                Some("https://crm.example.evil.example"),
                false,
            ),
            (Some("192.168.1.9"), Some("null"), false),
            (
                Some("192.168.1.9"),
                Some("http://192.168.1.9@evil.example"),
                false,
            ),
            (Some("evil.example"), Some("http://evil.example"), false),
            (Some("evil.example"), None, false),
            (Some("192.168.1.9:http"), None, false),
            (None, None, false),
        ] {
            assert_eq!(rules.admit(host, origin), welcome, "{host:?} {origin:?}");
        }
    }
}
