//! Who can be reached from where, by an address alone.

use std::net::IpAddr;

/// RFC 1918, RFC 6598, RFC 4193: addresses of a house, a carrier's inside, a site.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// Whether an address belongs to one host for everybody: not private, not of a link or this machine, not of many.
fn is_public(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let is_local = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    };
    !is_local && !is_private(ip) && !ip.is_unspecified() && !ip.is_multicast()
}

/// Whether a peer whose messages come from `source` names an address that nobody there can reach: a private one, while
/// it is out in the public. Between two private networks there may be a way, and nothing can be told.
pub fn is_evidently_hidden(named: IpAddr, source: IpAddr) -> bool {
    is_private(named) && is_public(source)
}
