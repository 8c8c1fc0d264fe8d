//! A database comes into being whole or not at all.
//!
//! It is made under another name and gets its own once it is on the disk. So a kill or a power cut during the first start
//! leaves nothing that the next one would have to take for a damaged database, and one during a salvage leaves the
//! damaged database where it was, to be saved again from the beginning.

use super::connection::open_for_writing;
use super::{StoreError, log};
use rusqlite::Connection;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What a draft is called until it is complete.
const DRAFT: &str = ".new";
/// What it is called while it takes the place of a damaged database.
const COMPLETE: &str = ".saved";
/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Makes the database, unless there is one or what looks like a part of one.
///
/// # Errors
/// When it cannot be made; nothing has its name then.
pub(super) fn make_if_missing(path: &Path) -> Result<(), StoreError> {
    if path.exists() || beside(path, "-wal").exists() {
        return Ok(());
    }
    let draft = begin_draft(path)?;
    put_down(draft, path)?;
    rename(&beside(path, DRAFT), path)
}

/// An empty database under the name of a draft; what an earlier start left of one is taken away.
///
/// # Errors
/// When it cannot be made.
pub(super) fn begin_draft(path: &Path) -> Result<Connection, StoreError> {
    let draft = beside(path, DRAFT);
    remove(&draft)?;
    for companion in COMPANIONS {
        remove(&beside(&draft, companion))?;
    }
    open_for_writing(&draft)
}

/// A draft that is complete takes the place of a damaged database, which has another name by now. From the first
/// rename on, the next start finishes what a kill cut off.
///
/// # Errors
/// When the draft cannot be brought to the disk.
pub(super) fn replace(draft: Connection, path: &Path) -> Result<(), StoreError> {
    put_down(draft, path)?;
    rename(&beside(path, DRAFT), &beside(path, COMPLETE))?;
    finish(path).map(drop)
}

/// Puts a complete draft in its place. False: there is none.
///
/// # Errors
/// When it cannot be renamed.
pub(super) fn finish(path: &Path) -> Result<bool, StoreError> {
    let complete = beside(path, COMPLETE);
    if !complete.exists() {
        return Ok(false);
    }
    // The log of the damaged database would be taken for that of the new one.
    for companion in COMPANIONS {
        remove(&beside(path, companion))?;
    }
    rename(&complete, path)?;
    Ok(true)
}

/// Closes a draft with all that was written on the disk.
fn put_down(draft: Connection, path: &Path) -> Result<(), StoreError> {
    // Closing would fold the log back too, and keep an error of the disk to itself.
    log::empty(&draft)?;
    draft.close().map_err(|(_, error)| error)?;
    let file = beside(path, DRAFT);
    File::open(&file)
        .and_then(|opened| opened.sync_all())
        .map_err(|cause| StoreError::File { path: file, cause })
}

/// Renames, and waits until the folder says so on the disk.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let settle = || -> io::Result<()> {
        fs::rename(from, to)?;
        match to.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    settle().map_err(|cause| StoreError::File {
        path: to.to_owned(),
        cause,
    })
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(StoreError::File {
            path: path.to_owned(),
            cause,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A name beside the database's.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
