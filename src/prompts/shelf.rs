use super::own;
use super::shipped::{HOLD_MUSIC, SHIPPED};
use super::{OwnPrompts, Problem};
use crate::model::{Codec, Language, PromptName};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// File name endings the box can decode.
pub(super) const ENDINGS: [&str; 5] = ["wav", "mp3", "ogg", "oga", "flac"];
/// Endings of sound files the box cannot decode: worth a word, where any other file is none of our business.
const OTHER_SOUNDS: [&str; 8] = ["m4a", "aac", "wma", "opus", "gsm", "ulaw", "alaw", "amr"];

/// Which prompts exist: those people gave the box while it ran, the files of `prompts/<language>/` where there is none, and
/// the shipped ones where there is no file.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    items: BTreeMap<Language, BTreeMap<PromptName, Place>>,
    problems: Vec<Problem>,
    codecs: Vec<Codec>,
}

/// What lies on the shelf under one name.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// What was given to the running box. It is heard, as long as it is there.
    own: Option<Item>,
    /// What is heard otherwise.
    usual: Option<Item>,
}

impl Place {
    pub(super) fn heard(&self) -> Option<&Item> {
        self.own.as_ref().or(self.usual.as_ref())
    }
}

/// Where one prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Given to the running box.
    Own(PathBuf),
    /// Beside the configuration.
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
            let language = Language::from(*language);
            shelf.put_usual(&language, (*name).into(), Item::Shipped(bytes));
            let (music, sound) = HOLD_MUSIC;
            shelf.put_usual(&language, music.into(), Item::Shipped(sound));
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
            let mut found = BTreeMap::new();
            for file in entries(&language, &mut shelf.problems) {
                shelf.problems.extend(put(&mut found, file));
            }
            for (prompt, path) in found {
                shelf.put_usual(&name, prompt, Item::File(path));
            }
        }
        shelf
    }

    /// Lays the prompts over these that were given to the running box.
    #[must_use]
    pub fn with_own(mut self, own: &OwnPrompts) -> Self {
        for (language, name, path) in own.list(&mut self.problems) {
            self.put_own(&language, &name, path);
        }
        self
    }

    /// Lays one over what is heard otherwise.
    pub fn put_own(&mut self, language: &Language, name: &PromptName, path: PathBuf) {
        self.place(language, name.clone()).own = Some(Item::Own(path));
    }

    /// Takes it away again: what is heard otherwise is heard from now on. Nothing when none was given.
    pub fn take_own(&mut self, language: &Language, name: &PromptName) -> Option<PathBuf> {
        let prompts = self.items.get_mut(language)?;
        let place = prompts.get_mut(name)?;
        let own = place.own.take();
        if place.usual.is_none() {
            prompts.remove(name);
        }
        match own? {
            Item::Own(path) | Item::File(path) => Some(path),
            Item::Shipped(_) | Item::Spoken(_) | Item::SpokenWhenHeard(_) => None,
        }
    }

    fn put_usual(&mut self, language: &Language, name: PromptName, item: Item) {
        self.place(language, name).usual = Some(item);
    }

    fn place(&mut self, language: &Language, name: PromptName) -> &mut Place {
        let prompts = self.items.entry(language.clone()).or_default();
        prompts.entry(name).or_default()
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
        let place = self.place(language, name.into());
        place.usual.get_or_insert_with(|| Item::Spoken(text.to_owned()));
    }

    /// The same for a text that is heard now and then, and takes no memory until it is.
    pub fn add_spoken_when_heard(&mut self, language: &Language, name: &str, text: &str) {
        let place = self.place(language, name.into());
        place
            .usual
            .get_or_insert_with(|| Item::SpokenWhenHeard(text.to_owned()));
    }

    /// The names of the prompts of a language that only the speech synthesiser can say.
    pub fn spoken(&self, language: &Language) -> impl Iterator<Item = &PromptName> {
        self.prompts(language).filter_map(|(name, item)| match item {
            Item::Spoken(_) => Some(name),
            Item::Own(_) | Item::File(_) | Item::Shipped(_) | Item::SpokenWhenHeard(_) => None,
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

    /// Every prompt of a language, as it is heard.
    pub(super) fn prompts(&self, language: &Language) -> impl Iterator<Item = (&PromptName, &Item)> {
        let places = self.items.get(language).into_iter().flatten();
        places.filter_map(|(name, place)| Some((name, place.heard()?)))
    }

    /// Every prompt of a language, and where it comes from.
    pub fn list(&self, language: &Language) -> impl Iterator<Item = Listed<'_>> {
        let places = self.items.get(language).into_iter().flatten();
        places.filter_map(|(name, place)| {
            let heard = place.heard()?;
            Some(Listed {
                name,
                origin: heard.origin(),
                covers: place
                    .own
                    .as_ref()
                    .and(place.usual.as_ref())
                    .map(|usual| usual.origin()),
                path: heard.file(),
                text: heard.text(),
            })
        })
    }
}

/// A prompt as it is on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its name.
    pub name: &'a PromptName,
    /// Where what is heard comes from.
    pub origin: Origin,
    /// What would be heard if that were taken away.
    pub covers: Option<Origin>,
    /// The file, if it is one.
    pub path: Option<&'a Path>,
    /// What the synthesiser says, if nobody has recorded it.
    pub text: Option<&'a str>,
}

