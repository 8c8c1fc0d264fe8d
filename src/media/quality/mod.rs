//! How good a line is: what of a stream came, in which order and when, and what a listener would say of it.
//!
//! Measured or unknown, never guessed.

mod losses;
mod opinion;
mod reception;

pub(super) use reception::{Reception, Reported};
