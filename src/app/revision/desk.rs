use super::trial::{self, Trial};
use super::versions::{Version, Versions};
use super::{FIRST_FILE, paper};
use crate::agents::Overflow;
use crate::app::clock;
use crate::config::{Config, Masks, Surroundings, Texts};
use crate::engine::{Alarm, Snapshot};
use crate::http::{EngineDoor, FlowFile, Part, SettingsView, TakenBack, TrialView, VersionView};
use crate::media::Sounds;
use crate::model::Stamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// What both sides of the desk share: those who ask, and those who wait for a trial to end.
pub(super) struct Desk {
    pub(super) named: Option<PathBuf>,
    pub(super) around: Surroundings,
    pub(super) versions: Versions,
    pub(super) masks: Masks,
    pub(super) engine: Arc<dyn EngineDoor>,
    pub(super) swap: Box<dyn Fn(&Config) + Send + Sync>,
    pub(super) sounds: Arc<dyn Sounds>,
    pub(super) wall: Arc<dyn Fn() -> Stamp + Send + Sync>,
    pub(super) runtime: Handle,
    /// What the box was started with.
    pub(super) begun_with: Texts,
    pub(super) running: Mutex<Running>,
    pub(super) changing: tokio::sync::Mutex<()>,
    pub(super) alarms: watch::Sender<Vec<Alarm>>,
}

pub(super) struct Running {
    pub(super) texts: Arc<Texts>,
    pub(super) config: Arc<Config>,
    pub(super) version: Option<u64>,
    pub(super) trial: Option<Trial>,
    pub(super) trials: u64,
    pub(super) taken_back: Option<TakenBack>,
}

impl Desk {
    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn texts(&self) -> Arc<Texts> {
        Arc::clone(&self.running().texts)
    }

    pub(super) async fn up_now(&self) -> BTreeSet<String> {
        let snapshot = self.engine.snapshot().await;
        snapshot.map(|snapshot| trial::up(&snapshot)).unwrap_or_default()
    }

    pub(super) fn look(&self, snapshot: Option<&Snapshot>) -> SettingsView {
        let (texts, config, version, trial, taken_back) = {
            let running = self.running();
            (
                Arc::clone(&running.texts),
                Arc::clone(&running.config),
                running.version,
                running.trial.clone(),
                running.taken_back.clone(),
            )
        };
        let flows = texts.flows().iter().map(|(file, text)| FlowFile {
            name: stem(file).to_owned(),
            etag: self.masks.tag(text),
            used_by: used_by(&config, &flow_called(file, text)),
        });
        let file = texts.file().map_or(Path::new(FIRST_FILE), |file| file);
        SettingsView {
            file: texts.file().map(|file| file.display().to_string()),
            etag: self.masks.tag(texts.text()),
            version,
            flows: flows.collect(),
            shipped_flows: texts.has_shipped_flows(),
            read_only: paper::obstacle(file),
            trial: trial.map(|trial| self.trial_view(&trial, snapshot, &config)),
            taken_back,
            after_restart: self.after_restart(&texts),
            changed_on_disk: self.changed_on_disk(&texts).is_some(),
            environment: self.around.overriding(),
        }
    }

    pub(super) fn trial_view(
        &self,
        trial: &Trial,
        snapshot: Option<&Snapshot>,
        config: &Config,
    ) -> TrialView {
        let left = trial.until.saturating_duration_since(clock::monotonic());
        TrialView {
            since: trial.since,
            seconds_left: u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX),
            wants_confirmation: trial.wants_confirmation,
            returns_to: trial.returns_to,
            missing: snapshot
                .map(|snapshot| trial::missing(&trial.up, snapshot, config))
                .unwrap_or_default(),
        }
    }

    /// What differs from what the box was started with and was not taken over: `http.listen`, `upstream head-office`.
    pub(super) fn after_restart(&self, texts: &Texts) -> Vec<String> {
        let changes = self.begun_with.changes_to(texts);
        let late = changes.iter().filter(|change| !change.is_at_once());
        late.flat_map(|change| match &change.name {
            Some(name) => vec![format!("{} {name}", change.section)],
            None => change
                .keys
                .iter()
                .filter(|key| !key.at_once)
                .map(|key| format!("{}.{}", change.section, key.key))
                .collect(),
        })
        .collect()
    }

    /// The first file that says something else on the disk than in use.
    pub(super) fn changed_on_disk(&self, texts: &Texts) -> Option<String> {
        let (on_disk, _) = Texts::read(self.named.as_deref().or(texts.file())).ok()?;
        if on_disk.text() != texts.text() || on_disk.file() != texts.file() {
            return on_disk.file().map(|file| file.display().to_string());
        }
        if on_disk.has_shipped_flows() && texts.has_shipped_flows() {
            return None;
        }
        let (ours, theirs) = (texts.flows(), on_disk.flows());
        let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        all.into_iter()
            .find(|file| ours.get(*file) != theirs.get(*file))
            .map(|file| format!("flows/{file}"))
    }
}

impl Part {
    /// The file of a flow.
    pub(super) fn file(&self) -> Option<String> {
        match self {
            Self::Main => None,
            Self::Flow(name) => Some(format!("{name}.toml")),
        }
    }
}

pub(super) fn text_of<'t>(texts: &'t Texts, part: &Part) -> Option<&'t str> {
    match part.file() {
        None => Some(texts.text()),
        Some(file) => texts.flows().get(&file).map(String::as_str),
    }
}

pub(super) fn stem(file: &str) -> &str {
    file.strip_suffix(".toml").unwrap_or(file)
}

pub(super) fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

/// What a flow calls itself: its `name`, or that of its file.
pub(super) fn flow_called(file: &str, text: &str) -> String {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let name = table.get("name").and_then(toml::Value::as_str);
    name.unwrap_or(stem(file)).to_owned()
}

/// Which numbers and groups lead to a flow.
pub(super) fn used_by(config: &Config, flow: &str) -> Vec<String> {
    let numbers = config
        .numbers
        .iter()
        .filter(|rule| rule.flow.as_ref().is_some_and(|name| name.as_str() == flow));
    let leads_there = |overflow: &Overflow| matches!(overflow, Overflow::Flow(name) if name.as_str() == flow);
    let groups = config.groups.iter().filter(|group| leads_there(group.overflow()));
    numbers
        .map(|rule| format!("number {}", rule.number))
        .chain(groups.map(|group| format!("group {}", group.name)))
        .collect()
}

pub(super) fn version_view(version: &Version, in_use: Option<u64>) -> VersionView {
    VersionView {
        id: version.id,
        at: version.at,
        by: version.by.clone(),
        way: version.way.clone(),
        reason: version.reason.clone(),
        changes: version.changes.clone(),
        in_use: in_use == Some(version.id),
    }
}
