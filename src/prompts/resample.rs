use super::decode::Mono;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// What G.711 sounds at.
const TELEPHONE_RATE: u32 = 8_000;
/// What the wideband codecs are given, and the most that is kept of a file.
pub(super) const WIDEBAND_RATE: u32 = 16_000;

/// Brings audio to 8000 samples a second, 16 bits.
///
/// # Errors
/// Why it cannot be done, in plain words.
pub(super) fn to_telephone(mono: &Mono) -> Result<Vec<i16>, String> {
    to_rate(mono, TELEPHONE_RATE)
}

/// Brings audio to 16000 samples a second for those who can hear it; none when there is no more in it than a telephone
/// carries.
///
/// # Errors
/// Why it cannot be done, in plain words.
pub(super) fn to_wideband(mono: &Mono) -> Result<Option<Vec<i16>>, String> {
    (mono.rate > TELEPHONE_RATE)
        .then(|| to_rate(mono, WIDEBAND_RATE))
        .transpose()
}

fn to_rate(mono: &Mono, rate: u32) -> Result<Vec<i16>, String> {
    if mono.rate == rate {
        return Ok(mono.samples.clone());
    }
    let mut stream = Stream::new(mono.rate, rate)?;
    let mut piece = Vec::new();
    for samples in mono.samples.chunks(mono.rate as usize) {
        piece.clear();
        piece.extend(samples.iter().map(|sample| f32::from(*sample) / 32_768.0));
        stream.push(&piece)?;
    }
    stream.finish()
}

/// Audio on its way from one rate to another, a piece after the other, so that a long file is never in memory as it was
/// recorded.
pub(super) struct Stream {
    filter: Fft<f32>,
    /// What is not yet a block of the filter.
    input: Vec<f32>,
    output: Box<[f32]>,
    /// Samples to come that stand for nothing: what comes out is that much behind.
    late: usize,
    taken: usize,
    made: Vec<i16>,
}

impl Stream {
    /// From one rate to another, in Hz.
    ///
    /// One sub-chunk of a tenth of a second: on the way to 8 kHz the filter is long enough to fall between 3.7 and 4.1 kHz.
    /// The shorter chunks of the library's own choice would take the upper half of the telephone band with them.
    ///
    /// # Errors
    /// Why it cannot be done, in plain words.
    pub(super) fn new(from_hz: u32, to_hz: u32) -> Result<Self, String> {
        let filter = Fft::new_custom(
            from_hz as usize,
            to_hz as usize,
            from_hz as usize / 10,
            1,
            1,
            WindowFunction::BlackmanHarris2,
            FixedSync::Input,
        );
        let filter: Fft<f32> = filter.map_err(|error| error.to_string())?;
        Ok(Self {
            input: Vec::with_capacity(filter.input_frames_max()),
            output: vec![0.0; filter.output_frames_max()].into(),
            late: filter.output_delay(),
            filter,
            taken: 0,
            made: Vec::new(),
        })
    }

    /// The next samples, −1.0 to 1.0.
    ///
    /// # Errors
    /// Why it cannot be done, in plain words.
    pub(super) fn push(&mut self, mut samples: &[f32]) -> Result<(), String> {
        self.taken += samples.len();
        while !samples.is_empty() {
            let wanted = self.filter.input_frames_next().saturating_sub(self.input.len());
            let (now, later) = samples.split_at(wanted.min(samples.len()));
            self.input.extend_from_slice(now);
            samples = later;
            if now.len() == wanted {
                self.filter_block()?;
            }
        }
        Ok(())
    }

    /// Everything, as long as what was put in.
    ///
    /// # Errors
    /// Why it cannot be done, in plain words.
    pub(super) fn finish(mut self) -> Result<Vec<i16>, String> {
        let length = (self.taken as f64 * self.filter.resample_ratio()).ceil() as usize;
        while self.made.len() < length {
            self.input.resize(self.filter.input_frames_next(), 0.0);
            self.filter_block()?;
        }
        self.made.truncate(length);
        self.made.shrink_to_fit();
        Ok(self.made)
    }

    /// Filters what has come, a whole block.
    fn filter_block(&mut self) -> Result<(), String> {
        let (from, to) = (self.input.len(), self.output.len());
        let input = SequentialSlice::new(&self.input, 1, from).map_err(|error| error.to_string())?;
        let mut output =
            SequentialSlice::new_mut(&mut self.output, 1, to).map_err(|error| error.to_string())?;
        let (_, made) = self
            .filter
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| error.to_string())?;
        self.input.clear();
        let early = self.late.min(made);
        self.late -= early;
        let heard = self.output.get(early..made).unwrap_or_default();
        self.made.extend(heard.iter().map(|sample| to_16_bits(*sample)));
        Ok(())
    }
}

/// A sample of a file as the box keeps it.
pub(super) fn to_16_bits(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Two seconds of one frequency at half the full level, brought to 8 kHz: its level there in dB.
    fn level_after(rate: u32, frequency: f64) -> f64 {
        let samples = (0..2 * rate)
            .map(|place| 0.5 * (TAU * frequency * f64::from(place) / f64::from(rate)).sin())
            .map(|sample| to_16_bits(sample as f32))
            .collect();
        let heard = to_telephone(&Mono { rate, samples }).unwrap();
        assert_eq!(heard.len(), 16_000);
        let middle = &heard[4000..12_000];
        let power = middle
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / middle.len() as f64;
        10.0 * (power / (16_384.0_f64.powi(2) / 2.0)).max(1e-12).log10()
    }

    #[test]
    fn the_telephone_band_passes_and_what_would_fold_into_it_does_not() {
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000] {
            for frequency in [300.0, 1000.0, 3400.0] {
                let level = level_after(rate, frequency);
                assert!(level.abs() < 0.5, "{frequency} Hz of {rate}: {level} dB");
            }
            let folded = level_after(rate, 4600.0);
            assert!(folded < -50.0, "4600 Hz of {rate}: {folded} dB");
        }
    }

    #[test]
    fn telephone_audio_is_left_as_it_is() {
        let mono = Mono {
            rate: 8000,
            samples: vec![0, 16_384, -32_768, 32_767],
        };
        assert_eq!(to_telephone(&mono).unwrap(), mono.samples);
    }

    #[test]
    fn pieces_of_any_length_make_the_sound_that_the_whole_makes() {
        let tone: Vec<f32> = (0..50_000)
            .map(|place| (TAU * 440.0 * f64::from(place) / 44_100.0).sin() as f32 / 2.0)
            .collect();
        let mut whole = Stream::new(44_100, 16_000).unwrap();
        whole.push(&tone).unwrap();
        let whole = whole.finish().unwrap();
        assert_eq!(whole.len(), 18_141);
        let mut pieces = Stream::new(44_100, 16_000).unwrap();
        for piece in tone.chunks(1153) {
            pieces.push(piece).unwrap();
        }
        assert_eq!(pieces.finish().unwrap(), whole);
        // What was loudest a quarter of a period after the beginning still is: nothing came late.
        let first_top = whole[..20].iter().enumerate().max_by_key(|(_, sample)| **sample);
        assert!((8..=10).contains(&first_top.unwrap().0), "{first_top:?}");
    }
}
