use super::faces::BoxFuture;
use crate::model::Stamp;
use serde::Serialize;
use std::fmt;

/// Where the configuration is read, checked and changed while the box runs. What does not say otherwise may wait for the
/// disk.
pub trait SettingsDoor: Send + Sync {
    /// How the configuration stands.
    fn look(&self) -> BoxFuture<'_, SettingsView>;

    /// One of its texts, its secrets hidden; nothing when there is no such text.
    fn text(&self, part: &Part) -> Option<PartText>;

    /// Every mistake that a changed text would bring.
    fn check(&self, draft: &Draft) -> Checked;

    /// What a changed text would change, beside its mistakes.
    fn diff(&self, draft: &Draft) -> (Checked, Vec<ChangeView>);

    /// Checks, rehearses, writes and swaps in a changed text.
    fn apply(&self, draft: Draft, order: ChangeOrder) -> BoxFuture<'_, Result<Applied, Refused>>;

    /// Reads the files again, as SIGHUP does.
    fn reread(&self, order: ChangeOrder) -> BoxFuture<'_, Result<Applied, Refused>>;

    /// Every kept version, the newest first.
    fn history(&self) -> Vec<VersionView>;

    /// One of them with its texts, their secrets hidden, and what going back to it would change.
    fn version(&self, id: u64) -> Option<VersionTexts>;

    /// Goes back to a version; nothing when it is not kept.
    fn go_back(&self, id: u64, order: ChangeOrder) -> BoxFuture<'_, Option<Result<Applied, Refused>>>;

    /// Keeps what is on trial; false when nothing is.
    fn confirm(&self, by: &str) -> bool;

    /// Plays a call in virtual time, with a changed text when there is one.
    fn rehearse(&self, draft: Option<&Draft>, story: &Story) -> Result<Vec<Rung>, RehearsalRefused>;
}

/// A text of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The file.
    Main,
    /// The flow in this file, named without the ending.
    Flow(String),
}

/// A changed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Of what.
    pub part: Part,
    /// What it says, with masks for secrets that stay; nothing takes the flow away.
    pub text: Option<String>,
}

/// A text as it is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartText {
    /// The text, its secrets hidden.
    pub text: String,
    /// Changes with it.
    pub etag: String,
    /// Where it lies; `null` for what is in the binary.
    pub file: Option<String>,
}

/// Which version of a text a change was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// The one with this tag.
    Tag(String),
    /// There is none yet.
    Nothing,
    /// Whatever there is.
    Any,
}

/// Who wants a change, why, and how careful the box is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeOrder {
    /// The person or token.
    pub by: String,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// What the change was made from.
    pub basis: Basis,
    /// For how long it is on trial, in seconds; 0 for not at all.
    pub trial_seconds: u32,
    /// Whether it is taken back when nobody confirms it in that time.
    pub wants_confirmation: bool,
}

/// How the configuration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingsView {
    /// The file; `null` while the box runs on the configuration in its binary.
    pub file: Option<String>,
    /// Changes with the text of the file.
    pub etag: String,
    /// The version in use.
    pub version: Option<u64>,
    /// The flows.
    pub flows: Vec<FlowFile>,
    /// Whether the flows are those in the binary.
    pub shipped_flows: bool,
    /// Why nothing can be written, and what cures it; `null` when it can.
    pub read_only: Option<ReadOnly>,
    /// What is on trial.
    pub trial: Option<TrialView>,
    /// The last change that the box took back by itself.
    pub taken_back: Option<TakenBack>,
    /// What was changed and counts only after the next start, such as `http.listen`.
    pub after_restart: Vec<String>,
    /// Whether a file was changed by hand and not read again yet.
    pub changed_on_disk: bool,
    /// Environment variables that stand over keys of the file.
    pub environment: Vec<String>,
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FlowFile {
    /// Its file without the ending.
    pub name: String,
    /// Changes with its text.
    pub etag: String,
    /// Which numbers and groups lead to it.
    pub used_by: Vec<String>,
}

/// Why nothing can be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadOnly {
    /// Where.
    pub place: String,
    /// What the system says.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

