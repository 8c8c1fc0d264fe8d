//! A router over a real store in a temporary directory and an engine that says what the test tells it to.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use callpost::agents::AgentState;
use callpost::app::{AgentDesk, PromptDesk, SettingsDesk, SettingsSetup};
use callpost::config::{Config as SiteConfig, Surroundings};
use callpost::connectors::onepos::Pace;
use callpost::connectors::sync::{Setup, SyncDesk};
use callpost::egress::{Egress, PinsInMemory, Rules};
use callpost::engine::{
    AgentView, Alarm, BanView, CallView, Command, Counters, LegView, PortsView, QueueView, RegistrationView,
    Severity, Snapshot, TrunkView,
};
use callpost::http::{
    Announcement, Announcer, AnnouncerTrouble, BoxFuture, Busy, Caretaker, Config, Destinations, Disk,
    EngineDoor, ErrandCounts, Faces, Health, HealthReport, Outside, RecorderWork, SelfTest, Unrecorded,
    router,
};
use callpost::keeping::{KeepingDesk, NightTime, Setup as KeepingSetup};
use callpost::model::{
    CallId, Cdr, Direction, Entry, HangupBy, LegRecord, LegRole, RecordingFacts, RecordingId, RecordingKind,
    RecordingRow, Stamp, Status, TapeDone,
};
use callpost::prompts::Library;
use callpost::store::{
    Clock, Condition, NewToken, Opened, Options, Outbox, PinRow, Store, StoreError, StoreReply,
};
use callpost::trace::{self, Tracing};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

