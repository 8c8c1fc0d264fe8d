//! What people do about prompts, carried out on the files, the shelf and the library that is played from.

use super::late_library::LateLibrary;
use crate::config::Config;
use crate::http::{Announcement, Announcer, AnnouncerTrouble, PromptOrigin};
use crate::media::{Found, Sound, Sounds as _};
use crate::model::{Codec, Language, Playable, PromptName};
use crate::prompts::{Brought, Library, Listed, Origin, OwnPrompts, Problem, Shelf, as_wav, sound_of};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// How long somebody who listens waits for a text that has to be spoken first …
const PATIENCE: Duration = Duration::from_secs(5);
/// … and how often it is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Carries out what is asked about prompts, one change at a time.
pub struct PromptDesk {
    library: Arc<LateLibrary>,
    own: OwnPrompts,
    /// What prompts are made ready for; it follows from what was configured at the start.
    codecs: Vec<Codec>,
    order: Mutex<Order>,
}

/// What the configuration says of prompts.
struct Order {
    shelf: Shelf,
    languages: Vec<Language>,
    /// Texts that flows always speak.
    constant: Vec<(Option<Language>, String)>,
    /// Where each prompt is named.
    uses: BTreeMap<PromptName, Vec<String>>,
}

impl Order {
    fn of(config: &Config, codecs: &[Codec]) -> Self {
        Self {
            shelf: config.prompts.clone().ready_for(codecs),
            languages: config.site.languages.clone(),
            constant: config.constant_texts(),
            uses: config.prompt_uses(),
        }
    }

    fn language(&self, tag: &str) -> Result<Language, AnnouncerTrouble> {
        let known = self.languages.iter().find(|known| known.as_str() == tag);
        known.cloned().ok_or_else(|| {
            let tags = self.languages.iter().map(ToString::to_string);
            AnnouncerTrouble::UnknownLanguage(tags.collect())
        })
    }

    fn listed(&self, language: &Language, name: &PromptName) -> Option<Listed<'_>> {
        self.shelf.list(language).find(|listed| listed.name == name)
    }

    fn restock(&self, library: &Library, known: Option<(&Path, Arc<Sound>)>) -> Vec<Problem> {
        library.restock(&self.shelf, &self.languages, &self.constant, known)
    }

    fn shown(&self, library: &Library, language: &Language, listed: Listed<'_>) -> Announcement {
        let sound = library.own_sound(language, listed.name);
        let milliseconds = |sound: &Arc<Sound>| u64::try_from(sound.duration().as_millis()).ok();
        let changed = listed.path.and_then(|path| {
            let changed = std::fs::metadata(path).and_then(|facts| facts.modified()).ok()?;
            i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
        });
        Announcement {
            language: language.to_string(),
            name: listed.name.to_string(),
            origin: origin(listed.origin),
            covers: listed.covers.map(origin),
            length_ms: sound
                .as_ref()
                .and_then(|sound| milliseconds(sound.as_ref().ok()?)),
            problem: sound.and_then(Result::err),
            text: listed.text.map(ToOwned::to_owned),
            used_by: self.uses.get(listed.name).cloned().unwrap_or_default(),
            changed_unix_ms: changed,
        }
    }
}

impl PromptDesk {
    /// For prompts that are loaded already.
    pub fn with(library: Library, config: &Config, data_dir: &Path) -> Self {
        let late = Arc::<LateLibrary>::default();
        late.put(library);
        Self::new(&late, config, data_dir)
    }

    /// For the prompts of this configuration; those given to the running box lie in the data directory.
    pub(super) fn new(library: &Arc<LateLibrary>, config: &Config, data_dir: &Path) -> Self {
        let codecs = config.media.ready_codecs();
        Self {
            library: Arc::clone(library),
            own: OwnPrompts::below(data_dir),
            order: Mutex::new(Order::of(config, &codecs)),
            codecs,
        }
    }

