use super::journal::{Durability, Journal};
use super::tables::{cdrs, consumers as table, replays};
use super::{Clock, StoreError};
use rusqlite::Connection;
use serde::Serialize;

/// Readers that pull records and say which they have safely. Every method waits for a synced commit, so async code
/// calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct Consumers {
    journal: Journal,
    clock: Clock,
}

/// A reader that acknowledges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consumer {
    /// Its name, chosen by itself.
    pub name: String,
    /// The last record it has safely; 0 before the first.
    pub acked_seq: u64,
    /// Records filed beyond that one.
    pub lag: u64,
    /// When it last acknowledged more, or was moved, in ms since 1970.
    pub last_ack_ms: Option<i64>,
    /// When the oldest record it has not acknowledged was filed, in ms since 1970.
    pub waiting_since_ms: Option<i64>,
    /// When it was first heard of, in ms since 1970.
    pub created_ms: i64,
}

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The last record it has safely.
    pub acked_seq: u64,
    /// Records filed beyond that one.
    pub lag: u64,
}

/// What became of an acknowledgement or a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// The reader stands here, on disk.
    Stands(Place),
    /// There is no such record yet; nothing was changed.
    BeyondTheEnd,
    /// There are [`Consumers::MOST`] readers already; the new name was not taken.
    TooMany,
}

/// Where to move a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// So that this is the last record it has.
    Seq(u64),
    /// Before the first record of a call that began at this time (ms since 1970) or later.
    Time(i64),
    /// Before the oldest record.
    Oldest,
    /// After the newest record.
    Latest,
}

impl Consumers {
    /// The most readers there can be: names come from outside.
    pub const MOST: u64 = 100;

    pub(super) fn new(journal: Journal, clock: Clock) -> Self {
        Self { journal, clock }
    }

    /// A reader has every record up to `seq`. An unknown name is made; a number below what it said before changes
    /// nothing. On disk when this returns.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn acknowledge(&self, name: &str, seq: u64) -> Result<Acknowledged, StoreError> {
        let (name, now) = (name.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            let last = cdrs::highest_filed(connection)?;
            if seq > last {
                return Ok(Acknowledged::BeyondTheEnd);
            }
            match table::acked(connection, &name)? {
                Some(acked) if acked >= seq => Ok(Acknowledged::Stands(place(acked, last))),
                Some(_) => put(connection, &name, seq, last, now),
                None => make(connection, &name, seq, last, now),
            }
        })
    }

    /// Moves a reader, back as well; an unknown name is made.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn seek(&self, name: &str, to: Seek) -> Result<Acknowledged, StoreError> {
        let (name, now) = (name.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::Synced, move |connection| {
            let last = cdrs::highest_filed(connection)?;
            let seq = target(connection, to, last)?;
            if seq > last {
                return Ok(Acknowledged::BeyondTheEnd);
            }
            match table::acked(connection, &name)? {
                Some(_) => put(connection, &name, seq, last, now),
                None => make(connection, &name, seq, last, now),
            }
        })
    }

    /// Forgets a reader. False: there was none.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn forget(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.journal.change(Durability::Synced, move |connection| {
            table::forget(connection, &name)
        })
    }
}

fn place(acked_seq: u64, last: u64) -> Place {
    Place {
        acked_seq,
        lag: last.saturating_sub(acked_seq),
    }
}

fn put(
    connection: &Connection,
    name: &str,
    seq: u64,
    last: u64,
    unix_ms: i64,
) -> Result<Acknowledged, rusqlite::Error> {
    table::put(connection, name, seq, unix_ms)?;
    Ok(Acknowledged::Stands(place(seq, last)))
}

fn make(
    connection: &Connection,
    name: &str,
    seq: u64,
    last: u64,
    unix_ms: i64,
) -> Result<Acknowledged, rusqlite::Error> {
    if table::count(connection)? >= Consumers::MOST {
        return Ok(Acknowledged::TooMany);
    }
    put(connection, name, seq, last, unix_ms)
}

fn target(connection: &Connection, to: Seek, last: u64) -> Result<u64, rusqlite::Error> {
    Ok(match to {
        Seek::Seq(seq) => seq,
        Seek::Latest => last,
        Seek::Oldest => cdrs::ends(connection)?.0.unwrap_or(last + 1).saturating_sub(1),
        Seek::Time(from_ms) => replays::bounds(connection, Some(from_ms), None)?
            .map_or(last, |(first, _)| first.saturating_sub(1)),
    })
}

/// Every reader, by name.
pub(super) fn all(connection: &Connection) -> Result<Vec<Consumer>, StoreError> {
    let last = cdrs::highest_filed(connection)?;
    let rows = table::all(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Consumer {
            lag: last.saturating_sub(row.acked_seq),
            name: row.name,
            acked_seq: row.acked_seq,
            last_ack_ms: row.moved_ms,
            waiting_since_ms: row.waiting_since_ms,
            created_ms: row.created_ms,
        })
        .collect())
}
