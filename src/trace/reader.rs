use super::frame::Traced;
use super::segments;
use super::tap::{Basin, TraceCounts};
use crate::model::CallId;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Most messages that are given of one call: far more than one that is well has.
const MOST_MESSAGES: usize = 5000;
/// How far a clock may have been put while a call went on.
const SLACK_US: i64 = 600_000_000;

/// Gives back what was traced. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TraceReader {
    basin: Arc<Basin>,
    folder: PathBuf,
}

/// When a call was, in milliseconds since 1970, so that not every file has to be looked into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// When it began, when that is known for certain.
    pub from_unix_ms: Option<i64>,
    /// When it ended; nothing while it goes on.
    pub to_unix_ms: Option<i64>,
}

impl TraceReader {
    pub(super) fn new(basin: Arc<Basin>, folder: PathBuf) -> Self {
        Self { basin, folder }
    }

    /// The messages of a call in the order they went by; empty when there are none, or none any more. Blocks.
    ///
    /// # Errors
    /// What the disk said.
    pub fn of_call(&self, call: CallId, span: Span) -> io::Result<Vec<Traced>> {
        self.basin.flush();
        let all = segments::list(&self.folder)?;
        let starts = |place: usize| all.get(place).map(|segment| segment.first_us);
        let mut found = Vec::new();
        for (place, segment) in all.iter().enumerate() {
            let is_before = span
                .from_unix_ms
                .zip(starts(place + 1))
                .is_some_and(|(from, next)| next < from.saturating_mul(1000).saturating_sub(SLACK_US));
            let is_after = span
                .to_unix_ms
                .is_some_and(|to| segment.first_us > to.saturating_mul(1000).saturating_add(SLACK_US));
            if is_before || is_after || found.len() >= MOST_MESSAGES {
                continue;
            }
            match segments::read(&segment.path, call, |message| found.push(message)) {
                // It was too old a moment ago.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        found.truncate(MOST_MESSAGES);
        Ok(found)
    }

    /// What was counted since the start.
    pub fn counts(&self) -> TraceCounts {
        self.basin.counts()
    }
}
