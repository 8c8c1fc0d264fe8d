//! Files that change on purpose: a span becomes silence, or another key seals it. Each is written anew beside the old
//! one, brought to the disk, and takes its place in one step.

use super::Roots;
use super::archive;
use super::draft::{Draft, Settled};
use super::find::{AudioFile, Found};
use super::header::Header;
use super::roots::shown_path;
use super::tape::{SEALED, sealed_name};
use super::vault::{Content, Keys, SealedReader};
use super::wave::Wave;
use crate::model::{RecordingFacts, RecordingRow};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file that was written anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Redaction {
    /// SHA-256 of the file before, hexadecimal.
    pub before: String,
    /// SHA-256 of the file now, hexadecimal.
    pub after: String,
    /// Its size now.
    pub bytes: u64,
    /// Its path as records show it.
    pub path: String,
    /// The span that is silent now, in milliseconds from the beginning, cut to what there is.
    pub silent_ms: Range<u64>,
}

impl Redaction {
    /// The facts of the recording as they are now.
    pub fn applied_to(&self, facts: &RecordingFacts) -> RecordingFacts {
        RecordingFacts {
            path: self.path.clone(),
            sha256: Some(self.after.clone()),
            bytes: Some(self.bytes),
            ..facts.clone()
        }
    }
}

const PIECE: usize = 64 * 1024;

/// Silences a span of a recording in every channel.
///
/// # Errors
/// When the file is missing, cannot be read or opened, or the span lies outside of it.
pub fn redact(
    roots: &Roots,
    keys: Option<&Keys>,
    row: &RecordingRow,
    span_ms: Range<u64>,
) -> io::Result<Redaction> {
    let found = roots.find(row)?;
    let before = sha256_of(&found.path)?;
    let mut audio = found.open(keys)?;
    if found.media_type == "audio/ogg" {
        return redact_archive(&found, keys, row, audio, before, &span_ms);
    }
    let wave = wave_of(&mut audio)?;
    let span_ms = span_ms.start..span_ms.end.min(wave.duration_ms());
    if span_ms.is_empty() {
        let what = format!(
            "the recording is {:.3} s long",
            wave.duration_ms() as f64 / 1000.0
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let span = wave.place_of(span_ms.start)..wave.place_of(span_ms.end);
    let mut silenced = Silenced {
        inner: audio,
        at: 0,
        span,
        byte: wave.silence(),
    };
    let (content, skip) = content_of(&wave);
    let is_sealed = found.is_sealed;
    let sealed = keys.filter(|_| is_sealed).map(|keys| (keys, content, skip));
    let settled = replace(&found, &found.path, &mut silenced, sealed)?;
    Ok(Redaction {
        before,
        after: settled.sha256,
        bytes: settled.bytes,
        path: shown(row, &found.name),
        silent_ms: span_ms,
    })
}

fn redact_archive(
    found: &Found,
    keys: Option<&Keys>,
    row: &RecordingRow,
    mut audio: AudioFile,
    before: String,
    span_ms: &Range<u64>,
) -> io::Result<Redaction> {
    let sealing = keys.filter(|_| found.is_sealed).map(|keys| (keys, Content::File));
    let mut draft = Draft::begin(&found.path, sealing)?;
    let silent_ms = archive::silence(&mut audio, span_ms, archive::serial(row), &mut draft)?;
    draft.close()?;
    let settled = draft.settle(&found.path)?;
    Ok(Redaction {
        before,
        after: settled.sha256,
        bytes: settled.bytes,
        path: shown(row, &found.name),
        silent_ms,
    })
}

/// Seals a recording with the key that seals now: one that another key sealed, or that was never sealed. Nothing when
/// there is nothing to do.
///
/// # Errors
/// When the file is missing or cannot be opened or written.
pub fn rekey(roots: &Roots, keys: &Keys, row: &RecordingRow) -> io::Result<Option<Redaction>> {
    let found = roots.find(row)?;
    if found.is_sealed && SealedReader::open(File::open(&found.path)?, keys)?.frame().key == keys.current() {
        return Ok(None);
    }
    let before = sha256_of(&found.path)?;
    let mut audio = found.open(Some(keys))?;
    audio.prove()?;
    let (content, skip) = if found.media_type == "audio/wav" {
        content_of(&wave_of(&mut audio)?)
    } else {
        (Content::File, 0)
    };
    let name = if found.is_sealed {
        found.name.clone()
    } else {
        sealed_name(&found.name)
    };
    let target = if found.is_sealed {
        found.path.clone()
    } else {
        with_ending(&found.path)
    };
    let settled = replace(&found, &target, &mut audio, Some((keys, content, skip)))?;
    Ok(Some(Redaction {
        before,
        after: settled.sha256,
        bytes: settled.bytes,
        path: shown(row, &name),
        silent_ms: 0..0,
    }))
}

/// Takes a recording's file away, for good.
///
/// # Errors
/// When it cannot be taken away; one that is not there is no error.
pub fn remove(roots: &Roots, row: &RecordingRow) -> io::Result<()> {
    let found = match roots.find(row) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::remove_file(&found.path)?;
    sync_dir(&found.path)
}

/// How a WAV file is sealed, and how many bytes of it are left out: our own header is made anew when it is read, any other
/// stays as it is.
fn content_of(wave: &Wave) -> (Content, u64) {
    let channels = u8::try_from(wave.channels).unwrap_or(2);
    let bytes = wave.audio_bytes;
    match Header::for_samples(wave.tag, channels, wave.rate, bytes) {
        Some(header) if wave.audio_at == Header::LENGTH && u64::from(header.audio_bytes) == bytes => {
            let (tag, rate) = (wave.tag, wave.rate);
            (Content::Audio { tag, channels, rate }, wave.audio_at)
        }
        Some(_) | None => (Content::File, 0),
    }
}

pub(super) fn shown(row: &RecordingRow, name: &str) -> String {
    shown_path(&RecordingRow {
        path: name.to_owned(),
        ..row.clone()
    })
}

pub(super) fn with_ending(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(SEALED);
    name.into()
}

pub(super) fn wave_of(audio: &mut AudioFile) -> io::Result<Wave> {
    let mut front = Vec::with_capacity(Wave::FRONT);
    audio.seek(SeekFrom::Start(0))?;
    audio.by_ref().take(Wave::FRONT as u64).read_to_end(&mut front)?;
    audio.seek(SeekFrom::Start(0))?;
    let what = "only WAV files of G.711 or 16-bit sound can be changed";
    Wave::parse(&front).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, what))
}

