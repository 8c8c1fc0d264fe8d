use super::{Digit, Language, PromptName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something a leg can hear. `net` resolves it to ready frames; the core only names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Playable {
    /// A prompt file, `prompts/<language>/<name>.*`.
    Prompt {
        /// Which folder.
        language: Language,
        /// Which file, without its ending.
        name: PromptName,
    },
    /// Free text, spoken by the speech synthesiser.
    Text {
        /// Which voice.
        language: Language,
        /// What to say.
        text: String,
    },
    /// A telephone tone.
    Tone(Tone),
    /// What a caller has recorded: a message, or a box's greeting.
    Message(MessageSound),
}

/// Which recorded words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MessageSound {
    /// Those recorded last in this call; the engine knows their file.
    JustTaken,
    /// The file, below the voicemail directory, with `/`.
    File(Arc<str>),
}

/// A generated tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// What a caller hears while phones ring: 425 Hz, 1 s on, 4 s off (ITU-T E.180). One cadence long.
    Ringback,
    /// Before a voicemail message: 1000 Hz for half a second.
    Beep,
    /// A breath of noise for two seconds: the line is there, though nobody talks.
    Comfort,
    /// Nothing, for 200 ms; keeps a path open.
    Silence,
    /// The two frequencies of a key for 100 ms (ITU-T Q.23).
    Key(Digit),
}
