use crate::media::codec::{Encoder, Resampler, frame_at};
use crate::media::g711;
use crate::model::Codec;
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// Samples in one packet of 20 ms at 8000 Hz, and the most bytes of a frame in any codec.
pub const FRAME: usize = 160;
/// What wideband frames are made of, in Hz. Opus carries no more at our bit rate.
const WIDE: u32 = 16_000;

/// A prompt or a tone, ready to be sent: whole frames of 20 ms as µ-law, and in other codecs once somebody asks.
///
/// Most sites speak one law, so the second is made at its first use and kept. Frames of G.722 and Opus are here only
/// where [`Sound::prepare`] made them: they cost the time of a packet or two each, and as much memory again. Whoever
/// plays a sound without them speaks it as it goes.
pub struct Sound {
    samples: usize,
    /// Borrowed from the program file where the box brought the sound along.
    pcmu: Cow<'static, [u8]>,
    pcma: OnceLock<Box<[u8]>>,
    g722: OnceLock<Frames>,
    opus: OnceLock<Frames>,
}

/// The frames of a sound in one codec, one after the other.
#[derive(Default)]
struct Frames {
    bytes: Box<[u8]>,
    /// Where each frame ends.
    ends: Box<[u32]>,
}

impl Sound {
    /// Encodes linear samples at 8000 Hz; the last frame is filled up with silence.
    pub fn from_pcm_8k(samples: &[i16]) -> Self {
        let whole = samples.len().next_multiple_of(FRAME);
        let mut pcmu = Vec::with_capacity(whole);
        pcmu.extend(samples.iter().map(|sample| g711::pcmu_from_linear(*sample)));
        pcmu.resize(whole, Codec::Pcmu.silence());
        Self {
            samples: samples.len(),
            pcmu: pcmu.into(),
            pcma: OnceLock::new(),
            g722: OnceLock::new(),
            opus: OnceLock::new(),
        }
    }

    /// Takes µ-law at 8000 Hz that is part of the program, as it is: nothing of it is in memory until somebody hears
    /// it. The last frame is filled up with silence, for which a sound that is no whole frames is copied.
    pub fn from_shipped_pcmu(pcmu: &'static [u8]) -> Self {
        let mut frames = Cow::Borrowed(pcmu);
        if !pcmu.len().is_multiple_of(FRAME) {
            frames
                .to_mut()
                .resize(pcmu.len().next_multiple_of(FRAME), Codec::Pcmu.silence());
        }
        Self {
            samples: pcmu.len(),
            pcmu: frames,
            pcma: OnceLock::new(),
            g722: OnceLock::new(),
            opus: OnceLock::new(),
        }
    }

    /// Makes the frames of the wideband codecs among these out of samples at 16 kHz, the same sound as that of the
    /// telephone line.
    #[must_use]
    pub fn with_wide(self, samples: &[i16], codecs: &[Codec]) -> Self {
        for codec in codecs {
            let frames = || encoded(*codec, WIDE, samples.chunks(frame_at(WIDE)));
            if let Some(slot) = self.slot(*codec) {
                slot.get_or_init(frames);
            }
        }
        self
    }

    /// Makes the frames of the wideband codecs among these, out of what a telephone line carries, where they are not
    /// made yet.
    pub fn prepare(&self, codecs: &[Codec]) {
        for codec in codecs {
            if let Some(slot) = self.slot(*codec) {
                slot.get_or_init(|| self.widened(*codec));
            }
        }
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples as u64 * 125)
    }

    /// Frames of 20 ms.
    pub fn frames(&self) -> usize {
        self.pcmu.len() / FRAME
    }

    /// The payload of one frame; empty for a codec that the box does not speak, and behind the end.
    pub fn frame(&self, codec: Codec, number: usize) -> &[u8] {
        match self.slot(codec) {
            Some(slot) => slot.get().map_or(&[], |frames| frames.get(number)),
            None => {
                let start = number * FRAME;
                self.bytes(codec).get(start..start + FRAME).unwrap_or_default()
            }
        }
    }

    /// G.711: one byte a sample, a multiple of [`FRAME`] long; nothing in another codec.
    pub fn bytes(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => self.pcma.get_or_init(|| {
                let mut audio: Box<[u8]> = self.pcmu.as_ref().into();
                g711::transcode(Codec::Pcmu, Codec::Pcma, &mut audio);
                audio
            }),
            Codec::G722 | Codec::Opus | Codec::G729 => &[],
        }
    }

    /// Bytes in memory that the program file does not hold already.
    pub fn weight(&self) -> usize {
        let pcmu = match &self.pcmu {
            Cow::Borrowed(_) => 0,
            Cow::Owned(made) => made.len(),
        };
        let frames = |slot: &OnceLock<Frames>| {
            slot.get()
                .map_or(0, |made| made.bytes.len() + 4 * made.ends.len())
        };
        pcmu + self.pcma.get().map_or(0, |law| law.len()) + frames(&self.g722) + frames(&self.opus)
    }

    fn slot(&self, codec: Codec) -> Option<&OnceLock<Frames>> {
        match codec {
            Codec::G722 => Some(&self.g722),
            Codec::Opus => Some(&self.opus),
            Codec::Pcmu | Codec::Pcma | Codec::G729 => None,
        }
    }

    /// Frames of a wideband codec out of the telephone's.
    fn widened(&self, codec: Codec) -> Frames {
        let mut resampler = Resampler::new(8000, WIDE);
        let mut narrow = [0; FRAME];
        let mut wide = [0; frame_at(WIDE)];
        let mut encoder = Encoder::at(codec, WIDE);
        let mut frames = Growing::default();
        for frame in self.pcmu.chunks(FRAME) {
            for (sample, byte) in narrow.iter_mut().zip(frame) {
                *sample = g711::linear(Codec::Pcmu, *byte);
            }
            resampler.resample(&narrow, &mut wide);
            frames.add(&mut encoder, &wide);
        }
        frames.whole()
    }
}

