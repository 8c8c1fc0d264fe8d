use super::journal::{Durability, Journal};
use super::tables::outbox as table;
use super::{Clock, StoreError};

/// What waits for the destinations. Every method waits for a commit, so async code calls it from
/// `spawn_blocking`.
///
/// Nothing here is synced on its own: after a power cut a record may go out twice under the same id, and none
/// is lost.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(super) journal: Journal,
    pub(super) clock: Clock,
}

/// One record that a destination has not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// The record's row number.
    pub seq: u64,
    /// The record's identity.
    pub cdr_id: String,
    /// The record's version.
    pub version: u32,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// The record as JSON, byte for byte as it was filed.
    pub body: String,
}

impl OutboxItem {
    /// `<cdr_id>_<version>`: the same at every attempt, so that a receiver knows a repetition.
    pub fn delivery_id(&self) -> String {
        format!("{}_{}", self.cdr_id, self.version)
    }

    /// The record as the outside sees it: the stored JSON with its `seq` in front.
    pub fn numbered_body(&self) -> String {
        match self.body.strip_prefix('{') {
            Some(rest) => format!("{{\"seq\":{},{rest}", self.seq),
            None => self.body.clone(),
        }
    }
}

/// What a destination has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// Deliver these, oldest first.
    Items(Vec<OutboxItem>),
    /// The oldest waits until this wall-clock time (ms since 1970); those behind it wait with it.
    WaitUntil(i64),
    /// Nothing waits.
    Empty,
}

impl Outbox {
    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// Takes the oldest waiting records of a destination and marks them as under way.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn next_batch(&self, upstream: &str, limit: usize) -> Result<Batch, StoreError> {
        let (name, now) = (upstream.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::take(connection, &name, limit, now)
        })
    }

    /// The destination has acknowledged these.
    ///
    /// # Errors
    /// When the store is closed or cannot be written; they will go out again then.
    pub fn delivered(&self, upstream: &str, seqs: &[u64]) -> Result<(), StoreError> {
        let (name, seqs, now) = (upstream.to_owned(), seqs.to_vec(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::delivered(connection, &name, &seqs, now)
        })
    }

    /// These were taken but not sent; they wait again as if nothing had been.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn put_back(&self, upstream: &str, seqs: &[u64]) -> Result<(), StoreError> {
        let (name, seqs) = (upstream.to_owned(), seqs.to_vec());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::put_back(connection, &name, &seqs)
        })
    }

    /// This one was tried in vain; it waits until the wall-clock time `at_ms`, and those behind it with it.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn retry(&self, upstream: &str, seq: u64, at_ms: i64, error: &str) -> Result<(), StoreError> {
        let (name, error, now) = (upstream.to_owned(), error.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::retry(connection, &name, seq, at_ms, &error, now)
        })
    }

    /// This one will never be taken; it stands aside and the others go on.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn park(&self, upstream: &str, seq: u64, error: &str) -> Result<(), StoreError> {
        let (name, error, now) = (upstream.to_owned(), error.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::park(connection, &name, seq, &error, now)
        })
    }
}
