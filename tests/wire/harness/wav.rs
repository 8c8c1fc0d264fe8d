//! WAV files, read and written, and G.711.

use super::tone::{self, RATE};
use std::path::Path;
use std::time::Duration;

/// A sound file's samples, one list a channel.
#[derive(Debug)]
pub(crate) struct Wav {
    /// Samples a second.
    pub(crate) rate: u32,
    /// Left first.
    pub(crate) channels: Vec<Vec<i16>>,
}

impl Wav {
    /// How long this tone is to be heard in one of the channels, whatever their rate.
    pub(crate) fn heard(&self, channel: &[i16], hertz: u32) -> Duration {
        // The ruler reads every sound as if it had 8000 samples a second.
        let ruler = u32::try_from(RATE).expect("8000");
        tone::heard(channel, hertz * ruler / self.rate) * ruler / self.rate
    }
}

/// Reads 16-bit PCM, A-law or µ-law. A length that the writer did not live to fill in is taken from the file's size.
#[track_caller]
pub(crate) fn read(bytes: &[u8]) -> Wav {
    assert!(
        bytes.len() > 12 && &bytes[..4] == b"RIFF" && &bytes[8..12] == b"WAVE",
        "this is no WAV file"
    );
    let (mut format, mut channels, mut rate) = (0, 0, 0);
    let mut rest = &bytes[12..];
    while rest.len() >= 8 {
        let said = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]) as usize;
        let body = &rest[8..];
        match &rest[..4] {
            b"fmt " => {
                format = u16::from_le_bytes([body[0], body[1]]);
                channels = usize::from(u16::from_le_bytes([body[2], body[3]]));
                rate = u32::from_le_bytes([body[4], body[5], body[6], body[7]]);
            }
            b"data" => {
                let unfinished = said == 0 || said > body.len();
                let data = if unfinished { body } else { &body[..said] };
                return Wav {
                    rate,
                    channels: split(&samples(format, data), channels),
                };
            }
            _ => {}
        }
        rest = body.get(said + said % 2..).unwrap_or_default();
    }
    panic!("the WAV file has no data");
}

/// Reads a file.
#[track_caller]
pub(crate) fn read_file(path: &Path) -> Wav {
    read(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Writes one channel of 16-bit PCM at 8000 samples a second.
pub(crate) fn write_file(path: &Path, samples: &[i16]) {
    write_file_at(path, samples, RATE as u32, 1);
}

/// The same at another rate, with so many channels one after the other in `samples`.
pub(crate) fn write_file_at(path: &Path, samples: &[i16], rate: u32, channels: u16) {
    let length = u32::try_from(samples.len() * 2).expect("a test's sound is short");
    let frame = 2 * channels;
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(frame)).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn samples(format: u16, data: &[u8]) -> Vec<i16> {
    match format {
        6 => data.iter().map(|byte| from_a_law(*byte)).collect(),
        7 => data.iter().map(|byte| from_mu_law(*byte)).collect(),
        1 | 0xfffe => data
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect(),
        other => panic!("nobody here reads WAV format {other}"),
    }
}

fn split(samples: &[i16], channels: usize) -> Vec<Vec<i16>> {
    (0..channels)
        .map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect())
        .collect()
}

/// ITU-T G.711 µ-law to linear.
pub(crate) fn from_mu_law(byte: u8) -> i16 {
    let code = !byte;
    let magnitude = (((i16::from(code & 0x0f)) << 3) + 0x84) << ((code & 0x70) >> 4);
    if code & 0x80 == 0 {
        magnitude - 0x84
    } else {
        0x84 - magnitude
    }
}

/// Linear to ITU-T G.711 µ-law.
pub(crate) fn to_mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let biased = i32::from(sample).abs().min(32_635) + 0x84;
    let exponent = (24 - biased.leading_zeros()).min(7);
    let mantissa = (biased >> (exponent + 3)) & 0x0f;
    !(sign | (u8::try_from(exponent).unwrap_or(7) << 4) | u8::try_from(mantissa).unwrap_or(15))
}

/// ITU-T G.711 A-law to linear.
pub(crate) fn from_a_law(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let step = i16::from(code & 0x0f) << 4;
    let magnitude = match (code & 0x70) >> 4 {
        0 => step + 8,
        exponent => (step + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mu_law_there_and_back_gives_the_same_byte() {
        for byte in 0..=255 {
            // 0x7f and 0xff are both zero; the encoder knows one of them.
            if byte != 0x7f {
                assert_eq!(to_mu_law(from_mu_law(byte)), byte, "of {byte:#x}");
            }
        }
        assert_eq!(from_mu_law(0x80), 32_124);
        assert_eq!(from_a_law(0xaa), 32_256);
        assert_eq!(from_a_law(0xd5), 8);
    }
}
