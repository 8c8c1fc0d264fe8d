use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that takes up room on the disk, so that there is some to give to the database when there is none left.
#[derive(Debug)]
pub(in crate::store) struct Reserve {
    path: PathBuf,
    bytes: u64,
    is_used: bool,
}

impl Reserve {
    /// A reserve beside the database; none when `bytes` is 0. It is made by [`Reserve::restore`].
    pub(in crate::store) fn new(dir: &Path, bytes: u64) -> Self {
        Self {
            path: dir.join("callpost.reserve"),
            bytes,
            is_used: true,
        }
    }

    /// Whether it is wanted and not there.
    pub(in crate::store) fn is_used(&self) -> bool {
        self.is_used && self.bytes > 0
    }

    /// Gives the room away. False: there was none to give.
    pub(in crate::store) fn release(&mut self) -> bool {
        let given = !self.is_used && fs::remove_file(&self.path).is_ok();
        self.is_used = true;
        given
    }

    /// Takes the room again when there is twice as much, so that it is not given and taken in turns.
    pub(in crate::store) fn restore(&mut self) -> io::Result<()> {
        if self.bytes == 0 {
            self.is_used = false;
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        if fs::metadata(&self.path).is_ok_and(|facts| facts.len() == self.bytes) {
            self.is_used = false;
            return Ok(());
        }
        let Some(dir) = self.path.parent() else {
            return Ok(());
        };
        let disk = rustix::fs::statvfs(dir)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.bytes.saturating_mul(2) {
            return Ok(());
        }
        match self.take() {
            Ok(()) => {
                self.is_used = false;
                Ok(())
            }
            Err(error) => {
                // A reserve of half the size would be no reserve.
                let _ = fs::remove_file(&self.path);
                Err(error)
            }
        }
    }

    fn take(&self) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.bytes) {
            Ok(()) => Ok(()),
            // Not every file system can: then it is written.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {
                let zeros = vec![0; 64 << 10];
                let mut left = self.bytes;
                while left > 0 {
                    let part = left.min(zeros.len() as u64);
                    file.write_all(zeros.get(..part as usize).unwrap_or(&zeros))?;
                    left -= part;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
