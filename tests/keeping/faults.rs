//! Servers that die, refuse, are full or change what they are given; a box that is killed in the middle. Nothing is lost,
//! nothing is doubled.

use crate::house::{House, key, place, wait_for_copies, wait_until};
use crate::line::{Fault, Line};
use crate::servers::{Server, section};
use callpost::keeping::Keeper;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

const MB: usize = 1024 * 1024;

/// No connection carries more than 8 MB: 22 MB arrive only because parts that have arrived are not sent again.
#[test]
fn a_large_recording_goes_on_where_the_line_was_cut() {
    let Some(server) = Server::s3() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let row = house.record(1, 22 * MB);
    let line = Line::to(server.port);
    line.set(Fault::CutAfter(8 * MB));
    let desk = house.desk(&section("s3", line.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    wait_for_copies(&desk, 1);
    assert!(line.connections.load(Ordering::SeqCst) > 3);
    let sent = line.sent.load(Ordering::SeqCst);
    assert!(sent < 40 * MB as u64, "{sent} bytes were sent for 22 MB");
    let (_, there) = server.ask("GET", &format!("/rec/{}", key(&row)), &[], b"");
    assert!(there == fs::read(house.file(&row)).unwrap());
    keeper.shutdown();
}

/// ROBUSTNESS 85, S3-124: 503, a full place, then it is well again.
#[test]
fn a_place_that_refuses_is_asked_again_and_everything_arrives() {
    let Some(server) = Server::webdav() else { return };
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(dir.path());
    let rows = [
        house.record(1, 5000),
        house.record(2, 5000),
        house.record(3, 5000),
    ];
    let line = Line::to(server.port);
    let desk = house.desk(&section("webdav", line.port, ""));
    for (status, word) in [(503, "503"), (507, "no room is left there")] {
        line.set(Fault::Refuse(status));
        let keeper = Keeper::start(&desk).unwrap();
        wait_until("the refusal is told", || {
            let error = place(&desk).backlog.last_error;
            error.is_some_and(|error| error.contains(word))
        });
        assert_eq!(place(&desk).backlog.pending, 3);
        assert!(rows.iter().all(|row| house.file(row).exists()));
        keeper.shutdown();
    }
    line.set(Fault::None);
    let keeper = Keeper::start(&desk).unwrap();
    wait_for_copies(&desk, 3);
    assert!(place(&desk).backlog.last_error.is_none());
    keeper.shutdown();
}

/// What arrives changed is not taken for a copy, by its name or by its bytes.
#[test]
fn what_arrives_changed_is_sent_again() {
    let servers = [("s3", Server::s3()), ("webdav", Server::webdav())];
    for (kind, server) in servers {
        let Some(server) = server else { continue };
        let dir = tempfile::tempdir().unwrap();
        let house = House::open(dir.path());
        let row = house.record(1, 300_000);
        let line = Line::to(server.port);
        line.set(Fault::Change);
        let desk = house.desk(&section(kind, line.port, ""));
        let keeper = Keeper::start(&desk).unwrap();
        wait_until("the change is found", || {
            // Some places find it out themselves.
            place(&desk).backlog.last_error.is_some()
        });
        assert_eq!(place(&desk).backlog.verified, 0);
        line.set(Fault::None);
        wait_for_copies(&desk, 1);
        let there = match kind {
            "s3" => server.ask("GET", &format!("/rec/{}", key(&row)), &[], b"").1,
            _ => fs::read(server.served(&key(&row))).unwrap(),
        };
        assert!(there == fs::read(house.file(&row)).unwrap(), "{kind}");
        keeper.shutdown();
    }
}

const DIR: &str = "CALLPOST_KEEPING_TEST_DIR";
const PORT: &str = "CALLPOST_KEEPING_TEST_PORT";

/// Not a test of its own: the box that is killed while it sends.
#[test]
fn the_box_that_will_be_killed() {
    let (Some(dir), Ok(port)) = (std::env::var_os(DIR), std::env::var(PORT)) else {
        return;
    };
    let house = House::open(dir.as_ref());
    let slow = section("s3", port.parse().unwrap(), "").replace("200000", "4000");
    let desk = house.desk(&slow);
    let _keeper = Keeper::start(&desk).unwrap();
    // Until it is killed.
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// ROBUSTNESS 74, 75: kill -9 at several places of the sending. Nothing is lost, nothing lies there twice.
#[test]
fn a_box_that_is_killed_while_it_sends_loses_nothing_and_doubles_nothing() {
    let Some(server) = Server::s3() else { return };
    let dir = tempfile::tempdir().unwrap();
    let rows = {
        let house = House::open(dir.path());
        let rows = [
            house.record(1, 60_000),
            house.record(2, 12 * MB),
            house.record(3, 60_000),
        ];
        house.store.shutdown();
        rows
    };
    let line = Line::to(server.port);
    for round in 1..=4 {
        let before = line.sent.load(Ordering::SeqCst);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::the_box_that_will_be_killed"])
            .env(DIR, dir.path())
            .env(PORT, line.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let more = 2 * MB as u64 * round / 2;
        wait_until("it sends", || {
            line.sent.load(Ordering::SeqCst) > before + more || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let house = House::open(dir.path());
    let desk = house.desk(&section("s3", line.port, ""));
    let keeper = Keeper::start(&desk).unwrap();
    wait_for_copies(&desk, 3);
    for row in &rows {
        let (status, there) = server.ask("GET", &format!("/rec/{}", key(row)), &[], b"");
        assert_eq!(status, 200);
        assert!(there == fs::read(house.file(row)).unwrap());
    }
    let (_, listing) = server.ask("GET", "/rec?list-type=2", &[], b"");
    let listing = String::from_utf8_lossy(&listing).into_owned();
    assert_eq!(listing.matches("<Key>").count(), 3, "{listing}");
    keeper.shutdown();
}
