use super::journal::{Durability, Journal};
use super::tables::messages as table;
use super::{Clock, Reader, StoreError};
use crate::model::{Mailbox, Message, MessageErrand, MessageState, RecordingId, Transcript};

/// A message as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The message, with its state now.
    pub message: Message,
    /// What it says, once somebody has written it down.
    pub transcript: Option<Transcript>,
    /// Since when there is no file (ms since 1970).
    pub file_gone_ms: Option<i64>,
}

/// Which messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this box alone.
    pub mailbox: Option<Mailbox>,
    /// In this state alone; all that were not thrown away when not given.
    pub state: Option<MessageState>,
    /// Left before this one.
    pub before: Option<RecordingId>,
    /// So many at most.
    pub limit: usize,
}

/// Messages, their transcripts, and what is to be done about them. Cheap to clone; every method may wait for the disk.
#[derive(Debug, Clone)]
pub struct Messages {
    journal: Journal,
    reader: Reader,
    clock: Clock,
}

/// Something to do about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// What.
    pub kind: MessageErrand,
    /// About which message.
    pub about: StoredMessage,
    /// How often it was tried in vain.
    pub attempts: u32,
    place: i64,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    /// This, now.
    Now(Box<Errand>),
    /// Nothing before this wall-clock time (ms since 1970).
    At(i64),
    /// Nothing.
    Nothing,
}

impl Messages {
    pub(super) fn new(journal: Journal, reader: Reader, clock: Clock) -> Self {
        Self {
            journal,
            reader,
            clock,
        }
    }

    /// Messages, the newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, filter: &MessageFilter) -> Result<Vec<StoredMessage>, StoreError> {
        self.reader
            .look(|connection| Ok(table::list(connection, filter)?))
    }

    /// One message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn one(&self, id: RecordingId) -> Result<Option<StoredMessage>, StoreError> {
        self.reader.look(|connection| Ok(table::one(connection, id)?))
    }

    /// Writes down what a message says; the call's record gets a further version. False: there is no such message.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn transcribe(&self, id: RecordingId, transcript: Transcript) -> Result<bool, StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            table::transcribe(connection, id, &transcript, now)
        })
    }

    /// What is to be done next.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_errand(&self) -> Result<Todo, StoreError> {
        let now = self.clock.unix_ms();
        let (due, later) = self
            .reader
            .look(|connection| Ok(table::due_errand(connection, now)?))?;
        let Some(due) = due else {
            return Ok(later.map_or(Todo::Nothing, Todo::At));
        };
        let Some(about) = self.one(due.message)? else {
            // Its message cannot be read: nothing can be done about it.
            self.give_up_on(due.message, due.place, "the message cannot be read")?;
            return Ok(Todo::At(now));
        };
        Ok(Todo::Now(Box::new(Errand {
            kind: due.kind,
            about,
            attempts: due.attempts,
            place: due.place,
        })))
    }

    /// It is done.
    ///
    /// # Errors
    /// When the store is closed or cannot be written; it will be done again then.
    pub fn done(&self, errand: &Errand) -> Result<(), StoreError> {
        let (message, place) = (errand.about.message.id, errand.place);
        self.journal.change(Durability::AtOnce, move |connection| {
            table::errand_done(connection, message, place)
        })
    }

    /// It was tried in vain, and is tried again so many milliseconds from now.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn try_later(&self, errand: &Errand, wait_ms: i64, error: &str) -> Result<(), StoreError> {
        let (message, place, error) = (errand.about.message.id, errand.place, error.to_owned());
        let at = self.clock.unix_ms().saturating_add(wait_ms);
        self.journal.change(Durability::AtOnce, move |connection| {
            table::errand_failed(connection, message, place, at, &error)
        })
    }

    /// It is not tried again.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn give_up(&self, errand: &Errand, error: &str) -> Result<(), StoreError> {
        self.give_up_on(errand.about.message.id, errand.place, error)
    }

    fn give_up_on(&self, message: RecordingId, place: i64, error: &str) -> Result<(), StoreError> {
        let (error, now) = (error.to_owned(), self.clock.unix_ms());
        self.journal.change(Durability::AtOnce, move |connection| {
            table::errand_given_up(connection, message, place, now, &error)
        })
    }

    /// How many errands wait, and how many were given up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn errand_counts(&self) -> Result<(u64, u64), StoreError> {
        self.reader
            .look(|connection| Ok(table::errand_counts(connection)?))
    }

    /// How many errands were given up since a wall-clock time (ms since 1970), and why the last one was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn given_up_since(&self, since_ms: i64) -> Result<(u64, Option<String>), StoreError> {
        self.reader
            .look(|connection| Ok(table::given_up_since(connection, since_ms)?))
    }

    /// Every box that has held a message.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn boxes(&self) -> Result<Vec<Mailbox>, StoreError> {
        self.reader.look(|connection| Ok(table::boxes(connection)?))
    }

    /// Messages of a box that were left before a wall-clock time (ms since 1970) and are still kept; a few hundred at
    /// most.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn old(&self, mailbox: &Mailbox, before_ms: i64) -> Result<Vec<RecordingId>, StoreError> {
        self.reader
            .look(|connection| Ok(table::old(connection, mailbox, before_ms)?))
    }

    /// Messages that were thrown away before a wall-clock time (ms since 1970) and whose files are still there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn to_remove(&self, before_ms: i64) -> Result<Vec<StoredMessage>, StoreError> {
        self.reader
            .look(|connection| Ok(table::to_remove(connection, before_ms)?))
    }

    /// The file of a message was removed.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn file_gone(&self, id: RecordingId) -> Result<(), StoreError> {
        let now = self.clock.unix_ms();
        self.journal.change(Durability::AtOnce, move |connection| {
            table::file_gone(connection, id, now)
        })
    }
}
