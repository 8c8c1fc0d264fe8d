use super::sync;
use super::tables::{calls, cdrs, outbox, recordings, stories};
use crate::model::Cdr;
use rusqlite::Connection;

pub(in crate::store) use cdrs::Filed;

/// Files a record under the next `seq` as the newest version of its call, and queues it for every enabled
/// destination: all of it or nothing, inside the caller's transaction. Filing the same version twice, as after
/// a commit whose answer was lost, changes nothing.
pub(in crate::store) fn append(
    connection: &Connection,
    cdr: &Cdr,
    unix_ms: i64,
) -> Result<Filed, rusqlite::Error> {
    let filed = cdrs::file(connection, cdr, unix_ms)?;
    if let Filed::New(seq) = filed {
        outbox::queue(connection, seq)?;
    }
    Ok(filed)
}

/// Files a call's record, takes the open row away and puts the call's details together.
pub(super) fn close(connection: &Connection, cdr: &Cdr, unix_ms: i64) -> Result<u64, rusqlite::Error> {
    let filed = append(connection, cdr, unix_ms)?;
    if let Filed::New(_) = filed
        && let Err(error) = sync::recognise(connection, cdr, unix_ms)
    {
        // The next fetch looks again; the record itself is what counts here.
        tracing::warn!(%error, "Whether the PBX has told of this call could not be looked up: {error}.");
    }
    if let Some(facts) = cdr.recording.as_ref().filter(|facts| facts.bytes.is_some()) {
        recordings::complete(connection, facts)?;
    }
    calls::forget_open(connection, cdr.call_id)?;
    stories::gather(connection, cdr.call_id)?;
    Ok(filed.seq())
}

/// Reads the newest version of a record, lets it be changed, and files it as the next version. Nothing is
/// filed when there is no such record or `change` says that there is nothing to change.
pub(in crate::store) fn amend(
    connection: &Connection,
    id: crate::model::CallId,
    unix_ms: i64,
    change: impl FnOnce(&mut Cdr) -> bool,
) -> Result<Option<u64>, rusqlite::Error> {
    let Some((seq, body)) = cdrs::latest(connection, id)? else {
        return Ok(None);
    };
    let Some(mut cdr) = super::tables::from_body::<Cdr>("cdrs", &seq.to_string(), &body) else {
        return Ok(None);
    };
    let version = cdr.version;
    if !change(&mut cdr) {
        return Ok(None);
    }
    cdr.cdr_id = id;
    cdr.version = version.saturating_add(1);
    append(connection, &cdr, unix_ms).map(|filed| Some(filed.seq()))
}
