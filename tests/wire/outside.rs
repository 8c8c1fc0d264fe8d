//! Calls to numbers outside, by carriers that SIPp plays: the one that cannot, the one that can, and one that wants the
//! box to register.

use crate::harness::baresip::Account;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Baresip, Household, Street};
use std::time::Duration;

/// S0-014, S2-016; RFC 3261 §21.5.4: the first carrier has no room, the second takes the call; the record says by whom.
#[test]
fn a_baresip_dials_outside_and_the_next_carrier_takes_what_the_first_cannot() {
    let street = Street::claim();
    let (full, free) = (street.house(61), street.house(62));
    let household = Household::new()
        .phone("ali", "1001", &[])
        .trunk(&carrier("full", &full.to_string()))
        .trunk(&carrier("free", &free.to_string()))
        .section("[dialing]\ncountry_code=\"966\"")
        .section(
            "[[route]]\nname=\"city\"\nmatch=\"0*\"\ntrunks=[\"full\",\"free\"]\ncaller_id=\"+966112345678\"",
        );
    let appliance = Appliance::open(&street, &household);
    let refusing = script("agent_refuses", full)
        .calls(1)
        .refusing_with("503 Service Unavailable")
        .wait_for_calls();
    let taking = script("agent_answers", free)
        .calls(1)
        .pausing(Duration::from_millis(200))
        .wait_for_calls();
    let mut ali = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    appliance.until_registered(1);

    ali.dial("0112223334");
    ali.wait_for("CALL_ESTABLISHED");
    appliance.until("the call is shown", |status| {
        status["calls"][0]["seconds"].as_u64() >= Some(1)
    });
    ali.hang_up();
    refusing.finish();
    taking.finish();
    appliance.until_quiet();

    let record = appliance.only_record();
    let said = [
        "status",
        "direction",
        "trunk",
        "dialed_number",
        "outbound_caller_id",
        "hangup_by",
    ];
    assert_eq!(
        said.map(|key| record.text(key)),
        [
            "ANSWER",
            "outbound",
            "free",
            "0112223334",
            "+966112345678",
            "caller"
        ],
        "{record:#?}"
    );
}

/// ROBUSTNESS 41: a foreign number, a premium one and a star code leave by no trunk, and the refusal is shown.
#[test]
fn what_costs_is_not_dialled_and_a_person_is_told() {
    let street = Street::claim();
    let carriers = street.house(61);
    let household = Household::new()
        .phone("ali", "1001", &[])
        .trunk(&carrier("carrier", &carriers.to_string()))
        .section("[dialing]\ncountry_code=\"966\"")
        .section("[[route]]\nname=\"all\"\nmatch=\"*\"\ntrunks=[\"carrier\"]");
    let appliance = Appliance::open(&street, &household);
    // Nobody listens there: a call that left would end with another status, and only seconds later.
    let mut ali = Baresip::start(&street, &Account::new("1001", street.box_sip()));
    appliance.until_registered(1);
    for number in ["00882123456", "+4915112345678", "0900123456", "*72"] {
        ali.dial(number);
        let closed = ali.wait_for("CALL_CLOSED");
        assert!(closed["param"].to_string().contains("403"), "{number}: {closed}");
    }
    let status = appliance.until("the alarm names the phone", |status| {
        status["alarms"].to_string().contains("1001")
    });
    assert!(
        status["alarms"].to_string().contains("dialing_refused"),
        "{}",
        status["alarms"]
    );
}

/// RFC 3261 §10.2.8: a registrar to whom ten minutes are too brief is asked for as long as it wants, and the box takes
/// its leave when it stops.
#[test]
fn a_carrier_that_wants_a_longer_registration_gets_it() {
    let street = Street::claim();
    let at = street.house(61);
    let keys = carrier("carrier", &at.to_string());
    let household = Household::new().trunk(&format!(
        "{keys}\nregister=true\nusername=\"0112345678\"\npassword=\"{}\"",
        "a long one"
    ));
    let registrar = script("registrar_wants_longer", at).calls(1).wait_for_calls();
    let mut appliance = Appliance::open(&street, &household);
    appliance.until("it is registered", |status| {
        let trunks = status["trunks"].as_array().into_iter().flatten();
        trunks
            .into_iter()
            .any(|trunk| trunk["name"] == "carrier" && trunk["registration"] == "registered")
    });
    appliance.stop();
    registrar.finish();
}

/// A trunk that is not probed: SIPp answers the requests of its script alone.
fn carrier(name: &str, host: &str) -> String {
    format!("name=\"{name}\"\nhost=\"{host}\"\nport=5060\ntransport=\"udp\"\nprobe_seconds=0")
}
