//! Where a recording lies, in whichever shape: as it was recorded, archived, sealed.

use super::Roots;
use super::tape::SEALED;
use super::vault::{Keys, SealTrouble, SealedReader};
use crate::model::RecordingRow;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A recording's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name below the root of its kind.
    pub name: String,
    /// Whether it is encrypted.
    pub is_sealed: bool,
    /// `audio/wav`, or `audio/ogg` once it is archived.
    pub media_type: &'static str,
}

/// A recording's audio as a player reads it, from anywhere in it.
#[derive(Debug)]
pub struct AudioFile {
    inner: Inner,
    length: u64,
}

#[derive(Debug)]
enum Inner {
    Plain(File),
    Sealed(Box<SealedReader>),
}

impl Roots {
    /// Looks for the file of a recording. A link in its place is none.
    ///
    /// # Errors
    /// When there is no such file, or its name leads out of the root.
    pub fn find(&self, row: &RecordingRow) -> io::Result<Found> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no such file");
        let archived = row.path.strip_suffix(".wav").map(|stem| format!("{stem}.ogg"));
        let shapes = [(Some(row.path.clone()), "audio/wav"), (archived, "audio/ogg")];
        for (name, media_type) in shapes {
            let Some(name) = name else { continue };
            for is_sealed in [false, true] {
                let name = if is_sealed {
                    format!("{name}.{SEALED}")
                } else {
                    name.clone()
                };
                let path = self.locate(row.kind, &name).ok_or_else(missing)?;
                if fs::symlink_metadata(&path).is_ok_and(|facts| facts.is_file()) {
                    return Ok(Found {
                        path,
                        name,
                        is_sealed,
                        media_type,
                    });
                }
            }
        }
        Err(missing())
    }
}

impl Found {
    /// Opens it for reading; `keys` are needed for one that is sealed.
    ///
    /// # Errors
    /// When it cannot be read, or there is no key for it.
    pub fn open(&self, keys: Option<&Keys>) -> io::Result<AudioFile> {
        AudioFile::open(&self.path, self.is_sealed, keys)
    }

    /// It is sealed, and the box has no key at all.
    pub(super) fn no_key() -> io::Error {
        SealTrouble::NoKeyAtAll.into()
    }
}

impl AudioFile {
    pub(super) fn open(path: &Path, is_sealed: bool, keys: Option<&Keys>) -> io::Result<Self> {
        Self::of(File::open(path)?, is_sealed, keys)
    }

    /// The same for a file that is open already.
    ///
    /// # Errors
    /// When it cannot be read, or there is no key for it.
    pub fn of(file: File, is_sealed: bool, keys: Option<&Keys>) -> io::Result<Self> {
        if !is_sealed {
            let length = file.metadata()?.len();
            return Ok(Self {
                inner: Inner::Plain(file),
                length,
            });
        }
        let keys = keys.ok_or_else(Found::no_key)?;
        let reader = SealedReader::open(file, keys)?;
        Ok(Self {
            length: reader.length(),
            inner: Inner::Sealed(Box::new(reader)),
        })
    }

    /// Bytes as a player sees them.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether what is there is what was written: every sealed chunk opens, and the end is there. A file that is not
    /// sealed can only be judged by its SHA-256.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn prove(&mut self) -> Result<(), SealTrouble> {
        match &mut self.inner {
            Inner::Plain(_) => Ok(()),
            Inner::Sealed(reader) => reader.prove(),
        }
    }
}

impl Read for AudioFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(file) => file.read(out),
            Inner::Sealed(reader) => reader.read(out),
        }
    }
}

impl Seek for AudioFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.inner {
            Inner::Plain(file) => file.seek(to),
            Inner::Sealed(reader) => reader.seek(to),
        }
    }
}
