use super::conceal::Concealer;
use super::pcm::MOST;
use super::{Pcm, frame_at, g711, ticks};
use crate::model::Codec;
use audio_codec::g722::G722Decoder;
use opus::Channels;

/// Turns the payloads of one stream into samples.
///
/// Whatever comes is decoded to something: junk sounds like junk, and ends at the longest packet there is.
pub struct Decoder {
    codec: Codec,
    rate: u32,
    voice: Voice,
    concealer: Concealer,
    /// Samples of the newest packet: the length of one that is lost.
    usual: usize,
}

enum Voice {
    G711,
    G722(Box<G722Decoder>),
    Opus(opus::Decoder),
    /// What the box does not decode.
    Mute,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Decoder({} at {} Hz)", self.codec, self.rate)
    }
}

impl Decoder {
    /// Decodes to the codec's own sample rate.
    pub fn new(codec: Codec) -> Self {
        Self::at(codec, codec.sample_rate())
    }

    /// Decodes to the given rate in Hz, or to the nearest the codec itself has: see [`Decoder::rate`].
    pub fn at(codec: Codec, rate_hz: u32) -> Self {
        let rate = match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G729 => 8000,
            Codec::G722 if rate_hz <= 8000 => 8000,
            Codec::G722 => 16_000,
            Codec::Opus if matches!(rate_hz, 8000 | 12_000 | 16_000 | 24_000) => rate_hz,
            Codec::Opus => 48_000,
        };
        Self {
            codec,
            rate,
            voice: Voice::of(codec, rate),
            concealer: Concealer::new(rate),
            usual: frame_at(rate),
        }
    }

    /// Samples a second of what it gives.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// What it decodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// From now on the other law of G.711 comes: a phone may send either where one was agreed.
    pub(in crate::media) fn change_law(&mut self, law: Codec) {
        if law.is_g711() && self.codec.is_g711() {
            self.codec = law;
        }
    }

    /// The samples of a payload.
    pub fn decode(&mut self, payload: &[u8], pcm: &mut Pcm) {
        let length = match &mut self.voice {
            Voice::G711 => decode_law(self.codec, payload, pcm.room()),
            Voice::G722(decoder) => {
                let most = payload.get(..payload.len().min(MOST / 2)).unwrap_or_default();
                decoder.decode_frame_into(most, pcm.room()).unwrap_or(0)
            }
            // Without a byte it would be taken for a loss.
            Voice::Opus(_) if payload.is_empty() => 0,
            Voice::Opus(decoder) => decoder.decode(payload, pcm.room(), false).unwrap_or(0),
            Voice::Mute => self.rate as usize * ticks(self.codec, payload) as usize / 8000,
        };
        pcm.keep(length);
        if matches!(self.voice, Voice::Mute) {
            pcm.samples_mut().fill(0);
        }
        if length == 0 {
            // Not a payload of this codec after all.
            return self.conceal(pcm);
        }
        self.usual = length;
        if self.repeats() {
            self.concealer.hear(pcm.samples_mut());
        }
    }

    /// The samples of a lost packet, out of the one after it: Opus carries a copy of it (RFC 6716 §2.1.7). Other codecs
    /// conceal.
    pub fn recover(&mut self, following: &[u8], pcm: &mut Pcm) {
        let Voice::Opus(decoder) = &mut self.voice else {
            return self.conceal(pcm);
        };
        let room = pcm.room().get_mut(..self.usual).unwrap_or_default();
        let length = decoder
            .decode(following, room, !following.is_empty())
            .unwrap_or(0);
        pcm.keep(length);
    }

    /// What is heard in the place of a lost packet: the voice goes on for a moment and fades.
    pub fn conceal(&mut self, pcm: &mut Pcm) {
        let length = self.usual.min(MOST);
        pcm.room().iter_mut().take(length).for_each(|sample| *sample = 0);
        pcm.keep(length);
        if let Voice::Opus(decoder) = &mut self.voice {
            // Lengths it cannot fill stay silent.
            let _ = decoder.decode(&[], pcm.samples_mut(), false);
        } else if self.repeats() {
            self.concealer.fill(pcm.samples_mut());
        }
    }

    /// Whether losses are concealed by repetition. Opus does it itself.
    fn repeats(&self) -> bool {
        matches!(self.voice, Voice::G711 | Voice::G722(_))
    }
}

impl Voice {
    fn of(codec: Codec, rate: u32) -> Self {
        match codec {
            Codec::Pcmu | Codec::Pcma => Self::G711,
            Codec::G722 => {
                let narrow = rate == 8000;
                let bits = audio_codec::g722::Bitrate::Mode1_64000;
                Self::G722(Box::new(G722Decoder::with_options(bits, false, narrow)))
            }
            // It fails only for a rate that Opus does not have, or without memory.
            Codec::Opus => opus::Decoder::new(rate, Channels::Mono).map_or(Self::Mute, Self::Opus),
            Codec::G729 => Self::Mute,
        }
    }
}

