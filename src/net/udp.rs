use super::early::before_its_address;
use super::priority::Priority;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// The largest UDP payload there is.
const LARGEST: usize = 65_535;
/// Kernel buffer for a burst of REGISTERs after a power return. Full: the kernel drops, the phone sends again.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;
/// How many datagrams one socket may deliver before the others get their turn.
const TURN: usize = 64;
/// How many peers' local addresses are remembered. Full: forgotten all at once and looked up again.
const MOST_ROUTES: usize = 4096;

/// The SIP sockets over UDP. One thread owns them all and reads them through `mio`.
#[derive(Debug, Default)]
pub struct UdpSockets {
    sockets: Vec<Listening>,
    routes: HashMap<IpAddr, IpAddr>,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
struct Listening {
    socket: UdpSocket,
    local: SocketAddr,
    readable: bool,
}

impl UdpSockets {
    /// Opens a socket for each address; tokens count up from `first`. `explain` may add to what the system says about an
    /// address.
    ///
    /// # Errors
    /// The address and what the system said, when one cannot be opened.
    pub fn open(
        addresses: &[SocketAddr],
        registry: &Registry,
        first: usize,
        explain: impl Fn(io::Error, SocketAddr) -> io::Error,
    ) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(addresses.len());
        for (place, address) in addresses.iter().enumerate() {
            let mut socket = bind(*address)
                .map_err(|error| explain(error, *address))
                .map_err(|error| io::Error::new(error.kind(), format!("udp://{address}: {error}")))?;
            registry.register(&mut socket, Token(first + place), Interest::READABLE)?;
            let local = socket.local_addr()?;
            sockets.push(Listening {
                socket,
                local,
                readable: true,
            });
        }
        Ok(Self {
            sockets,
            routes: HashMap::new(),
            buffer: vec![0; LARGEST].into_boxed_slice(),
        })
    }

    /// The addresses really bound, in order; a port 0 has become a number.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|listening| listening.local).collect()
    }

    /// `mio` says this socket has something to read.
    pub fn mark_readable(&mut self, place: usize) {
        if let Some(listening) = self.sockets.get_mut(place) {
            listening.readable = true;
        }
    }

    /// Whether some socket still has something to read.
    pub fn is_readable(&self) -> bool {
        self.sockets.iter().any(|listening| listening.readable)
    }

    /// Reads one turn of every readable socket. `receive` gets the local address, the sender and the bytes.
    pub fn read_turn(&mut self, mut receive: impl FnMut(&mut Self, SocketAddr, SocketAddr, &[u8])) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for place in 0..self.sockets.len() {
            for _ in 0..TURN {
                let Some(listening) = self.sockets.get_mut(place).filter(|listening| listening.readable)
                else {
                    break;
                };
                let local = listening.local;
                match listening.socket.recv_from(&mut buffer) {
                    Ok((length, peer)) => {
                        let local = self.local_for(local, peer);
                        receive(self, local, peer, buffer.get(..length).unwrap_or_default());
                    }
                    // An ICMP refusal of something we sent says nothing about what others send.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => listening.readable = false,
                }
            }
        }
        self.buffer = buffer;
    }

    /// Sends from the socket that `local` belongs to, else from the first one of the peer's family.
    ///
    /// # Errors
    /// What the system said. A full socket buffer is an error too: SIP sends again by itself.
    pub fn send(&self, local: SocketAddr, peer: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let same_family = |listening: &&Listening| listening.local.is_ipv4() == peer.is_ipv4();
        let listening = self
            .sockets
            .iter()
            .find(|listening| listening.local == local)
            .or_else(|| {
                self.sockets
                    .iter()
                    .filter(same_family)
                    .find(|own| own.local.port() == local.port())
            })
            .or_else(|| self.sockets.iter().find(same_family))
            .ok_or_else(|| io::Error::other("no UDP socket of this address family"))?;
        listening.socket.send_to(bytes, peer).map(|_| ())
    }

    /// The address a peer sees us at: the socket's own, or, where that is `0.0.0.0`, the one the route leads from.
    pub fn local_for(&mut self, bound: SocketAddr, peer: SocketAddr) -> SocketAddr {
        if !bound.ip().is_unspecified() {
            return bound;
        }
        if self.routes.len() >= MOST_ROUTES {
            self.routes.clear();
        }
        let ip = *self
            .routes
            .entry(peer.ip())
            .or_insert_with(|| route_to(peer).unwrap_or(bound.ip()));
        SocketAddr::new(ip, bound.port())
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Priority::Signalling.mark(&socket, address);
    before_its_address(&socket, address);
    socket.bind(&address.into())?;
    // The kernel may grant less than asked; that is no reason not to serve.
    let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(UdpSocket::from_std(socket.into()))
}

/// Asks the kernel's routing table by connecting a socket that never sends.
fn route_to(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}
