use super::{Config, StampOf, StoreReply, Waking};
use crate::model::{RecordingFacts, RecordingRow, Stamp};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The clocks of the appliance, handed in by `app`.
#[derive(Clone)]
pub struct Clock {
    /// The monotonic clock.
    pub now: fn() -> Instant,
    /// The wall clock in milliseconds since 1970.
    pub unix_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    pub(super) fn now(&self) -> Instant {
        (self.now)()
    }

    pub(super) fn unix_ms(&self) -> i64 {
        (self.unix_ms)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Clock")
    }
}

/// Repairs the files of recordings that a killed daemon left unfinished and tells what they hold.
/// A row without facts in the answer has no usable file.
pub type Mender = Box<dyn FnOnce(&[RecordingRow]) -> Vec<RecordingFacts>>;

/// What [`Store::open`](super::Store::open) needs to know.
pub struct Options {
    /// Names of the enabled destinations; each finished call's record is queued for all of them.
    pub upstreams: Vec<String>,
    /// The clocks.
    pub clock: Clock,
    /// Told after each commit, on the writer's thread; must not block.
    pub on_reply: Box<dyn Fn(StoreReply) + Send>,
    /// Mends unfinished recordings before the calls they belong to are closed.
    pub mend: Mender,
    /// How long records are kept, and in how much room.
    pub keep: Config,
    /// How often the writer does what can wait.
    pub pace: Pace,
    /// The site's clock, for times that are mended.
    pub stamp_of: StampOf,
    /// This waking of the machine; without it, no run knows of the clock of the one before.
    pub waking: Option<Waking>,
}

impl Options {
    /// Options with no destination, no listener, nothing to mend and no reserve, at a site that keeps UTC.
    pub fn new(clock: Clock) -> Self {
        Self {
            upstreams: Vec::new(),
            clock,
            on_reply: Box::new(|_reply| ()),
            mend: Box::new(|_rows| Vec::new()),
            keep: Config {
                reserve_megabytes: 0,
                ..Config::default()
            },
            pace: Pace::default(),
            stamp_of: Arc::new(|unix_ms| Stamp {
                unix_ms,
                offset_seconds: 0,
            }),
            waking: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options")
            .field("upstreams", &self.upstreams)
            .field("pace", &self.pace)
            .finish()
    }
}

/// The writer's rhythm: what may wait, how long, and how much is held.
#[derive(Debug, Clone)]
pub struct Pace {
    /// How often the daemon's being alive is noted while calls are open.
    pub heartbeat: Duration,
    /// How long a call note or a new registration may wait for company.
    pub patience: Duration,
    /// The longest a registration's mere refresh may wait; less when its stored expiry comes sooner.
    pub refresh: Duration,
    /// How long after a failed commit the next is tried.
    pub retry: Duration,
    /// The write-ahead log is folded back into the database once it holds this many pages of 4 kB.
    pub log_pages: u32,
    /// How often old records, the database's size and the reserve are looked after.
    pub tidy: Duration,
    /// The most entries in one transaction.
    pub lot: usize,
    /// Places in the queue before the writer. Full: the entry is handed back; new calls are refused with 503,
    /// anything else is kept by its sender and offered again.
    pub queue: usize,
    /// The most entries held while the database cannot be written. Reached: the writer takes no more, so the
    /// queue fills.
    pub held: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(5),
            patience: Duration::from_secs(1),
            refresh: Duration::from_secs(60),
            retry: Duration::from_secs(1),
            log_pages: 1000,
            tidy: Duration::from_secs(60),
            lot: 256,
            queue: 1024,
            held: 10_000,
        }
    }
}
