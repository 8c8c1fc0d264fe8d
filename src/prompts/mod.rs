//! What the box says: sound files and speech, turned into ready frames before anybody has to wait for them.
//!
//! A [`Shelf`] knows which prompts exist, [`Library::load`] decodes them once, and from then on finding one costs no
//! allocation and no file access. Free text is spoken by a subprocess on a [`Speaker`]'s thread; until it is ready
//! the RTP thread is told to ask again.

mod decode;
mod library;
mod problem;
mod ready;
mod recorded;
mod resample;
mod shelf;
mod shipped;
mod speaker;
mod synthesiser;

pub use library::{Library, Opened};
pub use problem::Problem;
pub use recorded::{MessageReader, ReadMessage};
pub use shelf::Shelf;
pub use speaker::Speaker;
pub use synthesiser::Synthesiser;
