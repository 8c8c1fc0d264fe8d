//! Phones and networks that say nothing, or too late.

use crate::world::{Manner, OnCancel, Site, World};
use callpost::agents::Overflow;
use callpost::engine::Input;
use callpost::model::Status;
use callpost::sip::{Flow, Transport};

#[test]
fn a_phone_that_is_switched_off_is_asked_seven_times_and_never_cancelled() {
    let mut site = Site::office()
        .unrecorded()
        .overflowing_to(Overflow::HangUp)
        .ringing(1);
    site.agents.truncate(1);
    let mut world = World::of(site);
    world.set("ali", Manner::dead());
    world.calls("caller", "8000");
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.5s  box ──INVITE 1001 +sdp──▶ ali
       1.5s  box ──INVITE 1001 +sdp──▶ ali
       3.5s  box ──INVITE 1001 +sdp──▶ ali
       7.5s  box ──INVITE 1001 +sdp──▶ ali
      15.5s  box ──INVITE 1001 +sdp──▶ ali
      20.0s  journal: call closed, NO_ANSWER
      20.0s  box ──480 INVITE──▶ caller
      20.0s  caller ──ACK──▶ box
      31.5s  box ──INVITE 1001 +sdp──▶ ali
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, sip 480, q850 20
        20.0 s: wait 20.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: unreachable
        leg 1 ali 1001 round 1: unreachable
    ");
    assert_eq!((world.cdr().status, world.cdr().ring_ms), (Status::NoAnswer, 0));
}

#[test]
fn a_phone_that_says_nothing_before_somebody_else_wins_is_cancelled_when_it_rings() {
    let mut world = World::of(Site::office().unrecorded());
    world.set(
        "ali",
        Manner {
            ring_after: Some(3.0),
            ..Manner::rings()
        },
    );
    world.set("mona", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.5s  box ──INVITE 1001 +sdp──▶ ali
       1.0s  mona ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  media: mona at 192.0.2.11:4000 pcmu both
       1.0s  media: caller at 192.0.2.100:4000 pcmu both
       1.0s  media: caller and mona talk
       1.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       1.0s  box ──200 INVITE +sdp──▶ caller
       1.0s  omar ──200 CANCEL──▶ box
       1.0s  omar ──487 INVITE──▶ box
       1.0s  caller ──ACK──▶ box
       1.0s  box ──ACK──▶ omar
       1.5s  box ──INVITE 1001 +sdp──▶ ali
       3.0s  ali ──180 INVITE──▶ box
       3.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       3.0s  ali ──200 CANCEL──▶ box
       3.0s  ali ──487 INVITE──▶ box
       3.0s  box ──ACK──▶ ali
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       5.0s  journal: call closed, ANSWER
       5.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 1.0 ring 1.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert!(world.phone("ali").talk().unwrap().was_told_elsewhere());
}

#[test]
fn a_phone_that_answers_out_of_silence_after_somebody_else_won_is_sent_home() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_silently_after(3.0));
    world.set("mona", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.5s  box ──INVITE 1001 +sdp──▶ ali
       1.0s  mona ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  media: mona at 192.0.2.11:4000 pcmu both
       1.0s  media: caller at 192.0.2.100:4000 pcmu both
       1.0s  media: caller and mona talk
       1.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       1.0s  box ──200 INVITE +sdp──▶ caller
       1.0s  omar ──200 CANCEL──▶ box
       1.0s  omar ──487 INVITE──▶ box
       1.0s  caller ──ACK──▶ box
       1.0s  box ──ACK──▶ omar
       1.5s  box ──INVITE 1001 +sdp──▶ ali
       3.0s  ali ──200 INVITE +sdp──▶ box
       3.0s  box ──ACK──▶ ali
       3.0s  box ──BYE (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       3.0s  ali ──200 BYE──▶ box
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       5.0s  journal: call closed, ANSWER
       5.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 1.0 ring 1.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert!(world.phone("ali").talk().unwrap().was_told_elsewhere());
}

#[test]
fn a_phone_that_rings_on_after_its_cancel_is_forgotten_after_32_seconds() {
    let mut world = World::of(Site::office().unrecorded());
    world.set(
        "ali",
        Manner {
            on_cancel: OnCancel::RingOn,
            rings_again: Some(10.0),
            ..Manner::rings()
        },
    );
    world.set("mona", Manner::answers_after(1.0));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    world.after_seconds(60.0);
    world.phone("ali").manner.rings_again = None;
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ omar
       1.0s  mona ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  media: mona at 192.0.2.11:4000 pcmu both
       1.0s  media: caller at 192.0.2.100:4000 pcmu both
       1.0s  media: caller and mona talk
       1.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       1.0s  box ──200 INVITE +sdp──▶ caller
       1.0s  ali ──200 CANCEL──▶ box
       1.0s  caller ──ACK──▶ box
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       5.0s  journal: call closed, ANSWER
       5.0s  mona ──200 BYE──▶ box
      10.0s  ali ──180 INVITE──▶ box
      20.0s  ali ──180 INVITE──▶ box
      30.0s  ali ──180 INVITE──▶ box
      40.0s  ali ──180 INVITE──▶ box
      50.0s  ali ──180 INVITE──▶ box
      60.0s  ali ──180 INVITE──▶ box
      70.0s  ali ──180 INVITE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 1.0 ring 1.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
}

#[test]
fn a_phone_the_network_cannot_reach_is_refused_at_once_and_the_others_ring_on() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::dead());
    world.set("mona", Manner::answers_after(3.0));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    let way = Flow {
        transport: Transport::Udp,
        local: crate::world::BOX.parse().unwrap(),
        peer: world.phone("ali").address,
        connection: None,
    };
    world.write(|| "network: ali cannot be reached".to_owned());
    world.input(Input::Unreachable(way));
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ omar
       0.0s  network: ali cannot be reached
       3.0s  mona ──200 INVITE +sdp──▶ box
       3.0s  box ──ACK──▶ mona
       3.0s  media: mona at 192.0.2.11:4000 pcmu both
       3.0s  media: caller at 192.0.2.100:4000 pcmu both
       3.0s  media: caller and mona talk
       3.0s  box ──200 INVITE +sdp──▶ caller
       3.0s  caller ──ACK──▶ box
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       5.0s  journal: call closed, ANSWER
       5.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 3.0 ring 3.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: unreachable 503 Service Unavailable
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(world.cdr().legs[1].result, "unreachable");
}

