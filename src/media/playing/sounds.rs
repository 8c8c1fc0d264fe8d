use super::sound::Sound;
use crate::model::Playable;
use std::sync::Arc;

/// Where the RTP threads find what they are ordered to play. `prompts` is one.
///
/// Asked when a `Play` order arrives, and again every 100 ms while the answer is [`Found::Later`]; never for a
/// packet. It must answer at once: a slow one delays the voices of every call on the thread.
pub trait Sounds: Send + Sync {
    /// Looks for a sound.
    fn find(&self, playable: &Playable) -> Found;
}

/// What a search for a sound led to.
#[derive(Debug, Clone)]
pub enum Found {
    /// Here it is.
    Ready(Arc<Sound>),
    /// It is being made; ask again. What comes after it waits.
    Later,
    /// There is none; it is skipped. Tones the library does not know are generated.
    Missing,
}
