use super::Config;
use super::agent_book::AgentBook;
use super::announcer::Announcer;
use super::caretaker::Caretaker;
use super::settings::SettingsDoor;
use super::shelf::Shelf;
use crate::connectors::sync::SyncDesk;
use crate::engine::{Command, Snapshot};
use crate::keeping::KeepingDesk;
use crate::model::Stamp;
use crate::store::{
    Accounts, Condition, Consumers, Deliveries, Journal, Messages, PinRow, Reader, StoreError,
};
use crate::trace::TraceReader;
use hyper::upgrade::Upgraded;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// A boxed future, so that the traits of this file can stand behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything of the running appliance that the API and the pages may see and ask.
pub struct Faces {
    /// Where snapshots come from and commands go to.
    pub engine: Arc<dyn EngineDoor>,
    /// Call records and recordings.
    pub reader: Reader,
    /// Where later facts about a call are filed.
    pub journal: Journal,
    /// Readers that acknowledge.
    pub consumers: Consumers,
    /// Those of them that retention waits for.
    pub required_consumers: Vec<String>,
    /// What people do about destinations.
    pub deliveries: Deliveries,
    /// Messages in boxes.
    pub messages: Messages,
    /// Tells the forwarders that there is something to forward; must not block.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// The zone of `[site] timezone`.
    pub zone: TimeZone,
    /// People and tokens.
    pub accounts: Accounts,
    /// PBXs whose records are fetched.
    pub sync: SyncDesk,
    /// How long recordings stay, and where copies go.
    pub keeping: KeepingDesk,
    /// Agents as they are written down.
    pub agents: Arc<dyn AgentBook>,
    /// What people may do about destinations.
    pub destinations: Arc<dyn Destinations>,
    /// Where browsers that telephone are handed on to.
    pub telephone: Arc<dyn TelephoneDoor>,
    /// The directories recordings may be served from; a stored path is looked up below each in turn.
    pub recordings: Vec<PathBuf>,
    /// Where the configuration is looked at and changed.
    pub settings: Arc<dyn SettingsDoor>,
    /// What can be done about recordings.
    pub shelf: Arc<dyn Shelf>,
    /// What the box says.
    pub announcer: Arc<dyn Announcer>,
    /// What went over the wire, when it is kept.
    pub traces: Option<TraceReader>,
    /// `[site] name`.
    pub site: String,
    /// The program's version.
    pub version: &'static str,
    /// Whether the threads beside the engine are well.
    pub health: Arc<dyn Health>,
    /// Who looks after the box as a whole.
    pub caretaker: Arc<dyn Caretaker>,
    /// The `seq` of the newest committed call record; long polls wait on it.
    pub committed: watch::Receiver<u64>,
    /// Clock and chance.
    pub outside: Arc<dyn Outside>,
    /// `CALLPOST_ADMIN_TOKEN`: one token that may do everything.
    pub admin_token: Option<String>,
    /// The `[http]` section.
    pub config: Config,
}

/// The way to the engine thread.
pub trait EngineDoor: Send + Sync {
    /// A consistent look at everything, or `None` when the engine is gone. The caller stops waiting after two seconds.
    fn snapshot(&self) -> BoxFuture<'_, Option<Arc<Snapshot>>>;

    /// Hands a command over; its effect shows in a later snapshot.
    ///
    /// # Errors
    /// [`Busy`] when the engine's queue is full: nothing was done, the person may try again.
    fn command(&self, command: Command) -> Result<(), Busy>;
}

/// What people may do about destinations. The methods that can fail wait for the disk.
pub trait Destinations: Send + Sync {
    /// Has a destination tried at once, also one that said it is gone. False: there is none of this name.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn enable(&self, upstream: &str) -> Result<bool, StoreError>;

    /// Every TLS key that was pinned on first use.
    fn pins(&self) -> Vec<PinRow>;

    /// Believes the other key that a destination showed; nothing when it showed none.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn accept_key(&self, upstream: &str) -> Result<Option<PinRow>, StoreError>;
}

/// Where the WebSockets of browsers that telephone go (RFC 7118).
pub trait TelephoneDoor: Send + Sync {
    /// Whether a page with this Origin may telephone at this Host.
    fn admits(&self, host: Option<&str>, origin: Option<&str>) -> bool;

    /// A seat for a connection between these addresses; nothing when all are taken.
    fn reserve(&self, peer: SocketAddr, local: SocketAddr) -> Option<Seat>;
}

/// Takes the connection behind its handshake and serves it until it ends.
pub type Seat = Box<dyn FnOnce(Upgraded) -> BoxFuture<'static, ()> + Send>;

/// The engine's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call engine is busy")]
pub struct Busy;

/// How the threads beside the engine are.
pub trait Health: Send + Sync {
    /// A look now; must not block.
    fn look(&self) -> HealthReport;
}

/// What [`Health::look`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthReport {
    /// Why calls cannot be served, in plain words; empty when they can. Shown to everybody by `/health`.
    pub troubles: Vec<String>,
    /// The disk that holds the data directory.
    pub disk: Option<Disk>,
    /// What became of recordings for want of space.
    pub recordings: Unrecorded,
    /// What writing recordings has cost.
    pub recorder: RecorderWork,
    /// What is to be done about messages.
    pub errands: ErrandCounts,
    /// How the database of call records is.
    pub journal: Condition,
    /// The certificate of SIP, when somebody is listened to by TLS.
    pub certificate: Option<Certificate>,
    /// SIP connections over TCP, TLS and WebSocket, unfinished handshakes included.
    pub sip_streams: usize,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Who it says it is.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// The names and addresses it is good for.
    pub names: Vec<String>,
    /// When it becomes valid, in milliseconds since 1970.
    pub not_before_unix_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub not_after_unix_ms: i64,
    /// Whether nobody else vouches for it.
    pub self_signed: bool,
    /// SHA-256 of the whole certificate, as `openssl x509 -fingerprint -sha256` shows it.
    pub fingerprint: String,
}

/// Recordings that were given up so that there is room for call records, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Unrecorded {
    /// Ended before their call was.
    pub cut: u64,
    /// Not begun at all.
    pub left_out: u64,
}

/// What writing recordings has cost since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RecorderWork {
    /// Recordings without a usable file.
    pub failed: u64,
    /// Writes, headers included.
    pub writes: u64,
    /// Bytes of audio written.
    pub bytes: u64,
    /// Syncs.
    pub syncs: u64,
    /// The most messages that waited at once.
    pub deepest_queue: u64,
    /// Audio that was dropped because the disk did not keep up, in milliseconds; silence stands in its place.
    pub dropped_ms: u64,
    /// Packets that came too late for their place.
    pub late_packets: u64,
}

/// E-mails and transcripts of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ErrandCounts {
    /// That wait, or are tried again.
    pub waiting: u64,
    /// That were given up.
    pub given_up: u64,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// Bytes an ordinary program may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Clock and chance, which enter the program in `app` alone.
pub trait Outside: Send + Sync {
    /// The monotonic clock.
    fn now(&self) -> Instant;

    /// The wall clock.
    fn wall(&self) -> Stamp;

    /// Fills `bytes` from the system's cryptographic source.
    fn random(&self, bytes: &mut [u8]);
}
