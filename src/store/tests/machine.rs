//! The store against the machine: a disk that is full, and what a call costs it. Both run in a process of their own.

use super::sample::{call_id, closing, digit, opening, recording, recording_id};
use super::{Room, open};
use crate::model::{CallKey, Entry, TapeDone};
use crate::store::{CdrFilter, StoreReply};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DIR: &str = "CALLPOST_STORE_MACHINE_DIR";

/// This test program again, to run one of the tests below in another world.
fn again(test: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    vec![
        program.display().to_string(),
        "--exact".to_owned(),
        format!("store::tests::machine::{test}"),
        "--nocapture".to_owned(),
    ]
}

#[expect(clippy::print_stderr, reason = "a test that is left out says why")]
fn left_out(why: &str) {
    eprintln!("left out: {why}");
}

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

fn one_call(room: &Room, n: u32) {
    room.append(opening(n));
    assert_eq!(room.reply(), StoreReply::CallOpened(CallKey(n)));
    for key in 0..10 {
        room.append(digit(n, 100 * key, "5"));
    }
    room.append(Entry::RecordingOpened(recording(n)));
    let done = TapeDone {
        id: recording_id(n),
        result: Ok(super::sample::facts(n)),
    };
    room.store.journal().try_tape_done(done).unwrap();
    room.append(closing(n));
    let StoreReply::CallClosed { .. } = room.reply() else {
        panic!("call {n} was not filed")
    };
}

/// Not a test of its own: what runs on the small disk.
#[test]
fn the_daemon_on_a_small_disk() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let (room, _) = open(&dir.join("data"), &["crm"], |options| {
        options.keep.reserve_megabytes = 4;
        options.pace.tidy = Duration::from_millis(20);
        options.pace.patience = Duration::from_millis(1);
    });
    let reserve = dir.join("data/callpost.reserve");
    let wait_for = |what: &str, is: &dyn Fn() -> bool| {
        let found = (0..2000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            is()
        });
        assert!(found, "{what} never was");
    };
    wait_for("the reserve", &|| {
        fs::metadata(&reserve).is_ok_and(|facts| facts.len() == 4 << 20)
    });
    for n in 0..20 {
        one_call(&room, n);
    }
    // Somebody else fills the disk to the last byte.
    let ballast = dir.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    let mut part = 1 << 20;
    while part > 0 {
        if file.write_all(&vec![1; part]).is_err() {
            part /= 2;
        }
    }
    for n in 20..220 {
        one_call(&room, n);
    }
    assert!(
        room.store.condition().now().reserve_is_used,
        "the reserve was needed"
    );
    assert_eq!(room.store.trouble(), None);
    drop(file);
    fs::remove_file(&ballast).unwrap();
    wait_for("the reserve again", &|| {
        !room.store.condition().now().reserve_is_used
    });
    assert!(fs::metadata(&reserve).is_ok_and(|facts| facts.len() == 4 << 20));
    room.store.shutdown();
    let (room, found) = open(&dir.join("data"), &["crm"], |_options| ());
    assert!(found.interrupted.is_empty() && found.set_aside.is_none());
    let filter = CdrFilter {
        limit: 1000,
        ..CdrFilter::default()
    };
    let page = room.store.reader().cdrs(&filter).unwrap();
    assert_eq!(page.items.len(), 220, "no record was lost");
    assert_eq!(page.items[219].1.cdr_id, call_id(219));
    writeln!(std::io::stdout(), "\nall 220 records").unwrap();
}

/// ROBUSTNESS 78: calls are served and recorded in writing while the disk is full, and the reserve comes back.
#[test]
fn on_a_full_disk_no_call_is_refused_and_no_record_lost() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mount = format!(
        "mount -t tmpfs -o size=24m tmpfs {0} && exec \"$@\"",
        dir.path().display()
    );
    let trial = Command::new("unshare")
        .args([
            "-m",
            "sh",
            "-c",
            &format!("mount -t tmpfs tmpfs {}", dir.path().display()),
        ])
        .output();
    if !trial.is_ok_and(|output| output.status.success()) {
        return left_out("a file system of its own needs root and unshare");
    }
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", &mount, "sh"])
        .args(again("the_daemon_on_a_small_disk"))
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.contains("all 220 records"),
        "{told}"
    );
}

const CALLS: u32 = 40;

/// Not a test of its own: the calls whose cost is counted.
#[test]
fn the_calls_that_are_counted() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (room, _) = open(&Path::new(&dir).join("counted"), &["crm"], |options| {
        options.pace.patience = Duration::from_millis(1);
    });
    writeln!(std::io::stdout(), "\nbegin").unwrap();
    fs::write(Path::new(&dir).join("begin"), b"").unwrap();
    for n in 0..CALLS {
        one_call(&room, n);
    }
    fs::write(Path::new(&dir).join("end"), b"").unwrap();
    room.store.shutdown();
}

/// ROBUSTNESS 82: at most three waits for the disk a call, whatever happens in it.
#[test]
fn a_call_waits_for_the_disk_at_most_three_times() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    if !is_there("strace") {
        return left_out("strace is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("strace.log");
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=fsync,fdatasync,openat", "-o"])
        .arg(&log)
        .args(again("the_calls_that_are_counted"))
        .env(DIR, dir.path())
        .output()
        .unwrap()
        .status;
    if !status.success() {
        return left_out("strace may not trace here");
    }
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = |name: &str| lines.iter().position(|line| line.contains(name)).unwrap();
    let between = &lines[at("/begin\"")..at("/end\"")];
    let is_sync = |line: &&&str| line.contains("fsync(") || line.contains("fdatasync(");
    let syncs = between.iter().filter(is_sync).count();
    let a_call = syncs as f64 / f64::from(CALLS);
    writeln!(
        std::io::stdout(),
        "{syncs} syncs for {CALLS} calls: {a_call:.2} a call"
    )
    .unwrap();
    assert!(a_call <= 3.0, "{a_call} syncs a call");
}
