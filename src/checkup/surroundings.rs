//! What the kernel's tables say of the network (proc(5), sysfs). Read as text: what is not there is left out.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Whether it has a cable, or needs none.
    pub(super) is_up: bool,
    /// The longest packet, in bytes.
    pub(super) mtu: Option<u32>,
    /// Its addresses, those of the link alone left out.
    pub(super) addresses: Vec<IpAddr>,
    /// Whether it gave itself an address because nobody else did (RFC 3927).
    pub(super) is_left_alone: bool,
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gateway {
    pub(super) interface: String,
    pub(super) address: IpAddr,
}

/// Under `self` they are there even where the unit hides the rest of `/proc`.
const TABLES: &str = "/proc/self/net";

/// Every interface but the loopback.
pub(super) fn interfaces() -> Vec<Interface> {
    let read = |table: &str| fs::read_to_string(format!("{TABLES}/{table}")).unwrap_or_default();
    let own = own_v4(&read("fib_trie"));
    let (routes, v6) = (read("route"), own_v6(&read("if_inet6")));
    let mut found: Vec<Interface> = names(&read("dev"))
        .into_iter()
        .filter(|name| name != "lo")
        .map(|name| interface(name, &own, &routes, &v6))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn interface(name: String, own: &BTreeSet<Ipv4Addr>, routes: &str, v6: &[(String, Ipv6Addr)]) -> Interface {
    let fact = |file: &str| fs::read_to_string(Path::new("/sys/class/net").join(&name).join(file)).ok();
    let state = fact("operstate").unwrap_or_default();
    let networks = networks_of(routes, &name);
    let of_v4: Vec<Ipv4Addr> = own
        .iter()
        .copied()
        .filter(|address| networks.iter().any(|network| covers(*network, *address)))
        .collect();
    let is_left_alone = !of_v4.is_empty() && of_v4.iter().all(Ipv4Addr::is_link_local);
    let mut addresses: Vec<IpAddr> = of_v4
        .into_iter()
        .filter(|address| !address.is_link_local())
        .map(IpAddr::from)
        .collect();
    addresses.extend(
        v6.iter()
            .filter(|(own, _)| *own == name)
            .map(|(_, address)| IpAddr::from(*address)),
    );
    Interface {
        // A tunnel says "unknown".
        is_up: matches!(state.trim(), "up" | "unknown" | ""),
        mtu: fact("mtu").and_then(|text| text.trim().parse().ok()),
        addresses,
        is_left_alone,
        name,
    }
}

/// The gateways of the default routes.
pub(super) fn gateways() -> Vec<Gateway> {
    let read = |table: &str| fs::read_to_string(format!("{TABLES}/{table}")).unwrap_or_default();
    let mut found = default_v4(&read("route"));
    found.extend(default_v6(&read("ipv6_route")));
    found
}

/// Whether the neighbour at this address has said where it is on the wire; nothing when nobody asked it lately.
pub(super) fn is_neighbour_there(address: Ipv4Addr) -> Option<bool> {
    let table = fs::read_to_string(format!("{TABLES}/arp")).ok()?;
    neighbour(&table, address)
}

/// The servers of resolv.conf(5).
pub(super) fn system_name_servers() -> Vec<IpAddr> {
    name_servers(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
}

fn name_servers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .filter_map(|rest| {
            let address = rest.split_whitespace().next()?;
            // A zone behind it names the interface of a link-local server.
            address.split('%').next()?.parse().ok()
        })
        .collect()
}

fn names(dev: &str) -> Vec<String> {
    dev.lines()
        .skip(2)
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect()
}

/// `|-- 192.168.1.20` with `/32 host LOCAL` on the next line is an address of this machine.
fn own_v4(trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut own = BTreeSet::new();
    let mut leaf = None;
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = leaf
            && !address.is_loopback()
        {
            own.insert(address);
        }
    }
    own
}

