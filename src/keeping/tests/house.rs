//! A store, directories and a keeper for tests, with clocks that stand until they are moved.

use super::{NOON_MS, row};
use crate::egress::{Egress, PinsInMemory, Rules as EgressRules};
use crate::keeping::{DiskTakes, KeepingDesk, NightTime, Pace, Rules, Setup, Storage};
use crate::model::{Cdr, Entry, RecordingFacts, RecordingKind, RecordingRow, Stamp, TapeDone};
use crate::recording::Roots;
use crate::store::tests::sample::ended;
use crate::store::{Clock, Options, Store, StoreReply};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Everything around a keeper.
pub(super) struct House {
    pub(super) store: Store,
    pub(super) dir: PathBuf,
    pub(super) now_ms: Arc<AtomicI64>,
    pub(super) free: Arc<AtomicU64>,
    replies: Mutex<Receiver<StoreReply>>,
}

pub(super) const DAY_MS: i64 = 86_400_000;

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn now() -> Instant {
    Instant::now()
}

impl House {
    pub(super) fn open(dir: &Path) -> Self {
        let now_ms = Arc::new(AtomicI64::new(NOON_MS));
        let (say, replies) = channel();
        let hand = Arc::clone(&now_ms);
        let mut options = Options::new(Clock {
            now,
            unix_ms: Arc::new(move || hand.load(Ordering::SeqCst)),
        });
        options.on_reply = Box::new(move |reply| drop(say.send(reply)));
        let opened = Store::open(&dir.join("data"), options).unwrap();
        Self {
            store: opened.store,
            dir: dir.to_owned(),
            now_ms,
            free: Arc::new(AtomicU64::new(u64::MAX)),
            replies: Mutex::new(replies),
        }
    }

    pub(super) fn roots(&self) -> Roots {
        Roots {
            recordings: self.dir.join("recordings"),
            voicemail: self.dir.join("voicemail"),
        }
    }

    /// A conversation of so many bytes whose call began at this time, with its record.
    pub(super) fn record(&self, n: u32, started_ms: i64, bytes: usize) -> RecordingRow {
        self.record_as(RecordingKind::Conversation, n, started_ms, bytes)
    }

    pub(super) fn record_as(
        &self,
        kind: RecordingKind,
        n: u32,
        started_ms: i64,
        bytes: usize,
    ) -> RecordingRow {
        let row = RecordingRow {
            kind,
            ..row(n, started_ms)
        };
        let audio: Vec<u8> = (0..bytes)
            .map(|place| u8::try_from(place % 251).unwrap())
            .collect();
        let path = self.file(&row);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &audio).unwrap();
        let facts = RecordingFacts {
            id: row.id,
            path: row.full_path(),
            sha256: Some(
                Sha256::digest(&audio)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            ),
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
            result: Ok(facts.clone()),
        };
        journal.try_tape_done(done).unwrap();
        let cdr = Cdr {
            cdr_id: row.call_id,
            call_id: row.call_id,
            recording: Some(facts),
            ..ended(n)
        };
        journal.try_append(Entry::CallClosed(Box::new(cdr))).unwrap();
        self.settle();
        row
    }

    /// Waits until everything handed over so far is on disk.
    pub(super) fn settle(&self) {
        let replies = self.replies.lock().unwrap();
        loop {
            let reply = replies.recv_timeout(Duration::from_secs(20)).unwrap();
            if matches!(reply, StoreReply::CallClosed { .. }) {
                return;
            }
        }
    }

    pub(super) fn file(&self, row: &RecordingRow) -> PathBuf {
        self.roots().locate(row.kind, &row.path).unwrap()
    }

    /// The newest version of the call's record.
    pub(super) fn cdr(&self, row: &RecordingRow) -> Cdr {
        self.store.reader().cdr(row.call_id).unwrap().unwrap().1
    }

    pub(super) fn pass_days(&self, days: i64) {
        self.now_ms.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    pub(super) fn hold(&self, row: &RecordingRow) {
        let id = row.id.to_string();
        let sql = "UPDATE recordings SET held_since = '2026-11-20T12:00:00Z' WHERE id = ?1";
        let database = rusqlite::Connection::open(self.dir.join("data/callpost.db")).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(database.execute(sql, [id]).unwrap(), 1);
    }

    pub(super) fn setup(&self, rules: Rules, storages: Vec<Storage>) -> Setup {
        let (hand, free) = (Arc::clone(&self.now_ms), Arc::clone(&self.free));
        Setup {
            site: "branch-01".to_owned(),
            zone: jiff::tz::TimeZone::UTC,
            rules,
            night: NightTime::default(),
            storages,
            roots: self.roots(),
            reader: self.store.reader(),
            upkeep: self.store.upkeep(),
            uploads: self.store.uploads(),
            egress: Egress::new(
                EgressRules::new(vec!["127.0.0.0/8".parse().unwrap()]),
                Arc::new(PinsInMemory::default()),
            ),
            clock: Clock {
                now,
                unix_ms: Arc::new(move || hand.load(Ordering::SeqCst)),
            },
            stamp_of: Arc::new(|unix_ms| Stamp {
                unix_ms,
                offset_seconds: 0,
            }),
            aged_ms: {
                let hand = Arc::clone(&self.now_ms);
                Arc::new(move || hand.load(Ordering::SeqCst))
            },
            free: Arc::new(move |_| Some(free.load(Ordering::SeqCst))),
            pace: Pace {
                first: Duration::ZERO,
                look_at_disk: Duration::from_millis(5),
                breath: Duration::from_millis(1),
                alarms: Duration::from_millis(5),
                look_at_queue: Duration::from_millis(5),
                pauses_per_mille: 1,
            },
        }
    }

    pub(super) fn desk(&self, rules: Rules, storages: Vec<Storage>) -> KeepingDesk {
        KeepingDesk::new(self.setup(rules, storages))
    }
}

/// Ninety days, and nothing else.
pub(super) fn rules() -> Rules {
    Rules {
        conversation_days: 90,
        voicemail_days: 30,
        personal_days: None,
        mark_bytes: 0,
        disk_takes: DiskTakes::Copied,
        storages: Vec::new(),
    }
}

/// Looks again and again until it is so.
pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = now() + Duration::from_secs(30);
    while !is_so() {
        assert!(now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}
