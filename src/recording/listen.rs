use std::fs;
use std::io;
use std::path::Path;

/// How a WAV file's samples are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// G.711 µ-law, format tag 7.
    MuLaw,
    /// G.711 A-law, format tag 6.
    ALaw,
    /// Linear, 16 bits, format tag 1.
    Linear16,
}

/// What a WAV file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WavFacts {
    /// How samples are written down.
    pub format: Sound,
    /// Channels.
    pub channels: u16,
    /// Samples a second of one channel.
    pub sample_rate: u32,
    /// Samples of one channel, as the header says; no more than the file holds.
    pub frames: u64,
}

/// Reads a WAV file's header.
///
/// # Errors
/// When the file cannot be read, is not a WAV file, or holds another kind of sound.
pub fn inspect(path: &Path) -> io::Result<WavFacts> {
    let bytes = fs::read(path)?;
    Ok(parse(&bytes).ok_or_else(not_ours)?.0)
}

/// Reads a WAV file: the samples of each channel, as a player that believes the header would hear them.
///
/// # Errors
/// When the file cannot be read, is not a WAV file, or holds another kind of sound.
pub fn decode(path: &Path) -> io::Result<Vec<Vec<i16>>> {
    let bytes = fs::read(path)?;
    let (facts, audio) = parse(&bytes).ok_or_else(not_ours)?;
    let channels = usize::from(facts.channels);
    let samples: Vec<i16> = match facts.format {
        Sound::MuLaw => audio.iter().map(|byte| mu_law(*byte)).collect(),
        Sound::ALaw => audio.iter().map(|byte| a_law(*byte)).collect(),
        Sound::Linear16 => audio
            .as_chunks()
            .0
            .iter()
            .map(|pair| i16::from_le_bytes(*pair))
            .collect(),
    };
    Ok((0..channels)
        .map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect())
        .collect())
}

/// How loud one frequency is among samples at 8000 a second, by Goertzel's algorithm: the amplitude of that
/// sine as a share of full scale, so 0.5 for a sine at half of full scale and about 0 where it is absent.
pub fn tone_level(samples: &[i16], hz: f32) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    let step = 2.0 * std::f64::consts::PI * f64::from(hz) / 8000.0;
    let turn = 2.0 * step.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        let now = f64::from(*sample) + turn * last - before;
        before = last;
        last = now;
    }
    let power = last * last + before * before - turn * last * before;
    let amplitude = 2.0 * power.max(0.0).sqrt() / samples.len() as f64;
    (amplitude / f64::from(i16::MAX)) as f32
}

/// Samples of a format by its tag of RFC 2361, appended to `samples`; none of a format that is not ours.
pub(super) fn samples_into(tag: u16, bytes: &[u8], samples: &mut Vec<i16>) {
    match tag {
        7 => samples.extend(bytes.iter().map(|byte| mu_law(*byte))),
        6 => samples.extend(bytes.iter().map(|byte| a_law(*byte))),
        1 => samples.extend(bytes.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair))),
        _ => {}
    }
}

fn not_ours() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "not a WAV file of G.711 or 16-bit sound",
    )
}

/// Walks the chunks to the audio. Sizes are only believed as far as the file goes.
fn parse(bytes: &[u8]) -> Option<(WavFacts, &[u8])> {
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut rest = bytes.get(12..)?;
    let mut format = None;
    loop {
        let name = rest.get(..4)?;
        let size = usize::try_from(u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?)).ok()?;
        let body = rest.get(8..)?;
        match (name, format) {
            (b"fmt ", _) => format = Some(parse_format(body.get(..size)?)?),
            (b"data", Some(facts)) => return Some(measured(facts, body.get(..size).unwrap_or(body))),
            _other_chunk => {}
        }
        rest = body.get(size.checked_add(size % 2)?..)?;
    }
}

fn parse_format(body: &[u8]) -> Option<WavFacts> {
    let word = |at: usize| Some(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?));
    let format = match (word(0)?, word(14)?) {
        (7, 8) => Sound::MuLaw,
        (6, 8) => Sound::ALaw,
        (1, 16) => Sound::Linear16,
        _other => return None,
    };
    let channels = word(2)?;
    let sample_rate = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
    (channels > 0).then_some(WavFacts {
        format,
        channels,
        sample_rate,
        frames: 0,
    })
}

fn measured(facts: WavFacts, audio: &[u8]) -> (WavFacts, &[u8]) {
    let sample_bytes = match facts.format {
        Sound::MuLaw | Sound::ALaw => 1,
        Sound::Linear16 => 2,
    };
    let frame_bytes = usize::from(facts.channels) * sample_bytes;
    let whole = audio.len() - audio.len() % frame_bytes;
    let frames = (whole / frame_bytes) as u64;
    (
        WavFacts { frames, ..facts },
        audio.get(..whole).unwrap_or_default(),
    )
}

/// ITU-T G.711, table 2a, scaled to 16 bits.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 7;
    let magnitude = ((i16::from(byte & 0x0f) << 3) + 0x84) << exponent;
    let value = magnitude - 0x84;
    if byte & 0x80 == 0 { value } else { -value }
}

/// ITU-T G.711, table 1a, scaled to 16 bits.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = (byte >> 4) & 7;
    let mantissa = (i16::from(byte & 0x0f) << 4) + 8;
    let value = if exponent == 0 {
        mantissa
    } else {
        (mantissa + 0x100) << (exponent - 1)
    };
    if byte & 0x80 == 0 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_laws_reach_from_silence_to_full_scale() {
        assert_eq!((mu_law(0xff), mu_law(0x7f)), (0, 0));
        assert_eq!((mu_law(0x80), mu_law(0x00)), (32_124, -32_124));
        assert_eq!((a_law(0xd5), a_law(0x55)), (8, -8));
        assert_eq!((a_law(0xaa), a_law(0x2a)), (32_256, -32_256));
    }

    #[test]
    fn a_tone_is_heard_at_its_frequency_and_nowhere_else() {
        let sine = |hz: f32| -> Vec<i16> {
            let sample = |n: i32| 16_000.0 * (2.0 * std::f32::consts::PI * hz * n as f32 / 8000.0).sin();
            (0..8000).map(|n| sample(n) as i16).collect()
        };
        let samples = sine(440.0);
        assert!((tone_level(&samples, 440.0) - 16_000.0 / 32_767.0).abs() < 0.01);
        assert!(tone_level(&samples, 880.0) < 0.005);
        assert!(tone_level(&[], 440.0) == 0.0);
    }

    #[test]
    fn other_bytes_are_refused_without_a_panic() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.wav");
        let long_fmt = b"RIFF\x04\0\0\0WAVEfmt \xff\xff\xff\xff";
        for bytes in [
            &b""[..],
            b"RIFF",
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
            long_fmt,
        ] {
            fs::write(&file, bytes).unwrap();
            assert!(inspect(&file).is_err() && decode(&file).is_err(), "{bytes:?}");
        }
    }
}
