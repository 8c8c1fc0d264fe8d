//! A caller walks the menu, by keys however they are told, and ends up talking to a person.

use crate::harness::baresip::Account;
use crate::harness::household::{INVALID_HZ, MAIN_NUMBER, MENU_HZ, WELCOME_HZ};
use crate::harness::sipp::script;
use crate::harness::{Appliance, Baresip, Household, PATIENCE, Phone, Street, Voice, eventually, tone};
use crate::traces;
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::Duration;

/// What the caller's phone hums.
const CALLER_HZ: u32 = 440;
/// What the agent's phone hums.
const AGENT_HZ: u32 = 1000;

/// S2-042, S2-045, S2-061, S2-071, S2-072, DC-003, DC-005, DC-009.
#[test]
fn over_udp_a_caller_presses_a_key_an_agent_answers_and_each_hears_the_others_tone() {
    walks_the_menu_over("udp");
}

/// S2-071, S2-072, DC-003, DC-009.
#[test]
fn over_tcp_a_caller_presses_a_key_an_agent_answers_and_each_hears_the_others_tone() {
    walks_the_menu_over("tcp");
}

fn walks_the_menu_over(transport: &'static str) {
    let street = Street::claim();
    let household = Household::with_menu(10, 1)
        .phone("guest", "1001", &[])
        .phone("ali", "1002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let account = |user, hertz| {
        Account::new(user, street.box_sip())
            .over(transport)
            .humming(hertz)
    };
    let mut caller = Baresip::start(&street, &account("1001", CALLER_HZ));
    let mut agent = Baresip::start(&street, &account("1002", AGENT_HZ));
    appliance.until_registered(2);

    caller.dial(MAIN_NUMBER);
    caller.wait_for("CALL_ESTABLISHED");
    // A key would cut the menu short.
    eventually("the menu has been said", PATIENCE, || {
        (caller.heard_so_far(MENU_HZ) >= Duration::from_millis(300)).then_some(())
    });
    caller.press('1');
    agent.wait_for("CALL_INCOMING");
    agent.accept();
    agent.wait_for("CALL_ESTABLISHED");
    appliance.until("both talk", |status| status["calls"][0]["stage"] == "talking");
    let long_enough = Duration::from_secs(2);
    eventually("each hears the other for two seconds", PATIENCE, || {
        let both = caller.heard_so_far(AGENT_HZ).min(agent.heard_so_far(CALLER_HZ));
        (both >= long_enough).then_some(())
    });
    caller.hang_up();
    agent.wait_for("CALL_CLOSED");
    appliance.until_quiet();

    let heard_by_caller = caller.heard();
    for hertz in [WELCOME_HZ, MENU_HZ] {
        assert!(
            tone::heard(&heard_by_caller, hertz) >= Duration::from_millis(300),
            "the prompt of {hertz} Hz is heard"
        );
    }
    assert_eq!(tone::loudest(&agent.heard()), Some(CALLER_HZ));
    assert_eq!(
        tone::heard(&agent.heard(), AGENT_HZ),
        Duration::ZERO,
        "nobody hears an echo of themselves"
    );

    let record = appliance.only_record();
    traces::tells_of_an_answered_call(&appliance, &record);
    assert_eq!(record.text("status"), "ANSWER");
    assert_eq!(record.text("agent"), "ali");
    assert_eq!(record.text("digits"), "1");
    assert_eq!(record.text("hangup_by"), "caller");
    assert_eq!(record.stages(), ["welcome", "menu", "sales"]);
    assert!(
        record.millis("talk_ms") >= 2000,
        "talking was measured: {record:#?}"
    );

    let recording = appliance.recording(&record.recording());
    assert_eq!(recording.channels.len(), 2, "left caller, right agent");
    let (left, right) = (&recording.channels[0], &recording.channels[1]);
    assert!(
        tone::heard(left, CALLER_HZ) >= long_enough,
        "the caller is on the left"
    );
    assert!(
        tone::heard(right, AGENT_HZ) >= long_enough,
        "the agent is on the right"
    );
    assert_eq!(
        tone::heard(left, AGENT_HZ).max(tone::heard(right, CALLER_HZ)),
        Duration::ZERO,
        "each on one side only"
    );
    let seconds = |samples: &Vec<i16>| samples.len() as f64 / f64::from(recording.rate);
    let talked = record.millis("talk_ms") as f64 / 1000.0;
    assert!(
        (seconds(left) - talked).abs() < 0.5,
        "the recording is as long as the talk: {} s, {talked} s",
        seconds(left)
    );
}

