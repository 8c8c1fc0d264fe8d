//! Who changed, saw and heard what: entries in one chain of hashes, each bound to the one before it, so that a change of an
//! entry, or one taken out of the middle, is found.

use super::evidence::ChainReport;
use super::journal::{Durability, Journal};
use super::tables::audit;
use super::{Reader, StoreError};
use crate::model::{Number, RecordingId, Stamp};
use serde::{Deserialize, Serialize};

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditNote {
    /// When.
    pub at: Stamp,
    /// Who: a person's name, a token's name, or a phone's number.
    pub by: String,
    /// By which way they came.
    pub way: AuditWay,
    /// From which address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What kind of thing they did.
    pub did: AuditDid,
    /// To what: the method and address of a request, or the identity of a message.
    pub what: String,
}

impl AuditNote {
    /// Somebody hears a message in a box by telephone.
    pub(super) fn by_phone(id: RecordingId, by: &Number, at: Stamp) -> Self {
        Self {
            at,
            by: by.as_str().to_owned(),
            way: AuditWay::Phone,
            from: None,
            did: AuditDid::Heard,
            what: id.to_string(),
        }
    }
}

/// By which way somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditWay {
    /// With a session, on a page.
    Page,
    /// With a token.
    Token,
    /// With the key of a pull that another system made popular.
    Key,
    /// By telephone.
    Phone,
    /// On the command line of the box itself.
    Command,
}

/// What kind of thing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditDid {
    /// A recording or message was listened to.
    Heard,
    /// What a message says was read, or what the phones of a call said to each other.
    Read,
    /// Many records were taken away at once.
    Exported,
    /// Something was changed.
    Changed,
    /// A session was begun.
    LoggedIn,
}

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// From 1, without a gap.
    pub place: u64,
    /// What was done.
    #[serde(flatten)]
    pub note: AuditNote,
    /// SHA-256 over the hash of the entry before and this entry, hexadecimal.
    pub hash: String,
}

/// Which entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditPage {
    /// The newest before this place, newest first; from the end when there is none.
    Before(Option<u64>),
    /// Those behind this place, oldest first.
    After(u64),
}

impl Journal {
    /// Adds an entry to the audit log, and waits until it is on the disk.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn note_deed(&self, note: AuditNote) -> Result<(), StoreError> {
        self.change(Durability::Synced, move |connection| {
            audit::add(connection, &note)
        })
    }
}

impl Reader {
    /// Entries of the audit log, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn audit(&self, page: AuditPage, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.look(|connection| Ok(audit::page(connection, page, limit)?))
    }

    /// Computes the whole chain of the audit log anew.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn check_audit(&self) -> Result<ChainReport, StoreError> {
        let mut report = ChainReport::default();
        while self.look(|connection| Ok(audit::check(connection, &mut report)?))? {}
        Ok(report)
    }
}
