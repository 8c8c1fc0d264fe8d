//! Interfaces, the way out, and the routers on it.

use super::surroundings::{Gateway, Interface, gateways, interfaces, is_neighbour_there};
use super::{Area, Line, Wanted, Whom};
use crate::egress::Place;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A neighbour on the wire answers within this, or is not there.
const ANSWERS_WITHIN: Duration = Duration::from_millis(1500);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The port of RFC 863: what arrives there is thrown away.
const DISCARD: u16 = 9;

/// Lines about interfaces, gateway and the sockets of SIP.
pub(super) async fn look(wanted: &Wanted) -> Vec<Line> {
    let interfaces = interfaces();
    let mut lines = about_interfaces(&interfaces);
    lines.extend(about_gateways(&gateways()).await);
    lines.push(about_listening(wanted));
    lines
}

fn about_interfaces(interfaces: &[Interface]) -> Vec<Line> {
    let with_address = |interface: &&Interface| !interface.addresses.is_empty();
    let mut lines: Vec<Line> = interfaces
        .iter()
        .filter(|interface| !interface.addresses.is_empty() || interface.is_left_alone)
        .map(about_interface)
        .collect();
    if !interfaces.iter().any(|interface| with_address(&interface)) && lines.is_empty() {
        lines.push(Line::fail(
            Area::Network,
            "",
            "no interface has an address: the box reaches nobody but itself",
            "plug in the cable; look whether the network gives addresses (DHCP), or set one by hand",
            Whom::Network,
        ));
    }
    lines
}

fn about_interface(interface: &Interface) -> Line {
    let name = interface.name.clone();
    let shown: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
    if interface.is_left_alone && shown.is_empty() {
        return Line::fail(
            Area::Network,
            name,
            "has only an address it gave itself (169.254…): nobody gave it one",
            "look whether the DHCP server of the network answers, or set an address by hand",
            Whom::Network,
        );
    }
    if !interface.is_up {
        return Line::warn(
            Area::Network,
            name,
            format!("{}, but the link is down", shown.join(", ")),
            "look after the cable and the switch",
            Whom::Network,
        );
    }
    let Some(mtu) = interface.mtu else {
        return Line::ok(Area::Network, name, shown.join(", "));
    };
    let text = format!("{}, packets up to {mtu} bytes", shown.join(", "));
    if mtu < 1280 {
        return Line::warn(
            Area::Network,
            name,
            text,
            "less than 1280 bytes cannot carry IPv6, and every longer SIP message is cut: look at the MTU of this link",
            Whom::Network,
        );
    }
    Line::ok(Area::Network, name, text)
}

async fn about_gateways(gateways: &[Gateway]) -> Vec<Line> {
    if gateways.is_empty() {
        return vec![Line::warn(
            Area::Gateway,
            "",
            "there is no way out of this network: no default route",
            "right where PBX and receivers stand in the same network; set a gateway otherwise",
            Whom::Network,
        )];
    }
    let mut lines = Vec::new();
    for gateway in gateways {
        lines.push(about_gateway(gateway).await);
    }
    lines
}

async fn about_gateway(Gateway { interface, address }: &Gateway) -> Line {
    let IpAddr::V4(v4) = *address else {
        return Line::ok(Area::Gateway, interface, format!("{address} (IPv6)"));
    };
    match wakes_up(v4).await {
        Some(true) => Line::ok(Area::Gateway, interface, format!("{address} answers on the wire")),
        Some(false) => Line::fail(
            Area::Gateway,
            interface,
            format!("{address} does not answer on the wire: nothing leaves this network"),
            "look whether the router is on and has this address",
            Whom::Network,
        ),
        // A link without neighbours, a tunnel say.
        None => Line::ok(
            Area::Gateway,
            interface,
            format!("{address} (whether it answers cannot be seen on this link)"),
        ),
    }
}

/// A datagram that nobody reads has the kernel ask where the gateway is.
async fn wakes_up(address: Ipv4Addr) -> Option<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // What does not leave tells in the table all the same.
    let _ = socket.send_to(&[0], SocketAddr::from((address, DISCARD)));
    let mut known = is_neighbour_there(address);
    let mut waited = Duration::ZERO;
    while known != Some(true) && waited < ANSWERS_WITHIN {
        tokio::time::sleep(LOOK_EVERY).await;
        waited += LOOK_EVERY;
        known = is_neighbour_there(address);
    }
    known
}

fn about_listening(wanted: &Wanted) -> Line {
    let shown: Vec<String> = wanted
        .listen
        .iter()
        .map(|(transport, address)| format!("{}://{address}", transport.as_str()))
        .collect();
    let shown = shown.join(", ");
    if let Some((address, owner)) = wanted.taken.first() {
        return Line::fail(
            Area::Sip,
            "",
            format!("port {} of {} is taken by {owner}", address.port(), address.ip()),
            "stop it, or choose another port in [sip] listen",
            Whom::Box,
        );
    }
    let is_alone = wanted
        .listen
        .iter()
        .all(|(_, address)| address.ip().is_loopback());
    let mut trunks = wanted.trunks.iter().map(|wanted| &wanted.trunk);
    let trunk_elsewhere = trunks.find(|trunk| {
        let host = trunk.host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.map_or(true, |address: IpAddr| !address.is_loopback())
    });
    if let (true, Some(trunk)) = (is_alone, trunk_elsewhere) {
        return Line::fail(
            Area::Sip,
            "",
            format!(
                "{shown} is this machine alone: trunk {} cannot reach the box",
                trunk.name
            ),
            "write the box's own address into [sip] listen, such as udp://192.168.1.20:5060",
            Whom::Box,
        );
    }
    let state = match wanted.daemon {
        Some(pid) => format!("the daemon runs (process {pid})"),
        None => "no daemon runs".to_owned(),
    };
    Line::ok(Area::Sip, "", format!("{shown}; {state}"))
}

