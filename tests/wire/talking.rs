//! Two people talk through the box: both ways, held and taken back, and nobody else joins in.

use crate::harness::baresip::Account;
use crate::harness::rtp::{Received, packet};
use crate::harness::sip::Dialog;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Baresip, Household, PATIENCE, Phone, Street, Voice, eventually, tone};
use serde_json::Value;
use std::net::{SocketAddrV4, UdpSocket};
use std::time::Duration;

/// What the caller's side hums.
const CALLER_HZ: u32 = 440;
/// What the called side hums.
const AGENT_HZ: u32 = 1000;
/// What a stranger hums.
const STRANGER_HZ: u32 = 1800;

/// DC-003, DC-009.
#[test]
fn one_extension_calls_another_holds_it_takes_it_back_and_both_hear_each_other_again() {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let account = |user, hertz| Account::new(user, street.box_sip()).humming(hertz);
    let mut ali = Baresip::start(&street, &account("1001", CALLER_HZ));
    let mut mona = Baresip::start(&street, &account("1002", AGENT_HZ).answering());
    appliance.until_registered(2);

    ali.dial("1002");
    ali.wait_for("CALL_ESTABLISHED");
    let second = Duration::from_secs(1);
    eventually("they hear each other", PATIENCE, || {
        (ali.heard_so_far(AGENT_HZ).min(mona.heard_so_far(CALLER_HZ)) >= second).then_some(())
    });
    ali.hold();
    appliance.until("the call is on hold", |status| {
        status["calls"][0]["on_hold"] == true
    });
    ali.resume();
    appliance.until("the call goes on", |status| {
        status["calls"][0]["on_hold"] == false
    });
    // baresip without a sound card has no ears after a re-INVITE; the recording tells what went through.
    let now = age(&appliance.status());
    appliance.until("they talk on", |status| age(status) > now + 2);
    mona.hang_up();
    ali.wait_for("CALL_CLOSED");
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("direction")),
        ("ANSWER", "internal")
    );
    assert_eq!(
        (record.text("caller_number"), record.text("callee_number")),
        ("1001", "1002")
    );
    assert_eq!(
        (record.text("agent"), record.text("hangup_by")),
        ("mona", "callee")
    );
    assert!(
        record.millis("hold_ms") > 0 && record.millis("hold_ms") < record.millis("talk_ms"),
        "{record:#?}"
    );
    let recording = appliance.recording(&record.recording());
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, AGENT_HZ]) {
        let last_second = &channel[channel.len().saturating_sub(tone::RATE)..];
        let heard = tone::heard(last_second, hertz);
        assert!(
            heard >= Duration::from_millis(800),
            "after the hold {hertz} Hz is heard for {heard:?}"
        );
    }
}

/// RFC 3264 §8.4: each way of holding has its answer, and while it lasts nothing of it is heard.
#[test]
fn every_way_of_holding_is_answered_as_rfc_3264_asks() {
    let street = Street::claim();
    let Pair {
        appliance,
        caller_voice,
        agent_voice,
        mut caller,
        mut agent,
    } = Pair::talking(&street);
    for (offered, answered) in [
        ("sendonly", "a=recvonly"),
        ("inactive", "a=inactive"),
        ("recvonly", "a=sendonly"),
        ("sendrecv", "a=sendrecv"),
    ] {
        // The box may pass the hold on to the other side or keep it to itself; the other side agrees to either.
        let answer = caller.offer_again(caller_voice.address, offered);
        assert_eq!(
            (answer.status(), answer.direction()),
            (Some(200), answered),
            "to {offered}: {answer:?}"
        );
        let held = offered != "sendrecv";
        appliance.until("the hold is seen", |status| status["calls"][0]["on_hold"] == held);
    }
    caller_voice.forget();
    agent_voice.forget();
    eventually("both hear each other after all that", PATIENCE, || {
        let heard =
            tone::heard(&caller_voice.heard(), AGENT_HZ).min(tone::heard(&agent_voice.heard(), CALLER_HZ));
        (heard >= Duration::from_millis(500)).then_some(())
    });
    let answer = agent.offer_again(agent_voice.address, "sendonly");
    assert_eq!(
        (answer.status(), answer.direction()),
        (Some(200), "a=recvonly"),
        "the agent may hold too"
    );
    agent.hang_up();
    caller.hung_up_on();
    assert!(appliance.only_record().millis("hold_ms") > 0);
}

