//! linphone as caller and as agent: another SIP stack, another media stack, its own ideas of an offer.

use crate::harness::{Appliance, Household, Linphone, PATIENCE, Street, eventually, tone};
use std::time::Duration;

/// What the caller hums.
const CALLER_HZ: u32 = 440;
/// What the agent hums.
const AGENT_HZ: u32 = 1000;

/// DC-001, DC-003, DC-009: with six codecs in its offer, a `+sip.instance` contact and hold by `sendonly`.
#[test]
fn a_linphone_registers_walks_the_menu_to_another_one_holds_and_both_hear_each_other() {
    let street = Street::claim();
    let household = Household::with_menu(20, 1)
        .phone("ali", "1001", &[])
        .phone("mona", "1002", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let mut caller = Linphone::start("1001", street.house(31), street.box_sip(), CALLER_HZ);
    let mut agent = Linphone::start("1002", street.house(32), street.box_sip(), AGENT_HZ);
    appliance.until_registered(2);

    caller.dial(crate::harness::household::MAIN_NUMBER);
    caller.wait_for("Media streams established");
    eventually("the caller hears the menu", PATIENCE, || {
        (caller.heard(crate::harness::household::MENU_HZ) >= Duration::from_millis(200)).then_some(())
    });
    caller.press('1');
    agent.wait_for("Receiving new incoming call");
    agent.accept();
    agent.wait_for("Media streams established");
    until_both_hear(&caller, &agent);

    caller.hold();
    appliance.until("the call is on hold", |status| {
        status["calls"][0]["on_hold"] == true
    });
    caller.resume();
    appliance.until("the call goes on", |status| {
        status["calls"][0]["on_hold"] == false
    });
    agent.hang_up();
    caller.wait_for("ended");
    let record = appliance.only_record();
    assert_eq!(
        (
            record.text("status"),
            record.text("agent"),
            record.text("digits"),
            record.text("hangup_by")
        ),
        ("ANSWER", "mona", "1", "callee")
    );
    assert!(record.millis("hold_ms") > 0, "{record:#?}");
    let recording = appliance.recording(&record.recording());
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, AGENT_HZ]) {
        let heard = tone::heard(channel, hertz);
        assert!(
            heard >= Duration::from_millis(800),
            "{hertz} Hz is recorded for {heard:?}"
        );
    }
    caller.switch_off();
    agent.switch_off();
    appliance.until_registered(0);
}

fn until_both_hear(caller: &Linphone, agent: &Linphone) {
    eventually("each hears the other for a second", PATIENCE, || {
        let both = caller.heard(AGENT_HZ).min(agent.heard(CALLER_HZ));
        (both >= Duration::from_secs(1)).then_some(())
    });
}
