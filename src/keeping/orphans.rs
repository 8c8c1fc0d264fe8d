use super::forms::{forms, is_audio, stem};
use crate::model::RecordingKind;
use crate::recording::Roots;
use crate::store::{Reader, StoreError};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Audio files below the directories of recordings that no recording knows. They are told, never removed: somebody put
/// them there, or a database was lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphans {
    /// How many there are.
    pub count: u64,
    /// The first of them, below their directory.
    pub names: Vec<String>,
}

/// Names that are told.
const TOLD: usize = 20;
/// Directories below a root that are looked into: year, month, day.
const DEEPEST: usize = 4;

impl Orphans {
    /// Looks at every file of both directories.
    pub(super) fn find(roots: &Roots, reader: &Reader) -> Result<Self, StoreError> {
        let mut known: HashSet<PathBuf> = HashSet::new();
        // Another ending is another form of the same recording.
        reader.each_recording_row(&mut |row| {
            known.extend(forms(roots, &row).first().map(|path| stem(path)));
        })?;
        let mut found = Self::default();
        for kind in [RecordingKind::Conversation, RecordingKind::Voicemail] {
            let root = match kind {
                RecordingKind::Conversation => &roots.recordings,
                RecordingKind::Voicemail => &roots.voicemail,
            };
            found.look(root, root, &known, DEEPEST);
        }
        found.names.sort();
        Ok(found)
    }

    fn look(&mut self, root: &Path, dir: &Path, known: &HashSet<PathBuf>, deeper: usize) {
        // What cannot be read is not known to be an orphan.
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && deeper > 0 {
                self.look(root, &path, known, deeper - 1);
            }
            if kind.is_file() && is_audio(&path) && !known.contains(&stem(&path)) {
                self.count += 1;
                if self.names.len() < TOLD {
                    let name = path.strip_prefix(root).unwrap_or(&path);
                    self.names.push(name.display().to_string());
                }
            }
        }
    }
}
