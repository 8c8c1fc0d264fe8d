use super::decode::Mono;
use super::resample::{to_telephone, to_wideband};
use crate::media::{Sound, Tones};
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
