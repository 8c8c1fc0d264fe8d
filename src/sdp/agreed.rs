use super::{OpusWishes, Secured};
use crate::model::Codec;
use std::net::{IpAddr, SocketAddr};

/// What an offer and its answer settled for one audio stream, seen from the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Where the peer receives RTP, and the only address RTP is accepted from.
    pub remote: SocketAddr,
    /// Where the peer receives RTCP (`a=rtcp`, or the next port; the same as `remote` with rtcp-mux).
    pub remote_rtcp: SocketAddr,
    /// Whether RTP and RTCP share one port (RFC 5761).
    pub rtcp_mux: bool,
    /// The only address from which the peer's place may be learned, when a router hides where it is: the one its
    /// signalling comes from. None keeps to what SDP says.
    pub learns_from: Option<IpAddr>,
    /// The codec both sides send.
    pub codec: Codec,
    /// Payload number to send, the peer's choice.
    pub send_payload_type: u8,
    /// Payload number to expect, our choice.
    pub receive_payload_type: u8,
    /// Payload number of telephone-event to send, when the peer takes it.
    pub send_telephone_event: Option<u8>,
    /// Payload number of telephone-event to expect.
    pub receive_telephone_event: Option<u8>,
    /// Ticks a second in which telephone-event tells how long a key was held: the codec's clock, unless the peer
    /// knows only another.
    pub telephone_event_clock: u32,
    /// Payload number of comfort noise (RFC 3389) in both directions, when the peer named it at the codec's clock.
    pub noise: Option<u8>,
    /// What the peer wants to hear, when the codec is Opus.
    pub opus: OpusWishes,
    /// Milliseconds of audio in a packet we send.
    pub packet_ms: u16,
    /// Which way audio flows now.
    pub flowing: Flowing,
    /// The keys, when voice is encrypted.
    pub secured: Option<Secured>,
}

impl Agreed {
    /// The plainest agreement with a peer: this codec both ways in packets of 20 ms, with telephone-event 101 and no
    /// more. RTCP has the port after.
    pub fn plain(remote: SocketAddr, codec: Codec) -> Self {
        let number = codec.payload_type().unwrap_or(111);
        Self {
            remote,
            remote_rtcp: SocketAddr::new(remote.ip(), remote.port().saturating_add(1)),
            rtcp_mux: false,
            learns_from: None,
            codec,
            send_payload_type: number,
            receive_payload_type: number,
            send_telephone_event: Some(101),
            receive_telephone_event: Some(101),
            telephone_event_clock: codec.clock_rate(),
            noise: None,
            opus: OpusWishes::default(),
            packet_ms: 20,
            flowing: Flowing::Both,
            secured: None,
        }
    }
}

/// Which way audio flows, seen from the box (RFC 3264 §5.1, already turned round from the peer's words).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flowing {
    /// Both ways.
    Both,
    /// We send, the peer does not: the peer put us on hold and wants music, or only listens.
    SendOnly,
    /// The peer sends, we do not.
    ReceiveOnly,
    /// Neither.
    Neither,
}
