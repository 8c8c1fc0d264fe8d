use super::decode::Mono;
use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// What G.711 sounds at.
const TELEPHONE_RATE: u32 = 8_000;
/// What the wideband codecs are given.
const WIDEBAND_RATE: u32 = 16_000;

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
        return Ok(to_16_bits(&mono.samples));
    }
    let mut resampler = resampler(mono.rate, rate)?;
    let input =
        SequentialSlice::new(&mono.samples, 1, mono.samples.len()).map_err(|error| error.to_string())?;
    let output = resampler
        .process_all(&input, mono.samples.len(), None)
        .map_err(|error| error.to_string())?;
    Ok(to_16_bits(&output.take_data()))
}

/// One sub-chunk of a tenth of a second: the filter is long enough to fall between 3.7 and 4.1 kHz. The shorter
/// chunks of the library's own choice would take the upper half of the telephone band with them.
fn resampler(rate: u32, wanted: u32) -> Result<Fft<f32>, String> {
    let chunk = rate as usize / 10;
    Fft::new_custom(
        rate as usize,
        wanted as usize,
        chunk,
        1,
        1,
        WindowFunction::BlackmanHarris2,
        FixedSync::Input,
    )
    .map_err(|error| error.to_string())
}

fn to_16_bits(samples: &[f32]) -> Vec<i16> {
    samples
        .iter()
        .map(|sample| (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// A second of one frequency at half the full level, brought to 8 kHz: its level there in dB.
    fn level_after(rate: u32, frequency: f64) -> f64 {
        let samples = (0..2 * rate)
            .map(|place| 0.5 * (TAU * frequency * f64::from(place) / f64::from(rate)).sin())
            .map(|sample| sample as f32)
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
            samples: vec![0.0, 0.5, -1.0, 1.0],
        };
        assert_eq!(to_telephone(&mono).unwrap(), [0, 16_384, -32_768, 32_767]);
    }
}
