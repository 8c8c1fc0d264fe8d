//! One stream of bytes, TCP or TLS, from its opening to its end.

use super::accept::prepare;
use super::hub::Workshop;
use super::patience::Patience;
use super::places::Place;
use crate::net::priority::Priority;
use crate::sip::{Flow, Frame, Framer, PONG, Transport};
use bytes::Bytes;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

/// For the connection and, with TLS, its handshake: each.
const CONNECT_TIME: Duration = Duration::from_secs(4);
/// A message that has begun must be complete by then, however slowly its bytes come.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
const WRITE_TIME: Duration = Duration::from_secs(5);
/// For the answer to a message that cannot be read, before the stream is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A connection that we opened may be silent so long: the next request opens another.
pub(super) const FOR_HOSTS: Duration = Duration::from_secs(600);

/// What ties a connection to the hub.
pub(super) struct Link {
    pub(super) id: u64,
    pub(super) outgoing: mpsc::Receiver<Bytes>,
    pub(super) pongs: mpsc::WeakSender<Bytes>,
    pub(super) patience: Patience,
    pub(super) place: Place,
}

/// How reading ended.
enum End {
    /// The peer is gone, or was too slow.
    Gone,
    /// What it sends cannot be cut into messages any more; an answer is under way.
    Broken,
}

/// Serves a connection that a peer opened.
pub(super) async fn serve<S>(stream: S, flow: Flow, place: Place, workshop: &Workshop)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some(link) = workshop.link(flow, place).await {
        talk(stream, flow, link, workshop).await;
    }
}

/// Opens a connection and serves it.
pub(super) async fn call(flow: Flow, link: Link, workshop: Workshop) {
    let id = link.id;
    let Ok(Ok(stream)) = timeout(CONNECT_TIME, open(&flow, &workshop)).await else {
        return workshop.failed(id, flow).await;
    };
    let local = stream.local_addr().unwrap_or(flow.local);
    prepare(&stream);
    Priority::Signalling.mark(&stream, local);
    let own = Flow {
        local,
        connection: Some(id),
        ..flow
    };
    if flow.transport == Transport::Tcp {
        return talk(stream, own, link, &workshop).await;
    }
    let shaking = async {
        let (name, settings) = workshop.caller.settings_for(flow.peer)?;
        let connector = TlsConnector::from(settings);
        let stream = connector.connect(name, stream).await;
        stream.map_err(|error| error.to_string())
    };
    let too_late = |_| Err("the handshake took too long".to_owned());
    match timeout(CONNECT_TIME, shaking).await.unwrap_or_else(too_late) {
        Ok(stream) => talk(stream, own, link, &workshop).await,
        Err(reason) => {
            tracing::warn!(peer = %flow.peer, reason, "No SIP by TLS with {}: {reason}.", flow.peer);
            workshop.failed(id, flow).await;
        }
    }
}

/// From the address we listen on, where it is one and not all of them: peers that know us by our address know no other.
async fn open(flow: &Flow, workshop: &Workshop) -> io::Result<TcpStream> {
    let (mut own, peer) = (flow.local, flow.peer);
    let is_known = workshop.homes.contains(&own.ip()) && own.is_ipv4() == peer.is_ipv4();
    if !is_known || own.ip().is_loopback() != peer.ip().is_loopback() {
        return TcpStream::connect(peer).await;
    }
    let socket = if peer.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    own.set_port(0);
    socket.bind(own)?;
    socket.connect(peer).await
}

async fn talk<S>(stream: S, flow: Flow, link: Link, workshop: &Workshop)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Link {
        id,
        outgoing,
        pongs,
        patience,
        place,
    } = link;
    let (source, sink) = tokio::io::split(stream);
    let mut writing = std::pin::pin!(write(sink, outgoing));
    let end = tokio::select! {
        () = &mut writing => End::Gone,
        end = read(source, flow, &pongs, &patience, workshop) => end,
    };
    if let End::Broken = end {
        let _ = timeout(LAST_WORDS, writing).await;
    }
    drop(place);
    workshop.gone(id).await;
}

async fn write<S: AsyncWrite>(mut sink: WriteHalf<S>, mut outgoing: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = outgoing.recv().await {
        let written = async {
            sink.write_all(&bytes).await?;
            sink.flush().await
        };
        match timeout(WRITE_TIME, written).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
    // The hub has let go of it: say goodbye, which TLS does with a message of its own.
    let _ = timeout(LAST_WORDS, sink.shutdown()).await;
}

async fn read<S: AsyncRead>(
    mut source: ReadHalf<S>,
    flow: Flow,
    pongs: &mpsc::WeakSender<Bytes>,
    patience: &Patience,
    workshop: &Workshop,
) -> End {
    let mut framer = Framer::new();
    let mut buffer = [0; 4096];
    let mut heard = Instant::now();
    let mut begun: Option<Instant> = None;
    loop {
        let until = match begun {
            Some(begun) => begun + MESSAGE_TIME,
            None => heard + patience.now(),
        };
        let length = match timeout_at(until, source.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            Ok(_) => return End::Gone,
            // The peer has become known in the meantime.
            Err(_) if begun.is_none() && heard + patience.now() > until => continue,
            Err(_) => return End::Gone,
        };
        framer.push(buffer.get(..length).unwrap_or_default());
        let now = Instant::now();
        if patience.is_known() {
            heard = now; // An empty line keeps a phone's connection, but nobody else's.
        }
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    begun = None;
                    heard = now;
                    workshop.hand_over(flow, bytes).await;
                }
                Ok(Some(Frame::Ping)) => pong(pongs),
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                // What is readable of it is answered like a datagram; then the stream has to end.
                Err(broken) => {
                    workshop.hand_over(flow, broken.head).await;
                    return End::Broken;
                }
            }
        }
        begun = framer.is_waiting().then(|| begun.unwrap_or(now));
    }
}

fn pong(pongs: &mpsc::WeakSender<Bytes>) {
    if let Some(writer) = pongs.upgrade() {
        // A peer that pings and does not read gets no answer.
        let _ = writer.try_send(Bytes::from_static(PONG));
    }
}
