//! SQLite behind one writer thread: the journal of calls, call records, the outbox, registrations,
//! recordings, accounts.
//!
//! [`Store::open`] takes the data directory for this process alone, sets a damaged database aside, closes
//! what a killed daemon left open, and starts the writer. Others hand it entries through a [`Journal`]; it
//! commits many at once and answers only after the commit. [`Reader`] looks beside the writer, [`Outbox`] and
//! [`Accounts`] change their own tables through it, so that there is never a second writer to wait for.

mod accounts;
mod agents;
mod audit;
mod birth;
mod checking;
mod connection;
mod consumers;
mod copying;
mod deliveries;
mod delivery;
mod error;
mod evidence;
mod examine;
mod filing;
mod interrupted;
mod journal;
mod keeping;
mod late;
mod lists;
mod lock;
mod log;
mod messages;
mod migrations;
mod offline;
mod open;
mod options;
mod outbox;
mod proof;
mod queue;
mod reader;
mod rescue;
mod salvage;
mod seal;
mod seqs;
mod sync;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod upkeep;
mod uploads;
mod waking;
mod writer;

pub use accounts::{Accounts, NewSession, NewToken, PersonChange, Session, Token, User};
pub use agents::{AgentChange, AgentShelf, AgentWritten};
pub use audit::{AuditDid, AuditEntry, AuditNote, AuditPage, AuditWay};
pub use consumers::{Acknowledged, Consumer, Consumers, Place, Seek};
pub use copying::{begin_anew, bytes_of_copy, copy_to};
pub use deliveries::{Deliveries, ParkedRecord, Replay, ReplayBegun, ReplayRange};
pub use delivery::{PinRow, PinShelf, Standing};
pub use error::StoreError;
pub use evidence::{ChainEntry, ChainReport, Deed, DeedMark, Evidence, KnownRecording};
pub use examine::{Examination, examine, look_briefly};
pub use journal::{Journal, StoreReply};
pub use keeping::{Condition, ConditionWatch, Config};
pub use late::StampOf;
pub use lists::{CdrFilter, CdrPage, NumberMatch, OriginMatch};
pub use lock::holder_of;
pub use messages::{Errand, MessageFilter, Messages, StoredMessage, Todo};
pub use offline::{Alone, replay_offline};
pub use open::{Opened, Store, TroubleWatch};
pub use options::{Clock, Mender, Options, Pace};
pub use outbox::{Batch, Outbox, OutboxItem};
pub use proof::{Proof, ProofRanges};
pub use reader::{Backlog, Bounds, DeliveryState, Reader, RecordingState, StoredRecording};
pub use salvage::SetAside;
pub use seqs::SeqRange;
pub use sync::{
    ApiKey, Counts, Fetched, Filer, Legs, LogPage, NewSync, Outcome, PageDone, PbxRecord, PbxSource,
    Quarantined, Rejected, Released, SourceChange, SyncBook, SyncLog, SyncPage, SyncStatus, SyncTotals,
    Verdict, Written, same_number,
};
pub use upkeep::{CopyFacts, CopyState, KeptRecording, RetentionRun, Upkeep};
pub use uploads::{CopyView, StorageBacklog, UploadJob, UploadPart, Uploads};
pub use waking::Waking;
