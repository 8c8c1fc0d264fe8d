use super::filter::NumberMatch;
use crate::store::tables::names::{self, At};
use rusqlite::{Connection, params};
use std::collections::HashSet;

/// The numbers that are looked for.
#[derive(Debug)]
pub(super) struct Numbers {
    places: HashSet<i64>,
}

/// With more numbers than this a walk over the rows meets one soon enough.
const MOST_PLACES: usize = 1000;

/// Nothing when no record has such a number.
pub(super) fn find(
    connection: &Connection,
    wanted: &NumberMatch,
) -> Result<Option<Numbers>, rusqlite::Error> {
    let places = match wanted {
        NumberMatch::Exact(number) => names::known_number(connection, number)?.into_iter().collect(),
        NumberMatch::Prefix(part) => names::numbers_with(connection, part, At::Start)?,
        NumberMatch::Suffix(part) => names::numbers_with(connection, part, At::End)?,
        NumberMatch::Any(part) => names::numbers_with(connection, part, At::Anywhere)?,
    };
    Ok((!places.is_empty()).then(|| Numbers {
        places: places.into_iter().collect(),
    }))
}

impl Numbers {
    /// Whether a row's caller, dialled number or callee is one of them.
    pub(super) fn has(&self, roles: [Option<i64>; 3]) -> bool {
        roles
            .into_iter()
            .flatten()
            .any(|place| self.places.contains(&place))
    }

    /// The rows that have one of the numbers, ascending, when there are at most `most`; else nothing, and a walk
    /// meets them often.
    pub(super) fn rows(
        &self,
        connection: &Connection,
        most: usize,
    ) -> Result<Option<Vec<i64>>, rusqlite::Error> {
        if self.places.len() > MOST_PLACES {
            return Ok(None);
        }
        let places = self.as_json();
        let mut seqs = Vec::new();
        for sql in [
            "SELECT seq FROM cdrs WHERE caller IN (SELECT value FROM json_each(?1)) LIMIT ?2",
            "SELECT seq FROM cdrs WHERE dialed IN (SELECT value FROM json_each(?1)) LIMIT ?2",
            "SELECT seq FROM cdrs WHERE callee IN (SELECT value FROM json_each(?1)) LIMIT ?2",
        ] {
            let mut select = connection.prepare_cached(sql)?;
            let room = i64::try_from(most - seqs.len() + 1).unwrap_or(i64::MAX);
            let mut rows = select.query(params![places, room])?;
            while let Some(row) = rows.next()? {
                seqs.push(row.get(0)?);
            }
            if seqs.len() > most {
                return Ok(None);
            }
        }
        seqs.sort_unstable();
        seqs.dedup();
        Ok(Some(seqs))
    }

    fn as_json(&self) -> String {
        let places: Vec<String> = self.places.iter().map(i64::to_string).collect();
        format!("[{}]", places.join(","))
    }

    /// The newest `most` rows that have one of the numbers, descending, and whether those are all. A single number
    /// is followed through its indexes; of many, what the newest `looked_at` rows have.
    pub(super) fn newest_rows(
        &self,
        connection: &Connection,
        most: usize,
        looked_at: i64,
    ) -> Result<(Vec<i64>, bool), rusqlite::Error> {
        if let Some(mut seqs) = self.rows(connection, most)? {
            seqs.reverse();
            return Ok((seqs, true));
        }
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        if let (1, Some(place)) = (self.places.len(), self.places.iter().next()) {
            let sql = "SELECT seq FROM cdrs WHERE caller = ?1 UNION SELECT seq FROM cdrs WHERE dialed = ?1
                       UNION SELECT seq FROM cdrs WHERE callee = ?1 ORDER BY seq DESC LIMIT ?2";
            let seqs = connection
                .prepare_cached(sql)?
                .query_map(params![place, limit], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            return Ok((seqs, false));
        }
        let sql = "SELECT seq, caller, dialed, callee FROM cdrs ORDER BY seq DESC LIMIT ?1";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query(params![looked_at])?;
        let mut seqs = Vec::new();
        while let Some(row) = rows.next()? {
            if self.has([row.get(1)?, row.get(2)?, row.get(3)?]) {
                seqs.push(row.get(0)?);
                if seqs.len() == most {
                    break;
                }
            }
        }
        Ok((seqs, false))
    }
}
