//! What is heard before an answer: the tones and words of a trunk, in every way a caller can take them.

use crate::world::{Early, Manner, OnCancel, Phone, Site, Weather, World};
use callpost::engine::Input;
use callpost::media::MediaEvent;
use callpost::model::{Dice, LegId, LegKey, Status};
use callpost::routing::{Dialing, Route};
use callpost::sip::Trunk;

fn site() -> Site {
    let mut site = Site::office().unrecorded();
    let carrier = |name: &str, host| Trunk::new(name.into(), host, None, None);
    site.carriers = vec![carrier("first", "192.0.2.101"), carrier("second", "192.0.2.102")];
    site.routes = vec![Route {
        name: "city".to_owned(),
        matches: vec!["0*".parse().unwrap()],
        strip: 0,
        prepend: String::new(),
        trunks: vec!["first".into(), "second".into()],
        caller_id: None,
    }];
    site.dialing = Dialing {
        country_code: "966".to_owned(),
        ..Dialing::default()
    };
    site
}

/// The office with two carriers; nobody asks ali for a password here.
fn world_of(first: Manner, second: Manner) -> World {
    world_at(site(), first, second)
}

fn world_at(site: Site, first: Manner, second: Manner) -> World {
    let mut world = World::of(site);
    for (name, place, manner) in [("first", 101, first), ("second", 102, second)] {
        let address = format!("192.0.2.{place}:5060");
        let mut phone = Phone::new(name, "0501112222", address.parse().unwrap());
        phone.manner = manner;
        world.phones.push(phone);
    }
    world.after_seconds(16.0); // The carriers are there from the first probe that finds them.
    world.ladder.lines.clear();
    world
}

fn speaks(early: Early) -> Manner {
    Manner {
        ring_after: None,
        early: Some((1.0, early)),
        ..Manner::answers_after(3.0)
    }
}

fn dead(world: &mut World, leg: u32) {
    let leg = LegKey {
        leg: LegId(leg),
        ..world.leg_of("ali").unwrap()
    };
    world.input(Input::Media(MediaEvent::WentDead { leg }));
}

