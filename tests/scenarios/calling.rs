//! Callers: how they come in, give up, and are refused.

use crate::world::{Manner, PBX, Phone, Site, World};
use callpost::agents::Overflow;
use callpost::model::{HangupBy, Status};

/// S0-023; S0-021: who hung up, with the code of SIP and of Q.850.
#[test]
fn a_caller_who_gives_up_while_phones_ring_stops_them_all() {
    let mut world = World::office();
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
       5.0s  caller ──CANCEL──▶ box
       5.0s  box ──200 CANCEL──▶ caller
       5.0s  box ──487 INVITE──▶ caller
       5.0s  journal: call closed, CANCELED
       5.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       5.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       5.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       5.0s  caller ──ACK──▶ box
       5.0s  ali ──200 CANCEL──▶ box
       5.0s  ali ──487 INVITE──▶ box
       5.0s  mona ──200 CANCEL──▶ box
       5.0s  mona ──487 INVITE──▶ box
       5.0s  omar ──200 CANCEL──▶ box
       5.0s  omar ──487 INVITE──▶ box
       5.0s  box ──ACK──▶ ali
       5.0s  box ──ACK──▶ mona
       5.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        5.0 s: wait 5.0 ring 5.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
        leg 3 omar 1003 round 1: canceled, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.hangup_by, cdr.sip_code, cdr.q850),
        (Status::Canceled, HangupBy::Caller, Some(487), Some(16))
    );
}

#[test]
fn a_caller_who_gives_up_before_the_journal_spoke_rings_nobody() {
    let mut world = World::office();
    world.journal_takes = Some(std::time::Duration::from_secs(1));
    world.calls("caller", "8000");
    world.after_seconds(0.5);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.5s  caller ──CANCEL──▶ box
       0.5s  box ──200 CANCEL──▶ caller
       0.5s  box ──487 INVITE──▶ caller
       0.5s  journal: call closed, CANCELED
       0.5s  caller ──ACK──▶ box
    CDR CANCELED inbound 0501234567 → 8000, ended by caller, sip 487, q850 16
        0.5 s: wait 0.5 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().legs.len()),
        (Status::Canceled, 1)
    );
}

