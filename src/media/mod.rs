//! One media session a leg: RTP in and out, prompts, digits, recording taps, measured quality.
//!
//! Pure: packets, instants and orders come in as arguments; `net::rtp` owns the sockets and the thread. A
//! [`Session`] is one leg; a [`Tape`] listens to two of them; a [`Sound`] is something a leg can hear.

mod clock;
pub mod codec;
mod comfort;
mod config;
mod ear;
mod echo;
#[cfg(test)]
mod encrypted;
pub mod g711;
mod hearing;
mod inband;
mod jitter;
mod keys;
mod lane;
mod latch;
mod losses;
pub mod mixer;
mod mouth;
mod opinion;
mod order;
mod outgoing;
mod packet;
mod pause;
mod player;
mod presses;
mod reception;
mod reel;
mod ringing;
mod rtcp;
mod session;
mod silence;
mod sound;
mod sounds;
mod source;
mod srtp;
#[cfg(test)]
mod stories;
mod tape;
#[cfg(test)]
mod tape_stories;
mod telling;
mod tone;
mod waiting;
#[cfg(test)]
mod wide_stories;

pub use config::Config;
pub use ear::Ear;
pub use echo::{Echo, KeyPath};
pub use mouth::Mouth;
pub use order::{MediaEvent, MediaOrder, PlayId};
pub use packet::{Kind, Packet};
pub use player::Piece;
pub use ringing::Ringing;
pub use session::{Frame, Heard, HeardReport, Overdue, PACKET, Report, Session};
pub use sound::{FRAME, Sound};
pub use sounds::{Found, Sounds};
pub use tape::Tape;
pub use tone::Tones;
