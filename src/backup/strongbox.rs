//! A stream that nobody reads without a passphrase, and in which no byte can be changed, added or left out unnoticed.
//!
//! 64 bytes of header (what the key is made with), then chunks: four bytes of length, the sealed bytes, a tag of 16. The
//! key comes from the passphrase by argon2id (RFC 9106), the chunks are sealed by AES-256-GCM with their number as nonce,
//! and each is bound to the header and its length. The last one says that it is. The header also holds a word that
//! comes from the passphrase as the key does: it tells a wrong passphrase from a damaged file.

use super::Trouble;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use subtle::ConstantTimeEq as _;

const MAGIC: &[u8; 8] = b"CPBACKUP";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 64;
const SALT_BYTES: usize = 16;
const CHECK_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const WORD_BYTES: usize = 4;
const CHUNK: usize = 64 * 1024;
/// In the length of a chunk: nothing comes after it.
const LAST: u32 = 1 << 31;

/// 16 MiB, eight passes, one lane: about a second on a small board, and no more memory than such a board has to spare
/// while it serves calls.
const MEMORY_KIB: u32 = 16 * 1024;
const PASSES: u32 = 8;
/// A file that asks for more was not made here.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 64;

/// Characters a passphrase has at least.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// What a backup is sealed with. Never shown.
#[derive(Clone)]
pub struct Passphrase(String);

impl Passphrase {
    /// Takes it over; the line end of a file is no part of it.
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Whether it protects anything.
    ///
    /// # Errors
    /// [`Trouble::ShortPassphrase`].
    pub fn is_fit(&self) -> Result<(), Trouble> {
        let characters = self.0.chars().count();
        if characters < SHORTEST_PASSPHRASE {
            return Err(Trouble::ShortPassphrase(characters));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Passphrase")
    }
}

/// What the key is made with.
#[derive(Clone, Copy)]
struct Header {
    memory_kib: u32,
    passes: u32,
    salt: [u8; SALT_BYTES],
    check: [u8; CHECK_BYTES],
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let parts: [&[u8]; 6] = [
            MAGIC,
            &[VERSION, 0, 0, 0],
            &self.memory_kib.to_le_bytes(),
            &self.passes.to_le_bytes(),
            &self.salt,
            &self.check,
        ];
        let mut bytes = [0; HEADER_BYTES];
        let flat = parts.into_iter().flatten().copied();
        bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
        bytes
    }

    fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, Trouble> {
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        if part(0, 8) != MAGIC {
            return Err(Trouble::NotOurs);
        }
        let version = bytes[8];
        if version != VERSION {
            return Err(Trouble::TooNew(format!("format {version}")));
        }
        let number = |from: usize| {
            part(from, from + 4)
                .try_into()
                .map(u32::from_le_bytes)
                .unwrap_or_default()
        };
        let header = Self {
            memory_kib: number(12),
            passes: number(16),
            salt: part(20, 36).try_into().unwrap_or_default(),
            check: part(36, 52).try_into().unwrap_or_default(),
        };
        let is_sane =
            (8..=MAX_MEMORY_KIB).contains(&header.memory_kib) && (1..=MAX_PASSES).contains(&header.passes);
        if is_sane && header.to_bytes() == *bytes {
            Ok(header)
        } else {
            Err(Trouble::NotOurs)
        }
    }

    /// The key, and the word that tells whether the passphrase is the right one.
    fn derive(&self, passphrase: &Passphrase) -> Result<(LessSafeKey, [u8; CHECK_BYTES]), Trouble> {
        let failed = |_| Trouble::NoKey("there is not enough memory for it");
        let params =
            Params::new(self.memory_kib, self.passes, 1, Some(KEY_BYTES + CHECK_BYTES)).map_err(failed)?;
        let mut out = [0; KEY_BYTES + CHECK_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), &self.salt, &mut out)
            .map_err(failed)?;
        let (key, check) = out.split_at(KEY_BYTES);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Trouble::NoKey("it has a wrong length"))?;
        Ok((LessSafeKey::new(key), check.try_into().unwrap_or_default()))
    }
}

/// What a chunk is bound to beside its number.
fn binding(header: &[u8; HEADER_BYTES], word: u32) -> Aad<[u8; HEADER_BYTES + WORD_BYTES]> {
    let mut bytes = [0; HEADER_BYTES + WORD_BYTES];
    let flat = header.iter().copied().chain(word.to_le_bytes());
    bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
    Aad::from(bytes)
}