/// Digits by SIP INFO: DC-003.
#[test]
fn keys_told_by_sip_info_walk_the_menu_too() {
    let street = Street::claim();
    let agent_at = street.house(40);
    let household =
        Household::with_menu(10, 1).contact("ali", &format!("sip:ali@{agent_at}:5060"), &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let agent = script("agent_answers", agent_at)
        .calls(1)
        .pausing(Duration::from_millis(200))
        .wait_for_calls();
    let caller = script("caller_presses_by_info", street.pbx())
        .calls(1)
        .key("key", "1");
    let caller = caller
        .pausing(Duration::from_millis(1500))
        .call(street.box_sip(), MAIN_NUMBER);
    caller.finish();
    agent.finish();
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("digits")), ("ANSWER", "*1"));
    assert_eq!(record.text("trunk"), "pbx");
    assert_eq!(record.text("direction"), "inbound");
}

/// One press is one key, even when the phone tells it twice.
#[test]
fn a_key_told_by_rfc_4733_and_by_info_at_once_counts_once() {
    let street = Street::claim();
    let household = Household::with_menu(10, 1).flow("main", GATHERING);
    let appliance = Appliance::open(&street, &household);
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let mut call = caller.dial(MAIN_NUMBER, voice.address).answered();
    voice.hum(call.audio, CALLER_HZ);
    for (pressed, key) in ["4", "2"].into_iter().enumerate() {
        voice.press(key.parse().expect("a key"));
        let info = call.request("INFO").carrying(
            "application/dtmf-relay",
            &format!("Signal={key}\r\nDuration=100\r\n"),
        );
        assert_eq!(caller.ask(&info).status(), Some(200));
        eventually("the key's last packets are out", PATIENCE, || {
            (voice.keys_sent() > pressed).then_some(())
        });
    }
    call.hung_up_on();
    let record = appliance.only_record();
    assert_eq!(record.text("digits"), "42");
    assert_eq!(record.0["collected"]["order"], "42");
}

/// Two digits, then the end.
const GATHERING: &str = r#"
name = "main"
start = "ask"
[step.ask]  verb="gather"  prompt="main-menu"  store="order"  min=2  max=2  timeout_seconds=5  next="bye"  otherwise="bye"
[step.bye]  verb="hangup"
"#;

/// S2-042.
#[test]
fn a_wrong_key_is_named_and_no_key_at_all_leads_to_the_mailbox() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(10, 1));
    let (caller, voice) = (trunk_phone(&street), Voice::at(street.pbx()));
    let call = caller.dial(MAIN_NUMBER, voice.address).answered();
    voice.hum(call.audio, CALLER_HZ);
    // A key would cut the menu short.
    eventually("the menu has been said", PATIENCE, || {
        (tone::heard(&voice.heard(), MENU_HZ) >= Duration::from_millis(350)).then_some(())
    });
    voice.press('7');
    eventually("the caller hears that 7 is no choice", PATIENCE, || {
        (tone::heard(&voice.heard(), INVALID_HZ) >= Duration::from_millis(300)).then_some(())
    });
    appliance.until("silence leads to the mailbox", |status| {
        status["calls"][0]["step"] == "mailbox"
    });
    call.hang_up();
    let record = appliance.only_record();
    assert_eq!(record.stages(), ["welcome", "menu", "mailbox"]);
    assert_eq!(record.text("digits"), "7");
    let menus = tone::heard(&voice.heard(), MENU_HZ);
    assert!(
        menus >= Duration::from_millis(700),
        "the menu was said twice: {menus:?}"
    );
}

fn trunk_phone(street: &Street) -> Rc<Phone> {
    Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    )
}
