//! What the store keeps for the fetching of a PBX's records: sources with their history, a log of every fetch, what
//! was fetched, and what could not be taken over. [`SyncBook`] is the way to all of it.

mod book;
mod kept;
mod later;
mod page;
mod quarantine;
#[cfg(test)]
mod tests;
mod twins;

pub use book::SyncBook;
pub use kept::{
    ApiKey, Counts, Fetched, Legs, LogPage, NewSync, Outcome, PageDone, PbxRecord, PbxSource, Quarantined,
    Rejected, Released, SourceChange, SyncLog, SyncPage, SyncStatus, SyncTotals, Written,
};
pub(in crate::store) use later::recognise;
pub use page::Filer;
pub use quarantine::Verdict;
pub use twins::same_number;
