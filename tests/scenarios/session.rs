//! What keeps a call alive, and what notices that the far side is gone.

use crate::world::{Manner, Site, World};
use callpost::model::Status;

#[test]
fn a_caller_who_requires_to_acknowledge_the_ringing_is_rung_once() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").more_headers = "Require: 100rel\r\n".to_owned();
    world.set("ali", Manner::answers_after(2.0));
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
       0.0s  caller ──PRACK──▶ box
       0.0s  box ──200 PRACK──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       2.0s  box ──200 INVITE +sdp──▶ caller
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

#[test]
fn a_caller_who_promised_to_refresh_and_does_not_is_gone() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").more_headers =
        "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n".to_owned();
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.after_seconds(90.0);
    insta::assert_snapshot!(world.story(), @"
      90.0s  box ──BYE (Session expired; SIP 408)──▶ caller
      90.0s  box ──BYE (Temporary failure; Q.850 41)──▶ ali
      90.0s  caller ──200 BYE──▶ box
      90.0s  journal: call closed, ANSWER
      90.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 41, cause session_expired
        90.0 s: wait 2.0 ring 2.0 talk 88.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn a_phone_that_wants_to_be_refreshed_is_for_as_long_as_the_call_lasts() {
    let mut world = World::of(Site::office().unrecorded());
    let mut manner = Manner::answers_after(2.0);
    manner.more = "Session-Expires: 120;refresher=uac\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n";
    world.set("ali", manner);
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.after_seconds(60.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
      62.0s  box ──UPDATE──▶ ali
      62.0s  ali ──200 UPDATE──▶ box
      65.0s  caller ──BYE──▶ box
      65.0s  box ──200 BYE──▶ caller
      65.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      65.0s  journal: call closed, ANSWER
      65.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        65.0 s: wait 2.0 ring 2.0 talk 63.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn a_phone_without_update_is_refreshed_by_an_offer() {
    let mut world = World::of(Site::office().unrecorded());
    let mut manner = Manner::answers_after(2.0);
    manner.more = "Session-Expires: 120;refresher=uac\r\nAllow: INVITE, ACK, BYE\r\n";
    world.set("ali", manner);
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.after_seconds(60.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
      62.0s  box ──INVITE +sdp──▶ ali
      62.0s  ali ──180 INVITE──▶ box
      64.0s  ali ──200 INVITE +sdp──▶ box
      64.0s  box ──ACK──▶ ali
      64.0s  media: ali at 192.0.2.10:4000 pcmu both
      65.0s  caller ──BYE──▶ box
      65.0s  box ──200 BYE──▶ caller
      65.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      65.0s  journal: call closed, ANSWER
      65.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        65.0 s: wait 2.0 ring 2.0 talk 63.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}
