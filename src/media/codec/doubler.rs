use std::f32::consts::PI;

/// Samples of the past that each new one between two is made of.
const TAPS: usize = 24;
/// The shape of the window (Kaiser): what is heard double is 60 dB below.
const BETA: f32 = 5.65;

/// Makes 16000 samples a second of 8000, for packets of any length: what [`super::Resampler`] changes is frames of 20 ms,
/// and a tape hears packets as they come. The voice is 1.5 ms later.
#[derive(Debug)]
pub(in crate::media) struct Doubler {
    between: [f32; TAPS],
    past: [f32; TAPS],
}

impl Doubler {
    /// After silence.
    pub(in crate::media) fn new() -> Self {
        let mut between = [0.0; TAPS];
        for (place, tap) in between.iter_mut().enumerate() {
            // Half a sample off the middle: sin(πt)/πt at ±½, ±1½, …, under the window.
            let away = place as f32 - (TAPS as f32 - 1.0) / 2.0;
            let across = away / (TAPS as f32 / 2.0);
            *tap = (PI * away).sin() / (PI * away) * bessel(BETA * (1.0 - across * across).sqrt())
                / bessel(BETA);
        }
        Self {
            between,
            past: [0.0; TAPS],
        }
    }

    /// Writes two samples for each, as far as there is room; gives how many.
    pub(in crate::media) fn double(&mut self, samples: &[i16], out: &mut [i16]) -> usize {
        let mut written = 0;
        for (pair, sample) in out.chunks_exact_mut(2).zip(samples) {
            self.past.copy_within(1.., 0);
            if let Some(newest) = self.past.last_mut() {
                *newest = f32::from(*sample);
            }
            let sum: f32 = self
                .between
                .iter()
                .zip(&self.past)
                .map(|(tap, past)| tap * past)
                .sum();
            // The middle of the past, and what lies between it and the one after it.
            let middle = self.past.get(TAPS / 2 - 1).copied().unwrap_or(0.0);
            for (place, value) in pair.iter_mut().zip([middle, sum]) {
                *place = value.round() as i16; // A cast of a float stays within its type.
            }
            written += 2;
        }
        written
    }
}

/// The modified Bessel function of the first kind, of order 0.
fn bessel(x: f32) -> f32 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1_u8..25 {
        term *= (x / 2.0 / f32::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{level, sine, strength};

    #[test]
    fn the_telephone_band_stays_as_it_is_and_nothing_is_heard_above_it() {
        for hertz in [300.0, 1000.0, 2500.0, 3400.0] {
            let narrow = sine(8000, hertz, 10_000.0, 8000);
            let (mut doubler, mut wide) = (Doubler::new(), Vec::new());
            // Packets of any length.
            for packet in narrow.chunks(87) {
                let mut out = [0; 200];
                let length = doubler.double(packet, &mut out);
                assert_eq!(length, packet.len() * 2);
                wide.extend_from_slice(&out[..length]);
            }
            let (wide, narrow) = (&wide[8000..], &narrow[4000..]);
            assert!((level(wide) - level(narrow)).abs() < 0.2, "{hertz} Hz");
            let image = strength(wide, 16_000, 8000.0 - hertz);
            assert!(image < 30.0, "{hertz} Hz again at {}: {image}", 8000.0 - hertz);
        }
        assert_eq!(
            Doubler::new().double(&[1; 9], &mut [0; 5]),
            4,
            "no more than there is room for"
        );
    }
}
