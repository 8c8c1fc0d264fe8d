//! Which way a request takes when there are two: RFC 3261 §18.1.1 for large ones, and §18.2.2 for answers.

use crate::sip::headers::Via;
use crate::sip::settings::local_for;
use crate::sip::{Flow, Listener, NameAddr, Transport, Uri};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A request larger than this goes by stream: in datagrams it might be cut into pieces on the way (§18.1.1).
const LARGEST_DATAGRAM: usize = 1300;
/// A peer that did not take a connection is not asked for one again so long.
const NOT_AGAIN: Duration = Duration::from_secs(600);
/// So many of them are remembered. Full: all are asked once more.
const MOST_REFUSALS: usize = 256;

/// Chooses, and remembers who takes no streams.
#[derive(Debug)]
pub(super) struct Reroute {
    listeners: Vec<Listener>,
    refusals: HashMap<SocketAddr, Instant>,
}

/// A request and the way it takes.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) flow: Flow,
    /// The way to take when the first leads nowhere.
    pub(super) instead: Option<Flow>,
    pub(super) request: Vec<u8>,
}

impl Reroute {
    pub(super) fn new(listeners: &[Listener]) -> Self {
        Self {
            listeners: listeners.to_vec(),
            refusals: HashMap::new(),
        }
    }

    /// A large request for a datagram goes by TCP first. One whose connection may be gone can open another.
    pub(super) fn choose(&self, now: Instant, flow: Flow, request: Vec<u8>) -> Way {
        let stay = |request| Way {
            flow,
            instead: None,
            request,
        };
        match flow.transport {
            Transport::Udp if request.len() > LARGEST_DATAGRAM => {
                match self.by_stream(now, &flow, &request) {
                    Some(stream) => Way {
                        request: over(&request, &stream),
                        flow: stream,
                        instead: Some(flow),
                    },
                    None => stay(request),
                }
            }
            Transport::Tcp | Transport::Tls if flow.connection.is_some() => Way {
                instead: self.anew(&flow, &request),
                ..stay(request)
            },
            Transport::Udp | Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                stay(request)
            }
        }
    }

    fn by_stream(&self, now: Instant, flow: &Flow, request: &[u8]) -> Option<Flow> {
        let refused = self.refusals.get(&flow.peer);
        if refused.is_some_and(|at| now.saturating_duration_since(*at) < NOT_AGAIN) {
            return None;
        }
        // A phone behind a router named another address than it has: no connection leads to it.
        match next_hop(request)? {
            Hop::Address(address) if address != flow.peer => return None,
            Hop::Address(_) | Hop::Name => {}
        }
        let local = local_for(&self.listeners, Transport::Tcp, flow.peer)?;
        Some(Flow {
            transport: Transport::Tcp,
            local,
            peer: flow.peer,
            connection: None,
        })
    }

    /// A new connection to where the peer itself says that it listens; never to another machine.
    fn anew(&self, flow: &Flow, request: &[u8]) -> Option<Flow> {
        let Hop::Address(address) = next_hop(request)? else {
            return None;
        };
        (address.ip() == flow.peer.ip()).then_some(Flow {
            peer: address,
            connection: None,
            ..*flow
        })
    }

    /// The peer took no connection.
    pub(super) fn note_refusal(&mut self, now: Instant, flow: &Flow) {
        if flow.connection.is_some() {
            return;
        }
        if self.refusals.len() >= MOST_REFUSALS {
            self.refusals.clear();
        }
        self.refusals.insert(flow.peer, now);
    }
}

/// Where an answer goes when its connection is gone: to the source, at the port its Via names (§18.2.2). Browsers
/// cannot be called.
pub(super) fn back(flow: &Flow, via: &Via<'_>) -> Option<Flow> {
    let can_be_called = match flow.transport {
        Transport::Tcp | Transport::Tls => flow.connection.is_some(),
        Transport::Udp | Transport::Ws | Transport::Wss => false,
    };
    can_be_called.then(|| Flow {
        peer: SocketAddr::new(flow.peer.ip(), via.port.unwrap_or(flow.transport.default_port())),
        connection: None,
        ..*flow
    })
}

enum Hop {
    Address(SocketAddr),
    Name,
}

/// Whom the request names as its next hop: the first Route, else the Request-URI (§8.1.2).
fn next_hop(request: &[u8]) -> Option<Hop> {
    let head = request.split(|byte| *byte == b'\n');
    let mut lines = head.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.next()?;
    let route = lines
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(b"Route: "));
    let named = route.map(|route| NameAddr::parse(route).map(|address| address.uri));
    let uri = match named {
        Some(uri) => uri.ok()?,
        None => Uri::parse(first.split(|byte| *byte == b' ').nth(1)?).ok()?,
    };
    let port = uri.port().unwrap_or(Transport::Udp.default_port());
    Some(match uri.host()?.ip() {
        Some(ip) => Hop::Address(SocketAddr::new(ip, port)),
        None => Hop::Name,
    })
}

/// The same request with a Via of another way; what we send has our own Via in its second line.
pub(super) fn over(request: &[u8], flow: &Flow) -> Vec<u8> {
    const BEGIN: &[u8] = b"\r\nVia: SIP/2.0/";
    let begin = memchr::memmem::find(request, BEGIN);
    let Some(begin) = begin.map(|at| at + BEGIN.len()) else {
        return request.to_vec();
    };
    let (before, rest) = request.split_at(begin);
    let Some(end) = memchr::memchr(b';', rest) else {
        return request.to_vec();
    };
    let own = format!("{} {}", flow.transport.via(), flow.local);
    [before, own.as_bytes(), rest.get(end..).unwrap_or_default()].concat()
}