#[test]
fn an_unknown_number_is_answered_404_and_is_no_call() {
    let mut world = World::office();
    world.calls("caller", "9999");
    insta::assert_snapshot!(world.story(), @"
    0.0s  caller ──INVITE 9999 +sdp──▶ box
    0.0s  box ──100 INVITE──▶ caller
    0.0s  log: A call for 9999 was refused with 404: no such number.
    0.0s  box ──404 INVITE──▶ caller
    0.0s  caller ──ACK──▶ box
    ");
    assert!(world.cdrs.is_empty());
}

#[test]
fn without_ports_the_caller_is_told_to_try_again() {
    let mut site = Site::office();
    site.rtp_ports = (10_000, 10_001);
    let mut world = World::of(site);
    world.caller("second caller", "0509999999");
    world.calls("caller", "8001");
    world.after_seconds(1.0);
    world.ladder.lines.clear();
    world.calls("second caller", "8001");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       1.0s  second caller ──INVITE 8001 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ second caller
       1.0s  journal: call closed, FAILED
       1.0s  box ──503 INVITE (Retry-After 10)──▶ second caller
       1.0s  second caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       2.0s  caller ──BYE──▶ box
       2.0s  box ──200 BYE──▶ caller
       2.0s  journal: call closed, CANCELED
    CDR FAILED inbound 0509999999 → 8001, ended by system, sip 503, q850 42, cause no_ports
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0509999999: failed
    CDR CANCELED inbound 0501234567 → 8001, ended by caller, q850 16
        2.0 s: wait 2.0 ring 0.0 talk 0.0 hold 0.0; stages welcome menu; language en
        leg 0 0501234567: answered
    ");
    let cdr = world
        .cdrs
        .iter()
        .find(|cdr| cdr.caller_number.as_str() == "0509999999")
        .unwrap();
    assert_eq!(
        (cdr.status, cdr.sip_code, cdr.cause.as_deref()),
        (Status::Failed, Some(503), Some("no_ports"))
    );
}

#[test]
fn a_full_box_refuses_the_next_caller_with_503() {
    let mut site = Site::office().unrecorded();
    site.most_calls = 1;
    let mut world = World::of(site);
    world.caller("second caller", "0509999999");
    world.calls("caller", "8001");
    world.ladder.lines.clear();
    world.calls("second caller", "8001");
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  second caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ second caller
       0.0s  log: A call for 8001 was refused with 503: the box is full, draining, or its journal is behind.
       0.0s  box ──503 INVITE (Retry-After 10)──▶ second caller
       0.0s  second caller ──ACK──▶ box
       0.0s  caller ──BYE──▶ box
       0.0s  box ──200 BYE──▶ caller
       0.0s  journal: call closed, CANCELED
    CDR CANCELED inbound 0501234567 → 8001, ended by caller, q850 16
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0; stages welcome; language en
        leg 0 0501234567: answered
    ");
}

/// S0-026
#[test]
fn a_caller_without_a_common_codec_is_refused_with_488() {
    let mut world = World::office();
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\nm=audio 4000 RTP/AVP 3\r\n";
    world.calls_with("caller", "8000", Some(sdp.into()));
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call closed, FAILED
       0.0s  box ──488 INVITE (Warning 305: No common audio codec; offer one of PCMU PCMA)──▶ caller
       0.0s  caller ──ACK──▶ box
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause no_common_codec
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().sip_code),
        (Status::Failed, Some(488))
    );
}

#[test]
fn a_caller_without_an_offer_gets_ours_and_answers_it_with_the_ack() {
    let mut world = World::office();
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
       0.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  media: record caller and ali
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  caller ──ACK +sdp──▶ box
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  media: stop recording caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0; recording of 3.0 s, 2 channel(s), in recordings
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_caller_who_never_answers_our_offer_is_let_go() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").manner.acks_bare = true;
    world.set("ali", Manner::answers_after(2.0));
    world.calls_with("caller", "8000", None);
    world.after_seconds(5.0);
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
       0.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
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
       2.0s  box ──BYE (Incompatible destination; Q.850 88)──▶ caller
       2.0s  box ──BYE (Incompatible destination; Q.850 88)──▶ ali
       2.0s  journal: call closed, ANSWER
       2.0s  caller ──200 BYE──▶ box
       2.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 88, cause no_common_codec
        2.0 s: wait 2.0 ring 2.0 talk 0.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().cause.as_deref(), Some("no_common_codec"));
}

#[test]
fn a_200_that_is_never_acknowledged_is_repeated_for_32_seconds_and_then_ends_the_call() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").manner.never_acks = true;
    world.set("ali", Manner::answers_after(2.0));
    world.set("mona", Manner::refuses(486));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    world.after_seconds(40.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──486 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ mona
       0.0s  box ──ACK──▶ omar
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.5s  box ──200 INVITE +sdp──▶ caller
       3.5s  box ──200 INVITE +sdp──▶ caller
       5.5s  box ──200 INVITE +sdp──▶ caller
       9.5s  box ──200 INVITE +sdp──▶ caller
      13.5s  box ──200 INVITE +sdp──▶ caller
      17.5s  box ──200 INVITE +sdp──▶ caller
      21.5s  box ──200 INVITE +sdp──▶ caller
      25.5s  box ──200 INVITE +sdp──▶ caller
      29.5s  box ──200 INVITE +sdp──▶ caller
      33.5s  box ──200 INVITE +sdp──▶ caller
      34.0s  box ──BYE (No ACK received; SIP 408)──▶ caller
      34.0s  box ──BYE (Temporary failure; Q.850 41)──▶ ali
      34.0s  caller ──200 BYE──▶ box
      34.0s  journal: call closed, ANSWER
      34.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 41, cause no_ack
        34.0 s: wait 2.0 ring 2.0 talk 32.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(
        (world.cdr().talk_ms, world.cdr().cause.as_deref()),
        (32_000, Some("no_ack"))
    );
}

