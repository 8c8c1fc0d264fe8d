use super::accept::{self, Listening};
use super::connection::{self, Link};
use super::patience::Patience;
use super::places::{Place, Places};
use super::web_rules::WebRules;
use super::websocket;
use crate::net::tls::TlsDoor;
use crate::sip::{Flow, Transport};
use bytes::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

/// Messages waiting for one connection. Full: the peer does not read; it is closed.
const MOST_WAITING: usize = 64;
/// Messages waiting for the hub. Full: the message is dropped, SIP sends again or times out.
const HUB_QUEUE: usize = 1024;

/// What the streams bring.
#[derive(Debug)]
pub enum StreamEvent {
    /// One complete SIP message.
    Message {
        /// The connection it came by.
        flow: Flow,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The connection is gone.
    Closed {
        /// Its number.
        connection: u64,
    },
    /// A connection could not be opened, so these bytes were not sent.
    Unreachable {
        /// Where to.
        flow: Flow,
    },
}

/// Tells the engine; gives the event back when its mailbox is full.
pub(super) type Deliver = Arc<dyn Fn(StreamEvent) -> Result<(), StreamEvent> + Send + Sync>;

/// Knows whom to believe behind an address that a TLS connection is opened to.
pub trait TlsCaller: Send + Sync {
    /// The name the peer has to prove, and the settings that make it do so.
    ///
    /// # Errors
    /// Why nobody there could be believed, in plain words.
    fn settings_for(&self, peer: SocketAddr) -> Result<(ServerName<'static>, Arc<ClientConfig>), String>;
}

/// What the hub is opened with.
pub struct StreamSetup {
    /// Sockets to accept on.
    pub listeners: Vec<Listening>,
    /// Where news goes.
    pub deliver: Deliver,
    /// Our certificate. Without it nobody is let in by TLS.
    pub tls: Option<TlsDoor>,
    /// Whom to believe on the way out.
    pub caller: Arc<dyn TlsCaller>,
    /// Which web pages may telephone.
    pub web: WebRules,
}

/// The door to all SIP streams; cheap to clone, used from the engine's thread.
#[derive(Clone)]
pub struct StreamHub {
    orders: mpsc::Sender<Order>,
    workshop: Workshop,
}

#[derive(Debug)]
pub(super) enum Order {
    Send(Flow, Bytes),
    Opened {
        id: u64,
        flow: Flow,
        writer: mpsc::Sender<Bytes>,
        patience: Patience,
    },
    /// The connection that was being opened could not be.
    Failed {
        id: u64,
        flow: Flow,
    },
    Gone(u64),
    Keep(u64, Duration),
    Close(u64),
}

struct Hub {
    workshop: Workshop,
    connections: HashMap<u64, Connection>,
    by_peer: HashMap<(Transport, SocketAddr), u64>,
}

struct Connection {
    way: (Transport, SocketAddr),
    writer: mpsc::Sender<Bytes>,
    patience: Patience,
}

/// What a connection needs to know of the hub.
#[derive(Clone)]
pub(super) struct Workshop {
    pub(super) deliver: Deliver,
    pub(super) tls: Option<TlsDoor>,
    pub(super) caller: Arc<dyn TlsCaller>,
    pub(super) web: Arc<WebRules>,
    pub(super) places: Arc<Places>,
    /// The addresses we listen on, where they are single ones.
    pub(super) homes: Arc<[IpAddr]>,
    orders: mpsc::Sender<Order>,
    numbers: Arc<AtomicU64>,
}

impl StreamHub {
    /// Serves these listeners on the current tokio runtime until the runtime ends.
    pub fn start(setup: StreamSetup) -> Self {
        let (orders, queue) = mpsc::channel(HUB_QUEUE);
        let bound = setup.listeners.iter().filter_map(|own| own.local_addr().ok());
        let homes = bound.map(|own| own.ip()).filter(|ip| !ip.is_unspecified());
        let workshop = Workshop {
            homes: homes.collect(),
            deliver: setup.deliver,
            tls: setup.tls,
            caller: setup.caller,
            web: Arc::new(setup.web),
            places: Arc::default(),
            orders: orders.clone(),
            numbers: Arc::new(AtomicU64::new(1)),
        };
        let hub = Hub {
            workshop: workshop.clone(),
            connections: HashMap::new(),
            by_peer: HashMap::new(),
        };
        for listening in setup.listeners {
            tokio::spawn(accept::accept(listening, workshop.clone()));
        }
        tokio::spawn(hub.run(queue));
        Self { orders, workshop }
    }

