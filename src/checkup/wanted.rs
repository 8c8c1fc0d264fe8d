use super::Area;
use crate::egress::{Author, Trust};
use crate::sip::{Transport, Trunk};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What to look at: the parts of a configuration that something outside this process is needed for.
#[derive(Debug)]
pub struct Wanted {
    /// Where journal and recordings lie.
    pub data_dir: PathBuf,
    /// Where recordings lie, when that is somewhere else.
    pub recordings: Option<PathBuf>,
    /// The room that recordings leave to the rest, in bytes.
    pub keep_free_bytes: u64,
    /// Whether the daemon works in the data directory, and as which process.
    pub daemon: Option<u32>,
    /// Where SIP is spoken.
    pub listen: Vec<(Transport, SocketAddr)>,
    /// Who has the port of `listen` that the box cannot have, in words; empty while the daemon runs.
    pub taken: Vec<(SocketAddr, String)>,
    /// First and last port for voice.
    pub rtp_ports: [u16; 2],
    /// The address written into SDP in place of the box's own.
    pub advertised: Option<IpAddr>,
    /// The DNS servers of the configuration; those of the system when there are none.
    pub dns_servers: Vec<SocketAddr>,
    /// The trunks.
    pub trunks: Vec<TrunkWanted>,
    /// Receivers, storages, PBXs, e-mail and transcription.
    pub servers: Vec<Server>,
    /// The certificates the box shows.
    pub certificates: Vec<KnownCertificate>,
    /// What is wrong with files that the configuration names: prompts, certificates.
    pub problems: Vec<FileProblem>,
    /// What the kernel says of the clock; nothing when it does not say.
    pub clock: Option<ClockReading>,
    /// Whether the wall clock looks as if somebody had set it.
    pub clock_looks_set: bool,
    /// How long a trunk's answer is waited for; 4 s is usual.
    pub patience: Duration,
    /// The wall clock in milliseconds since 1970.
    pub unix_ms: fn() -> i64,
    /// The monotonic clock.
    pub now: fn() -> Instant,
    /// A seed for what has to be fresh chance.
    pub seed: [u8; 32],
}

/// One trunk.
#[derive(Debug, Clone)]
pub struct TrunkWanted {
    /// As SIP knows it.
    pub trunk: Trunk,
    /// Whom to believe that it is this trunk, by TLS; or what is wrong with the files that say so.
    pub trust: Result<Trust, String>,
}

/// A server of somebody else.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it is for.
    pub area: Area,
    /// Its name in the configuration.
    pub name: String,
    /// How it is reached.
    pub kind: ServerKind,
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum ServerKind {
    /// By HTTP.
    Http {
        /// Where.
        url: String,
        /// Who wrote it.
        author: Author,
        /// Whom to believe.
        trust: Result<Trust, String>,
    },
    /// By a connection of its own kind.
    Stream {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// Whom to believe by TLS from the beginning; nothing for none.
        tls: Option<Result<Trust, String>>,
        /// Who speaks first, and what.
        greeting: Greeting,
    },
    /// By datagrams that nobody answers.
    Datagram {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A file that is appended to.
    File(PathBuf),
    /// A directory that files are put into.
    Directory(PathBuf),
    /// A program of this machine.
    Program(String),
    /// Something in its settings makes it unusable.
    Unusable(String),
}

/// What shows that a server of the right kind answers, before anybody has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// That it takes the connection.
    Nothing,
    /// It begins with `INFO {`.
    Nats,
    /// It begins with `220`.
    Smtp,
    /// It answers whether it would speak TLS (PostgreSQL's SSLRequest).
    Postgres,
    /// It answers a CONNECT, if only by a refusal (MQTT 3.1.1 §3.2).
    Mqtt,
}

/// A certificate that the box shows.
#[derive(Debug, Clone)]
pub struct KnownCertificate {
    /// Whose, as in "of SIP".
    pub of: String,
    /// When it becomes valid, in milliseconds since 1970.
    pub not_before_unix_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub not_after_unix_ms: i64,
}

/// What is wrong with a file that the configuration names.
#[derive(Debug, Clone)]
pub struct FileProblem {
    /// Prompts or certificates.
    pub area: Area,
    /// Which file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub cure: String,
    /// Whether calls suffer from it.
    pub is_grave: bool,
}

/// What the kernel says of the clock (adjtimex(2)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockReading {
    /// Whether somebody keeps it right: STA_UNSYNC is not set.
    pub synced: bool,
    /// How far off it is at most, in milliseconds; 16 s when nobody keeps it right.
    pub max_error_ms: f64,
    /// By how much the kernel speeds it up, in parts per million.
    pub frequency_ppm: f64,
}
