use super::text::{ago, date_and_time_within, fill};
use super::words::Words;
use crate::connectors::sync::{SourceView, Stats, SyncMode};

/// A figure above the lists.
#[derive(Debug, Default)]
pub(super) struct Card {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    /// `bad` or `warn` when it asks for something.
    pub(super) state: &'static str,
}

/// Records synced in all; mode, last sync and batch size of this source.
pub(super) fn of(w: &Words, stats: &Stats, source: &SourceView) -> Vec<Card> {
    let j = &w.journal;
    let several = stats.sources > 1;
    let whose = |note: &str| match (several, note) {
        (false, note) => note.to_owned(),
        (true, "") => source.name.clone(),
        (true, note) => format!("{} · {note}", source.name),
    };
    let status = match source.last_sync_status.as_deref() {
        Some("success") => j.success,
        Some("error") => j.error,
        Some(_) | None => "",
    };
    vec![
        Card {
            key: "total",
            label: j.total_synced,
            value: stats.total_records_synced.to_string(),
            ..Card::default()
        },
        Card {
            key: "mode",
            label: j.sync_mode,
            value: mode(w, source.sync_mode).to_owned(),
            note: whose(&when_next(w, source)),
            state: if source.is_active { "" } else { "warn" },
        },
        Card {
            key: "last",
            label: j.last_sync,
            value: source
                .last_sync_age_seconds
                .map_or_else(|| j.never.to_owned(), |seconds| ago(j, seconds)),
            note: whose(status),
            state: if status == j.error { "bad" } else { "" },
        },
        Card {
            key: "batch",
            label: j.batch_size,
            value: source.batch_size.to_string(),
            note: j.records_a_request.to_owned(),
            state: "",
        },
    ]
}

/// The sync mode in words.
pub(super) fn mode(w: &Words, mode: SyncMode) -> &'static str {
    match mode {
        SyncMode::Manual => w.journal.manual,
        SyncMode::Scheduled => w.journal.scheduled,
    }
}

/// When the schedule comes next, or that the source is switched off.
pub(super) fn when_next(w: &Words, source: &SourceView) -> String {
    match source.next_run_at {
        _ if !source.is_active => w.journal.inactive.to_owned(),
        Some(next) => fill(w.journal.next_run, &[("time", &date_and_time_within(next))]),
        None => String::new(),
    }
}
