use super::advice::{self, Advice};
use super::office::{Office, author_of};
use super::settings::{FileSource, Patch};
use super::view::{ChangeView, LogView, LogViews, Progress, QuarantineViews, SourceView, Stats};
use super::{Fault, Schedule, Settings, SyncMode, SyncWatch, clockwork, words};
use crate::connectors::onepos::{Pace, Step};
use crate::egress::Egress;
use crate::model::{CallId, Stamp};
use crate::store::{Clock, StoreError, SyncBook};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// The face of everything about fetching: for the API, the pages and GraphQL. Cheap to clone.
#[derive(Clone)]
pub struct SyncDesk {
    pub(super) office: Arc<Office>,
}

/// What the desk needs to know at start.
pub struct Setup {
    /// Where everything is kept.
    pub book: SyncBook,
    /// The clocks.
    pub clock: Clock,
    /// The way out.
    pub egress: Egress,
    /// `[site] name`.
    pub site: String,
    /// The zone of the site's clock, by which schedules run.
    pub zone: TimeZone,
    /// Every `[[pbx]]` of the configuration file.
    pub file: Vec<FileSource>,
    /// How patient a fetch is.
    pub pace: Pace,
    /// How often the schedules look at the wall clock, which may be set meanwhile; 20 seconds is usual.
    pub look_again: Duration,
}

/// What a sync is to be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Whether a person or the schedule wants it.
    pub mode: SyncMode,
    /// Begin of the range, in ms since 1970; the desk works it out when absent.
    pub from_ms: Option<i64>,
    /// End of the range, in ms since 1970; now when absent.
    pub to_ms: Option<i64>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            mode: SyncMode::Manual,
            from_ms: None,
            to_ms: None,
        }
    }
}

/// Why the desk cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such source.
    #[error("there is no source with this id")]
    NotFound,
    /// It stands in the configuration file.
    #[error("the source stands in the configuration file and is changed there")]
    FromFile,
    /// Another source has the name, or asks the same PBX for the same domain.
    #[error("{0}")]
    Taken(String),
    /// Settings that cannot be.
    #[error("{}", told(.0))]
    Faults(Vec<Fault>),
    /// The store cannot be read or written.
    #[error("the store cannot answer now")]
    Store(#[from] StoreError),
}

/// Why a sync does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One of this source is running.
    #[error("already running")]
    AlreadyRunning {
        /// Which one.
        log_id: String,
    },
    /// The source is not active.
    #[error("the source is not active; activate it first")]
    Inactive,
    /// The desk cannot.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

fn told(faults: &[Fault]) -> String {
    let all: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {} — {}", fault.key, fault.problem, fault.cure))
        .collect();
    all.join("; ")
}

/// How long running fetches may take to come to a page's end at a stop.
const STOPPING: Duration = Duration::from_secs(5);

