//! The RTP threads: each owns the sockets and the media sessions of some calls, and nobody else touches them.
//!
//! The engine gives a [`crate::media::MediaOrder`] and hears a [`crate::media::MediaEvent`]; the recorder gets the
//! audio of tapes. Voice itself stays here: a packet is read, understood, rewritten where it lies and sent in one
//! turn, without allocation or lock. While nobody plays and nothing arrives, a thread sleeps.

mod threads;
mod sockets;
mod worker;
mod carry_out;
mod traffic;
mod legs;
mod playout;
mod taping;
mod outbox;
mod counters;
#[cfg(test)]
mod tests;

pub use counters::RtpCounters;
pub use outbox::ToEngine;
pub use threads::{RtpSettings, RtpThreads};
