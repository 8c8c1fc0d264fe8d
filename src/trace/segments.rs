//! The files: blocks of messages, packed, in segments of a megabyte; the oldest go when there are too many.

use super::frame::Traced;
use crate::model::CallId;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Every block begins with it.
const MAGIC: [u8; 4] = *b"CPT1";
/// Magic, packed and plain length, number of calls, first and last time.
const HEAD: usize = 4 + 4 + 4 + 4 + 8 + 8;
/// A segment that is longer than this is followed by another.
const SEGMENT_BYTES: u64 = 1024 * 1024;
/// More than any block holds; a longer one is a damaged head.
const LONGEST_BLOCK: u32 = 64 * 1024 * 1024;

/// The end of the ring that is written to.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    most_bytes: u64,
    keep_us: i64,
    open: Option<(File, u64)>,
}

/// A file of the ring, by its name: when its first message went by, in microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    pub(super) first_us: i64,
    pub(super) path: PathBuf,
}

impl Segments {
    pub(super) fn new(folder: PathBuf, most_bytes: u64, keep_us: i64) -> Self {
        Self {
            folder,
            most_bytes,
            keep_us,
            open: None,
        }
    }

    /// Writes messages as one block.
    ///
    /// # Errors
    /// What the disk said. The next block begins a new segment then.
    pub(super) fn write(&mut self, messages: &[Traced]) -> io::Result<()> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
            return Ok(());
        };
        let block = pack(messages, first.at_us, last.at_us);
        let (mut file, length) = match self.open.take() {
            Some(open) => open,
            None => (self.begin(first.at_us)?, 0),
        };
        file.write_all(&block)?;
        let length = length + block.len() as u64;
        if length < SEGMENT_BYTES {
            self.open = Some((file, length));
        }
        Ok(())
    }

    /// Removes what is too old or too much. A segment is as old as the one behind it is new.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) fn prune(&mut self, now_us: i64) -> io::Result<()> {
        let all = list(&self.folder)?;
        let mut total = 0;
        for (place, segment) in all.iter().enumerate().rev() {
            total += fs::metadata(&segment.path).map_or(0, |about| about.len());
            let ended_us = all.get(place + 1).map_or(i64::MAX, |next| next.first_us);
            let is_old = now_us.saturating_sub(ended_us) > self.keep_us || self.is_stale(segment, now_us);
            let is_written = place + 1 == all.len() && self.open.is_some();
            if (is_old || total > self.most_bytes) && !is_written {
                fs::remove_file(&segment.path)?;
            }
        }
        Ok(())
    }

    /// The newest has none behind it: it is as old as what was written to it last.
    fn is_stale(&self, segment: &Segment, now_us: i64) -> bool {
        let written = fs::metadata(&segment.path).and_then(|about| about.modified());
        let since = written
            .ok()
            .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let written_us = since.and_then(|since| i64::try_from(since.as_micros()).ok());
        written_us.is_some_and(|written| now_us.saturating_sub(written) > self.keep_us)
    }

    /// A new file; when there is one of that microsecond, it goes on there.
    fn begin(&self, first_us: i64) -> io::Result<File> {
        create_private_folder(&self.folder)?;
        let path = self.folder.join(format!("{:020}.trace", first_us.max(0)));
        private_file(&path)
    }
}

/// The files of the ring, oldest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found: Vec<Segment> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_ours = path.extension().is_some_and(|ending| ending == "trace");
            let first_us = path.file_stem()?.to_str()?.parse().ok()?;
            is_ours.then_some(Segment { first_us, path })
        })
        .collect();
    found.sort();
    Ok(found)
}