/// RFC 3960 §3: both ways, and nothing is bridged anew when it is answered.
#[test]
fn what_a_trunk_says_before_the_answer_is_heard_by_who_calls() {
    let mut world = world_of(speaks(Early::Plain), Manner::rings());
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
      16.5s  box ──INVITE 0501112222 +sdp──▶ first
      17.0s  first ──183 INVITE +sdp──▶ box
      17.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      17.0s  media: ali and 0501112222 by first talk
      17.0s  box ──183 INVITE +sdp──▶ ali
      19.0s  first ──200 INVITE +sdp──▶ box
      19.0s  box ──ACK──▶ first
      19.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      19.0s  media: ali at 192.0.2.10:4000 pcmu both
      19.0s  box ──200 INVITE +sdp──▶ ali
      19.0s  ali ──ACK──▶ box
      21.0s  ali ──BYE──▶ box
      21.0s  box ──200 BYE──▶ ali
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ first
      21.0s  journal: call closed, ANSWER
      21.0s  first ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        5.0 s: wait 3.0 ring 2.0 talk 2.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: answered, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

/// RFC 3262 §5: an answer that is in a reliable response and acknowledged is not said again.
#[test]
fn sound_before_the_answer_is_acknowledged_on_both_sides_where_both_require_it() {
    let mut world = world_of(speaks(Early::Reliable), Manner::rings());
    world.phone("ali").more_headers = "Require: 100rel\r\n".to_owned();
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
      16.5s  box ──INVITE 0501112222 +sdp──▶ first
      17.0s  first ──183 INVITE +sdp──▶ box
      17.0s  box ──PRACK──▶ first
      17.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      17.0s  media: ali and 0501112222 by first talk
      17.0s  box ──183 INVITE +sdp──▶ ali
      17.0s  first ──200 PRACK──▶ box
      17.0s  ali ──PRACK──▶ box
      17.0s  box ──200 PRACK──▶ ali
      19.0s  first ──200 INVITE──▶ box
      19.0s  box ──ACK──▶ first
      19.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      19.0s  media: ali at 192.0.2.10:4000 pcmu both
      19.0s  box ──200 INVITE──▶ ali
      19.0s  ali ──ACK──▶ box
      21.0s  ali ──BYE──▶ box
      21.0s  box ──200 BYE──▶ ali
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ first
      21.0s  journal: call closed, ANSWER
      21.0s  first ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        5.0 s: wait 3.0 ring 2.0 talk 2.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: answered, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

/// RFC 3262 §5: no offer in the INVITE, ours in the 183, the answer in the PRACK, nothing in 200 and ACK.
#[test]
fn a_caller_without_an_offer_gets_ours_with_the_sound_and_answers_by_prack() {
    let mut world = world_of(speaks(Early::Plain), Manner::rings());
    world.phone("ali").more_headers = "Supported: 100rel\r\n".to_owned();
    world.calls_with("ali", "0501112222", None);
    world.after_seconds(5.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
      16.0s  ali ──INVITE 0501112222──▶ box
      16.0s  box ──401 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
      16.0s  ali ──INVITE 0501112222 with digest──▶ box
      16.0s  box ──100 INVITE──▶ ali
      16.0s  journal: call opened
      16.0s  box ──INVITE 0501112222 +sdp──▶ first
      16.5s  box ──INVITE 0501112222 +sdp──▶ first
      17.0s  first ──183 INVITE +sdp──▶ box
      17.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      17.0s  media: ali and 0501112222 by first talk
      17.0s  box ──183 INVITE +sdp──▶ ali
      17.0s  ali ──PRACK +sdp──▶ box
      17.0s  box ──200 PRACK──▶ ali
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      19.0s  first ──200 INVITE +sdp──▶ box
      19.0s  box ──ACK──▶ first
      19.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      19.0s  box ──200 INVITE──▶ ali
      19.0s  ali ──ACK──▶ box
      21.0s  ali ──BYE──▶ box
      21.0s  box ──200 BYE──▶ ali
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ first
      21.0s  journal: call closed, ANSWER
      21.0s  first ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        5.0 s: wait 3.0 ring 2.0 talk 2.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: answered, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

/// RFC 3262 §5: the first reliable response has the offer, even if nothing is to be heard.
#[test]
fn a_caller_without_an_offer_who_requires_reliability_gets_ours_with_the_ringing() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").more_headers = "Require: 100rel\r\n".to_owned();
    world.set("ali", Manner::answers_after(2.0));
    world.calls_with("caller", "8000", None);
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE +sdp──▶ caller
       0.0s  caller ──PRACK +sdp──▶ box
       0.0s  box ──200 PRACK──▶ caller
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       2.0s  box ──200 INVITE──▶ caller
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  caller ──ACK──▶ box
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

/// The tone of the first way is gone with it: the caller hears ours until the second one rings.
#[test]
fn when_a_trunk_that_was_heard_fails_the_caller_hears_ringing_and_then_the_next() {
    let fails = Manner {
        then: Some((2.0, 503)),
        ..speaks(Early::Plain)
    };
    let mut world = world_of(fails, speaks(Early::Plain));
    world.calls("ali", "0501112222");
    world.after_seconds(7.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
      16.0s  ali ──INVITE 0501112222 +sdp──▶ box
      16.0s  box ──401 INVITE──▶ ali
      16.0s  ali ──ACK──▶ box
      16.0s  ali ──INVITE 0501112222 with digest +sdp──▶ box
      16.0s  box ──100 INVITE──▶ ali
      16.0s  journal: call opened
      16.0s  box ──INVITE 0501112222 +sdp──▶ first
      16.5s  box ──INVITE 0501112222 +sdp──▶ first
      17.0s  first ──183 INVITE +sdp──▶ box
      17.0s  media: 0501112222 by first at 192.0.2.101:4000 pcmu both
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      17.0s  media: ali and 0501112222 by first talk
      17.0s  box ──183 INVITE +sdp──▶ ali
      18.0s  first ──503 INVITE──▶ box
      18.0s  box ──ACK──▶ first
      18.0s  media: play ringback to ali over and over
      18.0s  box ──INVITE 0501112222 +sdp──▶ second
      18.5s  box ──INVITE 0501112222 +sdp──▶ second
      19.0s  second ──183 INVITE +sdp──▶ box
      19.0s  media: 0501112222 by second at 192.0.2.102:4000 pcmu both
      19.0s  media: ali at 192.0.2.10:4000 pcmu both
      19.0s  media: ali and 0501112222 by second talk
      19.0s  box ──183 INVITE +sdp──▶ ali
      21.0s  second ──200 INVITE +sdp──▶ box
      21.0s  box ──ACK──▶ second
      21.0s  media: 0501112222 by second at 192.0.2.102:4000 pcmu both
      21.0s  media: ali at 192.0.2.10:4000 pcmu both
      21.0s  box ──200 INVITE +sdp──▶ ali
      21.0s  ali ──ACK──▶ box
      23.0s  ali ──BYE──▶ box
      23.0s  box ──200 BYE──▶ ali
      23.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ second
      23.0s  journal: call closed, ANSWER
      23.0s  second ──200 BYE──▶ box
    CDR ANSWER outbound 1001 → 0501112222, by ali, ended by caller, q850 16
        7.0 s: wait 5.0 ring 3.0 talk 2.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 0501112222 round 1: congested 503 Service Unavailable, rang
        leg 2 0501112222 round 2: answered, rang
    ");
    assert_eq!(world.cdr().trunk, Some("second".into()));
}

/// An announcement that explains a refusal is heard, and nothing of it is a conversation.
#[test]
fn a_number_that_does_not_exist_is_explained_before_it_is_refused() {
    let explains = Manner {
        then: Some((9.0, 404)),
        ..speaks(Early::Plain)
    };
    let mut world = world_of(explains, Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(12.0);
    world.peace();
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.sip_code), (Status::Failed, Some(404)));
    assert!(cdr.answered_at.is_none() && cdr.talk_ms == 0);
}

/// A caller may give up while a trunk speaks; then nobody is left behind.
#[test]
fn a_caller_who_gives_up_during_an_announcement_ends_it() {
    let speaks_on = Manner {
        then: None,
        ..speaks(Early::Plain)
    };
    let mut world = world_of(speaks_on, Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    world.hangs_up("ali");
    world.after_seconds(2.0);
    world.peace();
    assert_eq!(world.cdr().status, Status::Canceled);
}

/// A phone that rings sends nothing, and a trunk may be silent while it does: no time-out ends that.
#[test]
fn silence_before_the_answer_ends_no_call() {
    let mut world = world_of(speaks(Early::Plain), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(2.0);
    dead(&mut world, 0);
    dead(&mut world, 1);
    world.after_seconds(3.0);
    assert!(world.cdrs.is_empty(), "{}", world.ladder.lines.join("\n"));
    dead(&mut world, 1);
    world.peace();
    assert_eq!(world.cdr().cause.as_deref(), Some("no_media"));
}

/// Downstream of the trunk two phones of a fork send sound: the first is heard, the second is not.
#[test]
fn of_a_fork_the_first_sound_is_heard() {
    let mut world = world_of(speaks(Early::Forked), Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(5.0);
    world.hangs_up("ali");
    let story = world.story();
    assert_eq!(
        story.matches("box ──183 INVITE +sdp──▶ ali").count(),
        1,
        "{story}"
    );
    assert!(!story.contains(":4100"), "{story}");
}

/// Phones of a group that ring together are not heard: the caller hears one ringing tone.
#[test]
fn sound_of_phones_that_ring_together_is_not_passed_on() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", speaks(Early::Plain));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    let story = world.story();
    assert!(!story.contains("183 INVITE +sdp──▶ caller"), "{story}");
    assert!(story.contains("1.0s  ali ──183 INVITE +sdp──▶ box"), "{story}");
    assert_eq!(world.cdr().agent, Some("ali".into()));
}

/// RFC 3262 §3: SDP on its way is acknowledged before the answer is given.
#[test]
fn an_answer_waits_for_the_prack_of_the_sound_before_it() {
    let quick = Manner {
        then: Some((1.0, 200)),
        ..speaks(Early::Plain)
    };
    let mut world = world_of(quick, Manner::rings());
    world.phone("ali").more_headers = "Require: 100rel\r\n".to_owned();
    world.calls("ali", "0501112222");
    world.after_seconds(5.0);
    world.hangs_up("ali");
    let story = world.story();
    let place = |line: &str| story.find(line).unwrap_or_else(|| panic!("{line} in {story}"));
    assert!(
        place("ali ──PRACK──▶ box") < place("box ──200 INVITE──▶ ali"),
        "{story}"
    );
}

/// One way a carrier may take a call.
fn any_manner(dice: &mut Dice) -> Manner {
    let early = [Early::Plain, Early::Reliable, Early::Forked][dice.roll(3) as usize];
    let status = [200, 200, 200, 404, 480, 486, 503][dice.roll(7) as usize];
    Manner {
        ring_after: (dice.roll(2) == 0).then_some(dice.roll(3) as f64),
        early: (dice.roll(4) > 0).then_some((dice.roll(4) as f64 / 2.0, early)),
        then: (dice.roll(8) > 0).then_some((dice.roll(5) as f64, status)),
        on_cancel: [OnCancel::Stop, OnCancel::Answer][dice.roll(2) as usize],
        ..Manner::rings()
    }
}

/// Whatever carriers let hear, however callers want to be told, and in a network that loses one datagram in ten: each call
/// files one record and leaves nothing.
#[test]
fn whatever_is_heard_before_an_answer_nothing_of_it_stays() {
    for seed in 1..=150 {
        let mut dice = Dice::from_number(seed);
        let mut site = site();
        site.early_ringback = dice.roll(2) == 0;
        let mut world = world_at(site, any_manner(&mut dice), any_manner(&mut dice));
        world.ladder.quiet = true;
        if dice.roll(3) == 0 {
            world.weather = Weather {
                lost_percent: 10,
                doubled_percent: 5,
                latency_ms: 80,
            };
        }
        let asks = ["", "Supported: 100rel\r\n", "Require: 100rel\r\n"][dice.roll(3) as usize];
        world.phone("ali").more_headers = asks.to_owned();
        let sdp = (dice.roll(2) == 0).then(|| world.phone("ali").sdp("sendrecv"));
        world.calls_with("ali", "0501112222", sdp);
        world.after_seconds(dice.roll(12) as f64 / 2.0);
        if dice.roll(4) == 0 && world.leg_of("ali").is_some() {
            dead(&mut world, dice.roll(3) as u32);
        }
        world.after_seconds(dice.roll(6) as f64);
        world.hangs_up("ali");
        world.weather = Weather::default();
        world.peace();
    }
}

/// A menu that speaks before it answers hears the keys of a caller, by INFO in the dialog its sound came in (RFC 3261 §12.1.2).
#[test]
fn a_trunk_that_wants_info_is_told_of_keys_before_it_answers() {
    let mut site = site();
    let rules = callpost::engine::TrunkRules {
        dtmf: callpost::model::Dtmf::Info,
        ..Default::default()
    };
    site.trunk_rules.insert("first".into(), rules);
    let late = Manner {
        then: Some((9.0, 200)),
        ..speaks(Early::Plain)
    };
    let mut world = world_at(site, late, Manner::rings());
    world.calls("ali", "0501112222");
    world.after_seconds(5.0);
    world.presses("ali", "12");
    world.after_seconds(1.0);
    assert_eq!(
        world.phone("first").keys_told,
        "Signal=1\r\nDuration=100 Signal=2\r\nDuration=100 "
    );
    world.after_seconds(6.0);
    world.presses("ali", "3");
    world.after_seconds(1.0);
    assert!(world.phone("first").keys_told.contains("Signal=3"));
    world.hangs_up("ali");
    world.story();
}
