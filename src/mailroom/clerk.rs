use super::config::{MailConfig, TranscriptionConfig};
use super::sweep::sweep;
use super::transcribe::{Spoken, Transcriber, transcriber};
use crate::egress::Egress;
use crate::model::{Language, Mailbox, MessageErrand, RecordingId};
use crate::store::{Clock, Errand, Messages, StoreError, Todo};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Reads the file of a message, by its path below the voicemail directory.
pub type ReadFile = Arc<dyn Fn(&str) -> io::Result<Vec<u8>> + Send + Sync>;
/// Removes the file of a message, by its path below the voicemail directory.
pub type RemoveFile = Arc<dyn Fn(&str) -> io::Result<()> + Send + Sync>;

/// What the clerk works with.
pub struct Means {
    /// The messages, and what is to be done about them.
    pub messages: Messages,
    /// Reads the file of a message.
    pub read: ReadFile,
    /// Removes the file of a message.
    pub remove: RemoveFile,
    /// Has the engine throw a message away; it may be too busy, and is asked again.
    pub throw_away: Arc<dyn Fn(RecordingId) + Send + Sync>,
    /// The way out.
    pub egress: Egress,
    /// `[site] name`.
    pub site: String,
    /// Where a program finds the recording it is to write down.
    pub work_dir: PathBuf,
    /// The wall clock.
    pub clock: Clock,
    /// How long to wait between tries.
    pub pace: Pace,
}

/// What the configuration says; the clerk takes over a new one before the next errand.
#[derive(Clone)]
pub struct Orders {
    /// Who owns a box.
    pub owner: Arc<dyn Fn(&Mailbox) -> BoxOwner + Send + Sync>,
    /// `[mail]`.
    pub mail: MailConfig,
    /// `[transcription]`.
    pub transcription: TranscriptionConfig,
}

/// How it stands with the errands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrandNews {
    /// Those that wait, or are tried again.
    pub waiting: u64,
    /// Those that were given up.
    pub given_up: u64,
    /// Those of them that were in the last day.
    pub given_up_lately: u64,
    /// Why the last of these was; nothing when there is none.
    pub last_given_up: Option<String>,
}

/// Looks at the errands from other threads. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ErrandWatch(Arc<Mutex<ErrandNews>>);

impl ErrandWatch {
    /// How it stood after the last errand.
    pub fn now(&self) -> ErrandNews {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, news: ErrandNews) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = news;
    }
}

/// Whom messages of a box are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxOwner {
    /// Where they are sent; nowhere when empty.
    pub email: String,
    /// In which language.
    pub language: Language,
    /// Days a message is kept; 0 for ever.
    pub keep_days: u32,
}

/// How long the clerk waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two tries of one errand, at first; each further wait is twice as long, up to an hour.
    pub first_wait: Duration,
    /// Between two looks for old messages.
    pub sweep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(60),
            sweep: Duration::from_secs(3600),
        }
    }
}

/// Why an errand is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setback {
    /// It may go well another time.
    Later(String),
    /// It never will.
    Never(String),
}

/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Tries of an e-mail: the first hour's and then one an hour for three days.
const MOST_MAILS: u32 = 78;
/// Tries of a transcript. An e-mail waits for it, so they are few.
const MOST_TRANSCRIPTS: u32 = 4;

/// Runs errands, one at a time.
pub struct Clerk {
    means: Arc<Means>,
    orders: Orders,
    new_orders: watch::Receiver<Orders>,
    transcriber: Option<Box<dyn Transcriber>>,
    watch: ErrandWatch,
}

/// How long an errand that was given up is told of.
const TELL_MS: i64 = 86_400_000;

impl Clerk {
    /// A clerk at rest.
    pub fn new(means: Means, mut orders: watch::Receiver<Orders>) -> Self {
        let now = orders.borrow_and_update().clone();
        Self {
            transcriber: transcriber(&now.transcription, &means.egress, &means.work_dir),
            means: Arc::new(means),
            orders: now,
            new_orders: orders,
            watch: ErrandWatch::default(),
        }
    }

    /// Looks at the errands from other threads.
    pub fn watch(&self) -> ErrandWatch {
        self.watch.clone()
    }

    /// Takes over a configuration that was read anew.
    fn obey(&mut self) {
        self.orders = self.new_orders.borrow_and_update().clone();
        let means = &self.means;
        self.transcriber = transcriber(&self.orders.transcription, &means.egress, &means.work_dir);
    }

    /// Lets others see how it stands.
    async fn tell(&self) {
        let since = (self.means.clock.unix_ms)().saturating_sub(TELL_MS);
        let told =
            self.store(move |messages| Ok((messages.errand_counts()?, messages.given_up_since(since)?)));
        // The store says itself when it cannot be read.
        if let Ok(((waiting, given_up), (given_up_lately, last_given_up))) = told.await {
            self.watch.set(ErrandNews {
                waiting,
                given_up,
                given_up_lately,
                last_given_up,
            });
        }
    }

