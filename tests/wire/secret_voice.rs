//! Encrypted voice on the wire: real phones that encrypt, plain ones behind the same box, and what attackers achieve.

use crate::harness::baresip::Account;
use crate::harness::rtp::packet;
use crate::harness::sip::{Dialog, sdp};
use crate::harness::{
    Appliance, Asterisk, Baresip, Household, Linphone, PATIENCE, Phone, Street, Voice, eventually, tone, wav,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;
use std::net::{SocketAddrV4, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// What the called side hums.
const AGENT_HZ: u32 = 1000;
/// What an attacker hums.
const STRANGER_HZ: u32 = 1800;
/// What every phone has.
const COMMON: &str = "AES_CM_128_HMAC_SHA1_80";

fn certificate_of(appliance: &Appliance) -> PathBuf {
    appliance.data().join("tls/sip.pem")
}

/// What a leg of the record was encrypted with.
fn suite(record: &crate::harness::record::Record, leg: usize) -> String {
    let name = record.0["legs"][leg]["quality"]["srtp"].as_str();
    name.unwrap_or_default().to_owned()
}

/// Both were heard and both are in the recording, each on its channel.
fn both_are_recorded(appliance: &Appliance, id: &str) {
    let recording = appliance.recording(id);
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, AGENT_HZ]) {
        let heard = tone::heard(channel, hertz);
        assert!(
            heard >= Duration::from_millis(800),
            "{hertz} Hz is recorded for {heard:?}"
        );
    }
}

fn no_key_is_in_the_log(appliance: &Appliance) {
    assert!(!appliance.log().contains("inline"), "a key was logged");
}

