//! The RTP threads: each owns the sockets and the media sessions of some calls, and nobody else touches them.
//!
//! The engine gives a [`crate::media::MediaOrder`] and hears a [`crate::media::MediaEvent`]; the recorder gets the
//! audio of tapes. Voice itself stays here: a packet is read, understood, rewritten where it lies and sent in one
//! turn, without allocation or lock. While nobody plays and nothing arrives, a thread sleeps.

mod carry_out;
mod counters;
mod guests;
mod legs;
mod mixing;
mod outbox;
mod playout;
mod ration;
mod reporting;
mod sockets;
mod taping;
#[cfg(test)]
mod tests;
mod threads;
mod traffic;
mod worker;

pub use counters::RtpCounters;
pub use outbox::ToEngine;
pub use threads::{RtpSettings, RtpThreads};
