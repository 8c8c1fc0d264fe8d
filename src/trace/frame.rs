use crate::model::{CallId, LegId};
use crate::sip::{Flow, Transport};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A SIP message as it went over the wire, with what nobody should read taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// When, in microseconds since 1970 by the box's clock of that moment.
    pub at_us: i64,
    /// Whether it came or went.
    pub way: Way,
    /// Between which sockets.
    pub flow: Flow,
    /// Of which call.
    pub call: CallId,
    /// Of which of its legs.
    pub leg: LegId,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Seen from the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It came in.
    Received,
    /// It went out.
    Sent,
}

/// What the engine's thread lays into the tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A message of some call.
    Message {
        at_us: i64,
        way: Way,
        flow: Flow,
        bytes: &'a [u8],
    },
    /// Messages with this Call-ID are of this leg from now on.
    Belongs {
        call: CallId,
        leg: LegId,
        call_id: &'a [u8],
    },
}

const MESSAGE: u8 = 1;
const BELONGS: u8 = 2;

impl Frame<'_> {
    /// Lays it behind what is there: its length in four bytes, then its kind and fields, all little-endian.
    pub(super) fn put(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&[0; 4]);
        match self {
            Self::Message {
                at_us,
                way,
                flow,
                bytes,
            } => {
                into.push(MESSAGE);
                into.extend_from_slice(&at_us.to_le_bytes());
                put_way(into, *way, flow);
                into.extend_from_slice(bytes);
            }
            Self::Belongs { call, leg, call_id } => {
                into.push(BELONGS);
                into.extend_from_slice(call.0.as_bytes());
                into.extend_from_slice(&leg.0.to_le_bytes());
                into.extend_from_slice(call_id);
            }
        }
        close(into, start);
    }

    /// Takes the next one off the front.
    pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Frame<'a>> {
        let mut frame = open(bytes)?;
        let rest = &mut frame;
        match take::<1>(rest)?[0] {
            MESSAGE => {
                let at_us = i64::from_le_bytes(take(rest)?);
                let (way, flow) = take_way(rest)?;
                Some(Frame::Message {
                    at_us,
                    way,
                    flow,
                    bytes: frame,
                })
            }
            BELONGS => Some(Frame::Belongs {
                call: CallId(uuid::Uuid::from_bytes(take(rest)?)),
                leg: LegId(u32::from_le_bytes(take(rest)?)),
                call_id: frame,
            }),
            _ => None,
        }
    }
}

impl Traced {
    /// Lays it behind what is there, as it stands in a file.
    pub(super) fn put(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&[0; 4]);
        into.extend_from_slice(&self.at_us.to_le_bytes());
        put_way(into, self.way, &self.flow);
        into.extend_from_slice(self.call.0.as_bytes());
        into.extend_from_slice(&self.leg.0.to_le_bytes());
        into.extend_from_slice(&self.bytes);
        close(into, start);
    }

    /// Takes the next one off the front.
    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut frame = open(bytes)?;
        let rest = &mut frame;
        let at_us = i64::from_le_bytes(take(rest)?);
        let (way, flow) = take_way(rest)?;
        Some(Self {
            at_us,
            way,
            flow,
            call: CallId(uuid::Uuid::from_bytes(take(rest)?)),
            leg: LegId(u32::from_le_bytes(take(rest)?)),
            bytes: frame.to_vec(),
        })
    }
}

fn close(into: &mut [u8], start: usize) {
    let length = u32::try_from(into.len() - start - 4).unwrap_or(0);
    if let Some(place) = into.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn open<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(bytes)?);
    let (frame, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(frame)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

const TRANSPORTS: [Transport; 5] = [
    Transport::Udp,
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];

fn put_way(into: &mut Vec<u8>, way: Way, flow: &Flow) {
    let transport = TRANSPORTS.iter().position(|one| *one == flow.transport);
    into.push(u8::from(way == Way::Sent));
    into.push(transport.and_then(|place| u8::try_from(place).ok()).unwrap_or(0));
    for address in [flow.local, flow.peer] {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        into.extend_from_slice(&ip.octets());
        into.extend_from_slice(&address.port().to_le_bytes());
    }
}

fn take_way(bytes: &mut &[u8]) -> Option<(Way, Flow)> {
    let [way, transport] = take(bytes)?;
    let mut address = || {
        let ip = Ipv6Addr::from(take::<16>(bytes)?).to_canonical();
        Some(SocketAddr::new(ip, u16::from_le_bytes(take(bytes)?)))
    };
    let flow = Flow {
        transport: *TRANSPORTS.get(usize::from(transport))?,
        local: address()?,
        peer: address()?,
        connection: None,
    };
    let way = if way == 1 { Way::Sent } else { Way::Received };
    Some((way, flow))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::trace) fn call(number: u8) -> CallId {
        let mut chance = [number; 10];
        chance[0] = 1;
        CallId::new(1_790_000_000_000, &chance)
    }

    pub(in crate::trace) fn traced(at_us: i64, way: Way, flow: &str, leg: u32, bytes: &str) -> Traced {
        Traced {
            at_us,
            way,
            flow: flow.parse().unwrap(),
            call: call(1),
            leg: LegId(leg),
            bytes: bytes.as_bytes().to_vec(),
        }
    }

    #[test]
    fn what_was_laid_down_comes_back_in_order_and_a_torn_end_is_left() {
        let flow: Flow = "wss [::1]:40000 [::1]:443".parse().unwrap();
        let frames = [
            Frame::Message {
                at_us: 5,
                way: Way::Sent,
                flow,
                bytes: b"INVITE",
            },
            Frame::Belongs {
                call: call(1),
                leg: LegId(2),
                call_id: b"abc@host",
            },
        ];
        let mut laid = Vec::new();
        for frame in &frames {
            frame.put(&mut laid);
        }
        let mut rest = &laid[..];
        assert_eq!(Frame::take(&mut rest).as_ref(), Some(&frames[0]));
        assert_eq!(Frame::take(&mut rest).as_ref(), Some(&frames[1]));
        assert_eq!(Frame::take(&mut rest), None);
        let message = traced(7, Way::Received, "udp 127.0.0.1:5060 127.0.0.2:5060", 0, "BYE");
        let mut written = Vec::new();
        message.put(&mut written);
        assert_eq!(Traced::take(&mut &written[..]), Some(message));
        for cut in 0..written.len() {
            assert_eq!(Traced::take(&mut &written[..cut]), None);
        }
    }
}