    /// Takes over the prompts of a new configuration, on a thread of its own: files take their time.
    pub(super) fn reload(self: Arc<Self>, config: &Config) {
        let order = Order::of(config, &self.codecs);
        let thread = std::thread::Builder::new().name("prompts".to_owned());
        let begun = thread.spawn(move || {
            let mut place = self.order();
            *place = order;
            // Still on the way: the start reads them as they are now.
            let Some(library) = self.library.get() else { return };
            for problem in place.restock(&library, None) {
                tracing::warn!("{problem}");
            }
        });
        if let Err(error) = begun {
            tracing::error!(%error, "The prompts stay as they were: {error}.");
        }
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn library(&self) -> Result<Arc<Library>, AnnouncerTrouble> {
        self.library.get().ok_or(AnnouncerTrouble::NotReady)
    }
}

impl Announcer for PromptDesk {
    fn prompts(&self) -> Result<Vec<Announcement>, AnnouncerTrouble> {
        let library = self.library()?;
        let order = self.order();
        let of_language = |language| {
            let listed = order.shelf.list(language);
            listed.map(|listed| order.shown(&library, language, listed))
        };
        Ok(order.languages.iter().flat_map(of_language).collect())
    }

    fn take(&self, language: &str, name: &str, file: Vec<u8>) -> Result<Announcement, AnnouncerTrouble> {
        let library = self.library()?;
        let mut order = self.order();
        let (language, name) = (order.language(language)?, PromptName::from(name));
        let sound = sound_of(&file, &self.codecs).map_err(AnnouncerTrouble::Unusable)?;
        let path = self
            .own
            .keep(&language, &name, &file, Brought::AsFile)
            .map_err(|error| AnnouncerTrouble::Failed(error.to_string()))?;
        order.shelf.put_own(&language, &name, path.clone());
        // What is wrong with others has been told before.
        let _ = order.restock(&library, Some((&path, Arc::new(sound))));
        let listed = order.listed(&language, &name).ok_or(AnnouncerTrouble::Unknown)?;
        Ok(order.shown(&library, &language, listed))
    }

    fn listen(&self, language: &str, name: &str) -> Result<Vec<u8>, AnnouncerTrouble> {
        let library = self.library()?;
        let (language, name) = (self.order().language(language)?, PromptName::from(name));
        let origin = self.order().listed(&language, &name).map(|listed| listed.origin);
        let sound = match (origin, library.own_sound(&language, &name)) {
            (None, _) => return Err(AnnouncerTrouble::Unknown),
            (Some(_), Some(sound)) => sound.map_err(AnnouncerTrouble::Unusable)?,
            (Some(_), None) => speak(&library, language, name)?,
        };
        Ok(as_wav(&sound))
    }

    fn put_back(&self, language: &str, name: &str) -> Result<Option<Announcement>, AnnouncerTrouble> {
        let library = self.library()?;
        let mut order = self.order();
        let (language, name) = (order.language(language)?, PromptName::from(name));
        let listed = order.listed(&language, &name).ok_or(AnnouncerTrouble::Unknown)?;
        let (from, covers) = (origin(listed.origin), listed.covers);
        if !from.is_own() {
            return Err(AnnouncerTrouble::NotOurs(from));
        }
        let others = order.languages.iter().filter(|other| **other != language);
        let is_heard_elsewhere = others.into_iter().any(|other| order.shelf.has(other, &name));
        if let Some(places) = order.uses.get(&name)
            && covers.is_none()
            && !is_heard_elsewhere
        {
            return Err(AnnouncerTrouble::Needed(places.clone()));
        }
        self.own
            .throw_away(&language, &name)
            .map_err(|error| AnnouncerTrouble::Failed(error.to_string()))?;
        order.shelf.take_own(&language, &name);
        let _ = order.restock(&library, None);
        let listed = order.listed(&language, &name);
        Ok(listed.map(|listed| order.shown(&library, &language, listed)))
    }
}

/// What the synthesiser makes of it, as a caller would hear it.
fn speak(library: &Library, language: Language, name: PromptName) -> Result<Arc<Sound>, AnnouncerTrouble> {
    let wanted = Playable::Prompt { language, name };
    let mut waited = Duration::ZERO;
    loop {
        match library.find(&wanted) {
            Found::Ready(sound) => return Ok(sound),
            Found::Later if waited < PATIENCE => {
                std::thread::sleep(LOOK_AGAIN);
                waited += LOOK_AGAIN;
            }
            Found::Later => return Err(AnnouncerTrouble::NotReady),
            Found::Missing => return Err(AnnouncerTrouble::Unknown),
        }
    }
}

fn origin(from: Origin) -> PromptOrigin {
    match from {
        Origin::Shipped => PromptOrigin::Shipped,
        Origin::File => PromptOrigin::File,
        Origin::Uploaded => PromptOrigin::Uploaded,
        Origin::Recorded => PromptOrigin::Recorded,
        Origin::Spoken => PromptOrigin::Spoken,
    }
}
