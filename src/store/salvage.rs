use super::StoreError;
use super::birth::beside;
use super::connection::{CHECKED_WHOLE_BYTES, open_for_reading};
use super::filing::Filed;
use super::tables::packing::Packed;
use super::tables::{cdrs, from_body, meta, outbox, signed, to_body};
use crate::model::Cdr;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A damaged database that was set aside. It is never deleted by us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Where the damaged file is now.
    pub path: PathBuf,
    /// What was found wrong with it.
    pub reason: String,
    /// Call records saved into the fresh database.
    pub cdrs: u64,
    /// All rows saved, call records included.
    pub rows: u64,
    /// Whether every table could be read to its end.
    pub complete: bool,
    /// Whether the records come over later, beside the calls, because there are very many.
    pub rest_follows: bool,
}

/// Gives the damaged database and its companions a second name, `callpost.db.corrupt-<stamp>…`, under which they stay.
/// The first one is taken by what could be saved, once that is complete; a start that is cut before finds the
/// damage again, and the second name too.
///
/// # Errors
/// When it cannot be named.
pub(super) fn set_aside(path: &Path, unix_ms: i64) -> Result<PathBuf, StoreError> {
    let aside = match known_aside(path) {
        Some(aside) => aside,
        None => {
            let aside = free_name(path, unix_ms);
            keep_as(path, &aside)?;
            aside
        }
    };
    for companion in ["-wal", "-shm"] {
        let (from, to) = (beside(path, companion), beside(&aside, companion));
        // One of an earlier start says nothing about the file as it is now.
        let _ = fs::remove_file(&to);
        if from.exists() {
            keep_as(&from, &to)?;
        }
    }
    Ok(aside)
}

/// By a link, or a copy where the file system has no links.
fn keep_as(path: &Path, name: &Path) -> Result<(), StoreError> {
    fs::hard_link(path, name)
        .or_else(|_no_links| fs::copy(path, name).map(drop))
        .map_err(|cause| StoreError::File {
            path: name.to_owned(),
            cause,
        })
}

/// The second name that an earlier start gave this very file.
fn known_aside(path: &Path) -> Option<PathBuf> {
    let file = fs::metadata(path).ok()?;
    let prefix = beside(path, ".corrupt-").file_name()?.to_owned();
    let entries = fs::read_dir(path.parent()?).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|entry| {
        let named = entry
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()));
        named && fs::metadata(entry).is_ok_and(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()))
    })
}

/// A box without a clock may set two databases aside in the same millisecond of 1970.
fn free_name(path: &Path, unix_ms: i64) -> PathBuf {
    let named = |stamp: i64| beside(path, &format!(".corrupt-{stamp}"));
    let mut stamp = unix_ms;
    while named(stamp).exists() {
        stamp = stamp.saturating_add(1);
    }
    named(stamp)
}

/// Where the fresh database keeps what a start has not told yet, or what has not come over yet.
const SALVAGE: &str = "salvage";

impl SetAside {
    /// Writes it down in the fresh database.
    fn note(&self, fresh: &Connection) -> Result<(), rusqlite::Error> {
        meta::set(fresh, SALVAGE, Some(&to_body(self)?))
    }

    /// What an earlier start wrote down.
    pub(super) fn noted(fresh: &Connection) -> Result<Option<Self>, rusqlite::Error> {
        let text = meta::get(fresh, SALVAGE)?;
        Ok(text.and_then(|text| from_body("meta", SALVAGE, &text)))
    }

    /// Everything has come over, and a start has told.
    pub(super) fn forget(fresh: &Connection) -> Result<(), rusqlite::Error> {
        meta::set(fresh, SALVAGE, None)
    }
}

/// Tables that are made anew from the records, or that belong to the new database.
const NOT_COPIED: [&str; 6] = ["cdrs", "words", "numbers", "number_pages", "days", "meta"];
/// Of a large database these come over later, with the records.
const LATER: [&str; 3] = ["call_stories", "outbox", "parked"];

/// Copies every row that can still be read. A table is read from its beginning and, when that breaks off,
/// from its end. The records of a large database follow beside the calls: see `rescue`.
pub(super) fn save_what_is_readable(aside: &Path, fresh: &Connection, reason: String) -> SetAside {
    let bytes = fs::metadata(aside).map_or(0, |facts| facts.len());
    let mut saved = SetAside {
        path: aside.to_owned(),
        reason,
        cdrs: 0,
        rows: 0,
        complete: false,
        rest_follows: bytes > CHECKED_WHOLE_BYTES,
    };
    let (Ok(old), Ok(tables)) = (open_for_reading(aside), tables_of(fresh)) else {
        return saved;
    };
    keep_the_name(&old, fresh);
    saved.complete = true;
    if saved.rest_follows {
        saved.rest_follows = leave_room(&old, fresh).is_ok();
        saved.complete &= saved.rest_follows;
    } else {
        (saved.cdrs, saved.complete) = save_records(&old, fresh);
    }
    saved.rows = saved.cdrs;
    let mut outbox_whole = true;
    for table in tables.iter().map(String::as_str) {
        let later = saved.rest_follows && LATER.contains(&table);
        if NOT_COPIED.contains(&table) || later {
            continue;
        }
        let (rows, whole) = save_table(&old, fresh, table);
        saved.rows += rows;
        saved.complete &= whole;
        if matches!(table, "outbox" | "upstreams") {
            outbox_whole &= whole;
        }
    }
    let queued = if outbox_whole {
        Ok(())
    } else {
        outbox::queue_everything(fresh)
    };
    saved.complete &= queued.and_then(|()| outbox::recount(fresh)).is_ok();
    saved.complete &= saved.note(fresh).is_ok();
    saved
}

