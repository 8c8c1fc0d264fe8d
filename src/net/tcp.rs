use crate::sip::{Flow, Frame, Framer, PONG, Transport};
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

/// Connections in all. Full: a new one is closed at once.
const MOST_CONNECTIONS: usize = 1000;
/// Connections of one address. Full: a new one is closed at once.
const MOST_OF_ONE_ADDRESS: usize = 20;
/// Messages waiting for one connection. Full: the peer does not read; it is closed.
const MOST_WAITING: usize = 64;
/// Messages waiting for the hub. Full: the message is dropped, SIP sends again or times out.
const HUB_QUEUE: usize = 1024;
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A message that has begun must be complete by then.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
/// A connection that says nothing for so long is closed; phones keep theirs open with CRLF or refreshes.
const IDLE_TIME: Duration = Duration::from_secs(3600);
const WRITE_TIME: Duration = Duration::from_secs(5);

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

/// The door to all SIP streams; cheap to clone, used from the engine's thread.
#[derive(Debug, Clone)]
pub struct StreamHub {
    orders: mpsc::Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Send(Flow, Bytes),
    Opened {
        id: u64,
        flow: Flow,
        writer: mpsc::Sender<Bytes>,
        guard: Guard,
    },
    Gone(u64),
}

/// Gives the place of a connection back.
type Guard = tokio::sync::OwnedSemaphorePermit;

struct Hub {
    deliver: Deliver,
    orders: mpsc::Sender<Order>,
    places: Arc<Semaphore>,
    numbers: Arc<AtomicU64>,
    connections: HashMap<u64, Connection>,
    by_peer: HashMap<SocketAddr, u64>,
}

struct Connection {
    peer: SocketAddr,
    writer: mpsc::Sender<Bytes>,
    _place: Guard,
}

impl StreamHub {
    /// Serves these listeners on the current tokio runtime until the runtime ends.
    pub fn start(listeners: Vec<TcpListener>, deliver: Deliver) -> Self {
        let (orders, queue) = mpsc::channel(HUB_QUEUE);
        let hub = Hub {
            deliver,
            orders: orders.clone(),
            places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
            numbers: Arc::new(AtomicU64::new(1)),
            connections: HashMap::new(),
            by_peer: HashMap::new(),
        };
        for listener in listeners {
            tokio::spawn(accept(listener, hub.workshop()));
        }
        tokio::spawn(hub.run(queue));
        Self { orders }
    }

    /// Sends by the flow's connection, or opens one to its peer. Never waits.
    ///
    /// # Errors
    /// When the hub's queue is full.
    pub fn send(&self, flow: Flow, bytes: Bytes) -> io::Result<()> {
        self.orders
            .try_send(Order::Send(flow, bytes))
            .map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "too many messages wait for TCP"))
    }
}

impl Hub {
    fn workshop(&self) -> Workshop {
        Workshop {
            deliver: Arc::clone(&self.deliver),
            orders: self.orders.clone(),
            places: Arc::clone(&self.places),
            numbers: Arc::clone(&self.numbers),
        }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Order>) {
        while let Some(order) = queue.recv().await {
            match order {
                Order::Send(flow, bytes) => self.send(flow, bytes),
                Order::Opened {
                    id,
                    flow,
                    writer,
                    guard,
                } => self.admit(id, flow, writer, guard),
                Order::Gone(id) => self.forget(id),
            }
        }
    }

    fn send(&mut self, flow: Flow, bytes: Bytes) {
        let known = flow.connection.or_else(|| self.by_peer.get(&flow.peer).copied());
        match known.and_then(|id| self.connections.get(&id).map(|connection| (id, connection))) {
            Some((id, connection)) => {
                if connection.writer.try_send(bytes).is_err() {
                    self.forget(id);
                }
            }
            // A connection that was given by number and is gone cannot be opened from here: the phone opened it.
            None if flow.connection.is_some() => {
                tell(&self.deliver, StreamEvent::Unreachable { flow });
            }
            None => {
                tokio::spawn(connect(flow, bytes, self.workshop()));
            }
        }
    }

    fn admit(&mut self, id: u64, flow: Flow, writer: mpsc::Sender<Bytes>, place: Guard) {
        let same: usize = self
            .connections
            .values()
            .filter(|own| own.peer.ip() == flow.peer.ip())
            .count();
        if same >= MOST_OF_ONE_ADDRESS && !is_own_network(flow.peer.ip()) {
            return; // Dropping the writer closes the connection.
        }
        self.by_peer.insert(flow.peer, id);
        self.connections.insert(
            id,
            Connection {
                peer: flow.peer,
                writer,
                _place: place,
            },
        );
    }

