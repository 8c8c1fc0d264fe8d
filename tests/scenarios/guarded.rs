//! Guessers, crowds and calls for help.

use crate::world::{Site, World};
use callpost::engine::{Command, Source};
use callpost::model::AgentId;
use callpost::routing::{Decision, Pattern, Rule};

/// ROBUSTNESS 25, S4: a guesser is shut out, shown, and let in again by a person.
#[test]
fn a_phone_with_the_wrong_password_is_shut_out_until_a_person_lets_it_in() {
    let mut world = World::unregistered(Site::office(), 1);
    world.phone("ali").password = Some("guess".into());
    for _ in 0..10 {
        world.registers("ali", 600);
        world.after_seconds(2.0);
    }
    world.ladder.lines.clear();
    world.registers("ali", 600);
    let bans = world.engine.snapshot(world.now).bans;
    assert_eq!(bans.len(), 1);
    assert_eq!(
        (bans[0].address.as_str(), bans[0].reason),
        ("192.0.2.10", "wrong_passwords")
    );
    assert_eq!((bans[0].user.as_str(), bans[0].dropped), ("1001", 1));
    let address: Source = bans[0].address.parse().unwrap();
    world.command(Command::LiftBan(address));
    assert!(world.engine.snapshot(world.now).bans.is_empty());
    world.phone("ali").password = Some(crate::world::PASSWORD.into());
    world.registers("ali", 600);
    insta::assert_snapshot!(world.story(), @r#"
      20.0s  ali ──REGISTER──▶ box
      20.0s  log: 192.0.2.10 is let in again.
      20.0s  ali ──REGISTER──▶ box
      20.0s  box ──401 REGISTER──▶ ali
      20.0s  ali ──REGISTER with digest──▶ box
      20.0s  box ──200 REGISTER──▶ ali
      20.0s  journal: 1001 bound
      20.5s  ali ──REGISTER──▶ box
      20.5s  box ──401 REGISTER──▶ ali
    "#);
    assert_eq!(world.engine.snapshot(world.now).registrations.len(), 1);
    assert_eq!(world.engine.snapshot(world.now).counters.bans, 1);
}

/// ROBUSTNESS 18: over the cap a caller is told when to try again; a call for help is let in.
#[test]
fn a_full_box_turns_callers_away_with_a_time_but_lets_in_a_call_for_help() {
    let mut site = Site::office().unrecorded();
    site.most_calls = 1;
    site.rules.push(Rule {
        pattern: Pattern::Exactly("112".into()),
        then: Decision::Agent(AgentId::from("omar")),
        record: None,
    });
    let mut world = World::of(site);
    for name in ["second", "third"] {
        world.caller(name, &format!("050{}", name.len()));
    }
    world.calls("caller", "8001");
    world.after_seconds(1.0);
    world.calls("second", "8001");
    world.calls("third", "112");
    world.after_seconds(1.0);
    world.hangs_up("third");
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @r#"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       1.0s  second ──INVITE 8001 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ second
       1.0s  log: A call for 8001 was refused with 503: the box is full, draining, or its journal is behind.
       1.0s  box ──503 INVITE (Retry-After 10)──▶ second
       1.0s  second ──ACK──▶ box
       1.0s  third ──INVITE 112 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ third
       1.0s  journal: call opened
       1.0s  box ──INVITE 1003 +sdp──▶ omar
       1.0s  omar ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ third
       2.0s  media: play en/main-menu to caller
       2.0s  third ──CANCEL──▶ box
       2.0s  box ──200 CANCEL──▶ third
       2.0s  box ──487 INVITE──▶ third
       2.0s  journal: call closed, CANCELED
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       2.0s  third ──ACK──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  box ──ACK──▶ omar
       2.0s  caller ──BYE──▶ box
       2.0s  box ──200 BYE──▶ caller
       2.0s  journal: call closed, CANCELED
    CDR CANCELED inbound 0505 → 112, ended by caller, sip 487, q850 16
        1.0 s: wait 1.0 ring 1.0 talk 0.0 hold 0.0
        leg 0 0505: canceled
        leg 1 omar 1003 round 1: canceled, rang
    CDR CANCELED inbound 0501234567 → 8001, ended by caller, q850 16
        2.0 s: wait 2.0 ring 0.0 talk 0.0 hold 0.0; stages welcome menu; language en
        leg 0 0501234567: answered
    "#);
    assert_eq!(world.cdrs.len(), 2);
}