/// A phone that knows nothing but SDES, and a caller on the trunk who knows nothing of it.
#[test]
fn a_baresip_that_insists_on_encryption_talks_to_a_plain_caller_of_the_trunk() {
    let street = Street::claim();
    let household = Household::new()
        .listening("tls")
        .phone("ali", "1001", &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_by("tls")).humming(AGENT_HZ);
    let mut ali = Baresip::start(
        &street,
        &account
            .trusting(certificate_of(&appliance))
            .encrypting("srtp-mand")
            .answering(),
    );
    appliance.until_registered(1);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.pbx());
    let talking = caller.dial("8001", voice.address).answered();
    voice.hum(talking.audio, CALLER_HZ);
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = ali
            .heard_so_far(CALLER_HZ)
            .min(tone::heard(&voice.heard(), AGENT_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    talking.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!(
        (suite(&record, 0), suite(&record, 1)),
        (String::new(), COMMON.to_owned())
    );
    both_are_recorded(&appliance, &record.recording());
    no_key_is_in_the_log(&appliance);
}

/// It calls, holds and takes back: one count of packets through all of it.
#[test]
fn a_baresip_that_encrypts_calls_a_plain_one_and_holds_it() {
    let street = Street::claim();
    let household = Household::new()
        .listening("tls")
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let account = Account::new("1001", street.box_by("tls")).humming(CALLER_HZ);
    let mut ali = Baresip::start(
        &street,
        &account
            .trusting(certificate_of(&appliance))
            .encrypting("srtp-mand"),
    );
    let mut mona = Baresip::start(
        &street,
        &Account::new("1002", street.box_sip())
            .humming(AGENT_HZ)
            .answering(),
    );
    appliance.until_registered(2);
    ali.dial("1002");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = ali.heard_so_far(AGENT_HZ).min(mona.heard_so_far(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    ali.hold();
    appliance.until("the call is on hold", |status| {
        status["calls"][0]["on_hold"] == true
    });
    ali.resume();
    appliance.until("the call goes on", |status| {
        status["calls"][0]["on_hold"] == false
    });
    let age = |status: &serde_json::Value| status["calls"][0]["seconds"].as_u64().unwrap_or_default();
    let now = age(&appliance.status());
    appliance.until("they talk on", |status| age(status) > now + 2);
    mona.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!(
        (suite(&record, 0), suite(&record, 1)),
        (COMMON.to_owned(), String::new())
    );
    assert_eq!(
        record.0["legs"][0]["quality"]["packets_rejected"],
        serde_json::Value::Null
    );
    let recording = appliance.recording(&record.recording());
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, AGENT_HZ]) {
        let last = &channel[channel.len().saturating_sub(tone::RATE)..];
        let heard = tone::heard(last, hertz);
        assert!(
            heard >= Duration::from_millis(800),
            "after the hold {hertz} Hz for {heard:?}"
        );
    }
}

/// Another stack, whose keys and lines are its own.
#[test]
fn a_linphone_that_insists_on_encryption_talks_to_a_baresip_that_does_too() {
    let street = Street::claim();
    let household = Household::new()
        .listening("tls")
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let certificate = certificate_of(&appliance);
    let account = Account::new("1001", street.box_by("tls")).humming(CALLER_HZ);
    let mut ali = Baresip::start(
        &street,
        &account.trusting(certificate.clone()).encrypting("srtp-mand"),
    );
    let mut mona = Linphone::start_secret(
        "1002",
        street.house(32),
        street.box_by("tls"),
        AGENT_HZ,
        &certificate,
    );
    appliance.until_registered(2);
    ali.dial("1002");
    mona.wait_for("Receiving new incoming call");
    mona.accept();
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = ali.heard_so_far(AGENT_HZ).min(mona.heard(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    mona.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!(
        (suite(&record, 0), suite(&record, 1)),
        (COMMON.to_owned(), COMMON.to_owned())
    );
    both_are_recorded(&appliance, &record.recording());
    // And the other way round.
    mona.dial("1001");
    ali.wait_for("CALL_INCOMING");
    ali.accept();
    mona.wait_for("Media streams established");
    ali.hang_up();
    mona.wait_for("ended");
    let records = appliance.until_recorded(2);
    assert_eq!(suite(&records[1], 1), COMMON);
    no_key_is_in_the_log(&appliance);
}

/// The end of an encrypted leg that a test holds in its hands, with another program's cryptography.
struct Ends {
    seals: Context,
    opens: Context,
    socket: UdpSocket,
    to: SocketAddrV4,
}

impl Ends {
    fn context(key: &[u8]) -> Context {
        let provider = default_provider().expect("a provider");
        Context::new(
            &key[..16],
            &key[16..],
            ProtectionProfile::Aes128CmHmacSha1_80,
            Some(srtp_replay_protection(128)),
            None,
            provider.crypto(),
        )
        .expect("a key of the right length")
    }

    fn sealed(&mut self, number: u16, ssrc: u32, hertz: u32) -> Vec<u8> {
        let plain = spoken(number, ssrc, hertz);
        self.seals.encrypt_rtp(&plain).expect("it is sealed").to_vec()
    }

    fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.to).expect("a packet leaves");
    }
}

/// 20 ms of a tone.
fn spoken(number: u16, ssrc: u32, hertz: u32) -> Vec<u8> {
    let at = usize::from(number) * 160;
    let payload: Vec<u8> = (at..at + 160)
        .map(|index| wav::to_mu_law(tone::sample(hertz, index)))
        .collect();
    packet(0, number, u32::from(number) * 160, ssrc, &payload)
}

/// ROBUSTNESS 53: wrong tags, repetitions and unprotected packets from the right address are dropped and counted; nobody
/// hears them, they are not recorded, and the call goes on.
#[test]
fn forged_repeated_and_unprotected_packets_are_heard_by_nobody_and_the_call_goes_on() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .media_key("srtp_over_plain_sip=true")
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let socket = UdpSocket::bind((street.pbx(), 0)).expect("a socket");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    let std::net::SocketAddr::V4(audio) = socket.local_addr().expect("an address") else {
        panic!("no address")
    };
    let key = [0x5a; 30];
    let line = format!("a=crypto:3 {COMMON} inline:{}\r\n", STANDARD.encode(key));
    let offer = sdp(audio, "sendrecv").replace("RTP/AVP", "RTP/SAVP") + &line;
    let dialling = caller.dial_offering("8001", &offer);
    let voice = Voice::at(street.house(51));
    let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), voice.address);
    let talking = dialling.answered();
    let answers = caller.heard();
    let body = answers
        .iter()
        .rev()
        .find_map(|(_, message)| message.body.contains("a=crypto:3 ").then(|| message.body.clone()))
        .expect("the answer has a key under the offer's tag");
    assert!(body.contains("RTP/SAVP"), "{body}");
    let theirs = body.split("inline:").nth(1).and_then(|rest| rest.lines().next());
    let theirs = STANDARD.decode(theirs.unwrap_or_default()).expect("a key");
    let mut ends = Ends {
        seals: Ends::context(&key),
        opens: Ends::context(&theirs),
        socket,
        to: talking.audio,
    };
    voice.hum(agent.audio, AGENT_HZ);
    let mut heard = Vec::new();
    let mut buffer = [0; 2048];
    for number in 0..150_u16 {
        let genuine = ends.sealed(number, 7, CALLER_HZ);
        let mut wrong_tag = genuine.clone();
        if let Some(last) = wrong_tag.last_mut() {
            *last ^= 1;
        }
        let mut another_voice = genuine.clone();
        another_voice[20] ^= 0x40;
        ends.send(&wrong_tag);
        ends.send(&another_voice);
        ends.send(&spoken(number.wrapping_add(1), 7, STRANGER_HZ));
        ends.send(&spoken(number, 0xbad, STRANGER_HZ));
        ends.send(&genuine);
        ends.send(&genuine);
        // A packet of the other side a packet of ours: that is the clock.
        let length = ends.socket.recv(&mut buffer).expect("the box goes on");
        let opened = ends
            .opens
            .decrypt_rtp(&buffer[..length])
            .expect("it is sealed with the box's key");
        heard.extend(opened[12..].iter().map(|byte| wav::from_mu_law(*byte)));
    }
    assert!(tone::heard(&heard, AGENT_HZ) >= Duration::from_secs(2));
    eventually("the agent hears the caller", PATIENCE, || {
        (tone::heard(&voice.heard(), CALLER_HZ) >= Duration::from_secs(2)).then_some(())
    });
    assert_eq!(tone::heard(&voice.heard(), STRANGER_HZ), Duration::ZERO);
    assert_eq!(appliance.status()["calls"].as_array().map(Vec::len), Some(1));
    talking.hang_up();
    agent.hung_up_on();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), suite(&record, 0)),
        ("ANSWER", COMMON.to_owned())
    );
    assert_eq!(record.0["legs"][0]["quality"]["packets_rejected"], 150 * 5);
    assert_eq!(record.0["legs"][0]["quality"]["packets_received"], 150);
    assert_eq!(appliance.status()["counters"]["rtp_rejected"], 150 * 5);
    let recording = appliance.recording(&record.recording());
    assert!(tone::heard(&recording.channels[0], CALLER_HZ) >= Duration::from_secs(2));
    assert_eq!(tone::heard(&recording.channels[0], STRANGER_HZ), Duration::ZERO);
    no_key_is_in_the_log(&appliance);
}

