//! Phones that have no codec in common, and more than two in one conversation.

use crate::harness::baresip::Account;
use crate::harness::rtp::Voice;
use crate::harness::sip::Dialog;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Baresip, Household, PATIENCE, Phone, Street, eventually, tone};
use std::net::SocketAddrV4;
use std::time::Duration;

/// What the phone with the other codec hums.
const PHONE_HZ: u32 = 440;
/// What the caller behind the trunk hums.
const CALLER_HZ: u32 = 1200;
/// What the supervisor hums.
const SUPERVISOR_HZ: u32 = 1800;

const SECOND: Duration = Duration::from_secs(1);

/// A caller behind the trunk who speaks µ-law alone, and a real phone that speaks one other codec alone.
fn talks_with(codec: &str, samples_a_second: u32) {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .speaking(&["opus", "G722", "PCMU", "PCMA"])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_sip())
        .humming(PHONE_HZ)
        .speaking_as(codec)
        .answering();
    let mut ali = Baresip::start(&street, &account);
    appliance.until_registered(1);
    let voice = Voice::at(street.pbx());
    let carrier = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let caller = carrier.dial("8001", voice.address).answered();
    voice.hum(caller.audio, CALLER_HZ);
    // What a phone files is read as if it had 8000 samples a second.
    let hertz = CALLER_HZ * 8000 / samples_a_second;
    eventually("they understand each other", PATIENCE, || {
        let both = tone::heard(&voice.heard(), PHONE_HZ).min(ali.heard_so_far(hertz));
        (both >= SECOND).then_some(())
    });
    caller.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "ali"));
    both_are_recorded(&appliance, &record.recording());
}

/// The caller's tone on the left, the phone's on the right.
fn both_are_recorded(appliance: &Appliance, id: &str) {
    let recording = appliance.recording(id);
    assert_eq!(
        recording.rate, 16_000,
        "a wide voice is recorded as wide as it is"
    );
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, PHONE_HZ]) {
        // The ruler reads every sound as if it had 8000 samples a second.
        let heard = recording.heard(channel, hertz);
        assert!(
            heard >= Duration::from_millis(800),
            "{hertz} Hz is recorded for {heard:?}"
        );
    }
}

#[test]
fn a_phone_that_speaks_g722_alone_and_a_caller_with_mu_law_understand_each_other() {
    talks_with("G722/16000/1", 16_000);
}

#[test]
fn a_phone_that_speaks_opus_alone_and_a_caller_with_mu_law_understand_each_other() {
    talks_with("opus/48000/2", 48_000);
}

/// A baresip with encrypted Opus on one side and a SIPp with plain µ-law on the other: each tone is on its channel of the
/// recording, and the phone heard the caller's.
#[test]
fn a_phone_with_encrypted_opus_talks_to_a_plain_caller_and_both_are_recorded() {
    let street = Street::claim();
    let household = Household::new()
        .listening("tls")
        .phone("ali", "1001", &[])
        .speaking(&["opus", "G722", "PCMU", "PCMA"])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_by("tls"))
        .humming(PHONE_HZ)
        .speaking_as("opus/48000/2")
        .trusting(appliance.data().join("tls/sip.pem"))
        .encrypting("srtp-mand")
        .answering();
    let mut ali = Baresip::start(&street, &account);
    appliance.until_registered(1);
    let caller = script("caller_talks", street.pbx())
        .calls(1)
        .humming(CALLER_HZ)
        .pausing(Duration::from_secs(4))
        .call(street.box_sip(), "8001");
    eventually("the phone hears the caller", PATIENCE, || {
        (ali.heard_so_far(CALLER_HZ / 6) >= SECOND).then_some(())
    });
    caller.finish();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    let quality = &record.0["legs"][1]["quality"];
    assert_eq!(quality["codec"], "opus");
    assert!(quality["srtp"].is_string(), "{quality}");
    both_are_recorded(&appliance, &record.recording());
}

