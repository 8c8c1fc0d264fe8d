use super::header::Header;
use super::roots::shown_path;
use super::tape::sealed_name;
use crate::model::{RecordingFacts, RecordingId, RecordingRow};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A complete file whose fingerprint is being taken, a piece at a time: the header changes until the end, so
/// the file is read once more, and the audio of other calls must not wait for an hour-long one.
#[derive(Debug)]
pub(super) struct Seal {
    row: RecordingRow,
    header: Header,
    file: File,
    is_sealed: bool,
    read: u64,
    hash: Sha256,
}

/// How much is read at a time; a millisecond or two.
const PIECE_BYTES: usize = 128 * 1024;

impl Seal {
    pub(super) fn new(row: RecordingRow, header: Header, file: File, is_sealed: bool) -> Self {
        Self {
            row,
            header,
            file,
            is_sealed,
            read: 0,
            hash: Sha256::new(),
        }
    }

    /// Which recording.
    pub(super) fn id(&self) -> RecordingId {
        self.row.id
    }

    /// Reads the next piece; the facts when it was the last.
    pub(super) fn read_on(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<RecordingFacts>> {
        buffer.resize(PIECE_BYTES, 0);
        let count = self.file.read_at(buffer, self.read)?;
        if count == 0 {
            return Ok(Some(self.facts()));
        }
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.read += count as u64;
        Ok(None)
    }

    /// Reads to the end at once.
    pub(super) fn finish(mut self) -> io::Result<RecordingFacts> {
        let mut buffer = Vec::new();
        loop {
            if let Some(facts) = self.read_on(&mut buffer)? {
                return Ok(facts);
            }
        }
    }

    fn facts(&self) -> RecordingFacts {
        let hash = self.hash.clone().finalize();
        RecordingFacts {
            id: self.row.id,
            path: if self.is_sealed {
                sealed_name(&shown_path(&self.row))
            } else {
                shown_path(&self.row)
            },
            sha256: Some(hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            bytes: Some(self.read),
            duration_ms: Some(self.header.duration_ms()),
            channels: self.header.channels,
            consent: None,
            url: None,
            removed: None,
        }
    }
}
