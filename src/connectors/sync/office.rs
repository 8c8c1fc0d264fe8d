//! What stands behind the desk: the sources, the fetches that run, and why moments were passed over.

use super::desk::{DeskError, Setup, StartError, Wish};
use super::fetch::Fetch;
use super::range;
use super::record::Origin;
use super::settings::{FileSource, Patch};
use super::view::{LogView, Progress, Skip, SourceView};
use super::{Fault, Schedule, Settings, SyncWatch};
use crate::connectors::onepos::{self, Ask, Client, Pace, Step, Way};
use crate::egress::{Author, Egress, Trust};
use crate::model::{CallId, Stamp};
use crate::store::{ApiKey, Clock, NewSync, PbxSource, StoreError, SyncBook, SyncLog, Written};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinHandle;

/// Listeners that fall behind so many pages lose the oldest.
const PROGRESS: usize = 64;
/// A name has at most so many characters.
const NAME: usize = 64;
/// A key has at most so many bytes.
const KEY: usize = 4096;

/// What the tasks share.
pub(super) struct Office {
    pub(super) book: SyncBook,
    pub(super) clock: Clock,
    pub(super) egress: Egress,
    pub(super) site: String,
    pub(super) zone: TimeZone,
    pub(super) pace: Pace,
    pub(super) look_again: Duration,
    pub(super) watch: SyncWatch,
    pub(super) progress: broadcast::Sender<Progress>,
    pub(super) changed: Notify,
    pub(super) stop: watch::Sender<bool>,
    pub(super) skips: Mutex<BTreeMap<String, Skip>>,
    pub(super) running: Mutex<BTreeMap<String, (String, JoinHandle<()>)>>,
}

/// Who wrote the address of a source.
pub(super) fn author_of(source: &PbxSource) -> Author {
    if source.from_file {
        Author::File
    } else {
        Author::Api
    }
}