/// Without TLS its key could be read, so an encrypted offer is refused with the reason, and a plain one is not.
#[test]
fn an_encrypted_offer_over_udp_is_refused_with_the_reason() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.pbx());
    let line = format!("a=crypto:1 {COMMON} inline:{}\r\n", STANDARD.encode([1; 30]));
    let offer = sdp(voice.address, "sendrecv").replace("RTP/AVP", "RTP/SAVP") + &line;
    let refusal = caller.dial_offering("8001", &offer).refused(488);
    assert!(refusal.header("Warning").contains("TLS"), "{refusal:?}");
    let record = appliance.only_record();
    assert_eq!(record.text("cause"), "media_encryption");
}

/// A PBX whose trunk is encrypted, in the way Asterisk does it.
#[test]
fn an_asterisk_with_an_encrypted_trunk_calls_a_plain_phone() {
    let street = Street::claim();
    let pbx = Asterisk::start_with(&street, |file, text| match file {
        "pjsip.conf" => text.replace("[box](audio)\n", "[box](audio)\nmedia_encryption=sdes\n"),
        "modules.conf" => format!("{text}load=res_srtp.so\n"),
        _ => text,
    });
    let household = Household::with_menu(10, 1)
        .media_key("srtp_over_plain_sip=true")
        .phone("ali", "1001", &[])
        .section("[[number]]\nmatch=\"8001\"\nagent=\"ali\"");
    let appliance = Appliance::open(&street, &household);
    let mut ali = Baresip::start(
        &street,
        &Account::new("1001", street.box_sip())
            .humming(AGENT_HZ)
            .answering(),
    );
    let mut caller = Baresip::start(&street, &Account::new("2001", pbx.at()).humming(CALLER_HZ));
    appliance.until_registered(1);
    caller.dial("8001");
    caller.wait_for("CALL_ESTABLISHED");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = caller.heard_so_far(AGENT_HZ).min(ali.heard_so_far(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    caller.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!(
        (suite(&record, 0), suite(&record, 1)),
        (COMMON.to_owned(), String::new())
    );
    both_are_recorded(&appliance, &record.recording());
}
