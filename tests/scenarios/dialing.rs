//! Phones of the house reach the outside: routes, trunks that fail, what may not be dialled.

use crate::world::{Manner, Phone, Site, World};
use callpost::engine::TrunkRules;
use callpost::model::{Direction, Status};
use callpost::routing::{Dialing, Route};
use callpost::sip::{CallerId, Manners, NumberForm, Secret, Trunk};

const FIRST: &str = "192.0.2.101:5060";
const SECOND: &str = "192.0.2.102:5060";

fn carrier(name: &str, host: &str) -> Trunk {
    Trunk {
        credentials: Some(Secret {
            username: "0112345678".to_owned(),
            password: "carrier password".to_owned(),
        }),
        ..Trunk::new(name.into(), host, None, None)
    }
}

fn site() -> Site {
    let mut site = Site::office().unrecorded();
    site.carriers = vec![carrier("first", "192.0.2.101"), carrier("second", "192.0.2.102")];
    site.routes = vec![Route {
        name: "city".to_owned(),
        matches: vec!["0*".parse().unwrap()],
        strip: 0,
        prepend: String::new(),
        trunks: vec!["first".into(), "second".into()],
        caller_id: Some("+966112345678".into()),
    }];
    site.dialing = Dialing {
        country_code: "966".to_owned(),
        ..Dialing::default()
    };
    site
}

/// The office with two carriers, each with one telephone behind it.
fn world_of(site: Site, first: Manner, second: Manner) -> World {
    let mut world = World::of(site);
    for (name, address, manner) in [("first", FIRST, first), ("second", SECOND, second)] {
        let mut phone = Phone::new(name, "0501112222", address.parse().unwrap());
        phone.manner = manner;
        world.phones.push(phone);
    }
    world.after_seconds(16.0); // The carriers are there from the first probe that finds them.
    world.ladder.lines.clear();
    world
}

/// S0-014.
#[test]
fn a_phone_calls_a_number_outside_and_the_record_says_what_was_shown() {
    let challenged = Manner {
        challenge: Some(407),
        ..Manner::answers_after(2.0)
    };
    let mut world = world_of(site(), challenged, Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(5.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
      16.0s  ali ──INVITE 0501112222 +sdp──▶ box
      16.0s  box ──401 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
      16.0s  ali ──INVITE 0501112222 with digest +sdp──▶ box
      16.0s  box ──100 INVITE──▶ ali
      16.0s  journal: call opened
      16.0s  box ──INVITE 0501112222 +sdp──▶ first
      16.0s  first ──407 INVITE──▶ box
      16.0s  box ──ACK──▶ first
      16.0s  box ──INVITE 0501112222 with digest +sdp──▶ first
      16.0s  first ──180 INVITE──▶ box
      16.0s  box ──180 INVITE──▶ ali
      18.0s  first ──200 INVITE +sdp──▶ box
      18.0s  box ──ACK──▶ first
      18.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      18.0s  media: ali at 192.0.2.10:4000 pcmu both
      18.0s  media: ali and 0501112222 by first talk
      18.0s  box ──200 INVITE +sdp──▶ ali
      18.0s  ali ──ACK──▶ box
      21.0s  ali ──BYE──▶ box
      21.0s  box ──200 BYE──▶ ali
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ first
      21.0s  journal: call closed, ANSWER
      21.0s  first ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: answered, rang
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.direction, cdr.status), (Direction::Outbound, Status::Answer));
    assert_eq!(cdr.trunk, Some("first".into()));
    assert_eq!(cdr.outbound_caller_id, Some("+966112345678".into()));
    assert_eq!(cdr.agent, Some("ali".into()));
    assert_eq!(cdr.callee_number, Some("0501112222".into()));
}

