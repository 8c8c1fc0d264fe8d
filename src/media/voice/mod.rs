//! A voice as samples, where packets alone will not do: for mixing, for tapes in another codec, for hearing silence.
//!
//! An [`Ear`] is a jitter buffer with a decoder behind it, which gives 20 ms whenever it is asked; a [`Mouth`] says 20 ms in a
//! codec. [`Hearing`] only decodes what comes, when it comes.

mod comfort;
mod ear;
mod hearing;
mod jitter;
mod lane;
mod mouth;
mod silence;
mod waiting;

pub use ear::Ear;
pub(super) use hearing::Hearing;
pub use mouth::Mouth;
pub(super) use silence::Silence;
