//! The power comes back, and with it every phone of the house at the same moment.

use crate::harness::appliance::count;
use crate::harness::returning::{Town, furnished};
use crate::harness::{Appliance, Household, PATIENCE, Street, eventually};
use std::time::Duration;

/// So many phones; 10,000 within a minute are a row of `cargo bench --bench figures callpost long`.
const PHONES: u32 = 2000;
/// All of them begin within this time, which is four times as dense as 10,000 a minute.
const WITHIN: Duration = Duration::from_secs(3);

/// 10,000 REGISTER a minute after a power return: all phones back, none banned, memory flat. Once the box loses its power
/// too; then the phones alone lose theirs.
#[test]
fn after_a_power_return_every_phone_is_back_and_nobody_is_shut_out() {
    let street = Street::claim();
    let mut appliance = Appliance::open(&street, &furnished(Household::new(), PHONES));
    let mut town = Town::build(&street, PHONES);
    all_are_back(&mut town, &appliance);

    appliance.kill();
    appliance.start();
    all_are_back(&mut town, &appliance);

    let before = appliance.memory_kb();
    all_are_back(&mut town, &appliance);
    let grown = appliance.memory_kb().saturating_sub(before);
    eprintln!("memory grew by {grown} kB with the third return");
    // The last answers are kept for 32 s (RFC 3261 §17.2.2), those of two returns here: that memory is flat when they are
    // forgotten is a row of the figures.
    assert!(grown < 4 * u64::from(PHONES), "memory grew by {grown} kB");
    let status = appliance.status();
    assert_eq!(status["bans"], serde_json::json!([]));
    assert_eq!(
        status["counters"]["auth_failed"], 0,
        "a first challenge is no failure"
    );
}

#[track_caller]
fn all_are_back(town: &mut Town, appliance: &Appliance) {
    let outcome = town.power_on(WITHIN);
    eprintln!(
        "{} back, {} said again, the longest wait {:?}",
        outcome.back,
        outcome.said_again,
        outcome.waited.last()
    );
    assert_eq!(outcome.back, PHONES, "lost: {:?}", outcome.lost);
    eventually("the list shows every phone", PATIENCE, || {
        (count(&appliance.status(), "registrations") == PHONES as usize).then_some(())
    });
}
