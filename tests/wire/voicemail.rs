//! Nobody takes the call, and the caller leaves a message.

use crate::harness::baresip::Account;
use crate::harness::household::{GOODBYE_HZ, MAIN_NUMBER, VOICEMAIL_HZ};
use crate::harness::sipp::script;
use crate::harness::waiting::{PATIENCE, eventually};
use crate::harness::{Appliance, Baresip, Household, Phone, Street, Voice, tone};
use std::net::SocketAddrV4;
use std::time::Duration;

/// What the caller says.
const CALLER_HZ: u32 = 440;

/// S2-049, S2-050, S2-051, S2-053, S2-073, DC-005.
#[test]
fn nobody_answers_in_two_rounds_and_the_callers_words_are_in_the_message() {
    let street = Street::claim();
    let at = street.house(41);
    let household = Household::with_menu(1, 2)
        .phone("guest", "1001", &[])
        .contact("ali", &format!("sip:ali@{at}:5060"), &["sales"])
        .contact("mona", &format!("sip:mona@{at}:5060"), &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let agents = script("agent_rings_out", at).calls(4).wait_for_calls();
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
    agents.finish();
    until_message_lasts(&appliance, 3);
    caller.hang_up();
    appliance.until_quiet();

    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("group")),
        ("VOICEMAIL", "sales")
    );
    assert_eq!(record.results(), ["no_answer"; 4], "two phones, two rounds");
    assert_eq!(record.stages(), ["welcome", "menu", "sales", "mailbox"]);
    assert_eq!(record.0["recording"]["channels"], 1);
    let message = appliance.recording(&record.recording());
    assert_eq!(message.channels.len(), 1);
    let said = tone::heard(&message.channels[0], CALLER_HZ);
    assert!(
        said >= Duration::from_millis(1500),
        "the caller is heard for {said:?}"
    );
    let heard = tone::heard(&caller.heard(), VOICEMAIL_HZ);
    assert!(
        heard >= Duration::from_millis(300),
        "the caller was asked for a message"
    );
    assert!(
        tone::heard(&caller.heard(), 1000) >= Duration::from_millis(300),
        "and heard the beep"
    );
}

/// S2-051: `#` ends a message, and the caller is thanked.
#[test]
fn the_hash_key_ends_a_message_and_the_caller_is_thanked() {
    let street = Street::claim();
    let household = Household::new()
        .number("8000", r#"flow="box""#)
        .flow("box", MAILBOX)
        .group("sales", "");
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.pbx());
    let call = caller.dial("8000", voice.address).answered();
    voice.hum(call.audio, CALLER_HZ);
    until_message_lasts(&appliance, 2);
    voice.press('#');
    call.hung_up_on();
    assert!(
        tone::heard(&voice.heard(), GOODBYE_HZ) >= Duration::from_millis(300),
        "the caller is thanked"
    );
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("VOICEMAIL", "system")
    );
    let message = appliance.recording(&record.recording());
    assert!(tone::heard(&message.channels[0], CALLER_HZ) >= Duration::from_secs(1));
}

/// S2-051: silence ends a message.
#[test]
fn a_caller_who_says_nothing_is_not_recorded_for_ever() {
    let street = Street::claim();
    let household = Household::new()
        .number("8000", r#"flow="box""#)
        .flow("box", MAILBOX)
        .group("sales", "");
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.pbx());
    let call = caller.dial("8000", voice.address).answered();
    voice.hum(call.audio, CALLER_HZ);
    appliance.until("the message is recorded", |status| {
        !status["calls"][0]["recording"].is_null()
    });
    // Line noise far below a whisper, as a microphone that is on.
    voice.whisper();
    call.hung_up_on();
    let record = appliance.only_record();
    assert_eq!(record.text("hangup_by"), "system");
    assert!(
        record.millis("duration_ms") < 20_000,
        "the message ended by its silence, and so did the second try: {record:#?}"
    );
}

/// A mailbox at once, that gives up after two seconds of silence.
const MAILBOX: &str = r#"
name = "box"
start = "mailbox"
[step.mailbox]  verb="voicemail"  group="sales"  max_seconds=20  silence_seconds=2
"#;

/// Waits until the message has been recorded for so many seconds.
pub(crate) fn until_message_lasts(appliance: &Appliance, seconds: u64) {
    let age = |status: &serde_json::Value| status["calls"][0]["seconds"].as_u64().unwrap_or_default();
    let begun = appliance.until("a message is recorded", |status| {
        !status["calls"][0]["recording"].is_null()
    });
    appliance.until("it lasts a while", |status| age(status) > age(&begun) + seconds);
}

/// What whoever dials `*97` is asked.
const MENU_HZ: u32 = 1_830;

/// A message is left over real SIP and RTP, its owner hears the very tone by `*97`, and the box is told so.
#[test]
fn an_agent_dials_in_and_hears_what_the_caller_said() {
    let street = Street::claim();
    let household = Household::new()
        .number("8000", r#"flow="box""#)
        .flow("box", MAILBOX)
        .group("sales", "")
        .prompt("vm-menu", MENU_HZ, Duration::from_millis(600))
        .phone("ali", "1001", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let caller = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.pbx());
    let call = caller.dial("8000", voice.address).answered();
    voice.hum(call.audio, CALLER_HZ);
    until_message_lasts(&appliance, 3);
    call.hang_up();
    appliance.until_quiet();
    let counted = |new: u64| {
        move |boxes: &serde_json::Value| {
            boxes["items"][0]["mailbox"] == "group:sales" && boxes["items"][0]["new"] == new
        }
    };
    until_boxes(&appliance, counted(1));

    let mut ali = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    appliance.until_registered(1);
    ali.dial("*97");
    ali.wait_for("CALL_ESTABLISHED");
    eventually("the menu is heard", PATIENCE, || {
        (ali.heard_so_far(MENU_HZ) >= Duration::from_millis(300)).then_some(())
    });
    ali.press('1');
    until_boxes(&appliance, counted(0));
    ali.hang_up();
    appliance.until_quiet();
    let heard = tone::heard(&ali.heard(), CALLER_HZ);
    assert!(
        heard >= Duration::from_millis(1500),
        "the caller's voice is heard for {heard:?}"
    );
    let messages = appliance.get("/api/v1/messages").json();
    assert_eq!(messages["items"][0]["state"], "saved");
}

/// Waits until the boxes are so.
fn until_boxes(appliance: &Appliance, wanted: impl Fn(&serde_json::Value) -> bool) {
    eventually("the boxes are so", PATIENCE, || {
        wanted(&appliance.get("/api/v1/mailboxes").json()).then_some(())
    });
}