/// The token of `CALLPOST_ADMIN_TOKEN`.
pub(crate) const ADMIN: &str = "test-admin-token";
/// Where a page of ours comes from.
pub(crate) const HERE: &str = "http://127.0.0.1:8080";
/// When the world began: 2026-11-20, noon in Riyadh.
pub(crate) const NOON: Stamp = Stamp {
    unix_ms: 1_795_165_200_000,
    offset_seconds: 3 * 3600,
};

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) health: Arc<FakeHealth>,
    pub(crate) caretaker: Arc<FakeCaretaker>,
    pub(crate) outside: Arc<FakeOutside>,
    pub(crate) store: Store,
    pub(crate) committed: watch::Sender<u64>,
    sync: SyncDesk,
    agents: Arc<AgentDesk>,
    /// What the engine was told of agents, in order.
    pub(crate) adopted: Arc<Mutex<Vec<callpost::engine::Settings>>>,
    pub(crate) keeping: KeepingDesk,
    settings: SettingsDesk,
    /// The configurations that were swapped in.
    pub(crate) swapped: Arc<Mutex<Vec<callpost::config::Config>>>,
    replies: Mutex<Receiver<StoreReply>>,
    announcer: Arc<dyn Announcer>,
    /// Keys of recordings, one a line.
    seal_key: String,
    pub(crate) traces: Tracing,
    place: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let outside = Arc::new(FakeOutside::default());
        let (say, replies) = channel();
        let hand = Arc::clone(&outside);
        let mut options = Options::new(Clock {
            now,
            unix_ms: Arc::new(move || hand.wall().unix_ms),
        });
        options.upstreams = vec!["head-office".to_owned()];
        options.on_reply = Box::new(move |reply| drop(say.send(reply)));
        let hand = Arc::clone(&outside);
        let Opened { store, .. } = Store::open(place.path(), options).unwrap();
        let sync = SyncDesk::open(Setup {
            book: store.sync_book(),
            clock: Clock {
                now,
                unix_ms: Arc::new(move || hand.wall().unix_ms),
            },
            egress: Egress::new(
                Rules::new(vec!["127.0.0.0/8".parse().unwrap()]),
                Arc::new(PinsInMemory::default()),
            ),
            site: "branch-01".to_owned(),
            zone: jiff::tz::TimeZone::get("Asia/Riyadh").unwrap(),
            file: Vec::new(),
            pace: Pace {
                retries: Vec::new(),
                ..Pace::default()
            },
            look_again: Duration::from_secs(20),
        })
        .unwrap();
        let hand = Arc::clone(&outside);
        let keeping = KeepingDesk::new(KeepingSetup {
            site: "branch-01".to_owned(),
            zone: jiff::tz::TimeZone::get("Asia/Riyadh").unwrap(),
            rules: retention_rules(),
            night: NightTime::default(),
            storages: vec![nas(place.path())],
            roots: callpost::recording::Roots {
                recordings: place.path().join("recordings"),
                voicemail: place.path().join("voicemail"),
            },
            reader: store.reader(),
            upkeep: store.upkeep(),
            uploads: store.uploads(),
            egress: Egress::new(Rules::new(Vec::new()), Arc::new(PinsInMemory::default())),
            clock: Clock {
                now,
                unix_ms: Arc::new(move || hand.wall().unix_ms),
            },
            stamp_of: Arc::new(|unix_ms| Stamp { unix_ms, ..NOON }),
            aged_ms: Arc::new(|| 0),
            free: Arc::new(|_| Some(1 << 40)),
            pace: callpost::keeping::Pace::default(),
        });
        let adopted: Arc<Mutex<Vec<_>>> = Arc::default();
        let agents = agent_desk(&store, &adopted);
        let engine = Arc::new(FakeEngine::default());
        let health = Arc::new(FakeHealth::default());
        let committed = watch::Sender::new(0);
        std::fs::create_dir(place.path().join("recordings")).unwrap();
        let folder = place.path().join("traces");
        let traces = Tracing::start(trace::Config::default(), folder, || NOON.unix_ms).unwrap();
        let swapped = Arc::default();
        let settings = settings(place.path(), &engine, &outside, &swapped);
        let mut world = Self {
            router: Router::new(),
            engine,
            health,
            caretaker: Arc::default(),
            outside,
            store,
            committed,
            sync,
            agents,
            adopted,
            keeping,
            settings,
            swapped,
            replies: Mutex::new(replies),
            announcer: Arc::new(Mute),
            seal_key: String::new(),
            traces,
            place,
        };
        world.router = router(world.faces());
        world
    }

    /// What `app` would hand to the room.
    pub(crate) fn faces(&self) -> Faces {
        Faces {
            engine: self.engine.clone(),
            reader: self.store.reader(),
            journal: self.store.journal(),
            consumers: self.store.consumers(),
            required_consumers: vec!["crm".to_owned()],
            deliveries: self.store.deliveries(),
            messages: self.store.messages(),
            wake: Arc::new(|| ()),
            zone: jiff::tz::TimeZone::get("Asia/Riyadh").unwrap(),
            accounts: self.store.accounts(),
            sync: self.sync.clone(),
            keeping: self.keeping.clone(),
            agents: Arc::clone(&self.agents) as Arc<dyn callpost::http::AgentBook>,
            destinations: Arc::new(Desk(self.store.outbox())),
            telephone: Arc::new(NoTelephone),
            settings: Arc::new(self.settings.clone()),
            shelf: Arc::new(self.librarian()),
            announcer: Arc::clone(&self.announcer),
            traces: Some(self.traces.reader()),
            recordings: vec![self.recordings()],
            site: "branch-01".to_owned(),
            version: "0.1.0",
            health: self.health.clone(),
            caretaker: self.caretaker.clone(),
            committed: self.committed.subscribe(),
            outside: self.outside.clone(),
            admin_token: Some(ADMIN.to_owned()),
            config: Config {
                hosts: vec!["callpost.branch.example".to_owned()],
                ..Config::default()
            },
        }
    }

    /// The same box with these keys for its recordings.
    pub(crate) fn with_keys(&mut self, text: &str) {
        text.clone_into(&mut self.seal_key);
        self.router = router(self.faces());
    }

    /// The same box with the prompts of this configuration, and those in its data directory.
    pub(crate) fn with_prompts(&mut self, text: &str) {
        let around = Surroundings {
            data_dir: Some(self.place.path().to_owned()),
            ..Surroundings::default()
        };
        let config = SiteConfig::from_text("office.toml", text, &around)
            .unwrap()
            .config;
        let library = Library::load(&config.prompts, &config.site.languages, None, &[]).library;
        self.announcer = Arc::new(PromptDesk::with(library, &config, self.place.path()));
        self.router = router(self.faces());
    }

    /// Where prompts lie that were given to the running box.
    pub(crate) fn own_prompts(&self) -> PathBuf {
        self.place.path().join("prompts")
    }

    /// Where the configuration lies.
    pub(crate) fn config(&self) -> PathBuf {
        self.place.path().join("config/callpost.toml")
    }

    /// Where the place `nas` is mounted.
    pub(crate) fn mount(&self) -> std::path::PathBuf {
        self.place.path().join("mount")
    }

    /// Who looks after the recordings.
    fn librarian(&self) -> callpost::app::Librarian {
        let roots = callpost::recording::Roots {
            recordings: self.recordings(),
            voicemail: self.place.path().join("voicemail"),
        };
        let zone = jiff::tz::TimeZone::get("Asia/Riyadh").unwrap();
        let clock = callpost::model::WallClock::new(now(), NOON.unix_ms, true, zone);
        let keys = callpost::recording::Keys::parse(&self.seal_key);
        callpost::app::Librarian::new(roots, keys, self.store.reader(), self.store.evidence(), clock)
    }

    /// Files a record and waits until it is on disk; answers its `seq`.
    pub(crate) fn file(&self, cdr: Cdr) -> u64 {
        self.store
            .journal()
            .try_append(Entry::CallClosed(Box::new(cdr)))
            .unwrap();
        let seq = self.replies.lock().unwrap().iter().find_map(|reply| match reply {
            StoreReply::CallClosed { seq, .. } => Some(seq),
            StoreReply::CallOpened(_)
            | StoreReply::Filed { .. }
            | StoreReply::MessageLeft
            | StoreReply::Failed { .. } => None,
        });
        let seq = seq.unwrap();
        self.committed.send_replace(seq);
        seq
    }

    /// Files many records; on disk when this returns.
    pub(crate) fn file_many(&self, cdrs: impl Iterator<Item = Cdr>) {
        let journal = self.store.journal();
        for (place, cdr) in cdrs.enumerate() {
            journal.try_append(Entry::CallClosed(Box::new(cdr))).unwrap();
            if place % 500 == 499 {
                self.settle();
            }
        }
        self.settle();
        // So that `file` finds the answer to its own record.
        self.replies.lock().unwrap().try_iter().for_each(drop);
    }

    /// Puts a file where recordings lie and tells the store that it is complete.
    pub(crate) fn record(&self, number: u128, path: &str, audio: &[u8]) -> RecordingId {
        let id = self.open_recording(number, path, audio);
        let facts = facts(id, path, audio);
        self.store
            .journal()
            .try_tape_done(TapeDone {
                id,
                result: Ok(facts),
            })
            .unwrap();
        self.settle();
        id
    }

    /// The same, for a call that goes on.
    pub(crate) fn open_recording(&self, number: u128, path: &str, audio: &[u8]) -> RecordingId {
        let file = self.recordings().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, audio).unwrap();
        let id = RecordingId(uuid::Uuid::from_u128(number));
        let row = RecordingRow {
            id,
            call_id: call_id(number),
            kind: RecordingKind::Conversation,
            path: path.to_owned(),
            started_at: NOON,
            agent: Some("ali".into()),
        };
        self.store
            .journal()
            .try_append(Entry::RecordingOpened(row))
            .unwrap();
        self.settle();
        id
    }

    pub(crate) fn fail_recording(&self, number: u128, reason: &str) -> RecordingId {
        let id = self.open_recording(number, "failed.wav", b"");
        self.store
            .journal()
            .try_tape_done(TapeDone {
                id,
                result: Err(reason.to_owned()),
            })
            .unwrap();
        self.settle();
        id
    }

    pub(crate) fn recordings(&self) -> PathBuf {
        self.place.path().join("recordings")
    }

    /// Everything handed to the store so far is on disk when this returns.
    pub(crate) fn settle(&self) {
        self.store.accounts().remove_user("nobody at all").unwrap();
    }

    /// Makes a token with these scopes and answers its text.
    pub(crate) fn token(&self, text: &str, scopes: &str, expires_ms: Option<i64>) -> String {
        let token = NewToken {
            id: text.to_owned(),
            name: text.to_owned(),
            hash: sha256(text.as_bytes()),
            scopes: scopes.to_owned(),
            expires_ms,
            made_by: None,
        };
        assert!(self.store.accounts().create_token(token).unwrap());
        text.to_owned()
    }

    /// Makes an account with this role and answers the cookie of its session.
    pub(crate) async fn log_in(&self, name: &str, role: &str) -> String {
        let wish = format!(r#"{{"name":"{name}","role":"{role}","password":"a long password"}}"#);
        let made = self.post_json("/api/v1/users", &wish).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let answer = self.knock(name, "a+long+password").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        answer.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Sends the log-in form from another address than the one before.
    pub(crate) async fn knock(&self, name: &str, password: &str) -> Answer {
        // The eleventh attempt of a minute would have to wait.
        self.outside.pass(Duration::from_secs(61));
        let form = request(Method::POST, "/login")
            .header("origin", HERE)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(
            form.body(Body::from(format!("name={name}&password={password}")))
                .unwrap(),
        )
        .await
    }

    /// Sends a request with the cookie of a session, from a page of ours.
    pub(crate) async fn with_cookie(&self, cookie: &str, method: Method, path: &str, form: &str) -> Answer {
        let request = request(method, path)
            .header("cookie", cookie)
            .header("origin", HERE)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 32 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_vec(),
        }
    }

    /// Sends a request with the administrator's token.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(bearing(ADMIN, method, path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// Sends JSON with the administrator's token.
    pub(crate) async fn post_json(&self, path: &str, json: &str) -> Answer {
        let request = bearing(ADMIN, Method::POST, path).header("content-type", "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap())
            .await
    }
}

/// A request to this box with nothing but a Host.
pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:8080")
}

