use super::ready;
use super::recorded::{MessageReader, ReadMessage, Recorded};
use super::stock::{Decoded, Stock};
use super::{Problem, Shelf, Speaker, Synthesiser};
use crate::media::{Found, Sound, Sounds};
use crate::model::{Language, MessageSound, Playable, PromptName, Tone};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Texts that wait to be spoken. Full: the caller hears that the announcement is not available.
const MOST_ORDERS: usize = 64;
/// Texts kept in memory besides the constant ones; when there are more, the spoken ones go and come from disk again.
const MOST_TEXTS: usize = 64;
/// What is heard in the place of a text that cannot be spoken.
const STAND_IN: &str = "not-available";

/// Every sound the box can play, ready to be sent.
#[derive(Debug)]
pub struct Library {
    /// Exchanged as a whole, so that whoever looks for a sound waits for nobody.
    stock: RwLock<Arc<Stock>>,
    tones: HashMap<Tone, Arc<Sound>>,
    texts: Arc<Texts>,
    orders: Option<SyncSender<(Language, String)>>,
    recorded: Option<Recorded>,
}

/// A library, the speaker that works for it, and what is wrong with its files.
pub struct Opened {
    /// The library.
    pub library: Library,
    /// To be run on a thread of its own; without it, texts wait for ever.
    pub speaker: Option<Speaker>,
    /// Prompts that could not be decoded, and a missing synthesiser if there is something to speak.
    pub problems: Vec<Problem>,
}

impl Library {
    /// Decodes the prompts of these languages, the preferred first: where one has no prompt of a name, the next
    /// one's is heard. With a `synthesiser`, texts can be spoken too; `constant` ones are begun at once.
    pub fn load(
        shelf: &Shelf,
        languages: &[Language],
        synthesiser: Option<Synthesiser>,
        constant: &[(Option<Language>, String)],
    ) -> Opened {
        let mut problems = shelf.problems().to_vec();
        let stock = Stock::gather(shelf, languages, &Decoded::default(), &mut problems);
        let constant = stock.constant(constant);
        if !constant.is_empty() {
            problems.extend(
                synthesiser
                    .as_ref()
                    .and_then(|synthesiser| synthesiser.check().err()),
            );
        }
        let texts = Arc::new(Texts::default());
        let (orders, speaker) = match synthesiser {
            Some(synthesiser) => {
                let (sender, orders) = sync_channel(MOST_ORDERS + constant.len() * languages.len());
                (
                    Some(sender),
                    Some(Speaker {
                        synthesiser,
                        orders,
                        texts: Arc::clone(&texts),
                        codecs: shelf.codecs().to_vec(),
                    }),
                )
            }
            None => (None, None),
        };
        let library = Self {
            stock: RwLock::new(Arc::new(stock)),
            tones: ready::tones(shelf.codecs()),
            texts,
            orders,
            recorded: None,
        };
        library.prepare(&constant);
        Opened {
            library,
            speaker,
            problems,
        }
    }

    /// Takes over what lies on the shelf now, and what is wrong with it. Whoever plays an older sound plays it to its end.
    /// What is the same as before is not decoded again; `known` was decoded a moment ago.
    pub fn restock(
        &self,
        shelf: &Shelf,
        languages: &[Language],
        constant: &[(Option<Language>, String)],
        known: Option<(&Path, Arc<Sound>)>,
    ) -> Vec<Problem> {
        let mut problems = shelf.problems().to_vec();
        let mut before = self.stock().decoded.clone();
        if let Some((path, sound)) = known {
            before.know(path, sound);
        }
        let stock = Arc::new(Stock::gather(shelf, languages, &before, &mut problems));
        let constant = stock.constant(constant);
        *self.stock.write().unwrap_or_else(PoisonError::into_inner) = stock;
        self.prepare(&constant);
        problems
    }

