use super::chain::{NOTHING, bind, hex, raw};
use super::{from_body, signed, to_body, unsigned};
use crate::store::audit::{AuditEntry, AuditNote, AuditPage};
use crate::store::evidence::ChainReport;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Entries read at once when all of them are looked at.
const LOT: i64 = 1000;

struct Link {
    place: i64,
    body: String,
    hash: Vec<u8>,
}

impl Link {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            place: row.get(0)?,
            body: row.get(1)?,
            hash: row.get(2)?,
        })
    }
}

/// Adds an entry behind the last one.
pub(in crate::store) fn add(connection: &Connection, note: &AuditNote) -> Result<(), rusqlite::Error> {
    let last: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT place, hash FROM audit ORDER BY place DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (place, before) = last.unwrap_or_else(|| (0, NOTHING.to_vec()));
    let body = to_body(note)?;
    let hash = bind(&[&before, body.as_bytes()]);
    connection
        .prepare_cached("INSERT INTO audit (place, body, hash) VALUES (?1, ?2, ?3)")?
        .execute(params![place.saturating_add(1), body, hash])?;
    Ok(())
}

/// One page.
pub(in crate::store) fn page(
    connection: &Connection,
    page: AuditPage,
    limit: usize,
) -> Result<Vec<AuditEntry>, rusqlite::Error> {
    let (sql, place) = match page {
        AuditPage::Before(place) => (
            "SELECT place, body, hash FROM audit WHERE place < ?1 ORDER BY place DESC LIMIT ?2",
            place.map_or(i64::MAX, signed),
        ),
        AuditPage::After(place) => (
            "SELECT place, body, hash FROM audit WHERE place > ?1 ORDER BY place LIMIT ?2",
            signed(place),
        ),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(sql)?;
    let links = select.query_map(params![place, limit], Link::read)?;
    let mut entries = Vec::new();
    for link in links {
        let Link { place, body, hash } = link?;
        let note = from_body("audit", &place.to_string(), &body);
        entries.extend(note.map(|note| AuditEntry {
            place: unsigned(place),
            note,
            hash: hex(&hash),
        }));
    }
    Ok(entries)
}

/// Computes every entry anew, a lot at a time from `report`'s end on. False: that was the last.
pub(in crate::store) fn check(
    connection: &Connection,
    report: &mut ChainReport,
) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT place, body, hash FROM audit WHERE place > ?1 ORDER BY place LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![signed(report.last_place), LOT])?;
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let link = Link::read(row)?;
        let place = unsigned(link.place);
        let before = report.head.as_deref().map_or_else(|| NOTHING.to_vec(), raw);
        let is_bound = link.hash == bind(&[&before, link.body.as_bytes()])
            && place == report.last_place.saturating_add(1);
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
