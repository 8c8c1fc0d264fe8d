use super::journal::{Durability, Journal};
use super::tables::{cdrs, outbox, parked, replays};
use super::{Clock, StoreError};
use crate::model::Cdr;
use rusqlite::Connection;
use serde::Serialize;

/// What people do about destinations: send a range again, try a parked record again, give one up. Every method waits
/// for a commit, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Deliveries {
    journal: Journal,
    clock: Clock,
}

/// Which records to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplayRange {
    /// The first.
    pub from_seq: u64,
    /// The last.
    pub to_seq: u64,
    /// Only calls that began at this time (ms since 1970) or later.
    pub from_ms: Option<i64>,
    /// Only calls that began at this time (ms since 1970) or earlier.
    pub to_ms: Option<i64>,
}

/// A replay, under way or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// What was asked for.
    #[serde(flatten)]
    pub range: ReplayRange,
    /// The first record that has not been looked at.
    pub next_seq: u64,
    /// Records queued so far; those that waited already are not counted.
    pub queued: u64,
    /// Who asked for it.
    pub asked_by: String,
    /// When, in ms since 1970.
    pub begun_ms: i64,
    /// When its last record was queued, in ms since 1970.
    pub done_ms: Option<i64>,
}

/// What became of the wish to send a range again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayBegun {
    /// It begins.
    Now(Replay),
    /// This very range is being queued already.
    Already(Replay),
    /// Another range is being queued.
    AnotherRuns(Replay),
    /// Nobody has named this destination.
    NoSuchUpstream,
}

/// A record that a destination will not take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParkedRecord {
    /// Its row's number.
    pub seq: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was parked, in ms since 1970.
    pub parked_ms: i64,
    /// What the destination said last.
    pub error: String,
    /// The record; `None` when it is no longer kept.
    #[serde(skip)]
    pub cdr: Option<Cdr>,
}

impl Deliveries {
    /// The most records queued, released or dropped in one transaction.
    pub const LOT: usize = 5000;

    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// Begins to send a range again. Follow with [`Deliveries::continue_replay`] until it is done; after a restart as
    /// well.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn begin_replay(
        &self,
        upstream: &str,
        range: ReplayRange,
        by: &str,
    ) -> Result<ReplayBegun, StoreError> {
        let (name, by, now) = (upstream.to_owned(), by.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            begin_replay(connection, &name, range, &by, now)
        })
    }

    /// Queues the next lot of a destination's replay. `None`: there is none, or it is done.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn continue_replay(&self, upstream: &str) -> Result<Option<Replay>, StoreError> {
        let (name, now) = (upstream.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            continue_replay(connection, &name, now)
        })
    }

    /// What waits for a destination need not wait any longer.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn retry_now(&self, upstream: &str) -> Result<Option<u64>, StoreError> {
        let name = upstream.to_owned();
        self.on_upstream(Durability::AtOnce, name, |connection, upstream| {
            outbox::hurry(connection, upstream)
        })
    }

    /// Parked records go back into the queue: those named, or the first [`Deliveries::LOT`] of all. How many did;
    /// `None` when nobody has named the destination.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn retry_parked(&self, upstream: &str, seqs: Option<Vec<u64>>) -> Result<Option<u64>, StoreError> {
        let name = upstream.to_owned();
        self.on_upstream(Durability::AtOnce, name, move |connection, upstream| {
            let found = parked::first(connection, upstream, seqs.as_deref(), Self::LOT)?;
            parked::requeue(connection, upstream, &found)
        })
    }

    /// Gives parked records up: those named, or the first [`Deliveries::LOT`] of all. How many were; `None` when
    /// nobody has named the destination.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn drop_parked(
        &self,
        upstream: &str,
        seqs: Option<Vec<u64>>,
        by: &str,
        reason: &str,
    ) -> Result<Option<u64>, StoreError> {
        let (name, by, reason) = (upstream.to_owned(), by.to_owned(), reason.to_owned());
        let now = self.clock.unix_ms();
        self.on_upstream(Durability::Synced, name, move |connection, upstream| {
            let found = parked::first(connection, upstream, seqs.as_deref(), Self::LOT)?;
            parked::drop_them(connection, upstream, &found, &by, &reason, now)
        })
    }

    fn on_upstream<T: Send + 'static>(
        &self,
        durability: Durability,
        name: String,
        change: impl FnOnce(&Connection, i64) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        self.journal.change(durability, move |connection| {
            match outbox::known(connection, &name)? {
                Some(upstream) => change(connection, upstream).map(Some),
                None => Ok(None),
            }
        })
    }
}

/// Begins a replay inside the caller's transaction.
pub(super) fn begin_replay(
    connection: &Connection,
    name: &str,
    range: ReplayRange,
    by: &str,
    unix_ms: i64,
) -> Result<ReplayBegun, rusqlite::Error> {
    let Some(upstream) = outbox::known(connection, name)? else {
        return Ok(ReplayBegun::NoSuchUpstream);
    };
    let range = ReplayRange {
        from_seq: range.from_seq.max(1),
        to_seq: range.to_seq.min(cdrs::highest_filed(connection)?),
        ..range
    };
    if let Some(running) = replays::last(connection, upstream)?.filter(|replay| replay.done_ms.is_none()) {
        return Ok(if running.range == range {
            ReplayBegun::Already(running)
        } else {
            ReplayBegun::AnotherRuns(running)
        });
    }
    replays::begin(connection, upstream, &range, by, unix_ms)?;
    let begun = replays::last(connection, upstream)?;
    Ok(begun.map_or(ReplayBegun::NoSuchUpstream, ReplayBegun::Now))
}

/// Queues the next lot inside the caller's transaction.
pub(super) fn continue_replay(
    connection: &Connection,
    name: &str,
    unix_ms: i64,
) -> Result<Option<Replay>, rusqlite::Error> {
    let Some(upstream) = outbox::known(connection, name)? else {
        return Ok(None);
    };
    match replays::last(connection, upstream)? {
        Some(replay) if replay.done_ms.is_none() => {
            replays::step(connection, upstream, &replay, Deliveries::LOT, unix_ms).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}
