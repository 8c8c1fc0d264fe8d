//! What can be the matter, and what to do about it: the page shows the causes that fit.

use super::view::Skip;
use super::{Schedule, Settings, SyncMode};
use crate::egress::Author;
use crate::store::{PbxSource, SyncLog, SyncStatus};
use serde::Serialize;

/// A cause that fits what is seen, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Which question it answers: `no_data` or `not_scheduled`.
    pub about: &'static str,
    /// A word for programs and for translations.
    pub code: &'static str,
    /// The cause, in plain words.
    pub cause: String,
    /// What to do.
    pub cure: &'static str,
}

/// Why no data came, as far as the last fetch tells.
pub(super) fn no_data(source: &PbxSource, settings: &Settings, last: Option<&SyncLog>) -> Vec<Advice> {
    let tell = |code, cause: String, cure| Advice {
        about: "no_data",
        code,
        cause,
        cure,
    };
    let mut found = Vec::new();
    if !settings.is_active {
        found.push(tell(
            "inactive",
            "The source is not active.".to_owned(),
            "Activate it in its configuration.",
        ));
    }
    let Some(last) = last else {
        found.push(tell(
            "never",
            "It has never been asked.".to_owned(),
            "Start a sync, or choose a schedule.",
        ));
        return found;
    };
    match (last.status, last.counts) {
        (SyncStatus::Running, _) => found.push(tell(
            "running",
            format!("A sync is running; {} records so far.", last.counts.fetched),
            "Wait for its end.",
        )),
        (SyncStatus::Error, _) => found.push(tell(
            "error",
            format!("The last sync failed: {}.", last.error.as_deref().unwrap_or("no reason is known")),
            "Test the source; the failing step says what to do.",
        )),
        (SyncStatus::Success, counts) if counts.fetched == 0 => found.push(tell(
            "empty",
            format!(
                "The PBX has no calls of domain \"{}\" in the range that was asked for, or its answer was empty.",
                settings.domain
            ),
            "Check the domain and the time zone of the PBX; ask for a longer range.",
        )),
        (SyncStatus::Success, counts) if counts.skipped == counts.fetched => found.push(tell(
            "quarantined",
            format!("None of the {} records could be taken over.", counts.fetched),
            "The quarantine shows each with its reason.",
        )),
        (SyncStatus::Success, counts) if counts.created == 0 => found.push(tell(
            "all_known",
            format!("All {} records were here already.", counts.updated),
            "Nothing is wrong. A longer range brings older calls.",
        )),
        (SyncStatus::Success, _) => {}
    }
    let _ = source;
    found
}

/// Why the schedule does not run.
pub(super) fn not_scheduled(settings: &Settings, author: Author, skip: Option<&Skip>) -> Vec<Advice> {
    let tell = |code, cause: String, cure| Advice {
        about: "not_scheduled",
        code,
        cause,
        cure,
    };
    let mut found = Vec::new();
    match settings.sync_mode {
        SyncMode::Manual => found.push(tell(
            "manual",
            "The sync mode is MANUAL.".to_owned(),
            "Choose SCHEDULED.",
        )),
        SyncMode::Scheduled => {}
    }
    if !settings.is_active {
        found.push(tell(
            "inactive",
            "The source is not active.".to_owned(),
            "Activate it.",
        ));
    }
    if let Err(error) = Schedule::parse(&settings.cron_expression) {
        found.push(tell(
            "cron",
            format!("The schedule cannot be read: {error}."),
            "Mend the expression.",
        ));
    }
    if let Err((problem, cure)) = settings.url(author) {
        found.push(tell("address", format!("The address {problem}."), cure));
    }
    if let Some(skip) = skip {
        found.push(tell(
            "skipped",
            format!("The moment {} was passed over: {}.", skip.at, skip.reason),
            "The next one is served when the reason is gone.",
        ));
    }
    found
}
