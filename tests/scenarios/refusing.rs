//! Phones that will not take the call, each in its own way.

use crate::world::{Manner, Site, World};
use callpost::agents::Overflow;
use callpost::model::Status;

/// S0-024, S0-021
#[test]
fn when_all_are_busy_a_second_round_follows_and_then_the_caller_hears_busy() {
    let mut world = World::of(Site::office().overflowing_to(Overflow::HangUp));
    for name in ["ali", "mona", "omar"] {
        world.set(name, Manner::refuses(486));
    }
    world.calls("caller", "8000");
    world.after_seconds(10.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──486 INVITE──▶ box
       0.0s  mona ──486 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──ACK──▶ ali
       0.0s  box ──ACK──▶ mona
       0.0s  box ──ACK──▶ omar
       3.0s  box ──INVITE 1001 +sdp──▶ ali
       3.0s  box ──INVITE 1002 +sdp──▶ mona
       3.0s  box ──INVITE 1003 +sdp──▶ omar
       3.0s  ali ──486 INVITE──▶ box
       3.0s  mona ──486 INVITE──▶ box
       3.0s  omar ──486 INVITE──▶ box
       3.0s  box ──ACK──▶ ali
       3.0s  box ──ACK──▶ mona
       3.0s  box ──ACK──▶ omar
       3.0s  journal: call closed, BUSY
       3.0s  box ──486 INVITE──▶ caller
       3.0s  caller ──ACK──▶ box
    CDR BUSY inbound 0501234567 → 8000, group sales, ended by system, sip 486, q850 17
        3.0 s: wait 3.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: busy
        leg 1 ali 1001 round 1: busy 486 Busy Here
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 omar 1003 round 1: busy 486 Busy Here
        leg 4 ali 1001 round 2: busy 486 Busy Here
        leg 5 mona 1002 round 2: busy 486 Busy Here
        leg 6 omar 1003 round 2: busy 486 Busy Here
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.sip_code, cdr.q850),
        (Status::Busy, Some(486), Some(17))
    );
    assert_eq!((cdr.ring_ms, cdr.wait_ms), (0, 3_000));
}

#[test]
fn when_all_decline_nobody_is_rung_again_and_the_caller_is_told() {
    let mut world = World::of(Site::office().overflowing_to(Overflow::HangUp));
    world.set("ali", Manner::refuses_after(1.0, 603));
    world.set("mona", Manner::refuses_after(2.0, 486));
    world.set("omar", Manner::refuses_after(3.0, 603));
    world.calls("caller", "8000");
    world.after_seconds(30.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       1.0s  ali ──603 INVITE──▶ box
       1.0s  box ──ACK──▶ ali
       2.0s  mona ──486 INVITE──▶ box
       2.0s  box ──ACK──▶ mona
       3.0s  omar ──603 INVITE──▶ box
       3.0s  box ──ACK──▶ omar
       6.0s  journal: call closed, BUSY
       6.0s  box ──486 INVITE──▶ caller
       6.0s  caller ──ACK──▶ box
    CDR BUSY inbound 0501234567 → 8000, group sales, ended by system, sip 486, q850 17
        6.0 s: wait 6.0 ring 3.0 talk 0.0 hold 0.0
        leg 0 0501234567: busy
        leg 1 ali 1001 round 1: declined 603 Decline, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here, rang
        leg 3 omar 1003 round 1: declined 603 Decline, rang
    ");
    let cdr = world.cdr();
    assert_eq!(cdr.legs.len(), 4);
    assert_eq!((cdr.status, cdr.ring_ms), (Status::Busy, 3_000));
}

#[test]
fn an_agent_who_declined_is_left_alone_in_the_next_round() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::refuses_after(2.0, 603));
    world.calls("caller", "8000");
    world.after_seconds(22.0);
    world.set("mona", Manner::rings());
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──603 INVITE──▶ box
       2.0s  box ──ACK──▶ ali
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      20.0s  box ──INVITE 1002 +sdp──▶ mona
      20.0s  box ──INVITE 1003 +sdp──▶ omar
      20.0s  mona ──200 CANCEL──▶ box
      20.0s  mona ──487 INVITE──▶ box
      20.0s  omar ──200 CANCEL──▶ box
      20.0s  omar ──487 INVITE──▶ box
      20.0s  mona ──180 INVITE──▶ box
      20.0s  omar ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ mona
      20.0s  box ──ACK──▶ omar
      22.0s  caller ──CANCEL──▶ box
      22.0s  box ──200 CANCEL──▶ caller
      22.0s  box ──487 INVITE──▶ caller
      22.0s  journal: call closed, CANCELED
      22.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
      22.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
      22.0s  caller ──ACK──▶ box
      22.0s  mona ──200 CANCEL──▶ box
      22.0s  mona ──487 INVITE──▶ box
      22.0s  omar ──200 CANCEL──▶ box
      22.0s  omar ──487 INVITE──▶ box
      22.0s  box ──ACK──▶ mona
      22.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        22.0 s: wait 22.0 ring 22.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: declined 603 Decline, rang
        leg 2 mona 1002 round 1: no_answer, rang
        leg 3 omar 1003 round 1: no_answer, rang
        leg 4 mona 1002 round 2: canceled, rang
        leg 5 omar 1003 round 2: canceled, rang
    ");
    let rounds = |name: &str| {
        let legs = world
            .cdr()
            .legs
            .iter()
            .filter(|leg| leg.agent == Some(name.into()));
        legs.map(|leg| leg.attempt).collect::<Vec<_>>()
    };
    assert_eq!((rounds("ali"), rounds("mona")), (vec![1], vec![1, 2]));
}

