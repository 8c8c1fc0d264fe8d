use super::desk::Shared;
use super::pruner::Round;
use super::storage::{Feeder, Pauses, Storage};
use super::{KeepingDesk, NightTime, Rules};
use crate::egress::Egress;
use crate::recording::Roots;
use crate::store::{Clock, Reader, StampOf, Upkeep, Uploads};
use jiff::tz::TimeZone;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Tells the free bytes of the disk that holds a path; nothing when that cannot be known.
pub type FreeBytes = Arc<dyn Fn(&Path) -> Option<u64> + Send + Sync>;

/// What [`Keeper::start`] needs to know.
#[derive(Clone)]
pub struct Setup {
    /// `[site] name`.
    pub site: String,
    /// The zone of the site's clock.
    pub zone: TimeZone,
    /// How long recordings stay.
    pub rules: Rules,
    /// When they are looked through.
    pub night: NightTime,
    /// Every enabled `[[storage]]`.
    pub storages: Vec<Storage>,
    /// Where the files are.
    pub roots: Roots,
    /// The way to look.
    pub reader: Reader,
    /// The way to remove.
    pub upkeep: Upkeep,
    /// What waits for the places.
    pub uploads: Uploads,
    /// The way out.
    pub egress: Egress,
    /// The clocks.
    pub clock: Clock,
    /// The site's clock.
    pub stamp_of: StampOf,
    /// What time it is for old things, in ms since 1970: the wall clock, but not over a leap of years; 0 when that is not
    /// known yet.
    pub aged_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Free bytes of the disk that holds a path.
    pub free: FreeBytes,
    /// How often things are looked at.
    pub pace: Pace,
}

/// The keeper's rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long after the start recordings are looked through first.
    pub first: Duration,
    /// How often the disk is asked for its room.
    pub look_at_disk: Duration,
    /// Between two lots of files.
    pub breath: Duration,
    /// How often alarms are worked out.
    pub alarms: Duration,
    /// How often a quiet queue of copies is looked at.
    pub look_at_queue: Duration,
    /// What the pauses after a try in vain are shortened to, in thousandths.
    pub pauses_per_mille: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(30),
            look_at_disk: Duration::from_secs(5),
            breath: Duration::from_millis(200),
            alarms: Duration::from_secs(30),
            look_at_queue: Duration::from_secs(5),
            pauses_per_mille: 1000,
        }
    }
}

/// The thread that keeps recordings as long as the rules say, and sends copies. Never in the way of a call: it has its own
/// thread, its own connections, and a bounded share of the line.
#[derive(Debug)]
pub struct Keeper {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// Before this (2026-01-01) the wall clock has not been set, and nobody knows how old anything is.
const UNSET_BEFORE_MS: i64 = 1_767_225_600_000;

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started, or the store cannot be told of the places.
    pub fn start(desk: &KeepingDesk) -> io::Result<Self> {
        let shared = Arc::clone(&desk.shared);
        let names: Vec<String> = shared
            .storages
            .iter()
            .map(|storage| storage.name.clone())
            .collect();
        shared.uploads.begin(&names).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("keeping".to_owned())
            .spawn(move || runtime.block_on(work(shared, stopped)))?;
        Ok(Self { stop, thread })
    }

    /// Ends what is under way; a copy goes on from there at the next start.
    pub fn shutdown(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("The keeper of recordings had died before the shutdown.");
        }
    }
}

async fn work(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    for (storage, hurry) in shared.storages.iter().zip(&shared.hurry) {
        let setup = &shared.setup;
        let feeder = Feeder {
            storage: Arc::clone(storage),
            egress: setup.egress.clone(),
            reader: setup.reader.clone(),
            uploads: shared.uploads.clone(),
            roots: setup.roots.clone(),
            site: setup.site.clone(),
            unix_ms: Arc::clone(&shared.clock.unix_ms),
            pauses: Pauses {
                per_mille: setup.pace.pauses_per_mille,
                look: setup.pace.look_at_queue,
            },
            hurry: Arc::clone(hurry),
        };
        tokio::spawn(feeder.run(stop.clone()));
    }
    let mut stop = stop;
    let mut watchman = Watchman {
        next_look_ms: None,
        shared,
    };
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = watchman.run() => {}
    }
}

/// Looks at days, disk and alarms in turn.
struct Watchman {
    /// When recordings are looked through next, in ms since 1970; nothing before the first look.
    next_look_ms: Option<i64>,
    shared: Arc<Shared>,
}

impl Watchman {
    async fn run(&mut self) {
        let pace = self.shared.setup.pace;
        if let Err(error) = self.shared.pruner.finish_half_removed() {
            tracing::warn!(%error, "Removals that the last stop interrupted are not finished: {error}.");
        }
        let began = tokio::time::Instant::now();
        let mut next_alarms = began;
        loop {
            let reason = self.reason(began.elapsed() >= pace.first);
            if let Some(reason) = reason {
                self.plan_the_next();
                let round = self.shared.pruner.begin(&reason);
                self.carry_out(round).await;
                next_alarms = tokio::time::Instant::now();
            }
            if let Some(round) = self.shared.pruner.begin_for_room() {
                self.carry_out(round).await;
            }
            if tokio::time::Instant::now() >= next_alarms {
                self.look_for_alarms();
                next_alarms = tokio::time::Instant::now() + pace.alarms;
            }
            tokio::select! {
                () = tokio::time::sleep(pace.look_at_disk.min(pace.first.max(Duration::from_millis(1)))) => {}
                () = self.shared.wake.notified() => {}
            }
        }
    }

    /// Why recordings are looked through now; nothing when it is not time, or nobody knows what time it is.
    fn reason(&self, may_begin: bool) -> Option<String> {
        let now = (self.shared.clock.unix_ms)();
        if now < UNSET_BEFORE_MS {
            return None;
        }
        let asked = self
            .shared
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if asked.is_some() {
            return asked;
        }
        match self.next_look_ms {
            None => may_begin.then(|| "start".to_owned()),
            Some(at) => (at <= now).then(|| "night".to_owned()),
        }
    }

    fn plan_the_next(&mut self) {
        let setup = &self.shared.setup;
        let now = (self.shared.clock.unix_ms)();
        self.next_look_ms = Some(setup.night.next_after(now, &setup.zone));
    }

    async fn carry_out(&self, mut round: Round) {
        loop {
            match self.shared.pruner.step(&mut round) {
                Ok(true) => tokio::time::sleep(self.shared.setup.pace.breath).await,
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "Recordings could not be looked through: {error}.");
                    return;
                }
            }
        }
    }

    fn look_for_alarms(&self) {
        let reader = &self.shared.setup.reader;
        let desk = KeepingDesk {
            shared: Arc::clone(&self.shared),
        };
        // The store says itself when it cannot be read.
        let (Ok(storages), Ok(runs)) = (desk.storages(), reader.retention_runs(10)) else {
            return;
        };
        let by_days = runs.iter().find(|run| run.reason != "disk");
        self.shared.watch.look(&storages, by_days);
    }
}
