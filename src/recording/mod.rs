//! Audio files of calls: written while people talk, playable after a pulled plug, mended at the next start.
//!
//! One thread, the [`Recorder`], owns every file. The engine says `Begin`, the RTP thread sends audio and
//! `End`, and the word that a file is complete comes back through a callback. [`mend_all`] repairs what a
//! killed daemon left, and [`inspect`], [`decode`] and [`tone_level`] listen to a file for tests and the
//! demo.

mod config;
mod header;
mod listen;
mod mend;
mod recorder;
mod roots;
mod seal;
mod space;
mod tape;
#[cfg(test)]
pub(crate) mod tests;

pub use config::Config;
pub use listen::{Sound, WavFacts, decode, inspect, tone_level};
pub use mend::{MendReport, mend_all};
pub use recorder::{Options, Recorder, RecorderCounts};
pub use roots::Roots;
pub use space::{SpaceShort, SpaceWatch};