#[test]
fn an_invite_that_comes_twice_is_one_call() {
    let mut world = World::of(Site::office().unrecorded());
    world.weather.doubled_percent = 100;
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.hangs_up("caller");
    world.after_seconds(1.0);
    world.weather.doubled_percent = 0;
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──100 INVITE──▶ caller
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  box ──ACK──▶ ali
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  caller ──ACK──▶ box
       2.0s  caller ──ACK──▶ box
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       2.0s  box ──ACK──▶ omar
       3.0s  caller ──BYE──▶ box
       3.0s  box ──200 BYE──▶ caller
       3.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       3.0s  box ──200 BYE──▶ caller
       3.0s  journal: call closed, ANSWER
       3.0s  ali ──200 BYE──▶ box
       3.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        3.0 s: wait 2.0 ring 2.0 talk 1.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.phone("ali").talks.len(), 1);
}

#[test]
fn a_lost_200_is_sent_again_until_its_ack_comes() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(2.0));
    world.set("mona", Manner::refuses(486));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    world.after_seconds(1.9);
    world.weather.lost_percent = 100;
    world.after_seconds(0.6);
    world.weather.lost_percent = 0;
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──486 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ mona
       0.0s  box ──ACK──▶ omar
       2.0s  ali ──200 INVITE +sdp──▶ box ✗ lost
       2.5s  ali ──200 INVITE +sdp──▶ box ✗ lost
       3.5s  ali ──200 INVITE +sdp──▶ box
       3.5s  box ──ACK──▶ ali
       3.5s  media: ali at 192.0.2.10:4000 pcmu both
       3.5s  media: caller at 192.0.2.100:4000 pcmu both
       3.5s  media: caller and ali talk
       3.5s  box ──200 INVITE +sdp──▶ caller
       3.5s  caller ──ACK──▶ box
       5.5s  caller ──BYE──▶ box
       5.5s  box ──200 BYE──▶ caller
       5.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.5s  journal: call closed, ANSWER
       5.5s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.5 s: wait 3.5 ring 3.5 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_caller_who_hangs_up_before_acknowledging_ends_the_call() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").manner.never_acks = true;
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(2.2);
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
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       2.2s  caller ──BYE──▶ box
       2.2s  box ──200 BYE──▶ caller
       2.2s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       2.2s  journal: call closed, ANSWER
       2.2s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        2.2 s: wait 2.0 ring 2.0 talk 0.2 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().hangup_by),
        (Status::Answer, HangupBy::Caller)
    );
}

