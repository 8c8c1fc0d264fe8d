//! Whole calls in virtual time: the appliance at Engine height, told as ladders and compared by snapshot.
//!
//! Read a test as a story: who does what, and below it everything that went over the wire.
#![expect(clippy::unwrap_used, reason = "a story that goes wrong should stop")]
#![expect(
    unreachable_pub,
    reason = "the world is a small crate of its own inside this one"
)]

mod world;

mod answering;
mod any_story;
mod calling;
mod describing;
mod dialing;
mod early;
mod encrypting;
mod guarded;
mod guests;
mod journal;
mod keys;
mod lamps;
mod lossy;
mod menu;
mod messages;
mod overflow;
mod recording;
mod refusing;
mod registering;
mod replacing;
mod rounds;
mod session;
mod silence;
mod talking;
mod transferring;
mod trunk;
mod verdicts;
mod voicemail;