/// How a trunk sees us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// The address our packet left from.
    pub(super) from: IpAddr,
    /// The address the trunk saw it come from, when it said so.
    pub(super) by_trunk: Option<IpAddr>,
    /// The trunk.
    pub(super) trunk: IpAddr,
}

/// Whether routers between us and a trunk translate our address, as far as the trunk's words tell.
pub(super) fn about_translation(seen: &Seen, name: &str, advertised: Option<IpAddr>) -> Line {
    let (from, place) = (seen.from, Place::of(seen.from));
    let ok = |text: String| Line::ok(Area::Nat, name, text);
    if place == Place::Private && is_shared_by_a_carrier(from) {
        return Line::warn(
            Area::Nat,
            name,
            format!(
                "{from} belongs to a carrier's router that many share (100.64.0.0/10): calls from outside do not find the box"
            ),
            "ask the carrier for a public address, or let the trunk register (register = true) so that the way stays open",
            Whom::Network,
        );
    }
    let Some(by_trunk) = seen.by_trunk else {
        return ok("the trunk does not say which address it sees".to_owned());
    };
    if by_trunk == from {
        return ok(format!("the trunk sees {from}, as it is: no router translates"));
    }
    if advertised == Some(by_trunk) {
        return ok(format!(
            "a router shows us as {by_trunk}, as [media] advertised_address says"
        ));
    }
    match (Place::of(by_trunk), Place::of(seen.trunk)) {
        (Place::Private, _) => Line::warn(
            Area::Nat,
            name,
            format!(
                "a router turns {from} into {by_trunk}, which is private too: two networks inside each other, and perhaps \
                 two routers that translate one after the other"
            ),
            "route between the two networks instead of translating, or put the box into the network of the trunk",
            Whom::Network,
        ),
        (_, Place::Public) => Line::warn(
            Area::Nat,
            name,
            format!(
                "a router shows us as {by_trunk} in place of {from}: the trunk has to send voice to where it comes from"
            ),
            format!(
                "if there is one-way audio: forward the ports of [media] rtp_ports to {from} and write advertised_address = \
                 \"{by_trunk}\" into [media]"
            ),
            Whom::Network,
        ),
        (_, _) => ok(format!("a router shows us as {by_trunk} in place of {from}")),
    }
}

/// RFC 6598.
fn is_shared_by_a_carrier(address: IpAddr) -> bool {
    let IpAddr::V4(v4) = address else { return false };
    let [first, second, ..] = v4.octets();
    first == 100 && (64..128).contains(&second)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn told(from: &str, by_trunk: &str, trunk: &str, advertised: Option<&str>) -> Line {
        let seen = Seen {
            from: from.parse().unwrap(),
            by_trunk: by_trunk.parse().ok(),
            trunk: trunk.parse().unwrap(),
        };
        about_translation(&seen, "pbx", advertised.map(|address| address.parse().unwrap()))
    }

    #[test]
    fn what_routers_do_to_our_address_is_told_from_what_the_trunk_sees() {
        let cases = [
            ("192.168.1.20", "192.168.1.20", "192.168.1.2", None, Outcome::Ok),
            ("192.168.1.20", "8.8.4.4", "8.8.8.8", None, Outcome::Warn),
            ("192.168.1.20", "8.8.4.4", "8.8.8.8", Some("8.8.4.4"), Outcome::Ok),
            ("192.168.1.20", "10.0.0.7", "8.8.8.8", None, Outcome::Warn),
            ("100.70.1.2", "8.8.4.4", "8.8.8.8", None, Outcome::Warn),
            ("192.168.1.20", "", "8.8.8.8", None, Outcome::Ok),
        ];
        for (from, by_trunk, trunk, advertised, outcome) in cases {
            let line = told(from, by_trunk, trunk, advertised);
            assert_eq!(line.outcome, outcome, "{line}");
        }
        let line = told("192.168.1.20", "8.8.4.4", "8.8.8.8", None);
        assert!(line.cure.unwrap().contains("advertised_address = \"8.8.4.4\""));
        assert!(
            told("192.168.1.20", "10.0.0.7", "8.8.8.8", None)
                .text
                .contains("two routers")
        );
    }

    #[test]
    fn an_interface_says_what_it_lacks() {
        let interface = |is_up, mtu, addresses: &[&str], is_left_alone| Interface {
            name: "eth0".to_owned(),
            is_up,
            mtu: Some(mtu),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            is_left_alone,
        };
        assert_eq!(
            about_interface(&interface(true, 1500, &["10.0.0.2"], false)).outcome,
            Outcome::Ok
        );
        assert_eq!(
            about_interface(&interface(false, 1500, &["10.0.0.2"], false)).outcome,
            Outcome::Warn
        );
        assert_eq!(
            about_interface(&interface(true, 576, &["10.0.0.2"], false)).outcome,
            Outcome::Warn
        );
        let alone = about_interface(&interface(true, 1500, &[], true));
        assert_eq!(alone.outcome, Outcome::Fail);
        assert!(alone.cure.unwrap().contains("DHCP"));
        assert_eq!(about_interfaces(&[])[0].outcome, Outcome::Fail);
    }
}