impl Frames {
    fn get(&self, number: usize) -> &[u8] {
        let end = self.ends.get(number).copied().unwrap_or(0) as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before));
        self.bytes
            .get(start.copied().unwrap_or(0) as usize..end)
            .unwrap_or_default()
    }
}

/// Frames that are being made.
#[derive(Default)]
struct Growing {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Growing {
    fn add(&mut self, encoder: &mut Encoder, pcm: &[i16]) {
        let mut payload = [0; FRAME];
        let length = encoder.encode(pcm, &mut payload);
        self.bytes
            .extend_from_slice(payload.get(..length).unwrap_or_default());
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    fn whole(self) -> Frames {
        Frames {
            bytes: self.bytes.into(),
            ends: self.ends.into(),
        }
    }
}

/// Encodes frames of 20 ms; the last one is filled up with silence.
fn encoded<'a>(codec: Codec, rate: u32, frames: impl Iterator<Item = &'a [i16]>) -> Frames {
    let mut encoder = Encoder::at(codec, rate);
    let mut growing = Growing::default();
    let mut whole = vec![0; frame_at(rate)];
    for frame in frames {
        let samples = frame.iter().copied().chain(std::iter::repeat(0));
        whole
            .iter_mut()
            .zip(samples)
            .for_each(|(place, sample)| *place = sample);
        growing.add(&mut encoder, &whole);
    }
    growing.whole()
}

impl fmt::Debug for Sound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sound({:?})", self.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{sine, strength};
    use crate::media::codec::{Decoder, Pcm};

    #[test]
    fn a_sound_is_whole_frames_and_knows_its_own_length() {
        let sound = Sound::from_pcm_8k(&[1000; 200]);
        assert_eq!(sound.duration(), Duration::from_millis(25));
        assert_eq!(
            (sound.bytes(Codec::Pcmu).len(), sound.bytes(Codec::Pcma).len()),
            (320, 320)
        );
        // 1000 is 988 in µ-law, and that is 0xfb in A-law.
        assert_eq!(sound.bytes(Codec::Pcma)[0], 0xfb);
        assert_eq!(sound.bytes(Codec::Pcma)[319], Codec::Pcma.silence());
        assert!(Sound::from_pcm_8k(&[]).bytes(Codec::Pcmu).is_empty());
    }

    #[test]
    fn a_shipped_sound_of_whole_frames_stays_in_the_program_and_another_is_filled_up() {
        static WHOLE: [u8; 2 * FRAME] = [0x10; 2 * FRAME];
        let sound = Sound::from_shipped_pcmu(&WHOLE);
        assert_eq!((sound.frames(), sound.weight()), (2, 0));
        assert_eq!(sound.frame(Codec::Pcmu, 1).as_ptr(), WHOLE[FRAME..].as_ptr());
        let sound = Sound::from_shipped_pcmu(&WHOLE[..200]);
        assert_eq!((sound.frames(), sound.weight()), (2, 320));
        assert_eq!(sound.duration(), Duration::from_millis(25));
        assert_eq!(sound.frame(Codec::Pcmu, 1)[39..41], [0x10, Codec::Pcmu.silence()]);
    }

    /// What a codec's listener hears of a sound.
    fn heard(sound: &Sound, codec: Codec) -> Vec<i16> {
        let (mut decoder, mut pcm, mut heard) = (Decoder::new(codec), Pcm::new(), Vec::new());
        for number in 0..sound.frames() {
            decoder.decode(sound.frame(codec, number), &mut pcm);
            heard.extend_from_slice(pcm.samples());
        }
        heard
    }

    #[test]
    fn every_codec_has_its_frames_and_they_sound_the_same() {
        let sound = Sound::from_pcm_8k(&sine(8000, 1000.0, 8000.0, 8000));
        assert_eq!(sound.weight(), 8000);
        sound.prepare(&Codec::ALL);
        let prepared = sound.weight();
        assert!((16_000..21_000).contains(&prepared), "{prepared}");
        for codec in Codec::ALL {
            let heard = heard(&sound, codec);
            assert_eq!(heard.len(), codec.sample_rate() as usize);
            let found = strength(&heard[heard.len() / 2..], codec.sample_rate(), 1000.0);
            assert!((6500.0..9500.0).contains(&found), "{codec}: {found}");
            assert!(sound.frame(codec, 50).is_empty());
        }
        assert!(sound.frame(Codec::G729, 0).is_empty());
        assert_eq!(
            sound.weight(),
            prepared + 8000,
            "the second law is made when it is asked for"
        );
    }

    #[test]
    fn a_wide_file_sounds_wide_to_those_who_can_hear_it() {
        let wide = sine(WIDE, 6000.0, 8000.0, 16_000);
        let sound = Sound::from_pcm_8k(&[0; 8000]).with_wide(&wide, &Codec::ALL);
        for codec in [Codec::G722, Codec::Opus] {
            let heard = heard(&sound, codec);
            let found = strength(&heard[heard.len() / 2..], codec.sample_rate(), 6000.0);
            assert!(found > 4000.0, "{codec}: {found}");
        }
        assert!(sound.bytes(Codec::Pcmu).iter().all(|byte| *byte == 0xff));
    }
}