#[test]
fn a_call_overflows_from_a_trunk_that_has_no_room_to_the_next() {
    let mut world = world_of(site(), Manner::refuses(503), Manner::answers_after(1.0));
    world.calls("ali", "0501112222");
    world.after_seconds(3.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
      16.0s  ali ──INVITE 0501112222 +sdp──▶ box
      16.0s  box ──401 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
      16.0s  ali ──INVITE 0501112222 with digest +sdp──▶ box
      16.0s  box ──100 INVITE──▶ ali
      16.0s  journal: call opened
      16.0s  box ──INVITE 0501112222 +sdp──▶ first
      16.0s  first ──503 INVITE──▶ box
      16.0s  box ──ACK──▶ first
      16.0s  box ──INVITE 0501112222 +sdp──▶ second
      16.0s  second ──180 INVITE──▶ box
      16.0s  box ──180 INVITE──▶ ali
      17.0s  second ──200 INVITE +sdp──▶ box
      17.0s  box ──ACK──▶ second
      17.0s  media: 0501112222 by second at 192.0.2.102:4000 pcmu both
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      17.0s  media: ali and 0501112222 by second talk
      17.0s  box ──200 INVITE +sdp──▶ ali
      17.0s  ali ──ACK──▶ box
      19.0s  ali ──BYE──▶ box
      19.0s  box ──200 BYE──▶ ali
      19.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ second
      19.0s  journal: call closed, ANSWER
      19.0s  second ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        3.0 s: wait 1.0 ring 1.0 talk 2.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: congested 503 Service Unavailable
        leg 2 0501112222 round 2: answered, rang
    ");
    assert_eq!(world.cdr().trunk, Some("second".into()));
}

/// ROBUSTNESS 87: a dead trunk costs a caller seconds, once it is known to be dead nothing.
#[test]
fn a_call_overflows_from_a_dead_trunk_to_a_living_one() {
    let mut world = world_of(site(), Manner::rings(), Manner::answers_after(1.0));
    world.set("first", Manner::dead());
    world.calls("ali", "0501112222");
    world.after_seconds(6.0);
    world.hangs_up("ali");
    world.after_seconds(40.0);
    world.calls("mona", "0501112222");
    world.after_seconds(2.0);
    world.hangs_up("mona");
    let story = world.story();
    let invited =
        |at: &str, whom: &str| story.contains(&format!("{at}s  box ──INVITE 0501112222 +sdp──▶ {whom}"));
    assert!(invited("16.0", "first") && invited("20.0", "second"), "{story}");
    assert!(
        story.contains("Trunk first is down: it does not answer."),
        "{story}"
    );
    assert!(invited("62.0", "second") && !invited("62.0", "first"), "{story}");
    assert!(
        world.cdrs.iter().all(|cdr| cdr.status == Status::Answer),
        "{story}"
    );
}

#[test]
fn what_the_callee_says_is_the_end() {
    for (status, wanted, cause) in [
        (486, Status::Busy, None),
        (603, Status::NoAnswer, Some("declined")),
        (480, Status::NoAnswer, None),
        (404, Status::Failed, Some("no_such_number")),
    ] {
        let mut world = world_of(site(), Manner::refuses(status), Manner::answers_after(0.0));
        world.calls("ali", "0501112222");
        world.after_seconds(2.0);
        world.peace();
        let cdr = world.cdr();
        assert_eq!((cdr.status, cdr.sip_code), (wanted, Some(status)), "{status}");
        assert_eq!(cdr.cause.as_deref(), cause, "{status}");
        assert_eq!(cdr.trunk, Some("first".into()));
    }
}

#[test]
fn when_no_trunk_serves_the_caller_hears_it_and_the_record_says_why() {
    let mut world = world_of(site(), Manner::refuses(503), Manner::refuses(500));
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    world.peace();
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.cause.as_deref()),
        (Status::Failed, Some("no_trunk"))
    );
    assert_eq!((cdr.sip_code, cdr.legs.len()), (Some(503), 3));
}

