use super::frame_at;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

/// Brings frames of 20 ms from one rate to another, without allocation.
///
/// The whole frame is one block of the transform. So its filter falls between 3.4 and 4 kHz for a telephone line;
/// shorter blocks, the library's own choice, would take the upper half of the band with them. What comes out is
/// 10 ms behind what went in.
pub struct Resampler {
    filter: Option<Fft<f32>>,
    input: Box<[f32]>,
    output: Box<[f32]>,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Resampler({} -> {})", self.input.len(), self.output.len())
    }
}

impl Resampler {
    /// From one rate to the other, both in Hz and multiples of 50. Equal rates are passed through.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let (from, to) = (from_hz as usize, to_hz as usize);
        let filter = (from != to)
            .then(|| {
                Fft::new_custom(
                    from,
                    to,
                    frame_at(from_hz),
                    1,
                    1,
                    WindowFunction::BlackmanHarris2,
                    FixedSync::Input,
                )
            })
            .and_then(Result::ok);
        Self {
            filter,
            input: vec![0.0; frame_at(from_hz)].into(),
            output: vec![0.0; frame_at(to_hz)].into(),
        }
    }

    /// Takes 20 ms at the one rate and gives 20 ms at the other. What is missing at the end of `input` is silence.
    pub fn resample(&mut self, input: &[i16], output: &mut [i16]) {
        let Some(filter) = &mut self.filter else {
            copy(input, output);
            return;
        };
        let samples = input.iter().copied().chain(std::iter::repeat(0));
        for (place, sample) in self.input.iter_mut().zip(samples) {
            *place = f32::from(sample);
        }
        let (from, to) = (self.input.len(), self.output.len());
        let done = SequentialSlice::new(&self.input, 1, from)
            .ok()
            .zip(SequentialSlice::new_mut(&mut self.output, 1, to).ok())
            .and_then(|(from, mut to)| filter.process_into_buffer(&from, &mut to, None).ok());
        if done.is_none() {
            self.output.fill(0.0);
        }
        for (place, sample) in output.iter_mut().zip(&self.output) {
            *place = sample.round().clamp(-32_768.0, 32_767.0) as i16;
        }
    }

    /// Forgets what came before: the next frame follows silence.
    pub fn reset(&mut self) {
        if let Some(filter) = &mut self.filter {
            filter.reset();
        }
    }
}

fn copy(input: &[i16], output: &mut [i16]) {
    let samples = input.iter().copied().chain(std::iter::repeat(0));
    output
        .iter_mut()
        .zip(samples)
        .for_each(|(place, sample)| *place = sample);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{level, sine};

    /// The level of one frequency after the change of rate, in dB of what it was.
    fn passes(from: u32, to: u32, hertz: f64) -> f64 {
        let tone = sine(from, hertz, 10_000.0, frame_at(from) * 25);
        let mut resampler = Resampler::new(from, to);
        let mut heard = Vec::new();
        for frame in tone.chunks(frame_at(from)) {
            let mut out = vec![0; frame_at(to)];
            resampler.resample(frame, &mut out);
            heard.extend(out);
        }
        level(&heard[heard.len() / 2..]) - level(&tone[tone.len() / 2..])
    }

    #[test]
    fn the_telephone_band_passes_whole_from_any_rate_to_any_other() {
        for (from, to) in [
            (48_000, 8_000),
            (16_000, 8_000),
            (8_000, 16_000),
            (8_000, 48_000),
            (48_000, 16_000),
            (16_000, 48_000),
        ] {
            for hertz in [300.0, 1_000.0, 3_400.0] {
                let loss = passes(from, to, hertz);
                assert!(loss.abs() < 0.2, "{hertz} Hz of {from} at {to}: {loss} dB");
            }
        }
        assert!(passes(48_000, 16_000, 7_000.0).abs() < 0.2);
    }

    #[test]
    fn what_would_fold_into_the_band_does_not_pass() {
        for from in [16_000, 48_000] {
            for hertz in [4_050.0, 4_600.0, 7_000.0] {
                let left = passes(from, 8_000, hertz);
                assert!(left < -60.0, "{hertz} Hz of {from}: {left} dB");
            }
        }
    }

    #[test]
    fn equal_rates_and_odd_lengths_are_no_trouble() {
        let mut same = Resampler::new(16_000, 16_000);
        let mut out = [9; 320];
        same.resample(&[5; 100], &mut out);
        assert_eq!((out[99], out[100], out[319]), (5, 0, 0));
        let mut down = Resampler::new(48_000, 8_000);
        down.resample(&[], &mut out[..160]);
        down.resample(&[1; 9999], &mut out[..7]);
    }
}
