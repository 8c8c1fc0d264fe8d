//! A box with thirty-two calls, one of them recorded, one by somebody with bad manners, and a person to log in as.

use crate::harness::{PATIENCE, Street, eventually, http, peer::Peer};
use crate::world;
use callpost::model::{
    Cdr, Direction, Entry, ForeignRecord, Number, RecordingFacts, RecordingId, RecordingKind, RecordingRow,
    Status, TapeDone,
};
use callpost::store::{Clock, Opened, Options, Store};
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// What a caller sends who hopes that somebody looks at a page.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// The box and its files.
pub(crate) struct Site {
    // Before `folder`: the program ends before its files go.
    peer: Peer,
    _folder: TempDir,
    pub(crate) street: Street,
    pub(crate) http: SocketAddrV4,
    pub(crate) claim_code: String,
    /// Where a PBX may be put up.
    pub(crate) pbx: SocketAddrV4,
}

impl Site {
    /// Files the calls, starts the box and reads the claim code it prints.
    pub(crate) fn open() -> Self {
        Self::with(Street::claim(), "", &["head-office"])
    }

    /// The same with more in the configuration; the calls wait for these destinations.
    pub(crate) fn with(street: Street, more: &str, destinations: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("callpost-browser-")
            .tempdir()
            .unwrap();
        let pbx = SocketAddrV4::new(street.house(20), 8080);
        let head_office = SocketAddrV4::new(street.house(30), 8080);
        let data = folder.path().join("data");
        fs::create_dir_all(&data).unwrap();
        seed(&data, destinations);
        let config = folder.path().join("callpost.toml");
        fs::write(&config, configuration(&street, head_office) + more).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_callpost"));
        command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(&data);
        command.current_dir(folder.path());
        let mut peer = Peer::start("callpost", &mut command, folder.path().join("callpost.log"));
        let box_http = street.box_http();
        eventually("callpost serves calls", PATIENCE, || {
            if let Some(status) = peer.ended() {
                panic!("callpost ended with {status} at its start");
            }
            (http::ask(box_http, "GET", "/health", &[], "")?.status == 200).then_some(())
        });
        let claim_code = eventually("the claim code is printed", PATIENCE, || claim_code(&peer.log()));
        Self {
            peer,
            _folder: folder,
            street,
            http: box_http,
            claim_code,
            pbx,
        }
    }

    /// What the box said.
    pub(crate) fn log(&self) -> String {
        self.peer.log()
    }
}

fn configuration(street: &Street, head_office: SocketAddrV4) -> String {
    let house = street.house(1);
    format!(
        r#"
[site]
name = "branch-01"
timezone = "Asia/Ho_Chi_Minh"
[sip]
listen = ["udp://{house}:5060"]
[http]
listen = "{house}:8080"
[egress]
allow = ["127.0.0.0/8"]
[[agent]]
id = "ali"
name = "Ali"
extension = "1001"
password = "secret-1001"
groups = ["sales"]
[[group]]
name = "sales"
[[upstream]]
name = "head-office"
type = "webhook"
url = "http://{head_office}/cdrs"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"#
    )
}

/// The code stands between the words that tell what it is for: three groups of four.
fn claim_code(log: &str) -> Option<String> {
    let is_code = |word: &&str| {
        let groups: Vec<&str> = word.split('-').collect();
        groups.len() == 3
            && groups
                .iter()
                .all(|group| group.len() == 4 && group.chars().all(char::is_alphanumeric))
    };
    let words = log.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    words.into_iter().find(|word| is_code(word)).map(str::to_owned)
}

fn seed(data: &Path, destinations: &[&str]) {
    let clock = Clock {
        now: Instant::now,
        unix_ms: Arc::new(|| world::NOON.unix_ms),
    };
    let mut options = Options::new(clock);
    options.upstreams = destinations.iter().map(|name| (*name).to_owned()).collect();
    let Opened { store, .. } = Store::open(data, options).unwrap();
    let statuses = [
        Status::Answer,
        Status::Canceled,
        Status::Busy,
        Status::NoAnswer,
        Status::Failed,
    ];
    let directions = [Direction::Inbound, Direction::Outbound, Direction::Internal];
    for number in 0..30_u32 {
        let place = usize::try_from(number).unwrap();
        let status = statuses[place % statuses.len()];
        let answered = status == Status::Answer;
        file(
            &store,
            Cdr {
                status,
                direction: directions[place % directions.len()],
                talk_ms: if answered { 71_000 } else { 0 },
                caller_name: (place % 4 == 0).then(|| "Nguyễn Thị Hoa".to_owned()),
                ..world::cdr(number)
            },
        );
    }
    file(
        &store,
        Cdr {
            caller_name: Some(HOSTILE.to_owned()),
            caller_number: Number::from("\"><script>alert(1)</script>"),
            linked: Some(ForeignRecord {
                source: "onepos".to_owned(),
                external_id: "u31".to_owned(),
            }),
            ..world::cdr(31)
        },
    );
    let recording = recorded(&store, data);
    file(
        &store,
        Cdr {
            recording: Some(recording),
            ..world::cdr(32)
        },
    );
    store.accounts().remove_user("nobody at all").unwrap();
    store.shutdown();
}

fn file(store: &Store, cdr: Cdr) {
    store
        .journal()
        .try_append(Entry::CallClosed(Box::new(cdr)))
        .unwrap();
}

/// Six seconds: left the caller, a low tone; right the agent, a high one.
fn recorded(store: &Store, data: &Path) -> RecordingFacts {
    let name = "2026/11/20/32.wav";
    let path = data.join("recordings").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    tones(&path);
    let id = RecordingId(uuid::Uuid::from_u128(32));
    let row = RecordingRow {
        id,
        call_id: world::call_id(1032),
        kind: RecordingKind::Conversation,
        path: name.to_owned(),
        started_at: world::NOON,
        agent: Some("ali".into()),
    };
    store.journal().try_append(Entry::RecordingOpened(row)).unwrap();
    let facts = RecordingFacts {
        id,
        path: format!("recordings/{name}"),
        sha256: Some(world::sha256(&fs::read(&path).unwrap())),
        bytes: Some(fs::metadata(&path).unwrap().len()),
        duration_ms: Some(6000),
        channels: 2,
        consent: None,
        url: None,
        removed: None,
    };
    store
        .journal()
        .try_tape_done(TapeDone {
            id,
            result: Ok(facts.clone()),
        })
        .unwrap();
    facts
}

fn tones(path: &PathBuf) {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in 0..48_000_u16 {
        for hertz in [440.0, 880.0] {
            let angle = f32::from(sample) / 8000.0 * hertz * std::f32::consts::TAU;
            #[expect(clippy::cast_possible_truncation, reason = "a quiet tone fits in 16 bits")]
            writer.write_sample((angle.sin() * 6000.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}
