use crate::model::{RecordingId, RecordingRow};
use std::io::{Read, Seek};

/// A recording's audio that can be read from anywhere in it.
pub trait Sound: Read + Seek + Send {}

impl<T: Read + Seek + Send> Sound for T {}

/// A recording that is ready to be played.
pub struct Playing {
    /// Its bytes as a player sees them, opened where they are encrypted.
    pub sound: Box<dyn Sound>,
    /// How many there are.
    pub length: u64,
    /// `audio/wav` or `audio/ogg`.
    pub media_type: &'static str,
}

impl std::fmt::Debug for Playing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Playing({} bytes of {})", self.length, self.media_type)
    }
}

/// A copy of a recording that lies elsewhere, as it lies there: perhaps encrypted.
pub struct DistantSound {
    /// Under which name; its ending tells what it is.
    pub name: String,
    /// Its size.
    pub length: u64,
    /// Its bytes.
    pub sound: Box<dyn Sound>,
}

/// Why nothing is done about a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShelfTrouble {
    /// There is no such recording.
    Unknown,
    /// Its call goes on.
    BeingWritten,
    /// A legal hold keeps it.
    Held {
        /// Since when.
        since: String,
    },
    /// Its file was taken away, or never was.
    Gone,
    /// It is encrypted with a key the box does not have.
    NoKey(String),
    /// What was asked for does not fit the recording.
    Refused(String),
    /// The disk or the journal would not do it.
    Failed(String),
}

/// Who wants something done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warrant {
    /// The person or token.
    pub by: String,
    /// In their words.
    pub reason: String,
}

/// What can be done about recordings. Every method waits for the disk.
pub trait Shelf: Send + Sync {
    /// Opens a recording, in whichever shape it lies there.
    ///
    /// # Errors
    /// [`ShelfTrouble::Gone`], [`ShelfTrouble::NoKey`], [`ShelfTrouble::Failed`].
    fn open(&self, row: &RecordingRow) -> Result<Playing, ShelfTrouble>;

    /// Opens a copy that lies elsewhere.
    ///
    /// # Errors
    /// [`ShelfTrouble::NoKey`], [`ShelfTrouble::Failed`].
    fn open_distant(&self, copy: DistantSound) -> Result<Playing, ShelfTrouble>;

    /// Silences a span, in milliseconds from the beginning, in every channel: the SHA-256 before and after.
    ///
    /// # Errors
    /// Every [`ShelfTrouble`]; nothing was changed then.
    fn redact(
        &self,
        id: RecordingId,
        span_ms: std::ops::Range<u64>,
        warrant: &Warrant,
    ) -> Result<(String, String), ShelfTrouble>;

    /// Takes the file away for good; its row stays.
    ///
    /// # Errors
    /// Every [`ShelfTrouble`]; nothing was changed then.
    fn remove(&self, id: RecordingId, warrant: &Warrant) -> Result<(), ShelfTrouble>;

    /// Keeps it from every removal, or lets it go again. False: it was so already.
    ///
    /// # Errors
    /// [`ShelfTrouble::Unknown`] and [`ShelfTrouble::Failed`].
    fn hold(&self, id: RecordingId, holds: bool, warrant: &Warrant) -> Result<bool, ShelfTrouble>;

    /// Encrypts it with the first of the keys. False: it is so already.
    ///
    /// # Errors
    /// Every [`ShelfTrouble`]; nothing was changed then.
    fn rekey(&self, id: RecordingId, warrant: &Warrant) -> Result<bool, ShelfTrouble>;

    /// Begins a look at every recording. False: one is under way.
    fn begin_audit(&self) -> bool;

    /// What the last look found; nothing before the first.
    fn audit(&self) -> Option<serde_json::Value>;
}
