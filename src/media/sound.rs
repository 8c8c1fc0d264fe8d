use super::g711;
use crate::model::Codec;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// Samples in one packet of 20 ms at 8000 Hz.
pub const FRAME: usize = 160;

/// A prompt or a tone, ready to be sent: whole frames of 20 ms as µ-law, and as A-law once somebody asks.
///
/// Most sites speak one law, so the second is made at its first use and kept.
pub struct Sound {
    samples: usize,
    pcmu: Box<[u8]>,
    pcma: OnceLock<Box<[u8]>>,
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
        }
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples as u64 * 125)
    }

    /// One byte a sample, a multiple of [`FRAME`] long; nothing in a codec that is not G.711.
    pub fn bytes(&self, codec: Codec) -> &[u8] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => self.pcma.get_or_init(|| {
                let mut audio = self.pcmu.clone();
                g711::transcode(Codec::Pcmu, Codec::Pcma, &mut audio);
                audio
            }),
            Codec::G722 | Codec::Opus | Codec::G729 => &[],
        }
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sound({:?})", self.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