    /// What is heard under this name in this language, and nothing of another; or why it cannot be.
    pub fn own_sound(&self, language: &Language, name: &PromptName) -> Option<Result<Arc<Sound>, String>> {
        let stock = self.stock();
        let sound = stock.prompts.get(language).and_then(|own| own.get(name));
        let broken = || stock.broken.get(language)?.get(name).cloned();
        match sound {
            Some(sound) => Some(Ok(Arc::clone(sound))),
            None => broken().map(Err),
        }
    }

    fn stock(&self) -> Arc<Stock> {
        let stock = self.stock.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&stock)
    }

    /// Bytes that the prompts and tones take in memory.
    pub fn weight(&self) -> usize {
        let stock = self.stock();
        let prompts = stock.prompts.values().flat_map(HashMap::values);
        let all = prompts.chain(self.tones.values());
        let once: HashMap<_, _> = all.map(|sound| (Arc::as_ptr(sound), sound.weight())).collect();
        once.values().sum()
    }

    /// The same with messages, which the reader brings from their files: it works on a thread of its own.
    pub fn with_messages(mut self, read: ReadMessage) -> (Self, MessageReader) {
        let (recorded, reader) = Recorded::new(read);
        self.recorded = Some(recorded);
        (self, reader)
    }

    /// Whether a prompt of this name can be heard, in whatever language.
    pub fn has(&self, name: &PromptName) -> bool {
        let stock = self.stock();
        let is_spoken = |texts: &HashMap<PromptName, String>| texts.contains_key(name);
        let is_recorded = |prompts: &HashMap<PromptName, Arc<Sound>>| prompts.contains_key(name);
        stock.prompts.values().any(is_recorded) || stock.spoken.values().any(is_spoken)
    }

    /// Orders texts that will be needed; one without a language in every language.
    fn prepare(&self, constant: &[(Option<Language>, String)]) {
        let stock = self.stock();
        for (language, text) in constant {
            let languages = language
                .as_ref()
                .map_or(stock.languages.as_slice(), std::slice::from_ref);
            for language in languages {
                if self.texts.find(language, text).is_none() {
                    self.order(language, text, true);
                }
            }
        }
    }

    fn prompt(&self, language: &Language, name: &PromptName) -> Found {
        let stock = self.stock();
        let in_language = |language: &Language| stock.prompts.get(language)?.get(name).cloned();
        let spoken = || stock.spoken.get(language)?.get(name);
        if let (None, Some(text)) = (in_language(language), spoken()) {
            return self.text(language, text);
        }
        let sound = in_language(language).or_else(|| stock.languages.iter().find_map(in_language));
        sound.map_or(Found::Missing, Found::Ready)
    }

    fn text(&self, language: &Language, text: &str) -> Found {
        match self.texts.find(language, text) {
            Some(Text::Ready(sound)) => Found::Ready(sound),
            Some(Text::Ordered) => Found::Later,
            Some(Text::Failed) => self.stand_in(language),
            None if self.order(language, text, false) => Found::Later,
            None => self.stand_in(language),
        }
    }

    fn stand_in(&self, language: &Language) -> Found {
        self.prompt(language, &PromptName::from(STAND_IN))
    }

    /// Asks the speaker for a text; false when there is none or too many wait.
    fn order(&self, language: &Language, text: &str, constant: bool) -> bool {
        let Some(orders) = &self.orders else { return false };
        self.texts.mark_ordered(language, text, constant);
        if orders.try_send((language.clone(), text.to_owned())).is_ok() {
            return true;
        }
        self.texts.forget(language, text);
        false
    }
}

impl Sounds for Library {
    fn find(&self, playable: &Playable) -> Found {
        match playable {
            Playable::Prompt { language, name } => self.prompt(language, name),
            Playable::Text { language, text } => self.text(language, text),
            Playable::Message(MessageSound::File(path)) => match &self.recorded {
                Some(recorded) => recorded.find(path),
                None => Found::Missing,
            },
            // The engine knows which file that is.
            Playable::Message(MessageSound::JustTaken) => Found::Missing,
            // A tone that is not here is generated by whoever plays it.
            Playable::Tone(tone) => self.tones.get(tone).cloned().map_or(Found::Missing, Found::Ready),
        }
    }
}