/// SHA-256 of a file as it lies on the disk, hexadecimal.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(piece.get(..count).unwrap_or_default());
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A file whose bytes in one span read as one byte.
struct Silenced {
    inner: AudioFile,
    at: u64,
    span: Range<u64>,
    byte: u8,
}

impl Read for Silenced {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        for (place, byte) in (self.at..).zip(out.iter_mut().take(count)) {
            if self.span.contains(&place) {
                *byte = self.byte;
            }
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// Writes `source` to `target`, sealed where that is asked for, and takes the old file away.
fn replace(
    found: &Found,
    target: &Path,
    source: &mut dyn Read,
    sealed: Option<(&Keys, Content, u64)>,
) -> io::Result<Settled> {
    let mut draft = Draft::begin(target, sealed.map(|(keys, content, _)| (keys, content)))?;
    let skip = sealed.map_or(0, |(_, _, skip)| skip);
    io::copy(&mut (&mut *source).take(skip), &mut io::sink())?;
    io::copy(source, &mut draft)?;
    draft.close()?;
    draft.settle(&found.path)
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TapeFormat;
    use crate::recording::tests::row;
    use crate::recording::{decode, inspect};

    fn roots(dir: &Path) -> Roots {
        Roots {
            recordings: dir.join("r"),
            voicemail: dir.join("v"),
        }
    }

    /// Two seconds of two loud channels.
    fn spoken(roots: &Roots) -> PathBuf {
        let path = roots.locate(row(1).kind, &row(1).path).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let header = Header {
            format: TapeFormat::MuLaw,
            channels: 2,
            audio_bytes: 32_000,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.resize(58 + 32_000, 0x21);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn keys(text: &str) -> Keys {
        Keys::parse(text).unwrap()
    }

    fn samples(path: &Path) -> Vec<Vec<i16>> {
        assert_eq!(inspect(path).unwrap().frames, 16_000);
        decode(path).unwrap()
    }

    #[test]
    fn a_span_becomes_silent_in_both_channels_and_nothing_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let path = spoken(&roots);
        let before = sha256_of(&path).unwrap();
        let done = redact(&roots, None, &row(1), 500..1250).unwrap();
        assert_eq!((&done.before, done.silent_ms.clone()), (&before, 500..1250));
        assert_eq!(done.after, sha256_of(&path).unwrap());
        assert_ne!(done.after, before);
        for channel in samples(&path) {
            let silent = |range: Range<usize>| channel[range].iter().all(|sample| *sample == 0);
            let spoken = |range: Range<usize>| channel[range].iter().all(|sample| *sample != 0);
            assert!(spoken(0..4000) && silent(4000..10_000) && spoken(10_000..16_000));
        }
        let again = redact(&roots, None, &row(1), 500..1250).unwrap();
        assert_eq!(again.before, again.after, "a second time changes nothing");
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft is left");
    }

    #[test]
    fn a_span_outside_the_recording_is_refused_and_one_beyond_its_end_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        spoken(&roots);
        let backwards = std::ops::Range { start: 5000, end: 1 };
        for span in [2000..3000, 700..700, backwards] {
            let error = redact(&roots, None, &row(1), span).unwrap_err();
            assert!(error.to_string().contains("2.000 s long"), "{error}");
        }
        assert_eq!(
            redact(&roots, None, &row(1), 1900..9000).unwrap().silent_ms,
            1900..2000
        );
        let error = redact(&roots, None, &row(2), 0..1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn sealed_recordings_are_redacted_and_sealed_anew_and_an_old_key_can_retire() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let plain = spoken(&roots);
        let (old, new) = ("ab".repeat(32), "cd".repeat(32));
        let first = rekey(&roots, &keys(&old), &row(1)).unwrap().unwrap();
        assert!(!plain.exists() && first.path.ends_with(".wav.sealed"));
        assert_eq!(rekey(&roots, &keys(&old), &row(1)).unwrap(), None);
        redact(&roots, Some(&keys(&old)), &row(1), 0..1000).unwrap();
        let rotated = keys(&format!("{new}\n{old}"));
        let second = rekey(&roots, &rotated, &row(1)).unwrap().unwrap();
        assert_ne!(second.before, second.after);
        let found = roots.find(&row(1)).unwrap();
        assert!(found.open(Some(&keys(&old))).is_err());
        let mut bytes = Vec::new();
        found
            .open(Some(&keys(&new)))
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let copy = dir.path().join("copy.wav");
        fs::write(&copy, bytes).unwrap();
        for channel in samples(&copy) {
            assert!(channel[..8000].iter().all(|sample| *sample == 0));
            assert!(channel[8000..].iter().all(|sample| *sample != 0));
        }
    }
}