impl Office {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            book: setup.book,
            clock: setup.clock,
            egress: setup.egress,
            site: setup.site,
            zone: setup.zone,
            pace: setup.pace,
            look_again: setup.look_again,
            watch: SyncWatch::default(),
            progress: broadcast::Sender::new(PROGRESS),
            changed: Notify::new(),
            stop: watch::Sender::new(false),
            skips: Mutex::default(),
            running: Mutex::default(),
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock.unix_ms)()
    }

    pub(super) fn look_again(&self) -> Duration {
        self.look_again
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(super) fn stamp(&self, unix_ms: i64) -> Stamp {
        let time = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        Stamp {
            unix_ms,
            offset_seconds: self.zone.to_offset(time).seconds(),
        }
    }

    pub(super) fn age_seconds(&self, unix_ms: i64) -> u64 {
        u64::try_from(self.now_ms().saturating_sub(unix_ms) / 1000).unwrap_or(0)
    }

    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn skips(&self) -> MutexGuard<'_, BTreeMap<String, Skip>> {
        self.skips.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn running(&self) -> MutexGuard<'_, BTreeMap<String, (String, JoinHandle<()>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps why a moment was passed over; true when the reason is another than before.
    pub(super) fn skip(&self, id: &str, skip: Skip) -> bool {
        let code = skip.code.clone();
        let before = self.skips().insert(id.to_owned(), skip);
        before.is_none_or(|before| before.code != code)
    }

    pub(super) fn clear_skip(&self, id: &str) {
        self.skips().remove(id);
    }

    pub(super) async fn note_slot(&self, id: &str, slot: i64) {
        let id = id.to_owned();
        if self.ask(move |book| book.note_slot(&id, slot)).await.is_err() {
            tracing::debug!("The served moment of a schedule could not be noted.");
        }
    }

    /// The store blocks on the disk, so it is asked on a thread that may.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&SyncBook) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let book = self.book.clone();
        let answer = tokio::task::spawn_blocking(move || question(&book)).await;
        Ok(answer.unwrap_or(Err(StoreError::Closed))?)
    }

    pub(super) async fn all_sources(&self) -> Result<Vec<(PbxSource, Settings)>, DeskError> {
        let sources = self.ask(|book| book.sources()).await?;
        Ok(sources.into_iter().map(with_settings).collect())
    }

    pub(super) async fn source(&self, id: &str) -> Result<(PbxSource, Settings), DeskError> {
        let id = id.to_owned();
        let source = self.ask(move |book| book.source(&id)).await?;
        source.map(with_settings).ok_or(DeskError::NotFound)
    }

    /// The file's sources take the places of those with their names; one that left the file is removed.
    pub(super) fn take_in(&self, file: Vec<FileSource>) -> Result<(), StoreError> {
        const AUTHOR: &str = "configuration file";
        let known = self.book.sources()?;
        for source in &file {
            let now = self.now_ms();
            let before = known.iter().find(|known| known.name == source.name);
            let settings = serde_json::to_string(&source.settings)?;
            if before.is_some_and(|before| {
                before.from_file && before.settings == settings && before.api_key == source.api_key
            }) {
                continue;
            }
            let row = PbxSource {
                id: before.map_or_else(|| new_id(now), |before| before.id.clone()),
                name: source.name.clone(),
                from_file: true,
                api_key: source.api_key.clone(),
                created_ms: now,
                updated_ms: now,
                last_slot_ms: before.and_then(|before| before.last_slot_ms),
                settings,
                ..empty_source()
            };
            let change = history_of(&source.settings, None, !source.api_key.is_empty());
            self.book.write_source(row, AUTHOR, &change)?;
        }
        for gone in known.iter().filter(|known| known.from_file) {
            if !file.iter().any(|source| source.name == gone.name) {
                self.book.remove_source(&gone.id, AUTHOR)?;
            }
        }
        Ok(())
    }

    pub(super) async fn make(
        &self,
        settings: Settings,
        patch: &Patch,
        author: &str,
    ) -> Result<String, DeskError> {
        let now = self.now_ms();
        let source = PbxSource {
            id: new_id(now),
            created_ms: now,
            ..empty_source()
        };
        self.write(source, settings, patch, author).await
    }

    pub(super) async fn change(&self, id: &str, patch: &Patch, author: &str) -> Result<String, DeskError> {
        let (source, settings) = self.source(id).await?;
        if source.from_file {
            return Err(DeskError::FromFile);
        }
        self.write(source, settings, patch, author).await
    }

    pub(super) async fn write(
        &self,
        mut source: PbxSource,
        before: Settings,
        patch: &Patch,
        author: &str,
    ) -> Result<String, DeskError> {
        let mut settings = before.clone();
        patch.apply(&mut settings);
        if let Some(name) = &patch.name {
            source.name = name.trim().to_owned();
        }
        let mut faults = settings.faults(Author::Api);
        faults.extend(name_fault(&source.name));
        if let Some(key) = &patch.api_key {
            faults.extend(key_fault(key));
            source.api_key = ApiKey::from(key.as_str());
        }
        if !faults.is_empty() {
            return Err(DeskError::Faults(faults));
        }
        self.refuse_a_second_of(&source, &settings).await?;
        source.updated_ms = self.now_ms();
        // A new schedule begins now; what its moments would have been before does not count as missed.
        if settings.cron_expression != before.cron_expression
            || settings.is_scheduled() != before.is_scheduled()
        {
            source.last_slot_ms = Some(source.updated_ms);
        }
        let is_new = source.settings.is_empty();
        let change = history_of(&settings, (!is_new).then_some(&before), patch.api_key.is_some());
        source.settings = serde_json::to_string(&settings).map_err(StoreError::from)?;
        let name = source.name.clone();
        let author = author.to_owned();
        let (written, id) = self
            .ask(move |book| book.write_source(source, &author, &change))
            .await?;
        match written {
            Written::Yes => {
                self.skips().remove(&id);
                self.changed.notify_one();
                Ok(id)
            }
            Written::NameTaken => Err(DeskError::Taken(format!("another source is called \"{name}\""))),
        }
    }

    /// Two sources of one PBX and one domain would file every call twice.
    pub(super) async fn refuse_a_second_of(
        &self,
        source: &PbxSource,
        settings: &Settings,
    ) -> Result<(), DeskError> {
        if !settings.is_active {
            return Ok(());
        }
        let others = self.all_sources().await?;
        let same = others.iter().find(|(other, theirs)| {
            other.id != source.id
                && theirs.is_active
                && theirs.api_url == settings.api_url
                && theirs.domain == settings.domain
        });
        match same {
            Some((other, _)) => Err(DeskError::Taken(format!(
                "the source \"{}\" asks this PBX for this domain already; every call would be filed twice",
                other.name
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn way(&self, source: &PbxSource, settings: &Settings) -> Result<Way, DeskError> {
        let author = author_of(source);
        let url = settings
            .url(author)
            .map_err(|(problem, cure)| fault("api_url", problem, cure))?;
        let owner = format!("pbx/{}", source.name);
        let trust = Trust::from_keys(settings.ca_file.as_deref(), settings.tls_pin.as_deref(), &owner)
            .map_err(|(key, problem)| fault(key, problem, "mend the configuration"))?;
        Ok(Way { url, author, trust })
    }

    pub(super) fn client(&self, source: &PbxSource, settings: &Settings) -> Result<Client, DeskError> {
        let way = self.way(source, settings)?;
        let zone = settings.zone(&self.zone);
        let key = source.api_key.clone();
        Client::new(&self.egress, &way, &settings.domain, key, zone, self.pace.clone()).map_err(|problem| {
            fault(
                "api_url",
                problem,
                "the address has to be one this box may connect to",
            )
        })
    }

    pub(super) async fn probe(
        &self,
        source: &PbxSource,
        settings: &Settings,
    ) -> Result<Vec<Step>, DeskError> {
        let way = self.way(source, settings)?;
        let client = self.client(source, settings).map_err(|error| error.to_string());
        let now = self.now_ms();
        let ask = Ask {
            from_ms: now.saturating_sub(i64::from(settings.days_back).saturating_mul(86_400_000)),
            to_ms: now,
            limit: 1,
            offset: 0,
        };
        Ok(onepos::probe(&self.egress, &way, client, ask, self.clock.now).await)
    }

    pub(super) async fn start(self: &Arc<Self>, id: &str, wish: Wish) -> Result<String, StartError> {
        let (source, settings) = self.source(id).await?;
        if !settings.is_active {
            return Err(StartError::Inactive);
        }
        let client = self.client(&source, &settings)?;
        let now = self.now_ms();
        let source_id = source.id.clone();
        let last = self.ask(move |book| book.last_log(&source_id)).await?;
        let asked = (wish.from_ms, wish.to_ms);
        let plan = range::plan(
            &source,
            last.as_ref(),
            settings.days_back,
            settings.overlap_hours,
            asked,
            now,
        );
        let Some(leg) = plan.legs.first().copied() else {
            return Err(StartError::Desk(DeskError::NotFound));
        };
        let log = new_id(now);
        let new = NewSync {
            id: log.clone(),
            source: source.id.clone(),
            sync_type: wish.mode.as_str().to_owned(),
            from_ms: plan.from_ms,
            to_ms: plan.to_ms,
            leg,
        };
        if let Err(log_id) = self.ask(move |book| book.begin(new)).await? {
            return Err(StartError::AlreadyRunning { log_id });
        }
        let fetch = Fetch {
            book: self.book.clone(),
            client,
            origin: Origin {
                source: source.id.clone(),
                name: source.name.clone(),
                site: self.site.clone(),
                zone: self.zone.clone(),
            },
            log: log.clone(),
            covered: range::covered(&source, plan.from_ms, plan.to_ms),
            forget_before: range::forgotten(&plan, settings.days_back, now),
            plan,
            batch: settings.batch_size,
            progress: self.progress.clone(),
            stopped: self.stopped(),
        };
        tracing::info!(source = %source.name, log, mode = wish.mode.as_str(), "The sync of {} begins.", source.name);
        let name = source.name.clone();
        let task = tokio::spawn(async move {
            match fetch.run().await {
                None => tracing::info!(source = %name, "The sync of {name} is done."),
                Some(error) => tracing::warn!(source = %name, error, "The sync of {name} failed: {error}."),
            }
        });
        self.running().insert(source.id, (log.clone(), task));
        Ok(log)
    }

    pub(super) fn view(&self, source: &PbxSource, settings: &Settings) -> SourceView {
        let schedule = Schedule::parse(&settings.cron_expression).ok();
        let next = schedule
            .filter(|_| settings.is_scheduled())
            .and_then(|schedule| schedule.next_after(self.now_ms(), &self.zone));
        let running = self.running();
        let running = running.get(&source.id).filter(|(_, task)| !task.is_finished());
        SourceView {
            id: source.id.clone(),
            name: source.name.clone(),
            from_file: source.from_file,
            api_url: settings.api_url.clone(),
            domain: settings.domain.clone(),
            has_api_key: !source.api_key.is_empty(),
            sync_mode: settings.sync_mode,
            cron_expression: settings.cron_expression.clone(),
            is_active: settings.is_active,
            days_back: settings.days_back,
            batch_size: settings.batch_size,
            overlap_hours: settings.overlap_hours,
            timezone: settings
                .timezone
                .clone()
                .or_else(|| self.zone.iana_name().map(str::to_owned))
                .unwrap_or_default(),
            allow_http: settings.allow_http,
            last_sync_at: source.last_sync_ms.map(|ms| self.stamp(ms)),
            last_sync_age_seconds: source.last_sync_ms.map(|ms| self.age_seconds(ms)),
            last_sync_status: source.last_status.clone(),
            last_sync_error: source.last_error.clone(),
            total_records_synced: source.total_records,
            created_at: self.stamp(source.created_ms),
            updated_at: self.stamp(source.updated_ms),
            running: running.map(|(log, _)| log.clone()),
            next_run_at: next.map(|ms| self.stamp(ms)),
            last_skip: self.skips().get(&source.id).cloned(),
        }
    }

    pub(super) fn log_view(&self, log: SyncLog) -> LogView {
        let took = log
            .completed_ms
            .map(|end| u64::try_from(end.saturating_sub(log.started_ms)).unwrap_or(0));
        LogView {
            id: log.id,
            source_id: log.source,
            sync_type: log.sync_type,
            status: log.status,
            from: self.stamp(log.from_ms),
            to: self.stamp(log.to_ms),
            offset: log.leg.offset,
            records_fetched: log.counts.fetched,
            records_created: log.counts.created,
            records_updated: log.counts.updated,
            records_unchanged: log.counts.unchanged,
            records_linked: log.counts.linked,
            records_skipped: log.counts.skipped,
            error_message: log.error,
            error_details: log
                .details
                .and_then(|details| serde_json::from_str(&details).ok()),
            started_at: self.stamp(log.started_ms),
            completed_at: log.completed_ms.map(|ms| self.stamp(ms)),
            duration_ms: took,
        }
    }
}

fn with_settings(source: PbxSource) -> (PbxSource, Settings) {
    // Written by another version so that it cannot be read: the source stands there inactive.
    let settings = serde_json::from_str(&source.settings).unwrap_or_default();
    (source, settings)
}

fn empty_source() -> PbxSource {
    PbxSource {
        id: String::new(),
        name: String::new(),
        from_file: false,
        settings: String::new(),
        api_key: ApiKey::default(),
        created_ms: 0,
        updated_ms: 0,
        last_sync_ms: None,
        last_status: None,
        last_error: None,
        total_records: 0,
        covered_from_ms: None,
        covered_to_ms: None,
        last_slot_ms: None,
    }
}

/// The new values by their names; the key is only said to be set.
fn history_of(settings: &Settings, before: Option<&Settings>, has_new_key: bool) -> String {
    let mut change = serde_json::to_value(settings).unwrap_or_default();
    let before = before.and_then(|before| serde_json::to_value(before).ok());
    if let (Some(fields), Some(before)) = (change.as_object_mut(), before) {
        fields.retain(|name, value| before.get(name) != Some(value));
    }
    if let Some(fields) = change.as_object_mut()
        && has_new_key
    {
        fields.insert("api_key".to_owned(), json!("set"));
    }
    change.to_string()
}

fn fault(key: &'static str, problem: String, cure: &str) -> DeskError {
    DeskError::Faults(vec![Fault {
        key,
        problem,
        cure: cure.to_owned(),
    }])
}

fn name_fault(name: &str) -> Option<Fault> {
    let is_good = !name.is_empty() && name.chars().count() <= NAME && !name.chars().any(char::is_control);
    (!is_good).then(|| Fault {
        key: "name",
        problem: "is no name".to_owned(),
        cure: "use 1 to 64 characters, such as \"pbx\"".to_owned(),
    })
}

fn key_fault(key: &str) -> Option<Fault> {
    let is_good = key.len() <= KEY && key.bytes().all(|letter| (0x20..0x7f).contains(&letter));
    (!is_good).then(|| Fault {
        key: "api_key",
        problem: "cannot be sent".to_owned(),
        cure: "use up to 4096 printable ASCII characters".to_owned(),
    })
}

/// UUID version 7: identities sort by time.
fn new_id(unix_ms: i64) -> String {
    let mut random = [0; 10];
    // Without chance the time alone has to do; two in one millisecond would collide, and be refused.
    let _ = getrandom::fill(&mut random);
    CallId::new(unix_ms, &random).to_string()
}
