use super::tables::{calls, cdrs, outbox, recordings};
use crate::model::Cdr;
use rusqlite::Connection;

/// Files a call's record, queues it for every destination and takes the open row away: all of it or nothing.
pub(super) fn close(
    connection: &Connection,
    cdr: &Cdr,
    upstreams: &[i64],
    unix_ms: i64,
) -> Result<u64, rusqlite::Error> {
    let filed = cdrs::file(connection, cdr, unix_ms)?;
    if let cdrs::Filed::New(seq) = filed {
        for upstream in upstreams {
            outbox::queue(connection, *upstream, seq)?;
        }
    }
    if let Some(facts) = cdr.recording.as_ref().filter(|facts| facts.bytes.is_some()) {
        recordings::complete(connection, facts)?;
    }
    calls::forget_open(connection, cdr.call_id)?;
    Ok(filed.seq())
}

/// The numbers of the destinations, in the order of their names.
pub(super) fn upstream_numbers(
    connection: &Connection,
    names: &[String],
) -> Result<Vec<i64>, rusqlite::Error> {
    names
        .iter()
        .map(|name| outbox::upstream(connection, name))
        .collect()
}
