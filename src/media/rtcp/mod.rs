//! RTCP (RFC 3550 §6): what the box tells a peer of its stream, and what the peer tells of ours.
//!
//! Nothing here decides anything about a call. A report that is wrong, spoofed or missing costs a figure.

mod reading;
mod reports;
mod writing;

pub(super) use reading::{Block, is_rtcp, read};
pub(super) use reports::{Heard, Own, Reports};
pub(super) use writing::Writer;
