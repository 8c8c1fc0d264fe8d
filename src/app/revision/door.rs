use super::desk::{Desk, Running, shown, stem, text_of, version_view};
use super::rehearsed::Recorded;
use super::versions::Versions;
use super::view;
use crate::app::clock;
use crate::app::rehearsal::rehearse;
use crate::config::{Config, Masks, Surroundings, Texts};
use crate::engine::Alarm;
use crate::http::{
    Applied, Basis, BoxFuture, ChangeOrder, ChangeView, Checked, Draft, EngineDoor, Part, PartText, Refused,
    RehearsalRefused, Rung, SettingsDoor, SettingsView, Story, VersionTexts, VersionView,
};
use crate::media::Sounds;
use crate::model::Stamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// What the desk works with.
pub struct Setup {
    /// The configuration the box runs on.
    pub config: Config,
    /// As text.
    pub texts: Texts,
    /// What was named at the start.
    pub named: Option<PathBuf>,
    /// Environment and credentials.
    pub around: Surroundings,
    /// Where versions are kept.
    pub folder: PathBuf,
    /// Tells who is there.
    pub engine: Arc<dyn EngineDoor>,
    /// Takes a configuration over.
    pub swap: Box<dyn Fn(&Config) + Send + Sync>,
    /// Prompts, for how long they are.
    pub sounds: Arc<dyn Sounds>,
    /// The site's clock.
    pub wall: Arc<dyn Fn() -> Stamp + Send + Sync>,
    /// Where trials are waited for.
    pub runtime: Handle,
}

/// Changes the configuration while the box runs; one change at a time.
#[derive(Clone)]
pub struct SettingsDesk(Arc<Desk>);

impl SettingsDesk {
    /// Opens the desk: a configuration that was changed in its files since the last version becomes one, and what was on
    /// trial when the power went is on trial again.
    pub fn open(setup: Setup) -> Self {
        let versions = Versions::new(setup.folder);
        let masks = Masks::new(versions.key(clock::random_seed()));
        let texts = Arc::new(setup.texts);
        let desk = Arc::new(Desk {
            named: setup.named,
            around: setup.around,
            masks,
            engine: setup.engine,
            swap: setup.swap,
            sounds: setup.sounds,
            wall: setup.wall,
            runtime: setup.runtime,
            begun_with: Texts::clone(&texts),
            running: Mutex::new(Running {
                texts: Arc::clone(&texts),
                config: Arc::new(setup.config),
                version: None,
                trial: None,
                trials: 0,
                taken_back: versions.taken_back(),
            }),
            versions,
            changing: tokio::sync::Mutex::default(),
            alarms: watch::Sender::new(Vec::new()),
        });
        let last = desk.versions.last();
        let is_known = last.as_ref().is_some_and(|last| last.texts(&texts) == *texts);
        let version = match last.filter(|_| is_known) {
            Some(last) => Some(last.id),
            None => desk.keep_found(&texts),
        };
        desk.running().version = version;
        desk.resume_trial();
        desk.tell_alarms();
        Self(desk)
    }

    /// What a technician has to know.
    pub fn alarms(&self) -> watch::Receiver<Vec<Alarm>> {
        self.0.alarms.subscribe()
    }

    /// How long calls may go on after the daemon was asked to stop, as it is configured now.
    pub fn drain_patience(&self) -> Duration {
        Duration::from_secs(self.0.running().config.site.drain_seconds.into())
    }

    /// Reads the files again, for a thread of its own.
    ///
    /// # Errors
    /// Why the running configuration stays.
    pub fn reread_now(&self) -> Result<Applied, Refused> {
        self.0.runtime.block_on(self.reread(order_of_the_files()))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Arc<Desk>) -> T + Send + 'static) -> T {
        let desk = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || work(&desk)).await {
            Ok(done) => done,
            Err(broken) => std::panic::resume_unwind(broken.into_panic()),
        }
    }
}

fn order_of_the_files() -> ChangeOrder {
    ChangeOrder {
        by: String::new(),
        reason: String::new(),
        basis: Basis::Any,
        trial_seconds: 0,
        wants_confirmation: false,
    }
}

