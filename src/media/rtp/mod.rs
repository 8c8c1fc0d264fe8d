//! Packets of voice (RFC 3550): their headers, the stream a leg's peer sends, and the one stream it hears of ours.
//!
//! [`Source`] ties a peer's numbers together where they jump, [`Latch`] knows where the peer really is, [`Outgoing`] numbers
//! what we send whoever it comes from.

mod latch;
mod outgoing;
mod packet;
mod source;

pub(super) use latch::{Latch, Verdict, is_marked};
pub(super) use outgoing::Outgoing;
pub(super) use packet::{HEADER, Header, Stamp, TAIL};
pub use packet::{Kind, Packet};
pub(super) use source::{Source, Step};