    fn forget(&mut self, id: u64) {
        if let Some(connection) = self.connections.remove(&id) {
            if self.by_peer.get(&connection.peer) == Some(&id) {
                self.by_peer.remove(&connection.peer);
            }
            tell(&self.deliver, StreamEvent::Closed { connection: id });
        }
    }
}

/// News that is not worth waiting for: should the mailbox be full, the transactions time out by themselves.
fn tell(deliver: &Deliver, event: StreamEvent) {
    let _ = deliver(event);
}

/// A proxy or a PBX on this machine may need many connections.
fn is_own_network(ip: IpAddr) -> bool {
    ip.is_loopback()
}

/// What a connection needs to know of the hub.
#[derive(Clone)]
struct Workshop {
    deliver: Deliver,
    orders: mpsc::Sender<Order>,
    places: Arc<Semaphore>,
    numbers: Arc<AtomicU64>,
}

async fn accept(listener: TcpListener, workshop: Workshop) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Full: the stream is dropped, which closes it.
                if let Ok(place) = Arc::clone(&workshop.places).try_acquire_owned() {
                    tokio::spawn(open(stream, place, None, workshop.clone()));
                }
            }
            // Out of file handles: wait until some come back instead of turning in circles.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn connect(flow: Flow, bytes: Bytes, workshop: Workshop) {
    let Ok(place) = Arc::clone(&workshop.places).try_acquire_owned() else {
        return tell(&workshop.deliver, StreamEvent::Unreachable { flow });
    };
    match tokio::time::timeout(CONNECT_TIME, TcpStream::connect(flow.peer)).await {
        Ok(Ok(stream)) => open(stream, place, Some(bytes), workshop).await,
        Ok(Err(_)) | Err(_) => {
            tell(&workshop.deliver, StreamEvent::Unreachable { flow });
        }
    }
}

/// Serves one connection until it ends.
async fn open(stream: TcpStream, guard: Guard, first: Option<Bytes>, workshop: Workshop) {
    let (Ok(peer), Ok(local)) = (stream.peer_addr(), stream.local_addr()) else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let id = workshop.numbers.fetch_add(1, Ordering::Relaxed);
    let flow = Flow {
        transport: Transport::Tcp,
        local,
        peer,
        connection: Some(id),
    };
    let (writer, outgoing) = mpsc::channel(MOST_WAITING);
    if let Some(first) = first {
        let _ = writer.try_send(first);
    }
    let pongs = writer.downgrade();
    let opened = Order::Opened {
        id,
        flow,
        writer,
        guard,
    };
    if workshop.orders.send(opened).await.is_err() {
        return;
    }
    let (reader, sink) = stream.into_split();
    tokio::select! {
        () = write(sink, outgoing) => {}
        () = read(reader, flow, pongs, &workshop.deliver) => {}
    }
    let _ = workshop.orders.send(Order::Gone(id)).await;
}

async fn write(mut sink: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = outgoing.recv().await {
        match tokio::time::timeout(WRITE_TIME, sink.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

async fn read(mut reader: OwnedReadHalf, flow: Flow, pongs: mpsc::WeakSender<Bytes>, deliver: &Deliver) {
    let mut framer = Framer::new();
    let mut buffer = [0; 8192];
    loop {
        let patience = if framer.is_waiting() {
            MESSAGE_TIME
        } else {
            IDLE_TIME
        };
        let length = match tokio::time::timeout(patience, reader.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            Ok(_) | Err(_) => return,
        };
        framer.push(buffer.get(..length).unwrap_or_default());
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => hand_over(flow, bytes, deliver).await,
                Ok(Some(Frame::Ping)) => pong(&pongs),
                Ok(Some(Frame::Pong)) => {}
                Ok(None) => break,
                // What is readable of it is answered like a datagram; then the stream has to end.
                Err(broken) => return hand_over(flow, broken.head, deliver).await,
            }
        }
    }
}

/// Waits while the engine's mailbox is full: the peer's own window then holds it back.
async fn hand_over(flow: Flow, bytes: Vec<u8>, deliver: &Deliver) {
    let mut event = StreamEvent::Message { flow, bytes };
    while let Err(back) = deliver(event) {
        event = back;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn pong(pongs: &mpsc::WeakSender<Bytes>) {
    if let Some(writer) = pongs.upgrade() {
        // A peer that pings and does not read gets no answer.
        let _ = writer.try_send(Bytes::from_static(PONG));
    }
}
