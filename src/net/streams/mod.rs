//! SIP over streams: TCP, TLS, and WebSocket plain and inside TLS (RFC 3261 §18, RFC 5626, RFC 7118).
//!
//! [`StreamHub`] is the door the engine's thread sends through; it knows every connection by its number and by its
//! peer. `accept` lets strangers in and shakes hands with them, `connection` serves a stream of bytes, `websocket` one
//! of WebSocket messages. How long a silent peer may stay is its [`patience`]; how many may be there is `places`.

mod accept;
mod connection;
mod hub;
mod patience;
mod places;
mod web_rules;
mod websocket;

pub use accept::Listening;
pub use hub::{StreamEvent, StreamHub, StreamSetup, TlsCaller};
pub use web_rules::WebRules;
pub use websocket::websocket_limits;
