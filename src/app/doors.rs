//! What the HTTP room sees of the running appliance.

use super::alarms::Board;
use super::announcer::PromptDesk;
use super::caretaker::Caretaker;
use super::destinations::Desk;
use super::post::{Letter, Post};
use super::shelf::Librarian;
use super::telephone::Telephone;
use super::{AgentDesk, Options, SettingsDesk, clock};
use crate::config::{Config, Pbx};
use crate::connectors::onepos::Pace;
use crate::connectors::sync::{Setup, SyncDesk};
use crate::egress::Egress;
use crate::engine::{Command, Snapshot};
use crate::http::{BoxFuture, Busy, Certificate, Disk, EngineDoor, Faces, Health, HealthReport, Outside};
use crate::keeping::{KeepingDesk, Pace as KeepingPace, Setup as KeepingSetup};
use crate::model::{Stamp, WallClock};
use crate::store::Store;
use crate::trace::TraceReader;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// What tells of new records, and whom.
pub(super) struct News {
    /// The highest `seq` on disk.
    pub(super) committed: watch::Receiver<u64>,
    /// Wakes the forwarders.
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

/// Opens the desk that fetches the records of PBXs beside us. Must be called inside the runtime.
pub(super) fn sync_desk(config: &Config, store: &Store, egress: Egress) -> anyhow::Result<SyncDesk> {
    let setup = Setup {
        book: store.sync_book(),
        clock: clock::for_store(),
        egress,
        site: config.site.name.clone(),
        zone: config.site.zone(),
        file: config.pbxs.iter().map(Pbx::as_source).collect(),
        pace: Pace::default(),
        look_again: Duration::from_secs(20),
    };
    SyncDesk::open(setup).context("reading the PBX sources")
}

/// Opens the desk that recordings are looked after from.
pub(super) fn keeping_desk(config: &Config, store: &Store, egress: Egress, data_dir: &Path) -> KeepingDesk {
    let site = WallClock::new(
        clock::monotonic(),
        clock::wall_unix_ms(),
        false,
        config.site.zone(),
    );
    KeepingDesk::new(KeepingSetup {
        site: config.site.name.clone(),
        zone: config.site.zone(),
        rules: config.retention_rules(),
        night: config.retention.at,
        storages: config.enabled_storages().cloned().collect(),
        roots: super::roots(config, data_dir),
        reader: store.reader(),
        upkeep: store.upkeep(),
        uploads: store.uploads(),
        egress,
        clock: clock::for_store(),
        stamp_of: Arc::new(move |unix_ms| site.stamp_of(unix_ms)),
        aged_ms: {
            let condition = store.condition();
            Arc::new(move || condition.now().aged_ms)
        },
        free: Arc::new(|path| Some(disk(path)?.free_bytes)),
        pace: KeepingPace::default(),
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is a way into another room; a struct would only move the list"
)]
pub(super) fn faces(
    config: &Config,
    options: &Options,
    (store, sync, keeping, shelf): (&Store, SyncDesk, KeepingDesk, Arc<Librarian>),
    (agents, announcer, settings): (Arc<AgentDesk>, Arc<PromptDesk>, SettingsDesk),
    traces: Option<TraceReader>,
    door: Door,
    news: News,
    clock: WallClock,
    data_dir: &Path,
    telephone: Arc<Telephone>,
    destinations: Desk,
    caretaker: Arc<Caretaker>,
) -> Faces {
    let recordings = super::roots(config, data_dir);
    Faces {
        health: Arc::new(Pulse {
            trouble: store.trouble_watch(),
            data_dir: data_dir.to_owned(),
            board: Arc::clone(&door.board),
            streams: Arc::clone(&telephone),
        }),
        engine: Arc::new(door),
        reader: store.reader(),
        journal: store.journal(),
        consumers: store.consumers(),
        required_consumers: config.cdr.required_consumers.clone(),
        deliveries: store.deliveries(),
        messages: store.messages(),
        wake: news.wake,
        zone: config.site.zone(),
        accounts: store.accounts(),
        sync,
        keeping,
        agents,
        destinations: Arc::new(destinations),
        telephone,
        settings: Arc::new(settings),
        shelf,
        announcer,
        traces,
        recordings: vec![recordings.recordings, recordings.voicemail],
        site: config.site.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        caretaker,
        committed: news.committed,
        outside: Arc::new(World(clock)),
        admin_token: options.admin_token.clone(),
        config: config.http.clone(),
    }
}

/// The way to the engine.
#[derive(Debug)]
pub(super) struct Door {
    post: Post,
    board: Arc<Board>,
}

impl Door {
    pub(super) fn new(post: &Post, board: &Arc<Board>) -> Self {
        Self {
            post: post.clone(),
            board: Arc::clone(board),
        }
    }
}

impl EngineDoor for Door {
    fn snapshot(&self) -> BoxFuture<'_, Option<Arc<Snapshot>>> {
        let (reply, answer) = oneshot::channel();
        let asked = self.post.try_send(Letter::Look(reply));
        Box::pin(async move {
            asked.ok()?;
            let snapshot = answer.await.ok()?;
            Some(self.board.add_to(snapshot))
        })
    }

    fn command(&self, command: Command) -> Result<(), Busy> {
        self.post.try_send(Letter::Command(command)).map_err(|_| Busy)
    }
}

struct Pulse {
    trouble: crate::store::TroubleWatch,
    data_dir: PathBuf,
    board: Arc<Board>,
    streams: Arc<Telephone>,
}

impl Health for Pulse {
    fn look(&self) -> HealthReport {
        let troubles = self
            .trouble
            .now()
            .into_iter()
            .map(|reason| format!("Call records cannot be written: {reason}."));
        HealthReport {
            troubles: troubles.collect(),
            disk: disk(&self.data_dir),
            recordings: self.board.recordings(),
            recorder: self.board.recorder(),
            errands: self.board.errands(),
            journal: self.board.journal(),
            certificate: self.board.certificate().map(|facts| Certificate {
                subject: facts.subject.clone(),
                issuer: facts.issuer.clone(),
                names: facts.names.clone(),
                not_before_unix_ms: facts.not_before_unix_ms,
                not_after_unix_ms: facts.not_after_unix_ms,
                self_signed: facts.self_signed,
                fingerprint: facts.fingerprint.clone(),
            }),
            sip_streams: self.streams.connections(),
        }
    }
}

fn disk(path: &Path) -> Option<Disk> {
    // A directory that is not made yet is on the disk of the one above it.
    let facts = path
        .ancestors()
        .filter(|place| !place.as_os_str().is_empty())
        .chain([Path::new(".")])
        .find_map(|place| rustix::fs::statvfs(place).ok())?;
    Some(Disk {
        free_bytes: facts.f_bavail.saturating_mul(facts.f_frsize),
        total_bytes: facts.f_blocks.saturating_mul(facts.f_frsize),
    })
}

/// The site's clock.
pub(super) fn wall(clock: WallClock) -> Arc<dyn Fn() -> Stamp + Send + Sync> {
    let world = World(clock);
    Arc::new(move || world.wall())
}

struct World(WallClock);

impl Outside for World {
    fn now(&self) -> Instant {
        clock::monotonic()
    }

    fn wall(&self) -> Stamp {
        let now = clock::monotonic();
        let zone = self.0.stamp(now).offset_seconds;
        Stamp {
            unix_ms: clock::wall_unix_ms(),
            offset_seconds: zone,
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        clock::fill_random(bytes);
    }
}