impl SyncDesk {
    /// Opens the desk: fetches that a killed daemon left running are closed, the file's sources take their places,
    /// and the schedules begin, inside a tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn open(setup: Setup) -> Result<Self, StoreError> {
        let interrupted = setup.book.close_interrupted()?;
        if interrupted > 0 {
            tracing::warn!(
                interrupted,
                "{interrupted} syncs were cut by the last stop; the next ones go on there."
            );
        }
        let Setup { file, .. } = &setup;
        let file = file.clone();
        let office = Office::new(setup);
        office.take_in(file)?;
        let office = Arc::new(office);
        // Without a runtime the desk answers all the same; only its schedules rest.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(clockwork::run(Arc::clone(&office)));
        }
        Ok(Self { office })
    }

    /// What a technician should know of the sources.
    pub fn watch(&self) -> SyncWatch {
        self.office.watch.clone()
    }

    /// Stops the schedules and the fetches; what was not fetched is gone on with at the next start.
    pub async fn close(&self) {
        self.office.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.office.running());
        for (_, (_, task)) in tasks {
            // Longer than that: the next start closes its log.
            let _ = tokio::time::timeout(STOPPING, task).await;
        }
    }

    /// Every source, by name. At the first look there is a sample, inactive.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn sources(&self) -> Result<Vec<SourceView>, DeskError> {
        let mut sources = self.office.all_sources().await?;
        if sources.is_empty() && !self.office.ask(|book| book.had_sources()).await? {
            let patch = Patch {
                name: Some("pbx".to_owned()),
                ..Patch::default()
            };
            self.office.make(Settings::sample(), &patch, "sample").await?;
            sources = self.office.all_sources().await?;
        }
        Ok(sources
            .iter()
            .map(|(source, settings)| self.office.view(source, settings))
            .collect())
    }

    /// One source.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], or when the store cannot answer.
    pub async fn source(&self, id: &str) -> Result<SourceView, DeskError> {
        let (source, settings) = self.office.source(id).await?;
        Ok(self.office.view(&source, &settings))
    }

    /// Makes a source. It is inactive unless the patch says otherwise.
    ///
    /// # Errors
    /// When the settings cannot be, the name is taken, or the store cannot answer.
    pub async fn create(&self, patch: Patch, author: &str) -> Result<SourceView, DeskError> {
        let id = self.office.make(Settings::default(), &patch, author).await?;
        self.source(&id).await
    }

    /// Changes a source.
    ///
    /// # Errors
    /// When it stands in the file, the settings cannot be, the name is taken, or the store cannot answer.
    pub async fn update(&self, id: &str, patch: Patch, author: &str) -> Result<SourceView, DeskError> {
        self.office.change(id, &patch, author).await?;
        self.source(id).await
    }

    /// Removes a source. Its records stay; a new source of the same name knows them again.
    ///
    /// # Errors
    /// When it stands in the file, is not there, or the store cannot answer.
    pub async fn delete(&self, id: &str, author: &str) -> Result<(), DeskError> {
        let (source, _) = self.office.source(id).await?;
        if source.from_file {
            return Err(DeskError::FromFile);
        }
        let (id, author) = (id.to_owned(), author.to_owned());
        self.office
            .ask(move |book| book.remove_source(&id, &author))
            .await?;
        self.office.changed.notify_one();
        Ok(())
    }

    /// Who changed a source, when, and what; newest first.
    ///
    /// # Errors
    /// When it is not there or the store cannot answer.
    pub async fn history(&self, id: &str) -> Result<Vec<ChangeView>, DeskError> {
        self.office.source(id).await?;
        let id = id.to_owned();
        let changes = self.office.ask(move |book| book.history(&id)).await?;
        let view = |change: crate::store::SourceChange| ChangeView {
            at: self.office.stamp(change.at_ms),
            author: change.author,
            change: serde_json::from_str(&change.change).unwrap_or_default(),
        };
        Ok(changes.into_iter().map(view).collect())
    }

    /// Starts a sync and answers its id in the log.
    ///
    /// # Errors
    /// [`StartError::AlreadyRunning`] while one of this source is; the reason otherwise.
    pub async fn start(&self, id: &str, wish: Wish) -> Result<String, StartError> {
        self.office.start(id, wish).await
    }

    /// Waits until a sync has come to its end and answers its entry in the log.
    ///
    /// # Errors
    /// When there is no such sync or the store cannot answer.
    pub async fn wait(&self, log_id: &str) -> Result<LogView, DeskError> {
        const LOOK_AGAIN: Duration = Duration::from_secs(5);
        let mut news = self.progress();
        loop {
            let log = self.log(log_id).await?;
            if log.completed_at.is_some() {
                return Ok(log);
            }
            let its_end = async {
                while let Ok(progress) = news.recv().await {
                    if progress.log_id == log_id && progress.status != crate::store::SyncStatus::Running {
                        return;
                    }
                }
            };
            // News may have been lost on the way.
            let _ = tokio::time::timeout(LOOK_AGAIN, its_end).await;
        }
    }

    /// Goes the way to one record step by step: DNS, TCP, TLS, auth, record.
    ///
    /// # Errors
    /// When there is no such source, its address cannot be, or the store cannot answer.
    pub async fn test(&self, id: &str) -> Result<Vec<Step>, DeskError> {
        let (source, settings) = self.office.source(id).await?;
        self.office.probe(&source, &settings).await
    }

    /// Syncs, newest first; `skip` of them are passed over.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn logs(&self, source: Option<&str>, skip: u64, count: u64) -> Result<LogViews, DeskError> {
        let source = source.map(str::to_owned);
        let page = self
            .office
            .ask(move |book| book.logs(source.as_deref(), skip, count.min(1000)))
            .await?;
        Ok(LogViews {
            items: page
                .items
                .into_iter()
                .map(|log| self.office.log_view(log))
                .collect(),
            total: page.total,
        })
    }

    /// One sync.
    ///
    /// # Errors
    /// [`DeskError::NotFound`], or when the store cannot answer.
    pub async fn log(&self, id: &str) -> Result<LogView, DeskError> {
        let id = id.to_owned();
        let log = self.office.ask(move |book| book.log(&id)).await?;
        log.map(|log| self.office.log_view(log))
            .ok_or(DeskError::NotFound)
    }

    /// Rows that could not be taken over, newest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn quarantine(
        &self,
        source: Option<&str>,
        skip: u64,
        count: u64,
    ) -> Result<QuarantineViews, DeskError> {
        let source = source.map(str::to_owned);
        let (rows, total) = self
            .office
            .ask(move |book| book.quarantine(source.as_deref(), skip, count.min(1000)))
            .await?;
        Ok(QuarantineViews {
            items: rows.into_iter().map(|row| self.quarantine_view(row)).collect(),
            total,
        })
    }

    /// The figures of the page's cards.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn stats(&self) -> Result<Stats, DeskError> {
        let sources = self.office.all_sources().await?;
        let totals = self.office.ask(|book| book.totals()).await?;
        let last = sources.iter().filter_map(|(source, _)| source.last_sync_ms).max();
        let first = sources.first().map(|(_, settings)| settings);
        let usual = Settings::default();
        let first = first.unwrap_or(&usual);
        let running = self.office.running();
        Ok(Stats {
            total_records_synced: totals.records,
            records_linked: totals.linked,
            quarantined: totals.quarantined,
            sync_mode: first.sync_mode,
            last_sync_at: last.map(|ms| self.office.stamp(ms)),
            last_sync_age_seconds: last.map(|ms| self.office.age_seconds(ms)),
            batch_size: first.batch_size,
            sources: sources.len(),
            running: running
                .values()
                .filter(|(_, task)| !task.is_finished())
                .map(|(log, _)| log.clone())
                .collect(),
        })
    }

    /// What the PBX said of the call that a record of the journal shows: source, path of the recording, raw fields.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn record_of(&self, cdr: CallId) -> Result<Option<crate::store::PbxRecord>, DeskError> {
        self.office.ask(move |book| book.record_of(cdr)).await
    }

    /// How fetches go on: told after each page and at the end.
    pub fn progress(&self) -> broadcast::Receiver<Progress> {
        self.office.progress.subscribe()
    }

    /// The causes that fit what is seen of a source: why no data came, why the schedule does not run.
    ///
    /// # Errors
    /// When there is no such source or the store cannot answer.
    pub async fn advice(&self, id: &str) -> Result<Vec<Advice>, DeskError> {
        let (source, settings) = self.office.source(id).await?;
        let id = id.to_owned();
        let last = self.office.ask(move |book| book.last_log(&id)).await?;
        let skip = self.office.skips().get(&source.id).cloned();
        let mut found = advice::no_data(&source, &settings, last.as_ref());
        found.extend(advice::not_scheduled(
            &settings,
            author_of(&source),
            skip.as_ref(),
        ));
        Ok(found)
    }

    /// The next moments of a schedule, by the site's clock.
    ///
    /// # Errors
    /// What is wrong with the expression, in plain words.
    pub fn next_runs(&self, expression: &str, count: usize) -> Result<Vec<Stamp>, String> {
        let schedule = Schedule::parse(expression)?;
        let runs = schedule.next_runs(self.office.now_ms(), &self.office.zone, count.min(50));
        Ok(runs.into_iter().map(|ms| self.office.stamp(ms)).collect())
    }

    /// A schedule in words: `en`, `ar` or `vi`.
    ///
    /// # Errors
    /// What is wrong with the expression, in plain words.
    pub fn describe(&self, expression: &str, language: &str) -> Result<String, String> {
        Ok(words::describe(&Schedule::parse(expression)?, language))
    }

    /// A recording that lies at the PBX, from the byte asked for; the caller reads the answer's body.
    ///
    /// # Errors
    /// When the record has none, or the PBX does not answer; in plain words.
    pub async fn recording(&self, cdr: CallId, range: Option<&str>) -> Result<reqwest::Response, DeskError> {
        let record = self.record_of(cdr).await?.ok_or(DeskError::NotFound)?;
        let (source, settings) = self.office.source(&record.source).await?;
        let raw: serde_json::Value = serde_json::from_str(&record.raw).unwrap_or_default();
        let path = raw
            .get("record_path")
            .and_then(|path| path.as_str())
            .unwrap_or_default();
        if path.is_empty() {
            return Err(DeskError::NotFound);
        }
        let client = self.office.client(&source, &settings)?;
        client
            .recording(path, range)
            .await
            .map_err(|trouble| DeskError::Taken(trouble.reason().to_owned()))
    }
}
