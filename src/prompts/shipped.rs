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

/// The prompts that are in the binary, so that the box can speak before anybody has given it a file.
pub(super) const SHIPPED: &[ShippedPrompt] = shipped![
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
pub(super) const HOLD_MUSIC: (&str, &[u8]) = (
    "hold-music",
    include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/hold-music.ogg"
    )),
);

#[cfg(test)]
mod tests {
    use super::*;
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
}