fn decode_law(law: Codec, payload: &[u8], room: &mut [i16]) -> usize {
    for (place, byte) in room.iter_mut().zip(payload) {
        *place = g711::linear(law, *byte);
    }
    payload.len().min(room.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::Encoder;
    use crate::media::codec::testing::{fidelity, level, strength, voice};
    use crate::model::Dice;

    /// Says something in a codec, hears what comes out of `damage`, and gives both at the codec's rate.
    fn through(codec: Codec, seconds: usize, lost: impl Fn(usize) -> bool) -> (Vec<i16>, Vec<i16>) {
        let rate = codec.sample_rate();
        let said = voice(rate, rate as usize * seconds);
        let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
        let payloads: Vec<Vec<u8>> = said
            .chunks(frame_at(rate))
            .map(|frame| {
                let mut payload = vec![0; 1500];
                let length = encoder.encode(frame, &mut payload);
                payload.truncate(length);
                payload
            })
            .collect();
        let mut heard = Vec::new();
        let mut pcm = Pcm::new();
        for (place, payload) in payloads.iter().enumerate() {
            match (lost(place), payloads.get(place + 1)) {
                (false, _) => decoder.decode(payload, &mut pcm),
                (true, Some(following)) if !lost(place + 1) => decoder.recover(following, &mut pcm),
                (true, _) => decoder.conceal(&mut pcm),
            }
            assert_eq!(pcm.samples().len(), frame_at(rate), "{codec} {place}");
            heard.extend_from_slice(pcm.samples());
        }
        (said, heard)
    }

    #[test]
    fn each_codec_gives_back_what_was_said() {
        // Opus keeps the sound and not the shape of the wave; its level is held below.
        for (codec, least) in [
            (Codec::Pcmu, 33.0),
            (Codec::Pcma, 33.0),
            (Codec::G722, 18.0),
            (Codec::Opus, 4.0),
        ] {
            let (said, heard) = through(codec, 2, |_| false);
            let kept = fidelity(&said, &heard, 400);
            assert!(kept > least, "{codec}: {kept:.1} dB");
        }
    }

    #[test]
    fn one_packet_in_ten_lost_leaves_the_voice_where_it_was() {
        for codec in Codec::ALL {
            let (said, heard) = through(codec, 2, |place| place % 10 == 7);
            assert_eq!(said.len(), heard.len());
            let (said, heard) = (level(&said), level(&heard));
            assert!(
                (said - heard).abs() < 1.5,
                "{codec}: {said:.1} dB said, {heard:.1} dB heard"
            );
        }
    }

    #[test]
    fn a_copy_of_a_lost_packet_in_the_next_one_is_better_than_a_guess() {
        let lost = |place: usize| place % 5 == 3;
        let (said, with_copies) = through(Codec::Opus, 2, lost);
        // Two in a row: only the second has its copy.
        let (_, guessed) = through(Codec::Opus, 2, |place| lost(place) || lost(place + 1));
        let (copies, guesses) = (fidelity(&said, &with_copies, 400), fidelity(&said, &guessed, 400));
        assert!(
            copies > guesses + 0.5,
            "copies {copies:.1} dB, guesses {guesses:.1} dB"
        );
    }

    #[test]
    fn wideband_is_decoded_for_a_telephone_line_without_a_filter_of_ours() {
        for codec in [Codec::G722, Codec::Opus] {
            let rate = codec.sample_rate();
            let said = crate::media::codec::testing::sine(rate, 1000.0, 8000.0, rate as usize);
            let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::at(codec, 8000));
            let (mut payload, mut pcm, mut heard) = ([0; 1500], Pcm::new(), Vec::new());
            for frame in said.chunks(frame_at(rate)) {
                let length = encoder.encode(frame, &mut payload);
                decoder.decode(&payload[..length], &mut pcm);
                heard.extend_from_slice(pcm.samples());
            }
            assert_eq!((decoder.rate(), heard.len()), (8000, 8000));
            let found = strength(&heard[2000..], 8000, 1000.0);
            assert!((6500.0..9500.0).contains(&found), "{codec}: {found}");
        }
    }

    #[test]
    fn junk_in_any_codec_ends_within_a_packet() {
        let mut dice = Dice::from_number(5);
        for codec in Codec::KNOWN {
            for rate in [8000, 16_000, 48_000] {
                let (mut decoder, mut pcm) = (Decoder::at(codec, rate), Pcm::new());
                for _ in 0..300 {
                    let junk: Vec<u8> = (0..dice.roll(2000)).map(|_| dice.number() as u8).collect();
                    decoder.decode(&junk, &mut pcm);
                    decoder.recover(&junk, &mut pcm);
                    decoder.conceal(&mut pcm);
                    assert!(pcm.samples().len() <= MOST);
                }
            }
        }
    }
}
