//! The PBX beside the box, both ways: its phones call in, and its phones are rung as agents.

use crate::harness::baresip::Account;
use crate::harness::household::MAIN_NUMBER;
use crate::harness::sip::Dialog;
use crate::harness::{
    Appliance, Asterisk, Baresip, Household, PATIENCE, Phone, Street, Voice, eventually, tone,
};
use std::net::SocketAddrV4;
use std::time::Duration;

/// What the caller's side hums.
const CALLER_HZ: u32 = 440;
/// What the agent's side hums.
const AGENT_HZ: u32 = 1000;

/// DC-002, S2-071: a phone of the PBX dials the box's number; an agent registered here takes the call.
#[test]
fn a_phone_of_the_pbx_calls_the_menu_and_talks_to_an_agent_of_the_box() {
    let street = Street::claim();
    let pbx = Asterisk::start(&street);
    let appliance = Appliance::open(
        &street,
        &Household::with_menu(10, 1).phone("ali", "1001", &["sales"]),
    );
    let mut agent = Baresip::start(
        &street,
        &Account::new("1001", street.box_sip())
            .humming(AGENT_HZ)
            .answering(),
    );
    let mut caller = Baresip::start(&street, &Account::new("2001", pbx.at()).humming(CALLER_HZ));
    appliance.until_registered(1);

    caller.dial(MAIN_NUMBER);
    caller.wait_for("CALL_ESTABLISHED");
    appliance.until("the caller is in the menu", |status| {
        status["calls"][0]["step"] == "menu"
    });
    caller.press('1');
    agent.wait_for("CALL_ESTABLISHED");
    until_both_hear(&caller, &agent);
    caller.hang_up();
    agent.wait_for("CALL_CLOSED");
    appliance.until_quiet();

    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("direction")),
        ("ANSWER", "inbound")
    );
    assert_eq!(
        (
            record.text("trunk"),
            record.text("caller_number"),
            record.text("agent")
        ),
        ("pbx", "2001", "ali")
    );
    assert_eq!(
        (record.text("caller_name"), record.text("digits")),
        ("Desk One", "1")
    );
    both_are_recorded(&appliance, &record.recording());
}

/// DC-002, S2-072: an agent whose phone belongs to the PBX is rung through the trunk.
#[test]
fn an_agent_with_a_phone_of_the_pbx_is_rung_through_the_trunk_and_takes_the_call() {
    let street = Street::claim();
    let pbx = Asterisk::start(&street);
    let household = Household::with_menu(10, 1)
        .phone("guest", "1001", &[])
        .behind_trunk("mona", "2002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let mut agent = Baresip::start(&street, &Account::new("2002", pbx.at()).humming(AGENT_HZ));
    let mut caller = Baresip::start(
        &street,
        &Account::new("1001", street.box_sip()).humming(CALLER_HZ),
    );
    appliance.until_registered(1);

    caller.dial(MAIN_NUMBER);
    caller.wait_for("CALL_ESTABLISHED");
    appliance.until("the caller is in the menu", |status| {
        status["calls"][0]["step"] == "menu"
    });
    caller.press('1');
    agent.wait_for("CALL_INCOMING");
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED");
    until_both_hear(&caller, &agent);
    agent.hang_up();
    caller.wait_for("CALL_CLOSED");
    appliance.until_quiet();

    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "mona"));
    assert_eq!(
        (record.text("callee_number"), record.text("hangup_by")),
        ("2002", "callee")
    );
    both_are_recorded(&appliance, &record.recording());
}

/// S2-044, S2-058: a phone registered here, a phone of the PBX and a fixed contact in one group; one of them wins.
#[test]
fn the_three_kinds_of_agents_ring_together_and_the_others_stop_when_one_answers() {
    let street = Street::claim();
    let pbx = Asterisk::start(&street);
    let door = Phone::new(
        "door",
        SocketAddrV4::new(street.house(52), 5060),
        street.box_sip(),
    );
    let household = Household::with_menu(10, 1)
        .phone("ali", "1001", &["sales"])
        .behind_trunk("mona", "2002", &["sales"])
        .contact("door", &door.contact(), &["sales"])
        .number("8000", r#"group="sales""#);
    let appliance = Appliance::open(&street, &household);
    let mut ali = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    let mut mona = Baresip::start(&street, &Account::new("2002", pbx.at()));
    let mut caller = Baresip::start(&street, &Account::new("2001", pbx.at()).humming(CALLER_HZ));
    appliance.until_registered(1);

    caller.dial("8000");
    ali.wait_for("CALL_INCOMING");
    mona.wait_for("CALL_INCOMING");
    let invite = door.expect_request("INVITE");
    let voice = Voice::at(street.house(52));
    let talk = Dialog::accept(&door, &invite, voice.address);
    voice.hum(talk.audio, AGENT_HZ);
    ali.wait_for("CALL_CLOSED");
    mona.wait_for("CALL_CLOSED");
    caller.wait_for("CALL_ESTABLISHED");
    eventually("the caller and the door hear each other", PATIENCE, || {
        let heard = tone::heard(&voice.heard(), CALLER_HZ).min(caller.heard_so_far(AGENT_HZ));
        (heard >= Duration::from_secs(1)).then_some(())
    });
    caller.hang_up();
    talk.hung_up_on();
    let record = appliance.only_record();
    assert_eq!((record.text("agent"), record.text("trunk")), ("door", "pbx"));
    let mut results = record.results();
    results.sort();
    assert_eq!(results, ["answered", "answered_elsewhere", "answered_elsewhere"]);
}

fn until_both_hear(caller: &Baresip, agent: &Baresip) {
    eventually("each hears the other for two seconds", PATIENCE, || {
        let both = caller.heard_so_far(AGENT_HZ).min(agent.heard_so_far(CALLER_HZ));
        (both >= Duration::from_secs(2)).then_some(())
    });
}

fn both_are_recorded(appliance: &Appliance, id: &str) {
    let recording = appliance.recording(id);
    let (left, right) = (&recording.channels[0], &recording.channels[1]);
    assert!(
        tone::heard(left, CALLER_HZ) >= Duration::from_millis(1800),
        "the caller is on the left"
    );
    assert!(
        tone::heard(right, AGENT_HZ) >= Duration::from_millis(1800),
        "the agent is on the right"
    );
}
