//! Facts that come after a record was filed: each becomes its next version.

use super::filing;
use super::tables::{cdrs, from_body, meta, recordings, signed, to_body};
use crate::model::{CallId, Cdr, RecordingFacts, RecordingId, Stamp, TapeDone};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

/// A wall time (ms since 1970) as the site's clock shows it.
pub type StampOf = Arc<dyn Fn(i64) -> Stamp + Send + Sync>;

/// The clock was set: records of a run that were filed before get their true times, a few at a time. Where it stands is
/// written down with every few, so that a restart in the middle goes on from there.
pub(super) struct Mending {
    place: Place,
    stamp_of: StampOf,
}

/// How far a mending has come.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Place {
    /// The last row that was looked at.
    done: i64,
    /// The last row of the run whose clock was set late; not known while it goes on.
    until: Option<i64>,
    /// How much later it really was than the clock showed, in milliseconds.
    behind_ms: i64,
}

/// Where it is written down.
const PLACE: &str = "mending";
/// Rows looked at in one transaction.
const LOT: i64 = 100;

impl Mending {
    /// Begins behind the last row of the run before: nobody knows how wrong its clock was.
    pub(super) fn after(last_seq_before: u64, behind_ms: i64, stamp_of: StampOf) -> Self {
        let place = Place {
            done: signed(last_seq_before),
            until: None,
            behind_ms,
        };
        Self { place, stamp_of }
    }

    /// What an earlier run left to do; its last row is the highest there is now.
    pub(super) fn left_over(
        connection: &Connection,
        highest: u64,
        stamp_of: &StampOf,
    ) -> Result<Option<Self>, rusqlite::Error> {
        let text = meta::get(connection, PLACE)?;
        let Some(mut place) = text.and_then(|text| from_body::<Place>("meta", PLACE, &text)) else {
            return Ok(None);
        };
        place.until.get_or_insert(signed(highest));
        let mending = Self {
            place,
            stamp_of: Arc::clone(stamp_of),
        };
        mending.note(connection)?;
        Ok(Some(mending))
    }

    /// Writes down where it stands.
    pub(super) fn note(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        meta::set(connection, PLACE, Some(&to_body(&self.place)?))
    }

    /// Mends the next few. False: there are none left now.
    pub(super) fn step(&mut self, connection: &Connection, unix_ms: i64) -> Result<bool, rusqlite::Error> {
        let until = self.place.until.unwrap_or(i64::MAX);
        let mut rows = cdrs::own_after(connection, self.place.done, LOT)?;
        rows.retain(|(seq, ..)| *seq <= until);
        let Some(last) = rows.last().map(|(seq, ..)| *seq) else {
            meta::set(connection, PLACE, None)?;
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
        let done = Place {
            done: last,
            ..self.place
        };
        meta::set(connection, PLACE, Some(&to_body(&done)?))?;
        self.place = done;
        Ok(true)
    }

    fn mend(&self, cdr: &mut Cdr) {
        let mend =
            |stamp: &mut Stamp| *stamp = (self.stamp_of)(stamp.unix_ms.saturating_add(self.place.behind_ms));
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
