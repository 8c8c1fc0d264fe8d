use super::hearing::Hearing;
use crate::media::g711;
use crate::model::Codec;
use std::time::{Duration, Instant};

/// Mean magnitude of 16-bit samples from which a packet counts as spoken, about −42 dB of full scale: above the
/// hiss of a line, below a quiet voice.
const WHISPER: u32 = 250;

/// Waits for a caller to stop speaking.
#[derive(Debug)]
pub(in crate::media) struct Silence {
    after: Duration,
    spoken_at: Instant,
    hearing: Hearing,
}

impl Silence {
    /// A watch that begins now.
    pub(in crate::media) fn new(now: Instant, after: Duration) -> Self {
        Self {
            after,
            spoken_at: now,
            hearing: Hearing::default(),
        }
    }

    /// Listens to a packet.
    pub(in crate::media) fn hear(&mut self, now: Instant, codec: Codec, audio: &[u8]) {
        let spoken = if codec.is_g711() {
            is_spoken(codec, audio)
        } else if codec.is_decoded() {
            is_loud(self.hearing.hear(codec, 8000, audio))
        } else {
            // Nobody knows what was said; the packets are a sign of life.
            true
        };
        if spoken {
            self.spoken_at = now;
        }
    }

    /// A key counts as a sign of life.
    pub(in crate::media) fn hear_key(&mut self, now: Instant) {
        self.spoken_at = now;
    }

    /// Whether nothing was said for the whole time. Packets that do not come are silence too.
    pub(in crate::media) fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.spoken_at) >= self.after
    }
}

fn is_spoken(codec: Codec, audio: &[u8]) -> bool {
    let sum: u32 = audio
        .iter()
        .map(|byte| u32::from(g711::linear(codec, *byte).unsigned_abs()))
        .sum();
    sum > WHISPER * u32::try_from(audio.len()).unwrap_or(0)
}

fn is_loud(samples: &[i16]) -> bool {
    let sum: u32 = samples
        .iter()
        .map(|sample| u32::from(sample.unsigned_abs()))
        .sum();
    sum > WHISPER * u32::try_from(samples.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::clock::origin;

    #[test]
    fn hiss_is_silence_and_a_quiet_voice_is_not() {
        for codec in Codec::G711 {
            let hiss: Vec<u8> = (0..160)
                .map(|place| g711::encode(codec, if place % 2 == 0 { 60 } else { -60 }))
                .collect();
            let voice: Vec<u8> = (0..160)
                .map(|place| g711::encode(codec, if place % 8 < 4 { 600 } else { -600 }))
                .collect();
            assert!(!is_spoken(codec, &hiss) && !is_spoken(codec, &[codec.silence(); 160]));
            assert!(is_spoken(codec, &voice));
        }
    }

    #[test]
    fn a_voice_in_a_wideband_codec_is_heard_and_its_pauses_too() {
        let start = origin();
        let second = Duration::from_secs(1);
        for codec in [Codec::G722, Codec::Opus] {
            let mut mouth = crate::media::Mouth::new(codec, 16_000);
            let mut silence = Silence::new(start, second);
            let mut payload = [0; 1500];
            for frame in 0..100u32 {
                let now = start + Duration::from_millis(20) * frame;
                let said = if frame < 50 { [3000; 320] } else { [0; 320] };
                let alternating =
                    std::array::from_fn::<i16, 320, _>(|place| said[place] * (place as i16 / 20 % 2 * 2 - 1));
                let length = mouth.speak(&alternating, &mut payload);
                silence.hear(now, codec, &payload[..length]);
            }
            assert!(!silence.is_over(start + second * 19 / 10), "{codec}");
            assert!(silence.is_over(start + second * 22 / 10), "{codec}");
        }
    }

    #[test]
    fn silence_is_over_after_its_time_and_speech_starts_it_again() {
        let start = origin();
        let second = Duration::from_secs(1);
        let mut silence = Silence::new(start, 3 * second);
        assert!(!silence.is_over(start + 2 * second));
        silence.hear(start + 2 * second, Codec::Pcmu, &[0x20; 160]);
        silence.hear(start + 3 * second, Codec::Pcmu, &[0xff; 160]);
        assert!(!silence.is_over(start + 4 * second));
        assert!(silence.is_over(start + 5 * second));
    }
}
