//! Recordings as evidence, of real calls: announced, paused, encrypted, redacted, proven, cut by a kill.

use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, setup, tone, wav};
use serde_json::Value;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

const CALLER_HZ: u32 = 440;
const AGENT_HZ: u32 = 1000;
const ANNOUNCEMENT: Duration = Duration::from_millis(1200);
const KEY: &str = "abababababababababababababababababababababababababababababababab";

/// A caller and an agent who hum at each other.
struct Talk {
    caller: Dialog,
    agent: Dialog,
    caller_voice: Voice,
    agent_voice: Voice,
}

impl Talk {
    fn begin(street: &Street, desk: &Rc<Phone>) -> Self {
        let address = SocketAddrV4::new(street.pbx(), 5060);
        let phone = Phone::new("+966501234567", address, street.box_sip());
        let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
        let dialling = phone.dial("8001", caller_voice.address);
        let agent = Dialog::accept(desk, &desk.expect_request("INVITE"), agent_voice.address);
        let caller = dialling.answered();
        caller_voice.hum(caller.audio, CALLER_HZ);
        agent_voice.hum(agent.audio, AGENT_HZ);
        Self {
            caller,
            agent,
            caller_voice,
            agent_voice,
        }
    }

    /// How long both have heard each other.
    fn talked(&self) -> Duration {
        let by_caller = tone::heard(&self.caller_voice.heard(), AGENT_HZ);
        by_caller.min(tone::heard(&self.agent_voice.heard(), CALLER_HZ))
    }

    fn until_talked(&self, seconds: f64) {
        let wanted = Duration::from_secs_f64(seconds);
        eventually("they have talked", PATIENCE, || {
            (self.talked() >= wanted).then_some(())
        });
    }

    fn end(self) {
        self.caller.hang_up();
        self.agent.hung_up_on();
    }
}

fn open(street: &Street, household: Household) -> (Appliance, Rc<Phone>) {
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = household
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    (Appliance::open(street, &household), desk)
}

