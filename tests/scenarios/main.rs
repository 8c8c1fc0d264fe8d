//! Whole calls in virtual time: the appliance at Engine height, told as ladders and compared by snapshot.
#![expect(clippy::unwrap_used, reason = "a story that goes wrong should stop")]

mod world;

mod first;
