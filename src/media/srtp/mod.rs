//! Encrypted voice (RFC 3711, RFC 6188, RFC 7714): what a leg receives is opened and what it sends is sealed, each
//! where it lies, without allocation.
//!
//! [`Protection`] says whether a leg's packets are encrypted; its `shield` does it, both ways, for RTP and RTCP. `keys` derives the session keys from the master
//! key, `transform` does the cryptography on a packet, `streams` keeps rollover counters and what was seen already,
//! `layout` knows where payload, index, identifier and tag lie.
//!
//! The door for browsers is here. A shield is made from a [`crate::sdp::Secured`] and asks nobody how its keys came
//! about: crypto lines in SDP do it today, and the keying material of a DTLS handshake (RFC 5764 §4.2) is the same two
//! master keys with their salts. Handshake and connectivity checks come before any packet reaches a session, at the
//! socket, where the first byte of a datagram tells STUN, DTLS and RTP apart (RFC 7983 §7).

mod keys;
mod layout;
mod protection;
mod shield;
mod streams;
mod transform;
#[cfg(test)]
mod vectors;

pub(super) use protection::Protection;