/// Packets from an address that no SDP named go nowhere, and are counted.
#[test]
fn a_strangers_packets_are_relayed_to_nobody_and_recorded_nowhere() {
    let street = Street::claim();
    let Pair {
        appliance,
        caller_voice,
        agent_voice,
        caller,
        agent,
    } = Pair::talking(&street);
    let stranger = UdpSocket::bind((street.house(66), 0)).expect("a stranger has a socket");
    for number in 0..50_u16 {
        let timestamp = u32::from(number) * 160;
        let payload: Vec<u8> = (0..160)
            .map(|index| {
                crate::harness::wav::to_mu_law(tone::sample(STRANGER_HZ, timestamp as usize + index))
            })
            .collect();
        for port in [caller.audio, agent.audio] {
            stranger
                .send_to(&packet(0, number, timestamp, 0xbad, &payload), port)
                .expect("a stranger's packet leaves");
        }
    }
    appliance.until("the stranger's packets are counted or gone", |_| {
        tone::heard(&caller_voice.heard(), AGENT_HZ) >= Duration::from_millis(1500)
    });
    stranger
        .set_nonblocking(true)
        .expect("a socket can be asked not to wait");
    assert!(
        stranger.recv(&mut [0; 2048]).is_err(),
        "nothing is sent to a stranger"
    );
    caller.hang_up();
    agent.hung_up_on();
    appliance.until_quiet();
    for voice in [&caller_voice, &agent_voice] {
        assert_eq!(
            tone::heard(&voice.heard(), STRANGER_HZ),
            Duration::ZERO,
            "nobody hears the stranger"
        );
    }
    let record = appliance.only_record();
    let recording = appliance.recording(&record.recording());
    for channel in &recording.channels {
        assert_eq!(
            tone::heard(channel, STRANGER_HZ),
            Duration::ZERO,
            "the recording holds no stranger"
        );
    }
    assert_eq!(
        appliance.status()["counters"]["rtp_strangers"],
        100,
        "every packet of the stranger is counted"
    );
}

/// telephone-event is passed from side to side.
#[test]
fn a_key_pressed_in_a_conversation_reaches_the_other_side() {
    let street = Street::claim();
    let Pair {
        appliance,
        caller_voice,
        agent_voice,
        caller,
        agent,
    } = Pair::talking(&street);
    caller_voice.press('5');
    eventually("the agent's phone gets the key", PATIENCE, || {
        let packets = agent_voice.packets();
        let ended = |packet: &&Received| packet.payload.get(1).is_some_and(|flags| flags & 0x80 != 0);
        let ends: Vec<_> = packets
            .iter()
            .filter(|packet| packet.payload_type == 101)
            .filter(ended)
            .collect();
        (ends.len() >= 3).then(|| assert_eq!(ends[0].payload[0], 5))
    });
    agent.hang_up();
    caller.hung_up_on();
    assert_eq!(appliance.only_record().text("digits"), "5");
}

/// The agent's BYE ends both.
#[test]
fn an_agent_who_hangs_up_ends_the_callers_side_too() {
    let street = Street::claim();
    let at = street.house(40);
    let household = Household::new()
        .contact("ali", &format!("sip:ali@{at}:5060"), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let agent = script("agent_hangs_up", at)
        .calls(1)
        .pausing(Duration::from_millis(500))
        .wait_for_calls();
    let caller = script("caller_is_hung_up_on", street.pbx())
        .calls(1)
        .call(street.box_sip(), "8001");
    caller.finish();
    agent.finish();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("ANSWER", "callee")
    );
}

/// A-law on one side and µ-law on the other.
#[test]
fn a_phone_that_speaks_only_a_law_is_understood() {
    let street = Street::claim();
    let household = Household::new()
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &[]);
    let appliance = Appliance::open(&street, &household);
    let account = |user, hertz| Account::new(user, street.box_sip()).humming(hertz);
    let mut ali = Baresip::start(&street, &account("1001", CALLER_HZ).speaking("PCMA"));
    let mut mona = Baresip::start(&street, &account("1002", AGENT_HZ).speaking("PCMU").answering());
    appliance.until_registered(2);
    ali.dial("1002");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("they hear each other", PATIENCE, || {
        let both = ali.heard_so_far(AGENT_HZ).min(mona.heard_so_far(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
    ali.hang_up();
    mona.wait_for("CALL_CLOSED");
    let recording = appliance.recording(&appliance.only_record().recording());
    assert!(tone::heard(&recording.channels[0], CALLER_HZ) >= Duration::from_millis(900));
    assert!(tone::heard(&recording.channels[1], AGENT_HZ) >= Duration::from_millis(900));
}

/// A caller behind the trunk and an agent at a fixed contact who talk, each with a voice that hums.
pub(crate) struct Pair {
    pub(crate) appliance: Appliance,
    pub(crate) caller_voice: Voice,
    pub(crate) agent_voice: Voice,
    pub(crate) caller: Dialog,
    pub(crate) agent: Dialog,
}

impl Pair {
    pub(crate) fn talking(street: &Street) -> Self {
        Self::talking_in(street, Household::new())
    }

    /// The same in a household that has more to it.
    pub(crate) fn talking_in(street: &Street, household: Household) -> Self {
        let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
        let household = household
            .contact("ali", &desk.contact(), &[])
            .number("8001", r#"agent="ali""#);
        let appliance = Appliance::open(street, &household);
        let phone = Phone::new(
            "+966501234567",
            SocketAddrV4::new(street.pbx(), 5060),
            street.box_sip(),
        );
        let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
        let dialling = phone.dial("8001", caller_voice.address);
        let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), agent_voice.address);
        let caller = dialling.answered();
        caller_voice.hum(caller.audio, CALLER_HZ);
        agent_voice.hum(agent.audio, AGENT_HZ);
        eventually("they hear each other", PATIENCE, || {
            let heard = tone::heard(&caller_voice.heard(), AGENT_HZ)
                .min(tone::heard(&agent_voice.heard(), CALLER_HZ));
            (heard >= Duration::from_millis(500)).then_some(())
        });
        Self {
            appliance,
            caller_voice,
            agent_voice,
            caller,
            agent,
        }
    }
}

/// How many seconds the one call has lasted.
fn age(status: &Value) -> u64 {
    status["calls"][0]["seconds"].as_u64().unwrap_or_default()
}
