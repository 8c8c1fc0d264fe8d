//! Expected against present against playable: every recording the journal knows is looked for, read to its end and
//! compared with its SHA-256, and every file is asked whose it is.

use super::Roots;
use super::redact::sha256_of;
use super::vault::Keys;
use super::wave::Wave;
use crate::model::{CallId, RecordingId, RecordingKind, RecordingRow};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// What the journal says of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// What was to be written, and where.
    pub row: RecordingRow,
    /// The call goes on, or went on when the power was cut.
    pub is_open: bool,
    /// Its file was taken away on purpose.
    pub is_removed: bool,
    /// Why there never was a file.
    pub failure: Option<String>,
    /// Its SHA-256 when it was completed or last changed on purpose.
    pub sha256: Option<String>,
}

/// What is found of one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// There, playable, and the bytes that were written.
    Sound,
    /// Being written.
    Open,
    /// Taken away on purpose.
    Removed,
    /// There never was a file, and the journal says why.
    NeverWritten,
    /// The file is gone and nobody took it away.
    Missing,
    /// There, and no player can play it.
    Unplayable,
    /// Playable, and not the bytes that were written.
    Changed,
    /// Encrypted with a key the box does not have.
    NoKey,
    /// Taken away on purpose, and there all the same.
    StillThere,
}

/// One recording that asks for somebody's eye.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditItem {
    /// Which recording.
    pub id: RecordingId,
    /// Of which call.
    pub call_id: CallId,
    /// Its file, below the data directory.
    pub path: String,
    /// What is found.
    pub judgement: Judgement,
    /// More about it.
    pub detail: String,
}

/// The outcome of a look at every recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Audit {
    /// Recordings whose file has to be there.
    pub expected: u64,
    /// Files that are there.
    pub present: u64,
    /// Files that can be played to their end.
    pub playable: u64,
    /// Files with the bytes that were written.
    pub unchanged: u64,
    /// Recordings of calls that go on.
    pub open: u64,
    /// Recordings taken away on purpose.
    pub removed: u64,
    /// Recordings that never had a file, with a reason in the journal.
    pub never_written: u64,
    /// What asks for somebody's eye.
    pub problems: Vec<AuditItem>,
    /// Files that no recording knows.
    pub orphans: Vec<String>,
}

impl Audit {
    /// Whether nothing asks for somebody's eye.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.orphans.is_empty()
    }

    /// Looks at one recording.
    pub fn look_at(&mut self, roots: &Roots, keys: Option<&Keys>, known: &Known) {
        let (judgement, detail) = judge(roots, keys, known);
        match judgement {
            Judgement::Open => self.open += 1,
            Judgement::Removed | Judgement::StillThere => self.removed += 1,
            Judgement::NeverWritten => self.never_written += 1,
            Judgement::Sound
            | Judgement::Missing
            | Judgement::Unplayable
            | Judgement::Changed
            | Judgement::NoKey => self.expected += 1,
        }
        let is_there = matches!(
            judgement,
            Judgement::Sound | Judgement::Changed | Judgement::Unplayable | Judgement::NoKey
        );
        self.present += u64::from(is_there);
        self.playable += u64::from(matches!(judgement, Judgement::Sound | Judgement::Changed));
        self.unchanged += u64::from(judgement == Judgement::Sound);
        let asks = !matches!(
            judgement,
            Judgement::Sound | Judgement::Open | Judgement::Removed | Judgement::NeverWritten
        );
        if asks {
            self.problems.push(AuditItem {
                id: known.row.id,
                call_id: known.row.call_id,
                path: known.row.full_path(),
                judgement,
                detail,
            });
        }
    }

    /// Looks for files that no recording knows. `known` are all there are, in whichever state.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn look_for_orphans<'a>(
        &mut self,
        roots: &Roots,
        known: impl Iterator<Item = &'a RecordingRow>,
    ) -> io::Result<()> {
        let names: BTreeSet<(u8, String)> = known.map(|row| (place_of(row.kind), stem(&row.path))).collect();
        for (kind, root) in [
            (RecordingKind::Conversation, &roots.recordings),
            (RecordingKind::Voicemail, &roots.voicemail),
        ] {
            let mut files = Vec::new();
            gather(root, "", 0, &mut files)?;
            for file in files {
                let is_draft = file.ends_with(".new");
                if is_draft || !names.contains(&(place_of(kind), stem(&file))) {
                    self.orphans.push(format!("{}/{file}", kind.root()));
                }
            }
        }
        self.orphans.sort();
        Ok(())
    }
}