fn nonce(chunk: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let counted = [0; 4].into_iter().chain(chunk.to_be_bytes());
    bytes
        .iter_mut()
        .zip(counted)
        .for_each(|(place, byte)| *place = byte);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what is written into it. Complete only after [`Sealing::finish`].
pub(super) struct Sealing<W> {
    out: W,
    header: [u8; HEADER_BYTES],
    key: LessSafeKey,
    plain: Vec<u8>,
    chunk: u64,
}

impl<W: Write> Sealing<W> {
    /// Writes the header. `salt` is fresh chance.
    pub(super) fn begin(mut out: W, passphrase: &Passphrase) -> Result<Self, Trouble> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| Trouble::NoKey("there is no randomness"))?;
        let mut header = Header {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt,
            check: [0; CHECK_BYTES],
        };
        let (key, check) = header.derive(passphrase)?;
        header.check = check;
        let header = header.to_bytes();
        out.write_all(&header)
            .map_err(|cause| Trouble::file("the backup", cause))?;
        Ok(Self {
            out,
            header,
            key,
            plain: Vec::with_capacity(CHUNK + TAG_BYTES),
            chunk: 0,
        })
    }

    /// Seals the rest and says that nothing comes after it.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let length = u32::try_from(self.plain.len()).unwrap_or(LAST - 1);
        let word = if is_last { length | LAST } else { length };
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce(self.chunk), binding(&self.header, word), &mut self.plain)
            .map_err(|_| io::Error::other("a chunk could not be sealed"))?;
        self.out.write_all(&word.to_le_bytes())?;
        self.out.write_all(&self.plain)?;
        self.out.write_all(tag.as_ref())?;
        self.plain.clear();
        self.chunk += 1;
        Ok(())
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.plain.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.plain.extend_from_slice(taken);
        if self.plain.len() == CHUNK {
            self.seal(false)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Gives back what was sealed, chunk by chunk and in order.
pub(super) struct Opening<R> {
    sealed: R,
    header: [u8; HEADER_BYTES],
    key: LessSafeKey,
    plain: Vec<u8>,
    /// Bytes of `plain` that were given out.
    given: usize,
    chunk: u64,
    /// Bytes of the file read so far.
    at: u64,
    is_over: bool,
}

impl<R: Read> Opening<R> {
    /// Reads the header and tries the passphrase.
    pub(super) fn begin(mut sealed: R, passphrase: &Passphrase, name: &Path) -> Result<Self, Trouble> {
        let mut header = [0; HEADER_BYTES];
        sealed.read_exact(&mut header).map_err(|cause| {
            if cause.kind() == ErrorKind::UnexpectedEof {
                return Trouble::NotOurs;
            }
            Trouble::file(name, cause)
        })?;
        let parsed = Header::parse(&header)?;
        let (key, check) = parsed.derive(passphrase)?;
        if !bool::from(check.ct_eq(&parsed.check)) {
            return Err(Trouble::WrongPassphrase);
        }
        Ok(Self {
            sealed,
            header,
            key,
            plain: Vec::new(),
            given: 0,
            chunk: 0,
            at: HEADER_BYTES as u64,
            is_over: false,
        })
    }

    /// Bytes of the file read so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    fn open_next(&mut self) -> Result<(), Trouble> {
        let mut word = [0; WORD_BYTES];
        self.take(&mut word)?;
        let word = u32::from_le_bytes(word);
        let length = usize::try_from(word & !LAST).unwrap_or(usize::MAX);
        if length > CHUNK {
            return Err(Trouble::Damaged(self.at));
        }
        let mut bytes = std::mem::take(&mut self.plain);
        bytes.resize(length + TAG_BYTES, 0);
        self.take(&mut bytes)?;
        self.key
            .open_in_place(nonce(self.chunk), binding(&self.header, word), &mut bytes)
            .map_err(|_| Trouble::Damaged(self.at))?;
        bytes.truncate(length);
        (self.plain, self.given) = (bytes, 0);
        self.chunk += 1;
        self.is_over = word & LAST != 0;
        if self.is_over && !matches!(self.sealed.read(&mut [0]), Ok(0)) {
            return Err(Trouble::Damaged(self.at));
        }
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), Trouble> {
        let at = self.at;
        self.sealed.read_exact(bytes).map_err(|cause| {
            if cause.kind() == ErrorKind::UnexpectedEof {
                return Trouble::CutOff(at);
            }
            Trouble::file("the backup", cause)
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.plain.len() {
            if self.is_over {
                return Ok(0);
            }
            self.open_next().map_err(io::Error::other)?;
        }
        let there = self.plain.get(self.given..).unwrap_or_default();
        let count = there.len().min(out.len());
        out.iter_mut().zip(there).for_each(|(place, byte)| *place = *byte);
        self.given += count;
        Ok(count)
    }
}

/// The trouble that a reader above has wrapped, or what the system said.
pub(super) fn unwrapped(error: io::Error, at: u64) -> Trouble {
    if error.get_ref().is_some_and(|inner| inner.is::<Trouble>())
        && let Some(inner) = error.into_inner()
    {
        return inner
            .downcast::<Trouble>()
            .map_or(Trouble::Damaged(at), |trouble| *trouble);
    }
    // The layer above wanted more than there was.
    Trouble::Damaged(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), &phrase()).unwrap();
        sealing.write_all(plain).unwrap();
        sealing.finish().unwrap()
    }

    fn phrase() -> Passphrase {
        Passphrase::new("correct horse battery\n")
    }

    fn opened(bytes: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>, Trouble> {
        let mut opening = Opening::begin(bytes, passphrase, Path::new("x"))?;
        let mut plain = Vec::new();
        match opening.read_to_end(&mut plain) {
            Ok(_) => Ok(plain),
            Err(error) => Err(unwrapped(error, 0)),
        }
    }

    #[test]
    fn what_was_sealed_comes_back_and_looks_like_nothing_before() {
        let plain: Vec<u8> = (0..200_000_u32).map(|place| (place % 251) as u8).collect();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, plain.len()] {
            let plain = &plain[..length];
            let bytes = sealed(plain);
            assert_eq!(opened(&bytes, &phrase()).unwrap(), plain, "{length}");
        }
        let bytes = sealed(b"the password is hush-hush-hush");
        assert!(!bytes.windows(4).any(|window| window == b"hush"));
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_a_damaged_file() {
        let bytes = sealed(b"records");
        let other = opened(&bytes, &Passphrase::new("Correct horse battery"));
        assert!(matches!(other, Err(Trouble::WrongPassphrase)), "{other:?}");
        let mut beginning = bytes.clone();
        beginning[3] ^= 1;
        assert!(matches!(opened(&beginning, &phrase()), Err(Trouble::NotOurs)));
        assert!(matches!(opened(b"PK\x03\x04", &phrase()), Err(Trouble::NotOurs)));
        let mut newer = bytes;
        newer[8] = 9;
        assert!(matches!(opened(&newer, &phrase()), Err(Trouble::TooNew(_))));
        assert!(matches!(
            Passphrase::new("short").is_fit(),
            Err(Trouble::ShortPassphrase(5))
        ));
    }

    #[test]
    fn no_byte_can_be_changed_left_out_or_added() {
        let plain = vec![7; CHUNK * 2 + 100];
        let bytes = sealed(&plain);
        // The tag of every chunk, a length, the middle of each.
        for place in [64, 68, 70_000, 100_000, bytes.len() - 1, bytes.len() - 50] {
            let mut changed = bytes.clone();
            changed[place] ^= 0x40;
            let trouble = opened(&changed, &phrase()).unwrap_err();
            assert!(
                matches!(trouble, Trouble::Damaged(_) | Trouble::CutOff(_)),
                "{place}: {trouble}"
            );
        }
        for end in [64, 66, 5_000, bytes.len() - 1] {
            let trouble = opened(&bytes[..end], &phrase()).unwrap_err();
            assert!(matches!(trouble, Trouble::CutOff(_)), "{end}: {trouble}");
        }
        // A whole chunk less, at the end and in the middle.
        let one = WORD_BYTES + CHUNK + TAG_BYTES;
        assert!(matches!(
            opened(&bytes[..64 + 2 * one], &phrase()),
            Err(Trouble::CutOff(_))
        ));
        let without: Vec<u8> = bytes[..64].iter().chain(&bytes[64 + one..]).copied().collect();
        assert!(matches!(opened(&without, &phrase()), Err(Trouble::Damaged(_))));
        let mut longer = bytes;
        longer.push(0);
        assert!(matches!(opened(&longer, &phrase()), Err(Trouble::Damaged(_))));
    }
}
