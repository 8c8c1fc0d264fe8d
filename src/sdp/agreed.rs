use crate::model::Codec;
use std::net::SocketAddr;

/// What an offer and its answer settled for one audio stream, seen from the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// Where the peer receives RTP, and the only address RTP is accepted from.
    pub remote: SocketAddr,
    /// Where the peer receives RTCP (`a=rtcp`, or the next port; the same as `remote` with rtcp-mux).
    pub remote_rtcp: SocketAddr,
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
    /// Milliseconds of audio in a packet we send.
    pub packet_ms: u16,
    /// Which way audio flows now.
    pub flowing: Flowing,
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
