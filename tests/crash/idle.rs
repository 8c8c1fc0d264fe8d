//! What a box writes when nothing happens, for the sake of its flash.

use crate::harness::{Appliance, Household, Phone, Street};
use std::fs;
use std::net::SocketAddrV4;
use std::time::Duration;

/// How long the box is watched; `CALLPOST_ROUNDS` watches longer: so many minutes.
const USUAL_MINUTES: u32 = 1;
/// What it may write in an hour.
const MOST_BYTES: u64 = 1_000_000;

/// ROBUSTNESS 82: counted by the kernel, so that a page written for one byte counts as a page.
#[test]
fn an_idle_box_hardly_writes() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#)
        .upstream("name=\"nobody\"\ntype=\"webhook\"\nurl=\"http://127.0.0.1:9/\"");
    let mut appliance = Appliance::open(&street, &household);
    // What a start writes is written by then.
    std::thread::sleep(Duration::from_secs(10));
    let minutes = crate::rounds(USUAL_MINUTES).clamp(1, 60);
    if fs::read_to_string(format!("/proc/{}/io", appliance.pid())).is_err() {
        println!(
            "skipped: the daemon keeps its memory and its counts from others of its user; root may look"
        );
        return appliance.stop();
    }
    let before = written(appliance.pid());
    std::thread::sleep(Duration::from_secs(60 * u64::from(minutes)));
    let bytes = written(appliance.pid()) - before;
    let hour = bytes * 60 / u64::from(minutes);
    println!("idle: {bytes} bytes written in {minutes} minutes, {hour} in an hour");
    assert!(hour <= MOST_BYTES, "{hour} bytes an hour");
    appliance.stop();
}

/// Bytes handed to the disk by this process (proc_pid_io(5)).
fn written(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).expect("the kernel counts");
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok())
        .expect("a number of bytes")
}
