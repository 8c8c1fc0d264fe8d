//! One file after the other in one stream: four bytes of length, a label in JSON, and the bytes the label tells of.

use super::contents::{About, Entry, FORMAT, Manifest, Proven};
use super::strongbox::unwrapped;
use super::{Passphrase, Trouble, strongbox};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::Path;

/// No label is longer, apart from the list at the end.
const LONGEST_LABEL: u32 = 64 * 1024;
/// A million recordings have a list of 200 MB.
const LONGEST_LIST: u32 = 256 << 20;
const PIECE: usize = 64 * 1024;

/// What comes next.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Label {
    About(About),
    File(Entry),
    Manifest,
}

/// Puts files into a sealed stream.
pub(super) struct Packer<W: Write> {
    out: strongbox::Sealing<W>,
    files: Vec<Proven>,
}

impl<W: Write> Packer<W> {
    pub(super) fn begin(out: W, passphrase: &Passphrase, about: &About) -> Result<Self, Trouble> {
        let mut packer = Self {
            out: strongbox::Sealing::begin(out, passphrase)?,
            files: Vec::new(),
        };
        packer.label(&Label::About(about.clone())).map_err(not_written)?;
        Ok(packer)
    }

    /// Puts a file in, exactly as many bytes as its label says: what a file grew by meanwhile stays out, what it lost is
    /// zeros. `told` hears of the bytes.
    pub(super) fn put(
        &mut self,
        entry: Entry,
        file: &mut impl Read,
        told: &mut dyn FnMut(u64),
    ) -> Result<(), Trouble> {
        self.label(&Label::File(entry.clone())).map_err(not_written)?;
        let mut hash = Sha256::new();
        let mut left = entry.bytes;
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let space = piece.get_mut(..most).unwrap_or_default();
            let read = file
                .read(space)
                .map_err(|cause| Trouble::file(&entry.path, cause))?;
            let length = if read == 0 {
                space.fill(0);
                most
            } else {
                read
            };
            let bytes = piece.get(..length).unwrap_or_default();
            hash.update(bytes);
            self.out.write_all(bytes).map_err(not_written)?;
            left -= length as u64;
            told(length as u64);
        }
        self.files.push(Proven {
            entry,
            sha256: hex(&hash.finalize()),
        });
        Ok(())
    }

    /// The list of everything, and the end.
    pub(super) fn finish(mut self) -> Result<(W, Manifest), Trouble> {
        let manifest = Manifest { files: self.files };
        let text = serde_json::to_vec(&manifest).unwrap_or_default();
        let write = || -> io::Result<()> {
            let label = serde_json::to_vec(&Label::Manifest)?;
            for part in [label, text] {
                self.out.write_all(&length_of(&part))?;
                self.out.write_all(&part)?;
            }
            Ok(())
        };
        write().map_err(not_written)?;
        Ok((self.out.finish().map_err(not_written)?, manifest))
    }

    fn label(&mut self, label: &Label) -> io::Result<()> {
        let text = serde_json::to_vec(label)?;
        self.out.write_all(&length_of(&text))?;
        self.out.write_all(&text)
    }
}

fn length_of(text: &[u8]) -> [u8; 4] {
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn not_written(cause: io::Error) -> Trouble {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        return Trouble::GivenUp;
    }
    Trouble::file("the backup", cause)
}

/// Takes files out of a sealed stream.
pub(super) struct Unpacker<R> {
    sealed: strongbox::Opening<R>,
    about: About,
    files: Vec<Proven>,
}

impl<R: Read> Unpacker<R> {
    pub(super) fn begin(sealed: R, passphrase: &Passphrase, name: &Path) -> Result<Self, Trouble> {
        let mut sealed = strongbox::Opening::begin(sealed, passphrase, name)?;
        let Label::About(about) = read_label(&mut sealed)? else {
            return Err(Trouble::NotOurs);
        };
        if about.format > FORMAT {
            return Err(Trouble::TooNew(about.version));
        }
        Ok(Self {
            sealed,
            about,
            files: Vec::new(),
        })
    }

    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Bytes of the sealed file read so far.
    pub(super) fn at(&self) -> u64 {
        self.sealed.at()
    }

    /// The next file; its bytes go where `place` says, which comes back with it. After the last one, the list is compared with what
    /// came.
    pub(super) fn next<P: Write>(
        &mut self,
        mut place: impl FnMut(&Entry) -> Result<P, Trouble>,
    ) -> Result<Option<(Entry, P)>, Trouble> {
        let entry = match read_label(&mut self.sealed)? {
            Label::File(entry) => entry,
            Label::Manifest => return self.compare().map(|()| None),
            Label::About(_) => return Err(Trouble::Damaged(self.at())),
        };
        let mut out = place(&entry)?;
        let mut hash = Sha256::new();
        let mut left = entry.bytes;
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let bytes = piece.get_mut(..most).unwrap_or_default();
            let at = self.at();
            self.sealed
                .read_exact(bytes)
                .map_err(|error| unwrapped(error, at))?;
            hash.update(&*bytes);
            out.write_all(bytes)
                .map_err(|cause| Trouble::file(&entry.path, cause))?;
            left -= most as u64;
        }
        out.flush().map_err(|cause| Trouble::file(&entry.path, cause))?;
        self.files.push(Proven {
            entry: entry.clone(),
            sha256: hex(&hash.finalize()),
        });
        Ok(Some((entry, out)))
    }

    fn compare(&mut self) -> Result<(), Trouble> {
        let text = read_text(&mut self.sealed, LONGEST_LIST)?;
        let at = self.at();
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| Trouble::Damaged(at))?;
        // Nothing may follow, and that it is the end has to be proven too.
        match self.sealed.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(Trouble::Damaged(at)),
            Err(error) => return Err(unwrapped(error, at)),
        }
        let differs = manifest
            .files
            .iter()
            .zip(&self.files)
            .find(|(listed, came)| listed != came);
        if let Some((listed, _)) = differs {
            return Err(Trouble::NotAsListed(listed.entry.path.clone()));
        }
        if manifest.files.len() != self.files.len() {
            return Err(Trouble::NotAsListed("a file".to_owned()));
        }
        Ok(())
    }
}

fn read_label<R: Read>(sealed: &mut strongbox::Opening<R>) -> Result<Label, Trouble> {
    let text = read_text(sealed, LONGEST_LABEL)?;
    serde_json::from_slice(&text).map_err(|_| Trouble::Damaged(sealed.at()))
}

fn read_text<R: Read>(sealed: &mut strongbox::Opening<R>, longest: u32) -> Result<Vec<u8>, Trouble> {
    let mut length = [0; 4];
    let at = sealed.at();
    sealed
        .read_exact(&mut length)
        .map_err(|error| unwrapped(error, at))?;
    let length = u32::from_le_bytes(length);
    if length > longest {
        return Err(Trouble::Damaged(sealed.at()));
    }
    // Grows with what is there, not with what is claimed.
    let mut text = Vec::new();
    let at = sealed.at();
    let read = sealed.by_ref().take(length.into()).read_to_end(&mut text);
    read.map_err(|error| unwrapped(error, at))?;
    if text.len() as u64 != u64::from(length) {
        return Err(Trouble::Damaged(at));
    }
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
