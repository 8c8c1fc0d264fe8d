use crate::keeping::forms::forms;
use crate::model::RecordingRow;
use crate::recording::Roots;
use bytes::Bytes;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

/// The file of a recording, and what it is.
#[derive(Debug, Clone)]
pub(super) struct Source {
    file: Arc<File>,
    /// Its ending: `wav`, `ogg`.
    pub(super) ending: String,
    /// Its size.
    pub(super) bytes: u64,
    /// SHA-256, hexadecimal.
    pub(super) sha256: String,
    /// What S3 calls it: the MD5, or for a large one that of its parts' (`…-3`).
    pub(super) etag: String,
}

/// The size of a part of a large one; the least that S3 takes.
pub(super) const PART_BYTES: u64 = 5 * 1024 * 1024;
/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;

impl Source {
    /// Opens the file of a recording, in whatever form it lies there, and reads it once.
    pub(super) fn open(roots: &Roots, row: &RecordingRow) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no such file");
        let found = forms(roots, row).into_iter().find(|form| form.exists());
        Self::of(found.ok_or_else(missing)?)
    }

    pub(super) fn of(path: PathBuf) -> io::Result<Self> {
        // A link in its place is not what we wrote.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a plain file",
            ));
        }
        let file = File::open(&path)?;
        let bytes = file.metadata()?.len();
        let (mut whole, mut parts) = (Sha256::new(), Md5::new());
        let mut buffer = vec![0; READ_BYTES];
        let (mut at, mut count) = (0, 0_u32);
        let etag = loop {
            let end = bytes.min(at + PART_BYTES);
            let mut part = Md5::new();
            while at < end {
                let most = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
                let piece = buffer.get_mut(..most).unwrap_or_default();
                file.read_exact_at(piece, at)?;
                whole.update(&*piece);
                part.update(&*piece);
                at += most as u64;
            }
            let digest = part.finalize();
            parts.update(digest);
            count += 1;
            match (at >= bytes, count) {
                (true, 1) => break hex(&digest),
                (true, count) => break format!("{}-{count}", hex(&parts.finalize())),
                (false, _) => {}
            }
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            file: Arc::new(file),
            // `wav`, `ogg.sealed`: everything behind the first dot.
            ending: name
                .split_once('.')
                .map(|(_, ending)| ending.to_owned())
                .unwrap_or_default(),
            bytes,
            sha256: hex(&whole.finalize()),
            etag,
        })
    }

    /// Whether it goes in parts.
    pub(super) fn is_large(&self) -> bool {
        self.bytes > PART_BYTES
    }

    /// At most so many bytes from there on; fewer at the end.
    pub(super) fn read(&self, from: u64, most: u64) -> io::Result<Bytes> {
        let wanted = most.min(self.bytes.saturating_sub(from));
        let mut piece = vec![0; usize::try_from(wanted).unwrap_or(0)];
        self.file.read_exact_at(&mut piece, from)?;
        Ok(piece.into())
    }
}

/// Hexadecimal, as everybody writes hashes.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Source {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        fs::write(&path, bytes).unwrap();
        Source::of(path).unwrap()
    }

    #[test]
    fn a_file_is_named_by_its_hashes() {
        let small = source(b"hello");
        assert_eq!(small.etag, "5d41402abc4b2a76b9719d911017c592");
        assert!(small.sha256.starts_with("2cf24dba5fb0a30e"));
        assert_eq!(
            (small.bytes, small.ending.as_str(), small.is_large()),
            (5, "wav", false)
        );
        assert_eq!(small.read(1, 3).unwrap(), "ell");
        assert_eq!(source(b"").etag, "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn a_large_one_is_named_by_its_parts() {
        let part = usize::try_from(PART_BYTES).unwrap();
        let one = source(&vec![7; part]);
        assert_eq!(one.etag, hex(&Md5::digest(vec![7; part])));
        assert!(!one.is_large());
        let two = source(&vec![7; part + 1]);
        let mut both = Md5::digest(vec![7; part]).to_vec();
        both.extend(Md5::digest([7]));
        assert_eq!(two.etag, format!("{}-2", hex(&Md5::digest(&both))));
        assert!(two.is_large());
        assert!(source(&vec![7; part * 2]).etag.ends_with("-2"));
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), b"x").unwrap();
        let link = dir.path().join("a.wav");
        std::os::unix::fs::symlink(dir.path().join("secret"), &link).unwrap();
        assert!(Source::of(link).is_err());
    }
}
