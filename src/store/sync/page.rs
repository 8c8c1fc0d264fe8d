//! One page of a fetch becomes rows of the journal, all of it or nothing.

use super::kept::{Counts, Fetched, Legs, PageDone, Rejected, SyncPage};
use super::twins::{Seen, Twins};
use crate::model::{CallId, Cdr, ForeignRecord};
use crate::store::filing;
use crate::store::tables::{cdrs, signed, unsigned};
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Borrow;

/// No more rows stay in quarantine; the oldest go.
const QUARANTINE: i64 = 10_000;

/// Takes a page over and moves the log on.
pub(super) fn take_over(
    connection: &Connection,
    page: &SyncPage,
    unix_ms: i64,
) -> Result<PageDone, rusqlite::Error> {
    let filer = Filer {
        source: page.source.clone(),
        source_name: page.source_name.clone(),
        site: page.site.clone(),
    };
    let mut new = file_all(connection, &filer, &page.fetched, unix_ms)?;
    for rejected in &page.rejected {
        quarantine(connection, page, rejected, unix_ms)?;
        new.skipped += 1;
    }
    new.fetched = new.created + new.updated + new.skipped;
    note_progress(connection, &page.log, page.leg, new, unix_ms)?;
    Ok(PageDone {
        counts: counts(connection, &page.log)?,
    })
}

/// Whose calls are filed, and as what.
#[derive(Debug, Clone)]
pub struct Filer {
    /// Identity of the source.
    pub source: String,
    /// Name of the source, as records carry it.
    pub source_name: String,
    /// The site's name, for records that gave way to our own.
    pub site: String,
}

/// Files calls of a PBX and counts them.
pub(super) fn file_all<F: Borrow<Fetched>>(
    connection: &Connection,
    filer: &Filer,
    calls: &[F],
    unix_ms: i64,
) -> Result<Counts, rusqlite::Error> {
    let mut twins = Twins::default();
    let mut new = Counts::default();
    for fetched in calls {
        take_one(connection, filer, fetched.borrow(), &mut twins, &mut new, unix_ms)?;
    }
    connection
        .prepare_cached("UPDATE pbx_sources SET total_records = total_records + ?2 WHERE id = ?1")?
        .execute(params![filer.source, signed(new.created)])?;
    Ok(new)
}

/// What is known already of a call of the PBX.
struct Known {
    id: i64,
    cdr_id: [u8; 16],
    linked: bool,
    is_news: bool,
    raw_differs: bool,
}

fn take_one(
    connection: &Connection,
    filer: &Filer,
    fetched: &Fetched,
    twins: &mut Twins,
    new: &mut Counts,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let seen = Seen {
        source: &filer.source_name,
        external_id: &fetched.external_id,
        sip_call_id: fetched.sip_call_id.as_deref(),
        cdr: &fetched.cdr,
    };
    let Some(known) = known(connection, filer, fetched)? else {
        let twin = twins.find(connection, seen)?;
        let cdr_id = match twin {
            Some(own) => {
                link(connection, own, &filer.source_name, &fetched.external_id, unix_ms)?;
                twins.note_linked(own, &filer.source_name, &fetched.external_id);
                new.linked += 1;
                own
            }
            None => {
                filing::append(connection, &fetched.cdr, unix_ms)?;
                fetched.cdr.cdr_id
            }
        };
        insert(connection, filer, fetched, cdr_id, twin.is_some(), unix_ms)?;
        new.created += 1;
        return Ok(());
    };
    new.updated += 1;
    if known.is_news || known.raw_differs {
        update(connection, known.id, fetched, unix_ms)?;
    }
    if !known.is_news {
        new.unchanged += 1;
    } else if !known.linked {
        file_again(connection, fetched, unix_ms)?;
    }
    // Our own record may have been filed after the PBX's: then the call would stand in the lists twice.
    if !known.linked
        && let Some(own) = twins.find(connection, seen)?
    {
        let theirs = Theirs {
            row: known.id,
            cdr_id: known.cdr_id,
            source: filer.source_name.clone(),
            external_id: fetched.external_id.clone(),
        };
        give_way(connection, &filer.site, &theirs, own, unix_ms)?;
        twins.note_linked(own, &filer.source_name, &fetched.external_id);
        new.linked += 1;
    }
    Ok(())
}

fn known(
    connection: &Connection,
    filer: &Filer,
    fetched: &Fetched,
) -> Result<Option<Known>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT id, cdr_id, linked, digest <> ?3, raw <> ?4 FROM pbx_records
             WHERE external_id = ?1 AND source = ?2",
        )?
        .query_row(
            params![
                fetched.external_id,
                filer.source,
                fetched.digest.as_slice(),
                fetched.raw
            ],
            |row| {
                Ok(Known {
                    id: row.get(0)?,
                    cdr_id: row.get(1)?,
                    linked: row.get(2)?,
                    is_news: row.get(3)?,
                    raw_differs: row.get(4)?,
                })
            },
        )
        .optional()
}

fn insert(
    connection: &Connection,
    filer: &Filer,
    fetched: &Fetched,
    cdr_id: CallId,
    linked: bool,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO pbx_records (source, external_id, cdr_id, linked, digest, start_ms, raw, synced_ms, updated_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        )?
        .execute(params![
            filer.source,
            fetched.external_id,
            cdrs::key(cdr_id),
            linked,
            fetched.digest.as_slice(),
            fetched.cdr.started_at.unix_ms,
            fetched.raw,
            unix_ms,
        ])?;
    Ok(())
}

fn update(connection: &Connection, id: i64, fetched: &Fetched, unix_ms: i64) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE pbx_records SET digest = ?2, start_ms = ?3, raw = ?4, updated_ms = ?5 WHERE id = ?1",
        )?
        .execute(params![
            id,
            fetched.digest.as_slice(),
            fetched.cdr.started_at.unix_ms,
            fetched.raw,
            unix_ms,
        ])?;
    Ok(())
}

