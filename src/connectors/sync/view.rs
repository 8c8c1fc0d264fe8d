use super::SyncMode;
use crate::model::Stamp;
use crate::store::{Counts, SyncStatus};
use serde::Serialize;

/// A source as people see it: everything but its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceView {
    /// Identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it stands in the configuration file; then it is changed there alone.
    pub from_file: bool,
    /// The address of its records.
    pub api_url: String,
    /// The tenant asked for.
    pub domain: String,
    /// Whether it has a key. The key itself never comes out.
    pub has_api_key: bool,
    /// `MANUAL` or `SCHEDULED`.
    pub sync_mode: SyncMode,
    /// When it is asked.
    pub cron_expression: String,
    /// Whether it is asked at all.
    pub is_active: bool,
    /// How many days the first fetch reaches back.
    pub days_back: u32,
    /// Rows a page.
    pub batch_size: u32,
    /// How much of the time before the last fetch is asked for again.
    pub overlap_hours: u32,
    /// The zone of the PBX's clock.
    pub timezone: String,
    /// Whether plain http is allowed.
    pub allow_http: bool,
    /// When the last fetch ended.
    pub last_sync_at: Option<Stamp>,
    /// How long ago that was, in seconds.
    pub last_sync_age_seconds: Option<u64>,
    /// `success` or `error`.
    pub last_sync_status: Option<String>,
    /// What was wrong, in plain words.
    pub last_sync_error: Option<String>,
    /// Calls taken over since the source was made.
    pub total_records_synced: u64,
    /// When it was made.
    pub created_at: Stamp,
    /// When its settings were last changed.
    pub updated_at: Stamp,
    /// The fetch that runs now.
    pub running: Option<String>,
    /// When the schedule comes next; nothing when it does not count.
    pub next_run_at: Option<Stamp>,
    /// The last moment of the schedule that was not served, and why.
    pub last_skip: Option<Skip>,
}

/// Why a moment of a schedule was not served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// When.
    pub at: Stamp,
    /// A word for programs: `inactive`, `manual`, `already_running`, `clock_not_set`, `not_started`.
    pub code: String,
    /// A sentence for people.
    pub reason: String,
}

/// One entry of a source's history.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeView {
    /// When.
    pub at: Stamp,
    /// Who.
    pub author: String,
    /// The new values by their names.
    pub change: serde_json::Value,
}

/// A fetch in the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogView {
    /// Identity.
    pub id: String,
    /// Identity of the source.
    pub source_id: String,
    /// `MANUAL` or `SCHEDULED`.
    pub sync_type: String,
    /// `running`, `success` or `error`.
    pub status: SyncStatus,
    /// The range.
    pub from: Stamp,
    /// The range.
    pub to: Stamp,
    /// Where it stands, or stood.
    pub offset: u64,
    /// Rows the PBX sent.
    pub records_fetched: u64,
    /// Calls that were not known.
    pub records_created: u64,
    /// Calls that were known.
    pub records_updated: u64,
    /// Those of them about which there was nothing new.
    pub records_unchanged: u64,
    /// Calls that this box saw too.
    pub records_linked: u64,
    /// Rows in quarantine.
    pub records_skipped: u64,
    /// What was wrong, in plain words.
    pub error_message: Option<String>,
    /// More about it.
    pub error_details: Option<serde_json::Value>,
    /// When it began.
    pub started_at: Stamp,
    /// When it ended.
    pub completed_at: Option<Stamp>,
    /// How long it took, in ms.
    pub duration_ms: Option<u64>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogViews {
    /// The fetches, newest first.
    pub items: Vec<LogView>,
    /// How many there are in all.
    pub total: u64,
}

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuarantineView {
    /// Its number.
    pub id: i64,
    /// Identity of the source.
    pub source_id: String,
    /// The fetch that last met it.
    pub log_id: String,
    /// Its identity at the PBX, when it has one.
    pub external_id: Option<String>,
    /// Why it could not be taken over.
    pub reason: String,
    /// What the PBX sent.
    pub raw: serde_json::Value,
    /// How often it came.
    pub times: u64,
    /// When it first came.
    pub first_at: Stamp,
    /// When it last came.
    pub last_at: Stamp,
}

/// A page of the quarantine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuarantineViews {
    /// The rows, newest first.
    pub items: Vec<QuarantineView>,
    /// How many there are in all.
    pub total: u64,
}

/// The figures of the page's cards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Calls taken over from all sources.
    pub total_records_synced: u64,
    /// Those of them that this box saw too.
    pub records_linked: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// The mode of the first source.
    pub sync_mode: SyncMode,
    /// When a fetch last ended.
    pub last_sync_at: Option<Stamp>,
    /// How long ago that was, in seconds.
    pub last_sync_age_seconds: Option<u64>,
    /// Rows a page of the first source.
    pub batch_size: u32,
    /// How many sources there are.
    pub sources: usize,
    /// Fetches that run now.
    pub running: Vec<String>,
}

/// How a fetch goes on; told after each page and at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Which fetch.
    pub log_id: String,
    /// Identity of the source.
    pub source_id: String,
    /// Name of the source.
    pub source: String,
    /// `running`, `success` or `error`.
    pub status: SyncStatus,
    /// What it counted so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// Where it stands.
    pub offset: u64,
    /// What was wrong, in plain words.
    pub error: Option<String>,
}
