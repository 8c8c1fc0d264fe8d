//! The disk: room, and how long it takes until something written is safe.

use super::{Area, Line, Wanted, Whom};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

/// What is written at once: a piece of a recording.
const BYTES: usize = 64 * 1024;
/// A call is only answered when its record is safe; a caller feels what takes longer.
const SLOW: Duration = Duration::from_millis(200);
/// And gives up at about this.
const GRAVE: Duration = Duration::from_secs(2);

pub(super) fn look(wanted: &Wanted) -> Vec<Line> {
    let mut lines = vec![one(wanted, &wanted.data_dir, "data")];
    lines.extend(
        wanted
            .recordings
            .as_deref()
            .map(|place| one(wanted, place, "recordings")),
    );
    lines
}

fn one(wanted: &Wanted, place: &Path, about: &str) -> Line {
    let shown = place.display();
    let begun = (wanted.now)();
    if let Err(error) = write_and_sync(place) {
        return unwritable(wanted, place, about, &error);
    }
    let took = (wanted.now)().saturating_duration_since(begun);
    let Some((free, total)) = room(place) else {
        return Line::ok(
            Area::Disk,
            about,
            format!("{shown} can be written, safe after {} ms", took.as_millis()),
        );
    };
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let text = format!(
        "{shown}: {} MB of {} MB free, a write is safe after {} ms",
        megabytes(free),
        megabytes(total),
        took.as_millis()
    );
    if free < wanted.keep_free_bytes {
        return Line::fail(
            Area::Disk,
            about,
            format!("{text}: too little, recordings have stopped"),
            "make room, let recordings go earlier ([recording] retention_days), or lower [recording] keep_free_megabytes",
            Whom::Box,
        )
        .took(took);
    }
    if took > SLOW {
        let cure = "calls wait for it: use another card or disk, and see what else writes to this one";
        return if took > GRAVE {
            Line::fail(Area::Disk, about, text, cure, Whom::Box).took(took)
        } else {
            Line::warn(Area::Disk, about, text, cure, Whom::Box).took(took)
        };
    }
    if free < wanted.keep_free_bytes.saturating_mul(2) || free < total / 20 {
        return Line::warn(
            Area::Disk,
            about,
            format!("{text}: nearly full"),
            "make room, or let recordings go earlier ([recording] retention_days)",
            Whom::Box,
        )
        .took(took);
    }
    Line::ok(Area::Disk, about, text).took(took)
}

fn unwritable(wanted: &Wanted, place: &Path, about: &str, error: &io::Error) -> Line {
    let shown = place.display();
    if error.kind() == io::ErrorKind::NotFound && wanted.daemon.is_none() {
        return Line::warn(
            Area::Disk,
            about,
            format!("{shown} is not there yet; the daemon makes it at its first start"),
            "nothing, when this box is new; look at [site] data_dir otherwise",
            Whom::Box,
        );
    }
    let cure = if error.kind() == io::ErrorKind::PermissionDenied {
        "let the user of the daemon write there, or run this as that user"
    } else {
        "make room if the disk is full; a file system that became read-only has to be checked (fsck), and its card replaced"
    };
    let text = format!("{shown} cannot be written: {error}");
    Line::fail(Area::Disk, about, text, cure, Whom::Box)
}

fn write_and_sync(place: &Path) -> io::Result<()> {
    let probe = place.join(format!(".callpost-selftest-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&probe)
        .and_then(|mut file| {
            file.write_all(&vec![0x55; BYTES])?;
            file.sync_all()
        });
    // What could not be made need not be removed.
    let _ = fs::remove_file(&probe);
    written
}

/// Free for us, and in all.
fn room(place: &Path) -> Option<(u64, u64)> {
    let facts = rustix::fs::statvfs(place).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(facts.f_frsize);
    Some((bytes(facts.f_bavail), bytes(facts.f_blocks)))
}
