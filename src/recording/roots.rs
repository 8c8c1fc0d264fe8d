use crate::model::{RecordingKind, RecordingRow};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The two directories below which every recording lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// For conversations.
    pub recordings: PathBuf,
    /// For messages.
    pub voicemail: PathBuf,
}

impl Roots {
    /// Where a recording's file is, or nothing when its path could lead anywhere else: only plain names of
    /// letters, digits, `-`, `_` and `.` are taken, none of them beginning with a dot.
    pub fn locate(&self, kind: RecordingKind, path: &str) -> Option<PathBuf> {
        let names: Vec<&str> = path.split('/').collect();
        (names.len() <= DEEPEST && names.iter().all(|name| is_plain(name))).then(|| {
            let mut file = self.of(kind).to_owned();
            file.extend(names);
            file
        })
    }

    fn of(&self, kind: RecordingKind) -> &Path {
        match kind {
            RecordingKind::Conversation => &self.recordings,
            RecordingKind::Voicemail => &self.voicemail,
        }
    }

    /// Makes the directories between the root and a file. A symbolic link planted on the way is refused.
    pub(super) fn make_way(&self, kind: RecordingKind, file: &Path) -> io::Result<()> {
        let root = self.of(kind);
        fs::create_dir_all(root)?;
        let below = file.parent().and_then(|parent| parent.strip_prefix(root).ok());
        let mut dir = root.to_owned();
        for name in below.into_iter().flatten() {
            dir.push(name);
            match fs::create_dir(&dir) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Ok(()) | Err(_) => {}
            }
            if !fs::symlink_metadata(&dir)?.is_dir() {
                let what = format!("{} is not a directory of ours", dir.display());
                return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
            }
        }
        Ok(())
    }
}

const DEEPEST: usize = 8;
const LONGEST: usize = 100;

fn is_plain(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(known)
}

/// The path as call records show it: below the data directory, with the root's name first.
pub(super) fn shown_path(row: &RecordingRow) -> String {
    match row.kind {
        RecordingKind::Conversation => format!("recordings/{}", row.path),
        RecordingKind::Voicemail => format!("voicemail/{}", row.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_root() {
        let roots = Roots {
            recordings: "/r".into(),
            voicemail: "/v".into(),
        };
        let good = roots.locate(RecordingKind::Conversation, "2026/11/20/a-1.wav");
        assert_eq!(good, Some(PathBuf::from("/r/2026/11/20/a-1.wav")));
        assert_eq!(
            roots.locate(RecordingKind::Voicemail, "x.wav"),
            Some(PathBuf::from("/v/x.wav"))
        );
        let long = "a".repeat(200);
        for bad in [
            "../x",
            "/etc/passwd",
            "a/../b",
            "",
            "a//b",
            ".hidden",
            "a\0b",
            "a\\b",
            "a/./b",
            "%2e%2e/x",
            &long,
        ] {
            assert_eq!(roots.locate(RecordingKind::Conversation, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let roots = Roots {
            recordings: dir.path().join("r"),
            voicemail: dir.path().join("v"),
        };
        fs::create_dir(&roots.recordings).unwrap();
        std::os::unix::fs::symlink(&elsewhere, roots.recordings.join("2026")).unwrap();
        let file = roots
            .locate(RecordingKind::Conversation, "2026/11/x.wav")
            .unwrap();
        assert!(roots.make_way(RecordingKind::Conversation, &file).is_err());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}