/// The same with a token.
pub(crate) fn bearing(token: &str, method: Method, path: &str) -> axum::http::request::Builder {
    request(method, path).header("authorization", format!("Bearer {token}"))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem's word, after checking that it is a problem in every respect.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:callpost:problem:{code}"));
        code
    }
}

/// An engine that shows one snapshot and remembers what it was told.
pub(crate) struct FakeEngine {
    pub(crate) snapshot: Mutex<Option<Snapshot>>,
    pub(crate) commands: Mutex<Vec<Command>>,
    pub(crate) busy: AtomicBool,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self {
            snapshot: Mutex::new(Some(snapshot())),
            commands: Mutex::default(),
            busy: AtomicBool::new(false),
        }
    }
}

impl FakeEngine {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        change(self.snapshot.lock().unwrap().as_mut().unwrap());
    }

    pub(crate) fn told(&self) -> Vec<Command> {
        self.commands.lock().unwrap().clone()
    }
}

impl EngineDoor for FakeEngine {
    fn snapshot(&self) -> BoxFuture<'_, Option<Arc<Snapshot>>> {
        Box::pin(async { self.snapshot.lock().unwrap().clone().map(Arc::new) })
    }

    fn command(&self, command: Command) -> Result<(), Busy> {
        if self.busy.load(Ordering::SeqCst) {
            return Err(Busy);
        }
        self.commands.lock().unwrap().push(command);
        Ok(())
    }
}

