//! Tones: making them, and finding them again in what was recorded.

use std::f64::consts::TAU;
use std::time::Duration;

/// Samples a second of everything a telephone carries here.
pub(crate) const RATE: usize = 8000;

/// Samples in the window the ruler looks through: 50 ms, so frequencies that are multiples of 20 Hz fit exactly.
const WINDOW: usize = RATE / 20;

/// Below this mean square a window counts as silence (about −50 dB of full scale).
const SILENCE: f64 = 100.0 * 100.0;

/// A sine of this frequency and length, at a comfortable loudness.
pub(crate) fn sine(hertz: u32, length: Duration) -> Vec<i16> {
    let count = usize::try_from(length.as_millis()).unwrap_or_default() * RATE / 1000;
    (0..count).map(|index| sample(hertz, index)).collect()
}

/// The same sine at another rate, on so many channels one after the other.
pub(crate) fn sine_at(hertz: u32, length: Duration, rate: u32, channels: u16) -> Vec<i16> {
    let count = u32::try_from(length.as_secs()).unwrap_or_default() * rate;
    let sample = |index: u32| {
        let turn = f64::from(hertz) * f64::from(index) / f64::from(rate);
        ((turn * TAU).sin() * 10_000.0) as i16
    };
    (0..count)
        .flat_map(|index| std::iter::repeat_n(sample(index), channels.into()))
        .collect()
}

/// One sample of the sine that never ends.
pub(crate) fn sample(hertz: u32, index: usize) -> i16 {
    let turn = f64::from(hertz) * index as f64 / RATE as f64;
    ((turn * TAU).sin() * 10_000.0) as i16
}

/// How long this tone is to be heard: the windows whose energy is mostly at that frequency.
pub(crate) fn heard(samples: &[i16], hertz: u32) -> Duration {
    let windows = samples
        .chunks_exact(WINDOW)
        .filter(|window| holds(window, hertz))
        .count();
    Duration::from_millis(u64::try_from(windows * 50).unwrap_or_default())
}

/// How long this tone is to be heard, alone or among one or two others.
pub(crate) fn heard_among(samples: &[i16], hertz: u32) -> Duration {
    let holds = |window: &&[i16]| {
        let total = mean_square(window);
        total > SILENCE && power(window, hertz) > 0.2 * total
    };
    let windows = samples.chunks_exact(WINDOW).filter(holds).count();
    Duration::from_millis(u64::try_from(windows * 50).unwrap_or_default())
}

/// The frequency, to 5 Hz, that is heard for the longest time.
pub(crate) fn loudest(samples: &[i16]) -> Option<u32> {
    let mut sounding: Vec<&[i16]> = samples
        .chunks_exact(WINDOW)
        .filter(|window| mean_square(window) > SILENCE)
        .collect();
    sounding.truncate(40);
    let strength = |hertz: u32| sounding.iter().map(|window| power(window, hertz)).sum::<f64>();
    if sounding.is_empty() {
        return None;
    }
    (20..700)
        .map(|step| step * 5)
        .max_by(|a, b| strength(*a).total_cmp(&strength(*b)))
}

fn holds(window: &[i16], hertz: u32) -> bool {
    let total = mean_square(window);
    total > SILENCE && power(window, hertz) > 0.7 * total
}

fn mean_square(window: &[i16]) -> f64 {
    window
        .iter()
        .map(|sample| f64::from(*sample).powi(2))
        .sum::<f64>()
        / window.len() as f64
}

/// Goertzel's algorithm: the mean square that a window has at one frequency.
fn power(window: &[i16], hertz: u32) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hertz) / RATE as f64).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in window {
        (last, before) = (f64::from(*sample) + coefficient * last - before, last);
    }
    let squared = last * last + before * before - coefficient * last * before;
    2.0 * squared / (window.len() as f64).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ruler_finds_a_tone_and_its_length_and_no_other() {
        let mut samples = vec![0; RATE];
        samples.extend(sine(440, Duration::from_secs(2)));
        assert_eq!(heard(&samples, 440), Duration::from_secs(2));
        assert_eq!(heard(&samples, 1000), Duration::ZERO);
        assert_eq!(loudest(&samples), Some(440));
        assert_eq!(loudest(&samples[..RATE]), None);
    }
}
