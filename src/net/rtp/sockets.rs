use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// What the system may keep for a socket, in bytes: two seconds of voice, so that a flood does not fill memory.
const RECEIVE_BUFFER: usize = 64 * 1024;
/// Expedited forwarding (RFC 3246) as the whole traffic class byte.
const EXPEDITED: u32 = 46 << 2;

/// The sockets of one leg.
#[derive(Debug)]
pub(super) struct Pair {
    /// On the even port.
    pub(super) rtp: UdpSocket,
    /// On the odd port above it.
    pub(super) rtcp: UdpSocket,
}

impl Pair {
    /// Binds both ports.
    ///
    /// # Errors
    /// What the system says: taken by another program, not an address of this machine.
    pub(super) fn open(local: IpAddr, port: u16) -> io::Result<Self> {
        let odd = port.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self {
            rtp: open(SocketAddr::new(local, port))?,
            rtcp: open(SocketAddr::new(local, odd))?,
        })
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    mark_expedited(&socket, address);
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

/// A network without priorities still carries voice, so a refusal is only worth a line.
fn mark_expedited(socket: &Socket, address: SocketAddr) {
    let marked = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(EXPEDITED),
        SocketAddr::V6(_) => socket.set_tclass_v6(EXPEDITED),
    };
    if let Err(error) = marked {
        tracing::debug!(%address, %error, "Packets from {address} go out without priority.");
    }
}
