//! A directory of this machine, such as where a disk of the office is mounted.

use super::Storage;
use super::file::{Source, hex};
use super::pace::{PIECE_BYTES, Pace};
use super::target::{Same, Trouble, other_bytes, other_length};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory.
#[derive(Debug)]
pub(in crate::keeping) struct Local {
    dir: PathBuf,
    pace: Arc<Pace>,
}

impl Local {
    pub(super) fn open(storage: &Storage, pace: Arc<Pace>) -> Self {
        Self {
            dir: storage.dir.clone().unwrap_or_default(),
            pace,
        }
    }

    /// Under another name first, so that nobody takes half of it for the whole; it is on the disk before it gets its own.
    pub(super) async fn send(&self, key: &str, source: &Source) -> Result<(), Trouble> {
        let (path, part) = self.make_way(key)?;
        let mut file = File::create(&part).map_err(|error| told(&part, &error))?;
        let mut at = 0;
        while at < source.bytes {
            let piece = source
                .read(at, PIECE_BYTES as u64 * 4)
                .map_err(|error| Trouble(format!("the file here cannot be read: {error}")))?;
            self.pace.wait(piece.len()).await;
            file.write_all(&piece).map_err(|error| told(&part, &error))?;
            at += piece.len() as u64;
        }
        finish(&file, &part, &path).map_err(|error| told(&path, &error))
    }

    pub(super) async fn compare(&self, key: &str, source: &Source) -> Result<Same, Trouble> {
        self.look_for_it()?;
        let path = self.dir.join(key);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Same::Nothing),
            Err(error) => return Err(told(&path, &error)),
        };
        let there = file.metadata().map_err(|error| told(&path, &error))?.len();
        if there != source.bytes {
            return Ok(other_length(there, source.bytes));
        }
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES * 4];
        loop {
            let count = file.read(&mut piece).map_err(|error| told(&path, &error))?;
            if count == 0 {
                break;
            }
            hash.update(piece.get(..count).unwrap_or_default());
            tokio::task::yield_now().await;
        }
        let is_same = hex(&hash.finalize()) == source.sha256;
        Ok(if is_same { Same::Yes } else { other_bytes() })
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), Trouble> {
        let path = self.dir.join(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(told(&path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn put_small(&self, key: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let (path, part) = self.make_way(key)?;
        let mut file = File::create(&part).map_err(|error| told(&part, &error))?;
        file.write_all(bytes).map_err(|error| told(&part, &error))?;
        finish(&file, &part, &path).map_err(|error| told(&path, &error))
    }

    pub(super) fn read_at(&self, key: &str, at: u64, count: u64) -> Result<Bytes, Trouble> {
        self.look_for_it()?;
        let path = self.dir.join(key);
        let mut piece = vec![0; usize::try_from(count).unwrap_or(0)];
        let read = File::open(&path).and_then(|file| file.read_exact_at(&mut piece, at));
        read.map_err(|error| told(&path, &error))?;
        Ok(piece.into())
    }

    pub(super) fn read_small(&self, key: &str) -> Result<Vec<u8>, Trouble> {
        let path = self.dir.join(key);
        fs::read(&path).map_err(|error| told(&path, &error))
    }

    /// A directory that is not there is a disk that is not mounted: it is not made, or this disk would fill up.
    fn look_for_it(&self) -> Result<(), Trouble> {
        if self.dir.is_dir() {
            return Ok(());
        }
        Err(Trouble(format!(
            "{} is not there; is the disk mounted?",
            self.dir.display()
        )))
    }

    fn make_way(&self, key: &str) -> Result<(PathBuf, PathBuf), Trouble> {
        self.look_for_it()?;
        let path = self.dir.join(key);
        let folder = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = path.with_file_name(format!(".{name}.part"));
        Ok((path, part))
    }
}

fn finish(file: &File, part: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(part, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn told(path: &Path, error: &io::Error) -> Trouble {
    Trouble(format!("{}: {error}", path.display()))
}
