//! Voice in and out of its codecs: how long a payload sounds, samples from payloads, payloads from samples, and
//! samples at another rate. Nothing here allocates once it is made.

mod length;

pub use length::ticks;
