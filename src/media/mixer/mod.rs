//! Legs that cannot be relayed as they are meet here: other codecs, or more than two.
//!
//! A [`Mixer`] hears every party once in 20 ms, adds up what each is to hear (all who talk but itself) and says it in
//! that party's codec. Its ticks are counted from one origin, so that a day of them is a day. Nothing is allocated
//! between two changes of who takes part.

mod choir;
mod limit;
mod party;
mod table;
#[cfg(test)]
mod tests;
mod voice;

pub use table::Mixer;
pub use voice::Voice;