/// S1-101: two talk, a supervisor's phone is rung and hears both, is heard by nobody, then by the agent, then by both.
#[test]
fn a_supervisor_listens_whispers_and_then_barges_in() {
    let street = Street::claim();
    let (desk, boss) = (street.house(51), street.house(52));
    let agent_phone = Phone::new("ali", SocketAddrV4::new(desk, 5060), street.box_sip());
    let boss_phone = Phone::new("omar", SocketAddrV4::new(boss, 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &agent_phone.contact(), &[])
        .contact("omar", &boss_phone.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let carrier = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let (caller_voice, agent_voice, boss_voice) = (Voice::at(street.pbx()), Voice::at(desk), Voice::at(boss));
    let dialling = carrier.dial("8001", caller_voice.address);
    let agent = Dialog::accept(
        &agent_phone,
        &agent_phone.expect_request("INVITE"),
        agent_voice.address,
    );
    let caller = dialling.answered();
    caller_voice.hum(caller.audio, CALLER_HZ);
    agent_voice.hum(agent.audio, PHONE_HZ);
    let call = appliance.status()["calls"][0]["call_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let monitor = |mode: &str| {
        let body = format!(r#"{{"agent":"omar","mode":"{mode}"}}"#);
        appliance.post(&format!("/api/v1/calls/{call}/monitor"), &body);
    };
    monitor("listen");
    let boss = Dialog::accept(
        &boss_phone,
        &boss_phone.expect_request("INVITE"),
        boss_voice.address,
    );
    boss_voice.hum(boss.audio, SUPERVISOR_HZ);
    eventually("the supervisor hears both", PATIENCE, || {
        let heard = boss_voice.heard();
        let both = tone::heard_among(&heard, CALLER_HZ).min(tone::heard_among(&heard, PHONE_HZ));
        (both >= SECOND).then_some(())
    });
    for voice in [&caller_voice, &agent_voice] {
        assert_eq!(
            tone::heard_among(&voice.heard(), SUPERVISOR_HZ),
            Duration::ZERO,
            "nobody hears who listens"
        );
    }
    monitor("whisper");
    eventually("the agent hears the supervisor", PATIENCE, || {
        (tone::heard_among(&agent_voice.heard(), SUPERVISOR_HZ) >= SECOND).then_some(())
    });
    assert_eq!(
        tone::heard_among(&caller_voice.heard(), SUPERVISOR_HZ),
        Duration::ZERO,
        "a whisper is for the agent alone"
    );
    monitor("barge");
    eventually("both hear the supervisor and each other", PATIENCE, || {
        let hears = |voice: &Voice, other: u32| {
            let heard = voice.heard();
            tone::heard_among(&heard, SUPERVISOR_HZ).min(tone::heard_among(&heard, other)) >= SECOND
        };
        (hears(&caller_voice, PHONE_HZ) && hears(&agent_voice, CALLER_HZ)).then_some(())
    });
    boss.hang_up();
    appliance.until("the supervisor is gone", |status| {
        status["calls"][0]["legs"]
            .as_array()
            .is_some_and(|legs| legs.len() == 2)
    });
    let said_to_all = tone::heard_among(&caller_voice.heard(), SUPERVISOR_HZ);
    caller_voice.forget();
    eventually("the two talk on", PATIENCE, || {
        (tone::heard(&caller_voice.heard(), PHONE_HZ) >= SECOND).then_some(())
    });
    caller.hang_up();
    agent.hung_up_on();
    let record = appliance.only_record();
    assert_eq!(
        (
            record.text("status"),
            record.text("agent"),
            record.text("hangup_by")
        ),
        ("ANSWER", "ali", "caller")
    );
    // What was said to both is on the right with the agent; what was whispered is not.
    let recording = appliance.recording(&record.recording());
    let [left, right] = recording.channels.as_slice() else {
        panic!("two channels");
    };
    assert_eq!(tone::heard_among(left, SUPERVISOR_HZ), Duration::ZERO);
    let recorded = tone::heard_among(right, SUPERVISOR_HZ);
    assert!(
        recorded < said_to_all + SECOND && said_to_all < recorded + SECOND / 2,
        "{recorded:?} of {said_to_all:?}"
    );
    assert!(tone::heard_among(right, PHONE_HZ) > recorded);
}

/// Whoever is put on hold hears the shipped music.
#[test]
fn a_caller_on_hold_hears_music_and_then_the_agent_again() {
    let street = Street::claim();
    let desk = street.house(51);
    let agent_phone = Phone::new("ali", SocketAddrV4::new(desk, 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &agent_phone.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let carrier = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(desk));
    let dialling = carrier.dial("8001", caller_voice.address);
    let mut agent = Dialog::accept(
        &agent_phone,
        &agent_phone.expect_request("INVITE"),
        agent_voice.address,
    );
    let caller = dialling.answered();
    caller_voice.hum(caller.audio, CALLER_HZ);
    agent_voice.hum(agent.audio, PHONE_HZ);
    eventually("the caller hears the agent", PATIENCE, || {
        (tone::heard(&caller_voice.heard(), PHONE_HZ) >= SECOND / 2).then_some(())
    });
    let answer = agent.offer_again(agent_voice.address, "sendonly");
    assert_eq!(answer.status(), Some(200));
    appliance.until("the call is on hold", |status| {
        status["calls"][0]["on_hold"] == true
    });
    caller_voice.forget();
    eventually("the caller hears music", PATIENCE, || {
        let heard = caller_voice.heard();
        let loud = heard.iter().filter(|sample| sample.unsigned_abs() > 500).count();
        (heard.len() > 16_000 && loud > 4000).then_some(())
    });
    assert!(
        tone::heard(&caller_voice.heard(), PHONE_HZ) < SECOND / 2,
        "music, not the agent"
    );
    agent.offer_again(agent_voice.address, "sendrecv");
    appliance.until("the call goes on", |status| {
        status["calls"][0]["on_hold"] == false
    });
    caller_voice.forget();
    eventually("the caller hears the agent again", PATIENCE, || {
        (tone::heard(&caller_voice.heard(), PHONE_HZ) >= SECOND / 2).then_some(())
    });
    caller.hang_up();
    agent.hung_up_on();
    assert!(appliance.only_record().millis("hold_ms") > 0);
}
