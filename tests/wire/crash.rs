//! The power goes: what was acknowledged is there afterwards, and what was being written can be played.

use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, setup, tone, wav};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

/// What the caller's side hums.
const CALLER_HZ: u32 = 440;
/// What the agent's side hums.
const AGENT_HZ: u32 = 1000;

/// DC-005, DC-006, S2-040.
#[test]
fn a_call_cut_by_kill_is_closed_at_the_next_start_and_its_recording_can_be_played() {
    setup::ensure("sound");
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let mut appliance = Appliance::open(&street, &household);
    let caller = trunk_phone(&street);
    let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
    let dialling = caller.dial("8001", caller_voice.address);
    let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), agent_voice.address);
    let call = dialling.answered();
    caller_voice.hum(call.audio, CALLER_HZ);
    agent_voice.hum(agent.audio, AGENT_HZ);
    eventually("they have talked for three seconds", PATIENCE, || {
        let heard =
            tone::heard(&caller_voice.heard(), AGENT_HZ).min(tone::heard(&agent_voice.heard(), CALLER_HZ));
        (heard >= Duration::from_secs(3)).then_some(())
    });
    appliance.kill();

    appliance.start();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("cause")),
        ("FAILED", "interrupted")
    );
    assert_eq!(record.0["final"], true);
    assert_eq!(
        (record.text("caller_number"), record.text("dialed_number")),
        ("+966501234567", "8001")
    );
    let files = sound_files(&appliance.data().join("recordings"));
    let [file] = files.as_slice() else {
        panic!("one call, one file: {files:?}")
    };
    judge(file);
    let recording = wav::read_file(file);
    let heard = |channel: usize, hertz| tone::heard(&recording.channels[channel], hertz);
    assert!(
        heard(0, CALLER_HZ).min(heard(1, AGENT_HZ)) >= Duration::from_millis(1900),
        "at most a second is lost"
    );
    let by_the_api = appliance.recording(&record.recording());
    assert_eq!(by_the_api.channels.len(), 2, "the record leads to the file");
}

/// S2-040: who hears ringing is in the journal, whenever the power goes.
#[test]
fn whoever_hears_ringing_is_on_record_even_when_the_power_goes_at_that_moment() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let mut appliance = Appliance::open(&street, &household);
    let voice = Voice::at(street.pbx());
    let rounds = 5;
    for round in 0..rounds {
        let caller = Phone::new(
            &format!("+96650000000{round}"),
            SocketAddrV4::new(street.pbx(), 0),
            street.box_sip(),
        );
        let dialling = caller.dial("8001", voice.address);
        let invite = desk.expect_request("INVITE");
        desk.answer(&invite, "180 Ringing", "rings");
        dialling.expect(180);
        appliance.kill();
        appliance.start();
    }
    let records = appliance.until_recorded(rounds);
    for (round, record) in records.iter().enumerate() {
        assert_eq!(record.text("caller_number"), format!("+96650000000{round}"));
        assert_eq!(
            (record.text("status"), record.text("cause")),
            ("FAILED", "interrupted")
        );
    }
}

/// A service manager's stop ends calls politely, files them and exits 0.
#[test]
fn a_stop_hangs_up_files_the_record_and_exits_cleanly() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#)
        .draining(0);
    let mut appliance = Appliance::open(&street, &household);
    let caller = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    let dialling = caller.dial("8001", voice.address);
    let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), voice.address);
    let call = dialling.answered();
    appliance.ask_to_stop();
    call.hung_up_on();
    agent.hung_up_on();
    appliance.until_stopped();
    appliance.start();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("ANSWER", "system")
    );
}

fn trunk_phone(street: &Street) -> Rc<Phone> {
    Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    )
}

/// Two programs that know nothing of us have to accept the file as it is.
fn judge(file: &Path) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=channels,duration"])
        .arg(file)
        .output();
    let probe = probe.expect("ffprobe starts");
    let (said, complained) = (
        String::from_utf8_lossy(&probe.stdout),
        String::from_utf8_lossy(&probe.stderr),
    );
    assert!(
        probe.status.success() && complained.is_empty(),
        "ffprobe takes the file: {complained}"
    );
    assert!(said.contains("channels=2"), "two channels: {said}");
    let sox = Command::new("sox")
        .arg(file)
        .args(["-n", "stat"])
        .output()
        .expect("sox starts");
    let complained = String::from_utf8_lossy(&sox.stderr);
    assert!(
        sox.status.success() && !complained.contains("WARN"),
        "sox takes the file: {complained}"
    );
}

/// Every sound file below a folder.
fn sound_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sound_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "wav"))
        .collect()
}
