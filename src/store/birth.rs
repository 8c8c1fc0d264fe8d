//! A database comes into being whole or not at all.
//!
//! It is made under another name and gets its own once it is on the disk. So a kill or a power cut during the first start
//! leaves nothing that the next one would have to take for a damaged database.

use super::connection::open_for_writing;
use super::{StoreError, log};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes the database, unless there is one or what looks like a part of one.
///
/// # Errors
/// When it cannot be made; nothing has its name then.
pub(super) fn make_if_missing(path: &Path) -> Result<(), StoreError> {
    if path.exists() || beside(path, "-wal").exists() {
        return Ok(());
    }
    let draft = beside(path, ".new");
    for left_over in [draft.clone(), beside(&draft, "-wal"), beside(&draft, "-shm")] {
        match fs::remove_file(&left_over) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::File {
                    path: left_over,
                    cause,
                });
            }
            Ok(()) | Err(_) => {}
        }
    }
    let connection = open_for_writing(&draft)?;
    // Closing would do that too, and keep an error of the disk to itself.
    log::empty(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    let settle = || -> io::Result<()> {
        File::open(&draft)?.sync_all()?;
        fs::rename(&draft, path)?;
        match path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    settle().map_err(|cause| StoreError::File {
        path: path.to_owned(),
        cause,
    })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
