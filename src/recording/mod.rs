//! Audio files of calls: written while people talk, playable after a pulled plug, mended at the next start.
//!
//! One thread, the [`Recorder`], owns every file. The engine says `Begin`, the RTP thread sends audio and
//! `End`, and the word that a file is complete comes back through a callback. [`mend_all`] repairs what a
//! killed daemon left, and [`inspect`], [`decode`] and [`tone_level`] listen to a file for tests and the
//! demo.

mod archive;
mod as_wav;
mod audit;
mod config;
mod draft;
mod find;
mod header;
mod listen;
mod mend;
mod opus_ogg;
mod recorder;
mod redact;
mod roots;
mod seal;
mod space;
mod tape;
#[cfg(test)]
pub(crate) mod tests;
mod vault;
mod wave;

pub use archive::{Archived, Breathe, archive};
pub use as_wav::as_wav;
pub use audit::{Audit, AuditItem, Judgement, Known};
pub use config::{Archive, Config};
pub use find::{AudioFile, Found};
pub use listen::{Sound, WavFacts, decode, inspect, tone_level};
pub use mend::{MendReport, mend_all};
pub use recorder::{Options, Recorder, RecorderCounts, RecorderWatch};
pub use redact::{Redaction, redact, rekey, remove};
pub use roots::Roots;
pub use space::{SpaceShort, SpaceWatch};
pub use vault::{KeyId, Keys, SealTrouble};
