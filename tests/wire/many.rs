//! Many at once.

use crate::harness::appliance::count;
use crate::harness::household::MAIN_NUMBER;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Household, Street};
use std::time::Duration;

/// DC-003: a hundred callers in the menu at the same time, each with a record, and nothing left behind.
#[test]
fn a_hundred_callers_are_in_the_menu_at_once_and_leave_nothing_behind() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(5, 1).flow("main", WAITING));
    let caller = script("caller_talks", street.pbx())
        .calls(100)
        .rate(200)
        .pausing(Duration::from_secs(3));
    let caller = caller.call(street.box_sip(), MAIN_NUMBER);
    let full = appliance.until("a hundred are in", |status| count(status, "calls") == 100);
    assert_eq!(full["ports"]["used"], 100, "one port pair a caller");
    caller.finish();
    appliance.until_quiet();
    let records = appliance.until_recorded(100);
    assert!(
        records.iter().all(|record| record.text("hangup_by") == "caller"),
        "each went as the caller wanted"
    );
    let ids: std::collections::BTreeSet<_> = records.iter().map(|record| record.text("cdr_id")).collect();
    assert_eq!(ids.len(), 100, "no record is there twice");
}

/// DC-003, DC-004: fifty conversations at the same time, recorded.
#[test]
fn fifty_conversations_at_once_are_bridged_and_recorded() {
    let street = Street::claim();
    let at = street.house(40);
    let mut household = Household::new().group("crew", "ring_seconds=10\nattempts=1");
    for number in 0..50 {
        household = household
            .contact(
                &format!("a{number}"),
                &format!("sip:a{number}@{at}:5060"),
                &["crew"],
            )
            .number(&format!("80{number:02}"), &format!("agent=\"a{number}\""));
    }
    let appliance = Appliance::open(&street, &household);
    let agents = script("agent_answers", at)
        .calls(50)
        .pausing(Duration::from_millis(100))
        .wait_for_calls();
    let numbers: Vec<String> = (0..50).map(|number| format!("80{number:02}")).collect();
    let caller = script("caller_talks_to_a_line", street.pbx())
        .calls(50)
        .rate(100)
        .lines(&numbers);
    let caller = caller
        .pausing(Duration::from_secs(3))
        .call(street.box_sip(), "unused");
    appliance.until("fifty talk", |status| {
        let calls = status["calls"].as_array().into_iter().flatten();
        calls.filter(|call| call["stage"] == "talking").count() == 50
    });
    caller.finish();
    agents.finish();
    appliance.until_quiet();
    for record in appliance.until_recorded(50) {
        assert_eq!(record.text("status"), "ANSWER");
        assert_eq!(record.0["recording"]["channels"], 2);
    }
}

/// A long wait that needs audio.
const WAITING: &str = r#"
name = "main"
start = "wait"
[step.wait]  verb="pause"  seconds=60  next="bye"
[step.bye]   verb="hangup"
"#;
