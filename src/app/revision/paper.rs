//! Files are replaced whole: written beside, synced, renamed, and the folder synced (ROBUSTNESS 96). A power cut leaves the
//! old or the new one.

use crate::http::ReadOnly;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Whoever owns a new file reads and writes it, the group reads it: it may hold passwords.
const NEW_FILE: u32 = 0o640;

/// Puts this text in the place of the file, whose rights it keeps. A link stays one.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = folder_of(&file);
    fs::create_dir_all(&folder)?;
    let beside = beside(&file)?;
    let mode = fs::metadata(&file).map_or(NEW_FILE, |facts| facts.permissions().mode() & 0o777);
    let written = write(&beside, text, mode).and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // The reason is what counts; a file that is left is replaced by the next attempt.
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_folder(&folder)
}

/// Takes a file away.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Ok(()) => sync_folder(&folder_of(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Why nothing could be written beside this file, when that is so.
pub(super) fn obstacle(file: &Path) -> Option<ReadOnly> {
    let attempt = || {
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let folder = folder_of(&file);
        fs::create_dir_all(&folder)?;
        let beside = beside(&file)?;
        write(&beside, "", NEW_FILE)?;
        fs::remove_file(&beside)
    };
    attempt().err().map(|error| explained(file, &error))
}

/// A failure to write, with its cure.
pub(super) fn explained(file: &Path, error: &io::Error) -> ReadOnly {
    let folder = folder_of(file);
    let folder = folder.display();
    let kind = error.kind();
    let cure = if kind == io::ErrorKind::ReadOnlyFilesystem {
        format!(
            "the place is mounted read-only: mount {folder} writable, under systemd by ReadWritePaths={folder}, or change \
             the file by hand and reload"
        )
    } else if kind == io::ErrorKind::PermissionDenied {
        format!(
            "let the user of the daemon write there: `chgrp callpost {folder} && chmod 770 {folder}`, under systemd also \
             ReadWritePaths={folder}; or change the file by hand and reload"
        )
    } else if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        "make room on this disk, then try again".to_owned()
    } else if kind == io::ErrorKind::ResourceBusy {
        format!("the file itself is mounted there: mount its folder {folder} instead")
    } else {
        "look at the log and at the disk, then try again".to_owned()
    };
    ReadOnly {
        place: file.display().to_string(),
        problem: format!("cannot be written: {error}"),
        cure,
    }
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)?;
    // The mask of the process may have taken rights away that the file before had.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = rustix::fs::open(folder, OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())?;
    File::from(folder).sync_all()
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn beside(file: &Path) -> io::Result<PathBuf> {
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    // Its ending is not that of a flow: one that a power cut leaves is not read.
    Ok(folder_of(file).join(format!(".{name}.new")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_rights_and_its_link() {
        let place = tempfile::tempdir().unwrap();
        let (real, link) = (place.path().join("real.toml"), place.path().join("callpost.toml"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o604)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o604);
        assert_eq!(
            fs::read_dir(place.path()).unwrap().count(),
            2,
            "nothing is left beside it"
        );
        let flow = place.path().join("flows/night.toml");
        replace(&flow, "x").unwrap();
        assert_eq!(
            fs::metadata(&flow).unwrap().permissions().mode() & 0o777,
            NEW_FILE
        );
        remove(&flow).unwrap();
        remove(&flow).unwrap();
        assert!(!flow.exists());
    }

    /// A folder that is none, since tests may run as root, whom no rights stop.
    #[test]
    fn a_place_that_cannot_be_written_is_told_with_its_cure() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(obstacle(&place.path().join("callpost.toml")), None);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        fs::write(place.path().join("file"), "").unwrap();
        let told = obstacle(&place.path().join("file/callpost.toml")).unwrap();
        assert!(told.problem.starts_with("cannot be written: "), "{told:?}");
        let read_only = explained(
            Path::new("/etc/callpost/callpost.toml"),
            &io::ErrorKind::ReadOnlyFilesystem.into(),
        );
        assert!(
            read_only.cure.contains("ReadWritePaths=/etc/callpost,"),
            "{read_only:?}"
        );
        let denied = explained(
            Path::new("/etc/callpost/callpost.toml"),
            &io::ErrorKind::PermissionDenied.into(),
        );
        assert!(
            denied.cure.contains("chgrp callpost /etc/callpost && chmod 770"),
            "{denied:?}"
        );
    }
}
