use super::Synthesiser;
use super::library::Texts;
use super::ready;
use crate::media::Sound;
use crate::model::{Codec, Language};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Speaks texts one after the other, on a thread of its own: [`Speaker::run`] returns when its library is gone.
pub struct Speaker {
    pub(super) synthesiser: Synthesiser,
    pub(super) orders: Receiver<(Language, String)>,
    pub(super) texts: Arc<Texts>,
    pub(super) codecs: Vec<Codec>,
}

impl Speaker {
    /// Works until the library is dropped. To be called on a thread of its own.
    pub fn run(self) {
        while let Ok((language, text)) = self.orders.recv() {
            let sound = self.speak(&language, &text);
            self.texts.put(language, text, sound);
        }
    }

    fn speak(&self, language: &Language, text: &str) -> Option<Arc<Sound>> {
        let spoken = self
            .synthesiser
            .speak(language, text)
            .map_err(|problem| problem.to_string());
        match spoken.and_then(|mono| ready::sound(&mono, &self.codecs)) {
            Ok(sound) => Some(Arc::new(sound)),
            Err(problem) => {
                tracing::warn!(%language, %problem, "A text could not be spoken: {problem}.");
                None
            }
        }
    }
}
