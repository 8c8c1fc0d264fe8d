use super::find::AudioFile;
use super::redact::{sha256_of, sync_dir};
use super::vault::{Content, Keys, SealedWriter};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that is to take the place of another one: written beside it, brought to the disk, and moved in one step. One
/// that is given up leaves nothing behind.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    file: File,
    sealed: Option<SealedWriter>,
    waiting: Vec<u8>,
    is_settled: bool,
}

/// What a draft became.
pub(super) struct Settled {
    /// SHA-256, hexadecimal.
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

const CHUNK: usize = 64 * 1024;

impl Draft {
    /// Begins one, sealed where keys are given.
    pub(super) fn begin(target: &Path, sealed: Option<(&Keys, Content)>) -> io::Result<Self> {
        let mut path = target.as_os_str().to_owned();
        path.push(".new");
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(&path)?;
        let mut draft = Self {
            path,
            target: target.to_owned(),
            file,
            sealed: None,
            waiting: Vec::new(),
            is_settled: false,
        };
        if let Some((keys, content)) = sealed {
            let (writer, front) = SealedWriter::new(keys, content)?;
            draft.file.write_all(&front)?;
            draft.sealed = Some(writer);
        }
        Ok(draft)
    }

    /// Everything is written: it goes to the disk.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if let Some(writer) = &mut self.sealed {
            let mut chunks = Vec::new();
            writer.seal_last(&self.waiting, &mut chunks)?;
            self.waiting.clear();
            self.file.write_all(&chunks)?;
        }
        self.file.sync_all()
    }

    /// Opens what was written, to look whether it is right.
    pub(super) fn open(&self, keys: Option<&Keys>) -> io::Result<AudioFile> {
        AudioFile::open(&self.path, self.sealed.is_some(), keys)
    }

    /// Takes the place of `old`.
    pub(super) fn settle(mut self, old: &Path) -> io::Result<Settled> {
        let sha256 = sha256_of(&self.path)?;
        let bytes = fs::metadata(&self.path)?.len();
        fs::rename(&self.path, &self.target)?;
        self.is_settled = true;
        if self.target != old {
            // The new name is on the disk before the old one goes.
            sync_dir(&self.target)?;
            fs::remove_file(old)?;
        }
        sync_dir(&self.target)?;
        Ok(Settled { sha256, bytes })
    }

    fn seal_whole_chunks(&mut self) -> io::Result<()> {
        let Some(writer) = &mut self.sealed else {
            return Ok(());
        };
        let whole = self.waiting.len() - self.waiting.len() % CHUNK;
        if whole == 0 {
            return Ok(());
        }
        let mut chunks = Vec::with_capacity(whole + 1024);
        writer.seal(self.waiting.get(..whole).unwrap_or_default(), &mut chunks)?;
        self.waiting.drain(..whole);
        self.file.write_all(&chunks)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sealed.is_none() {
            return self.file.write(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        self.seal_whole_chunks()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_settled {
            // Half a file helps nobody; one that stays is told of as an orphan.
            let _ = fs::remove_file(&self.path);
        }
    }
}