/// The PBX says something new of a call it alone saw: a new version, which keeps what people added here.
fn file_again(connection: &Connection, fetched: &Fetched, unix_ms: i64) -> Result<(), rusqlite::Error> {
    let fresh = Cdr::clone(&fetched.cdr);
    let amended = filing::amend(connection, fetched.cdr.cdr_id, unix_ms, move |cdr| {
        *cdr = Cdr {
            version: cdr.version,
            notes: std::mem::take(&mut cdr.notes),
            tags: std::mem::take(&mut cdr.tags),
            customer: cdr.customer.take(),
            order: cdr.order.take(),
            linked: cdr.linked.take(),
            ..fresh
        };
        true
    })?;
    if amended.is_none() {
        // Its row is gone, by retention or with a lost database: this is the first of a new life.
        filing::append(connection, &fetched.cdr, unix_ms)?;
    }
    Ok(())
}

/// Our own record says which call of the PBX it is. One that says so of another source already stays as it is.
fn link(
    connection: &Connection,
    own: CallId,
    source: &str,
    external_id: &str,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    let theirs = ForeignRecord {
        source: source.to_owned(),
        external_id: external_id.to_owned(),
    };
    filing::amend(connection, own, unix_ms, move |cdr| {
        let is_new = cdr.linked.is_none();
        if is_new {
            cdr.linked = Some(theirs);
        }
        is_new
    })?;
    Ok(())
}

/// A call of the PBX that was filed as a record of its own.
pub(super) struct Theirs {
    /// Its row of pbx_records.
    pub(super) row: i64,
    /// The record that was filed for it.
    pub(super) cdr_id: [u8; 16],
    /// The name of its source.
    pub(super) source: String,
    /// Its identity there.
    pub(super) external_id: String,
}

/// The record filed for the PBX gives way to our own: a last version says which record stands for the call now
/// (`linked` beside `origin`), and it leaves the lists.
pub(super) fn give_way(
    connection: &Connection,
    site: &str,
    theirs: &Theirs,
    own: CallId,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    link(connection, own, &theirs.source, &theirs.external_id, unix_ms)?;
    let foreign = CallId(uuid::Uuid::from_bytes(theirs.cdr_id));
    let ours = ForeignRecord {
        source: site.to_owned(),
        external_id: own.to_string(),
    };
    filing::amend(connection, foreign, unix_ms, move |cdr| {
        cdr.linked = Some(ours);
        true
    })?;
    connection
        .prepare_cached("UPDATE pbx_records SET linked = 1, cdr_id = ?2 WHERE id = ?1")?
        .execute(params![theirs.row, cdrs::key(own)])?;
    Ok(())
}

fn quarantine(
    connection: &Connection,
    page: &SyncPage,
    rejected: &Rejected,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO pbx_quarantine (source, log, external_id, reason, digest, raw, first_ms, last_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
             ON CONFLICT (source, digest) DO UPDATE
             SET log = excluded.log, reason = excluded.reason, times = times + 1, last_ms = excluded.last_ms",
        )?
        .execute(params![
            page.source,
            page.log,
            rejected.external_id,
            rejected.reason,
            rejected.digest.as_slice(),
            rejected.raw,
            unix_ms,
        ])?;
    connection
        .prepare_cached("DELETE FROM pbx_quarantine WHERE id <= (SELECT max(id) FROM pbx_quarantine) - ?1")?
        .execute([QUARANTINE])?;
    Ok(())
}

fn note_progress(
    connection: &Connection,
    log: &str,
    leg: Legs,
    new: Counts,
    unix_ms: i64,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "UPDATE pbx_sync_logs
             SET fetched = fetched + ?2, created = created + ?3, updated = updated + ?4, unchanged = unchanged + ?5,
                 linked = linked + ?6, skipped = skipped + ?7, leg_from_ms = ?8, leg_to_ms = ?9, next_offset = ?10,
                 progress_ms = ?11
             WHERE id = ?1",
        )?
        .execute(params![
            log,
            signed(new.fetched),
            signed(new.created),
            signed(new.updated),
            signed(new.unchanged),
            signed(new.linked),
            signed(new.skipped),
            leg.from_ms,
            leg.to_ms,
            signed(leg.offset),
            unix_ms,
        ])?;
    Ok(())
}

fn counts(connection: &Connection, log: &str) -> Result<Counts, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT fetched, created, updated, unchanged, linked, skipped FROM pbx_sync_logs WHERE id = ?1",
        )?
        .query_row([log], |row| {
            Ok(Counts {
                fetched: unsigned(row.get(0)?),
                created: unsigned(row.get(1)?),
                updated: unsigned(row.get(2)?),
                unchanged: unsigned(row.get(3)?),
                linked: unsigned(row.get(4)?),
                skipped: unsigned(row.get(5)?),
            })
        })
}

/// No more of them at a time: the writer has calls to serve.
const PRUNED: i64 = 2_000;

/// Forgets what the PBX said of calls whose records are gone, by retention, when they began before anything that is
/// asked for now: one that is asked for again would come back as new.
pub(super) fn prune(connection: &Connection, source: &str, before_ms: i64) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "DELETE FROM pbx_records WHERE id IN (
                 SELECT id FROM pbx_records
                 WHERE start_ms < ?2 AND source = ?1
                 AND NOT EXISTS (SELECT 1 FROM cdrs WHERE cdrs.cdr_id = pbx_records.cdr_id)
                 ORDER BY start_ms LIMIT ?3)",
        )?
        .execute(params![source, before_ms, PRUNED])
}
