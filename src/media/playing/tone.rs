use super::ringing::Ringing;
use super::sound::Sound;
use crate::model::{Digit, Tone};
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Samples a second.
const RATE: usize = 8000;
/// Peak of a single tone, about −10 dBm0.
const LOUD: f64 = 7000.0;
/// Peak of each of the two frequencies of a key, about −9 dBm0 (ITU-T Q.24 asks for −3 to −25).
const KEY: f64 = 8000.0;
/// Samples over which a tone rises and falls, so that it does not click.
const RAMP: usize = 24;

/// The tones made so far; each is made once.
#[derive(Debug, Default)]
pub struct Tones {
    made: HashMap<Tone, Arc<Sound>>,
    ringing: Ringing,
}

impl Tones {
    /// Tones whose ringing is that of a country.
    pub fn ringing(ringing: Ringing) -> Self {
        Self {
            made: HashMap::new(),
            ringing,
        }
    }

    /// The tone, ready to be played.
    pub fn get(&mut self, tone: Tone) -> Arc<Sound> {
        let ringing = self.ringing;
        self.made
            .entry(tone)
            .or_insert_with(|| Arc::new(generate(tone, ringing)))
            .clone()
    }
}

fn generate(tone: Tone, ringing: Ringing) -> Sound {
    let mut samples = Vec::new();
    match tone {
        Tone::Ringback => ring(&mut samples, ringing),
        Tone::Beep => sing(&mut samples, RATE / 2, &[(1000.0, LOUD)]),
        Tone::Comfort => breathe(&mut samples),
        Tone::Silence => samples.resize(RATE / 5, 0),
        Tone::Key(digit) => {
            let (low, high) = frequencies(digit);
            sing(&mut samples, RATE / 10, &[(low, KEY), (high, KEY)]);
        }
    }
    Sound::from_pcm_8k(&samples)
}

/// One round of a country's rhythm. Two frequencies share the loudness of one.
fn ring(samples: &mut Vec<i16>, ringing: Ringing) {
    let share = LOUD / ringing.hertz.len().max(1) as f64;
    let voices: Vec<(f64, f64)> = ringing
        .hertz
        .iter()
        .map(|hertz| (f64::from(*hertz), share))
        .collect();
    for (sounds, pauses) in ringing.rhythm {
        sing(samples, *sounds as usize * RATE / 1000, &voices);
        samples.resize(samples.len() + *pauses as usize * RATE / 1000, 0);
    }
}

/// Two seconds of soft noise at about −60 dB of full scale, the same each time.
fn breathe(samples: &mut Vec<i16>) {
    let mut state = 1u32;
    let mut before = 0;
    for _ in 0..2 * RATE {
        // A linear congruential step (Numerical Recipes), of which the high bits are taken; the mean with the sample
        // before takes the edge off.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fresh = i32::from((state >> 16) as u16) % 97 - 48;
        samples.push(((fresh + before) / 2) as i16);
        before = fresh;
    }
}

/// The row and column frequencies of a key in Hz (ITU-T Q.23).
pub(in crate::media) fn frequencies(digit: Digit) -> (f64, f64) {
    let place = "123A456B789C*0#D".find(digit.as_char()).unwrap_or(0);
    let low = [697.0, 770.0, 852.0, 941.0];
    let high = [1209.0, 1336.0, 1477.0, 1633.0];
    // Sixteen keys in four rows of four: both places are below four.
    (low[place / 4], high[place % 4])
}

/// Appends `length` samples of the sum of these frequencies (Hz) and peaks.
fn sing(samples: &mut Vec<i16>, length: usize, voices: &[(f64, f64)]) {
    for place in 0..length {
        let time = place as f64 / RATE as f64;
        let sum: f64 = voices
            .iter()
            .map(|(frequency, peak)| peak * (TAU * frequency * time).sin())
            .sum();
        let edge = place.min(length - 1 - place).min(RAMP) as f64 / RAMP as f64;
        samples.push((sum * edge) as i16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::g711;
    use crate::model::Codec;
    use std::time::Duration;

    /// The peak of one frequency in a sound.
    fn strength(sound: &Sound, frequency: f64, samples: usize) -> f64 {
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (place, byte) in sound.bytes(Codec::Pcmu)[..samples].iter().enumerate() {
            let (value, angle) = (
                f64::from(g711::linear(Codec::Pcmu, *byte)),
                TAU * frequency * place as f64 / RATE as f64,
            );
            sine += value * angle.sin();
            cosine += value * angle.cos();
        }
        2.0 * sine.hypot(cosine) / samples as f64
    }

    #[test]
    fn ringback_sounds_for_one_second_in_five() {
        let sound = Tones::default().get(Tone::Ringback);
        assert_eq!(sound.duration(), Duration::from_secs(5));
        assert!(strength(&sound, 425.0, RATE) > 6000.0);
        assert!(sound.bytes(Codec::Pcmu)[RATE..].iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn other_countries_ring_in_their_own_rhythm() {
        let british = Tones::ringing(Ringing::of("gb").unwrap()).get(Tone::Ringback);
        assert_eq!(british.duration(), Duration::from_millis(3000));
        assert!(strength(&british, 400.0, 3200) > 3000.0 && strength(&british, 450.0, 3200) > 3000.0);
        let american = Tones::ringing(Ringing::of("us").unwrap()).get(Tone::Ringback);
        assert_eq!(american.duration(), Duration::from_secs(6));
    }

    #[test]
    fn comfort_is_soft_and_never_quite_silent() {
        let sound = Tones::default().get(Tone::Comfort);
        let loudest = sound
            .bytes(Codec::Pcmu)
            .iter()
            .map(|byte| g711::linear(Codec::Pcmu, *byte).abs())
            .max();
        assert!((8..=60).contains(&loudest.unwrap()), "{loudest:?}");
    }

    #[test]
    fn the_beep_is_half_a_second_of_a_thousand_hertz() {
        let sound = Tones::default().get(Tone::Beep);
        assert_eq!(sound.duration(), Duration::from_millis(500));
        assert!(strength(&sound, 1000.0, 4000) > 6000.0);
    }

    #[test]
    fn a_key_is_its_two_frequencies_and_no_other() {
        let mut tones = Tones::default();
        for (key, low, high) in [
            ('1', 697.0, 1209.0),
            ('0', 941.0, 1336.0),
            ('#', 941.0, 1477.0),
            ('D', 941.0, 1633.0),
        ] {
            let sound = tones.get(Tone::Key(Digit::from_char(key).unwrap()));
            assert_eq!(sound.duration(), Duration::from_millis(100));
            for frequency in [697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0] {
                let heard = strength(&sound, frequency, 800) > 6000.0;
                assert_eq!(heard, frequency == low || frequency == high, "{key} {frequency}");
            }
        }
    }

    #[test]
    fn silence_is_silent_for_a_fifth_of_a_second() {
        let sound = Tones::default().get(Tone::Silence);
        assert_eq!(sound.duration(), Duration::from_millis(200));
        assert!(
            sound
                .bytes(Codec::Pcma)
                .iter()
                .all(|byte| *byte == Codec::Pcma.silence())
        );
    }
}
