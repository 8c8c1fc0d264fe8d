//! Room on the disk: recordings stop first, so that there is some left for call records.

use super::Roots;
use crate::model::RecordingKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is kept free of recordings, and what that has cost so far. Cheap to clone; any thread may look.
#[derive(Debug, Clone)]
pub struct SpaceWatch(Arc<Space>);

#[derive(Debug)]
struct Space {
    roots: Roots,
    keep_bytes: u64,
    is_short: [AtomicBool; 2],
    cut: AtomicU64,
    left_out: AtomicU64,
}

/// Recordings are given up for want of space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceShort {
    /// Bytes that are free now.
    pub free_bytes: u64,
    /// Bytes that are kept free of recordings.
    pub keep_bytes: u64,
}

impl SpaceWatch {
    pub(super) fn new(roots: Roots, keep_bytes: u64) -> Self {
        Self(Arc::new(Space {
            roots,
            keep_bytes,
            is_short: [AtomicBool::new(false), AtomicBool::new(false)],
            cut: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }))
    }

    /// Whether recordings are given up now, of whichever kind.
    pub fn now(&self) -> Option<SpaceShort> {
        self.of(RecordingKind::Conversation)
            .or_else(|| self.of(RecordingKind::Voicemail))
    }

    /// Recordings that were ended before their call was, since the start.
    pub fn cut(&self) -> u64 {
        self.0.cut.load(Ordering::Relaxed)
    }

    /// Recordings that were not begun at all, since the start.
    pub fn left_out(&self) -> u64 {
        self.0.left_out.load(Ordering::Relaxed)
    }

    pub(super) fn count_cut(&self) {
        self.0.cut.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_left_out(&self) {
        self.0.left_out.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks at the disk of this kind of recording. Once it was short it is well again only with an eighth more than
    /// is kept, so that it does not come and go.
    pub(super) fn of(&self, kind: RecordingKind) -> Option<SpaceShort> {
        let Space {
            roots,
            keep_bytes,
            is_short,
            ..
        } = &*self.0;
        let (root, is_short) = match kind {
            RecordingKind::Conversation => (&roots.recordings, &is_short[0]),
            RecordingKind::Voicemail => (&roots.voicemail, &is_short[1]),
        };
        // A disk that cannot be asked is full when a write says so.
        let free_bytes = free_bytes(root)?;
        let wanted = if is_short.load(Ordering::Relaxed) {
            keep_bytes.saturating_add(keep_bytes / 8)
        } else {
            *keep_bytes
        };
        let short = free_bytes < wanted;
        is_short.store(short, Ordering::Relaxed);
        short.then_some(SpaceShort {
            free_bytes,
            keep_bytes: *keep_bytes,
        })
    }
}

impl std::fmt::Display for SpaceShort {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let megabytes = |bytes: u64| bytes / (1024 * 1024);
        write!(
            out,
            "the disk has {} MB left, and {} MB are kept for call records",
            megabytes(self.free_bytes),
            megabytes(self.keep_bytes)
        )
    }
}

/// Free bytes for an ordinary program where `path` is or will be.
fn free_bytes(path: &Path) -> Option<u64> {
    let facts = path.ancestors().find_map(|place| {
        // The current directory has no name in a relative path.
        let place = if place.as_os_str().is_empty() {
            Path::new(".")
        } else {
            place
        };
        rustix::fs::statvfs(place).ok()
    })?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}
