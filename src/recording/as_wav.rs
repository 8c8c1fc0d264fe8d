use super::Found;
use super::opus_ogg::Hearing;
use super::vault::Keys;
use std::io::{self, Read as _};

/// The most samples that are decoded at once: an hour of a message, which is far beyond any.
const MOST_SAMPLES: usize = 8000 * 3600;

/// A recording as whoever knows WAV alone hears it: a telephone, an e-mail, a service that writes it down. One that was
/// compressed is decoded into memory, so this is for messages, which are short.
///
/// # Errors
/// When it cannot be read or opened, or is longer than an hour.
pub fn as_wav(found: &Found, keys: Option<&Keys>) -> io::Result<Vec<u8>> {
    let mut audio = found.open(keys)?;
    if found.media_type != "audio/ogg" {
        let mut bytes = Vec::new();
        audio.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let mut hearing = Hearing::new(audio)?;
    let head = hearing.head();
    let mut samples = Vec::new();
    while let Some(sound) = hearing.hear()? {
        samples.extend_from_slice(sound);
        if samples.len() > MOST_SAMPLES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is too long to be decoded at once",
            ));
        }
    }
    let mut wav = front(head.count() as u16, head.rate, samples.len() as u32 * 2).to_vec();
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Ok(wav)
}

/// The front of a WAV file of 16-bit samples (format tag 1).
fn front(channels: u16, rate: u32, bytes: u32) -> [u8; 44] {
    let mut front = [0; 44];
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &(36 + bytes).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(channels) * 2).to_le_bytes(),
        &(channels * 2).to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &bytes.to_le_bytes(),
    ];
    let flat = parts.into_iter().flatten().copied();
    front.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
    front
}
