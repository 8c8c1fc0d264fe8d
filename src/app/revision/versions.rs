//! The versions of the configuration that are kept, a file each in the data directory: also when the database is not there.

use super::paper;
use crate::config::Texts;
use crate::http::TakenBack;
use crate::model::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Versions that are kept. One more: the oldest goes.
const MOST: usize = 100;
/// The key that the names of masks are computed with.
const KEY: &str = "masks.key";
/// What is on trial, for the time after a power cut.
const TRIAL: &str = "trial.json";

/// The folder of the versions.
#[derive(Debug)]
pub(super) struct Versions {
    folder: PathBuf,
}

/// One version, whole: secrets as they are written, since it must be possible to go back to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) id: u64,
    pub(super) at: Stamp,
    pub(super) by: String,
    pub(super) way: String,
    pub(super) reason: String,
    /// What it changed, in short.
    pub(super) changes: Vec<String>,
    pub(super) text: String,
    pub(super) flows: BTreeMap<String, String>,
    pub(super) shipped_flows: bool,
}

/// A change on trial, as it survives a power cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The version that is tried.
    pub(super) version: u64,
    /// The one before.
    pub(super) returns_to: u64,
    pub(super) seconds: u32,
    pub(super) wants_confirmation: bool,
    /// What was up before.
    pub(super) up: Vec<String>,
}

/// Who made a version, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Authorship<'a> {
    pub(super) by: &'a str,
    pub(super) way: &'static str,
    pub(super) reason: &'a str,
}

impl Versions {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where they are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Forgets a version that never came into use.
    pub(super) fn forget(&self, id: u64) {
        if let Err(error) = paper::remove(&self.file(id)) {
            tracing::warn!(%error, "Version {id} of the configuration cannot be removed: {error}.");
        }
    }

    /// The key of the masks, made when it is first asked for. Where nothing can be written it is one for this run.
    pub(super) fn key(&self, random: [u8; 32]) -> [u8; 32] {
        let file = self.folder.join(KEY);
        let kept = fs::read(&file).ok();
        if let Some(key) = kept.and_then(|kept| <[u8; 32]>::try_from(kept).ok()) {
            return key;
        }
        let make = || {
            self.make_folder()?;
            fs::write(&file, random)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
        };
        if let Err(error) = make() {
            tracing::warn!(%error, "The key that hides secrets cannot be kept: {error}.");
        }
        random
    }

    /// The numbers of the versions, the oldest first.
    pub(super) fn ids(&self) -> Vec<u64> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut ids: Vec<u64> = names
            .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// One version; nothing when it is not kept, or its file is damaged.
    pub(super) fn get(&self, id: u64) -> Option<Version> {
        let text = fs::read_to_string(self.file(id)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The newest one.
    pub(super) fn last(&self) -> Option<Version> {
        self.ids().into_iter().rev().find_map(|id| self.get(id))
    }

    /// Keeps one more, and lets the oldest go. Each number is given once.
    pub(super) fn keep(
        &self,
        at: Stamp,
        author: Authorship<'_>,
        texts: &Texts,
        changes: Vec<String>,
    ) -> io::Result<u64> {
        self.make_folder()?;
        let mut ids = self.ids();
        let id = ids.last().map_or(1, |last| last + 1);
        let version = Version {
            id,
            at,
            by: author.by.to_owned(),
            way: author.way.to_owned(),
            reason: author.reason.to_owned(),
            changes,
            text: texts.text().to_owned(),
            flows: texts.flows().clone(),
            shipped_flows: texts.has_shipped_flows(),
        };
        self.put(&self.file(id), &version)?;
        ids.push(id);
        let surplus = ids.len().saturating_sub(MOST);
        for old in ids.into_iter().take(surplus) {
            paper::remove(&self.file(old))?;
        }
        Ok(id)
    }

    /// What is on trial.
    pub(super) fn pending(&self) -> Option<Pending> {
        let text = fs::read_to_string(self.folder.join(TRIAL)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Remembers what is on trial, or that nothing is.
    pub(super) fn set_pending(&self, pending: Option<&Pending>) -> io::Result<()> {
        let file = self.folder.join(TRIAL);
        match pending {
            Some(pending) => {
                self.make_folder()?;
                self.put(&file, pending)
            }
            None => paper::remove(&file),
        }
    }

    /// What the box has taken back last.
    pub(super) fn taken_back(&self) -> Option<TakenBack> {
        let last = self.last()?;
        (last.way == "taken_back").then_some(TakenBack {
            at: last.at,
            version: last.id,
            reason: last.reason,
        })
    }

    fn put(&self, file: &Path, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        paper::replace(file, &text)?;
        // It has every secret in it.
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
    }

    fn make_folder(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700))
    }

    fn file(&self, id: u64) -> PathBuf {
        self.folder.join(format!("{id:06}.json"))
    }
}

impl Version {
    /// Its texts, where those in use lie.
    pub(super) fn texts(&self, here: &Texts) -> Texts {
        let mut texts = here.with_text(self.text.clone());
        for file in here.flows().keys() {
            if !self.flows.contains_key(file) {
                texts = texts.with_flow(file, None);
            }
        }
        for (file, text) in &self.flows {
            if texts.flows().get(file) != Some(text) {
                texts = texts.with_flow(file, Some(text.clone()));
            }
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Surroundings};

    const AT: Stamp = Stamp {
        unix_ms: 1_795_165_200_000,
        offset_seconds: 3 * 3600,
    };

    fn texts(text: &str) -> Texts {
        Config::from_text("callpost.toml", text, &Surroundings::default())
            .unwrap()
            .texts
    }

    fn keep(versions: &Versions, text: &str) -> u64 {
        let author = Authorship {
            by: "mona",
            way: "changed",
            reason: "",
        };
        versions.keep(AT, author, &texts(text), Vec::new()).unwrap()
    }

    #[test]
    fn a_version_comes_back_as_it_was_and_nobody_else_may_read_it() {
        let place = tempfile::tempdir().unwrap();
        let versions = Versions::new(place.path().join("settings"));
        let first = keep(&versions, "[site]\nname = \"a\"\n");
        let second = keep(&versions, "[site]\nname = \"b\"\n");
        assert_eq!((first, second), (1, 2));
        let kept = versions.get(1).unwrap();
        assert_eq!(kept.texts(&texts("")), texts("[site]\nname = \"a\"\n"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place.path().join("settings")), 0o700);
        assert_eq!(mode(&place.path().join("settings/000001.json")), 0o600);
        assert_eq!(mode(&place.path().join("settings")), 0o700);
        let key = versions.key([1; 32]);
        assert_eq!(versions.key([2; 32]), key, "it is kept");
    }

    #[test]
    fn a_hundred_are_kept_and_no_number_comes_twice() {
        let place = tempfile::tempdir().unwrap();
        let versions = Versions::new(place.path().join("settings"));
        for _ in 0..105 {
            keep(&versions, "");
        }
        let ids = versions.ids();
        assert_eq!((ids.len(), ids.first(), ids.last()), (100, Some(&6), Some(&105)));
        fs::write(place.path().join("settings/000105.json"), "{ half").unwrap();
        assert_eq!(versions.last().unwrap().id, 104, "a damaged one is passed over");
        assert_eq!(keep(&versions, ""), 106);
    }
}