    /// Sends by the flow's connection, or opens one to its peer. Never waits.
    ///
    /// # Errors
    /// When the hub's queue is full.
    pub fn send(&self, flow: Flow, bytes: Bytes) -> io::Result<()> {
        self.order(Order::Send(flow, bytes))
    }

    /// Lets a connection be silent so long: its peer has proven who it is.
    ///
    /// # Errors
    /// When the hub's queue is full; the peer's next request asks again.
    pub fn keep(&self, connection: u64, silent_for: Duration) -> io::Result<()> {
        self.order(Order::Keep(connection, silent_for))
    }

    /// Closes a connection once what waits for it has been written.
    ///
    /// # Errors
    /// When the hub's queue is full.
    pub fn close(&self, connection: u64) -> io::Result<()> {
        self.order(Order::Close(connection))
    }

    /// Connections now, unfinished handshakes included.
    pub fn connections(&self) -> usize {
        self.workshop.places.count()
    }

    /// Whether a WebSocket handshake with these headers is welcome.
    pub fn admits(&self, host: Option<&str>, origin: Option<&str>) -> bool {
        self.workshop.web.admit(host, origin)
    }

    /// Takes a place for a WebSocket whose handshake is under way elsewhere; nothing when the house is full. What comes
    /// back takes the socket behind the handshake and serves it until it ends.
    pub fn reserve_web<S>(
        &self,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Option<impl FnOnce(S) -> futures_util::future::BoxFuture<'static, ()> + Send + use<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = self.workshop.places.for_guest(peer.ip())?;
        let workshop = self.workshop.clone();
        Some(move |stream: S| -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(async move {
                let flow = workshop.flow(Transport::Ws, local, peer);
                let socket = websocket::behind_handshake(stream).await;
                websocket::serve(socket, flow, place, &workshop).await;
            })
        })
    }

    fn order(&self, order: Order) -> io::Result<()> {
        self.orders
            .try_send(order)
            .map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "too much waits for the streams"))
    }
}

impl fmt::Debug for StreamHub {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("StreamHub")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Hub {
    async fn run(mut self, mut queue: mpsc::Receiver<Order>) {
        while let Some(order) = queue.recv().await {
            match order {
                Order::Send(flow, bytes) => self.send(flow, bytes),
                Order::Opened {
                    id,
                    flow,
                    writer,
                    patience,
                } => self.remember(id, &flow, writer, patience),
                Order::Failed { id, flow } => {
                    if self.remove(id) {
                        tell(&self.workshop.deliver, StreamEvent::Unreachable { flow });
                    }
                }
                Order::Gone(id) | Order::Close(id) => self.forget(id),
                Order::Keep(id, silent_for) => {
                    if let Some(connection) = self.connections.get(&id) {
                        connection.patience.become_at_least(silent_for);
                    }
                }
            }
        }
    }

    fn send(&mut self, flow: Flow, bytes: Bytes) {
        let way = (flow.transport, flow.peer);
        let known = flow.connection.or_else(|| self.by_peer.get(&way).copied());
        match known.and_then(|id| self.connections.get(&id).map(|connection| (id, connection))) {
            Some((id, connection)) => {
                if connection.writer.try_send(bytes).is_err() {
                    self.forget(id);
                }
            }
            // A connection that was given by number and is gone cannot be opened from here: the phone opened it.
            None if flow.connection.is_some() => self.unreachable(flow),
            None => match flow.transport {
                Transport::Tcp | Transport::Tls => self.call(flow, bytes),
                // Browsers open WebSockets; nobody can open one to them (RFC 7118 §3).
                Transport::Ws | Transport::Wss | Transport::Udp => self.unreachable(flow),
            },
        }
    }

