//! Since the machine woke its clock is wrong by the same amount for every run of the daemon, until it is set: what earlier
//! runs of this waking filed is mended as well.

use super::tables::{from_body, meta, to_body};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

/// One waking of the machine, handed in by `app`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waking {
    /// The kernel's name for it.
    pub id: String,
    /// When it was, in milliseconds since 1970, by the wall clock of now.
    pub at_ms: i64,
}

/// A waking as the first run in it has written it down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KnownWaking {
    waking: Waking,
    /// The last row before it.
    pub(super) last_before: u64,
}

/// Where it is written down.
const KEY: &str = "waking";
/// A clock that was set is off by so much now and then.
const A_JUMP_MS: u64 = 1000;

impl KnownWaking {
    /// The waking of now as it was first seen; `highest` is the last row filed so far.
    pub(super) fn recognise(
        connection: &Connection,
        waking: &Waking,
        highest: u64,
    ) -> Result<Self, rusqlite::Error> {
        let text = meta::get(connection, KEY)?;
        let known = text.and_then(|text| from_body::<Self>("meta", KEY, &text));
        if let Some(known) = known.filter(|known| known.waking.id == waking.id) {
            return Ok(known);
        }
        let new = Self {
            waking: waking.clone(),
            last_before: highest,
        };
        new.note(connection)?;
        Ok(new)
    }

    /// How much later the machine woke than the clock of its first run showed, when the clock was set between its runs.
    pub(super) fn behind_ms(&self, waking: &Waking) -> Option<i64> {
        let behind_ms = waking.at_ms.saturating_sub(self.waking.at_ms);
        (behind_ms.unsigned_abs() > A_JUMP_MS).then_some(behind_ms)
    }

    /// The clock was set, and everything up to `highest` is being mended.
    pub(super) fn set(
        &mut self,
        connection: &Connection,
        behind_ms: i64,
        highest: u64,
    ) -> Result<(), rusqlite::Error> {
        self.waking.at_ms = self.waking.at_ms.saturating_add(behind_ms);
        self.last_before = highest;
        self.note(connection)
    }

    fn note(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        meta::set(connection, KEY, Some(&to_body(self)?))
    }
}
