//! `callpost recordings prune`.

use crate::cdr::{House, TOKEN};
use callpost::model::{RecordingFacts, RecordingId, RecordingKind, RecordingRow, Stamp, TapeDone};
use callpost::store::{Clock, Options, Store};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "outside the box time is what it is")]
fn now() -> Instant {
    Instant::now()
}

/// Two recordings: one of a hundred days ago, one of a day ago. The path of the first.
fn two_recordings(house: &House) -> PathBuf {
    let now_ms = callpost::app::wall_unix_ms();
    let clock = Clock {
        now,
        unix_ms: Arc::new(callpost::app::wall_unix_ms),
    };
    let store = Store::open(&house.data(), Options::new(clock)).unwrap().store;
    let mut first = None;
    for (n, days) in [(1, 100), (2, 1)] {
        let id = RecordingId(uuid::Uuid::from_u128(n));
        let name = format!("{id}.wav");
        let path = house.data().join("recordings").join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"audio").unwrap();
        first.get_or_insert(path);
        let row = RecordingRow {
            id,
            call_id: callpost::model::CallId(id.0),
            kind: RecordingKind::Conversation,
            path: name.clone(),
            started_at: Stamp {
                unix_ms: now_ms - days * 86_400_000,
                offset_seconds: 0,
            },
            agent: None,
        };
        let facts = RecordingFacts {
            id,
            path: format!("recordings/{name}"),
            sha256: None,
            bytes: Some(5),
            duration_ms: Some(1),
            channels: 2,
            consent: None,
            url: None,
            removed: None,
        };
        let journal = store.journal();
        journal
            .try_append(callpost::model::Entry::RecordingOpened(row))
            .unwrap();
        journal
            .try_tape_done(TapeDone {
                id,
                result: Ok(facts),
            })
            .unwrap();
    }
    store.shutdown();
    first.unwrap()
}

/// S3-087: the dry run tells, with and without a daemon; without `--dry-run` the daemon removes.
#[test]
fn a_dry_run_only_tells_and_the_daemon_removes() {
    let house = House::with(1);
    let old = two_recordings(&house);
    let told = house.says(&["recordings", "prune", "--dry-run"]);
    for words in [
        "2 recordings are here",
        "1 of them go at the next look",
        "recording.retention_days",
    ] {
        assert!(told.contains(words), "{words} is missing in {told}");
    }
    let found = house.json(&["recordings", "prune", "--dry-run", "--json"]);
    assert_eq!((&found["recordings"], &found["due"]), (&2.into(), &1.into()));
    assert!(old.exists());
    let refused = house.callpost(&["recordings", "prune"]);
    assert!(!refused.status.success(), "there is no daemon to do it");

    let _daemon = house.daemon();
    let asked = Command::new(env!("CARGO_BIN_EXE_callpost"))
        .args(["recordings", "prune", "--config"])
        .arg(house.place.path().join("callpost.toml"))
        .env("CALLPOST_ADMIN_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{asked:?}");
    let end = now() + Duration::from_secs(30);
    while old.exists() {
        assert!(now() < end, "the daemon removes what is due");
        std::thread::sleep(Duration::from_millis(20));
    }
    let found = house.json(&["recordings", "prune", "--dry-run", "--json"]);
    assert_eq!((&found["recordings"], &found["due"]), (&1.into(), &0.into()));
}
