use super::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The data directory is ours while this lives; the operating system lets go of it when the process dies,
/// however it dies.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

/// Takes the directory for this process.
///
/// # Errors
/// [`StoreError::InUse`] when another daemon has it, [`StoreError::File`] when the lock file cannot be made.
pub(super) fn take(dir: &Path) -> Result<DirectoryLock, StoreError> {
    let path = dir.join("callpost.lock");
    let failed = |cause| StoreError::File {
        path: path.clone(),
        cause,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::InUse {
                dir: dir.to_owned(),
                pid: holder(&mut file),
            });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    leave_our_number(&mut file).map_err(failed)?;
    Ok(DirectoryLock { _file: file })
}

/// Whether a daemon works in a data directory, and as which process: 0 when it did not leave its number. Takes nothing.
pub fn holder_of(dir: &Path) -> Option<u32> {
    let mut file = File::open(dir.join("callpost.lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder(&mut file).unwrap_or(0)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn leave_our_number(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_told_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        let told = take(dir.path()).unwrap_err().to_string();
        assert!(
            told.contains(&format!("(process {})", std::process::id())),
            "{told}"
        );
        assert!(told.contains("--data-dir"), "{told}");
        assert_eq!(holder_of(dir.path()), Some(std::process::id()));
        drop(first);
        assert_eq!(holder_of(dir.path()), None);
        take(dir.path()).unwrap();
    }
}