/// Where a prompt comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    Shipped,
    /// It lies beside the configuration.
    File,
    /// It was sent to the running box.
    Uploaded,
    /// It was recorded by phone.
    Recorded,
    /// The synthesiser says it.
    Spoken,
}

impl Item {
    /// What messages call it.
    pub(super) fn path(&self, language: &Language, name: &PromptName) -> PathBuf {
        match self {
            Self::Own(path) | Self::File(path) => path.clone(),
            Self::Shipped(_) => PathBuf::from(format!("(shipped) {language}/{name}.wav")),
            Self::Spoken(_) | Self::SpokenWhenHeard(_) => {
                PathBuf::from(format!("(spoken) {language}/{name}"))
            }
        }
    }

    pub(super) fn read(&self) -> std::io::Result<Cow<'static, [u8]>> {
        match self {
            Self::Own(path) | Self::File(path) => fs::read(path).map(Cow::Owned),
            Self::Shipped(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::Spoken(_) | Self::SpokenWhenHeard(_) => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

impl Item {
    fn origin(&self) -> Origin {
        match self {
            Self::Own(path) if own::is_by_phone(path) => Origin::Recorded,
            Self::Own(_) => Origin::Uploaded,
            Self::File(_) => Origin::File,
            Self::Shipped(_) => Origin::Shipped,
            Self::Spoken(_) | Self::SpokenWhenHeard(_) => Origin::Spoken,
        }
    }

    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Own(path) | Self::File(path) => Some(path),
            Self::Shipped(_) | Self::Spoken(_) | Self::SpokenWhenHeard(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Spoken(text) | Self::SpokenWhenHeard(text) => Some(text),
            Self::Own(_) | Self::File(_) | Self::Shipped(_) => None,
        }
    }
}

/// Puts a file on the shelf under its name without the ending.
fn put(prompts: &mut BTreeMap<PromptName, PathBuf>, file: PathBuf) -> Option<Problem> {
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
    if let Some(first) = prompts.get(&name) {
        let problem = format!("is a second prompt `{name}` beside {}", first.display());
        return Some(Problem {
            path: file,
            problem,
            cure: "delete one of the two".to_owned(),
        });
    }
    prompts.insert(name, file);
    None
}

/// The paths in a folder, sorted so that the same files always lead to the same shelf.
pub(super) fn entries(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
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
            let prompts = &shelf.items[&Language::from("en")];
            prompts.get(&PromptName::from(name))?.heard().cloned()
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
