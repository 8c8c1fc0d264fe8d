use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Where packets come from, as far as it can be told apart: an IPv4 address, or an IPv6 network of 64 bits, for
/// whoever has one address of such a network has all of them (RFC 6177, RFC 8981).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The source an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        })
    }
}

/// `192.0.2.7`, or `2001:db8::/64`.
impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(out, "{address}"),
            IpAddr::V6(network) => write!(out, "{network}/64"),
        }
    }
}

/// Any address of it, or its own form.
impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.strip_suffix("/64").unwrap_or(text);
        match address.parse() {
            Ok(IpAddr::V4(_)) if address != text => Err(format!("`{text}` is no single address")),
            Ok(address) => Ok(Self::of(address)),
            Err(_) => Err(format!("`{text}` is not an IP address")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_its_own_source_and_an_ipv6_network_is_one() {
        for (address, source) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            let found = Source::of(address.parse().unwrap());
            assert_eq!(found.to_string(), source);
            assert_eq!(source.parse(), Ok(found));
            assert_eq!(address.parse(), Ok(found));
        }
        for bad in ["", "192.0.2.7/64", "192.0.2", "2001:db8::/48", "phone"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
