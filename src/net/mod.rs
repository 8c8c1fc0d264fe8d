//! Sockets: SIP over UDP and TCP, and the RTP threads that drive `media` sessions.

pub mod rtp;
mod tcp;
mod udp;

pub use tcp::{StreamEvent, StreamHub};
pub use udp::UdpSockets;
