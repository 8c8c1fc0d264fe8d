use crate::model::{CallId, Cdr};
use std::fmt;

/// The key to a PBX's records; it never shows.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key itself. Whoever calls this takes care that it goes nowhere but to the PBX.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ApiKey {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

/// A PBX whose records are fetched. Times are in ms since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxSource {
    /// Identity, a uuid.
    pub id: String,
    /// The name people know it by; no two have the same.
    pub name: String,
    /// Whether it stands in the configuration file, so that only the file changes it.
    pub from_file: bool,
    /// Its settings as JSON, without the key; `connectors` knows the fields.
    pub settings: String,
    /// The key to its records.
    pub api_key: ApiKey,
    /// When it was made.
    pub created_ms: i64,
    /// When its settings were last changed.
    pub updated_ms: i64,
    /// When the last fetch ended.
    pub last_sync_ms: Option<i64>,
    /// How it ended: `success` or `error`.
    pub last_status: Option<String>,
    /// What was wrong, in plain words.
    pub last_error: Option<String>,
    /// Records created or updated since the source was made.
    pub total_records: u64,
    /// From when on its calls have been fetched whole.
    pub covered_from_ms: Option<i64>,
    /// Until when its calls have been fetched whole.
    pub covered_to_ms: Option<i64>,
    /// The last moment of its schedule that was served.
    pub last_slot_ms: Option<i64>,
}

/// One entry of a source's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceChange {
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// Who: a person, a token, the configuration file.
    pub author: String,
    /// What, as JSON: field names with their new values; the key is only said to be set.
    pub change: String,
}

/// What became of writing a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is on disk.
    Yes,
    /// Another source has the name.
    NameTaken,
}

/// How a fetch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// It goes on.
    Running,
    /// It came to its end.
    Success,
    /// It did not.
    Error,
}

impl SyncStatus {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Error => "error",
        }
    }

    pub(super) fn parse(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "success" => Self::Success,
            _ => Self::Error,
        }
    }
}

/// What a fetch counted. `fetched` is the sum of `created`, `updated` and `skipped`; `unchanged` and `linked` say more
/// about some of those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Rows the PBX sent.
    pub fetched: u64,
    /// Calls that were not known from this source.
    pub created: u64,
    /// Calls that were known already.
    pub updated: u64,
    /// Those of `updated` about which the PBX said nothing new.
    pub unchanged: u64,
    /// Calls that this box saw too and that are shown once, as its own.
    pub linked: u64,
    /// Rows that could not be taken over; they are in quarantine.
    pub skipped: u64,
}

/// Where a fetch stands: the range being fetched and the next offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Legs {
    /// Begin of the range, in ms since 1970.
    pub from_ms: i64,
    /// End of the range, in ms since 1970.
    pub to_ms: i64,
    /// How many of its rows are taken over.
    pub offset: u64,
}

/// A fetch about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSync {
    /// Identity, a uuid that sorts by time.
    pub id: String,
    /// Which source.
    pub source: String,
    /// `MANUAL` or `SCHEDULED`.
    pub sync_type: String,
    /// The whole range, in ms since 1970.
    pub from_ms: i64,
    /// The whole range, in ms since 1970.
    pub to_ms: i64,
    /// Where it begins.
    pub leg: Legs,
}

/// A fetch in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncLog {
    /// Identity.
    pub id: String,
    /// Which source.
    pub source: String,
    /// `MANUAL` or `SCHEDULED`.
    pub sync_type: String,
    /// How it stands.
    pub status: SyncStatus,
    /// The whole range, in ms since 1970.
    pub from_ms: i64,
    /// The whole range, in ms since 1970.
    pub to_ms: i64,
    /// Where it stands, or stood when it broke off.
    pub leg: Legs,
    /// What it counted.
    pub counts: Counts,
    /// What was wrong, in plain words and without secrets.
    pub error: Option<String>,
    /// More about it, as JSON without secrets.
    pub details: Option<String>,
    /// Whether the next fetch goes on where this one broke off.
    pub can_resume: bool,
    /// When it began, in ms since 1970.
    pub started_ms: i64,
    /// When its last page was written, in ms since 1970.
    pub progress_ms: i64,
    /// When it ended, in ms since 1970.
    pub completed_ms: Option<i64>,
}