/// A change on trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialView {
    /// Since when.
    pub since: Stamp,
    /// Seconds left.
    pub seconds_left: u32,
    /// Whether it is taken back when nobody confirms it.
    pub wants_confirmation: bool,
    /// Which version it is taken back to.
    pub returns_to: u64,
    /// What was up before and is not now, such as `trunk pbx`.
    pub missing: Vec<String>,
}

/// A change that the box took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// When.
    pub at: Stamp,
    /// Which version it went back to.
    pub version: u64,
    /// Why.
    pub reason: String,
}

/// One thing that is wrong, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, or the environment variable.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The key, such as `agent.ali.extension`; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub cure: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(out, ": {}", self.key)?;
        }
        write!(out, ": {} — {}", self.problem, self.cure)
    }
}

/// What was found wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What must be mended.
    pub mistakes: Vec<Fault>,
    /// What is worth a look.
    pub warnings: Vec<Fault>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// `added`, `changed` or `removed`.
    pub how: &'static str,
    /// `site`, `trunk`, `agent`, `flow`, …
    pub section: String,
    /// Which one, of those that may stand often.
    pub name: Option<String>,
    /// The keys that differ.
    pub keys: Vec<KeyView>,
    /// Whether the running box takes it over; otherwise it counts from its next start on.
    pub at_once: bool,
    /// The same as a sentence.
    pub text: String,
}

/// One key that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// Which.
    pub key: String,
    /// What it was; `null` when it was not written. Secrets are never told.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// Whether the running box takes it over.
    pub at_once: bool,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The version in use now.
    pub version: u64,
    /// The tag of the text that was changed; of the file when several were.
    pub etag: String,
    /// What it changed.
    pub changes: Vec<ChangeView>,
    /// What is worth a look.
    pub warnings: Vec<Fault>,
    /// The trial that it is on.
    pub trial: Option<TrialView>,
}

/// Why a change was not made; the running configuration stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It has mistakes.
    Mistakes(Checked),
    /// Somebody else changed the text meanwhile.
    Overtaken {
        /// Its tag now.
        etag: String,
    },
    /// A file was changed by hand and not read again yet.
    ChangedOnDisk {
        /// Which.
        file: String,
    },
    /// The file cannot be written.
    ReadOnly(ReadOnly),
    /// It is for the person at the box alone.
    AtTheBox {
        /// Which key.
        key: String,
    },
    /// There is no such text.
    Unknown,
}

/// A version that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionView {
    /// Which.
    pub id: u64,
    /// Since when.
    pub at: Stamp,
    /// Who made it; empty when it was found in the files.
    pub by: String,
    /// `changed`, `returned`, `taken_back` by the box itself, or `found` in the files.
    pub way: String,
    /// Why, in their words.
    pub reason: String,
    /// What it changed, in short: `+agent mona`, `~[site]`, `-trunk pbx`.
    pub changes: Vec<String>,
    /// Whether it is in use.
    pub in_use: bool,
}

/// A version with its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionTexts {
    /// Who, when and why.
    #[serde(flatten)]
    pub view: VersionView,
    /// The text of the file, its secrets hidden.
    pub text: String,
    /// The flows by name.
    pub flows: Vec<(String, String)>,
    /// What going back to it would change.
    pub to_go_back: Vec<ChangeView>,
}

/// A call to be rehearsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// The caller's number.
    pub from: String,
    /// The number dialled.
    pub to: String,
    /// When, in milliseconds since 1970; now otherwise.
    pub at_unix_ms: Option<i64>,
    /// The keys the caller presses.
    pub press: String,
    /// Agents on duty by id; all of them otherwise.
    pub agents: Option<Vec<String>>,
    /// The agent or trunk that answers.
    pub answer: Option<String>,
}

/// One thing that happens in a rehearsed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// Milliseconds since it arrived.
    pub at_ms: u64,
    /// `caller`, `box`, `record` or `note`.
    pub who: &'static str,
    /// What happens, as a word for programs and for translations.
    pub what: &'static str,
    /// What the sentence is filled with.
    pub values: Vec<(&'static str, String)>,
    /// The same as a sentence.
    pub text: String,
}

/// Why a call could not be rehearsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RehearsalRefused {
    /// The changed text has mistakes.
    Mistakes(Checked),
    /// The story cannot be told, and why.
    Story(String),
}