#[test]
fn a_phone_whose_connection_closes_is_unregistered_and_no_longer_rung() {
    let mut world = World::unregistered(Site::office().unrecorded(), 1);
    world.phone("ali").transport = Transport::Tcp;
    world.phone("ali").connection = Some(7);
    world.registers("ali", 600);
    world.registers("mona", 600);
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    world.write(|| "network: the connection of ali closes".to_owned());
    world.input(Input::StreamClosed(7));
    world.after_seconds(20.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  network: the connection of ali closes
       2.0s  log: Phone 1001 is no longer registered.
       2.0s  journal: 1001 unbound
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      20.0s  box ──INVITE 1002 +sdp──▶ mona
      20.0s  mona ──200 CANCEL──▶ box
      20.0s  mona ──487 INVITE──▶ box
      20.0s  mona ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ mona
      22.0s  caller ──CANCEL──▶ box
      22.0s  box ──200 CANCEL──▶ caller
      22.0s  box ──487 INVITE──▶ caller
      22.0s  journal: call closed, CANCELED
      22.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
      22.0s  caller ──ACK──▶ box
      22.0s  mona ──200 CANCEL──▶ box
      22.0s  mona ──487 INVITE──▶ box
      22.0s  box ──ACK──▶ mona
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        22.0 s: wait 22.0 ring 22.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: unreachable 430 Flow Failed, rang
        leg 2 mona 1002 round 1: no_answer, rang
        leg 3 mona 1002 round 2: canceled, rang
    ");
    let legs = &world.cdr().legs;
    assert_eq!(
        (legs[1].result.as_str(), legs[3].agent.as_ref().unwrap().as_str()),
        ("unreachable", "mona")
    );
}
