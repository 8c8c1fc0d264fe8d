//! Keys that a peer presses and keys that it is told of: as telephone-events (RFC 4733), and as tones in the voice.

mod echo;
mod events;
mod inband;
mod presses;
mod telling;

pub use echo::{Echo, KeyPath};
pub(super) use events::Keys;
pub(super) use inband::Inband;
pub(super) use presses::Presses;
pub(super) use telling::KeysTold;
