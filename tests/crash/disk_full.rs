//! The disk of the running box fills up, and has room again.

use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, Phone, Street, Voice, eventually, tone, wav};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

/// What the agent hums.
const AGENT_HZ: u32 = 1000;
/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// The disk.
const DISK_MEGABYTES: u64 = 40;
/// What recordings leave free.
const KEEP_FREE_MEGABYTES: u32 = 16;
/// How soon the box has to notice, either way.
const SOON: Duration = Duration::from_secs(10);

/// ROBUSTNESS 78.
#[test]
fn while_the_disk_is_full_calls_go_on_and_no_record_is_lost_and_recordings_come_back_by_themselves() {
    if !is_root() {
        println!("skipped: a small disk can be mounted by root alone");
        return;
    }
    // The small disk is mounted in a namespace of its own, so that it is gone however the test ends.
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(std::env::current_exe().expect("this program knows itself"))
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "disk_full::on_a_small_disk",
        ])
        .status();
    assert!(
        status.expect("unshare starts").success(),
        "it fails on the small disk"
    );
}

#[test]
#[ignore = "runs in a mount namespace, started by the test above"]
fn on_a_small_disk() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#)
        .keeping_free(KEEP_FREE_MEGABYTES);
    let appliance = Appliance::open_on(&street, &household, mount_small_disk);
    let scene = Scene {
        street,
        desk,
        appliance,
    };

    // Recorded from the start, and cut when the disk gets full.
    let talk = scene.call();
    eventually("a second was said", SOON, || {
        (talk.heard() >= Duration::from_secs(1)).then_some(())
    });
    let ballast = Ballast::leave_free(&scene.appliance.data(), u64::from(KEEP_FREE_MEGABYTES) / 2);
    scene.until_alarm(true);
    let heard = talk.heard();
    eventually("the call goes on", SOON, || {
        (talk.heard() >= heard + Duration::from_secs(1)).then_some(())
    });
    talk.hang_up();
    let cut = scene.appliance.until_recorded(1).remove(0);
    let sound = scene.appliance.recording(&cut.recording());
    assert!(tone::heard(&sound.channels[0], CALLER_HZ) > Duration::from_millis(500));
    assert_eq!(scene.unrecorded(), (1, 0));

    // Not begun.
    scene.short_call();
    assert_eq!(scene.appliance.until_recorded(2)[1].0["recording"], Value::Null);
    assert_eq!(scene.unrecorded(), (1, 1));

    // Not a byte is left.
    ballast.fill_up();
    for _ in 0..10 {
        scene.short_call();
    }
    scene.appliance.until_recorded(12);

    // There is room again.
    drop(ballast);
    scene.until_alarm(false);
    let talk = scene.call();
    eventually("a second was said", SOON, || {
        (talk.heard() >= Duration::from_secs(1)).then_some(())
    });
    talk.hang_up();
    let last = scene.appliance.until_recorded(13).remove(12);
    let sound = wav::read(
        &scene
            .appliance
            .get(&format!("/api/v1/recordings/{}", last.recording()))
            .body,
    );
    assert!(tone::heard(&sound.channels[1], AGENT_HZ) > Duration::from_millis(500));
    println!("disk full: 13 of 13 calls served, 13 of 13 records kept, recorded again by itself");
}

pub(crate) struct Scene {
    pub(crate) street: Street,
    pub(crate) desk: Rc<Phone>,
    pub(crate) appliance: Appliance,
}

/// Two people who talk.
struct Talk {
    caller: Dialog,
    agent: Dialog,
    caller_voice: Voice,
    _agent_voice: Voice,
}

impl Scene {
    fn call(&self) -> Talk {
        let phone = Phone::new(
            "+966501234567",
            SocketAddrV4::new(self.street.pbx(), 0),
            self.street.box_sip(),
        );
        let (caller_voice, agent_voice) = (Voice::at(self.street.pbx()), Voice::at(self.street.house(51)));
        let dialling = phone.dial("8001", caller_voice.address);
        let agent = Dialog::accept(
            &self.desk,
            &self.desk.expect_request("INVITE"),
            agent_voice.address,
        );
        let caller = dialling.answered();
        caller_voice.hum(caller.audio, CALLER_HZ);
        agent_voice.hum(agent.audio, AGENT_HZ);
        Talk {
            caller,
            agent,
            caller_voice,
            _agent_voice: agent_voice,
        }
    }

    pub(crate) fn short_call(&self) {
        let talk = self.call();
        eventually("they hear each other", SOON, || {
            (talk.heard() >= Duration::from_millis(100)).then_some(())
        });
        talk.hang_up();
    }

    #[track_caller]
    fn until_alarm(&self, is_wanted: bool) {
        let what = if is_wanted {
            "the alarm is raised"
        } else {
            "the alarm is gone"
        };
        eventually(what, SOON, || {
            let status = self.appliance.status();
            let alarms = status["alarms"].as_array().into_iter().flatten();
            let is_raised = alarms
                .into_iter()
                .any(|alarm| alarm["code"] == "recordings_stopped");
            (is_raised == is_wanted).then_some(())
        });
    }

    /// Recordings that were cut, and that were left out.
    fn unrecorded(&self) -> (u64, u64) {
        let status = self.appliance.status();
        let count = |name: &str| status["unrecorded"][name].as_u64().unwrap_or(u64::MAX);
        (count("cut"), count("left_out"))
    }
}

impl Talk {
    fn heard(&self) -> Duration {
        tone::heard(&self.caller_voice.heard(), AGENT_HZ)
    }

    fn hang_up(self) {
        self.caller.hang_up();
        self.agent.hung_up_on();
    }
}

fn mount_small_disk(data: &Path) {
    fs::create_dir_all(data).expect("the data directory can be made");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={DISK_MEGABYTES}m"), "tmpfs"])
        .arg(data)
        .status();
    assert!(
        mounted.expect("mount starts").success(),
        "a small disk is mounted"
    );
}

/// A file that takes the room.
struct Ballast(PathBuf);

impl Ballast {
    fn leave_free(data: &Path, megabytes: u64) -> Self {
        let ballast = Self(data.join("ballast"));
        let free = ballast.free_bytes();
        ballast.grow(free.saturating_sub(megabytes << 20));
        ballast
    }

    fn fill_up(&self) {
        self.grow(u64::MAX);
        assert_eq!(self.free_bytes(), 0, "the disk is full");
    }

    fn grow(&self, bytes: u64) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&self.0)
            .expect("the ballast opens");
        let piece = [0; 4096];
        for _ in 0..bytes / 4096 {
            if file.write_all(&piece).is_err() {
                return;
            }
        }
    }

    fn free_bytes(&self) -> u64 {
        let place = self.0.parent().unwrap_or(&self.0);
        let facts = rustix::fs::statvfs(place).expect("the disk can be asked");
        facts.f_bavail * facts.f_frsize
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Whoever owns this process's entry is who it runs as.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0)
}