/// How far a text is.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Ordered,
    Ready(Arc<Sound>),
    Failed,
}

/// Texts and how far they are, shared with the speaker.
#[derive(Debug, Default)]
pub(super) struct Texts(Mutex<HashMap<(Language, String), (Text, bool)>>);

impl Texts {
    fn find(&self, language: &Language, text: &str) -> Option<Text> {
        self.lock()
            .get(&(language.clone(), text.to_owned()))
            .map(|(text, _)| text.clone())
    }

    /// Writes down that a text is on its way. When there are too many, those that are done and not constant go:
    /// whoever plays one holds it.
    fn mark_ordered(&self, language: &Language, text: &str, constant: bool) {
        let mut texts = self.lock();
        if texts.len() >= MOST_TEXTS {
            texts.retain(|_, (text, constant)| *constant || matches!(text, Text::Ordered));
        }
        texts.insert((language.clone(), text.to_owned()), (Text::Ordered, constant));
    }

    pub(super) fn put(&self, language: Language, text: String, sound: Option<Arc<Sound>>) {
        let state = sound.map_or(Text::Failed, Text::Ready);
        let mut texts = self.lock();
        let entry = texts.entry((language, text)).or_insert((Text::Ordered, false));
        entry.0 = state;
    }

    fn forget(&self, language: &Language, text: &str) {
        self.lock().remove(&(language.clone(), text.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Language, String), (Text, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Codec, Tone};
    use std::path::PathBuf;
    use std::time::Duration;

    fn languages() -> [Language; 2] {
        [Language::from("en"), Language::from("ar")]
    }

    fn prompt(language: &str, name: &str) -> Playable {
        Playable::Prompt {
            language: language.into(),
            name: name.into(),
        }
    }

    fn text(text: &str) -> Playable {
        Playable::Text {
            language: "en".into(),
            text: text.to_owned(),
        }
    }

    fn length(found: Found) -> Option<Duration> {
        match found {
            Found::Ready(sound) => Some(sound.duration()),
            Found::Later | Found::Missing => None,
        }
    }

    #[test]
    fn shipped_prompts_are_ready_in_both_languages() {
        let opened = Library::load(&Shelf::shipped(), &languages(), None, &[]);
        assert_eq!(opened.problems, []);
        for language in languages() {
            let found = opened.library.find(&prompt(language.as_str(), "main-menu"));
            assert!(length(found).unwrap() > Duration::from_secs(5));
        }
        assert!(matches!(
            opened.library.find(&prompt("en", "nothing")),
            Found::Missing
        ));
        assert!(matches!(
            opened.library.find(&Playable::Tone(Tone::Beep)),
            Found::Missing
        ));
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        clippy::print_stdout,
        reason = "the time it takes is printed"
    )]
    fn what_the_shipped_prompts_weigh_is_bounded_and_wide_frames_are_made_only_where_they_are_wanted() {
        let weigh = |codecs: &[Codec]| {
            let began = std::time::Instant::now();
            let opened = Library::load(&Shelf::shipped().ready_for(codecs), &languages(), None, &[]);
            let weight = opened.library.weight();
            println!("{codecs:?}: {} kB, made in {:?}", weight / 1000, began.elapsed());
            (weight, opened.library)
        };
        let (narrow, _) = weigh(&Codec::G711);
        let (wide, library) = weigh(&Codec::ALL);
        // The music on hold alone: the prompts lie in the program as they are heard.
        assert!(narrow < 300_000 && wide < 4_500_000, "{narrow} and {wide}");
        let Found::Ready(ringback) = library.find(&Playable::Tone(Tone::Ringback)) else {
            panic!("with wideband the tones are ready too")
        };
        assert_eq!(ringback.frame(Codec::G722, 10).len(), 160);
        assert_eq!(library.weight(), wide);
    }

    #[test]
    fn a_prompt_that_one_language_lacks_is_heard_in_the_other_and_a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ar")).unwrap();
        std::fs::write(folder.path().join("ar/welcome.wav"), "no sound").unwrap();
        std::fs::write(folder.path().join("ar/jingle.wav"), SHIPPED_GOODBYE).unwrap();
        let opened = Library::load(&Shelf::gather(folder.path()), &languages(), None, &[]);
        let [problem] = opened.problems.as_slice() else {
            panic!("{:?}", opened.problems)
        };
        assert!(problem.path.ends_with("ar/welcome.wav"));
        assert!(problem.problem.starts_with("is no sound file"), "{problem}");
        let heard = |language, name| length(opened.library.find(&prompt(language, name)));
        assert_eq!(heard("ar", "welcome"), heard("en", "welcome"));
        assert_eq!(heard("en", "jingle"), heard("en", "goodbye"));
    }

