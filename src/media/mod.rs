//! One media session a leg: RTP in and out, prompts, digits, recording taps, measured quality.
//!
//! Pure: packets, instants and orders come in as arguments; `net::rtp` owns the sockets and the thread. A
//! [`Session`] is one leg; a [`Tape`] listens to two of them; a [`Sound`] is something a leg can hear.
//!
//! `rtp`, `rtcp` and `srtp` are about packets, `quality` measures them, `keys` finds what was pressed. `codec` and `voice` make
//! samples of packets and packets of samples; `playing` is what a leg hears, `taping` what is kept of it, and in [`mixer`] more
//! than two meet.

mod clock;
pub mod codec;
mod config;
#[cfg(test)]
mod encrypted;
mod keys;
pub mod mixer;
mod order;
mod playing;
mod quality;
mod rtcp;
mod rtp;
mod session;
mod srtp;
#[cfg(test)]
mod stories;
mod taping;
mod voice;

pub use codec::g711;
pub use config::Config;
pub use keys::{Echo, KeyPath};
pub use order::{MediaEvent, MediaOrder, PlayId};
pub use playing::{FRAME, Found, Piece, Ringing, Sound, Sounds, Tones};
pub use rtp::{Kind, Packet};
pub use session::{Frame, Heard, HeardReport, Overdue, PACKET, Report, Session};
pub use taping::Tape;
pub use voice::{Ear, Mouth};
