//! What a leg can be made to hear: sounds as ready frames, tones, and the player that gives out one frame in 20 ms.

mod player;
mod ringing;
mod sound;
mod sounds;
mod tone;

pub use player::Piece;
pub(super) use player::{Next, Player};
pub use ringing::Ringing;
pub use sound::{FRAME, Sound};
pub use sounds::{Found, Sounds};
pub use tone::Tones;
#[cfg(test)]
pub(super) use tone::frequencies;
