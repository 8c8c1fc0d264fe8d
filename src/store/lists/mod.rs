//! Lists of call records that stay fast however many there are: what is asked for becomes a few small integers,
//! [`spans`] tells which rows can have it, and only those are looked at.

mod by_seq;
mod by_start;
mod entry;
mod filter;
mod numbers;
#[cfg(test)]
mod plans;
mod sought;
mod spans;

pub use filter::{CdrFilter, CdrPage, NumberMatch, OriginMatch};

use super::StoreError;
use super::tables::{cdrs, from_body};
use rusqlite::Connection;
use sought::Sought;

/// Reads one page.
///
/// # Errors
/// When the database cannot be read.
pub(super) fn page(connection: &Connection, filter: &CdrFilter) -> Result<CdrPage, StoreError> {
    let limit = filter.limit.clamp(1, CdrFilter::MOST);
    let (oldest_seq, latest_seq) = cdrs::ends(connection)?;
    let found = match Sought::resolve(connection, filter)? {
        // A name or number that no record ever had.
        None => Found::default(),
        Some(sought) if filter.by_start => by_start::find(connection, &sought, filter, limit)?,
        Some(sought) => by_seq::find(connection, &sought, filter, limit)?,
    };
    let mut page = CdrPage {
        items: Vec::new(),
        has_more: found.rows.len() > limit,
        last_seq: None,
        oldest_seq,
        latest_seq,
        total: filter.count.then_some(found.total),
        total_is_least: found.total_is_least,
    };
    for (seq, body) in found.rows.into_iter().take(limit) {
        page.last_seq = Some(seq);
        page.items
            .extend(from_body("cdrs", &seq.to_string(), &body).map(|cdr| (seq, cdr)));
    }
    Ok(page)
}

/// What a search leads to.
#[derive(Debug, Default)]
struct Found {
    /// Up to one row more than was asked for: its `seq` and text.
    rows: Vec<(u64, String)>,
    /// How many rows match in all; 0 when nobody asked.
    total: u64,
    /// Whether there may be more than that.
    total_is_least: bool,
}
