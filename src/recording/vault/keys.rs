use super::SealTrouble;
use super::frame::{Frame, SALT_BYTES};
use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

const KEY_BYTES: usize = 32;
pub(super) const ID_BYTES: usize = 16;

/// What a key is called: the beginning of a SHA-256 over it, which says nothing about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; ID_BYTES]);

/// The keys of the box: the first seals, all of them open. Never shows them.
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

struct Key {
    id: KeyId,
    bytes: [u8; KEY_BYTES],
}

impl Keys {
    /// Reads keys of 64 hexadecimal digits, one a line; empty lines and those that begin with `#` are passed over.
    /// Nothing when a line is something else, or there is no key.
    pub fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim);
        let keys: Option<Vec<Key>> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Key::parse)
            .collect();
        keys.filter(|keys| !keys.is_empty()).map(|keys| Self(keys.into()))
    }

    /// What the key is called that seals now.
    pub fn current(&self) -> KeyId {
        self.0.first().map_or(KeyId([0; ID_BYTES]), |key| key.id)
    }

    /// The key of one file, made from the box's key and the file's own salt, so that no two files share a key and the
    /// chunks of each may be counted from 0.
    pub(super) fn of_file(&self, frame: &Frame) -> Result<LessSafeKey, SealTrouble> {
        let key = self.0.iter().find(|key| key.id == frame.key);
        let key = key.ok_or(SealTrouble::NoKey(frame.key))?;
        key.for_salt(&frame.salt)
            .ok_or(SealTrouble::Damaged("no key can be made for it"))
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        if text.len() != KEY_BYTES * 2 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; KEY_BYTES];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
        }
        let mut hash = Sha256::new();
        hash.update(b"callpost recording key");
        hash.update(bytes);
        let id = hash.finalize().get(..ID_BYTES)?.try_into().ok()?;
        Some(Self { id: KeyId(id), bytes })
    }

    /// RFC 5869, SHA-256.
    fn for_salt(&self, salt: &[u8; SALT_BYTES]) -> Option<LessSafeKey> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&self.bytes);
        let derived: UnboundKey = root.expand(&[b"callpost recording"], &AES_256_GCM).ok()?.into();
        Some(LessSafeKey::new(derived))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}
