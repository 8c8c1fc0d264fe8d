use super::{from_body, signed, to_body, unsigned};
use crate::model::RecordingId;
use crate::store::evidence::{ChainEntry, ChainReport, Deed, DeedMark};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// What the first entry of a chain is bound to.
pub(super) const NOTHING: [u8; 32] = [0; 32];
/// Entries read at once when all of them are looked at.
const LOT: i64 = 1000;

/// An entry as it stands in its row.
struct Link {
    place: i64,
    recording: Vec<u8>,
    hash: Vec<u8>,
    sha256: Option<Vec<u8>>,
    bytes: Option<i64>,
    body: Option<String>,
}

impl Link {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            place: row.get(0)?,
            recording: row.get(1)?,
            hash: row.get(2)?,
            sha256: row.get(3)?,
            bytes: row.get(4)?,
            body: row.get(5)?,
        })
    }

    /// SHA-256 over the hash before and everything this entry says; every part with its length, so that none runs into
    /// the next.
    fn bound_to(&self, before: &[u8]) -> Vec<u8> {
        let bytes = self.bytes.map(i64::to_le_bytes);
        let parts: [&[u8]; 5] = [
            before,
            &self.recording,
            self.sha256.as_deref().unwrap_or_default(),
            bytes.as_ref().map_or(&[], |bytes| &bytes[..]),
            self.body.as_deref().unwrap_or_default().as_bytes(),
        ];
        bind(&parts)
    }

    fn deed(&self) -> Option<Deed> {
        match &self.body {
            Some(body) => from_body("recording_chain", &self.place.to_string(), body),
            None => Some(Deed {
                after: self.sha256.as_deref().map(hex),
                bytes: self.bytes.map(unsigned),
                ..Deed::new(DeedMark::Written)
            }),
        }
    }
}

/// SHA-256 over all parts, each with its length.
pub(super) fn bind(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// Adds an entry behind the last one.
pub(in crate::store) fn add(
    connection: &Connection,
    id: RecordingId,
    deed: &Deed,
) -> Result<(), rusqlite::Error> {
    let body = to_body(deed)?;
    add_link(connection, id, None, None, Some(body))
}

/// Adds that a file is complete, unless that very file is the last thing known of the recording.
pub(in crate::store) fn add_written(
    connection: &Connection,
    id: RecordingId,
    sha256: Option<&str>,
    bytes: Option<u64>,
) -> Result<(), rusqlite::Error> {
    let Some(sha256) = sha256 else { return Ok(()) };
    let known = of(connection, id)?;
    let last = known.into_iter().rev().find_map(|entry| entry.deed.after);
    if last.as_deref() == Some(sha256) {
        return Ok(());
    }
    add_link(connection, id, Some(raw(sha256)), bytes.map(signed), None)
}

fn add_link(
    connection: &Connection,
    id: RecordingId,
    sha256: Option<Vec<u8>>,
    bytes: Option<i64>,
    body: Option<String>,
) -> Result<(), rusqlite::Error> {
    let last: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT place, hash FROM recording_chain ORDER BY place DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (place, before) = last.unwrap_or_else(|| (0, NOTHING.to_vec()));
    let mut link = Link {
        place: place.saturating_add(1),
        recording: id.0.as_bytes().to_vec(),
        hash: Vec::new(),
        sha256,
        bytes,
        body,
    };
    link.hash = link.bound_to(&before);
    connection
        .prepare_cached(
            "INSERT INTO recording_chain (place, recording, hash, sha256, bytes, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            link.place,
            link.recording,
            link.hash,
            link.sha256,
            link.bytes,
            link.body
        ])?;
    Ok(())
}

/// What was done to a recording, in order.
pub(in crate::store) fn of(
    connection: &Connection,
    id: RecordingId,
) -> Result<Vec<ChainEntry>, rusqlite::Error> {
    let mut select = connection.prepare_cached(
        "SELECT place, recording, hash, sha256, bytes, body FROM recording_chain
         WHERE recording = ?1 ORDER BY place",
    )?;
    let found = select
        .query_map(params![id.0.as_bytes()], Link::read)?
        .collect::<Result<Vec<_>, _>>()?;
    let entry = |link: Link| {
        Some(ChainEntry {
            place: unsigned(link.place),
            deed: link.deed()?,
            hash: hex(&link.hash),
        })
    };
    Ok(found.into_iter().filter_map(entry).collect())
}

/// Computes every entry anew, a lot at a time from `report`'s end on. False: that was the last.
pub(in crate::store) fn check(
    connection: &Connection,
    report: &mut ChainReport,
) -> Result<bool, rusqlite::Error> {
    let mut select = connection.prepare_cached(
        "SELECT place, recording, hash, sha256, bytes, body FROM recording_chain
         WHERE place > ?1 ORDER BY place LIMIT ?2",
    )?;
    let mut rows = select.query(params![signed(report.last_place), LOT])?;
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let link = Link::read(row)?;
        let place = unsigned(link.place);
        let before = report.head.as_deref().map_or_else(|| NOTHING.to_vec(), raw);
        let is_bound = link.hash == link.bound_to(&before) && place == report.last_place + 1;
        if !is_bound && report.broken_at.is_none() {
            report.broken_at = Some(place);
        }
        report.entries += 1;
        report.last_place = place;
        report.head = Some(hex(&link.hash));
        looked_at += 1;
    }
    Ok(looked_at == LOT)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that hexadecimal digits name; anything else ends them.
pub(super) fn raw(text: &str) -> Vec<u8> {
    let pairs = (0..text.len() / 2).map_while(|place| text.get(place * 2..place * 2 + 2));
    pairs
        .map_while(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
