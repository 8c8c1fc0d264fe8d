//! Sockets towards a trunk, and why nothing comes back.

use super::{Wanted, Whom};
use crate::sip::Transport;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::{TcpSocket, UdpSocket};

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    NoAnswer,
    NobodyListens,
    NoWay,
    Closed,
    Garbled,
    Broken(String),
}

impl Silence {
    /// What was seen, what to do, and who can do it.
    pub(super) fn in_words(&self, at: SocketAddr, transport: Transport) -> (String, &'static str, Whom) {
        let carrier = transport.as_str();
        match self {
            Self::NoAnswer => (
                format!("{at} does not answer over {carrier}"),
                "look whether the PBX is on, has this address and port, and whether a firewall lets SIP through both ways",
                Whom::Pbx,
            ),
            Self::NobodyListens => (
                format!(
                    "the machine at {} is there, but nobody listens at {carrier} port {}",
                    at.ip(),
                    at.port()
                ),
                "look at `port` and `transport` of the trunk, and whether SIP runs on the PBX",
                Whom::Pbx,
            ),
            Self::NoWay => (
                format!("no way leads to {}", at.ip()),
                "look at the box's address and its gateway",
                Whom::Network,
            ),
            Self::Closed => (
                format!("{at} takes the connection and closes it"),
                "look whether the PBX speaks SIP at this port, and whether it lets the box's address in",
                Whom::Pbx,
            ),
            Self::Garbled => (
                format!("what comes back from {at} is no SIP that can be read"),
                "look at the port: something else listens there, or somebody on the way breaks the messages",
                Whom::Network,
            ),
            Self::Broken(reason) => (
                format!("{at}: {reason}"),
                "look at the network between the box and the PBX",
                Whom::Network,
            ),
        }
    }
}

/// What an error of a socket says of the far side.
pub(super) fn silence(error: &io::Error) -> Silence {
    let kind = error.kind();
    if kind == io::ErrorKind::ConnectionRefused {
        Silence::NobodyListens
    } else if kind == io::ErrorKind::HostUnreachable || kind == io::ErrorKind::NetworkUnreachable {
        Silence::NoWay
    } else if kind == io::ErrorKind::TimedOut {
        Silence::NoAnswer
    } else {
        Silence::Broken(error.to_string())
    }
}

/// The address that the box itself would send from: trunks know us by it. The port is any that is free.
pub(super) fn own_address(wanted: &Wanted, transport: Transport, peer: SocketAddr) -> SocketAddr {
    let any: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let fits = |address: IpAddr| {
        address.is_ipv4() == peer.is_ipv4() && (address.is_loopback() == peer.ip().is_loopback())
    };
    let mut own = wanted.listen.iter().filter(|(_, address)| fits(address.ip()));
    let same = own.clone().find(|(own, _)| *own == transport);
    let found = same.or_else(|| own.next());
    SocketAddr::new(found.map_or(any, |(_, address)| address.ip()), 0)
}

pub(super) async fn datagrams(from: SocketAddr, to: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = UdpSocket::bind(from).await?;
    socket.connect(to).await?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

pub(super) async fn connection(from: SocketAddr, to: SocketAddr) -> io::Result<tokio::net::TcpStream> {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.bind(from)?;
    let stream = socket.connect(to).await?;
    // Without it a small message may wait for company; nothing breaks.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