/// Global and site addresses; `20` is the scope of the link.
fn own_v6(table: &str) -> Vec<(String, Ipv6Addr)> {
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let address = u128::from_str_radix(fields.next()?, 16).ok()?;
            let scope = fields.nth(2)?;
            let name = fields.nth(1)?;
            (scope == "00").then(|| (name.to_owned(), Ipv6Addr::from(address)))
        })
        .collect()
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`: numbers in the machine's own order of bytes.
fn routes_v4(table: &str) -> impl Iterator<Item = (&str, [u32; 3])> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |place: usize| u32::from_str_radix(fields.get(place)?, 16).ok();
        Some((*fields.first()?, [number(1)?, number(2)?, number(7)?]))
    })
}

fn networks_of(table: &str, name: &str) -> Vec<(u32, u32)> {
    routes_v4(table)
        .filter(|(interface, [_, gateway, mask])| *interface == name && *gateway == 0 && *mask != 0)
        .map(|(_, [destination, _, mask])| (destination, mask))
        .collect()
}

fn covers((network, mask): (u32, u32), address: Ipv4Addr) -> bool {
    u32::from_ne_bytes(address.octets()) & mask == network & mask
}

fn default_v4(table: &str) -> Vec<Gateway> {
    routes_v4(table)
        .filter(|(_, [destination, gateway, mask])| *destination == 0 && *mask == 0 && *gateway != 0)
        .map(|(interface, [_, gateway, _])| Gateway {
            interface: interface.to_owned(),
            address: Ipv4Addr::from(gateway.to_ne_bytes()).into(),
        })
        .collect()
}

fn default_v6(table: &str) -> Vec<Gateway> {
    table
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_default = *fields.get(1)? == "00" && fields.first()?.bytes().all(|digit| digit == b'0');
            let next = u128::from_str_radix(fields.get(4)?, 16).ok()?;
            let interface = *fields.get(9)?;
            (is_default && next != 0 && interface != "lo").then(|| Gateway {
                interface: interface.to_owned(),
                address: Ipv6Addr::from(next).into(),
            })
        })
        .collect()
}

/// `IP HW-type Flags HW-address Mask Device`; the flag 2 says that the address is known.
fn neighbour(table: &str, address: Ipv4Addr) -> Option<bool> {
    let wanted = address.to_string();
    let line = table
        .lines()
        .find(|line| line.split_whitespace().next() == Some(&wanted))?;
    let flags = line.split_whitespace().nth(2)?.trim_start_matches("0x");
    Some(u32::from_str_radix(flags, 16).ok()? & 2 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        wg0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n";
    const TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
        +-- 192.168.1.0/24 2 0 2\n        |-- 192.168.1.0\n           /24 link UNICAST\n        \
        |-- 192.168.1.20\n           /32 host LOCAL\n        |-- 192.168.1.255\n           /32 link BROADCAST\n     \
        |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.8.0.2\n        /32 host LOCAL\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_gateway_and_the_networks_are_read_from_the_table_of_routes() {
        let gateways = default_v4(ROUTE);
        assert_eq!(gateways.len(), 1);
        assert_eq!(gateways[0].address.to_string(), "192.168.1.1");
        let networks = networks_of(ROUTE, "eth0");
        assert_eq!(networks.len(), 1);
        assert!(covers(networks[0], Ipv4Addr::new(192, 168, 1, 77)));
        assert!(!covers(networks[0], Ipv4Addr::new(192, 168, 2, 77)));
    }

    #[test]
    fn own_addresses_are_those_the_kernel_calls_local() {
        let own: Vec<String> = own_v4(TRIE).iter().map(ToString::to_string).collect();
        assert_eq!(own, ["10.8.0.2", "192.168.1.20"]);
        let v6 = "fe80000000000000020000fffefc0005 02 40 20 80     eth0\n\
                  20010db8000000000000000000000007 02 40 00 80     eth0\n";
        let own = own_v6(v6);
        assert_eq!(own.len(), 1);
        assert_eq!(
            (own[0].0.as_str(), own[0].1.to_string().as_str()),
            ("eth0", "2001:db8::7")
        );
    }

    #[test]
    fn a_neighbour_that_never_answered_is_known_as_such() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.168.1.1      0x1         0x2         02:fc:00:00:00:05     *        eth0\n\
                     192.168.1.9      0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        assert_eq!(neighbour(table, Ipv4Addr::new(192, 168, 1, 1)), Some(true));
        assert_eq!(neighbour(table, Ipv4Addr::new(192, 168, 1, 9)), Some(false));
        assert_eq!(neighbour(table, Ipv4Addr::new(192, 168, 1, 8)), None);
    }

    #[test]
    fn name_servers_are_read_with_and_without_a_zone() {
        let text =
            "# by DHCP\nnameserver 192.168.1.1\noptions rotate\nnameserver fe80::1%eth0\nnameserver x\n";
        let found: Vec<String> = name_servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.168.1.1", "fe80::1"]);
    }

    #[test]
    fn a_default_route_of_ipv6_names_its_gateway() {
        let table = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                     fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n\
                     00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                     00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";
        let found = default_v6(table);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address.to_string(), "fe80::1");
    }
}
