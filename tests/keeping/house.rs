//! A store, directories and a keeper.

use callpost::egress::{Egress, PinsInMemory, Rules as EgressRules};
use callpost::keeping::{DiskTakes, KeepingDesk, NightTime, Pace, Rules, Setup, Storage, StorageView};
use callpost::model::{
    CallId, Entry, RecordingFacts, RecordingId, RecordingKind, RecordingRow, Stamp, TapeDone,
};
use callpost::recording::Roots;
use callpost::store::{Clock, Options, Store};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Everything around a keeper.
pub(crate) struct House {
    pub(crate) store: Store,
    dir: PathBuf,
}

fn unix_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn clock() -> Clock {
    Clock {
        now: Instant::now,
        unix_ms: Arc::new(unix_ms),
    }
}

/// 20 November 2026, noon.
const NOON_MS: i64 = 1_795_176_000_000;

impl House {
    pub(crate) fn open(dir: &Path) -> Self {
        let opened = Store::open(&dir.join("data"), Options::new(clock())).unwrap();
        Self {
            store: opened.store,
            dir: dir.to_owned(),
        }
    }

    fn roots(&self) -> Roots {
        Roots {
            recordings: self.dir.join("recordings"),
            voicemail: self.dir.join("voicemail"),
        }
    }

    /// A conversation of so many bytes.
    pub(crate) fn record(&self, n: u8, bytes: usize) -> RecordingRow {
        let id = CallId::new(NOON_MS, &[n; 10]);
        let row = RecordingRow {
            id: RecordingId(id.0),
            call_id: id,
            kind: RecordingKind::Conversation,
            path: format!("2026/11/20/{id}.wav"),
            started_at: Stamp {
                unix_ms: NOON_MS,
                offset_seconds: 0,
            },
            agent: None,
        };
        let audio: Vec<u8> = (0..bytes)
            .map(|place| u8::try_from((place * 7 + place / 251) % 256).unwrap())
            .collect();
        let path = self.file(&row);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &audio).unwrap();
        let sha256 = Sha256::digest(&audio)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let facts = RecordingFacts {
            id: row.id,
            path: format!("recordings/{}", row.path),
            sha256: Some(sha256),
            bytes: Some(bytes as u64),
            duration_ms: Some(1000),
            channels: 2,
            consent: None,
            url: None,
            removed: None,
        };
        let journal = self.store.journal();
        journal.try_append(Entry::RecordingOpened(row.clone())).unwrap();
        let done = TapeDone {
            id: row.id,
            result: Ok(facts),
        };
        journal.try_tape_done(done).unwrap();
        // Waits for the commit of what came before.
        self.store.uploads().hurry("nobody").unwrap();
        row
    }

    /// Whether a copy is heard as the file here, from its beginning and from anywhere in it.
    pub(crate) fn hears(&self, desk: &KeepingDesk, row: &RecordingRow) {
        let here = fs::read(self.file(row)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (desk, id) = (desk.clone(), row.id);
        let heard = runtime.block_on(async move {
            let listening = tokio::task::spawn_blocking(move || {
                let mut copy = desk.listen(id).unwrap().unwrap();
                let (mut all, mut end) = (Vec::new(), Vec::new());
                copy.read_to_end(&mut all).unwrap();
                copy.seek(SeekFrom::End(-100)).unwrap();
                copy.read_to_end(&mut end).unwrap();
                (all, end)
            });
            listening.await.unwrap()
        });
        assert!(heard.0 == here && heard.1 == here[here.len() - 100..]);
    }

    pub(crate) fn file(&self, row: &RecordingRow) -> PathBuf {
        self.roots().locate(row.kind, &row.path).unwrap()
    }

    pub(crate) fn desk(&self, section: &str) -> KeepingDesk {
        let storage: Storage = toml::from_str(section).unwrap();
        assert_eq!(storage.mistakes(), []);
        KeepingDesk::new(Setup {
            site: "branch-01".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
            rules: Rules {
                conversation_days: 36_500,
                voicemail_days: 36_500,
                personal_days: None,
                mark_bytes: 0,
                disk_takes: DiskTakes::Copied,
                storages: vec![storage.rule()],
            },
            night: NightTime::default(),
            storages: vec![storage],
            roots: self.roots(),
            reader: self.store.reader(),
            upkeep: self.store.upkeep(),
            uploads: self.store.uploads(),
            egress: Egress::new(EgressRules::default(), Arc::new(PinsInMemory::default())),
            clock: clock(),
            stamp_of: Arc::new(|unix_ms| Stamp {
                unix_ms,
                offset_seconds: 0,
            }),
            aged_ms: Arc::new(unix_ms),
            free: Arc::new(|_| None),
            pace: Pace {
                first: Duration::from_secs(3600),
                look_at_disk: Duration::from_millis(50),
                look_at_queue: Duration::from_millis(20),
                pauses_per_mille: 10,
                ..Pace::default()
            },
        })
    }
}

/// Where a copy lies.
pub(crate) fn key(row: &RecordingRow) -> String {
    format!("branch-01/2026/11/20/{}.wav", row.id)
}

pub(crate) fn place(desk: &KeepingDesk) -> StorageView {
    desk.storages().unwrap().remove(0)
}

/// Looks again and again until it is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until so many copies are verified.
pub(crate) fn wait_for_copies(desk: &KeepingDesk, copies: u64) {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let view = desk.storages().unwrap().pop();
        if view.as_ref().is_some_and(|view| view.backlog.verified == copies) {
            return;
        }
        assert!(Instant::now() < end, "{view:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
