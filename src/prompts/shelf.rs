use super::Problem;
use super::shipped::{HOLD_MUSIC, SHIPPED};
use crate::model::{Codec, Language, PromptName};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// File name endings the box can decode.
const ENDINGS: [&str; 5] = ["wav", "mp3", "ogg", "oga", "flac"];
/// Endings of sound files the box cannot decode: worth a word, where any other file is none of our business.
const OTHER_SOUNDS: [&str; 8] = ["m4a", "aac", "wma", "opus", "gsm", "ulaw", "alaw", "amr"];

/// Which prompts exist: the files of `prompts/<language>/`, and the shipped ones where there is no file.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    items: BTreeMap<Language, BTreeMap<PromptName, Item>>,
    problems: Vec<Problem>,
    codecs: Vec<Codec>,
}

/// Where one prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    File(PathBuf),
    Shipped(&'static [u8]),
    /// Nobody has recorded it: the speech synthesiser says this text, and has it ready from the start.
    Spoken(String),
    /// The same, but only when somebody is to hear it.
    SpokenWhenHeard(String),
}

impl Shelf {
    /// The shipped prompts alone.
    pub fn shipped() -> Self {
        let mut shelf = Self::default();
        for (language, name, bytes) in SHIPPED {
            let prompts = shelf.items.entry(Language::from(*language)).or_default();
            prompts.insert(PromptName::from(*name), Item::Shipped(bytes));
            let (music, sound) = HOLD_MUSIC;
            prompts.insert(PromptName::from(music), Item::Shipped(sound));
        }
        shelf
    }

    /// The prompts of a folder with one folder a language, over the shipped ones. A folder that does not exist holds
    /// nothing.
    pub fn gather(folder: &Path) -> Self {
        let mut shelf = Self::shipped();
        for language in entries(folder, &mut shelf.problems)
            .into_iter()
            .filter(|path| path.is_dir())
        {
            let Some(name) = language
                .file_name()
                .and_then(|name| name.to_str())
                .map(Language::from)
            else {
                continue;
            };
            let mut own = BTreeMap::new();
            for file in entries(&language, &mut shelf.problems) {
                shelf.problems.extend(put(&mut own, file));
            }
            shelf.items.entry(name).or_default().extend(own);
        }
        shelf
    }

    /// The codecs whose frames are made when the prompts are loaded, so that nobody waits for them later.
    #[must_use]
    pub fn ready_for(mut self, codecs: &[Codec]) -> Self {
        self.codecs = codecs.to_vec();
        self
    }

    /// The codecs that prompts are made ready for.
    pub(super) fn codecs(&self) -> &[Codec] {
        &self.codecs
    }

    /// Puts a text on the shelf that the speech synthesiser says where there is no recording of this name.
    pub fn add_spoken(&mut self, language: &Language, name: &str, text: &str) {
        let own = self.items.entry(language.clone()).or_default();
        own.entry(PromptName::from(name))
            .or_insert_with(|| Item::Spoken(text.to_owned()));
    }

    /// The same for a text that is heard now and then, and takes no memory until it is.
    pub fn add_spoken_when_heard(&mut self, language: &Language, name: &str, text: &str) {
        let own = self.items.entry(language.clone()).or_default();
        own.entry(PromptName::from(name))
            .or_insert_with(|| Item::SpokenWhenHeard(text.to_owned()));
    }

    /// The names of the prompts of a language that only the speech synthesiser can say.
    pub fn spoken(&self, language: &Language) -> impl Iterator<Item = &PromptName> {
        let items = self.items.get(language).into_iter().flatten();
        items.filter_map(|(name, item)| match item {
            Item::Spoken(_) => Some(name),
            Item::File(_) | Item::Shipped(_) | Item::SpokenWhenHeard(_) => None,
        })
    }

    /// Whether there is such a prompt in this language.
    pub fn has(&self, language: &Language, name: &PromptName) -> bool {
        self.items
            .get(language)
            .is_some_and(|prompts| prompts.contains_key(name))
    }

