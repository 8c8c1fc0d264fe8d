//! The power of a whole file system is cut while records are written and forwarded.

use crate::driver::{Driven, Task, Word};
use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, Phone, Street, Voice, eventually, tone};
use crate::hostile::{Hostile, Plan};
use crate::ledger::Ledger;
use crate::{dice, rounds};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How soon the database has to be open again.
const SOON: Duration = Duration::from_secs(5);
/// Rounds on one file system, before a fresh one keeps the looks cheap.
const ON_ONE_DISK: u32 = 25;

/// DC-006, ROBUSTNESS 76.
#[test]
#[ignore = "needs root and a mount namespace: `just powercut`"]
fn after_every_power_cut_what_was_acknowledged_is_there() {
    let (rounds, mut dice, began) = (rounds(200), dice(76), Instant::now());
    let (mut acknowledged, mut records, mut delivered, mut slowest, mut done) = (0, 0, 0, 0, 0);
    while done < rounds {
        let hostile = Hostile::start(Plan::Mixed(Box::new(dice.fork()), 50));
        let disk = Disk::make();
        let mut said = Vec::new();
        let task = |round: u32| {
            let task = Task::new(disk.data()).forwarding(&hostile.url(), &Hostile::keys());
            let mut task = task.filing(round * 100_000, 100_000);
            task.at_once = 1 + round % 32;
            task
        };
        for round in 0..ON_ONE_DISK.min(rounds - done) {
            disk.mount();
            let mut process = Driven::start(&task(round));
            let open = process.until_open();
            if let Word::Open { ms, .. } = open {
                slowest = slowest.max(ms);
            }
            std::thread::sleep(Duration::from_micros(dice.roll(400_000)));
            disk.cut_the_power();
            // What it says between the cut and its end is said by a process that has lost its disk, and still no lie.
            said.push(open);
            said.extend(process.kill());
            disk.unmount();
            done += 1;
            disk.mount();
            let ledger = Ledger::of(&disk.data());
            ledger.assert_sound();
            ledger.assert_holds(&said);
            disk.unmount();
        }
        disk.mount();
        let mut last = task(ON_ONE_DISK);
        (last.at_most, last.drain) = (1, true);
        let (words, status) = Driven::start(&last).finish(Duration::from_secs(300));
        assert!(status.success(), "the last run ends well");
        said.extend(words);
        let ledger = Ledger::of(&disk.data());
        ledger.assert_sound();
        ledger.assert_holds(&said);
        let report = hostile.report(&ledger.rows);
        report.assert_faultless();
        disk.unmount();
        acknowledged += said.iter().filter(|word| word.is_filed()).count();
        records += ledger.rows.len();
        delivered += hostile.taken();
    }
    println!(
        "power cuts {rounds}: acknowledged {acknowledged}, in the database {records}, delivered {delivered}, \
         acknowledged and then missing 0, delivered and then missing 0, slowest opening {slowest} ms, {:.0} s",
        began.elapsed().as_secs_f64()
    );
    assert!(acknowledged > 0, "the cuts left time to file something");
    assert!(
        u128::from(slowest) <= SOON.as_millis(),
        "open within {SOON:?}, not {slowest} ms"
    );
}

/// DC-005, ROBUSTNESS 76.
#[test]
#[ignore = "needs root and a mount namespace: `just powercut`"]
fn a_recording_cut_by_a_power_cut_loses_at_most_two_seconds() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let mut disk = None;
    let mut appliance = Appliance::open_on(&street, &household, |data| {
        std::fs::create_dir_all(data).expect("a folder can be made");
        disk.insert(Disk::at(data)).mount();
    });
    let disk = disk.expect("the disk is made");
    let mut worst = Duration::ZERO;
    let calls = usize::try_from(rounds(200) / 40).unwrap_or(0).max(2);
    for round in 1..=calls {
        let phone = Phone::new(
            "+966501234567",
            SocketAddrV4::new(street.pbx(), 0),
            street.box_sip(),
        );
        let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
        let dialling = phone.dial("8001", caller_voice.address);
        let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), agent_voice.address);
        let caller = dialling.answered();
        agent_voice.hum(agent.audio, 1000);
        caller_voice.hum(caller.audio, 440);
        let heard = || tone::heard(&caller_voice.heard(), 1000);
        let some_seconds = Duration::from_millis(4000 + 370 * u64::try_from(round % 6).unwrap_or(0));
        eventually("they have talked", some_seconds * 3, || {
            (heard() >= some_seconds).then_some(())
        });
        disk.cut_the_power();
        let talked = heard();
        appliance.kill();
        while desk.hear(Duration::from_millis(1)).is_some() {}
        disk.unmount();
        disk.mount();
        appliance.start();
        let record = appliance.until_recorded(round).remove(round - 1);
        assert_eq!(record.text("cause"), "interrupted");
        let kept = tone::heard(&appliance.recording(&record.recording()).channels[1], 1000);
        worst = worst.max(talked.saturating_sub(kept));
    }
    appliance.kill();
    disk.unmount();
    println!("recordings cut by {calls} power cuts: all playable, the worst lost {worst:?}");
    // Two seconds of audio, and what was on its way at that moment.
    assert!(worst <= Duration::from_millis(2100), "{worst:?}");
}

/// A file system in a file.
#[derive(Debug)]
struct Disk {
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Disk {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let place = folder.path().join("disk");
        std::fs::create_dir(&place).expect("a folder can be made");
        Self::format(folder, place)
    }

    /// To be mounted at this folder.
    fn at(place: &Path) -> Self {
        Self::format(
            tempfile::tempdir().expect("a folder can be made"),
            place.to_owned(),
        )
    }

    fn format(folder: tempfile::TempDir, place: PathBuf) -> Self {
        let disk = Self { folder, place };
        run(Command::new("truncate").args(["-s", "256M"]).arg(disk.image()));
        run(Command::new("mkfs.ext4").arg("-q").arg(disk.image()));
        disk
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    fn mount(&self) {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(&self.place));
    }

    fn cut_the_power(&self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/godown.py");
        run(Command::new("python3").arg(script).arg(&self.place));
    }

    fn unmount(&self) {
        run(Command::new("umount").arg(&self.place));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Not mounted any more, unless a test has failed; a lazy unmount is for that case.
        drop(
            Command::new("umount")
                .args(["-q", "-l"])
                .arg(&self.place)
                .status(),
        );
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
}