/// A box without room for browsers that telephone.
struct NoTelephone;

impl callpost::http::TelephoneDoor for NoTelephone {
    fn admits(&self, _host: Option<&str>, origin: Option<&str>) -> bool {
        origin.is_none()
    }

    fn reserve(
        &self,
        _peer: std::net::SocketAddr,
        _local: std::net::SocketAddr,
    ) -> Option<callpost::http::Seat> {
        None
    }
}

/// Whose look at everything ends when the test says so.
#[derive(Default)]
pub(crate) struct FakeCaretaker {
    pub(crate) selftest: watch::Sender<SelfTest>,
}

impl Caretaker for FakeCaretaker {
    fn begin_selftest(&self) -> bool {
        self.selftest
            .send_if_modified(|now| !std::mem::replace(&mut now.running, true))
    }

    fn selftest(&self) -> SelfTest {
        self.selftest.borrow().clone()
    }

    fn selftest_ends(&self, patience: Duration) -> BoxFuture<'_, ()> {
        let mut seen = self.selftest.subscribe();
        Box::pin(async move {
            let _ = tokio::time::timeout(patience, seen.wait_for(|now| !now.running)).await;
        })
    }
}

#[derive(Default)]
pub(crate) struct FakeHealth {
    pub(crate) troubles: Mutex<Vec<String>>,
}

impl Health for FakeHealth {
    fn look(&self) -> HealthReport {
        let disk = Disk {
            free_bytes: 5_000_000_000,
            total_bytes: 8_000_000_000,
        };
        HealthReport {
            journal: Condition::default(),
            troubles: self.troubles.lock().unwrap().clone(),
            disk: Some(disk),
            recordings: Unrecorded::default(),
            recorder: RecorderWork {
                dropped_ms: 120,
                ..RecorderWork::default()
            },
            errands: ErrandCounts {
                waiting: 2,
                given_up: 1,
            },
            certificate: None,
            sip_streams: 0,
        }
    }
}