fn place_of(kind: RecordingKind) -> u8 {
    match kind {
        RecordingKind::Conversation => 0,
        RecordingKind::Voicemail => 1,
    }
}

/// A file's name without what tells its shape.
fn stem(name: &str) -> String {
    let name = name.strip_suffix(".sealed").unwrap_or(name);
    let plain = name.strip_suffix(".wav").or_else(|| name.strip_suffix(".ogg"));
    plain.unwrap_or(name).to_owned()
}

const DEEPEST: usize = 8;

fn gather(dir: &Path, below: &str, depth: usize, files: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEEPEST {
            gather(&entry.path(), &format!("{name}/"), depth + 1, files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}

fn judge(roots: &Roots, keys: Option<&Keys>, known: &Known) -> (Judgement, String) {
    let found = roots.find(&known.row);
    let nothing = String::new;
    match (&found, known) {
        (Ok(_), Known { is_removed: true, .. }) => {
            let detail = "it was taken away on purpose, and is there all the same";
            return (Judgement::StillThere, detail.to_owned());
        }
        (Err(_), Known { is_removed: true, .. }) => return (Judgement::Removed, nothing()),
        (_, Known { is_open: true, .. }) => return (Judgement::Open, nothing()),
        (Err(_), Known { failure: Some(_), .. }) => return (Judgement::NeverWritten, nothing()),
        (Ok(_) | Err(_), _) => {}
    }
    let found = match found {
        Ok(found) => found,
        Err(error) => return (Judgement::Missing, error.to_string()),
    };
    let played = found.open(keys).and_then(|mut audio| {
        audio.prove()?;
        plays(&mut audio, found.media_type)
    });
    if let Err(error) = played {
        let judgement = if error.kind() == io::ErrorKind::PermissionDenied {
            Judgement::NoKey
        } else {
            Judgement::Unplayable
        };
        return (judgement, error.to_string());
    }
    match (sha256_of(&found.path), &known.sha256) {
        (Ok(now), Some(then)) if now == *then => (Judgement::Sound, nothing()),
        (Ok(now), Some(then)) => (Judgement::Changed, format!("SHA-256 {now} in place of {then}")),
        (Ok(_), None) => (
            Judgement::Changed,
            "nothing is known of what was written".to_owned(),
        ),
        (Err(error), _) => (Judgement::Unplayable, error.to_string()),
    }
}

/// Whether a player gets through it: the header is sound and all it promises is there.
fn plays(audio: &mut super::AudioFile, media_type: &str) -> io::Result<()> {
    let broken = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()));
    let length = audio.length();
    let mut front = Vec::new();
    audio.by_ref().take(Wave::FRONT as u64).read_to_end(&mut front)?;
    if media_type == "audio/ogg" {
        return if front.starts_with(b"OggS") {
            Ok(())
        } else {
            broken("no Ogg file")
        };
    }
    let Some(wave) = Wave::parse(&front) else {
        return broken("no WAV file of G.711 or 16-bit sound");
    };
    if wave.audio_bytes == 0 {
        return broken("no audio in it");
    }
    if wave.audio_at + wave.audio_bytes > length {
        return broken("shorter than its header says");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TapeFormat;
    use crate::recording::header::Header;
    use crate::recording::tests::row;
    use crate::recording::{redact, rekey, remove};

    fn roots(dir: &Path) -> Roots {
        Roots {
            recordings: dir.join("r"),
            voicemail: dir.join("v"),
        }
    }

    fn known(roots: &Roots, n: u32) -> Known {
        let path = roots.locate(row(n).kind, &row(n).path).unwrap();
        Known {
            row: row(n),
            is_open: false,
            is_removed: false,
            failure: None,
            sha256: sha256_of(&path).ok(),
        }
    }

    fn write(roots: &Roots, n: u32, audio: usize) -> Known {
        let path = roots.locate(row(n).kind, &row(n).path).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let header = Header {
            format: TapeFormat::MuLaw,
            channels: 2,
            audio_bytes: 16_000,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.resize(58 + audio, n as u8);
        fs::write(&path, bytes).unwrap();
        known(roots, n)
    }

    fn look(roots: &Roots, keys: Option<&Keys>, all: &[Known]) -> Audit {
        let mut audit = Audit::default();
        all.iter().for_each(|known| audit.look_at(roots, keys, known));
        audit
            .look_for_orphans(roots, all.iter().map(|known| &known.row))
            .unwrap();
        audit
    }

    fn judgements(audit: &Audit) -> Vec<Judgement> {
        audit.problems.iter().map(|item| item.judgement).collect()
    }

    #[test]
    fn what_was_written_is_expected_present_playable_and_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let mut all: Vec<Known> = (0..3).map(|n| write(&roots, n, 16_000)).collect();
        all.push(Known {
            failure: Some("no audio came".to_owned()),
            sha256: None,
            ..known(&roots, 8)
        });
        all.push(Known {
            is_open: true,
            sha256: None,
            ..write(&roots, 9, 4)
        });
        let audit = look(&roots, None, &all);
        assert!(audit.is_sound(), "{audit:?}");
        assert_eq!((audit.expected, audit.present), (3, 3));
        assert_eq!((audit.playable, audit.unchanged), (3, 3));
        assert_eq!((audit.open, audit.never_written), (1, 1));
    }

    #[test]
    fn each_kind_of_loss_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let mut all: Vec<Known> = (0..5).map(|n| write(&roots, n, 16_000)).collect();
        let path = |n: u32| roots.locate(row(n).kind, &row(n).path).unwrap();
        fs::remove_file(path(0)).unwrap();
        let file = fs::OpenOptions::new().write(true).open(path(1)).unwrap();
        file.set_len(5000).unwrap();
        let mut bytes = fs::read(path(2)).unwrap();
        bytes[3000] ^= 1;
        fs::write(path(2), bytes).unwrap();
        all[3].is_removed = true;
        remove(&roots, &row(3)).unwrap();
        all[4].is_removed = true;
        fs::write(dir.path().join("r/2026/11/20/stranger.wav"), b"x").unwrap();
        fs::create_dir_all(dir.path().join("v/2026")).unwrap();
        fs::write(dir.path().join("v/2026/old.ogg.sealed"), b"x").unwrap();
        let audit = look(&roots, None, &all);
        use Judgement::{Changed, Missing, StillThere, Unplayable};
        assert_eq!(judgements(&audit), [Missing, Unplayable, Changed, StillThere]);
        assert_eq!(
            audit.orphans,
            [
                "recordings/2026/11/20/stranger.wav",
                "voicemail/2026/old.ogg.sealed"
            ]
        );
        assert_eq!((audit.expected, audit.present, audit.playable), (3, 2, 1));
    }

    #[test]
    fn sealed_files_are_judged_by_every_chunk_and_by_their_key() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let keys = Keys::parse(&"ab".repeat(32)).unwrap();
        let mut sound = write(&roots, 1, 16_000);
        let sealed = rekey(&roots, &keys, &row(1)).unwrap().unwrap();
        sound.sha256 = Some(sealed.after);
        let all = [sound];
        assert!(look(&roots, Some(&keys), &all).is_sound());
        let other = Keys::parse(&"cd".repeat(32)).unwrap();
        assert_eq!(judgements(&look(&roots, Some(&other), &all)), [Judgement::NoKey]);
        assert_eq!(judgements(&look(&roots, None, &all)), [Judgement::NoKey]);
        redact(&roots, Some(&keys), &row(1), 0..100).unwrap();
        assert_eq!(judgements(&look(&roots, Some(&keys), &all)), [Judgement::Changed]);
        let found = roots.find(&row(1)).unwrap();
        let mut bytes = fs::read(&found.path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&found.path, bytes).unwrap();
        assert_eq!(
            judgements(&look(&roots, Some(&keys), &all)),
            [Judgement::Unplayable]
        );
    }
}
