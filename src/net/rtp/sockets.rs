use crate::net::priority::Priority;
use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// What the system may keep for a socket, in bytes: two seconds of voice, so that a flood does not fill memory.
const RECEIVE_BUFFER: usize = 64 * 1024;

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
    Priority::Voice.mark(&socket, address);
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
