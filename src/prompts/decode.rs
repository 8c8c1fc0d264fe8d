use super::resample::{Stream, WIDEBAND_RATE, to_16_bits};
use std::io::Cursor;
use std::panic::catch_unwind;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;

/// The longest prompt, so that a film dropped into the folder does not fill the memory.
const LONGEST_SECONDS: usize = 600;
/// Sample rates of sound files worth the name.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// A sound file's audio, mixed down to one channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mono {
    /// Samples a second, 16000 at most: no telephone hears more.
    pub(super) rate: u32,
    pub(super) samples: Vec<i16>,
}

/// Audio as it comes out of a file.
#[derive(Default)]
struct Growing {
    /// Samples a second in the file; 0 before the first packet.
    rate: u32,
    /// In one channel.
    taken: usize,
    mixed: Vec<f32>,
    /// What is kept as it is.
    kept: Vec<i16>,
    /// What takes more than that on its way down.
    stream: Option<Stream>,
}

impl Growing {
    /// The next packet: samples of all channels in turn.
    fn add(&mut self, rate: u32, channels: usize, interleaved: &[f32]) -> Result<(), String> {
        if self.rate == 0 && rate > WIDEBAND_RATE && RATES.contains(&rate) {
            self.stream = Some(Stream::new(rate, WIDEBAND_RATE)?);
        }
        agree(&mut self.rate, rate)?;
        self.mixed.clear();
        mix_down(&mut self.mixed, interleaved, channels);
        self.taken += self.mixed.len();
        if self.taken > LONGEST_SECONDS * self.rate as usize {
            return Err("is longer than ten minutes".to_owned());
        }
        match &mut self.stream {
            Some(stream) => stream.push(&self.mixed)?,
            None => self
                .kept
                .extend(self.mixed.iter().map(|sample| to_16_bits(*sample))),
        }
        Ok(())
    }

    fn whole(self) -> Result<Mono, String> {
        match self.stream {
            Some(stream) => Ok(Mono {
                rate: WIDEBAND_RATE,
                samples: stream.finish()?,
            }),
            None => Ok(Mono {
                rate: self.rate,
                samples: self.kept,
            }),
        }
    }
}

/// Decodes wav, mp3, ogg/vorbis or flac. The content decides, not the name.
///
/// # Errors
/// Why the file cannot be used, in plain words.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Mono, String> {
    // Headers that lie make the library's arithmetic overflow in places; that is the file's fault, not the daemon's end.
    catch_unwind(|| read(bytes))
        .unwrap_or_else(|_| Err("is no sound file: its header makes no sense".to_owned()))
}

fn read(bytes: Vec<u8>) -> Result<Mono, String> {
    if bytes.is_empty() {
        return Err("is empty".to_owned());
    }
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, Default::default(), Default::default())
        .map_err(|error| format!("is no sound file: {error}"))?;
    let mono = read_all(&mut *format)?;
    if mono.samples.is_empty() {
        return Err("holds no sound".to_owned());
    }
    Ok(mono)
}

fn read_all(format: &mut dyn FormatReader) -> Result<Mono, String> {
    let track = format.default_track(TrackType::Audio).ok_or("holds no sound")?;
    let track_id = track.id;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or("holds no sound")?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|error| format!("is coded in a way this box does not know: {error}"))?;
    let mut growing = Growing::default();
    let mut interleaved: Vec<f32> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return growing.whole(),
            // A file that was cut short: what came before is still a prompt.
            Err(Error::IoError(_)) if growing.taken > 0 => return growing.whole(),
            Err(error) => return Err(format!("is damaged: {error}")),
        };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(audio) => {
                let (rate, channels) = (audio.spec().rate(), audio.spec().channels().count());
                audio.copy_to_vec_interleaved(&mut interleaved);
                growing.add(rate, channels, &interleaved)?;
            }
            Err(Error::DecodeError(_)) => {} // One bad packet is a click, not a lost prompt.
            Err(error) => return Err(format!("is damaged: {error}")),
        }
    }
}

/// The rate must make sense and stay the same.
fn agree(known: &mut u32, rate: u32) -> Result<(), String> {
    if !RATES.contains(&rate) {
        return Err(format!("claims {rate} samples a second"));
    }
    if *known != 0 && *known != rate {
        return Err("changes its sample rate on the way".to_owned());
    }
    *known = rate;
    Ok(())
}

