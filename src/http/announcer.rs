use serde::Serialize;

/// A prompt, as people and programs see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Announcement {
    /// Its language.
    pub language: String,
    /// Its name, as flows call it.
    pub name: String,
    /// Where what is heard comes from.
    pub origin: PromptOrigin,
    /// What is heard when that is deleted; `null` when nothing lies under it.
    pub covers: Option<PromptOrigin>,
    /// How long it sounds, in milliseconds; `null` where nobody has heard it yet, or it cannot be heard.
    pub length_ms: Option<u64>,
    /// Why it cannot be heard, in plain words; then that of another language is.
    pub problem: Option<String>,
    /// What the speech synthesiser says, where nobody has recorded it.
    pub text: Option<String>,
    /// Which parts of the configuration name it.
    pub used_by: Vec<String>,
    /// When its file was changed, in milliseconds since 1970.
    pub changed_unix_ms: Option<i64>,
}

/// Where a prompt comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptOrigin {
    /// It is part of the program.
    Shipped,
    /// It lies beside the configuration.
    File,
    /// It was sent to the running box.
    Uploaded,
    /// It was recorded by phone.
    Recorded,
    /// The synthesiser says it.
    Spoken,
}

impl PromptOrigin {
    /// Whether it was given to the running box, and can be taken back.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Uploaded | Self::Recorded)
    }
}

/// Why nothing is done about a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnouncerTrouble {
    /// The prompts are still being read after the start.
    NotReady,
    /// The site does not speak this language, but these.
    UnknownLanguage(Vec<String>),
    /// There is no prompt of this name.
    Unknown,
    /// It was not given to the running box, and so cannot be taken from it.
    NotOurs(PromptOrigin),
    /// Nothing lies under it, and these parts of the configuration name it.
    Needed(Vec<String>),
    /// The file cannot be heard, and why.
    Unusable(String),
    /// The disk would not do it.
    Failed(String),
}

/// What can be done about what the box says. Every method waits for the disk.
pub trait Announcer: Send + Sync {
    /// Every prompt of every language of the site.
    ///
    /// # Errors
    /// [`AnnouncerTrouble::NotReady`].
    fn prompts(&self) -> Result<Vec<Announcement>, AnnouncerTrouble>;

    /// Takes a sound file in the place of what is heard now; calls that begin to play it from now on hear it.
    ///
    /// # Errors
    /// All but [`AnnouncerTrouble::Unknown`], [`AnnouncerTrouble::NotOurs`] and [`AnnouncerTrouble::Needed`]; nothing was
    /// changed then.
    fn take(&self, language: &str, name: &str, file: Vec<u8>) -> Result<Announcement, AnnouncerTrouble>;

    /// What callers hear, as a WAV file.
    ///
    /// # Errors
    /// [`AnnouncerTrouble::NotReady`], [`AnnouncerTrouble::UnknownLanguage`], [`AnnouncerTrouble::Unknown`], and
    /// [`AnnouncerTrouble::Unusable`].
    fn listen(&self, language: &str, name: &str) -> Result<Vec<u8>, AnnouncerTrouble>;

    /// Deletes what was given to the running box; tells what is heard from now on, if anything is.
    ///
    /// # Errors
    /// All but [`AnnouncerTrouble::Unusable`]; nothing was changed then.
    fn put_back(&self, language: &str, name: &str) -> Result<Option<Announcement>, AnnouncerTrouble>;
}
