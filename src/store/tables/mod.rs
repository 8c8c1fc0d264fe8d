//! One file a table: the only places that hold SQL for it. Every function works inside its caller's
//! transaction.

pub(super) mod agents;
pub(super) mod audit;
pub(super) mod boot;
pub(super) mod calls;
pub(super) mod cdrs;
pub(super) mod chain;
pub(super) mod consumers;
pub(super) mod kept;
pub(super) mod messages;
pub(super) mod meta;
mod moments;
pub(super) mod names;
pub(super) mod outbox;
pub(super) mod packing;
pub(super) mod parked;
pub(super) mod people;
pub(super) mod pins;
pub(super) mod ranges;
pub(super) mod recordings;
pub(super) mod registrations;
pub(super) mod replays;
mod shortening;
pub(super) mod standing;
pub(super) mod stories;
pub(super) mod tallies;
pub(super) mod uploads;
pub(super) mod varint;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as the JSON text of its row.
///
/// # Errors
/// None for our own types; kept so that nothing can panic.
pub(super) fn to_body<T: Serialize>(value: &T) -> Result<String, rusqlite::Error> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// The value a row's JSON text holds; `None`, told in the log, when another version wrote it so that it
/// cannot be read.
pub(super) fn from_body<T: DeserializeOwned>(table: &str, key: &str, body: &str) -> Option<T> {
    match serde_json::from_str(body) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!(table, key, %error, "Row {key} of table {table} cannot be read and is left out.");
            None
        }
    }
}

/// SQLite's integers are signed; sequence numbers and counts of ours never reach the difference.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The reverse of [`signed`]; a negative number, which we never write, counts as 0.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
