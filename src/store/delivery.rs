use super::journal::Durability;
use super::tables::{outbox as table, pins, standing};
use super::{Batch, Journal, Outbox, Reader, StoreError};
use serde::Serialize;

/// How a destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Tries in vain since it last took something.
    pub failures: u32,
    /// When it is tried again, by the wall clock in ms since 1970; 0 when it may be tried now.
    pub retry_at_ms: i64,
    /// Whether it said that it is gone for good.
    pub is_gone: bool,
}

/// A key that was pinned on first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinRow {
    /// Whose it is, such as `upstream/head-office@crm.example`.
    pub destination: String,
    /// The fingerprint of the key that is believed.
    pub kept: String,
    /// Since when, by the wall clock in ms since 1970.
    pub kept_ms: i64,
    /// The fingerprint of another key that was shown since, and refused.
    pub shown: Option<String>,
    /// When that was, by the wall clock in ms since 1970.
    pub shown_ms: Option<i64>,
}

impl Outbox {
    /// A new run begins with this destination, which leads to `target` (any text that changes with it): it is tried
    /// at once, and one that was gone is tried again if the target is another now.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin(&self, upstream: &str, target: &str) -> Result<Standing, StoreError> {
        let (name, target) = (upstream.to_owned(), target.to_owned());
        self.journal.change(Durability::AtOnce, move |connection| {
            standing::begin(connection, &name, &target)?;
            Ok(standing::of(connection, &name)?.unwrap_or_default())
        })
    }

    /// As [`Outbox::next_batch`], with one of the newest after every four of the oldest; those that wait for a try
    /// of their own hold nobody up.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn next_fair_batch(&self, upstream: &str, limit: usize) -> Result<Batch, StoreError> {
        let (name, now) = (upstream.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::take_fair(connection, &name, limit, now)
        })
    }

    /// The destination was tried in vain with these: they wait as if nothing had been, and it is left alone until
    /// the wall-clock time `retry_at_ms`. With the status it answered, where there is one, and how many tries in a row
    /// were in vain, those that a person asked for aside.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn back_off(
        &self,
        upstream: &str,
        seqs: &[u64],
        retry_at_ms: i64,
        error: &str,
        code: Option<u16>,
        failures: u32,
    ) -> Result<(), StoreError> {
        let (name, seqs, error) = (upstream.to_owned(), seqs.to_vec(), error.to_owned());
        let now = self.clock.unix_ms();
        self.journal.change(Durability::AtOnce, move |connection| {
            table::put_back(connection, &name, &seqs)?;
            standing::back_off(connection, &name, retry_at_ms, &error, code, failures, now)
        })
    }

    /// The destination said that it is gone: these wait, with all that come, until somebody enables it or it leads
    /// elsewhere.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn gone(
        &self,
        upstream: &str,
        seqs: &[u64],
        error: &str,
        code: Option<u16>,
    ) -> Result<(), StoreError> {
        let (name, seqs, error) = (upstream.to_owned(), seqs.to_vec(), error.to_owned());
        let now = self.clock.unix_ms();
        self.journal.change(Durability::AtOnce, move |connection| {
            table::put_back(connection, &name, &seqs)?;
            standing::gone(connection, &name, &error, code, now)
        })
    }

    /// Somebody wants the destination tried at once, also one that was gone. False: nobody has named it.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn enable(&self, upstream: &str) -> Result<bool, StoreError> {
        let name = upstream.to_owned();
        self.journal.change(Durability::AtOnce, move |connection| {
            standing::enable(connection, &name)
        })
    }
}

/// Where pinned keys are kept; cheap to clone.
#[derive(Debug, Clone)]
pub struct PinShelf {
    journal: Journal,
}

impl PinShelf {
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal }
    }

    /// Writes a pin down behind the asker's back and tells whether it is written: a pin that gets lost would be a first
    /// use again.
    pub fn put(&self, pin: PinRow, told: impl FnOnce(Result<(), String>) + Send + 'static) {
        self.journal
            .change_behind(move |connection| pins::put(connection, &pin), told);
    }
}

impl Reader {
    /// Every key that was pinned on first use.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn pins(&self) -> Result<Vec<PinRow>, StoreError> {
        self.look(|connection| Ok(pins::all(connection)?))
    }
}
