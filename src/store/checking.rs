//! The check of a large database beside the calls: what would take too long before the first of them.

use super::connection::{CHECKED_WHOLE_BYTES, complaints, open_for_reading};
use super::journal::Journal;
use super::keeping::ConditionWatch;
use super::tables::meta;
use rusqlite::InterruptHandle;
use std::path::Path;
use std::thread::JoinHandle;

/// The key under which found damage is remembered, so that the next start sets the database aside.
pub(super) const DAMAGE: &str = "damage";

/// A check that runs, and the way to end it early.
pub(super) struct Check {
    stop: InterruptHandle,
    thread: JoinHandle<()>,
}

/// Begins the check of a database that was too large to be checked whole at the start.
pub(super) fn begin(path: &Path, journal: Journal, condition: ConditionWatch) -> Option<Check> {
    let bytes = std::fs::metadata(path).map_or(0, |facts| facts.len());
    if bytes <= CHECKED_WHOLE_BYTES {
        return None;
    }
    let connection = open_for_reading(path).ok()?;
    let stop = connection.get_interrupt_handle();
    let thread = std::thread::Builder::new().name("db-check".to_owned());
    let thread = thread.spawn(move || {
        let found = match complaints(&connection, 1) {
            Ok(found) => found.into_iter().next(),
            Err(error) if super::error::is_damage(&error) => Some(error.to_string()),
            // Interrupted by the shutdown, or no memory: nothing is known.
            Err(error) => return tracing::debug!(%error, "The check of the database ended early."),
        };
        let Some(damage) = found else {
            return tracing::info!("The whole database was checked and is sound.");
        };
        tracing::error!(
            damage,
            "The database is damaged: {damage}. The next start sets it aside and saves what can be read."
        );
        let remembered = damage.clone();
        journal.change_unwatched(move |connection| meta::set(connection, DAMAGE, Some(&remembered)));
        condition.set(|condition| condition.damage = Some(damage));
    });
    Some(Check {
        stop,
        thread: thread.ok()?,
    })
}

impl Check {
    /// Ends it now.
    pub(super) fn end(self) {
        self.stop.interrupt();
        if self.thread.join().is_err() {
            tracing::error!("The check of the database had died.");
        }
    }
}
