use super::target::{Target, Trouble};
use bytes::Bytes;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How much of a copy is asked for at once, and in memory.
const PIECE: u64 = 256 * 1024;
/// How long a piece may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A copy that lies elsewhere, read from anywhere in it a piece at a time. Reading waits for the place, so it is done on a
/// thread that may wait.
pub struct DistantCopy {
    target: Arc<Target>,
    /// Under which key it lies there.
    pub key: String,
    /// Its size.
    pub length: u64,
    at: u64,
    piece: Bytes,
    piece_at: u64,
    runtime: Handle,
}

impl DistantCopy {
    /// Opens it by reading its first piece.
    pub(in crate::keeping) fn open(
        target: Arc<Target>,
        key: String,
        length: u64,
        runtime: Handle,
    ) -> io::Result<Self> {
        let mut copy = Self {
            target,
            key,
            length,
            at: 0,
            piece: Bytes::new(),
            piece_at: 0,
            runtime,
        };
        copy.fetch()?;
        Ok(copy)
    }

    fn fetch(&mut self) -> io::Result<()> {
        let most = PIECE.min(self.length.saturating_sub(self.at));
        if most == 0 {
            return Ok(());
        }
        let read = {
            // A timeout belongs to a runtime from its beginning.
            let _inside = self.runtime.enter();
            let reading = self.target.read_at(&self.key, self.at, most);
            self.runtime.block_on(tokio::time::timeout(PATIENCE, reading))
        };
        let piece = read
            .map_err(|_late| io::Error::from(io::ErrorKind::TimedOut))?
            .map_err(|Trouble(words)| io::Error::other(words))?;
        if piece.len() as u64 != most {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "less lies there than was sent",
            ));
        }
        (self.piece, self.piece_at) = (piece, self.at);
        Ok(())
    }

    fn rest_of_piece(&self) -> &[u8] {
        let from = self.at.checked_sub(self.piece_at);
        let from = from.and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.piece.get(from..)).unwrap_or_default()
    }
}

impl Read for DistantCopy {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.rest_of_piece().is_empty() && self.at < self.length {
            self.fetch()?;
        }
        let mut rest = self.rest_of_piece();
        let count = rest.read(out)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for DistantCopy {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(off) => self.length.checked_add_signed(off),
            SeekFrom::Current(off) => self.at.checked_add_signed(off),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl std::fmt::Debug for DistantCopy {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "DistantCopy({}, {} bytes)", self.key, self.length)
    }
}
