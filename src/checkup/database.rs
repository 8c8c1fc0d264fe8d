//! The database of call records.

use super::{Area, Line, Wanted, Whom};
use crate::store::{Examination, StoreError, examine, look_briefly};
use std::path::Path;

/// A database up to this size is looked at page by page; of a larger one, what a start needs.
const WHOLE_BYTES: u64 = 16 << 20;

pub(super) fn look(wanted: &Wanted) -> Line {
    let dir = &wanted.data_dir;
    let begun = (wanted.now)();
    let bytes = std::fs::metadata(dir.join("callpost.db")).map(|facts| facts.len());
    let line = match bytes {
        Err(_) if wanted.daemon.is_none() => {
            Line::ok(Area::Database, "", "there is none yet; the first start makes it")
        }
        Ok(bytes) if bytes > WHOLE_BYTES => large(dir, bytes),
        Ok(_) | Err(_) => match examine(dir) {
            Ok(found) => small(&found),
            Err(error) => unreadable(&error),
        },
    };
    line.took((wanted.now)().saturating_duration_since(begun))
}

const RESTART: &str = "restart the daemon: it sets the file aside, keeps it, and saves what can be read; then look after the disk";

fn small(found: &Examination) -> Line {
    if let Some(first) = found.damage.first() {
        return Line::fail(
            Area::Database,
            "",
            format!("damaged: {first}"),
            RESTART,
            Whom::Box,
        );
    }
    if found.duplicates > 0 {
        let text = format!(
            "{} rows are there twice: the index that forbids it is damaged",
            found.duplicates
        );
        return Line::fail(Area::Database, "", text, RESTART, Whom::Box);
    }
    let parked: u64 = found.outbox.iter().map(|backlog| backlog.parked).sum();
    let text = format!("sound, {} records, none twice", found.records);
    if parked > 0 {
        return Line::warn(
            Area::Database,
            "",
            format!("{text}; {parked} were refused by their receiver and set aside"),
            "see the page CDR delivery: send them again, or drop them",
            Whom::Receiver,
        );
    }
    Line::ok(Area::Database, "", text)
}

fn large(dir: &Path, bytes: u64) -> Line {
    match look_briefly(dir) {
        Ok(None) => Line::ok(
            Area::Database,
            "",
            format!(
                "what a start needs is sound ({} MB in all; `callpost db check` looks at every page)",
                bytes / 1_000_000
            ),
        ),
        Ok(Some(damage)) => Line::fail(
            Area::Database,
            "",
            format!("damaged: {damage}"),
            RESTART,
            Whom::Box,
        ),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &StoreError) -> Line {
    Line::fail(
        Area::Database,
        "",
        format!("cannot be read: {error}"),
        "run this as the user of the daemon or as root; if the file is damaged, restart the daemon, which saves what can be read",
        Whom::Box,
    )
}
