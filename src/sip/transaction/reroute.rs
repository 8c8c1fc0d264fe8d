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

#[cfg(test)]
mod tests {
    use super::super::tests::{after, origin};
    use super::super::{ClientId, Transactions};
    use super::*;
    use crate::sip::Message;

    const ID: &str = "aaaaaaaaaaaaaaaa";

    fn listeners() -> Vec<Listener> {
        [Transport::Udp, Transport::Tcp]
            .map(|transport| Listener {
                transport,
                address: "192.0.2.1:5060".parse().unwrap(),
            })
            .to_vec()
    }

    fn request(method: &str, uri: &str, size: usize) -> Vec<u8> {
        let head = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{ID};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:a@b>;tag=f\r\nTo: <{uri}>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nSubject: "
        );
        let tail = "\r\nContent-Length: 0\r\n\r\n";
        let subject = "s".repeat(size.saturating_sub(head.len() + tail.len()));
        format!("{head}{subject}{tail}").into_bytes()
    }

    /// Where a request goes and what its Via says.
    fn ways(all: &mut Transactions<u8>) -> Vec<String> {
        all.take_sends()
            .map(|(flow, bytes)| {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let via = text.lines().nth(1).unwrap().to_owned();
                Message::parse(&bytes).unwrap();
                format!(
                    "{} {} | {}",
                    flow.transport,
                    flow.peer,
                    via.split(';').next().unwrap()
                )
            })
            .collect()
    }

    fn ask(all: &mut Transactions<u8>, now: Instant, flow: &str, request: Vec<u8>) -> Vec<String> {
        all.ask(now, ClientId::new(ID), flow.parse().unwrap(), request, 7);
        ways(all)
    }

    const TRUNK: &str = "udp 192.0.2.9:5060 192.0.2.1:5060";

    /// RFC 3261 §18.1.1.
    #[test]
    fn a_large_request_goes_by_tcp_and_by_udp_where_tcp_is_refused() {
        let mut all = Transactions::new(&listeners());
        let now = origin();
        let by_tcp = "tcp 192.0.2.9:5060 | Via: SIP/2.0/TCP 192.0.2.1:5060";
        let by_udp = "udp 192.0.2.9:5060 | Via: SIP/2.0/UDP 192.0.2.1:5060";
        for uri in ["sip:1@192.0.2.9", "sip:1@192.0.2.9:5060", "sip:1@pbx.example"] {
            let sent = ask(&mut all, now, TRUNK, request("INVITE", uri, 1301));
            assert_eq!(sent, [by_tcp], "{uri}");
        }
        let refused: Flow = "tcp 192.0.2.9:5060 192.0.2.1:5060".parse().unwrap();
        let lost = all.flow_is_dead(now, |own| {
            own.transport == refused.transport && own.peer == refused.peer
        });
        assert!(lost.is_empty(), "it is not lost");
        assert_eq!(ways(&mut all), [by_udp]);
        // From now on it is a datagram like others: said again, and given up in the end.
        let mut again = 0;
        while let Some(at) = all.next_deadline().filter(|at| *at < after(now, 20)) {
            assert!(all.next_lapsed(at).is_none());
            again += ways(&mut all).len();
        }
        assert!(again >= 5, "{again}");
        let soon = ask(
            &mut all,
            after(now, 60),
            TRUNK,
            request("INVITE", "sip:1@192.0.2.9", 1301),
        );
        assert_eq!(soon, [by_udp], "a refusal is remembered");
        let later = ask(
            &mut all,
            after(now, 700),
            TRUNK,
            request("INVITE", "sip:1@192.0.2.9", 1301),
        );
        assert_eq!(later, [by_tcp], "for a while");
    }

    #[test]
    fn small_requests_phones_behind_routers_and_boxes_without_tcp_stay_with_datagrams() {
        let now = origin();
        let mut all = Transactions::new(&listeners());
        for (uri, size) in [
            ("sip:1@192.0.2.9", 1300),
            ("sip:1@192.168.1.20:5060", 2000),
            ("sip:1@192.0.2.9:5062", 2000),
        ] {
            let sent = ask(&mut all, now, TRUNK, request("INVITE", uri, size));
            assert!(sent.iter().all(|way| way.starts_with("udp")), "{uri}: {sent:?}");
        }
        let mut without = Transactions::new(&[]);
        let sent = ask(
            &mut without,
            now,
            TRUNK,
            request("INVITE", "sip:1@192.0.2.9", 2000),
        );
        assert!(sent.iter().all(|way| way.starts_with("udp")), "{sent:?}");
    }

    /// RFC 3261 §18.1.1: a connection that is gone is opened anew, to the machine it led to and to no other.
    #[test]
    fn a_request_whose_connection_is_gone_takes_a_new_one() {
        let now = origin();
        for (uri, taken) in [("sip:1@192.0.2.9:5066", true), ("sip:1@192.0.2.66:5066", false)] {
            let mut all = Transactions::new(&listeners());
            let flow = Flow {
                connection: Some(4),
                .."tcp 192.0.2.9:40001 192.0.2.1:5060".parse().unwrap()
            };
            all.ask(now, ClientId::new(ID), flow, request("BYE", uri, 0), 7);
            ways(&mut all);
            let lost = all.flow_is_dead(now, |own| own.connection == Some(4));
            let sent = ways(&mut all);
            if taken {
                assert!(lost.is_empty());
                assert_eq!(sent, ["tcp 192.0.2.9:5066 | Via: SIP/2.0/TCP 192.0.2.1:5060"]);
            } else {
                assert_eq!((lost, sent.len()), (vec![7], 0));
            }
        }
    }

    /// RFC 3261 §18.2.2: the answer goes to the source, at the port its Via names.
    #[test]
    fn an_answer_whose_connection_is_gone_takes_a_new_one() {
        let now = origin();
        let mut all = Transactions::<u8>::new(&listeners());
        let text = "INVITE sip:8000@callpost SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKx\r\n\
                    From: <sip:a@b>;tag=f\r\nTo: <sip:8000@callpost>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n";
        let invite = Message::parse(text.as_bytes()).unwrap();
        let flow = Flow {
            connection: Some(4),
            .."tcp 192.0.2.9:40001 192.0.2.1:5060".parse().unwrap()
        };
        let server = all.serve(now, &flow, &invite, Some(7));
        assert!(all.flow_is_dead(now, |own| own.connection == Some(4)).is_empty());
        let ok = crate::sip::Draft::response(&invite, flow.peer, 200, Some("t")).finish();
        all.respond(now, server, 200, ok);
        let (flow, _) = all.take_sends().next().unwrap();
        assert_eq!(
            (flow.peer.to_string().as_str(), flow.connection),
            ("192.0.2.9:5070", None)
        );
    }
}