fn encrypted() -> Household {
    Household::new().recording_key(&format!("seal_key=\"{KEY}\""))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

/// What `recordings verify` finds; nothing when something asks for an eye.
fn verified(appliance: &Appliance) -> Option<Value> {
    let printed = appliance.run(&["recordings", "verify", "--json"])?;
    serde_json::from_str(&printed).ok()
}

/// Two programs that know nothing of us have to accept what the API gives.
fn judge(appliance: &Appliance, id: &str) -> wav::Wav {
    let bytes = appliance.get(&format!("/api/v1/recordings/{id}")).body;
    let file = appliance.data().join("judged.wav");
    std::fs::write(&file, bytes).expect("a file can be written");
    let probe = Command::new("ffprobe").args(["-v", "error"]).arg(&file).output();
    let probe = probe.expect("ffprobe starts");
    assert!(probe.status.success() && probe.stderr.is_empty(), "{probe:?}");
    let sox = Command::new("sox").arg(&file).args(["-n", "stat"]).output();
    let sox = sox.expect("sox starts");
    assert!(sox.status.success(), "{sox:?}");
    let heard = wav::read_file(&file);
    std::fs::remove_file(&file).expect("it can be taken away");
    heard
}

/// S3-084, S3-088, S3-089, S2-011: one call through all of it.
#[test]
fn a_call_is_announced_paused_encrypted_redacted_and_proven() {
    setup::ensure("sound");
    let street = Street::claim();
    let household =
        encrypted()
            .recording_key("consent_prompt=\"recorded\"")
            .prompt("recorded", 700, ANNOUNCEMENT);
    let (appliance, desk) = open(&street, household);
    let talk = Talk::begin(&street, &desk);
    talk.until_talked(2.0);
    let announced = tone::heard(&talk.caller_voice.heard(), 700);
    assert!(
        announced >= ANNOUNCEMENT - Duration::from_millis(150),
        "{announced:?}"
    );
    let call = appliance.get("/api/v1/calls").json()["items"][0]["call_id"].clone();
    let record = format!("/api/v1/calls/{}/record", call.as_str().unwrap_or_default());
    appliance.post(&record, r#"{"action":"pause"}"#);
    talk.until_talked(4.0);
    appliance.post(&record, r#"{"action":"resume"}"#);
    talk.until_talked(6.0);
    talk.end();

    let filed = appliance.only_record();
    assert_eq!(filed.0["recording"]["consent"], "announced");
    let id = filed.recording();
    let on_disk = files(&appliance.data().join("recordings"));
    assert!(
        on_disk[0].to_string_lossy().ends_with(".wav.sealed"),
        "{on_disk:?}"
    );
    let heard = judge(&appliance, &id);
    for (channel, hertz) in [(0, CALLER_HZ), (1, AGENT_HZ)] {
        let spoken = tone::heard(&heard.channels[channel], hertz);
        let range = Duration::from_millis(3400)..Duration::from_millis(4800);
        assert!(
            range.contains(&spoken),
            "two of six seconds are silent: {spoken:?}"
        );
        let (samples, longest) = (
            heard.channels[channel].len(),
            longest_silence(&heard.channels[channel]),
        );
        assert!(
            samples > 5 * 8000 && longest > 12_000,
            "{samples} samples, {longest} silent"
        );
    }
    let found = verified(&appliance).expect("nothing asks for an eye");
    assert_eq!(
        (
            &found["recordings"]["expected"],
            &found["recordings"]["unchanged"]
        ),
        (&1.into(), &1.into())
    );

    appliance.post(
        &format!("/api/v1/recordings/{id}/redact"),
        r#"{"from":0,"to":1,"reason":"a name"}"#,
    );
    let redacted = judge(&appliance, &id);
    assert!(redacted.channels[0][..8000].iter().all(|sample| *sample == 0));
    assert_eq!(redacted.channels[0].len(), heard.channels[0].len());
    let versions = appliance.until_recorded(2);
    assert_eq!(versions[0].0["recording"]["id"], id.as_str());
    assert!(
        verified(&appliance).is_some(),
        "what was changed on purpose is no damage"
    );

    let mut bytes = std::fs::read(&on_disk[0]).expect("the file can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&on_disk[0], bytes).expect("the file can be written");
    assert!(verified(&appliance).is_none(), "one bit is enough");
}

/// Samples of the longest stretch that is silent.
fn longest_silence(samples: &[i16]) -> usize {
    let (mut longest, mut run) = (0, 0);
    for sample in samples {
        run = if sample.unsigned_abs() < 16 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// DC-005, ROBUSTNESS 74: with encryption too, a second is the most that is lost, and nothing is orphaned.
#[test]
fn an_encrypted_recording_cut_by_kill_is_mended_and_loses_at_most_a_second() {
    let street = Street::claim();
    let (mut appliance, desk) = open(&street, encrypted());
    let rounds: usize = std::env::var("CALLPOST_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(3);
    for round in 1..=rounds {
        let talk = Talk::begin(&street, &desk);
        talk.until_talked(2.0 + 0.37 * (round % 7) as f64);
        let talked = talk.talked();
        appliance.kill();
        while desk.hear(Duration::from_millis(1)).is_some() {}
        appliance.start();
        let filed = appliance.until_recorded(round).remove(round - 1);
        assert_eq!(filed.text("cause"), "interrupted");
        let kept = appliance.recording(&filed.recording());
        for (channel, hertz) in [(0, CALLER_HZ), (1, AGENT_HZ)] {
            let lost = talked.saturating_sub(tone::heard(&kept.channels[channel], hertz));
            assert!(lost <= Duration::from_millis(1100), "round {round}: {lost:?}");
        }
    }
    let found = verified(&appliance).expect("nothing asks for an eye");
    assert_eq!(found["recordings"]["expected"], rounds);
    assert_eq!(found["recordings"]["orphans"], serde_json::json!([]));
}