#[test]
fn a_number_that_rings_too_long_is_given_up() {
    let mut site = site();
    site.dialing.ring_seconds = 30;
    let mut world = world_of(site, Manner::rings(), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(31.0);
    world.peace();
    assert_eq!(world.cdr().status, Status::NoAnswer);
}

/// ROBUSTNESS 41.
#[test]
fn numbers_that_cost_are_not_dialled_and_somebody_is_told() {
    let mut world = world_of(site(), Manner::answers_after(0.0), Manner::answers_after(0.0));
    for dialed in [
        "0900123456",
        "004930123456",
        "0088212345678",
        "0*72",
        "0%39%30%30123456",
    ] {
        world.calls("ali", dialed);
        world.after_seconds(1.0);
    }
    let sixty = format!("0{}", "1".repeat(59));
    world.calls("ali", &sixty);
    world.after_seconds(1.0);
    assert!(world.phone("first").talks.is_empty() && world.phone("second").talks.is_empty());
    let alarms = world.engine.snapshot(world.now).alarms;
    let alarm = alarms
        .iter()
        .find(|alarm| alarm.code == "dialing_refused")
        .expect("an alarm");
    assert!(alarm.text.contains("Phone 1001"), "{}", alarm.text);
    world.peace();
    assert!(world.cdrs.is_empty());
}

/// ROBUSTNESS 41: per-account caps.
#[test]
fn a_phone_dials_outside_only_so_often() {
    let mut site = site();
    site.dialing.calls_per_minute = 3;
    let mut world = world_of(site, Manner::refuses(486), Manner::rings());
    for _ in 0..10 {
        world.calls("ali", "0501112222");
        world.after_seconds(1.0);
    }
    assert_eq!(world.cdrs.len(), 3, "seven were refused");
    world.after_seconds(60.0);
    world.calls("ali", "0501112222");
    world.calls("mona", "0501112222");
    world.after_seconds(1.0);
    assert_eq!(world.cdrs.len(), 5, "others, and later, may");
    world.peace();
}

#[test]
fn a_phone_has_two_calls_outside_at_once_and_a_trunk_as_many_as_it_may() {
    let mut site = site();
    let one = TrunkRules {
        most_calls: Some(1),
        ..TrunkRules::default()
    };
    site.trunk_rules.insert("first".into(), one);
    let mut world = world_of(site, Manner::answers_after(0.0), Manner::answers_after(0.0));
    for name in ["ali", "ali", "ali", "mona"] {
        world.calls(name, "0501112222");
        world.after_seconds(1.0);
    }
    let calls = world.engine.snapshot(world.now).calls;
    let trunks: Vec<_> = calls
        .iter()
        .filter_map(|call| call.trunk.as_ref())
        .map(|trunk| trunk.as_str())
        .collect();
    assert_eq!(trunks, ["first", "second", "second"]);
    for call in calls {
        world.command(callpost::engine::Command::HangUp(call.call_id));
    }
    world.peace();
}

#[test]
fn an_emergency_call_is_let_through_a_full_box_a_full_trunk_and_every_limit() {
    let mut site = site();
    site.most_calls = 1;
    site.dialing.calls_per_minute = 1;
    let full = TrunkRules {
        most_calls: Some(1),
        ..TrunkRules::default()
    };
    site.trunk_rules.insert("first".into(), full);
    let mut world = world_of(site, Manner::answers_after(0.0), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(1.0);
    world.calls("mona", "0501112222");
    world.after_seconds(1.0);
    assert_eq!(world.engine.snapshot(world.now).calls.len(), 1, "the box is full");
    world.calls("mona", "112");
    world.after_seconds(1.0);
    let calls = world.engine.snapshot(world.now).calls;
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .any(|call| call.dialed_number.as_str() == "112" && call.stage == "talking")
    );
    world.hangs_up("ali");
    world.hangs_up("mona");
    world.peace();
}

#[test]
fn the_caller_who_gives_up_ends_the_call_outside() {
    let mut world = world_of(site(), Manner::rings(), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(3.0);
    world.hangs_up("ali");
    world.peace();
    assert_eq!(world.cdr().status, Status::Canceled);
}

/// ROBUSTNESS 41: who comes in by a trunk does not leave by one.
#[test]
fn a_caller_from_outside_does_not_get_outside() {
    let mut world = world_of(site(), Manner::answers_after(0.0), Manner::rings());
    world.calls("caller", "0501112222");
    world.after_seconds(1.0);
    world.peace();
    assert!(world.cdrs.is_empty());
}

#[test]
fn a_trunk_hears_who_calls_in_the_form_it_wants() {
    let mut site = site();
    site.carriers[0].manners = Manners {
        caller_id: CallerId::AssertedIdentity,
        number_form: NumberForm::National {
            country: "966".to_owned(),
        },
        hides: true,
        follows_redirects: false,
    };
    let mut world = world_of(site, Manner::answers_after(1.0), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    let heard = world.phone("first").last_invite.clone();
    assert!(
        heard.contains("From: \"ali\" <sip:0112345678@192.0.2.101>")
            || heard.contains("From: <sip:0112345678@192.0.2.101>"),
        "{heard}"
    );
    assert!(
        heard.contains("P-Asserted-Identity: ") && heard.contains("<sip:0112345678@callpost>"),
        "{heard}"
    );
    assert!(!heard.contains("Privacy:"), "nobody asked for it");
    world.hangs_up("ali");
    world.phone("ali").more_headers = "Privacy: id\r\n".to_owned();
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    let heard = world.phone("first").last_invite.clone();
    assert!(
        heard.contains("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>")
            && heard.contains("Privacy: id"),
        "{heard}"
    );
    world.hangs_up("ali");
    world.peace();
    assert_eq!(world.cdrs[0].outbound_caller_id, Some("0112345678".into()));
}

/// A carrier that sends every call on to this place; the other carrier would take it.
fn redirecting(follows: bool, to: &str) -> World {
    let mut site = site();
    site.carriers[0].manners.follows_redirects = follows;
    let moved = Manner {
        moved_to: Some(to.to_owned()),
        ..Manner::refuses(302)
    };
    world_of(site, moved, Manner::answers_after(1.0))
}

/// RFC 3261 §8.1.3.4: to a number at the same carrier, once; the same again is a circle.
#[test]
fn a_call_that_a_carrier_sends_on_to_itself_is_followed_if_its_owner_said_so_and_never_in_a_circle() {
    let mut world = redirecting(true, "sip:0503334444@192.0.2.101");
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    insta::assert_snapshot!(world.story(), @"
      16.0s  ali ──INVITE 0501112222 +sdp──▶ box
      16.0s  box ──401 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
      16.0s  ali ──INVITE 0501112222 with digest +sdp──▶ box
      16.0s  box ──100 INVITE──▶ ali
      16.0s  journal: call opened
      16.0s  box ──INVITE 0501112222 +sdp──▶ first
      16.0s  first ──302 INVITE──▶ box
      16.0s  box ──ACK──▶ first
      16.0s  box ──INVITE 0503334444 +sdp──▶ first
      16.0s  first ──302 INVITE──▶ box
      16.0s  box ──ACK──▶ first
      16.0s  journal: call closed, FAILED
      16.0s  box ──500 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
    CDR FAILED outbound 1001 → 0501112222, ended by system, sip 500, q850 41, cause redirected
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 ali 1001: failed
        leg 1 0503334444 round 1: redirected 302 Moved Temporarily
    ");
    let cdr = world.cdr();
    assert_eq!(cdr.cause.as_deref(), Some("redirected"));
    let stations: Vec<_> = cdr
        .diverted
        .iter()
        .map(|station| (station.number.as_str(), station.reason.as_deref()))
        .collect();
    assert_eq!(stations, [("0501112222", Some("SIP;cause=302"))]);
    assert_eq!(cdr.legs[1].number, "0503334444");
}

/// ROBUSTNESS 41: not without the owner's word, not to anybody else, not to what may not be dialled.
#[test]
fn a_call_is_not_sent_on_to_strangers_nor_to_what_may_not_be_dialled() {
    for (follows, to) in [
        (false, "sip:0503334444@192.0.2.101"),
        (true, "sip:0503334444@198.51.100.7"),
        (true, "sip:0503334444@192.0.2.102"),
        (true, "sip:0503334444@127.0.0.1"),
        (true, "sip:0503334444@first.example.com"),
        (true, "sips:0503334444@192.0.2.101"),
        (true, "sip:0503334444@192.0.2.101?Replaces=x"),
        (true, "tel:0503334444"),
        (true, "sip:0900123456@192.0.2.101"),
        (true, "sip:+4915112345678@192.0.2.101"),
        (true, "sip:*72@192.0.2.101"),
    ] {
        let mut world = redirecting(follows, to);
        world.calls("ali", "0501112222");
        world.after_seconds(2.0);
        let asked = world.ladder.lines.iter().filter(|line| line.contains("INVITE 0"));
        let asked = asked.filter(|line| line.contains("box ──")).count();
        assert_eq!(asked, 1, "{to}: {}", world.ladder.lines.join("\n"));
        world.peace();
        let cdr = world.cdr();
        assert_eq!(cdr.cause.as_deref(), Some("redirected"), "{to}");
        assert!(cdr.diverted.is_empty(), "{to}");
    }
}
