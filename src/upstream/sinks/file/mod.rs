//! A local file: one line a record, as JSON or as CSV, on the disk before it counts as delivered. A file that has grown
//! too large or too old is renamed, and a new one begins.
//!
//! The file is opened for each batch, so it may also be moved away from outside. A kill can leave half a line at its
//! end; that record was not acknowledged, so the half is cut off before the next line is written.

mod csv;
mod rotation;

use super::outcome::Outcome;
use super::{SinkContext, Unready};
use crate::store::{Clock, OutboxItem};
use crate::upstream::Delivered;
use crate::upstream::config::SectionMistake;
use rotation::{Rotation, Shelf};
use serde::Deserialize;
use std::fs::{self, File as OpenFile, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The keys of a `file` destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Section {
    /// The file that records are appended to.
    pub path: PathBuf,
    /// How a record is written: `jsonl` or `csv`.
    pub format: Format,
    /// When a new file begins whatever its size: `never` or `daily` (at midnight UTC).
    pub rotate: Rotate,
    /// A new file begins where this one would grow beyond so many megabytes; 0 for never.
    pub rotate_megabytes: u64,
    /// How many older files are kept; 0 for all.
    pub keep: usize,
}

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A JSON object a line, as a webhook gets it.
    #[default]
    Jsonl,
    /// Comma-separated values under a line of names; for spreadsheets.
    Csv,
}

/// When a new file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotate {
    /// By size alone.
    #[default]
    Never,
    /// Each day.
    Daily,
}

/// Lines a write.
const BATCH: usize = 256;

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        if self.path.file_name().is_none() {
            let cure = "write the file to append to, such as cdrs.jsonl";
            found.push(("path", "is missing".to_owned(), cure.to_owned()));
        }
        found
    }
}

/// A destination of kind `file`.
#[derive(Debug, Clone)]
pub(in crate::upstream) struct File {
    path: PathBuf,
    format: Format,
    rotation: Rotation,
    clock: Clock,
}

impl File {
    pub(super) fn new(section: &Section, context: &SinkContext) -> Result<Self, Unready> {
        Ok(Self {
            path: section.path.clone(),
            format: section.format,
            rotation: Rotation {
                daily: section.rotate == Rotate::Daily,
                bytes: section.rotate_megabytes.saturating_mul(1_000_000),
                keep: section.keep,
            },
            clock: context.clock.clone(),
        })
    }

    pub(super) fn batch(&self) -> usize {
        BATCH
    }

    /// Appends them all and syncs once.
    pub(super) async fn deliver(&mut self, batch: &[OutboxItem]) -> Delivered {
        let mut lines = Vec::with_capacity(batch.len());
        let mut outcome = Outcome::default();
        for item in batch {
            match self.line(item) {
                Ok(line) => {
                    lines.push(line);
                    outcome.done();
                }
                Err(reason) => outcome.never(reason),
            }
        }
        let file = self.clone();
        let written = tokio::task::spawn_blocking(move || file.append(&lines)).await;
        match written {
            Ok(Ok(())) => outcome.delivered(),
            Ok(Err(error)) => Delivered::later(format!("{}: {error}", self.path.display())),
            Err(error) => Delivered::later(error),
        }
    }

    fn line(&self, item: &OutboxItem) -> Result<String, String> {
        match self.format {
            Format::Jsonl => Ok(item.numbered_body() + "\n"),
            Format::Csv => csv::line(item),
        }
    }

    fn append(&self, lines: &[String]) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let today = (self.clock.unix_ms)().div_euclid(rotation::DAY_MS);
        let head = match self.format {
            Format::Jsonl => "",
            Format::Csv => csv::HEAD,
        };
        let shelf = Shelf::of(&self.path);
        let mut rest = lines;
        while !rest.is_empty() {
            let mut end = end_of(&self.path, head)?;
            if self
                .rotation
                .is_due(&end, today, rest.first().map_or(0, String::len))
            {
                shelf.put_away(&self.path, end.day)?;
                shelf.prune(self.rotation.keep)?;
                end = end_of(&self.path, head)?;
            }
            let fitting = self.rotation.fitting(end.bytes, rest);
            let (now, later) = rest.split_at(fitting);
            write_lines(&self.path, &end, head, now)?;
            rest = later;
        }
        Ok(())
    }
}

/// Where the next line goes.
struct End {
    /// Length of the whole lines.
    bytes: u64,
    /// The day it was last written, counted from 1970; nothing for a new file.
    day: Option<i64>,
    /// Whether it begins with other names of columns than ours.
    is_foreign: bool,
    /// Whether anything follows the whole lines.
    is_torn: bool,
}

