use super::connection;
use super::hub::Workshop;
use super::places::Place;
use super::websocket;
use crate::net::early::before_its_address;
use crate::net::priority::Priority;
use crate::sip::Transport;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// From the connection to the end of the TLS and the WebSocket handshake together.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Connections the kernel keeps for us while we are busy.
const BACKLOG: i32 = 1024;
/// Data that is not acknowledged for so long: the peer is gone without a word.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// A socket that accepts SIP streams.
#[derive(Debug)]
pub struct Listening {
    /// What is spoken on it: TCP, TLS, WS or WSS.
    pub transport: Transport,
    socket: TcpListener,
}

impl Listening {
    /// Opens it, inside a tokio runtime. An IPv6 address takes IPv6 alone, so that both families can have a port.
    ///
    /// # Errors
    /// What the system said.
    pub fn open(transport: Transport, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        Priority::Signalling.mark(&socket, address);
        before_its_address(&socket, address);
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            transport,
            socket: TcpListener::from_std(socket.into())?,
        })
    }

    /// The address really bound; a port 0 has become a number.
    ///
    /// # Errors
    /// What the system said.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

pub(super) async fn accept(listening: Listening, workshop: Workshop) {
    let Listening { transport, socket } = listening;
    loop {
        match socket.accept().await {
            Ok((stream, from)) => {
                // Full: the stream is dropped, which closes it.
                if let Some(place) = workshop.places.for_guest(from.ip()) {
                    tokio::spawn(welcome(transport, stream, place, workshop.clone()));
                }
            }
            // Out of file handles: wait until some come back instead of turning in circles.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Shakes hands and serves one connection until it ends.
async fn welcome(transport: Transport, stream: TcpStream, place: Place, workshop: Workshop) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return;
    };
    prepare(&stream);
    let flow = workshop.flow(transport, local, peer);
    let web = std::sync::Arc::clone(&workshop.web);
    match transport {
        Transport::Tcp => connection::serve(stream, flow, place, &workshop).await,
        Transport::Tls => {
            let Some(tls) = &workshop.tls else { return };
            let acceptor = TlsAcceptor::from(tls.settings());
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
                connection::serve(stream, flow, place, &workshop).await;
            }
        }
        Transport::Ws => {
            if let Ok(Some(socket)) = timeout(HANDSHAKE_TIME, websocket::shake(stream, &web)).await {
                websocket::serve(socket, flow, place, &workshop).await;
            }
        }
        Transport::Wss => {
            let Some(tls) = &workshop.tls else { return };
            let acceptor = TlsAcceptor::from(tls.settings());
            let shaking = async { websocket::shake(acceptor.accept(stream).await.ok()?, &web).await };
            if let Ok(Some(socket)) = timeout(HANDSHAKE_TIME, shaking).await {
                websocket::serve(socket, flow, place, &workshop).await;
            }
        }
        Transport::Udp => {}
    }
}

/// Small messages leave at once; a peer that is gone without a word is found out within two minutes.
pub(super) fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4);
    // A system that knows none of these serves all the same.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
}