impl SettingsDoor for SettingsDesk {
    fn look(&self) -> BoxFuture<'_, SettingsView> {
        Box::pin(async move {
            let snapshot = if self.0.running().trial.is_some() {
                self.0.engine.snapshot().await
            } else {
                None
            };
            self.blocking(move |desk| desk.look(snapshot.as_deref())).await
        })
    }

    fn text(&self, part: &Part) -> Option<PartText> {
        let texts = self.0.texts();
        let text = text_of(&texts, part)?;
        Some(PartText {
            text: self.0.masks.hide(text),
            etag: self.0.masks.tag(text),
            file: texts.file_of(part.file().as_deref()).map(shown),
        })
    }

    fn check(&self, draft: &Draft) -> Checked {
        let texts = self.0.texts();
        match self.0.drafted(&texts, draft) {
            Ok(drafted) => self
                .0
                .prepare(&texts, drafted)
                .map_or_else(|checked| checked, |ready| ready.checked),
            Err(checked) => checked,
        }
    }

    fn diff(&self, draft: &Draft) -> (Checked, Vec<ChangeView>) {
        let texts = self.0.texts();
        let drafted = match self.0.drafted(&texts, draft) {
            Ok(drafted) => drafted,
            Err(checked) => return (checked, Vec::new()),
        };
        let changes: Vec<_> = texts.changes_to(&drafted).iter().map(view::change).collect();
        match self.0.prepare(&texts, drafted) {
            Ok(ready) => (ready.checked, changes),
            Err(checked) => (checked, changes),
        }
    }

    fn apply(&self, draft: Draft, order: ChangeOrder) -> BoxFuture<'_, Result<Applied, Refused>> {
        Box::pin(async move {
            let _turn = self.0.changing.lock().await;
            let up = self.0.up_now().await;
            self.blocking(move |desk| desk.apply(&draft, &order, up)).await
        })
    }

    fn reread(&self, order: ChangeOrder) -> BoxFuture<'_, Result<Applied, Refused>> {
        Box::pin(async move {
            let _turn = self.0.changing.lock().await;
            self.blocking(move |desk| desk.reread(&order)).await
        })
    }

    fn history(&self) -> Vec<VersionView> {
        let in_use = self.0.running().version;
        let versions = self.0.versions.ids().into_iter().rev();
        versions
            .filter_map(|id| self.0.versions.get(id))
            .map(|version| version_view(&version, in_use))
            .collect()
    }

    fn version(&self, id: u64) -> Option<VersionTexts> {
        let version = self.0.versions.get(id)?;
        let (texts, in_use) = (self.0.texts(), self.0.running().version);
        let back = texts.changes_to(&version.texts(&texts));
        let flows = version.flows.iter();
        Some(VersionTexts {
            view: version_view(&version, in_use),
            text: self.0.masks.hide(&version.text),
            flows: flows
                .map(|(file, text)| (stem(file).to_owned(), text.clone()))
                .collect(),
            to_go_back: back.iter().map(view::change).collect(),
        })
    }

    fn go_back(&self, id: u64, order: ChangeOrder) -> BoxFuture<'_, Option<Result<Applied, Refused>>> {
        Box::pin(async move {
            let _turn = self.0.changing.lock().await;
            let up = self.0.up_now().await;
            self.blocking(move |desk| desk.go_back(id, &order, up)).await
        })
    }

    fn confirm(&self, by: &str) -> bool {
        let mut running = self.0.running();
        let trial = running.trial.take();
        let seen = running.taken_back.take().is_some();
        drop(running);
        if trial.is_some() {
            tracing::info!(by, "The change of the configuration is confirmed by {by}.");
            self.0.forget_pending();
        }
        self.0.tell_alarms();
        trial.is_some() || seen
    }

    fn rehearse(&self, draft: Option<&Draft>, story: &Story) -> Result<Vec<Rung>, RehearsalRefused> {
        let desk = &self.0;
        let config = match draft {
            None => Arc::clone(&desk.running().config),
            Some(draft) => {
                let drafted = desk
                    .drafted(&desk.texts(), draft)
                    .map_err(RehearsalRefused::Mistakes)?;
                let loaded = Config::of_texts(drafted, &desk.around)
                    .map_err(|refused| RehearsalRefused::Mistakes(view::unloadable(refused)))?;
                Arc::new(loaded.config)
            }
        };
        rehearse(&config, &Recorded(&*desk.sounds), story).map_err(RehearsalRefused::Story)
    }
}
