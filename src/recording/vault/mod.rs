//! Recordings at rest that nobody reads without a key: AES-256-GCM in chunks, so that a file that was cut still opens up
//! to its last whole chunk, and a player can begin in the middle.
//!
//! [`Keys`] come from the configuration. A [`SealedWriter`] turns audio into chunks; a [`SealedReader`] gives the bytes
//! back as if they had never been sealed.

mod frame;
mod keys;
mod reader;
mod writer;

pub(super) use frame::Content;
pub use keys::{KeyId, Keys};
pub(super) use reader::SealedReader;
pub(super) use writer::SealedWriter;

use std::io;

/// Why a sealed recording cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SealTrouble {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The box does not have the key that this was sealed with.
    #[error("it was encrypted with the key {0}, which is not among those of [recording] seal_key")]
    NoKey(KeyId),
    /// The box has no key.
    #[error("it is encrypted, and [recording] has no seal_key")]
    NoKeyAtAll,
    /// These are not the bytes that were sealed.
    #[error("it was changed or damaged: {0}")]
    Damaged(&'static str),
}

impl From<SealTrouble> for io::Error {
    fn from(trouble: SealTrouble) -> Self {
        match trouble {
            SealTrouble::Io(error) => error,
            SealTrouble::NoKey(_) | SealTrouble::NoKeyAtAll => {
                io::Error::new(io::ErrorKind::PermissionDenied, trouble)
            }
            SealTrouble::Damaged(_) => io::Error::new(io::ErrorKind::InvalidData, trouble),
        }
    }
}

#[cfg(test)]
mod tests;
