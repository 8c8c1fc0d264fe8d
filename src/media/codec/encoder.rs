use super::{frame_at, g711};
use crate::model::Codec;
use crate::sdp::OpusWishes;
use audio_codec::Encoder as _;
use audio_codec::g722::G722Encoder;
use opus::{Application, Bitrate, Channels, Signal};

/// Bits a second of our Opus: a clear voice, less than half of G.711.
const OPUS_BITS: u32 = 24_000;
/// What our Opus takes the loss on the way for, in percent: from here on it sends copies of packets.
const OPUS_LOSS: i32 = 5;
/// How hard Opus works, 0 to 10. Above 5 a small board pays for what nobody hears at this bit rate.
const OPUS_WORK: i32 = 5;
/// An Opus payload of up to so many bytes says only that it is silent, and need not be sent (RFC 6716, DTX).
const OPUS_SILENT: usize = 2;

/// Turns samples into the payloads of one stream.
pub struct Encoder {
    codec: Codec,
    rate: u32,
    voice: Voice,
}

enum Voice {
    G711,
    G722(Box<G722Encoder>),
    Opus(opus::Encoder),
    /// What the box does not encode.
    Mute,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Encoder({} at {} Hz)", self.codec, self.rate)
    }
}

impl Encoder {
    /// Encodes from the codec's own sample rate.
    pub fn new(codec: Codec) -> Self {
        Self::at(codec, codec.sample_rate())
    }

    /// Encodes from the given rate in Hz, or from the nearest the codec itself has: see [`Encoder::rate`].
    pub fn at(codec: Codec, rate_hz: u32) -> Self {
        let rate = match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G729 => 8000,
            Codec::G722 => 16_000,
            Codec::Opus if matches!(rate_hz, 8000 | 12_000 | 16_000 | 24_000) => rate_hz,
            Codec::Opus => 48_000,
        };
        let voice = match codec {
            Codec::Pcmu | Codec::Pcma => Voice::G711,
            Codec::G722 => Voice::G722(Box::default()),
            // It fails only for a rate that Opus does not have, or without memory.
            Codec::Opus => opus_encoder(rate).map_or(Voice::Mute, Voice::Opus),
            Codec::G729 => Voice::Mute,
        };
        Self { codec, rate, voice }
    }

    /// Samples a second of what it takes.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Samples of the 20 ms that it takes at once.
    pub fn frame(&self) -> usize {
        frame_at(self.rate)
    }

    /// Keeps to what the peer wants of Opus. Other codecs leave no choice.
    pub fn keep_to(&mut self, wishes: &OpusWishes) {
        let Voice::Opus(encoder) = &mut self.voice else {
            return;
        };
        let bits = wishes.most_bits.map_or(OPUS_BITS, |most| most.min(OPUS_BITS));
        // Each is refused only for values out of its range; then the usual one stands.
        let _ = encoder.set_bitrate(Bitrate::Bits(bits.cast_signed()));
        let _ = encoder.set_inband_fec(wishes.fec);
        let _ = encoder.set_dtx(wishes.dtx);
    }

    /// Writes 20 ms at [`Encoder::rate`] as a payload, and gives its length: 0 when there is nothing to send, because
    /// the peer likes silence left out, or `out` is too small.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> usize {
        match &mut self.voice {
            Voice::G711 => encode_law(self.codec, pcm, out),
            Voice::G722(encoder) => encoder.encode_into(pcm, out).unwrap_or(0),
            Voice::Opus(encoder) => match encoder.encode(pcm, out) {
                Ok(length) if length > OPUS_SILENT => length,
                Ok(_) | Err(_) => 0,
            },
            Voice::Mute => 0,
        }
    }
}

fn opus_encoder(rate: u32) -> opus::Result<opus::Encoder> {
    let mut encoder = opus::Encoder::new(rate, Channels::Mono, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Bits(OPUS_BITS.cast_signed()))?;
    encoder.set_signal(Signal::Voice)?;
    encoder.set_complexity(OPUS_WORK)?;
    encoder.set_packet_loss_perc(OPUS_LOSS)?;
    encoder.set_inband_fec(true)?;
    Ok(encoder)
}

fn encode_law(law: Codec, pcm: &[i16], out: &mut [u8]) -> usize {
    for (place, sample) in out.iter_mut().zip(pcm) {
        *place = g711::encode(law, *sample);
    }
    pcm.len().min(out.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::voice;
    use crate::media::codec::ticks;

    #[test]
    fn every_frame_of_every_codec_says_twenty_milliseconds() {
        for codec in Codec::ALL {
            for rate in [8000, 16_000, 48_000] {
                let mut encoder = Encoder::at(codec, rate);
                let said = voice(encoder.rate(), encoder.frame() * 20);
                let mut out = [0; 1500];
                for frame in said.chunks(encoder.frame()) {
                    let length = encoder.encode(frame, &mut out);
                    assert_eq!(
                        ticks(codec, &out[..length]),
                        codec.clock_rate() / 50,
                        "{codec} at {rate}"
                    );
                }
            }
        }
    }

    #[test]
    fn opus_stays_below_its_bit_rate_and_below_the_peers() {
        for (most, bytes) in [(None, 60), (Some(12_000), 30), (Some(500_000), 60)] {
            let mut encoder = Encoder::at(Codec::Opus, 16_000);
            encoder.keep_to(&OpusWishes {
                most_bits: most,
                fec: true,
                ..OpusWishes::default()
            });
            let said = voice(16_000, 32_000);
            let mut out = [0; 1500];
            let sent: usize = said
                .chunks(320)
                .map(|frame| encoder.encode(frame, &mut out))
                .sum();
            assert!(
                sent <= bytes * 100 * 12 / 10,
                "{most:?}: {sent} bytes in two seconds"
            );
        }
    }

    #[test]
    fn silence_is_left_out_for_a_peer_that_likes_it_so_and_only_for_it() {
        for dtx in [false, true] {
            let mut encoder = Encoder::at(Codec::Opus, 16_000);
            encoder.keep_to(&OpusWishes {
                dtx,
                ..OpusWishes::default()
            });
            let mut out = [0; 1500];
            let sent = (0..100)
                .filter(|_| encoder.encode(&[0; 320], &mut out) > 0)
                .count();
            assert!(
                if dtx { sent < 40 } else { sent == 100 },
                "{dtx}: {sent} packets in two seconds"
            );
        }
    }

    #[test]
    fn a_buffer_too_small_and_a_frame_of_another_length_send_nothing_wrong() {
        for codec in Codec::KNOWN {
            let mut encoder = Encoder::new(codec);
            for length in [0, 1, 7, 100, 5000] {
                let mut out = [0; 1500];
                assert!(encoder.encode(&vec![0; length], &mut out) <= 1500);
                assert!(encoder.encode(&vec![9; length], &mut out[..1]) <= 1);
            }
        }
    }
}
