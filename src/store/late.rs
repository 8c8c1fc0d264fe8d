//! Facts that come after a record was filed: each becomes its next version.

use super::filing;
use super::tables::{cdrs, from_body, recordings};
use crate::model::{CallId, Cdr, RecordingFacts, RecordingId, Stamp, TapeDone};
use rusqlite::Connection;

/// Whether the recording's record is filed already, without the recording's measures.
pub(super) fn is_awaited(connection: &Connection, id: RecordingId) -> Result<bool, rusqlite::Error> {
    Ok(waiting_record(connection, id)?.is_some())
}

/// A recording was completed, or lost, after its record had been filed.
pub(super) fn tape_done(
    connection: &Connection,
    done: &TapeDone,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let Some(call) = waiting_record(connection, done.id)? else {
        return Ok(());
    };
    let facts: Option<RecordingFacts> = done.result.as_ref().ok().cloned();
    filing::amend(connection, call, unix_ms, |cdr| {
        let consent = cdr.recording.as_ref().and_then(|recording| recording.consent);
        cdr.recording = facts.map(|facts| RecordingFacts {
            consent: facts.consent.or(consent),
            ..facts
        });
        true
    })?;
    Ok(())
}

/// The call whose newest record names this recording as unfinished.
fn waiting_record(connection: &Connection, id: RecordingId) -> Result<Option<CallId>, rusqlite::Error> {
    let Some(call) = recordings::call_of(connection, id)? else {
        return Ok(None);
    };
    let Some((seq, body)) = cdrs::latest(connection, call)? else {
        return Ok(None);
    };
    let waits = from_body::<Cdr>("cdrs", &seq.to_string(), &body)
        .and_then(|cdr| cdr.recording)
        .is_some_and(|recording| recording.id == id && recording.bytes.is_none());
    Ok(waits.then_some(call))
}

/// Turns a time of the unset clock into the true one.
pub type Restamp = Box<dyn Fn(Stamp) -> Stamp + Send>;

/// The clock was set: records of this run that were filed before get their true times, a few at a time.
pub(super) struct Mending {
    /// The next row to look at.
    next: i64,
    restamp: Restamp,
}

/// Rows looked at in one transaction.
const LOT: i64 = 100;

impl Mending {
    /// Begins behind the last row of the run before: nobody knows how wrong its clock was.
    pub(super) fn after(last_seq_before: u64, restamp: Restamp) -> Self {
        Self {
            next: super::tables::signed(last_seq_before),
            restamp,
        }
    }

    /// Mends the next few. False: there are none left now.
    pub(super) fn step(&mut self, connection: &Connection, unix_ms: i64) -> Result<bool, rusqlite::Error> {
        let rows = cdrs::own_after(connection, self.next, LOT)?;
        let Some(last) = rows.last().map(|(seq, ..)| *seq) else {
            return Ok(false);
        };
        for (seq, is_latest, body) in rows {
            let unset = from_body::<Cdr>("cdrs", &seq.to_string(), &body).filter(|cdr| !cdr.clock_synced);
            if let (true, Some(cdr)) = (is_latest, unset) {
                filing::amend(connection, cdr.cdr_id, unix_ms, |cdr| {
                    self.mend(cdr);
                    true
                })?;
            }
        }
        self.next = last;
        Ok(true)
    }

    fn mend(&self, cdr: &mut Cdr) {
        let mend = |stamp: &mut Stamp| *stamp = (self.restamp)(*stamp);
        mend(&mut cdr.started_at);
        for stamp in [&mut cdr.ringing_at, &mut cdr.answered_at, &mut cdr.ended_at] {
            stamp.iter_mut().for_each(mend);
        }
        for leg in &mut cdr.legs {
            mend(&mut leg.invited_at);
            for stamp in [&mut leg.ringing_at, &mut leg.answered_at, &mut leg.ended_at] {
                stamp.iter_mut().for_each(mend);
            }
        }
        cdr.clock_synced = true;
    }
}
