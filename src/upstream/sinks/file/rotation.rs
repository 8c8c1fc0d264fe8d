//! When a file is put away, and what it is called then: `cdrs.jsonl` becomes `cdrs-20261120-000007.jsonl`. The number
//! only grows, so that the order is right whatever the clock does, and a kill between two steps harms nothing: the file
//! is whole under one name or the other.

use super::End;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

pub(super) const DAY_MS: i64 = 86_400_000;

/// When a new file begins, and how many old ones stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    pub(super) daily: bool,
    /// 0 for never.
    pub(super) bytes: u64,
    /// 0 for all.
    pub(super) keep: usize,
}

impl Rotation {
    /// Whether the file is put away before a line of this length.
    pub(super) fn is_due(&self, end: &End, today: i64, next_line: usize) -> bool {
        let is_full = self.bytes > 0 && end.bytes > 0 && end.bytes + length(next_line) > self.bytes;
        let is_old = self.daily && end.day.is_some_and(|day| day != today);
        is_full || is_old || end.is_foreign
    }

    /// How many of these lines go into a file of this length: one at least.
    pub(super) fn fitting(&self, begin: u64, lines: &[String]) -> usize {
        if self.bytes == 0 {
            return lines.len();
        }
        let mut bytes = begin;
        let fits = |line: &&String| {
            bytes += length(line.len());
            bytes <= self.bytes
        };
        lines.iter().take_while(fits).count().max(1)
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The older files beside the present one.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    /// `cdrs-`
    begin: String,
    /// `.jsonl`, or nothing.
    end: String,
}

impl Shelf {
    pub(super) fn of(path: &Path) -> Self {
        let text = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self {
            folder: folder.unwrap_or_else(|| Path::new(".")).to_owned(),
            begin: text(path.file_stem()).unwrap_or_default() + "-",
            end: text(path.extension()).map_or_else(String::new, |end| format!(".{end}")),
        }
    }

    /// Renames the present file after the day it was last written.
    pub(super) fn put_away(&self, path: &Path, day: Option<i64>) -> io::Result<()> {
        let number = self.numbered()?.last().map_or(1, |(number, _)| number + 1);
        let day = jiff::Timestamp::from_second(day.unwrap_or(0).saturating_mul(DAY_MS / 1000))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .strftime("%Y%m%d");
        let name = format!("{}{day}-{number:06}{}", self.begin, self.end);
        fs::rename(path, self.folder.join(name))?;
        sync_folder(path)
    }

    /// Removes the oldest beyond `keep`.
    pub(super) fn prune(&self, keep: usize) -> io::Result<()> {
        if keep == 0 {
            return Ok(());
        }
        let numbered = self.numbered()?;
        let surplus = numbered.len().saturating_sub(keep);
        for (_, path) in numbered.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The older files with their numbers, the oldest first.
    fn numbered(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Some(number) = entry.file_name().to_str().and_then(|name| self.number(name)) {
                found.push((number, entry.path()));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The number in a name of ours.
    fn number(&self, name: &str) -> Option<u64> {
        let middle = name.strip_prefix(&self.begin)?.strip_suffix(&self.end)?;
        let (day, number) = middle.split_once('-')?;
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (day.len() == 8 && is_digits(day) && number.len() >= 6 && is_digits(number))
            .then(|| number.parse().ok())?
    }
}

/// A name is on the disk only when its folder is.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_numbered() {
        let shelf = Shelf::of(Path::new("out/cdrs.jsonl"));
        assert_eq!(shelf.number("cdrs-20261120-000007.jsonl"), Some(7));
        for other in [
            "cdrs.jsonl",
            "cdrs-20261120.jsonl",
            "cdrs-20261120-7.jsonl",
            "cdrs-2026112x-000007.jsonl",
            "cdrs-20261120-000007.csv",
            "xcdrs-20261120-000007.jsonl",
        ] {
            assert_eq!(shelf.number(other), None, "{other}");
        }
        assert_eq!(
            Shelf::of(Path::new("cdrs")).number("cdrs-20261120-000012"),
            Some(12)
        );
    }
}
