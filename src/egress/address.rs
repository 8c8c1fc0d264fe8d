use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is, after the special-purpose registries (RFC 6890 and its successors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The public internet.
    Public,
    /// This machine, by an address of the loopback.
    Loopback,
    /// This machine, by an address of one of its interfaces.
    Own,
    /// A local network: RFC 1918, RFC 6598 (shared by carriers), RFC 4193.
    Private,
    /// Link-local, or where clouds keep the secrets of a machine.
    Metadata,
    /// A group of machines.
    Multicast,
    /// Every machine of a network.
    Broadcast,
    /// No machine: `0.0.0.0/8`, `::`.
    Unspecified,
    /// Set aside for documents, measurements or the future.
    Reserved,
    /// An IPv4 address in the clothes of IPv6.
    Mapped,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Public => "an address of the internet",
            Self::Loopback => "this machine (loopback)",
            Self::Own => "an address of this machine",
            Self::Private => "a private network",
            Self::Metadata => "a link-local address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Unspecified => "no address",
            Self::Reserved => "a reserved address",
            Self::Mapped => "an IPv4 address written as IPv6",
        })
    }
}

/// Link-local by use though not by range: where some clouds answer questions about the machine itself.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

impl Place {
    /// What the ranges say; whether the address is one of our own has to be asked elsewhere.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        _ if METADATA_V4.contains(&address) => Place::Metadata,
        (0, ..) => Place::Unspecified,
        (127, ..) => Place::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Place::Private,
        (169, 254, _) => Place::Metadata,
        (224..=239, ..) => Place::Multicast,
        (255, 255, 255) if address.is_broadcast() => Place::Broadcast,
        (240..=255, ..) => Place::Reserved,
        (192, 0, 0 | 2) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) => {
            Place::Reserved
        }
        _ => Place::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Place {
    if address.is_unspecified() {
        return Place::Unspecified;
    }
    if address.is_loopback() {
        return Place::Loopback;
    }
    if address.to_ipv4_mapped().is_some() {
        return Place::Mapped;
    }
    if address == METADATA_V6 {
        return Place::Metadata;
    }
    match address.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address, and lead where it leads.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => of_v4(embedded(high, low)),
        // IPv4-compatible, local NAT64, discard, Teredo, documentation, site-local.
        [0, 0, 0, 0, 0, 0, ..]
        | [0x64, 0xff9b, 1, ..]
        | [0x100, 0, 0, 0, ..]
        | [0x2001, 0 | 0xdb8, ..]
        | [0x3fff, 0..=0x0fff, ..]
        | [0xfec0..=0xfeff, ..] => Place::Reserved,
        [0xfc00..=0xfdff, ..] => Place::Private,
        [0xfe80..=0xfebf, ..] => Place::Metadata,
        [0xff00..=0xffff, ..] => Place::Multicast,
        _ => Place::Public,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_known_for_what_it_is() {
        let table = [
            ("8.8.8.8", Place::Public),
            ("127.0.0.1", Place::Loopback),
            ("127.255.255.254", Place::Loopback),
            ("10.0.0.1", Place::Private),
            ("172.16.0.1", Place::Private),
            ("172.32.0.1", Place::Public),
            ("192.168.1.1", Place::Private),
            ("100.64.0.1", Place::Private),
            ("100.100.100.200", Place::Metadata),
            ("169.254.169.254", Place::Metadata),
            ("224.0.0.1", Place::Multicast),
            ("255.255.255.255", Place::Broadcast),
            ("240.0.0.1", Place::Reserved),
            ("0.0.0.0", Place::Unspecified),
            ("0.1.2.3", Place::Unspecified),
            ("198.18.0.1", Place::Reserved),
            ("::1", Place::Loopback),
            ("::", Place::Unspecified),
            ("::ffff:127.0.0.1", Place::Mapped),
            ("::ffff:8.8.8.8", Place::Mapped),
            ("::127.0.0.1", Place::Reserved),
            ("64:ff9b::7f00:1", Place::Loopback),
            ("64:ff9b::808:808", Place::Public),
            ("2002:a00:1::1", Place::Private),
            ("fe80::1", Place::Metadata),
            ("fd00:ec2::254", Place::Metadata),
            ("fd12::1", Place::Private),
            ("ff02::1", Place::Multicast),
            ("2001:db8::1", Place::Reserved),
            ("2606:4700::1111", Place::Public),
        ];
        for (address, place) in table {
            assert_eq!(Place::of(address.parse().unwrap()), place, "{address}");
        }
    }
}
