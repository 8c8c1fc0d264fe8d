use crate::media::codec::{Encoder, Resampler, frame_at};
use crate::model::Codec;
use crate::sdp::OpusWishes;

/// What a leg whose voice is mixed or changed speaks with: frames at one rate become payloads of its codec.
#[derive(Debug)]
pub struct Mouth {
    encoder: Encoder,
    /// When the codec has another rate than what is said.
    resampler: Option<(Resampler, Box<[i16]>)>,
}

impl Mouth {
    /// A mouth for this codec that is told what to say at `rate_hz`.
    pub fn new(codec: Codec, rate_hz: u32) -> Self {
        let encoder = Encoder::at(codec, rate_hz);
        let resampler = (encoder.rate() != rate_hz).then(|| {
            let frame = vec![0; frame_at(encoder.rate())];
            (Resampler::new(rate_hz, encoder.rate()), frame.into())
        });
        Self { encoder, resampler }
    }

    /// Keeps to what the peer wants of Opus.
    #[must_use]
    pub fn keeping_to(mut self, wishes: &OpusWishes) -> Self {
        self.encoder.keep_to(wishes);
        self
    }

    /// Writes 20 ms as a payload and gives its length; 0 when nothing is to be sent for them.
    pub fn speak(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        match &mut self.resampler {
            Some((resampler, frame)) => {
                resampler.resample(pcm, frame);
                self.encoder.encode(frame, out)
            }
            None => self.encoder.encode(pcm, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{sine, strength};
    use crate::media::codec::{Decoder, Pcm};

    #[test]
    fn what_is_said_at_any_rate_is_heard_in_any_codec() {
        for rate in [8000, 16_000, 48_000] {
            for codec in Codec::ALL {
                let mut mouth = Mouth::new(codec, rate);
                let mut decoder = Decoder::new(codec);
                let (mut out, mut pcm, mut heard) = ([0; 1500], Pcm::new(), Vec::new());
                for frame in sine(rate, 1000.0, 8000.0, rate as usize / 2).chunks(frame_at(rate)) {
                    let length = mouth.speak(frame, &mut out);
                    decoder.decode(&out[..length], &mut pcm);
                    heard.extend_from_slice(pcm.samples());
                }
                let own = codec.sample_rate();
                let found = strength(&heard[heard.len() / 2..], own, 1000.0);
                assert!((6500.0..9500.0).contains(&found), "{codec} from {rate}: {found}");
            }
        }
    }
}
