/// One shipped prompt: language, name, and the bytes of the file.
pub(super) type ShippedPrompt = (&'static str, &'static str, &'static [u8]);

/// Puts each named prompt into the binary, once for each language.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(
            ("en", $name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/en/", $name, ".wav"))),
            ("ar", $name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/ar/", $name, ".wav"))),
        )*]
    };
}

/// The prompts that are in the binary, so that the box can speak before anybody has given it a file. A static, because a
/// constant may be there once for each use.
pub(super) static SHIPPED: &[ShippedPrompt] = shipped![
    "all-busy",
    "choose-language",
    "closed",
    "enter-number",
    "goodbye",
    "holiday",
    "invalid",
    "main-menu",
    "no-input",
    "nobody-available",
    "not-available",
    "number-unknown",
    "please-hold",
    "recorded",
    "thank-you",
    "vm-deleted",
    "vm-enter-box",
    "vm-enter-pin",
    "vm-erased",
    "vm-first",
    "vm-from",
    "vm-full",
    "vm-greeting-menu",
    "vm-greeting-record",
    "vm-greeting-review",
    "vm-greeting-set",
    "vm-kept",
    "vm-menu",
    "vm-message-menu",
    "vm-new-count",
    "vm-no-messages",
    "vm-no-more",
    "vm-received",
    "vm-review",
    "vm-saved-count",
    "vm-too-short",
    "vm-urgent",
    "vm-wrong",
    "voicemail-greeting",
    "welcome",
];

/// What is heard on hold: the same in every language, and once in the binary. `make-hold-music.py` beside it makes it.
pub(super) static HOLD_MUSIC: (&str, &[u8]) = (
    "hold-music",
    include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/hold-music.ogg"
    )),
);

/// The shipped file that has the same bytes: whoever copies the prompts beside the configuration has no other sounds.
pub(super) fn shipped_as(file: &[u8]) -> Option<&'static [u8]> {
    let prompts = SHIPPED.iter().map(|(.., bytes)| *bytes);
    prompts.chain([HOLD_MUSIC.1]).find(|shipped| *shipped == file)
}

/// The frames of a shipped file, if it is µ-law at 8000 Hz as the telephone wants it: then it needs no decoding and no
/// memory. Nothing for any other sound.
pub(super) fn shipped_pcmu(file: &'static [u8]) -> Option<&'static [u8]> {
    let chunks = file.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut is_telephone = false;
    let mut rest = chunks;
    loop {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (body, after) = after.split_at_checked(length)?;
        match name {
            // WAVE_FORMAT_MULAW, one channel, 8000 samples a second.
            b"fmt " => is_telephone = body.starts_with(&[7, 0, 1, 0, 0x40, 0x1f, 0, 0]),
            b"data" => return is_telephone.then_some(body),
            _ => (),
        }
        // A chunk of odd length is followed by a byte that means nothing.
        rest = after.get(length % 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::decode;
    use super::super::resample::to_telephone;
    use super::*;
    use crate::media::{FRAME, Sound};
    use crate::model::Codec;
    use std::collections::BTreeSet;

    #[test]
    fn every_prompt_of_the_repository_is_in_the_binary() {
        for language in ["en", "ar"] {
            let folder = format!("{}/config/prompts/{language}", env!("CARGO_MANIFEST_DIR"));
            let files: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| {
                    file.unwrap()
                        .path()
                        .file_stem()
                        .unwrap()
                        .to_string_lossy()
                        .into_owned()
                })
                .collect();
            let shipped: BTreeSet<String> = SHIPPED
                .iter()
                .filter(|(own, ..)| *own == language)
                .map(|(_, name, _)| (*name).to_owned())
                .collect();
            assert_eq!(files, shipped, "{language}");
        }
    }

    /// Otherwise each would lie in memory a second time.
    #[test]
    fn shipped_prompts_are_telephone_frames_already_and_sound_as_their_files_do() {
        for (language, name, file) in SHIPPED {
            let pcmu = shipped_pcmu(file).unwrap_or_else(|| panic!("{language}/{name} has to be decoded"));
            assert_eq!(
                pcmu.len() % FRAME,
                0,
                "{language}/{name}: run make-prompts.sh again"
            );
            let decoded = to_telephone(&decode(file.to_vec()).unwrap()).unwrap();
            let (borrowed, decoded) = (Sound::from_shipped_pcmu(pcmu), Sound::from_pcm_8k(&decoded));
            assert_eq!(
                borrowed.bytes(Codec::Pcma),
                decoded.bytes(Codec::Pcma),
                "{language}/{name}"
            );
        }
        assert!(shipped_pcmu(HOLD_MUSIC.1).is_none());
    }

    #[test]
    fn a_copy_of_a_shipped_prompt_is_the_shipped_prompt() {
        let (_, _, first) = SHIPPED[0];
        let copy = first.to_vec();
        assert_eq!(shipped_as(&copy).map(<[u8]>::as_ptr), Some(first.as_ptr()));
        assert!(shipped_as(b"").is_none() && shipped_as(&first[1..]).is_none());
    }

    #[test]
    fn a_file_that_lies_about_itself_is_no_frames() {
        const CUT: &[&[u8]] = &[
            b"",
            b"RIFF",
            b"RIFF....WAVE",
            b"RIFF....WAVEfmt \xff\xff\xff\xff",
            b"RIFF....WAVEdata\x02\0\0\0ab",
            b"RIFF....WAVEfmt \x08\0\0\0\x01\0\x01\0\x40\x1f\0\0data\x02\0\0\0ab",
            b"RIFF....WAVEfmt \x08\0\0\0\x07\0\x01\0\x40\x1f\0\0data\x03\0\0\0ab",
        ];
        assert!(CUT.iter().all(|file| shipped_pcmu(file).is_none()));
        const WHOLE: &[u8] =
            b"RIFF....WAVEodd!\x01\0\0\0x\0fmt \x08\0\0\0\x07\0\x01\0\x40\x1f\0\0data\x02\0\0\0ab";
        assert_eq!(shipped_pcmu(WHOLE), Some(b"ab".as_slice()));
    }
}
