use super::door::{self, Inside};
use super::raw_blanks::{RawBlanks, Wire};
use super::reception::Reception;
use super::router::build;
use super::{Faces, routes};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

/// Connections at a time. Full: a new one is closed at once.
const MOST_CONNECTIONS: usize = 256;
/// The same through the box's own door, beyond those: a box that is full can still be looked after.
const MOST_AT_DOOR: usize = 16;
/// Connections from one address, other than this machine's own. Full: a new one is closed at once.
const MOST_FROM_ONE: usize = 32;
/// Time for a request's headers to arrive; also how long a connection may stay open between requests.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Largest request line and headers together.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Most header lines.
const MAX_HEADERS: usize = 64;
/// How long a client may refuse to take any more of an answer before the connection is given up.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// How long answers under way may take once the shutdown has begun.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long to wait after `accept` failed, which it does when the process has no file handle left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Which of our addresses a request came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local(pub(super) SocketAddr);

/// Serves the API and the pages on `listener`, and the API to the command line at `door`, until `shutdown` completes; then
/// lets answers under way finish within five seconds. Runs on the caller's tokio runtime.
pub async fn serve(
    listener: TcpListener,
    door: Option<UnixListener>,
    faces: Faces,
    shutdown: impl Future<Output = ()>,
) {
    let reception = std::sync::Arc::new(Reception::new(faces));
    let app = build(std::sync::Arc::clone(&reception));
    routes::carry_on(&reception);
    let (closing, _) = watch::channel(false);
    let mut guests = Guests::default();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(outcome) = guests.tasks.join_next_with_id() => guests.left(outcome),
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) if guests.have_room_for(from.ip()) => {
                    guests.enter(Some(from.ip()), attend(app.clone(), stream, from, closing.subscribe()));
                }
                Ok((_, from)) => tracing::debug!(%from, "A connection from {from} was closed: too many are open."),
                Err(error) => {
                    tracing::warn!(%error, "No HTTP connection can be accepted.");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
            stream = door::accept(door.as_ref()) => match stream {
                Ok((stream, inside)) if guests.have_room_at_door() => {
                    guests.enter(None, attend_inside(app.clone(), stream, inside, closing.subscribe()));
                }
                Ok(_) => tracing::debug!("A connection at the box's own door was closed: too many are open."),
                Err(error) => {
                    tracing::warn!(%error, "A connection at the box's own door was not let in.");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    closing.send_replace(true);
    let farewell = async { while guests.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
        tracing::debug!("Some HTTP answers were cut short by the shutdown.");
    }
}

/// The connections that are open now.
#[derive(Default)]
struct Guests {
    tasks: JoinSet<()>,
    /// Where each comes from; nothing for those at the box's own door.
    addresses: HashMap<Id, Option<IpAddr>>,
}

impl Guests {
    fn have_room_for(&self, address: IpAddr) -> bool {
        let from_there = |other: &&Option<IpAddr>| **other == Some(address);
        let own = self.addresses.values().filter(from_there).count();
        let all = self.addresses.values().flatten().count();
        all < MOST_CONNECTIONS && (own < MOST_FROM_ONE || address.is_loopback())
    }

    fn have_room_at_door(&self) -> bool {
        let inside = self.addresses.values().filter(|address| address.is_none());
        inside.count() < MOST_AT_DOOR
    }

    fn enter(&mut self, from: Option<IpAddr>, visit: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(visit).id();
        self.addresses.insert(id, from);
    }

    /// A connection has ended, well or by a panic that cost nobody else anything.
    fn left(&mut self, outcome: Result<(Id, ()), JoinError>) {
        let id = match outcome {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "A request made its connection's task panic.");
                error.id()
            }
        };
        self.addresses.remove(&id);
    }
}

/// One connection from its first request to its last.
async fn attend(app: Router, stream: TcpStream, from: SocketAddr, closing: watch::Receiver<bool>) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%from, %error, "The connection from {from} could not be prepared.");
        return;
    }
    let Ok(local) = stream.local_addr() else { return };
    let introduce = move |request: &mut Request<Incoming>| {
        request.extensions_mut().insert(Peer(from));
        request.extensions_mut().insert(Local(local));
    };
    converse(app, Wire::Tcp(stream), &introduce, closing).await;
}

/// The same for the command line of this box.
async fn attend_inside(app: Router, stream: UnixStream, inside: Inside, closing: watch::Receiver<bool>) {
    let introduce = move |request: &mut Request<Incoming>| {
        request.extensions_mut().insert(inside);
    };
    converse(app, Wire::Door(stream), &introduce, closing).await;
}

async fn converse(
    app: Router,
    wire: Wire,
    introduce: &(dyn Fn(&mut Request<Incoming>) + Sync),
    mut closing: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        introduce(&mut request);
        TowerToHyperService::new(app.clone()).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(RawBlanks(wire)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "A connection broke off: {error}.");
    }
}

/// Small answers leave at once, and a client that stops reading does not hold its place for ever.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(STALLED_AFTER))
}
