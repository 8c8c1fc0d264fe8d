use super::frame::{Content, FRAME_BYTES, Frame, TAG_BYTES, WORD_BYTES, nonce, read_word, word};
use super::{Keys, SealTrouble, SealedWriter};
use crate::recording::header::Header;
use aws_lc_rs::aead::LessSafeKey;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// A sealed file read as if it had never been sealed, from anywhere in it.
pub(in crate::recording) struct SealedReader {
    file: File,
    frame: Frame,
    key: LessSafeKey,
    chunks: Vec<Chunk>,
    /// The header a WAV file has; empty where the bytes are sealed as they are.
    front: Vec<u8>,
    plain_bytes: u64,
    /// Bytes of the file up to the end of the last whole chunk.
    whole_bytes: u64,
    is_complete: bool,
    at: u64,
    open: Option<(usize, Vec<u8>)>,
}

/// Where a chunk lies, and which plain bytes it holds.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    at: u64,
    plain_at: u64,
    length: usize,
}

impl std::fmt::Debug for SealedReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SealedReader({} bytes at {})", self.length(), self.at)
    }
}

impl SealedReader {
    /// Walks the chunks, of which it reads only the lengths.
    pub(in crate::recording) fn open(file: File, keys: &Keys) -> Result<Self, SealTrouble> {
        let mut bytes = [0; FRAME_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let frame = Frame::parse(&bytes).ok_or(SealTrouble::Damaged("its first bytes are not ours"))?;
        let key = keys.of_file(&frame)?;
        let mut reader = Self {
            file,
            frame,
            key,
            chunks: Vec::new(),
            front: Vec::new(),
            plain_bytes: 0,
            whole_bytes: FRAME_BYTES as u64,
            is_complete: false,
            at: 0,
            open: None,
        };
        reader.walk()?;
        reader.make_front();
        Ok(reader)
    }

    fn walk(&mut self) -> Result<(), SealTrouble> {
        let size = self.file.metadata()?.len();
        while !self.is_complete {
            let at = self.whole_bytes + WORD_BYTES as u64;
            if at > size {
                return Ok(());
            }
            let mut word = [0; WORD_BYTES];
            self.file.read_exact_at(&mut word, self.whole_bytes)?;
            let Some((length, is_last)) = read_word(u32::from_le_bytes(word)) else {
                return Ok(()); // What a power cut left behind, or worse: it does not open either way.
            };
            let end = at + (length + TAG_BYTES) as u64;
            if end > size {
                return Ok(());
            }
            self.chunks.push(Chunk {
                at,
                plain_at: self.plain_bytes,
                length,
            });
            self.plain_bytes += length as u64;
            self.whole_bytes = end;
            self.is_complete = is_last;
        }
        if self.whole_bytes < size {
            return Err(SealTrouble::Damaged("something was added behind its end"));
        }
        Ok(())
    }

    /// Whole samples only; an odd number of bytes gets its padding when it is read.
    fn make_front(&mut self) {
        self.front.clear();
        if let Some(header) = self.header() {
            self.plain_bytes = u64::from(header.audio_bytes);
            self.front.extend_from_slice(&header.to_bytes());
        }
    }

    /// The header of the sealed audio; nothing where a file was sealed as it is.
    pub(in crate::recording) fn header(&self) -> Option<Header> {
        let Content::Audio { tag, channels, rate } = self.frame.content else {
            return None;
        };
        Header::for_samples(tag, channels, rate, self.plain_bytes)
    }

    /// What was sealed.
    pub(in crate::recording) fn frame(&self) -> Frame {
        self.frame
    }

    /// Whether the file was brought to its end.
    pub(in crate::recording) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Bytes as a player sees them.
    pub(in crate::recording) fn length(&self) -> u64 {
        let pad = if self.front.is_empty() {
            0
        } else {
            self.plain_bytes % 2
        };
        self.front.len() as u64 + self.plain_bytes + pad
    }

    /// Cuts a file that was being written down to the last chunk that opens, and ends it. The number of bytes it has now.
    pub(in crate::recording) fn mend(&mut self, keys: &Keys) -> Result<u64, SealTrouble> {
        if self.is_complete {
            return Ok(self.whole_bytes);
        }
        while let Some(last) = self.chunks.len().checked_sub(1) {
            if self.open_chunk(last).is_ok() {
                break;
            }
            let Some(bad) = self.chunks.pop() else { break };
            self.plain_bytes = bad.plain_at;
            self.whole_bytes = bad.at - WORD_BYTES as u64;
        }
        let Frame { content, .. } = self.frame;
        if let Content::Audio { .. } = content {
            self.make_front();
        }
        let mut end = Vec::new();
        let key = keys.of_file(&self.frame)?;
        SealedWriter::behind(self.frame, key, self.chunks.len() as u64).seal_last(&[], &mut end)?;
        self.file.set_len(self.whole_bytes)?;
        self.file.write_all_at(&end, self.whole_bytes)?;
        self.file.sync_all()?;
        self.whole_bytes += end.len() as u64;
        self.is_complete = true;
        Ok(self.whole_bytes)
    }

    /// Every chunk opens: these are the bytes that were sealed, none more and none less.
    pub(in crate::recording) fn prove(&mut self) -> Result<(), SealTrouble> {
        for place in 0..self.chunks.len() {
            self.open_chunk(place)?;
        }
        if self.is_complete {
            Ok(())
        } else {
            Err(SealTrouble::Damaged("its end is missing"))
        }
    }

    fn open_chunk(&mut self, place: usize) -> Result<&[u8], SealTrouble> {
        let is_open = self.open.as_ref().is_some_and(|(open, _)| *open == place);
        if !is_open {
            let chunk = self.chunks.get(place).copied();
            let chunk = chunk.ok_or(SealTrouble::Damaged("a chunk is missing"))?;
            let is_last = self.is_complete && place + 1 == self.chunks.len();
            let mut bytes = self.open.take().map(|(_, bytes)| bytes).unwrap_or_default();
            bytes.resize(chunk.length + TAG_BYTES, 0);
            self.file.read_exact_at(&mut bytes, chunk.at)?;
            let binding = self.frame.binding(word(chunk.length, is_last));
            self.key
                .open_in_place(nonce(place as u64, is_last), binding, &mut bytes)
                .map_err(|_| SealTrouble::Damaged("a chunk does not open"))?;
            bytes.truncate(chunk.length);
            self.open = Some((place, bytes));
        }
        Ok(self.open.as_ref().map_or(&[], |(_, bytes)| bytes))
    }

    /// The chunk that holds this plain byte.
    fn chunk_at(&self, plain: u64) -> Option<usize> {
        let behind = self.chunks.partition_point(|chunk| chunk.plain_at <= plain);
        behind.checked_sub(1)
    }
}

impl Read for SealedReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.length().saturating_sub(self.at);
        if left == 0 || out.is_empty() {
            return Ok(0);
        }
        let front = self.front.len() as u64;
        let count = if self.at < front {
            let start = usize::try_from(self.at).unwrap_or(usize::MAX);
            copy(self.front.get(start..).unwrap_or_default(), out)
        } else if self.at - front < self.plain_bytes {
            self.read_plain(self.at - front, out)?
        } else {
            copy(&[0], out)
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl SealedReader {
    fn read_plain(&mut self, plain: u64, out: &mut [u8]) -> io::Result<usize> {
        let end = self.plain_bytes;
        let place = self.chunk_at(plain).ok_or(io::ErrorKind::UnexpectedEof)?;
        let begin = self.chunks.get(place).map_or(0, |chunk| chunk.plain_at);
        let bytes = self.open_chunk(place)?;
        let start = usize::try_from(plain - begin).unwrap_or(usize::MAX);
        let most = usize::try_from(end - plain).unwrap_or(usize::MAX);
        let there = bytes.get(start..).unwrap_or_default();
        let there = there.get(..most).unwrap_or(there);
        if there.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(copy(there, out))
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let pairs = to.iter_mut().zip(from);
    pairs.map(|(place, byte)| *place = *byte).count()
}

impl Seek for SealedReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(offset) => (self.length(), offset),
            SeekFrom::Current(offset) => (self.at, offset),
        };
        self.at = base
            .checked_add_signed(offset)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
