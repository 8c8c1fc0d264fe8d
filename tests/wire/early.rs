//! What is heard and agreed on before an answer, with carriers and callers that SIPp plays.

use crate::harness::baresip::Account;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Baresip, Household, PATIENCE, Street, eventually};
use std::time::Duration;

const CARRIER_HZ: u32 = 800;

/// RFC 3960 §3, RFC 3262 §4: a baresip hears why its call fails, before it does, and nothing of that is a conversation.
#[test]
fn a_baresip_hears_what_a_carrier_says_before_it_refuses() {
    let street = Street::claim();
    let at = street.house(61);
    let carrier = format!("name=\"carrier\"\nhost=\"{at}\"\nport=5060\ntransport=\"udp\"\nprobe_seconds=0");
    let household = Household::new()
        .phone("ali", "1001", &[])
        .trunk(&carrier)
        .section("[dialing]\ncountry_code=\"966\"")
        .section("[[route]]\nname=\"city\"\nmatch=\"0*\"\ntrunks=[\"carrier\"]");
    let appliance = Appliance::open(&street, &household);
    let explaining = script("carrier_explains", at)
        .calls(1)
        .humming(CARRIER_HZ)
        .pausing(Duration::from_secs(2))
        .wait_for_calls();
    let mut ali = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    appliance.until_registered(1);

    ali.dial("0112223334");
    eventually("the carrier is heard", PATIENCE, || {
        (ali.heard_so_far(CARRIER_HZ) >= Duration::from_millis(400)).then_some(())
    });
    let closed = ali.wait_for("CALL_CLOSED");
    assert!(closed["param"].to_string().contains("404"), "{closed}");
    explaining.finish();
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("cause")),
        ("FAILED", "no_such_number")
    );
    assert_eq!(record.millis("talk_ms"), 0);
}

/// RFC 3262 §5: the offer in the ringing, the answer in the PRACK, nothing in the 200.
#[test]
fn a_caller_without_an_offer_agrees_by_prack() {
    let street = Street::claim();
    let at = street.house(40);
    let household = Household::new()
        .group("sales", "ring_seconds=20\nattempts=1\noverflow=\"hangup\"")
        .number("8000", "group=\"sales\"")
        .contact("layla", &format!("sip:layla@{at}:5060"), &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let agent = script("agent_answers", at)
        .calls(1)
        .pausing(Duration::from_millis(300))
        .wait_for_calls();
    let caller = script("caller_answers_by_prack", street.pbx())
        .calls(1)
        .pausing(Duration::from_millis(700));
    caller.call(street.box_sip(), "8000").finish();
    agent.finish();
    appliance.until_quiet();
    let record = appliance.only_record();
    assert_eq!((record.text("status"), record.text("agent")), ("ANSWER", "layla"));
    assert!(record.millis("talk_ms") >= 500, "{record:#?}");
}