    /// Works until dropped. `bell` rings when there may be something to do.
    pub async fn work(mut self, bell: Arc<Notify>) {
        let mut next_sweep = tokio::time::Instant::now();
        loop {
            if self.new_orders.has_changed().unwrap_or(false) {
                self.obey();
            }
            if next_sweep <= tokio::time::Instant::now() {
                next_sweep = tokio::time::Instant::now() + self.means.pace.sweep;
                self.sweep().await;
                self.tell().await;
            }
            let until = match self.look().await {
                Ok(Todo::Now(errand)) => {
                    let outcome = self.run(*errand).await;
                    self.tell().await;
                    if outcome.is_ok() {
                        continue;
                    }
                    next_sweep.min(tokio::time::Instant::now() + self.means.pace.first_wait)
                }
                Ok(Todo::At(unix_ms)) => {
                    let wait = unix_ms.saturating_sub((self.means.clock.unix_ms)());
                    let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
                    next_sweep.min(tokio::time::Instant::now() + wait)
                }
                Ok(Todo::Nothing) => next_sweep,
                Err(error) => {
                    tracing::warn!(%error, "What is to be done about messages cannot be read: {error}.");
                    next_sweep.min(tokio::time::Instant::now() + self.means.pace.first_wait)
                }
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                () = bell.notified() => {}
                // Whoever could change the orders is gone when the box stops.
                _ = self.new_orders.changed() => self.obey(),
            }
        }
    }

    async fn sweep(&self) {
        let (means, owner) = (Arc::clone(&self.means), Arc::clone(&self.orders.owner));
        match tokio::task::spawn_blocking(move || sweep(&means, &*owner)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "Old messages could not be looked for: {error}."),
            Err(error) => tracing::error!(%error, "The search for old messages broke off: {error}."),
        }
    }

    async fn look(&self) -> Result<Todo, StoreError> {
        self.store(|messages| messages.next_errand()).await
    }

    /// Asks the store from a thread that may wait for the disk.
    async fn store<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Messages) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let messages = self.means.messages.clone();
        tokio::task::spawn_blocking(move || question(&messages))
            .await
            .unwrap_or(Err(StoreError::Closed))
    }

    /// Runs one errand and writes down what became of it.
    async fn run(&self, errand: Errand) -> Result<(), StoreError> {
        let outcome = match errand.kind {
            MessageErrand::Mail => self.mail(&errand).await,
            MessageErrand::Transcribe => self.transcribe(&errand).await,
        };
        let most = match errand.kind {
            MessageErrand::Mail => MOST_MAILS,
            MessageErrand::Transcribe => MOST_TRANSCRIPTS,
        };
        let (id, kind) = (errand.about.message.id, errand.kind.as_str());
        match outcome {
            Ok(()) => {
                tracing::info!(message = %id, errand = kind, "Message {id}: {kind} is done.");
                self.store(move |messages| messages.done(&errand)).await
            }
            Err(Setback::Later(reason)) if errand.attempts + 1 < most => {
                tracing::warn!(message = %id, errand = kind, reason, "Message {id}: {kind} is tried again: {reason}.");
                let wait = self.wait_ms(errand.attempts);
                self.store(move |messages| messages.try_later(&errand, wait, &reason))
                    .await
            }
            Err(Setback::Later(reason) | Setback::Never(reason)) => {
                tracing::error!(message = %id, errand = kind, reason, "Message {id}: {kind} is given up: {reason}.");
                self.store(move |messages| messages.give_up(&errand, &reason))
                    .await
            }
        }
    }

    fn wait_ms(&self, attempts: u32) -> i64 {
        let wait = self
            .means
            .pace
            .first_wait
            .saturating_mul(1 << attempts.min(12))
            .min(LONGEST_WAIT);
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    }

    async fn sound(&self, path: &Arc<str>) -> Result<Vec<u8>, Setback> {
        let (read, path) = (Arc::clone(&self.means.read), Arc::clone(path));
        match tokio::task::spawn_blocking(move || read(&path)).await {
            Ok(Ok(sound)) => Ok(sound),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(Setback::Never("its file is gone".to_owned()))
            }
            Ok(Err(error)) => Err(Setback::Later(format!("its file cannot be read: {error}"))),
            Err(error) => Err(Setback::Later(error.to_string())),
        }
    }

    async fn transcribe(&self, errand: &Errand) -> Result<(), Setback> {
        let Some(transcriber) = &self.transcriber else {
            return Err(Setback::Never("nobody writes messages down any more".to_owned()));
        };
        let message = &errand.about.message;
        let spoken = Spoken {
            id: message.id,
            sound: self.sound(&message.path).await?,
            language: message.language.clone(),
        };
        let transcript = transcriber.write_down(spoken).await?;
        let id = message.id;
        self.store(move |messages| messages.transcribe(id, transcript))
            .await
            .map(|_known| ())
            .map_err(|error| Setback::Later(error.to_string()))
    }

    #[cfg(not(feature = "mail"))]
    async fn mail(&self, _errand: &Errand) -> Result<(), Setback> {
        Err(Setback::Never("this build sends no e-mail".to_owned()))
    }

    #[cfg(feature = "mail")]
    async fn mail(&self, errand: &Errand) -> Result<(), Setback> {
        let means = &self.means;
        let message = &errand.about.message;
        let owner = (self.orders.owner)(&message.mailbox);
        if owner.email.is_empty() || !self.orders.mail.is_on() {
            return Err(Setback::Never("nobody is to be written to any more".to_owned()));
        }
        let sound = self.sound(&message.path).await?;
        let most = u64::from(self.orders.mail.attach_megabytes) << 20;
        let fits = u64::try_from(sound.len()).is_ok_and(|length| length <= most);
        let letter = super::letter::Letter {
            from: &self.orders.mail.from,
            to: &owner.email,
            site: &means.site,
            language: &owner.language,
            message: &errand.about,
            sound: fits.then_some(sound),
        };
        let (envelope, mail) = super::letter::compose(letter).map_err(Setback::Never)?;
        let hello = hello(&self.orders.mail.from);
        super::smtp::send(&means.egress, &self.orders.mail, hello, &envelope, &mail).await
    }
}

/// The name we greet with: the one our address belongs to.
#[cfg(feature = "mail")]
fn hello(from: &str) -> &str {
    from.split_once('@').map_or("callpost.invalid", |(_, host)| host)
}
