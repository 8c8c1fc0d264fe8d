use super::keys::{ID_BYTES, KeyId};
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};

/// The first bytes of a sealed file.
pub(in crate::recording) const MAGIC: &[u8; 8] = b"CPSEALED";
const VERSION: u8 = 1;
pub(super) const FRAME_BYTES: usize = 64;
pub(super) const SALT_BYTES: usize = 16;
/// The most plain bytes of one chunk.
pub(super) const MOST_CHUNK: usize = 64 * 1024;
/// Bytes of a chunk beside what is sealed in it: its length in front, the tag behind.
pub(super) const TAG_BYTES: usize = 16;
pub(super) const WORD_BYTES: usize = 4;
/// In the length of a chunk: nothing comes after it.
const LAST: u32 = 1 << 31;

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::recording) enum Content {
    /// The bytes of a file, as they are.
    File,
    /// The samples of a WAV file, whose header a reader makes from how many there are. So a file that is cut needs no
    /// repair, and one that grows no second look at its beginning.
    Audio {
        /// The format tag of RFC 2361.
        tag: u16,
        /// 1 or 2.
        channels: u8,
        /// Samples a second.
        rate: u32,
    },
}

/// The first 64 bytes of a sealed file; every chunk is bound to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::recording) struct Frame {
    pub(in crate::recording) content: Content,
    pub(in crate::recording) key: KeyId,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Frame {
    pub(super) fn to_bytes(self) -> [u8; FRAME_BYTES] {
        let (kind, tag, channels, rate) = match self.content {
            Content::File => (0, 0, 0, 0),
            Content::Audio { tag, channels, rate } => (1, tag, channels, rate),
        };
        let parts: [&[u8]; 7] = [
            MAGIC,
            &[VERSION, kind],
            &tag.to_le_bytes(),
            &[channels, 0, 0, 0],
            &rate.to_le_bytes(),
            &self.key.0,
            &self.salt,
        ];
        let mut bytes = [0; FRAME_BYTES];
        let flat = parts.into_iter().flatten().copied();
        bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
        bytes
    }

    pub(super) fn parse(bytes: &[u8; FRAME_BYTES]) -> Option<Self> {
        let (start, rest) = bytes.split_first_chunk::<8>()?;
        let [version, kind, tag_low, tag_high, channels, ..] = *rest.first_chunk::<8>()?;
        let rate = u32::from_le_bytes(bytes.get(16..20)?.try_into().ok()?);
        let content = match kind {
            0 => Content::File,
            1 => Content::Audio {
                tag: u16::from_le_bytes([tag_low, tag_high]),
                channels,
                rate,
            },
            _ => return None,
        };
        let frame = Self {
            content,
            key: KeyId(bytes.get(20..20 + ID_BYTES)?.try_into().ok()?),
            salt: bytes.get(36..36 + SALT_BYTES)?.try_into().ok()?,
        };
        (start == MAGIC && version == VERSION && frame.to_bytes() == *bytes).then_some(frame)
    }

    /// What a chunk is bound to beside its place: this file, its length, whether it is the last.
    pub(super) fn binding(self, word: u32) -> Aad<[u8; FRAME_BYTES + WORD_BYTES]> {
        let mut bytes = [0; FRAME_BYTES + WORD_BYTES];
        let flat = self.to_bytes().into_iter().chain(word.to_le_bytes());
        bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
        Aad::from(bytes)
    }
}

/// The number of a chunk. The last one counts apart, so that a file that was mended never uses a number twice.
pub(super) fn nonce(chunk: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let counted = [u8::from(is_last), 0, 0, 0]
        .into_iter()
        .chain(chunk.to_be_bytes());
    bytes
        .iter_mut()
        .zip(counted)
        .for_each(|(place, byte)| *place = byte);
    Nonce::assume_unique_for_key(bytes)
}

/// The length of a chunk as it stands in the file.
pub(super) fn word(length: usize, is_last: bool) -> u32 {
    let length = u32::try_from(length.min(MOST_CHUNK)).unwrap_or(0);
    if is_last { length | LAST } else { length }
}

/// How many plain bytes, and whether nothing comes after. Nothing for a length no chunk has.
pub(super) fn read_word(word: u32) -> Option<(usize, bool)> {
    let length = usize::try_from(word & !LAST).ok()?;
    (length <= MOST_CHUNK).then_some((length, word & LAST != 0))
}
