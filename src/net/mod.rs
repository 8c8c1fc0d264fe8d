//! Sockets: SIP over UDP and over streams (TCP, TLS, WebSocket), names looked up in DNS, and the RTP threads that
//! drive `media` sessions.

mod dns;
mod early;
mod priority;
pub mod rtp;
mod streams;
mod tls;
mod udp;

pub use dns::{Answer, Dns};
pub use early::listen_for_pages;
pub use streams::{Listening, StreamEvent, StreamHub, StreamSetup, TlsCaller, WebRules, websocket_limits};
pub use tls::{CertificateFacts, TlsDoor, TlsFiles, TlsPart, TlsTrouble, make_certificate};
pub use udp::UdpSockets;
