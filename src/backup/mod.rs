//! The whole box in one file, and back: the database as it is at one moment, the configuration with its secrets, keys and
//! certificates, the messages in boxes, and the recordings when they are asked for.
//!
//! Everything is sealed with a passphrase, so that a stick or a share with a backup on it gives nothing away. [`write`]
//! makes one while the daemon goes on; [`Opened`] reads one, proves every byte of it and puts it on this machine or
//! another. What is put back begins a new life of the database (a new epoch), so that whoever pulls records by a cursor
//! is told.

mod back;
mod contents;
mod parcel;
mod strongbox;
mod write;

pub use back::{Change, Opened, Plan, Targets, restore};
pub use contents::{About, Entry, Kind, Manifest};
pub use strongbox::{Passphrase, SHORTEST_PASSPHRASE};
pub use write::{Job, Told, Written, write};

use std::io;
use std::path::PathBuf;

/// Why a backup could not be made, read or put back.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The file, or one that belongs into it, could not be used.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// There is not enough room for what has to lie on the disk meanwhile.
    #[error("{} has room for {free_bytes} bytes and {needed_bytes} are needed for a while — make room, or name another place", .place.display())]
    NoRoom {
        /// Where.
        place: PathBuf,
        /// What is there.
        free_bytes: u64,
        /// What is needed.
        needed_bytes: u64,
    },
    /// It is something else.
    #[error("this is no backup of callpost, or its beginning is damaged")]
    NotOurs,
    /// It was made by a later version in a way this one does not know.
    #[error("it was made by a later version ({0}) — put that version onto this machine first")]
    TooNew(String),
    /// It does not open.
    #[error("the passphrase is another one: capital letters and blanks count")]
    WrongPassphrase,
    /// Its end is missing.
    #[error("it is cut off after {0} bytes: copy it again, or take an older one")]
    CutOff(u64),
    /// These are not the bytes that were sealed.
    #[error("it was changed or damaged near byte {0}: copy it again, or take an older one")]
    Damaged(u64),
    /// What was sealed is not what its list says.
    #[error(
        "{0} inside is not what the list of contents says: the backup was made wrongly, take an older one"
    )]
    NotAsListed(String),
    /// A daemon works in the directory.
    #[error("{0}")]
    InUse(String),
    /// The database could not be copied or opened.
    #[error("{0}")]
    Store(#[from] crate::store::StoreError),
    /// The passphrase is not one that protects anything.
    #[error("the passphrase has {0} characters — use {SHORTEST_PASSPHRASE} or more, several words are good")]
    ShortPassphrase(usize),
    /// Nothing random can be had, or the key cannot be made.
    #[error("no key could be made: {0}")]
    NoKey(&'static str),
    /// Whoever waited for it went away.
    #[error("nobody waits for it any more")]
    GivenUp,
}

impl Trouble {
    pub(crate) fn file(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        Self::File {
            path: path.into(),
            cause,
        }
    }
}
