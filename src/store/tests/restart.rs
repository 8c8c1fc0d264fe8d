use super::sample::{binding, call_id, closing, digit, facts, opening, recording, recording_id};
use super::{NOON, open};
use crate::model::{CallKey, Entry, HangupBy, Status};
use crate::store::{CdrFilter, RecordingState, StoreError, StoreReply};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DIR: &str = "CALLPOST_STORE_TEST_DIR";

/// Not a test of its own: the daemon that `start_daemon` starts in another process and that is killed there.
#[test]
fn the_daemon_that_will_be_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (room, _) = open(Path::new(&dir), &["crm"], |options| {
        options.pace.heartbeat = Duration::from_millis(20);
        options.pace.patience = Duration::from_millis(1);
    });
    room.append(Entry::Bound(binding("1001", 1, NOON + 3_600_000)));
    for n in 1..=3 {
        room.append(opening(n));
        assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(n)));
    }
    room.append(closing(2));
    assert_eq!(room.reply(), StoreReply::CallClosed { seq: 1 });
    room.append(Entry::RecordingOpened(recording(1)));
    room.append(digit(1, 700, "4"));
    room.settle();
    // Lives on until its heart has been seen to beat, so that a duration is known.
    let heard = || {
        let sql = "SELECT heartbeat_elapsed_ms FROM boot";
        room.store
            .reader()
            .look(|db| Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0))?))
            .unwrap()
    };
    while heard() < 100 {
        std::thread::yield_now();
    }
    writeln!(std::io::stdout(), "\nready").unwrap();
    std::io::stdout().flush().unwrap();
    // Waits for an end that comes from outside.
    let _ = std::io::stdin().lock().lines().next();
}

fn start_daemon(dir: &Path) -> Child {
    let mut daemon = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::restart::the_daemon_that_will_be_killed",
            "--nocapture",
        ])
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line == "ready");
    assert!(ready, "the daemon did not come up");
    daemon
}

#[test]
fn calls_of_a_killed_daemon_are_closed_once_with_what_was_known() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = start_daemon(dir.path());
    let refused = crate::store::Store::open(
        dir.path(),
        crate::store::Options::new(super::Hand::at(NOON).clock()),
    );
    let Err(StoreError::InUse { pid, .. }) = refused else {
        panic!("two daemons share a directory")
    };
    assert_eq!(pid, Some(daemon.id()));
    daemon.kill().unwrap();
    daemon.wait().unwrap();

    let (room, found) = open(dir.path(), &["crm"], |options| {
        options.mend = Box::new(|rows| {
            assert_eq!(rows, [recording(1)]);
            vec![facts(1)]
        });
    });
    assert_eq!((found.mended, found.bindings.len()), (1, 1));
    let closed: Vec<_> = found.interrupted.iter().map(|cdr| cdr.call_id).collect();
    assert_eq!(closed, [call_id(1), call_id(3)]);
    let first = &found.interrupted[0];
    assert_eq!(
        (first.status, first.hangup_by),
        (Status::Failed, HangupBy::System)
    );
    assert_eq!(
        (first.cause.as_deref(), first.digits.as_str()),
        (Some("interrupted"), "4")
    );
    assert!(
        first.duration_ms >= 700 && first.duration_ms < 60_000,
        "{}",
        first.duration_ms
    );
    assert_eq!(first.recording, Some(facts(1)));
    assert!(
        found.interrupted[1].duration_ms > 0,
        "the heartbeat tells how long a silent call lasted"
    );

    let page = room.store.reader().cdrs(&CdrFilter::default()).unwrap();
    let rows: Vec<_> = page.items.iter().map(|(seq, cdr)| (*seq, cdr.call_id)).collect();
    assert_eq!(rows, [(1, call_id(2)), (2, call_id(1)), (3, call_id(3))]);
    assert_eq!(room.store.reader().backlog().unwrap()[0].pending, 3);
    room.store.shutdown();

    let (room, found) = open(dir.path(), &["crm"], |_options| ());
    assert!(
        found.interrupted.is_empty(),
        "a second start has nothing to close"
    );
    assert_eq!(
        room.store
            .reader()
            .cdrs(&CdrFilter::default())
            .unwrap()
            .items
            .len(),
        3
    );
}

#[test]
fn a_recording_without_audio_is_told_as_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::RecordingOpened(recording(1)));
    room.store.shutdown();
    let (room, found) = open(dir.path(), &[], |_options| ());
    assert_eq!(found.mended, 0);
    let state = room
        .store
        .reader()
        .recording(recording_id(1))
        .unwrap()
        .unwrap()
        .state;
    assert!(matches!(state, RecordingState::Failed(_)), "{state:?}");
}

#[test]
fn registrations_that_ran_out_while_the_daemon_was_away_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (room, _) = open(dir.path(), &[], |_options| ());
    room.append(Entry::Bound(binding("1001", 1, NOON + 1000)));
    room.append(Entry::Bound(binding("1002", 1, NOON + 9000)));
    room.store.shutdown();
    let later = super::Hand::at(NOON + 5000).clock();
    let (_room, found) = open(dir.path(), &[], |options| options.clock = later);
    assert_eq!(found.bindings, [binding("1002", 1, NOON + 9000)]);
}