fn mix_down(samples: &mut Vec<f32>, interleaved: &[f32], channels: usize) {
    if channels <= 1 {
        samples.extend_from_slice(interleaved);
        return;
    }
    samples.extend(
        interleaved
            .chunks_exact(channels)
            .map(|frame| frame.iter().sum::<f32>() / channels as f32),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::resample::to_telephone;

    const MP3: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/sounds/tone.mp3"
    ));
    const OGG: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/sounds/tone.ogg"
    ));
    const FLAC: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/sounds/tone.flac"
    ));
    const ULAW: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/en/goodbye.wav"
    ));

    fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        samples
            .iter()
            .for_each(|sample| writer.write_sample(*sample).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    /// How often the sound goes up through zero in its loud middle, a second.
    fn frequency(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let ups = middle
            .windows(2)
            .filter(|pair| pair[0] < 0 && pair[1] >= 0)
            .count();
        ups as f64 * 8000.0 / middle.len() as f64
    }

    #[test]
    fn every_promised_kind_of_file_is_heard_as_it_was_recorded() {
        for (kind, file, rate) in [("mp3", MP3, 16_000), ("ogg", OGG, 16_000), ("flac", FLAC, 16_000)] {
            let mono = decode(file.to_vec()).unwrap();
            assert_eq!(mono.rate, rate, "{kind}");
            let heard = to_telephone(&mono).unwrap();
            assert!(
                (3900..4300).contains(&heard.len()),
                "{kind}: {} samples",
                heard.len()
            );
            assert!(
                (frequency(&heard) - 440.0).abs() < 8.0,
                "{kind}: {} Hz",
                frequency(&heard)
            );
            let loudest = heard.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((12_000..20_000).contains(&loudest), "{kind}: {loudest}");
        }
    }

    #[test]
    fn a_shipped_prompt_is_telephone_audio_already() {
        let mono = decode(ULAW.to_vec()).unwrap();
        assert_eq!((mono.rate, mono.samples.len()), (8000, 6240));
    }

    #[test]
    fn two_channels_become_their_mean() {
        let mono = decode(wav(8000, 2, &[16_384, -16_384, 16_384, 16_384])).unwrap();
        assert_eq!(mono.samples, [0, 16_384]);
    }

    #[test]
    fn a_file_that_was_cut_short_still_says_what_it_holds() {
        let whole = wav(8000, 1, &[1000; 8000]);
        let mono = decode(whole[..8044].to_vec()).unwrap();
        assert!(
            (3000..=4000).contains(&mono.samples.len()),
            "{}",
            mono.samples.len()
        );
    }

    #[test]
    fn what_is_no_sound_is_told_in_plain_words() {
        assert_eq!(decode(Vec::new()).unwrap_err(), "is empty");
        assert!(
            decode(b"hello, this is a letter".repeat(100))
                .unwrap_err()
                .starts_with("is no sound file")
        );
        assert_eq!(decode(wav(8000, 1, &[])).unwrap_err(), "holds no sound");
        assert_eq!(
            decode(wav(100, 1, &[0; 100])).unwrap_err(),
            "claims 100 samples a second"
        );
        assert_eq!(
            decode(wav(8000, 1, &vec![0; 5_000_000])).unwrap_err(),
            "is longer than ten minutes"
        );
    }

    /// ROBUSTNESS 69: sizes that lie, no channel, a loop, a gigabyte that is promised: what is there counts, and it takes
    /// no more memory or time than that.
    #[test]
    fn headers_that_lie_are_refused_or_cut_to_what_is_there() {
        let whole = wav(8000, 1, &[1000; 800]);
        let with = |place: usize, bytes: &[u8]| {
            let mut file = whole.clone();
            file[place..place + bytes.len()].copy_from_slice(bytes);
            decode(file)
        };
        let gigabyte = 1_073_741_824_u32.to_le_bytes();
        for size in [gigabyte, [0xff; 4], [0; 4]] {
            for place in [4, 40] {
                if let Ok(mono) = with(place, &size) {
                    assert!(
                        mono.samples.len() <= 800,
                        "{place} {size:?}: {}",
                        mono.samples.len()
                    );
                }
            }
        }
        assert!(with(22, &[0, 0]).is_err(), "no channel");
        assert!(with(22, &[0xff, 0xff]).is_err(), "65,535 channels");
        assert!(with(24, &[0; 4]).is_err(), "no rate");
        assert!(with(34, &[0, 0]).is_err(), "samples of no bits");
        // A sampler chunk with a loop without end, before the sound.
        let mut looping = whole[..36].to_vec();
        looping.extend(b"smpl");
        looping.extend(60_u32.to_le_bytes());
        looping.extend([0; 28]);
        looping.extend(1_u32.to_le_bytes());
        looping.extend([0xff; 28]);
        looping.extend(&whole[36..]);
        if let Ok(mono) = decode(looping) {
            assert_eq!(mono.samples.len(), 800);
        }
    }

    #[test]
    fn damaged_files_are_refused_or_played_and_never_stop_the_daemon() {
        let mut dice = crate::model::Dice::from_number(3);
        for file in [
            MP3.to_vec(),
            OGG.to_vec(),
            FLAC.to_vec(),
            ULAW.to_vec(),
            wav(44_100, 2, &[99; 4000]),
        ] {
            for _ in 0..150 {
                let mut damaged = file.clone();
                for _ in 0..=dice.roll(6) {
                    let reach = if dice.roll(2) == 0 {
                        200
                    } else {
                        damaged.len() as u64
                    };
                    let place = dice.roll(reach.min(damaged.len() as u64)) as usize;
                    damaged[place] = dice.number() as u8;
                }
                let _ = decode(damaged);
            }
        }
    }
}