/// Clocks that stand until a test moves them, and chance that is a count.
pub(crate) struct FakeOutside {
    began: Instant,
    passed_ms: AtomicU64,
    chance: AtomicU8,
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

impl Default for FakeOutside {
    fn default() -> Self {
        Self {
            began: now(),
            passed_ms: AtomicU64::new(0),
            chance: AtomicU8::new(0),
        }
    }
}

impl FakeOutside {
    pub(crate) fn pass(&self, time: Duration) {
        self.passed_ms
            .fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn passed(&self) -> u64 {
        self.passed_ms.load(Ordering::SeqCst)
    }
}

impl Outside for FakeOutside {
    fn now(&self) -> Instant {
        self.began + Duration::from_millis(self.passed())
    }

    fn wall(&self) -> Stamp {
        Stamp {
            unix_ms: NOON.unix_ms + i64::try_from(self.passed()).unwrap(),
            ..NOON
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(self.chance.fetch_add(1, Ordering::SeqCst));
    }
}

/// The configuration that can be changed here: one flow, secrets of several kinds.
pub(crate) const CONFIGURED: &str = r#"# the branch
[site]
name = "branch-01"
timezone = "Asia/Riyadh"
languages = ["en"]

[[trunk]]
name = "pbx"
host = "127.0.0.20"
username = "branch"
password = "trunk-secret"

[[agent]]
id = "ali"
extension = "1001"
password = "phone-secret"
groups = ["sales"]

[[group]]
name = "sales"
ring_seconds = 20

[[number]]
match = "1000"
flow = "main"
"#;

/// Its flow.
pub(crate) const FLOW: &str = r#"start = "menu"
[step.menu]
verb = "menu"
prompt = "main-menu"
keys = { 1 = "sales" }
tries = 2
[step.sales]
verb = "ring"
group = "sales"
"#;

struct NoSounds;

impl callpost::media::Sounds for NoSounds {
    fn find(&self, _: &callpost::model::Playable) -> callpost::media::Found {
        callpost::media::Found::Missing
    }
}

fn settings(
    place: &std::path::Path,
    engine: &Arc<FakeEngine>,
    outside: &Arc<FakeOutside>,
    swapped: &Arc<Mutex<Vec<callpost::config::Config>>>,
) -> SettingsDesk {
    let file = place.join("config/callpost.toml");
    std::fs::create_dir_all(place.join("config/flows")).unwrap();
    std::fs::write(&file, CONFIGURED).unwrap();
    std::fs::write(place.join("config/flows/main.toml"), FLOW).unwrap();
    let around = callpost::config::Surroundings::default();
    let loaded = callpost::config::Config::load_in(Some(&file), &around).unwrap();
    let (swapped, outside) = (Arc::clone(swapped), Arc::clone(outside));
    SettingsDesk::open(SettingsSetup {
        config: loaded.config,
        texts: loaded.texts,
        named: Some(file),
        around,
        folder: place.join("settings"),
        engine: engine.clone(),
        swap: Box::new(move |config| swapped.lock().unwrap().push(config.clone())),
        sounds: Arc::new(NoSounds),
        wall: Arc::new(move || outside.wall()),
        runtime: tokio::runtime::Handle::current(),
    })
}

/// What takes recordings away: by their days alone.
fn retention_rules() -> callpost::keeping::Rules {
    callpost::keeping::Rules {
        conversation_days: 90,
        voicemail_days: 30,
        personal_days: None,
        mark_bytes: 0,
        disk_takes: callpost::keeping::DiskTakes::Copied,
        storages: Vec::new(),
    }
}

/// Who knows the agents: two stand in the file.
fn agent_desk(store: &Store, adopted: &Arc<Mutex<Vec<callpost::engine::Settings>>>) -> Arc<AgentDesk> {
    let file = r#"
[site]
languages = ["en"]
[[group]]
name = "sales"
[[agent]]
id = "ali"
name = "Ali"
extension = "1001"
password = "a quiet word or two"
groups = ["sales"]
[[agent]]
id = "mona"
name = "Mona"
contact = "sip:mona@127.0.0.30"
groups = ["sales"]
"#;
    let loaded = callpost::config::Config::from_text("test.toml", file, &Default::default()).unwrap();
    let sockets = [(callpost::sip::Transport::Udp, "0.0.0.0:5060".parse().unwrap())];
    let told = Arc::clone(adopted);
    let apply = move |settings| told.lock().unwrap().push(settings);
    Arc::new(AgentDesk::open(store.agents(), &loaded.config, &sockets, apply).unwrap())
}

/// A place that copies go to: a directory that is there when a test makes it.
fn nas(place: &std::path::Path) -> callpost::keeping::Storage {
    toml::from_str(&format!(
        "name='nas'\ntype='local'\ndir='{}'",
        place.join("mount").display()
    ))
    .unwrap()
}

/// A box whose prompts are never read.
struct Mute;

impl Announcer for Mute {
    fn prompts(&self) -> Result<Vec<Announcement>, AnnouncerTrouble> {
        Err(AnnouncerTrouble::NotReady)
    }

