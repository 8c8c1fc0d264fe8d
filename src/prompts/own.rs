use super::Problem;
use super::shelf::{ENDINGS, entries};
use crate::model::{Language, PromptName};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What stands between the name and the ending of a prompt that was recorded by phone.
const BY_PHONE: &str = ".phone";

/// The prompts that people gave the running box: files in a folder of its own with one folder a language, for the folder
/// beside the configuration is not the box's to write in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPrompts {
    folder: PathBuf,
}

/// How a prompt came to the running box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    /// As a file.
    AsFile,
    /// Somebody said it into a phone.
    ByPhone,
}

impl OwnPrompts {
    /// Those below this data directory.
    pub fn below(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("prompts"),
        }
    }

    /// Every prompt with its file. Where the power went between a new one and the removal of the old, the newer counts.
    pub(super) fn list(&self, problems: &mut Vec<Problem>) -> Vec<(Language, PromptName, PathBuf)> {
        let mut found = Vec::new();
        for folder in entries(&self.folder, problems)
            .into_iter()
            .filter(|path| path.is_dir())
        {
            let Some(language) = folder.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let mut newest = BTreeMap::new();
            for file in entries(&folder, problems) {
                let Some(name) = name_of(&file) else { continue };
                let changed = fs::metadata(&file).and_then(|facts| facts.modified()).ok();
                let known = newest.entry(name).or_insert_with(|| (changed, file.clone()));
                if changed > known.0 {
                    *known = (changed, file);
                }
            }
            let of_language = |(name, (_, file))| (Language::from(language), name, file);
            found.extend(newest.into_iter().map(of_language));
        }
        found
    }

    /// Keeps a sound file, whole or not at all, in the place of what was kept under this name before.
    ///
    /// # Errors
    /// When the disk does not take it; then what was there before is there still.
    pub fn keep(
        &self,
        language: &Language,
        name: &PromptName,
        file: &[u8],
        how: Brought,
    ) -> io::Result<PathBuf> {
        let folder = self.folder.join(language.as_str());
        fs::create_dir_all(&folder)?;
        let middle = match how {
            Brought::AsFile => "",
            Brought::ByPhone => BY_PHONE,
        };
        let path = folder.join(format!("{name}{middle}.{}", ending(file)));
        let draft = folder.join(format!(".{name}.part"));
        let written = write(&draft, file).and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = written {
            // The draft is no prompt, wherever it ended.
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        for other in files_of(&folder, name).filter(|other| *other != path) {
            fs::remove_file(other)?;
        }
        File::open(&folder)?.sync_all()?;
        Ok(path)
    }

    /// Throws away what was kept under this name.
    ///
    /// # Errors
    /// When the disk does not do it.
    pub fn throw_away(&self, language: &Language, name: &PromptName) -> io::Result<()> {
        let folder = self.folder.join(language.as_str());
        for file in files_of(&folder, name) {
            fs::remove_file(file)?;
        }
        File::open(&folder)?.sync_all()
    }
}

/// Whether it was recorded by phone, by the name of its file.
pub(super) fn is_by_phone(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.is_some_and(|stem| stem.ends_with(BY_PHONE))
}

/// The prompt that a file is; none for a draft and anything else.
fn name_of(file: &Path) -> Option<PromptName> {
    let ending = file.extension()?.to_str()?;
    let stem = file.file_stem()?.to_str()?;
    let is_one = ENDINGS.contains(&ending) && !stem.starts_with('.');
    is_one.then(|| PromptName::from(stem.strip_suffix(BY_PHONE).unwrap_or(stem)))
}

fn files_of(folder: &Path, name: &PromptName) -> impl Iterator<Item = PathBuf> + use<> {
    let name = name.clone();
    let files = entries(folder, &mut Vec::new());
    files
        .into_iter()
        .filter(move |file| name_of(file).as_ref() == Some(&name))
}

/// The usual ending of such a file, by its first bytes.
fn ending(file: &[u8]) -> &'static str {
    match file {
        [b'R', b'I', b'F', b'F', ..] => "wav",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [b'f', b'L', b'a', b'C', ..] => "flac",
        _ => "mp3",
    }
}

fn write(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(own: &OwnPrompts) -> Vec<String> {
        let mut problems = Vec::new();
        let files = own.list(&mut problems);
        assert_eq!(problems, []);
        let shown = |(language, name, file): (Language, PromptName, PathBuf)| {
            let file = file.file_name().unwrap().to_str().unwrap().to_owned();
            format!("{language} {name} {file}")
        };
        files.into_iter().map(shown).collect()
    }

    #[test]
    fn a_new_prompt_takes_the_place_of_the_old_whatever_kind_of_file_either_is() {
        let data = tempfile::tempdir().unwrap();
        let own = OwnPrompts::below(data.path());
        assert!(listed(&own).is_empty());
        let (en, welcome) = (Language::from("en"), PromptName::from("welcome"));
        own.keep(&en, &welcome, b"fLaC one", Brought::AsFile).unwrap();
        assert_eq!(listed(&own), ["en welcome welcome.flac"]);
        let path = own.keep(&en, &welcome, b"RIFF two", Brought::ByPhone).unwrap();
        assert_eq!(listed(&own), ["en welcome welcome.phone.wav"]);
        assert!(is_by_phone(&path));
        assert_eq!(fs::read(&path).unwrap(), b"RIFF two");
        own.keep(&en, &PromptName::from("bye"), b"OggS", Brought::AsFile)
            .unwrap();
        own.throw_away(&en, &welcome).unwrap();
        assert_eq!(listed(&own), ["en bye bye.ogg"]);
    }

    #[test]
    fn what_a_power_cut_left_behind_is_no_prompt_and_no_mistake() {
        let data = tempfile::tempdir().unwrap();
        let own = OwnPrompts::below(data.path());
        let (en, welcome) = (Language::from("en"), PromptName::from("welcome"));
        let older = own.keep(&en, &welcome, b"RIFF", Brought::AsFile).unwrap();
        let newer = older.with_extension("mp3");
        fs::write(&newer, b"ID3").unwrap();
        fs::write(older.with_file_name(".welcome.part"), b"RI").unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        File::open(&older).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(listed(&own), ["en welcome welcome.mp3"]);
    }

    #[test]
    fn a_disk_that_refuses_leaves_what_was_there() {
        let data = tempfile::tempdir().unwrap();
        let own = OwnPrompts::below(data.path());
        let (en, welcome) = (Language::from("en"), PromptName::from("welcome"));
        own.keep(&en, &welcome, b"RIFF", Brought::AsFile).unwrap();
        // A folder in the place of the draft cannot be written.
        fs::create_dir(data.path().join("prompts/en/.welcome.part")).unwrap();
        own.keep(&en, &welcome, b"OggS", Brought::AsFile).unwrap_err();
        assert_eq!(listed(&own), ["en welcome welcome.wav"]);
    }
}
