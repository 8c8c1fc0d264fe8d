use super::decode::{Mono, decode};
use super::resample::{to_telephone, to_wideband};
use crate::media::{Sound, Tones, g711};
use crate::model::{Codec, Digit, Tone};
use std::collections::HashMap;
use std::sync::Arc;

/// A sound with the frames of these codecs made: playing it costs the copy of a packet.
///
/// # Errors
/// Why it cannot be done, in plain words.
pub(super) fn sound(mono: &Mono, codecs: &[Codec]) -> Result<Sound, String> {
    let sound = Sound::from_pcm_8k(&to_telephone(mono)?);
    let has_wide = codecs.iter().any(|codec| codec.is_wideband());
    let wide = if has_wide { to_wideband(mono)? } else { None };
    let sound = match wide {
        Some(wide) => sound.with_wide(&wide, codecs),
        None => sound,
    };
    sound.prepare(codecs);
    Ok(sound)
}

/// The same, out of a sound file as somebody sends it.
///
/// # Errors
/// Why the file cannot be used, in plain words that follow "the file".
pub fn sound_of(file: &[u8], codecs: &[Codec]) -> Result<Sound, String> {
    sound(&decode(file.to_vec())?, codecs)
}

/// A sound as a WAV file: 16 bits at 8000 Hz, what a caller on a telephone line hears of it.
pub fn as_wav(sound: &Sound) -> Vec<u8> {
    let law = sound.bytes(Codec::Pcmu);
    let length = 2 * law.len() as u32;
    let mut wav = Vec::with_capacity(44 + 2 * law.len());
    // The canonical head of 44 bytes: one channel of linear samples.
    wav.extend(b"RIFF");
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    for word in [1_u16, 1] {
        wav.extend(word.to_le_bytes());
    }
    for number in [8000_u32, 16_000] {
        wav.extend(number.to_le_bytes());
    }
    for word in [2_u16, 16] {
        wav.extend(word.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(
        law.iter()
            .flat_map(|byte| g711::linear(Codec::Pcmu, *byte).to_le_bytes()),
    );
    wav
}

/// The same for µ-law that is part of the program, which stays where it is.
pub(super) fn shipped(pcmu: &'static [u8], codecs: &[Codec]) -> Sound {
    let sound = Sound::from_shipped_pcmu(pcmu);
    sound.prepare(codecs);
    sound
}

/// The tones with their frames made, when any of these codecs takes time to make them; otherwise none, and whoever
/// plays one generates it.
pub(super) fn tones(codecs: &[Codec]) -> HashMap<Tone, Arc<Sound>> {
    if !codecs.iter().any(|codec| codec.is_wideband()) {
        return HashMap::new();
    }
    let keys = "0123456789*#ABCD"
        .chars()
        .filter_map(Digit::from_char)
        .map(Tone::Key);
    let mut tones = Tones::default();
    [Tone::Ringback, Tone::Beep, Tone::Silence]
        .into_iter()
        .chain(keys)
        .map(|tone| {
            let sound = tones.get(tone);
            sound.prepare(codecs);
            (tone, sound)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listened_to_is_what_was_sent() {
        let samples: Vec<i16> = (0..1600).map(|place| (place % 40 - 20) * 800).collect();
        let wav = as_wav(&Sound::from_pcm_8k(&samples));
        let back = decode(wav.clone()).unwrap();
        assert_eq!((back.rate, back.samples.len()), (8000, 1600));
        let is_near = |(sent, heard): (&i16, &i16)| (sent - heard).abs() <= 512;
        assert!(samples.iter().zip(&back.samples).all(is_near));
        assert_eq!(as_wav(&sound_of(&wav, &Codec::G711).unwrap()), wav);
        assert_eq!(sound_of(b"", &Codec::G711).unwrap_err(), "is empty");
    }
}
