//! Reads a backup, tells what it would do, and does it: first everything beside what is there, proven and on the disk,
//! then one rename after the other. What was there before is kept.

use super::contents::{About, Entry, Kind};
use super::parcel::Unpacker;
use super::{Passphrase, Trouble};
use crate::store::{self, Alone};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

/// A backup that was read to its end: the passphrase is right, every byte is proven, everything on its list is there.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Where it comes from.
    pub about: About,
    /// Its files, in their order.
    pub files: Vec<Entry>,
    path: PathBuf,
    passphrase: Passphrase,
}

/// Where things are put back.
#[derive(Debug, Clone)]
pub struct Targets {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The configuration's directory.
    pub config_dir: PathBuf,
    /// Where recordings lie, when that is not in the data directory.
    pub recordings: Option<PathBuf>,
    /// Beside what is replaced, what was there keeps this ending.
    pub before: String,
}

/// What putting it back does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Each change, in its order.
    pub changes: Vec<Change>,
    /// Bytes that come back.
    pub bytes: u64,
}

/// One thing that is put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What.
    pub what: String,
    /// Where it goes.
    pub to: PathBuf,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Where what is there now goes; nothing when nothing is there.
    pub kept_as: Option<PathBuf>,
}

impl Opened {
    /// Reads a backup to its end. `told` hears of the bytes read and of all.
    ///
    /// # Errors
    /// When it is none, the passphrase is another, or a byte was changed or is missing.
    pub fn read(
        path: &Path,
        passphrase: &Passphrase,
        told: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, Trouble> {
        let (mut unpacker, total) = unpack(path, passphrase)?;
        let mut files = Vec::new();
        while let Some((entry, _)) = unpacker.next(|_| Ok(io::sink()))? {
            is_harmless(&entry)?;
            files.push(entry);
            told(unpacker.at(), total);
        }
        Ok(Self {
            about: unpacker.about().clone(),
            files,
            path: path.to_owned(),
            passphrase: passphrase.clone(),
        })
    }

    /// What [`restore`] would do. Changes nothing.
    pub fn plan(&self, targets: &Targets) -> Plan {
        let mut changes: Vec<Change> = Vec::new();
        for entry in &self.files {
            let (what, to) = targets.of_group(entry);
            match changes.iter_mut().find(|change| change.to == to) {
                Some(change) => {
                    change.files += 1;
                    change.bytes += entry.bytes;
                }
                None => changes.push(Change {
                    what,
                    kept_as: to.exists().then(|| targets.kept(&to)),
                    to,
                    files: 1,
                    bytes: entry.bytes,
                }),
            }
        }
        Plan {
            bytes: changes.iter().map(|change| change.bytes).sum(),
            changes,
        }
    }

    /// The text of a file of the configuration: what a look at the whole may want to check before it is put back.
    ///
    /// # Errors
    /// When the backup can no longer be read.
    pub fn text_of(&self, kind: Kind, path: &str) -> Result<Option<String>, Trouble> {
        let (mut unpacker, _) = unpack(&self.path, &self.passphrase)?;
        let is_it = |entry: &Entry| entry.kind == kind && entry.path == path;
        while let Some((_, collected)) = unpacker.next(|entry| Ok(Collected(is_it(entry).then(Vec::new))))? {
            if let Collected(Some(found)) = collected {
                return Ok(String::from_utf8(found).ok());
            }
        }
        Ok(None)
    }
}

/// Keeps what is wanted and forgets the rest.
struct Collected(Option<Vec<u8>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(found) = &mut self.0 {
            found.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Targets {
    /// What an entry belongs to and where that goes: what is replaced as a whole is one change.
    fn of_group(&self, entry: &Entry) -> (String, PathBuf) {
        let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        match entry.kind {
            Kind::Database => (
                "the database, with a new epoch".to_owned(),
                self.data_dir.join("callpost.db"),
            ),
            Kind::Data => {
                let top = first(&entry.path);
                let what = match top.as_str() {
                    "voicemail" => "messages in boxes",
                    "seal.key" => "the key that secrets in the database are sealed with",
                    "tls" => "the box's own certificate",
                    _ => "data",
                };
                (what.to_owned(), self.data_dir.join(top))
            }
            Kind::Recording => ("recordings".to_owned(), self.recordings()),
            Kind::Config => (
                "configuration".to_owned(),
                self.config_dir.join(first(&entry.path)),
            ),
            Kind::Elsewhere => (
                "a file that the configuration names".to_owned(),
                PathBuf::from(&entry.path),
            ),
        }
    }

    /// Where one file goes below what it belongs to.
    fn of_file(&self, entry: &Entry) -> PathBuf {
        match entry.kind {
            Kind::Database => self.data_dir.join("callpost.db"),
            Kind::Data => self.data_dir.join(&entry.path),
            Kind::Recording => self.recordings().join(&entry.path),
            Kind::Config => self.config_dir.join(&entry.path),
            Kind::Elsewhere => PathBuf::from(&entry.path),
        }
    }

    fn recordings(&self) -> PathBuf {
        self.recordings
            .clone()
            .unwrap_or_else(|| self.data_dir.join("recordings"))
    }

    /// What is there now gets this name.
    fn kept(&self, path: &Path) -> PathBuf {
        beside(path, &format!(".before-restore-{}", self.before))
    }

    /// And what is to come has this one until it is complete.
    fn coming(&self, path: &Path) -> PathBuf {
        beside(path, &format!(".restoring-{}", self.before))
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or(OsStr::new("x")).to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Puts a backup back: everything is written beside what is there, proven and brought to the disk; then each thing takes
/// its place by one rename. What was there is kept beside it. The database begins a new epoch.
///
/// # Errors
/// When a daemon works in the data directory, or a file cannot be written: nothing has taken its place then, unless the
/// error says so.
pub fn restore(opened: &Opened, targets: &Targets, told: &mut dyn FnMut(u64, u64)) -> Result<Plan, Trouble> {
    fs::create_dir_all(&targets.data_dir).map_err(|cause| Trouble::file(&targets.data_dir, cause))?;
    let _alone = Alone::take(&targets.data_dir).map_err(|error| {
        if let store::StoreError::InUse { .. } = error {
            return Trouble::InUse(format!(
                "{error}. A restore needs the box to stand still: systemctl stop callpost"
            ));
        }
        Trouble::Store(error)
    })?;
    let plan = opened.plan(targets);
    let staged = Staged::new(&plan, targets);
    staged.fill(opened, told)?;
    store::begin_anew(&targets.coming(&targets.data_dir.join("callpost.db")))?;
    staged.settle()?;
    staged.take_their_places()?;
    drop(staged);
    Ok(plan)
}

/// What is to come, beside what is there. What was not put in its place is taken away again.
struct Staged<'a> {
    plan: &'a Plan,
    targets: &'a Targets,
}

impl<'a> Staged<'a> {
    fn new(plan: &'a Plan, targets: &'a Targets) -> Self {
        Self { plan, targets }
    }

    fn fill(&self, opened: &Opened, told: &mut dyn FnMut(u64, u64)) -> Result<(), Trouble> {
        let (mut unpacker, total) = unpack(&opened.path, &opened.passphrase)?;
        let place = |entry: &Entry| {
            is_harmless(entry)?;
            let (_, group) = self.targets.of_group(entry);
            let file = self.targets.of_file(entry);
            let inside = file.strip_prefix(&group).unwrap_or(Path::new(""));
            let coming = self.targets.coming(&group);
            let coming = if inside == Path::new("") {
                coming
            } else {
                coming.join(inside)
            };
            make(&coming, entry.mode).map_err(|cause| Trouble::file(coming, cause))
        };
        while unpacker.next(place)?.is_some() {
            told(unpacker.at(), total);
        }
        Ok(())
    }

    /// Gives everything to whoever the directory belongs to, and brings it to the disk.
    fn settle(&self) -> Result<(), Trouble> {
        for change in &self.plan.changes {
            let coming = self.targets.coming(&change.to);
            let owner = owner_of(&change.to).map_err(|cause| Trouble::file(&change.to, cause))?;
            settle(&coming, owner).map_err(|cause| Trouble::file(&coming, cause))?;
        }
        Ok(())
    }

    fn take_their_places(&self) -> Result<(), Trouble> {
        for change in &self.plan.changes {
            let failed = |cause| Trouble::file(&change.to, cause);
            if change.to.exists() {
                fs::rename(&change.to, self.targets.kept(&change.to)).map_err(failed)?;
            }
            // The log of the old database would be taken for that of the new one.
            if change.to == self.targets.data_dir.join("callpost.db") {
                for companion in ["-wal", "-shm"] {
                    let old = beside(&change.to, companion);
                    if old.exists() {
                        let kept = beside(&self.targets.kept(&change.to), companion);
                        fs::rename(&old, kept).map_err(failed)?;
                    }
                }
            }
            fs::rename(self.targets.coming(&change.to), &change.to).map_err(failed)?;
            if let Some(folder) = change.to.parent() {
                File::open(folder)
                    .and_then(|folder| folder.sync_all())
                    .map_err(failed)?;
            }
        }
        Ok(())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let tops: BTreeSet<PathBuf> = self
            .plan
            .changes
            .iter()
            .map(|change| self.targets.coming(&change.to))
            .collect();
        for top in tops {
            // What has taken its place is not there any more.
            let _ = fs::remove_file(&top).or_else(|_| fs::remove_dir_all(&top));
            for companion in ["-wal", "-shm"] {
                let _ = fs::remove_file(beside(&top, companion));
            }
        }
    }
}

fn unpack(path: &Path, passphrase: &Passphrase) -> Result<(Unpacker<BufReader<File>>, u64), Trouble> {
    let failed = |cause| Trouble::file(path, cause);
    let file = File::open(path).map_err(failed)?;
    let total = file.metadata().map_err(failed)?.len();
    let unpacker = Unpacker::begin(BufReader::with_capacity(128 * 1024, file), passphrase, path)?;
    Ok((unpacker, total))
}

/// A path that stays where it belongs, whoever wrote it.
fn is_harmless(entry: &Entry) -> Result<(), Trouble> {
    let path = Path::new(&entry.path);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let is_good = match entry.kind {
        Kind::Elsewhere => {
            let mut parts = path.components();
            parts.next() == Some(Component::RootDir) && parts.clone().count() > 0 && parts.all(is_plain)
        }
        Kind::Database => entry.path == "callpost.db",
        Kind::Data | Kind::Recording | Kind::Config => {
            !entry.path.is_empty() && path.components().all(is_plain)
        }
    };
    if is_good {
        Ok(())
    } else {
        Err(Trouble::NotAsListed(entry.path.clone()))
    }
}

fn make(path: &Path, mode: u32) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode & 0o777)
        .open(path)?;
    // The umask took something away.
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    Ok(file)
}

/// Whom the nearest directory above belongs to.
fn owner_of(path: &Path) -> io::Result<(u32, u32)> {
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir());
    let facts = fs::metadata(folder.unwrap_or(Path::new("/")))?;
    Ok((facts.uid(), facts.gid()))
}

fn settle(path: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    let facts = fs::symlink_metadata(path)?;
    if (facts.uid(), facts.gid()) != (user, group) {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    if facts.is_dir() {
        for entry in fs::read_dir(path)? {
            settle(&entry?.path(), (user, group))?;
        }
    }
    File::open(path)?.sync_all()
}