fn end_of(path: &Path, head: &str) -> io::Result<End> {
    let mut file = match OpenFile::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(End {
                bytes: 0,
                day: None,
                is_foreign: false,
                is_torn: false,
            });
        }
        Err(error) => return Err(error),
    };
    let facts = file.metadata()?;
    // A CSV cell may hold a line feed of its own, but never behind a carriage return.
    let ending: &[u8] = if head.is_empty() { b"\n" } else { b"\r\n" };
    let whole = whole_lines(&mut file, facts.len(), ending)?;
    let written = facts.modified()?.duration_since(std::time::UNIX_EPOCH);
    let day =
        written.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)) / rotation::DAY_MS;
    let mut begin = vec![0; head.len().min(usize::try_from(whole).unwrap_or(usize::MAX))];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut begin)?;
    Ok(End {
        bytes: whole,
        day: (whole > 0).then_some(day),
        is_foreign: whole > 0 && begin != head.as_bytes(),
        is_torn: whole != facts.len(),
    })
}

/// The length up to and with the last line's ending.
fn whole_lines(file: &mut OpenFile, length: u64, ending: &[u8]) -> io::Result<u64> {
    const STEP: u64 = 4096;
    let mut piece = Vec::new();
    let mut begin = length;
    while begin > 0 {
        begin = begin.saturating_sub(STEP);
        // One step, and the byte behind it: an ending may lie across.
        piece.clear();
        file.seek(SeekFrom::Start(begin))?;
        Read::by_ref(file).take(STEP + 1).read_to_end(&mut piece)?;
        if let Some(at) = memchr::memmem::rfind(&piece, ending) {
            return Ok(begin + u64::try_from(at + ending.len()).unwrap_or(0));
        }
    }
    Ok(0)
}

/// After an error nothing of these lines stays in the file, as far as the disk lets us.
fn write_lines(path: &Path, end: &End, head: &str, lines: &[String]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if end.is_torn {
        file.set_len(end.bytes)?;
    }
    let mut text = String::new();
    if end.bytes == 0 {
        text.push_str(head);
    }
    lines.iter().for_each(|line| text.push_str(line));
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // The first error is the one to tell; a half line is cut off the next time.
        let _ = file.set_len(end.bytes);
        return Err(error);
    }
    if end.bytes == 0 {
        rotation::sync_folder(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Hand;

    fn lines(from: u32, to: u32) -> Vec<String> {
        (from..to).map(|n| format!("{{\"seq\":{n}}}\n")).collect()
    }

    fn file(path: PathBuf, rotation: Rotation) -> File {
        File {
            path,
            format: Format::Jsonl,
            rotation,
            clock: Hand::at(1_795_003_200_000).clock(),
        }
    }

    const NEVER: Rotation = Rotation {
        daily: false,
        bytes: 0,
        keep: 0,
    };

    /// A kill can cut a write off after any byte; what was acknowledged before stays, and no half line is left.
    #[test]
    fn after_a_kill_at_any_byte_every_line_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cdrs.jsonl");
        let known = lines(0, 3).concat();
        let under_way = lines(3, 6).concat();
        for cut in 0..=under_way.len() {
            fs::write(&path, [known.as_str(), &under_way[..cut]].concat()).unwrap();
            file(path.clone(), NEVER).append(&lines(3, 6)).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with(&known) && text.ends_with(&under_way),
                "{cut}: {text}"
            );
            let whole = lines(0, 6);
            assert!(
                text.split_inclusive('\n')
                    .all(|line| whole.iter().any(|known| known == line)),
                "{cut}: {text}"
            );
        }
    }

    /// A kill between the two steps of putting a file away leaves it whole under one name or the other.
    #[test]
    fn a_file_that_is_already_put_away_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cdrs.jsonl");
        let small = Rotation { bytes: 40, ..NEVER };
        file(path.clone(), small).append(&lines(0, 4)).unwrap();
        fs::rename(&path, folder.path().join("cdrs-20261119-000099.jsonl")).unwrap();
        file(path.clone(), small).append(&lines(4, 12)).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_by_key(|name| {
            name.split('-')
                .nth(2)
                .map_or(u64::MAX, |number| number[..6].parse().unwrap())
        });
        let text: String = names
            .iter()
            .map(|name| fs::read_to_string(folder.path().join(name)).unwrap())
            .collect();
        assert_eq!(text, lines(0, 12).concat(), "{names:?}");
        assert_eq!(names.last().unwrap(), "cdrs.jsonl");
    }

    #[test]
    fn the_last_whole_line_is_found_however_long_the_half_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for length in [0, 1, 4094, 4095, 4096, 4097, 10_000] {
            fs::write(&path, format!("ab\r\n{}", "x".repeat(length))).unwrap();
            let mut open = OpenFile::open(&path).unwrap();
            let all = open.metadata().unwrap().len();
            assert_eq!(whole_lines(&mut open, all, b"\r\n").unwrap(), 4, "{length}");
        }
    }
}
