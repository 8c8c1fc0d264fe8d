//! Voice in and out of its codecs: how long a payload sounds, samples from payloads, payloads from samples, what is
//! heard in the place of a lost packet, and samples at another rate. Nothing here allocates once it is made.

mod conceal;
mod decoder;
mod doubler;
mod encoder;
pub mod g711;
mod length;
mod pcm;
mod resampler;

pub(super) use conceal::period;
pub use decoder::Decoder;
pub(super) use doubler::Doubler;
pub use encoder::Encoder;
pub use length::ticks;
pub use pcm::Pcm;
pub use resampler::Resampler;

/// Milliseconds of one frame of ours.
pub const FRAME_MS: u32 = 20;

/// Samples of one frame of ours, 20 ms, at this rate in Hz.
pub const fn frame_at(rate_hz: u32) -> usize {
    (rate_hz / 50) as usize
}

#[cfg(test)]
pub(crate) mod testing;
