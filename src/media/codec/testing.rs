//! Sounds for tests, and ears to judge them by.

use std::f64::consts::TAU;

/// A pure tone.
pub(crate) fn sine(rate: u32, hertz: f64, peak: f64, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|place| (peak * (TAU * hertz * place as f64 / f64::from(rate)).sin()) as i16)
        .collect()
}

/// Something like a voice: a pitch that glides, its overtones, and syllables.
pub(crate) fn voice(rate: u32, samples: usize) -> Vec<i16> {
    let mut phase = 0.0;
    (0..samples)
        .map(|place| {
            let time = place as f64 / f64::from(rate);
            phase += TAU * (140.0 + 30.0 * (TAU * 0.7 * time).sin()) / f64::from(rate);
            let tones = (1..=12).map(|number| {
                let number = f64::from(number);
                (number * phase).sin() / number
            });
            let syllable = 0.55 + 0.45 * (TAU * 3.0 * time).sin();
            (6000.0 * syllable * tones.sum::<f64>()) as i16
        })
        .collect()
}

/// Mean power in dB of one unit.
pub(crate) fn level(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (power / samples.len().max(1) as f64).max(1e-9).log10()
}

/// The peak of one frequency.
pub(crate) fn strength(samples: &[i16], rate: u32, hertz: f64) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (place, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * place as f64 / f64::from(rate);
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
    }
    2.0 * sine.hypot(cosine) / samples.len().max(1) as f64
}

/// How far what was heard stands above its difference from what was said, in dB, at the best delay up to `most`.
pub(crate) fn fidelity(said: &[i16], heard: &[i16], most: usize) -> f64 {
    (0..most)
        .map(|delay| {
            let pairs = said.iter().zip(heard.get(delay..).unwrap_or_default());
            let (mut signal, mut noise) = (0.0, 1e-9);
            for (said, heard) in pairs {
                signal += f64::from(*said).powi(2);
                noise += (f64::from(*said) - f64::from(*heard)).powi(2);
            }
            10.0 * (signal / noise).log10()
        })
        .fold(f64::MIN, f64::max)
}
