//! The rest of a salvage: a large database's records come over in small lots beside the calls, through the writer.

use super::connection::open_for_reading;
use super::filing::Filed;
use super::journal::{Durability, Journal};
use super::salvage::SetAside;
use super::tables::packing::Packed;
use super::tables::{cdrs, from_body, outbox};
use crate::model::Cdr;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A salvage that goes on.
pub(super) struct Rescue {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Begins it, when the start has left something to do.
pub(super) fn go_on(aside: &SetAside, journal: &Journal) -> Option<Rescue> {
    if !aside.rest_follows {
        return None;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut boat = Boat {
        old: open_for_reading(&aside.path).ok()?,
        journal: journal.clone(),
        stop: Arc::clone(&stop),
        saved: 0,
        complete: true,
        cut_off: false,
    };
    let thread = std::thread::Builder::new().name("db-rescue".to_owned());
    let thread = thread.spawn(move || boat.run()).ok()?;
    Some(Rescue { stop, thread })
}

impl Rescue {
    /// Ends it now. What has not come over stays in the file that was set aside, and the next start goes on.
    pub(super) fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        if self.thread.join().is_err() {
            tracing::error!("The salvage of the database had died.");
        }
    }
}

/// Records in one transaction.
const LOT: i64 = 100;

struct Boat {
    old: Connection,
    journal: Journal,
    stop: Arc<AtomicBool>,
    saved: u64,
    complete: bool,
    /// The fresh database took no more.
    cut_off: bool,
}

/// One record as it lies in the damaged file.
struct Row {
    seq: i64,
    filed_ms: i64,
    cdr: Cdr,
    body: String,
    story: Option<Vec<u8>>,
}

impl Boat {
    /// From the beginning and, when that breaks off, from the end.
    fn run(&mut self) {
        let (last, broke_off) = self.sail(true, i64::MAX);
        if broke_off {
            self.complete = false;
            self.sail(false, last);
        }
        if self.stop.load(Ordering::SeqCst) {
            return tracing::warn!(records = self.saved, "The salvage was ended by the shutdown.");
        }
        // Not written: the next start looks through the file once more and finds every record there.
        if !self.cut_off {
            let _ = self.journal.change(Durability::AtOnce, SetAside::forget);
        }
        tracing::warn!(
            records = self.saved,
            complete = self.complete,
            "Salvage is done: {} call records came over.",
            self.saved
        );
    }

    /// The last row that was read, and whether the file's damage ended it.
    fn sail(&mut self, ascending: bool, met: i64) -> (i64, bool) {
        let mut place = if ascending { -1 } else { i64::MAX };
        while !self.stop.load(Ordering::SeqCst) {
            let (mut rows, mut last) = (Vec::new(), None);
            let read = self.read(ascending, place, &mut rows, &mut last);
            place = last.unwrap_or(place);
            let brought = self.bring(rows);
            if read.is_err() {
                return (place, true);
            }
            self.cut_off |= brought.is_err();
            if brought.is_err() || last.is_none() || (!ascending && place <= met) {
                break;
            }
        }
        (place, false)
    }

    /// Reads the next lot, as far as it can be read.
    fn read(
        &mut self,
        ascending: bool,
        place: i64,
        rows: &mut Vec<Row>,
        last: &mut Option<i64>,
    ) -> Result<(), rusqlite::Error> {
        let sql = if ascending {
            "SELECT seq, filed_ms, body FROM cdrs WHERE seq > ?1 ORDER BY seq LIMIT ?2"
        } else {
            "SELECT seq, filed_ms, body FROM cdrs WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"
        };
        let mut select = self.old.prepare_cached(sql)?;
        let mut found = select.query(params![place, LOT])?;
        while let Some(row) = found.next()? {
            let seq: i64 = row.get(0)?;
            *last = Some(seq);
            let body = row.get::<_, Packed>(2).map(|body| body.0).unwrap_or_default();
            let Some(cdr) = from_body::<Cdr>("cdrs", &seq.to_string(), &body) else {
                self.complete = false;
                continue;
            };
            let story = story(&self.old, &cdr).unwrap_or_else(|_damaged| {
                self.complete = false;
                None
            });
            rows.push(Row {
                seq,
                filed_ms: row.get(1)?,
                cdr,
                body,
                story,
            });
        }
        Ok(())
    }

    /// Files a lot, each row under its old number, and queues what had not been delivered.
    fn bring(&mut self, rows: Vec<Row>) -> Result<(), super::StoreError> {
        let owed = self.owed(&rows);
        if owed.is_none() {
            self.complete = false;
        }
        let saved = self.journal.change(Durability::AtOnce, move |connection| {
            let mut saved = 0;
            for row in rows {
                let filed = cdrs::file_as(connection, &row.cdr, row.filed_ms, Some(row.seq), &row.body)?;
                let Filed::New(seq) = filed else { continue };
                saved += 1;
                if let Some(story) = &row.story {
                    cdrs::keep_story(connection, row.cdr.call_id, story)?;
                }
                match &owed {
                    Some(owed) => {
                        for upstream in owed.get(&row.seq).into_iter().flatten() {
                            outbox::queue_for(connection, *upstream, seq)?;
                        }
                    }
                    None => outbox::queue(connection, seq)?,
                }
            }
            Ok(saved)
        })?;
        self.saved += saved;
        self.journal.tell_again();
        Ok(())
    }

    /// Who waits for these rows; nothing when that can no longer be read: then everybody gets them again.
    fn owed(&self, rows: &[Row]) -> Option<BTreeMap<i64, Vec<i64>>> {
        let mut owed = BTreeMap::<i64, Vec<i64>>::new();
        let sql = "SELECT o.upstream FROM upstreams u JOIN outbox o ON o.upstream = u.id WHERE o.seq = ?1
                   UNION SELECT p.upstream FROM upstreams u JOIN parked p ON p.upstream = u.id WHERE p.seq = ?1";
        let mut select = self.old.prepare_cached(sql).ok()?;
        for row in rows {
            let upstreams = select
                .query_map(params![row.seq], |row| row.get(0))
                .and_then(Iterator::collect::<Result<Vec<i64>, _>>)
                .ok()?;
            owed.insert(row.seq, upstreams);
        }
        Some(owed)
    }
}

fn story(old: &Connection, cdr: &Cdr) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    old.prepare_cached("SELECT body FROM call_stories WHERE call_id = ?1")?
        .query_row(params![cdrs::key(cdr.call_id)], |row| row.get(0))
        .optional()
}