/// The messages of one call in a segment, in order. A torn or damaged end is left out.
pub(super) fn read(path: &Path, call: CallId, mut give: impl FnMut(Traced)) -> io::Result<()> {
    let mut file = File::open(path)?;
    loop {
        let mut head = [0; HEAD];
        if !filled(&mut file, &mut head)? {
            return Ok(());
        }
        let word = |at: usize| {
            let bytes = head
                .get(at..at + 4)
                .and_then(|bytes| bytes.first_chunk().copied());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let (packed, plain, calls) = (word(4), word(8), word(12));
        if head.first_chunk() != Some(&MAGIC)
            || packed > LONGEST_BLOCK
            || plain > LONGEST_BLOCK
            || calls > packed
        {
            return Ok(());
        }
        let mut ids = vec![0; calls as usize * 16];
        if !filled(&mut file, &mut ids)? {
            return Ok(());
        }
        if !ids.chunks_exact(16).any(|id| id == call.0.as_bytes()) {
            file.seek(SeekFrom::Current(i64::from(packed)))?;
            continue;
        }
        let mut block = vec![0; packed as usize];
        if !filled(&mut file, &mut block)? {
            return Ok(());
        }
        let Ok(plain) = lz4_flex::block::decompress(&block, plain as usize) else {
            return Ok(());
        };
        let mut rest = &plain[..];
        while let Some(message) = Traced::take(&mut rest) {
            if message.call == call {
                give(message);
            }
        }
    }
}

fn pack(messages: &[Traced], first_us: i64, last_us: i64) -> Vec<u8> {
    let calls: BTreeSet<CallId> = messages.iter().map(|message| message.call).collect();
    let mut plain = Vec::with_capacity(messages.iter().map(|message| message.bytes.len() + 96).sum());
    for message in messages {
        message.put(&mut plain);
    }
    let packed = lz4_flex::block::compress(&plain);
    let mut block = Vec::with_capacity(HEAD + calls.len() * 16 + packed.len());
    block.extend_from_slice(&MAGIC);
    for length in [packed.len(), plain.len(), calls.len()] {
        block.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
    for time in [first_us, last_us] {
        block.extend_from_slice(&time.to_le_bytes());
    }
    for call in calls {
        block.extend_from_slice(call.0.as_bytes());
    }
    block.extend_from_slice(&packed);
    block
}

/// Whether the buffer could be filled; false at the end of the file.
fn filled(file: &mut File, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::super::frame::Way;
    use super::super::frame::tests::{call, traced};
    use super::*;

    const FLOW: &str = "udp 127.0.0.1:5060 127.0.0.2:5060";

    fn of_call(folder: &Path, number: u8) -> Vec<i64> {
        let mut found = Vec::new();
        for segment in list(folder).unwrap() {
            read(&segment.path, call(number), |one| found.push(one.at_us)).unwrap();
        }
        found
    }

    fn segments(folder: &Path, most_bytes: u64) -> Segments {
        Segments::new(folder.to_owned(), most_bytes, 1_000_000)
    }

    #[test]
    fn a_calls_messages_are_found_among_others_across_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = segments(folder.path(), u64::MAX);
        for at in 0..40 {
            let mut message = traced(at, Way::Sent, FLOW, 0, "INVITE");
            message.call = call(if at % 4 == 0 { 1 } else { 2 });
            ring.write(&[message]).unwrap();
            if at == 20 {
                ring.open = None;
            }
        }
        assert_eq!(list(folder.path()).unwrap().len(), 2);
        assert_eq!(of_call(folder.path(), 1), [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]);
        assert_eq!(of_call(folder.path(), 2).len(), 30);
        assert!(of_call(folder.path(), 3).is_empty());
    }

    /// A pulled plug leaves half a block, a bad card leaves junk: what lies before it is read.
    #[test]
    fn a_torn_or_damaged_file_gives_what_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = segments(folder.path(), u64::MAX);
        let path = folder.path().join(format!("{:020}.trace", 0));
        let mut ends = Vec::new();
        for at in 0..3 {
            ring.write(&[traced(at, Way::Sent, FLOW, 0, &"INVITE ".repeat(50))])
                .unwrap();
            ends.push(fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let whole_blocks = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(of_call(folder.path(), 1).len(), whole_blocks);
        }
        for place in 0..whole.len() {
            let mut bent = whole.clone();
            bent[place] ^= 0x55;
            fs::write(&path, &bent).unwrap();
            assert!(of_call(folder.path(), 1).len() <= 3, "{place}");
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_their_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = segments(folder.path(), 400);
        for at in 0..10 {
            ring.write(&[traced(at, Way::Sent, FLOW, 0, "INVITE")]).unwrap();
            ring.open = None;
        }
        ring.prune(10).unwrap();
        let left = of_call(folder.path(), 1);
        assert!(left.len() < 5 && left.last() == Some(&9), "{left:?}");
        ring.most_bytes = u64::MAX;
        ring.prune(1_000_008).unwrap();
        assert_eq!(of_call(folder.path(), 1), left, "not yet");
        ring.prune(1_000_010).unwrap();
        assert_eq!(
            of_call(folder.path(), 1),
            [9],
            "the last was not written to lately by its file"
        );
        ring.prune(i64::MAX).unwrap();
        assert!(of_call(folder.path(), 1).is_empty());
    }
}
