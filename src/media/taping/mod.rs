//! Two voices in step on one tape, whatever their packets went through.

mod pause;
mod reel;
#[cfg(test)]
mod stories;
mod tape;
#[cfg(test)]
mod wide_stories;

pub use tape::Tape;
