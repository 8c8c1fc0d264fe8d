use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Where the box itself listens. Media sent there would run in a circle, or into its own telephony.
#[derive(Debug)]
pub(super) struct OwnPlaces {
    addresses: Vec<IpAddr>,
    ports: RangeInclusive<u16>,
    sockets: Vec<SocketAddr>,
}

impl OwnPlaces {
    /// The RTP ports at one address.
    pub(super) fn new(address: IpAddr, ports: RangeInclusive<u16>) -> Self {
        Self {
            addresses: vec![address.to_canonical()],
            ports,
            sockets: Vec::new(),
        }
    }

    /// Other RTP ports than those given first.
    pub(super) fn ports(&mut self, ports: RangeInclusive<u16>) {
        self.ports = ports;
    }

    /// One more address with the same RTP ports: the bound one beside the one that SDP shows.
    pub(super) fn address(&mut self, address: IpAddr) {
        self.addresses.push(address.to_canonical());
    }

    /// One more socket: SIP listens there. At each address when it is bound to all.
    pub(super) fn socket(&mut self, socket: SocketAddr) {
        self.addresses.push(socket.ip().to_canonical());
        self.sockets.push(socket);
    }

    /// Whether this is one of them.
    pub(super) fn is(&self, place: SocketAddr) -> bool {
        let ip = place.ip().to_canonical();
        let listens = |socket: &&SocketAddr| {
            let own = socket.ip().to_canonical();
            own == ip || (own.is_unspecified() && self.addresses.contains(&ip))
        };
        (self.addresses.contains(&ip) && self.ports.contains(&place.port()))
            || self
                .sockets
                .iter()
                .filter(listens)
                .any(|socket| socket.port() == place.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROBUSTNESS 45
    #[test]
    fn rtp_ports_and_sip_sockets_at_every_address_of_the_box_are_its_own() {
        let mut own = OwnPlaces::new("203.0.113.5".parse().unwrap(), 10_000..=10_999);
        own.address("192.0.2.1".parse().unwrap());
        own.socket("192.0.2.1:5060".parse().unwrap());
        own.socket("0.0.0.0:5061".parse().unwrap());
        let table = [
            ("203.0.113.5:10000", true),
            ("192.0.2.1:10999", true),
            ("[::ffff:192.0.2.1]:10500", true),
            ("192.0.2.1:5060", true),
            ("192.0.2.1:5061", true),
            ("203.0.113.5:5061", true),
            ("192.0.2.1:11000", false),
            ("192.0.2.1:4000", false),
            ("203.0.113.5:5060", false),
            ("192.0.2.9:10000", false),
            ("192.0.2.9:5061", false),
        ];
        for (place, is_own) in table {
            assert_eq!(own.is(place.parse().unwrap()), is_own, "{place}");
        }
    }
}