#[test]
fn a_phone_that_redirects_is_not_followed_and_the_others_ring_on() {
    let mut world = World::of(Site::office().unrecorded());
    world.set(
        "ali",
        Manner {
            moved_to: Some("sip:elsewhere@198.51.100.7".into()),
            ..Manner::refuses(302)
        },
    );
    world.set("mona", Manner::answers_after(3.0));
    world.set("omar", Manner::refuses(404));
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
       0.0s  ali ──302 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──404 INVITE──▶ box
       0.0s  box ──ACK──▶ ali
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ omar
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
        leg 1 ali 1001 round 1: redirected 302 Moved Temporarily
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: unreachable 404 Not Found
    ");
    assert_eq!(world.cdr().legs[1].result, "redirected");
    assert_eq!(world.cdr().legs[3].result, "unreachable");
}

#[test]
fn a_phone_without_a_common_codec_is_sent_home_and_the_others_ring_on() {
    let mut world = World::of(Site::office().unrecorded());
    let strange = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 18\r\n";
    world.set(
        "ali",
        Manner {
            sdp: Some(strange.into()),
            ..Manner::answers_after(1.0)
        },
    );
    world.set("mona", Manner::answers_after(3.0));
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
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       1.0s  ali ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ ali
       1.0s  box ──BYE (Incompatible destination; Q.850 88)──▶ ali
       1.0s  ali ──200 BYE──▶ box
       3.0s  mona ──200 INVITE +sdp──▶ box
       3.0s  box ──ACK──▶ mona
       3.0s  media: mona at 192.0.2.11:4000 pcmu both
       3.0s  media: caller at 192.0.2.100:4000 pcmu both
       3.0s  media: caller and mona talk
       3.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       3.0s  box ──200 INVITE +sdp──▶ caller
       3.0s  omar ──200 CANCEL──▶ box
       3.0s  omar ──487 INVITE──▶ box
       3.0s  caller ──ACK──▶ box
       3.0s  box ──ACK──▶ omar
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       5.0s  journal: call closed, ANSWER
       5.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 3.0 ring 3.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: failed 488 Not Acceptable Here, rang
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().agent, Some("mona".into()));
}

#[test]
fn a_phone_that_asks_for_a_password_gets_none() {
    let mut world = World::of(Site::office().unrecorded());
    world.set(
        "ali",
        Manner {
            challenge: Some(401),
            ..Manner::answers_after(1.0)
        },
    );
    world.set(
        "omar",
        Manner {
            challenge: Some(407),
            ..Manner::answers_after(1.0)
        },
    );
    world.set("mona", Manner::answers_after(3.0));
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
       0.0s  ali ──401 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──407 INVITE──▶ box
       0.0s  box ──ACK──▶ ali
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ omar
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
        leg 1 ali 1001 round 1: failed 401 Unauthorized
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: failed 407 Proxy Authentication Required
    ");
    assert_eq!(world.cdr().agent, Some("mona".into()));
}