    const SHIPPED_GOODBYE: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/prompts/en/goodbye.wav"
    ));

    /// A synthesiser that copies a shipped prompt to where the sound is wanted.
    fn parrot(folder: &std::path::Path) -> Synthesiser {
        let program = folder.join("parrot");
        std::fs::write(folder.join("said.wav"), SHIPPED_GOODBYE).unwrap();
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\ncat > /dev/null\ncp {}/said.wav \"$last\"\n",
            folder.display()
        );
        std::fs::write(&program, script).unwrap();
        let mut rights = std::fs::metadata(&program).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o755);
        std::fs::set_permissions(&program, rights).unwrap();
        let parrot = Synthesiser::new(Some(folder.join("kept"))).with_program(program);
        // Another test's child may hold the script open for a moment, and what is open cannot be run.
        while parrot
            .check()
            .is_err_and(|problem| problem.problem.contains("busy"))
        {}
        parrot
    }

    #[test]
    fn a_text_is_spoken_once_and_then_comes_from_memory_or_disk() {
        let folder = tempfile::tempdir().unwrap();
        let synthesiser = parrot(folder.path());
        let open = || Library::load(&Shelf::shipped(), &languages(), Some(synthesiser.clone()), &[]);
        let opened = open();
        assert!(matches!(opened.library.find(&text("hello")), Found::Later));
        assert!(matches!(opened.library.find(&text("hello")), Found::Later));
        let texts = Arc::clone(&opened.library.texts);
        drop(opened.library); // The speaker does what is ordered and goes home.
        opened.speaker.unwrap().run();
        assert!(matches!(texts.find(&"en".into(), "hello"), Some(Text::Ready(_))));
        std::fs::remove_file(folder.path().join("parrot")).unwrap();
        let again = open();
        again.library.find(&text("hello"));
        let texts = Arc::clone(&again.library.texts);
        drop(again.library);
        again.speaker.unwrap().run();
        assert!(matches!(texts.find(&"en".into(), "hello"), Some(Text::Ready(_))));
    }

    #[test]
    fn without_a_synthesiser_the_caller_hears_that_the_announcement_is_not_available() {
        let nobody = Synthesiser::new(None).with_program(PathBuf::from("/nowhere/espeak-ng"));
        let constant = [(Some(Language::from("en")), "hello".to_owned())];
        let opened = Library::load(&Shelf::shipped(), &languages(), Some(nobody), &constant);
        let [problem] = opened.problems.as_slice() else {
            panic!("{:?}", opened.problems)
        };
        assert!(
            problem
                .to_string()
                .starts_with("/nowhere/espeak-ng: cannot be started"),
            "{problem}"
        );
        let Opened {
            mut library, speaker, ..
        } = opened;
        library.orders = None;
        speaker.unwrap().run();
        assert!(length(library.find(&text("hello"))).unwrap() > Duration::from_secs(1));
        assert!(length(library.find(&text("never ordered"))).is_some());
    }

    #[test]
    fn a_thousand_different_texts_fill_neither_queue_nor_memory() {
        let opened = Library::load(&Shelf::shipped(), &languages(), Some(Synthesiser::new(None)), &[]);
        for number in 0..1000 {
            opened.library.find(&text(&format!("caller {number}")));
        }
        assert!(opened.library.texts.lock().len() <= MOST_ORDERS + 1);
    }
}