    fn take(&self, _: &str, _: &str, _: Vec<u8>) -> Result<Announcement, AnnouncerTrouble> {
        Err(AnnouncerTrouble::NotReady)
    }

    fn listen(&self, _: &str, _: &str) -> Result<Vec<u8>, AnnouncerTrouble> {
        Err(AnnouncerTrouble::NotReady)
    }

    fn put_back(&self, _: &str, _: &str) -> Result<Option<Announcement>, AnnouncerTrouble> {
        Err(AnnouncerTrouble::NotReady)
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn call_id(number: u128) -> CallId {
    CallId(uuid::Uuid::from_u128(number))
}

/// What the recorder says of a finished file.
pub(crate) fn facts(id: RecordingId, path: &str, audio: &[u8]) -> RecordingFacts {
    RecordingFacts {
        id,
        path: path.to_owned(),
        sha256: Some(sha256(audio)),
        bytes: Some(audio.len() as u64),
        duration_ms: Some(audio.len() as u64 / 16),
        channels: 2,
        consent: None,
        url: None,
        removed: None,
    }
}

/// `minutes` after noon.
pub(crate) fn at(minutes: i64) -> Stamp {
    Stamp {
        unix_ms: NOON.unix_ms + minutes * 60_000,
        ..NOON
    }
}

/// An answered call that began `number` minutes after noon.
pub(crate) fn cdr(number: u32) -> Cdr {
    let id = call_id(u128::from(number) + 1000);
    let started_at = at(number.into());
    Cdr {
        cdr_id: id,
        call_id: id,
        version: 1,
        is_final: true,
        site: "branch-01".to_owned(),
        direction: Direction::Inbound,
        caller_number: format!("+9665000000{number:02}").into(),
        caller_name: Some("Front Door".to_owned()),
        dialed_number: "920000123".into(),
        callee_number: Some("1001".into()),
        outbound_caller_id: None,
        started_at,
        ringing_at: Some(started_at),
        answered_at: Some(started_at),
        ended_at: Some(started_at),
        clock_synced: true,
        duration_ms: 95_000,
        talk_ms: 71_000,
        ring_ms: 9_000,
        wait_ms: 24_000,
        hold_ms: 0,
        status: Status::Answer,
        sip_code: None,
        q850: Some(16),
        hangup_by: HangupBy::Caller,
        cause: None,
        agent: Some("ali".into()),
        group: Some("sales".into()),
        flow: Some("main".into()),
        stages: vec!["welcome".into(), "menu".into(), "sales".into()],
        digits: "1".to_owned(),
        collected: Default::default(),
        language: Some("en".into()),
        recording: None,
        earlier_recordings: Vec::new(),
        voicemail: None,
        trunk: Some("pbx".into()),
        legs: vec![LegRecord {
            leg: 0,
            role: LegRole::Caller,
            agent: None,
            number: format!("+9665000000{number:02}"),
            attempt: 0,
            invited_at: started_at,
            ringing_at: None,
            answered_at: Some(started_at),
            ended_at: Some(started_at),
            result: "answered".to_owned(),
            sip_code: None,
            quality: None,
        }],
        customer: None,
        order: None,
        notes: Vec::new(),
        tags: Vec::new(),
        transfers: Vec::new(),
        sip_call_id: None,
        origin: None,
        linked: None,
        diverted: Vec::new(),
    }
}

/// One live call in the hands of an agent, one that rings, and everything around them.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        at: NOON,
        site: "branch-01".to_owned(),
        uptime_seconds: 273_930,
        clock_synced: true,
        accepting_calls: true,
        calls: vec![talking(1), ringing(2)],
        registrations: vec![RegistrationView {
            extension: "1001".into(),
            agent: Some("ali".into()),
            contact: "sip:1001@127.0.0.10:5060".to_owned(),
            transport: "udp",
            address: "127.0.0.10:5060".to_owned(),
            user_agent: Some("Deskphone 4.2".to_owned()),
            behind_router: false,
            nat: "none",
            state: "reachable",
            round_trip_ms: Some(4.2),
            expires_seconds: 3312,
        }],
        trunks: vec![TrunkView {
            name: "pbx".into(),
            host: "127.0.0.20".to_owned(),
            address: Some("127.0.0.20:5060".to_owned()),
            state: "up",
            reason: None,
            since: None,
            registration: "none",
            registration_status: None,
            registration_since: None,
            round_trip_ms: Some(3.4),
            calls: 2,
        }],
        agents: vec![
            agent("ali", "Ali", AgentState::Busy),
            agent("mona", "Mona", AgentState::Ringing),
        ],
        mailboxes: Vec::new(),
        subscriptions: 0,
        queues: vec![QueueView {
            group: "sales".into(),
            free_agents: 0,
            waiting: 1,
            longest_wait_seconds: 12,
        }],
        bans: vec![BanView {
            address: "198.51.100.7".to_owned(),
            reason: "wrong_passwords",
            user: "1001".into(),
            since: NOON,
            until: NOON,
            seconds: 890,
            dropped: 27,
        }],
        ports: PortsView { used: 4, total: 500 },
        counters: Counters {
            calls: 52,
            answered: 41,
            ..Counters::default()
        },
        alarms: vec![Alarm {
            severity: Severity::Warning,
            code: "trunk_slow",
            text: "The trunk pbx answers slowly: 3.4 s.".to_owned(),
        }],
    }
}

pub(crate) fn agent(id: &str, name: &str, state: AgentState) -> AgentView {
    AgentView {
        id: id.into(),
        name: name.to_owned(),
        number: "1001".to_owned(),
        groups: vec!["sales".into()],
        state,
        reason: None,
        seconds: 64,
        answered: 12,
        missed: 1,
    }
}

pub(crate) fn talking(number: u128) -> CallView {
    CallView {
        call_id: call_id(number),
        direction: Direction::Inbound,
        caller_number: "+966500000001".into(),
        caller_name: Some("Front Door".to_owned()),
        dialed_number: "920000123".into(),
        trunk: Some("pbx".into()),
        stage: "talking",
        flow: Some("main".into()),
        step: Some("sales".into()),
        language: Some("en".into()),
        group: Some("sales".into()),
        agent: Some("ali".into()),
        started_at: at(-1),
        answered_at: Some(NOON),
        seconds: 78,
        on_hold: false,
        recording: Some(RecordingId(uuid::Uuid::from_u128(number))),
        recording_paused: false,
        legs: Vec::new(),
    }
}

pub(crate) fn ringing(number: u128) -> CallView {
    let leg = |leg| LegView {
        leg,
        agent: None,
        number: "1001".to_owned(),
        state: "ringing",
        seconds: 9,
        quality: None,
    };
    CallView {
        stage: "ringing",
        agent: None,
        answered_at: None,
        seconds: 21,
        recording: None,
        legs: vec![leg(1), leg(2), leg(3)],
        ..talking(number)
    }
}

/// Destinations as `app` offers them; one of them has shown another key.
struct Desk(Outbox);

impl Destinations for Desk {
    fn enable(&self, upstream: &str) -> Result<bool, StoreError> {
        self.0.enable(upstream)
    }

    fn pins(&self) -> Vec<PinRow> {
        vec![PinRow {
            destination: "upstream/head-office@crm.example".to_owned(),
            kept: "sha256/old".to_owned(),
            kept_ms: 0,
            shown: Some("sha256/new".to_owned()),
            shown_ms: Some(1),
        }]
    }

    fn accept_key(&self, upstream: &str) -> Result<Option<PinRow>, StoreError> {
        Ok(self.pins().pop().filter(|_| upstream == "head-office"))
    }
}
