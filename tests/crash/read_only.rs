//! The disk of the running box becomes read-only, as ext4 makes it after an error it cannot mend.

use crate::disk_full::{Scene, is_root};
use crate::harness::{Appliance, Household, Phone, Street, eventually};
use std::fs;
use std::net::SocketAddrV4;
use std::process::Command;
use std::time::{Duration, Instant};

/// How soon the box has to notice.
const SOON: Duration = Duration::from_secs(10);

/// ROBUSTNESS 79.
#[test]
fn while_the_disk_is_read_only_calls_go_on_and_status_and_exit_code_say_why() {
    if !is_root() {
        println!("skipped: a disk can be mounted by root alone");
        return;
    }
    // Mounted in a namespace of its own, so that it is gone however the test ends.
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("this program knows itself"))
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "read_only::on_a_disk_that_becomes_read_only",
        ])
        .status();
    assert!(status.expect("unshare starts").success(), "it fails there");
}

#[test]
#[ignore = "runs in a mount namespace, started by the test above"]
fn on_a_disk_that_becomes_read_only() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let image = folder.path().join("disk.img");
    run(Command::new("truncate").args(["-s", "64M"]).arg(&image));
    run(Command::new("mkfs.ext4").arg("-q").arg(&image));
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#)
        .keeping_free(8);
    let appliance = Appliance::open_on(&street, &household, |data| {
        fs::create_dir_all(data).expect("the data directory can be made");
        let options = "loop,errors=remount-ro";
        run(Command::new("mount").args(["-o", options]).arg(&image).arg(data));
    });
    let mut scene = Scene {
        street,
        desk,
        appliance,
    };
    scene.short_call();
    scene.appliance.until_recorded(1);

    run(Command::new("mount")
        .args(["-o", "remount,abort"])
        .arg(scene.appliance.data()));
    for _ in 0..3 {
        scene.short_call();
    }
    eventually("the alarm is raised", SOON, || {
        let status = scene.appliance.status();
        let alarms = status["alarms"].as_array()?;
        alarms
            .iter()
            .any(|alarm| alarm["code"] == "records_not_written")
            .then_some(())
    });
    let health = scene.appliance.get("/health").text();
    assert!(health.contains("Call records cannot be written"), "{health}");
    scene.appliance.stop();

    // The next start says why it cannot be, and a service manager that tries again at once is kept waiting.
    let begun = Instant::now();
    let output = scene
        .appliance
        .command()
        .env("NOTIFY_SOCKET", "/nowhere")
        .output();
    let output = output.expect("the program starts");
    let told =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.to_lowercase().contains("read-only") || told.contains("readonly"),
        "{told}"
    );
    assert!(
        begun.elapsed() >= Duration::from_secs(10),
        "no more than one try in ten seconds"
    );
    println!(
        "read-only: 3 of 3 calls served, told by the alarm; a start says: {}",
        told.trim()
    );
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}
