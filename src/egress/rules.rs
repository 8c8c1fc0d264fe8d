use super::{Host, Network, Place};
use std::net::{IpAddr, UdpSocket};

/// Who wrote an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The owner of the box, into its configuration file.
    File,
    /// Whoever may speak to the API.
    Api,
}

/// Which places may be connected to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    allow: Vec<Network>,
}

impl Rules {
    /// Rules that allow the public internet and these ranges.
    pub fn new(allow: Vec<Network>) -> Self {
        Self { allow }
    }

    /// Whether `address`, which `host` led to, may be connected to; the place it is when not.
    pub(super) fn judge(&self, host: &Host, address: IpAddr, author: Author) -> Result<(), Place> {
        let plain = address.to_canonical();
        if self.allow.iter().any(|range| range.contains(plain)) {
            return Ok(());
        }
        let is_written = author == Author::File && *host == Host::Literal(address);
        match Place::of(address) {
            Place::Public if is_written || !is_own(address) => Ok(()),
            Place::Public => Err(Place::Own),
            Place::Loopback | Place::Private if is_written => Ok(()),
            place @ (Place::Loopback
            | Place::Own
            | Place::Private
            | Place::Metadata
            | Place::Multicast
            | Place::Broadcast
            | Place::Unspecified
            | Place::Reserved
            | Place::Mapped) => Err(place),
        }
    }
}

/// Whether one of our interfaces has this address: the kernel then answers it from itself. Connecting a datagram
/// socket sends nothing.
fn is_own(address: IpAddr) -> bool {
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let source = UdpSocket::bind(any).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
}
