use super::decode::decode;
use super::ready;
use super::shelf::Item;
use super::shipped::{shipped_as, shipped_pcmu};
use super::{Problem, Shelf};
use crate::media::Sound;
use crate::model::{Codec, Language, PromptName};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Every prompt of a shelf, decoded.
#[derive(Debug)]
pub(super) struct Stock {
    pub(super) prompts: HashMap<Language, HashMap<PromptName, Arc<Sound>>>,
    /// What the synthesiser says in the place of a prompt that nobody has recorded.
    pub(super) spoken: HashMap<Language, HashMap<PromptName, String>>,
    /// Why a prompt cannot be heard.
    pub(super) broken: HashMap<Language, HashMap<PromptName, String>>,
    pub(super) languages: Vec<Language>,
    /// Those of `spoken` that are to be ready from the start.
    ready_at_once: Vec<(Option<Language>, String)>,
    pub(super) decoded: Decoded,
}

impl Stock {
    /// Decodes the prompts of these languages; what was decoded before and is the same still is taken from there.
    pub(super) fn gather(
        shelf: &Shelf,
        languages: &[Language],
        before: &Decoded,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut stock = Self {
            prompts: HashMap::new(),
            spoken: HashMap::new(),
            broken: HashMap::new(),
            languages: languages.to_vec(),
            ready_at_once: Vec::new(),
            decoded: Decoded::default(),
        };
        for language in languages {
            let own = stock.prompts.entry(language.clone()).or_default();
            for (name, item) in shelf.prompts(language) {
                if let Item::Spoken(text) | Item::SpokenWhenHeard(text) = item {
                    let texts = stock.spoken.entry(language.clone()).or_default();
                    texts.insert(name.clone(), text.clone());
                    if matches!(item, Item::Spoken(_)) {
                        let order = (Some(language.clone()), text.clone());
                        stock.ready_at_once.push(order);
                    }
                    continue;
                }
                match stock.decoded.get(item, before, shelf.codecs()) {
                    Ok(sound) => {
                        own.insert(name.clone(), sound);
                    }
                    Err(problem) => {
                        let broken = stock.broken.entry(language.clone()).or_default();
                        broken.insert(name.clone(), problem.clone());
                        problems.push(Problem {
                            path: item.path(language, name),
                            problem,
                            cure: "save it again as wav, 8 kHz or more".to_owned(),
                        });
                    }
                }
            }
        }
        stock
    }

    /// The texts that are to be ready from the start, with these.
    pub(super) fn constant(&self, others: &[(Option<Language>, String)]) -> Vec<(Option<Language>, String)> {
        [others, &self.ready_at_once].concat()
    }
}

/// Sounds by what they were made of: one that several languages share is made ready once, and one whose file has not
/// changed is not made again.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoded(HashMap<Source, Arc<Sound>>);

/// What a sound was made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    /// A shipped file, by its place in the program.
    Shipped(usize),
    /// A file as it was then.
    File {
        path: PathBuf,
        changed: Option<SystemTime>,
        bytes: u64,
    },
}

impl Source {
    fn of(path: &Path) -> Option<Self> {
        let facts = fs::metadata(path).ok()?;
        Some(Self::File {
            path: path.to_owned(),
            changed: facts.modified().ok(),
            bytes: facts.len(),
        })
    }
}

impl Decoded {
    /// Takes in what was decoded of this file a moment ago.
    pub(super) fn know(&mut self, path: &Path, sound: Arc<Sound>) {
        if let Some(source) = Source::of(path) {
            self.0.insert(source, sound);
        }
    }

    fn get(&mut self, item: &Item, before: &Self, codecs: &[Codec]) -> Result<Arc<Sound>, String> {
        let file = item.file().and_then(Source::of);
        if let Some(sound) = self.take_over(file.as_ref(), before) {
            return Ok(sound);
        }
        let bytes = item.read().map_err(|error| format!("cannot be read: {error}"))?;
        let shipped = match &bytes {
            Cow::Borrowed(shipped) => Some(*shipped),
            Cow::Owned(file) => shipped_as(file),
        };
        let source = shipped.map_or(file, |shipped| Some(Source::Shipped(shipped.as_ptr().addr())));
        if let Some(sound) = self.take_over(source.as_ref(), before) {
            return Ok(sound);
        }
        let sound = match shipped.and_then(shipped_pcmu) {
            Some(pcmu) => ready::shipped(pcmu, codecs),
            None => ready::sound(&decode(bytes.into_owned())?, codecs)?,
        };
        let sound = Arc::new(sound);
        if let Some(source) = source {
            self.0.insert(source, Arc::clone(&sound));
        }
        Ok(sound)
    }

    fn take_over(&mut self, source: Option<&Source>, before: &Self) -> Option<Arc<Sound>> {
        let source = source?;
        let sound = self.0.get(source).or_else(|| before.0.get(source))?;
        let sound = Arc::clone(sound);
        self.0.insert(source.clone(), Arc::clone(&sound));
        Some(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::{Brought, OwnPrompts};

    const SHIPPED: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/en/goodbye.wav"
    ));
    const TONE: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/sounds/tone.flac"
    ));

    #[test]
    fn only_what_has_changed_is_decoded_again() {
        let data = tempfile::tempdir().unwrap();
        let own = OwnPrompts::below(data.path());
        let languages = [Language::from("en"), Language::from("ar")];
        let [en, ar] = &languages;
        let (jingle, copy) = (PromptName::from("jingle"), PromptName::from("copy"));
        own.keep(en, &jingle, TONE, Brought::AsFile).unwrap();
        own.keep(ar, &copy, SHIPPED, Brought::AsFile).unwrap();
        let gather = |before: &Decoded| {
            let mut problems = Vec::new();
            let shelf = Shelf::shipped().with_own(&own);
            let stock = Stock::gather(&shelf, &languages, before, &mut problems);
            assert_eq!(problems, []);
            stock
        };
        let first = gather(&Decoded::default());
        let second = gather(&first.decoded);
        for (language, prompts) in &first.prompts {
            for (name, sound) in prompts {
                assert!(
                    Arc::ptr_eq(sound, &second.prompts[language][name]),
                    "{language}/{name}"
                );
            }
        }
        // A copy of a shipped prompt is the shipped prompt.
        let goodbye = &first.prompts[en][&PromptName::from("goodbye")];
        assert!(Arc::ptr_eq(goodbye, &first.prompts[ar][&copy]));
        own.keep(en, &jingle, b"RIFF but no sound", Brought::AsFile)
            .unwrap();
        let mut problems = Vec::new();
        let shelf = Shelf::shipped().with_own(&own);
        let third = Stock::gather(&shelf, &languages, &second.decoded, &mut problems);
        assert!(!third.prompts[en].contains_key(&jingle));
        assert!(
            third.broken[en][&jingle].starts_with("is no sound file"),
            "{problems:?}"
        );
    }
}
