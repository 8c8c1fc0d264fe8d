use super::frame::{Content, FRAME_BYTES, Frame, MOST_CHUNK, SALT_BYTES, nonce, word};
use super::{Keys, SealTrouble};
use aws_lc_rs::aead::LessSafeKey;

/// Seals what goes into one file. It writes nothing itself: it gives the bytes that are to be written.
pub(in crate::recording) struct SealedWriter {
    frame: Frame,
    key: LessSafeKey,
    chunk: u64,
}

impl std::fmt::Debug for SealedWriter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SealedWriter({} chunks by {})", self.chunk, self.frame.key)
    }
}

impl SealedWriter {
    /// For a new file, and its first bytes.
    pub(in crate::recording) fn new(
        keys: &Keys,
        content: Content,
    ) -> Result<(Self, [u8; FRAME_BYTES]), SealTrouble> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)
            .map_err(|_| SealTrouble::Damaged("there is no randomness for its salt"))?;
        let frame = Frame {
            content,
            key: keys.current(),
            salt,
        };
        let key = keys.of_file(&frame)?;
        Ok((Self { frame, key, chunk: 0 }, frame.to_bytes()))
    }

    /// Goes on behind the whole chunks of a file that was cut. Only its end may be written then.
    pub(super) fn behind(frame: Frame, key: LessSafeKey, chunks: u64) -> Self {
        Self {
            frame,
            key,
            chunk: chunks,
        }
    }

    /// Appends `plain` to `out` as chunks.
    pub(in crate::recording) fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealTrouble> {
        plain
            .chunks(MOST_CHUNK)
            .try_for_each(|part| self.seal_one(part, false, out))
    }

    /// Appends the rest and the mark that nothing comes after it.
    pub(in crate::recording) fn seal_last(
        &mut self,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealTrouble> {
        self.seal(plain, out)?;
        self.seal_one(&[], true, out)
    }

    fn seal_one(&mut self, plain: &[u8], is_last: bool, out: &mut Vec<u8>) -> Result<(), SealTrouble> {
        let word = word(plain.len(), is_last);
        out.extend_from_slice(&word.to_le_bytes());
        let start = out.len();
        out.extend_from_slice(plain);
        let sealed = out.get_mut(start..).unwrap_or_default();
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(self.chunk, is_last), self.frame.binding(word), sealed)
            .map_err(|_| SealTrouble::Damaged("a chunk could not be sealed"))?;
        out.extend_from_slice(tag.as_ref());
        self.chunk += 1;
        Ok(())
    }
}