/// A page of the log, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The fetches.
    pub items: Vec<SyncLog>,
    /// How many there are in all.
    pub total: u64,
}

/// How a fetch ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was wrong; `None` is success.
    pub error: Option<String>,
    /// More about it, as JSON without secrets.
    pub details: Option<String>,
    /// Whether the next fetch goes on where this one broke off.
    pub can_resume: bool,
    /// The range that is fetched whole now, in ms since 1970; only after a success.
    pub covered: Option<(i64, i64)>,
    /// Calls that began before this are not asked for again, in ms since 1970; only after a success.
    pub forget_before: Option<i64>,
}

/// One call of the PBX, ready to be filed.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its identity there.
    pub external_id: String,
    /// Of the fields that mean something: another one makes a new version.
    pub digest: [u8; 32],
    /// What the PBX sent, as JSON without secrets.
    pub raw: String,
    /// Call-ID of the SIP leg, when the PBX tells it.
    pub sip_call_id: Option<String>,
    /// The record as it is filed when nobody here saw the call.
    pub cdr: Box<Cdr>,
}

/// A row that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its identity, when it has one.
    pub external_id: Option<String>,
    /// Why, in plain words.
    pub reason: String,
    /// Of what was sent.
    pub digest: [u8; 32],
    /// What the PBX sent, as JSON without secrets.
    pub raw: String,
}

/// One page of a fetch, taken over in one transaction.
#[derive(Debug)]
pub struct SyncPage {
    /// The log it belongs to.
    pub log: String,
    /// Identity of the source.
    pub source: String,
    /// Name of the source, as records carry it.
    pub source_name: String,
    /// The site's name, for records that gave way to our own.
    pub site: String,
    /// The calls.
    pub fetched: Vec<Fetched>,
    /// The rows that could not be taken over.
    pub rejected: Vec<Rejected>,
    /// Where the fetch stands after this page.
    pub leg: Legs,
}

/// What a page led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageDone {
    /// The counts of the whole fetch so far.
    pub counts: Counts,
}

/// What is known of a call from the PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxRecord {
    /// Identity of the source.
    pub source: String,
    /// Its identity there.
    pub external_id: String,
    /// The record of the journal that shows it.
    pub cdr_id: CallId,
    /// Whether this box saw the call too.
    pub linked: bool,
    /// What the PBX sent, as JSON without secrets.
    pub raw: String,
    /// When it was first fetched, in ms since 1970.
    pub synced_ms: i64,
    /// When the PBX last said something new about it, in ms since 1970.
    pub updated_ms: i64,
}

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number here.
    pub id: i64,
    /// Identity of the source.
    pub source: String,
    /// The fetch that last met it.
    pub log: String,
    /// Its identity there, when it has one.
    pub external_id: Option<String>,
    /// Why it could not be taken over.
    pub reason: String,
    /// What the PBX sent, as JSON without secrets.
    pub raw: String,
    /// How often it came.
    pub times: u64,
    /// When it first came, in ms since 1970.
    pub first_ms: i64,
    /// When it last came, in ms since 1970.
    pub last_ms: i64,
}

/// What became of rows that were looked at again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Released {
    /// Rows that are records now.
    pub taken_over: usize,
    /// Rows of calls that the PBX has told of since; they are gone, and what was told since stays.
    pub known: usize,
    /// Those of the taken over that this box saw too.
    pub linked: u64,
    /// Rows that stay, each with its reason.
    pub kept: usize,
}

/// Sums over everything fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncTotals {
    /// Calls known from the sources.
    pub records: u64,
    /// Those that this box saw too.
    pub linked: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
}
