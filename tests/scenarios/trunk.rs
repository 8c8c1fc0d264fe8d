//! The PBX beside the box.

use crate::world::{Manner, Site, World, agent_of_pbx};
use callpost::agents::Overflow;
use callpost::engine::TrunkRules;
use callpost::model::Status;

fn with_phone_of_pbx(manner: Manner) -> World {
    let mut site = Site::office()
        .unrecorded()
        .ringing(1)
        .overflowing_to(Overflow::HangUp);
    site.agents = vec![agent_of_pbx("layla", "300")];
    let mut world = World::of(site);
    world.set("layla", manner);
    world
}

#[test]
fn a_trunk_that_asks_for_a_password_gets_it_once() {
    let mut world = with_phone_of_pbx(Manner {
        challenge: Some(407),
        ..Manner::answers_after(2.0)
    });
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 300 +sdp──▶ layla
       0.0s  layla ──407 INVITE──▶ box
       0.0s  box ──ACK──▶ layla
       0.0s  box ──INVITE 300 with digest +sdp──▶ layla
       0.0s  layla ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  layla ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ layla
       2.0s  media: layla at 192.0.2.100:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and layla talk
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  caller ──ACK──▶ box
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ layla
       5.0s  journal: call closed, ANSWER
       5.0s  layla ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by layla, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 layla 300 round 1: answered, rang
    ");
    assert_eq!(world.cdr().agent, Some("layla".into()));
}

#[test]
fn a_trunk_that_does_not_believe_the_password_is_not_asked_for_ever() {
    let mut world = with_phone_of_pbx(Manner::refuses(401));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 300 +sdp──▶ layla
       0.0s  layla ──401 INVITE──▶ box
       0.0s  box ──ACK──▶ layla
       0.0s  box ──INVITE 300 with digest +sdp──▶ layla
       0.0s  layla ──401 INVITE──▶ box
       0.0s  box ──ACK──▶ layla
       0.0s  journal: call closed, NO_ANSWER
       0.0s  box ──480 INVITE──▶ caller
       0.0s  caller ──ACK──▶ box
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, sip 480, q850 20
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: unreachable
        leg 1 layla 300 round 1: failed 401 Unauthorized
    ");
    assert_eq!(world.cdr().status, Status::NoAnswer);
}

#[test]
fn a_trunk_that_answers_no_probe_is_not_rung() {
    let mut world = with_phone_of_pbx(Manner::dead());
    world.set("caller", Manner::dead());
    world.after_seconds(70.0);
    world.set("caller", Manner::rings());
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    insta::assert_snapshot!(world.story(), @"
      70.0s  caller ──INVITE 8000 +sdp──▶ box
      70.0s  box ──100 INVITE──▶ caller
      70.0s  journal: call opened
      70.0s  journal: call closed, NO_ANSWER
      70.0s  box ──480 INVITE──▶ caller
      70.0s  caller ──ACK──▶ box
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, sip 480, q850 20
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: unreachable
    ");
    assert_eq!(world.cdr().legs.len(), 1);
}

#[test]
fn the_caller_is_who_the_trunk_says_it_is() {
    let mut world = World::office();
    let place = world.place("caller");
    world.phones[place].more_headers =
        "P-Asserted-Identity: \"Front Desk\" <sip:+966501111111@pbx>\r\n".to_owned();
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.peace();
    let cdr = world.cdr();
    assert_eq!(
        (cdr.caller_number.as_str(), cdr.caller_name.as_deref()),
        ("+966501111111", Some("Front Desk"))
    );
}

/// RFC 5806, RFC 7044: what a trunk tells of a forwarded call stands in the record, the last station first.
#[test]
fn who_forwarded_a_call_stands_in_its_record() {
    let table = [
        (
            "Diversion: <sip:2002@pbx>;reason=no-answer;counter=1, \"Desk\" <tel:+966-11-234-5678>;reason=unconditional\r\n",
            vec![
                ("2002", Some("no-answer")),
                ("+966112345678", Some("unconditional")),
            ],
        ),
        (
            "Diversion: <sip:2002@pbx>;reason=user-busy;privacy=full\r\n",
            vec![("anonymous", Some("user-busy"))],
        ),
        (
            "History-Info: <sip:2002@pbx?Reason=SIP%3Bcause%3D486>;index=1, <sip:8000@box>;index=1.1;mp=1\r\n",
            vec![("2002", Some("SIP;cause=486"))],
        ),
        ("Diversion: not an address\r\n", vec![]),
        ("", vec![]),
    ];
    for (headers, told) in table {
        let mut world = World::office();
        let place = world.place("caller");
        world.phones[place].more_headers = headers.to_owned();
        world.set("ali", Manner::answers_after(1.0));
        world.calls("caller", "8000");
        world.after_seconds(2.0);
        world.hangs_up("caller");
        world.peace();
        let cdr = world.cdr();
        let stations: Vec<_> = cdr
            .diverted
            .iter()
            .map(|station| (station.number.as_str(), station.reason.as_deref()))
            .collect();
        assert_eq!(stations, told, "{headers}");
    }
}

fn with_room_for(legs: usize) -> World {
    let mut site = Site::office()
        .unrecorded()
        .ringing(1)
        .overflowing_to(Overflow::HangUp);
    site.agents = vec![agent_of_pbx("layla", "300")];
    let rules = TrunkRules {
        most_calls: Some(legs),
        ..TrunkRules::default()
    };
    site.trunk_rules.insert("pbx".into(), rules);
    let mut world = World::of(site);
    world.set("layla", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world
}

/// Issue 3, call limit: a caller of the trunk and an agent behind it are two.
#[test]
fn an_agent_behind_a_trunk_counts_on_it_and_is_not_rung_when_it_is_full() {
    let mut world = with_room_for(2);
    assert_eq!(world.engine.snapshot(world.now).calls.len(), 1);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().status, Status::Answer);

    let mut world = with_room_for(1);
    world.after_seconds(60.0);
    world.peace();
    assert_ne!(world.cdr().status, Status::Answer);
    assert!(!world.story().contains("──INVITE 300"));
}
