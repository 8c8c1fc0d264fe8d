//! What the box says: sound files and speech, turned into ready frames before anybody has to wait for them.
//!
//! A [`Shelf`] knows which prompts exist, [`Library::load`] decodes them once, and from then on finding one costs no
//! allocation and no file access; when the shelf changes, [`Library::restock`] exchanges them under the players' hands. Free text is spoken by a subprocess on a [`Speaker`]'s thread; until it is ready
//! the RTP thread is told to ask again.

mod decode;
mod library;
mod own;
mod problem;
mod ready;
mod recorded;
mod resample;
mod shelf;
mod shipped;
mod speaker;
mod stock;
mod synthesiser;

pub use library::{Library, Opened};
pub use own::{Brought, OwnPrompts};
pub use problem::Problem;
pub use ready::{as_wav, sound_of};
pub use recorded::{MessageReader, ReadMessage};
pub use shelf::{Listed, Origin, Shelf};
pub use speaker::Speaker;
pub use synthesiser::Synthesiser;