    /// Opens a connection. It is known at once, so that what is sent meanwhile waits for it.
    fn call(&mut self, flow: Flow, first: Bytes) {
        let Some(place) = self.workshop.places.for_host(flow.peer.ip()) else {
            return self.unreachable(flow);
        };
        let id = self.workshop.next_id();
        let (writer, outgoing) = mpsc::channel(MOST_WAITING);
        let _ = writer.try_send(first);
        let patience = Patience::new();
        patience.become_at_least(connection::FOR_HOSTS);
        self.remember(id, &flow, writer.clone(), patience.clone());
        let link = Link {
            id,
            outgoing,
            pongs: writer.downgrade(),
            patience,
            place,
        };
        tokio::spawn(connection::call(flow, link, self.workshop.clone()));
    }

    fn unreachable(&self, flow: Flow) {
        tell(&self.workshop.deliver, StreamEvent::Unreachable { flow });
    }

    fn remember(&mut self, id: u64, flow: &Flow, writer: mpsc::Sender<Bytes>, patience: Patience) {
        let way = (flow.transport, flow.peer);
        self.by_peer.insert(way, id);
        self.connections.insert(
            id,
            Connection {
                way,
                writer,
                patience,
            },
        );
    }

    fn forget(&mut self, id: u64) {
        if self.remove(id) {
            tell(&self.workshop.deliver, StreamEvent::Closed { connection: id });
        }
    }

    /// Dropping the writer closes the connection, once what waits has been written.
    fn remove(&mut self, id: u64) -> bool {
        let Some(connection) = self.connections.remove(&id) else {
            return false;
        };
        if self.by_peer.get(&connection.way) == Some(&id) {
            self.by_peer.remove(&connection.way);
        }
        true
    }
}

impl Workshop {
    fn next_id(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The flow of a connection that has just come to be.
    pub(super) fn flow(&self, transport: Transport, local: SocketAddr, peer: SocketAddr) -> Flow {
        Flow {
            transport,
            local: plain(local),
            peer: plain(peer),
            connection: Some(self.next_id()),
        }
    }

    /// Makes the connection known to the hub; nothing when the hub has ended.
    pub(super) async fn link(&self, flow: Flow, place: Place) -> Option<Link> {
        let id = flow.connection?;
        let (writer, outgoing) = mpsc::channel(MOST_WAITING);
        let patience = Patience::new();
        let link = Link {
            id,
            outgoing,
            pongs: writer.downgrade(),
            patience: patience.clone(),
            place,
        };
        let opened = Order::Opened {
            id,
            flow,
            writer,
            patience,
        };
        self.orders.send(opened).await.ok()?;
        Some(link)
    }

    pub(super) async fn gone(&self, id: u64) {
        // A hub that has ended misses nothing.
        let _ = self.orders.send(Order::Gone(id)).await;
    }

    pub(super) async fn failed(&self, id: u64, flow: Flow) {
        let _ = self.orders.send(Order::Failed { id, flow }).await;
    }

    /// Waits while the engine's mailbox is full: the peer's own window then holds it back.
    pub(super) async fn hand_over(&self, flow: Flow, bytes: Vec<u8>) {
        let mut event = StreamEvent::Message { flow, bytes };
        while let Err(back) = (self.deliver)(event) {
            event = back;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An IPv4 peer on an IPv6 socket is an IPv4 peer.
fn plain(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

/// News that is not worth waiting for: should the mailbox be full, the transactions time out by themselves.
fn tell(deliver: &Deliver, event: StreamEvent) {
    let _ = deliver(event);
}
