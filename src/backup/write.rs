//! Makes a backup while the daemon goes on, or without one.

use super::contents::{About, Entry, FORMAT, Kind, Manifest};
use super::parcel::Packer;
use super::{Passphrase, Trouble};
use crate::model::Stamp;
use crate::recording::Roots;
use crate::store;
use serde::Serialize;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What is to be put into a backup.
#[derive(Debug, Clone)]
pub struct Job {
    /// The data directory.
    pub data_dir: PathBuf,
    /// Where recordings and messages lie.
    pub roots: Roots,
    /// The configuration's directory and the files of it that belong together: below it, each.
    pub config_dir: PathBuf,
    /// Files of the configuration's directory.
    pub config_files: Vec<PathBuf>,
    /// Files elsewhere that the configuration names: secrets, certificates.
    pub named_files: Vec<PathBuf>,
    /// Names of environment variables that change settings, and stay out.
    pub left_out: Vec<String>,
    /// Whether recordings go in. Messages in boxes always do.
    pub recordings: bool,
    /// Where a copy of the database lies meanwhile; in the data directory usually.
    pub work_dir: PathBuf,
    /// `[site] name`.
    pub site: String,
    /// The program's version.
    pub version: String,
    /// Now.
    pub made_at: Stamp,
}

/// How far it is: called often, must be quick. False gives up.
pub type Told<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// What was put into a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Files of each kind and their bytes.
    pub files: usize,
    /// Bytes before they were sealed.
    pub bytes: u64,
    /// Call records, every version counted.
    pub records: u64,
    /// Recordings and messages.
    pub sounds: usize,
    /// Files that the configuration names and that cannot be read, and why.
    pub missing: Vec<String>,
}

/// The name of the database's copy while it is made; whatever has it is a leftover of one that was cut off.
const COPY: &str = ".callpost-backup.db";

/// Writes a backup into `out`. The database is copied first, as it is at one moment; everything else after it.
///
/// # Errors
/// When a file of the box cannot be read, `out` cannot be written, or there is no room for the copy of the database.
pub fn write<W: Write>(
    job: &Job,
    passphrase: &Passphrase,
    out: W,
    told: Told<'_>,
) -> Result<(W, Written), Trouble> {
    passphrase.is_fit()?;
    let mut missing = Vec::new();
    let copy = Copy::of(job)?;
    let files = gather(job, &copy.path, &mut missing)?;
    let total: u64 = files.iter().map(|(entry, _)| entry.bytes).sum();
    let about = About {
        format: FORMAT,
        version: job.version.clone(),
        site: job.site.clone(),
        made_at: job.made_at,
        config_dir: job.config_dir.clone(),
        data_dir: job.data_dir.clone(),
        recordings: job.recordings,
        left_out: job.left_out.clone(),
    };
    let mut packer = Packer::begin(out, passphrase, &about)?;
    let mut done = 0;
    let sounds = files.iter().filter(|(entry, _)| is_sound(entry)).count();
    for (entry, path) in files {
        let mut file = match File::open(&path) {
            Ok(file) => file,
            // A recording that was taken away by a rule since it was listed.
            Err(_) if is_sound(&entry) => continue,
            Err(cause) => return Err(Trouble::file(path, cause)),
        };
        let mut goes_on = true;
        packer.put(entry, &mut file, &mut |bytes| {
            done += bytes;
            goes_on &= told(done, total);
        })?;
        if !goes_on {
            return Err(Trouble::GivenUp);
        }
    }
    let (out, Manifest { files }) = packer.finish()?;
    let written = Written {
        files: files.len(),
        bytes: done,
        records: copy.records,
        sounds,
        missing,
    };
    Ok((out, written))
}

fn is_sound(entry: &Entry) -> bool {
    entry.kind == Kind::Recording || entry.path.starts_with("voicemail/")
}

/// The database as it was at one moment. Gone when this is dropped.
struct Copy {
    path: PathBuf,
    records: u64,
}

impl Copy {
    fn of(job: &Job) -> Result<Self, Trouble> {
        let path = job.work_dir.join(COPY);
        // What one that was cut off has left.
        let _ = fs::remove_file(&path);
        let needed_bytes = store::bytes_of_copy(&job.data_dir)?;
        if let Ok(facts) = rustix::fs::statvfs(&job.work_dir) {
            let free_bytes = facts.f_bavail.saturating_mul(facts.f_frsize);
            if free_bytes < needed_bytes {
                return Err(Trouble::NoRoom {
                    place: job.work_dir.clone(),
                    free_bytes,
                    needed_bytes,
                });
            }
        }
        let mut copy = Self { path, records: 0 };
        copy.records = store::copy_to(&job.data_dir, &copy.path)?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // The next one removes what stays.
        let _ = fs::remove_file(&self.path);
    }
}

/// Everything that goes in, in the order of the file, and where it lies.
fn gather(job: &Job, copy: &Path, missing: &mut Vec<String>) -> Result<Vec<(Entry, PathBuf)>, Trouble> {
    let mut files = Vec::new();
    let database = entry(Kind::Database, "callpost.db".to_owned(), copy)?;
    files.push((database, copy.to_owned()));
    for path in &job.config_files {
        let Ok(below) = path.strip_prefix(&job.config_dir) else {
            continue;
        };
        files.push((entry(Kind::Config, slashed(below), path)?, path.clone()));
    }
    for path in &job.named_files {
        match entry(Kind::Elsewhere, path.display().to_string(), path) {
            Ok(found) => files.push((found, path.clone())),
            Err(trouble) => missing.push(trouble.to_string()),
        }
    }
    // Keys and certificates that the box made itself.
    for name in ["seal.key", "tls/sip.pem", "tls/sip.key"] {
        let path = job.data_dir.join(name);
        if path.is_file() {
            files.push((entry(Kind::Data, name.to_owned(), &path)?, path));
        }
    }
    below(&job.roots.voicemail, &mut |path| {
        let Ok(inside) = path.strip_prefix(&job.roots.voicemail) else {
            return;
        };
        // What went away since it was listed is left out.
        if let Ok(found) = entry(Kind::Data, format!("voicemail/{}", slashed(inside)), path) {
            files.push((found, path.to_owned()));
        }
    });
    if job.recordings {
        below(&job.roots.recordings, &mut |path| {
            let Ok(inside) = path.strip_prefix(&job.roots.recordings) else {
                return;
            };
            if let Ok(found) = entry(Kind::Recording, slashed(inside), path) {
                files.push((found, path.to_owned()));
            }
        });
    }
    Ok(files)
}

fn entry(kind: Kind, path: String, file: &Path) -> Result<Entry, Trouble> {
    let facts = fs::metadata(file).map_err(|cause| Trouble::file(file, cause))?;
    Ok(Entry {
        kind,
        path,
        bytes: facts.len(),
        mode: facts.permissions().mode() & 0o777,
    })
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// Every file below a directory, in the order of their names; nothing when it is not there. Links are not followed.
fn below(directory: &Path, each: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| (entry.path(), entry.file_type()))
        .collect();
    paths.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (path, kind) in paths {
        match kind {
            Ok(kind) if kind.is_dir() => below(&path, each),
            Ok(kind) if kind.is_file() => each(&path),
            Ok(_) | Err(_) => {}
        }
    }
}
