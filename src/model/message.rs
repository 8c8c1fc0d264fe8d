use super::{CallId, Language, Mailbox, Number, RecordingId, Stamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A message that somebody left in a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its identity, which is its recording's.
    pub id: RecordingId,
    /// In which call it was left.
    pub call_id: CallId,
    /// In which box it lies.
    pub mailbox: Mailbox,
    /// What has become of it.
    pub state: MessageState,
    /// When it began.
    pub left_at: Stamp,
    /// Who left it.
    pub caller_number: Number,
    /// The display name that was sent.
    pub caller_name: Option<String>,
    /// The file, below the voicemail directory, with `/`.
    pub path: Arc<str>,
    /// How long it is.
    pub duration_ms: u64,
    /// The language the caller heard.
    pub language: Option<Language>,
    /// Whether the caller said that it cannot wait.
    pub urgent: bool,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Nobody has heard it: it lights the lamp.
    New,
    /// Heard, and kept.
    Saved,
    /// Thrown away; the file goes within a day.
    Deleted,
}

/// What is done about a new message beside telling the phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageErrand {
    /// Send it by e-mail.
    Mail,
    /// Have it written down.
    Transcribe,
}

/// What a message says, in writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The words.
    pub text: String,
    /// In which language they are, when whoever wrote them down says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Who wrote them down: `service`, `command`, or a person's name.
    pub by: String,
}

/// A greeting that somebody recorded by phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The recording.
    pub id: RecordingId,
    /// The file, below the voicemail directory, with `/`.
    pub path: Arc<str>,
}

impl MessageState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Saved => "saved",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for MessageState {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "new" => Ok(Self::New),
            // Another word for the same, as people say it.
            "saved" | "heard" => Ok(Self::Saved),
            "deleted" => Ok(Self::Deleted),
            _ => Err("not `new`, `saved` or `deleted`"),
        }
    }
}

impl MessageErrand {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Transcribe => "transcribe",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_back_as_it_was_written_and_heard_means_saved() {
        for state in [MessageState::New, MessageState::Saved, MessageState::Deleted] {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("heard".parse(), Ok(MessageState::Saved));
        assert!("gone".parse::<MessageState>().is_err());
    }
}
