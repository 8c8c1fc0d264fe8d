//! The daemon itself, with telephones that call it and a hostile head office, killed again and again.

use crate::dice;
use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, Phone, Street, Voice, eventually};
use crate::hostile::{Hostile, Mode, Plan};
use crate::ledger::Ledger;
use callpost::model::Dice;
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often it is killed.
const KILLS: usize = 6;
/// Calls before each kill.
const CALLS: usize = 8;
/// Every attempt in vain is followed by a back-off, so each fault comes once.
const DRAINING: Duration = Duration::from_secs(240);

/// DC-006, DC-007, ROBUSTNESS 75 and 85: the program as it is installed, its own timing, calls by SIP.
#[test]
fn every_call_of_a_daemon_that_is_killed_again_and_again_reaches_a_hostile_head_office_once() {
    let (mut dice, began) = (dice(85), Instant::now());
    let hostile = Hostile::start(Plan::InTurn(troubles(&mut dice).into()));
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#)
        .unrecorded()
        .upstream(&format!(
            "name=\"head-office\"\ntype=\"webhook\"\nlongest_wait_seconds=2\nurl=\"{}\"\n{}",
            hostile.url(),
            Hostile::keys()
        ));
    let mut appliance = Appliance::open(&street, &household);
    for _ in 0..KILLS {
        for _ in 1..CALLS {
            let talk = call(&street, &desk);
            talk.caller.hang_up();
            talk.agent.hung_up_on();
        }
        let last = call(&street, &desk);
        if dice.roll(2) == 0 {
            last.caller.say_goodbye();
        }
        std::thread::sleep(Duration::from_micros(dice.roll(60_000)));
        appliance.kill();
        // The phone of the agent forgets the call that nobody will end any more.
        while desk.hear(Duration::from_millis(1)).is_some() {}
        appliance.start();
    }
    eventually("everything is delivered", DRAINING, || {
        let status = appliance.status();
        let outbox = status["outbox"].as_array()?;
        (outbox.len() == 1 && outbox[0]["pending"] == 0).then_some(())
    });
    appliance.stop();

    let ledger = Ledger::of(&appliance.data());
    ledger.assert_sound();
    assert_eq!(ledger.rows.len(), KILLS * CALLS, "one record a call");
    let report = hostile.report(&ledger.rows);
    println!(
        "calls {}, kills {KILLS}: missing {}, doubles under the same id {}, under another id {}, {:.0} s; met {:?}",
        KILLS * CALLS,
        report.missing.len(),
        report.repeated,
        report.under_another_id.len(),
        began.elapsed().as_secs_f64(),
        report.met
    );
    report.assert_faultless();
    for mode in Mode::ALL.into_iter().filter(|mode| *mode != Mode::Hang) {
        assert!(
            report.met.contains_key(&mode),
            "{mode:?} was met: {:?}",
            report.met
        );
    }
}

/// Every fault but the hang, which costs a time-out, in some order, with deliveries that go well between them.
fn troubles(dice: &mut Dice) -> Vec<Mode> {
    let mut left: Vec<Mode> = Mode::ALL
        .into_iter()
        .filter(|mode| !matches!(mode, Mode::Ok | Mode::Hang))
        .collect();
    let mut all = Vec::new();
    while !left.is_empty() {
        let place = usize::try_from(dice.roll(left.len() as u64)).unwrap_or(0);
        all.extend([Mode::Ok, Mode::Ok, left.swap_remove(place)]);
    }
    all
}

/// Two people who talk.
struct Talk {
    caller: Dialog,
    agent: Dialog,
}

fn call(street: &Street, desk: &Rc<Phone>) -> Talk {
    let at = |host| SocketAddrV4::new(host, 0);
    let phone = Phone::new("+966501234567", at(street.pbx()), street.box_sip());
    let voice = Voice::at(street.pbx());
    let dialling = phone.dial("8001", voice.address);
    let agent = Dialog::accept(desk, &desk.expect_request("INVITE"), voice.address);
    let caller = dialling.answered();
    Talk { caller, agent }
}