    /// Whether anything can be said in this language.
    pub fn speaks(&self, language: &Language) -> bool {
        self.items
            .get(language)
            .is_some_and(|prompts| !prompts.is_empty())
    }

    /// What was found wrong while gathering.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every prompt of a language.
    pub(super) fn prompts(&self, language: &Language) -> impl Iterator<Item = (&PromptName, &Item)> {
        self.items.get(language).into_iter().flatten()
    }
}

impl Item {
    /// What messages call it.
    pub(super) fn path(&self, language: &Language, name: &PromptName) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Shipped(_) => PathBuf::from(format!("(shipped) {language}/{name}.wav")),
            Self::Spoken(_) | Self::SpokenWhenHeard(_) => {
                PathBuf::from(format!("(spoken) {language}/{name}"))
            }
        }
    }

    pub(super) fn read(&self) -> std::io::Result<Cow<'static, [u8]>> {
        match self {
            Self::File(path) => fs::read(path).map(Cow::Owned),
            Self::Shipped(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Spoken(_) | Self::SpokenWhenHeard(_) => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

/// Puts a file on the shelf under its name without the ending.
fn put(prompts: &mut BTreeMap<PromptName, Item>, file: PathBuf) -> Option<Problem> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    if OTHER_SOUNDS.contains(&ending.as_str()) {
        let problem = format!("{ending} cannot be decoded by this box");
        return Some(Problem {
            path: file,
            problem,
            cure: "convert it to wav, mp3, ogg or flac".to_owned(),
        });
    }
    if !ENDINGS.contains(&ending.as_str()) {
        return None;
    }
    let name = PromptName::from(file.file_stem()?.to_str()?);
    if let Some(Item::File(first)) = prompts.get(&name) {
        let problem = format!("is a second prompt `{name}` beside {}", first.display());
        return Some(Problem {
            path: file,
            problem,
            cure: "delete one of the two".to_owned(),
        });
    }
    prompts.insert(name, Item::File(file));
    None
}

/// The paths in a folder, sorted so that the same files always lead to the same shelf.
fn entries(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let cure = "let the user of the daemon read it".to_owned();
            let problem = format!("cannot be read: {error}");
            problems.push(Problem {
                path: folder.to_owned(),
                problem,
                cure,
            });
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> = found
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ones_own_stands_before_the_shipped_one_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("en")).unwrap();
        for file in [
            "welcome.WAV",
            "jingle.mp3",
            "jingle.ogg",
            "old.gsm",
            "notes.txt",
            ".hidden",
        ] {
            fs::write(folder.path().join("en").join(file), "x").unwrap();
        }
        let shelf = Shelf::gather(folder.path());
        let item = |name: &str| {
            shelf.items[&Language::from("en")]
                .get(&PromptName::from(name))
                .cloned()
        };
        assert!(matches!(item("welcome"), Some(Item::File(_))));
        assert!(matches!(item("goodbye"), Some(Item::Shipped(_))));
        assert!(matches!(item("jingle"), Some(Item::File(path)) if path.ends_with("en/jingle.mp3")));
        assert!(shelf.has(&"ar".into(), &"welcome".into()));
        assert!(!shelf.has(&"ar".into(), &"jingle".into()));
        let told: Vec<String> = shelf
            .problems()
            .iter()
            .map(|problem| problem.problem.clone())
            .collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("is a second prompt `jingle`"), "{told:?}");
        assert_eq!(told[1], "gsm cannot be decoded by this box");
    }

    #[test]
    fn a_folder_that_is_not_there_holds_nothing() {
        let shelf = Shelf::gather(Path::new("/nowhere/prompts"));
        assert!(shelf.problems().is_empty());
        assert!(shelf.speaks(&"en".into()) && shelf.speaks(&"ar".into()) && !shelf.speaks(&"fr".into()));
    }
}
