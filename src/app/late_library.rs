use crate::media::{Found, Sounds};
use crate::model::Playable;
use crate::prompts::Library;
use std::sync::{Arc, OnceLock};

/// The library of sounds, which comes some milliseconds after the first caller may have.
#[derive(Debug, Default)]
pub(super) struct LateLibrary(OnceLock<Arc<Library>>);

impl LateLibrary {
    pub(super) fn put(&self, library: Library) {
        // It is put once, by the one thread that loads it.
        let _ = self.0.set(Arc::new(library));
    }

    /// Nothing while it is being loaded.
    pub(super) fn get(&self) -> Option<Arc<Library>> {
        self.0.get().map(Arc::clone)
    }
}

impl Sounds for LateLibrary {
    fn find(&self, playable: &Playable) -> Found {
        match (self.0.get(), playable) {
            (Some(library), _) => library.find(playable),
            (None, Playable::Tone(_)) => Found::Missing,
            (None, Playable::Prompt { .. } | Playable::Text { .. } | Playable::Message(_)) => Found::Later,
        }
    }
}