fn tables_of(fresh: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    fresh
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// New records get numbers behind those that are still to come over.
fn leave_room(old: &Connection, fresh: &Connection) -> Result<(), rusqlite::Error> {
    let highest = cdrs::ends(old)
        .map(|(_, latest)| latest.unwrap_or(0))
        .or_else(|_damaged| cdrs::highest_filed(old))?;
    fresh.execute("DELETE FROM sqlite_sequence WHERE name = 'cdrs'", [])?;
    fresh.execute(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('cdrs', ?1)",
        [signed(highest)],
    )?;
    Ok(())
}

/// The box is still the same box, though its database begins anew.
fn keep_the_name(old: &Connection, fresh: &Connection) {
    if let Ok(Some(name)) = meta::get(old, "appliance_id") {
        // Not written: the start gives the box a new name, and says nothing wrong.
        let _ = meta::set(fresh, "appliance_id", Some(&name));
    }
}

/// Files every record that can still be read under its old `seq`, so that dictionaries and tallies are made anew:
/// from the beginning and, when that breaks off, from the end. How many came over, and whether all did.
fn save_records(old: &Connection, fresh: &Connection) -> (u64, bool) {
    if fresh.execute_batch("BEGIN").is_err() {
        return (0, false);
    }
    let mut saved = 0;
    let forward = copy_records(
        old,
        fresh,
        "SELECT seq, filed_ms, body FROM cdrs ORDER BY seq",
        &mut saved,
    );
    if forward.is_err() {
        // The rows behind the damage; those that came over already are recognised.
        let backward = "SELECT seq, filed_ms, body FROM cdrs ORDER BY seq DESC";
        let _ = copy_records(old, fresh, backward, &mut saved);
    }
    if fresh.execute_batch("COMMIT").is_err() {
        return (0, false);
    }
    (saved, forward.is_ok_and(|whole| whole))
}

/// Whether every row could be read.
fn copy_records(
    old: &Connection,
    fresh: &Connection,
    select: &str,
    saved: &mut u64,
) -> Result<bool, rusqlite::Error> {
    let mut whole = true;
    let mut select = old.prepare(select)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let record = row
            .get::<_, Packed>(2)
            .ok()
            .and_then(|body| Some((from_body::<Cdr>("cdrs", &seq.to_string(), &body.0)?, body.0)));
        let Some((cdr, body)) = record else {
            whole = false;
            continue;
        };
        match cdrs::file_as(fresh, &cdr, row.get(1).unwrap_or(0), Some(seq), &body) {
            Ok(Filed::New(_)) => *saved += 1,
            Ok(Filed::Already(_)) => {}
            Err(_) => whole = false,
        }
    }
    Ok(whole)
}

/// How many rows came over, and whether all did.
fn save_table(old: &Connection, fresh: &Connection, table: &str) -> (u64, bool) {
    let Ok(columns) = shared_columns(old, fresh, table) else {
        return (0, false);
    };
    if columns.is_empty() {
        return (0, false);
    }
    if fresh.execute_batch("BEGIN").is_err() {
        return (0, false);
    }
    let mut rows = 0;
    let forward = copy_rows(old, fresh, table, &columns, "1 ASC", &mut rows);
    if forward.is_err() {
        // The rows behind the damage; those that came over already are ignored.
        let _ = copy_rows(old, fresh, table, &columns, "1 DESC", &mut rows);
    }
    if fresh.execute_batch("COMMIT").is_err() {
        return (0, false);
    }
    (rows, forward.is_ok())
}

/// The columns that both databases have, so that a database of an earlier release can be saved too.
fn shared_columns(old: &Connection, fresh: &Connection, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    let theirs = columns_of(old, table)?;
    Ok(columns_of(fresh, table)?
        .into_iter()
        .filter(|column| theirs.contains(column))
        .collect())
}

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    connection
        .prepare("SELECT name FROM pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

fn copy_rows(
    old: &Connection,
    fresh: &Connection,
    table: &str,
    columns: &[String],
    order: &str,
    copied: &mut u64,
) -> Result<(), rusqlite::Error> {
    // Every word here is a name of our own schema; the values go in as parameters.
    let list = columns.join(", ");
    let places = vec!["?"; columns.len()].join(", ");
    let select = ["SELECT ", &list, " FROM ", table, " ORDER BY ", order].concat();
    let insert = [
        "INSERT OR IGNORE INTO ",
        table,
        " (",
        &list,
        ") VALUES (",
        &places,
        ")",
    ]
    .concat();
    let mut select = old.prepare(&select)?;
    let mut insert = fresh.prepare(&insert)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..columns.len())
            .map(|place| row.get::<_, Value>(place))
            .collect::<Result<Vec<_>, _>>()?;
        // A row that a constraint refuses is damage too; the others go on.
        if let Ok(added) = insert.execute(params_from_iter(values)) {
            *copied += u64::try_from(added).unwrap_or(0);
        }
    }
    Ok(())
}
