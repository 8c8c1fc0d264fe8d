use super::journal::{Durability, Journal};
use super::tables::agents as table;
use super::{Clock, Reader, StoreError};
use crate::model::{AgentId, KeptAgent, KeptDigest, WrittenAgent};

/// Agents that people make by the API. Reads go beside the writer, changes through it. Every method may wait for the
/// disk, so async code calls it from `spawn_blocking`.
#[derive(Debug, Clone)]
pub struct AgentShelf {
    journal: Journal,
    reader: Reader,
    clock: Clock,
}

/// What an agent is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentChange {
    /// Who it is.
    pub written: WrittenAgent,
    /// What the phone's password was turned into.
    pub digest: Option<KeptDigest>,
    /// The version this is a change of; 0 for an agent who is new.
    pub of_version: u64,
    /// Who wants it.
    pub by: String,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentWritten {
    /// It is on disk, at this version.
    Done(u64),
    /// Somebody else has changed, made or removed the agent meanwhile.
    Overtaken,
    /// There are [`AgentShelf::MOST`] already.
    Full,
}

impl AgentShelf {
    /// The most agents there can be: far more than one box has phones.
    pub const MOST: u64 = 5000;

    pub(super) fn new(journal: Journal, reader: Reader, clock: Clock) -> Self {
        Self {
            journal,
            reader,
            clock,
        }
    }

    /// Every agent, by identity.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn all(&self) -> Result<Vec<KeptAgent>, StoreError> {
        self.reader.look(|connection| Ok(table::all(connection)?))
    }

    /// Writes an agent, if nobody else has meanwhile. On disk when this returns.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn write(&self, change: AgentChange) -> Result<AgentWritten, StoreError> {
        let changed_at_unix_ms = self.clock.unix_ms();
        self.journal.change(Durability::Synced, move |connection| {
            let before = table::one(connection, &change.written.id)?;
            if before.as_ref().map_or(0, |before| before.version) != change.of_version {
                return Ok(AgentWritten::Overtaken);
            }
            if before.is_none() && table::count(connection)? >= Self::MOST {
                return Ok(AgentWritten::Full);
            }
            let agent = KeptAgent {
                written: change.written,
                digest: change.digest,
                version: change.of_version + 1,
                changed_at_unix_ms,
                changed_by: change.by,
            };
            table::put(connection, &agent)?;
            Ok(AgentWritten::Done(agent.version))
        })
    }

    /// Forgets an agent. False: there was none.
    ///
    /// # Errors
    /// When the store is closed or cannot be written.
    pub fn remove(&self, id: &AgentId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.journal.change(Durability::Synced, move |connection| {
            table::remove(connection, &id)
        })
    }
}
