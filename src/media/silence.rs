use super::g711;
use crate::model::Codec;
use std::time::{Duration, Instant};

/// Mean magnitude of 16-bit samples from which a packet counts as spoken, about −42 dB of full scale: above the
/// hiss of a line, below a quiet voice.
const WHISPER: u32 = 250;

/// Waits for a caller to stop speaking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Silence {
    after: Duration,
    spoken_at: Instant,
}

impl Silence {
    /// A watch that begins now.
    pub(super) fn new(now: Instant, after: Duration) -> Self {
        Self {
            after,
            spoken_at: now,
        }
    }

    /// Listens to a packet.
    pub(super) fn hear(&mut self, now: Instant, codec: Codec, audio: &[u8]) {
        if is_spoken(codec, audio) {
            self.spoken_at = now;
        }
    }

    /// A key counts as a sign of life.
    pub(super) fn hear_key(&mut self, now: Instant) {
        self.spoken_at = now;
    }

    /// Whether nothing was said for the whole time. Packets that do not come are silence too.
    pub(super) fn is_over(&self, now: Instant) -> bool {
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