#[test]
fn the_box_waits_for_the_ack_before_it_hangs_up() {
    let mut world = World::of(Site::office().unrecorded());
    world.phone("caller").manner.never_acks = true;
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(2.2);
    world.phone("caller").manner.never_acks = false;
    world.hangs_up("ali");
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
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       2.2s  ali ──BYE──▶ box
       2.2s  box ──200 BYE──▶ ali
       2.2s  journal: call closed, ANSWER
       2.5s  box ──200 INVITE +sdp──▶ caller
       2.5s  caller ──ACK──▶ box
       2.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       2.5s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        2.2 s: wait 2.0 ring 2.0 talk 0.2 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn a_wrong_password_an_unknown_user_and_no_password_are_all_answered_alike() {
    let mut world = World::of(Site::office().overflowing_to(Overflow::HangUp));
    world.second_phone("wrong", "1001");
    world.phone("wrong").password = Some("guess".into());
    world.second_phone("unknown", "6666");
    world.second_phone("without", "1001");
    world.phone("without").password = None;
    for name in ["wrong", "unknown", "without"] {
        world.calls(name, "8000");
    }
    insta::assert_snapshot!(world.story(), @"
    0.0s  wrong ──INVITE 8000 +sdp──▶ box
    0.0s  box ──401 INVITE──▶ wrong
    0.0s  wrong ──ACK──▶ box
    0.0s  wrong ──INVITE 8000 with digest +sdp──▶ box
    0.0s  box ──401 INVITE──▶ wrong
    0.0s  wrong ──ACK──▶ box
    0.0s  unknown ──INVITE 8000 +sdp──▶ box
    0.0s  box ──401 INVITE──▶ unknown
    0.0s  unknown ──ACK──▶ box
    0.0s  unknown ──INVITE 8000 with digest +sdp──▶ box
    0.0s  box ──401 INVITE──▶ unknown
    0.0s  unknown ──ACK──▶ box
    0.0s  without ──INVITE 8000 +sdp──▶ box
    0.0s  box ──401 INVITE──▶ without
    0.0s  without ──ACK──▶ box
    ");
    assert!(world.cdrs.is_empty());
    let told = |phone: &mut Phone| phone.talk().unwrap().told.clone();
    assert_eq!(told(world.phone("wrong")), told(world.phone("unknown")));
}

#[test]
fn a_stranger_cannot_cancel_somebody_elses_call() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(5.0));
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    let talk = world.phone("caller").talk().unwrap();
    let cancel = format!(
        "CANCEL {} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch={}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\n\
         Call-ID: {}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
        talk.target, talk.branch, talk.us, talk.them, talk.call_id
    );
    world.ladder.lines.clear();
    world.inject("203.0.113.66:5060", cancel.into_bytes());
    world.after_seconds(6.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       1.0s  stranger ──CANCEL──▶ box
       1.0s  box ──481 CANCEL──▶ nobody
       1.0s  log: 203.0.113.66:5060 has no part in the call it sent CANCEL to.
       5.0s  ali ──200 INVITE +sdp──▶ box
       5.0s  box ──ACK──▶ ali
       5.0s  media: ali at 192.0.2.10:4000 pcmu both
       5.0s  media: caller at 192.0.2.100:4000 pcmu both
       5.0s  media: caller and ali talk
       5.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       5.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       5.0s  box ──200 INVITE +sdp──▶ caller
       5.0s  mona ──200 CANCEL──▶ box
       5.0s  mona ──487 INVITE──▶ box
       5.0s  omar ──200 CANCEL──▶ box
       5.0s  omar ──487 INVITE──▶ box
       5.0s  caller ──ACK──▶ box
       5.0s  box ──ACK──▶ mona
       5.0s  box ──ACK──▶ omar
       7.0s  caller ──BYE──▶ box
       7.0s  box ──200 BYE──▶ caller
       7.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       7.0s  journal: call closed, ANSWER
       7.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        7.0 s: wait 5.0 ring 5.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_caller_may_hang_up_with_bye_while_phones_ring() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("mona", Manner::refuses(486));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    let call_id = world.phone("caller").talk().unwrap().call_id.clone();
    world.phone("caller").talk().unwrap().take_tag_of_180();
    world.let_phone("caller", |phone| phone.send_within(&call_id, "BYE", "", None));
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──486 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ mona
       0.0s  box ──ACK──▶ omar
       2.0s  caller ──BYE──▶ box
       2.0s  box ──200 BYE──▶ caller
       2.0s  box ──487 INVITE──▶ caller
       2.0s  journal: call closed, CANCELED
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       2.0s  caller ──ACK──▶ box
       2.0s  ali ──200 CANCEL──▶ box
       2.0s  ali ──487 INVITE──▶ box
       2.0s  box ──ACK──▶ ali
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        2.0 s: wait 2.0 ring 2.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().sip_code),
        (Status::Canceled, Some(487))
    );
}
