use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Lets a socket be bound before its address is there: the box starts before the network, and is reached as soon as the
/// network is up (ip(7), `IP_FREEBIND`). Where a system refuses, only addresses that are there can be bound, as everywhere.
pub(super) fn before_its_address(socket: &Socket, address: SocketAddr) {
    let _ = match address {
        SocketAddr::V4(_) => socket.set_freebind_v4(true),
        SocketAddr::V6(_) => socket.set_freebind_v6(true),
    };
}

/// The socket that pages are asked for on. Must be called inside a tokio runtime.
///
/// # Errors
/// What the system said: taken by another program, or a port below 1024.
pub fn listen_for_pages(address: SocketAddr) -> io::Result<tokio::net::TcpListener> {
    const BACKLOG: i32 = 128;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    before_its_address(&socket, address);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    tokio::net::TcpListener::from_std(socket.into())
}
