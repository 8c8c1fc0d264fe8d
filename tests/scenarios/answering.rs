//! The main job: every free agent rings, one wins, the others are told.

use crate::world::{Manner, Site, World, agent, agent_at, agent_of_pbx};
use callpost::model::{HangupBy, Status};

/// S2-057, S2-058. S0-022; S0-015: dialled and final destination are both kept; S0-019, S0-020.
#[test]
fn first_agent_to_answer_gets_the_caller_and_the_others_stop_ringing() {
    let mut world = World::office();
    world.set("mona", Manner::answers_after(4.0));
    world.calls("caller", "8000");
    world.after_seconds(12.0);
    world.hangs_up("mona");
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
       4.0s  mona ──200 INVITE +sdp──▶ box
       4.0s  box ──ACK──▶ mona
       4.0s  media: mona at 192.0.2.11:4000 pcmu both
       4.0s  media: caller at 192.0.2.100:4000 pcmu both
       4.0s  media: caller and mona talk
       4.0s  media: record caller and mona
       4.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       4.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       4.0s  box ──200 INVITE +sdp──▶ caller
       4.0s  ali ──200 CANCEL──▶ box
       4.0s  ali ──487 INVITE──▶ box
       4.0s  omar ──200 CANCEL──▶ box
       4.0s  omar ──487 INVITE──▶ box
       4.0s  caller ──ACK──▶ box
       4.0s  box ──ACK──▶ ali
       4.0s  box ──ACK──▶ omar
      12.0s  mona ──BYE──▶ box
      12.0s  box ──200 BYE──▶ mona
      12.0s  media: stop recording caller
      12.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      12.0s  journal: call closed, ANSWER
      12.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by callee, q850 16
        12.0 s: wait 4.0 ring 4.0 talk 8.0 hold 0.0; recording of 8.0 s, 2 channel(s), in recordings
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.hangup_by), (Status::Answer, HangupBy::Callee));
    assert_eq!(
        (
            cdr.dialed_number.as_str(),
            cdr.callee_number.as_ref().unwrap().as_str()
        ),
        ("8000", "1002")
    );
    assert_eq!(
        (cdr.wait_ms, cdr.ring_ms, cdr.talk_ms, cdr.duration_ms),
        (4_000, 4_000, 8_000, 12_000)
    );
    assert_eq!(cdr.recording.as_ref().unwrap().duration_ms, Some(8_000));
    for loser in ["ali", "omar"] {
        assert!(world.phone(loser).talk().unwrap().was_told_elsewhere());
    }
}

#[test]
fn an_answer_that_crosses_its_cancel_is_acknowledged_and_sent_home_and_nobody_hears_of_it() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_when_cancelled());
    world.set("mona", Manner::answers_after(4.0));
    world.set("omar", Manner::refuses(486));
    world.calls("caller", "8000");
    world.after_seconds(10.0);
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
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ omar
       4.0s  mona ──200 INVITE +sdp──▶ box
       4.0s  box ──ACK──▶ mona
       4.0s  media: mona at 192.0.2.11:4000 pcmu both
       4.0s  media: caller at 192.0.2.100:4000 pcmu both
       4.0s  media: caller and mona talk
       4.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       4.0s  box ──200 INVITE +sdp──▶ caller
       4.0s  ali ──200 INVITE +sdp──▶ box
       4.0s  ali ──200 CANCEL──▶ box
       4.0s  caller ──ACK──▶ box
       4.0s  box ──ACK──▶ ali
       4.0s  box ──BYE (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       4.0s  ali ──200 BYE──▶ box
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      10.0s  journal: call closed, ANSWER
      10.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        10.0 s: wait 4.0 ring 4.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 mona 1002 round 1: answered, rang
        leg 3 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(world.cdr().agent, Some("mona".into()));
    assert!(world.phone("ali").talk().unwrap().was_told_elsewhere());
}

/// S2-057.
#[test]
fn of_two_who_answer_in_the_same_instant_one_gets_the_caller() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(4.0));
    world.set("mona", Manner::answers_after(4.0));
    world.set("omar", Manner::answers_after(4.0));
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
       4.0s  ali ──200 INVITE +sdp──▶ box
       4.0s  mona ──200 INVITE +sdp──▶ box
       4.0s  omar ──200 INVITE +sdp──▶ box
       4.0s  box ──ACK──▶ ali
       4.0s  media: ali at 192.0.2.10:4000 pcmu both
       4.0s  media: caller at 192.0.2.100:4000 pcmu both
       4.0s  media: caller and ali talk
       4.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       4.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       4.0s  box ──200 INVITE +sdp──▶ caller
       4.0s  box ──ACK──▶ mona
       4.0s  box ──BYE (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       4.0s  box ──ACK──▶ omar
       4.0s  box ──BYE (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       4.0s  mona ──200 CANCEL──▶ box
       4.0s  omar ──200 CANCEL──▶ box
       4.0s  caller ──ACK──▶ box
       4.0s  mona ──200 BYE──▶ box
       4.0s  omar ──200 BYE──▶ box
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 4.0 ring 4.0 talk 1.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.agent.as_ref().unwrap().as_str()),
        (Status::Answer, "ali")
    );
    for loser in ["mona", "omar"] {
        assert!(world.phone(loser).talk().unwrap().was_told_elsewhere());
    }
}

#[test]
fn every_phone_of_an_agent_rings_and_the_agent_wins_with_one_of_them() {
    let mut world = World::of(Site::office().unrecorded());
    world.second_phone("ali-mobile", "1001");
    world.registers("ali-mobile", 600);
    world.set("mona", Manner::refuses(486));
    world.set("omar", Manner::refuses(486));
    world.set("ali-mobile", Manner::answers_after(3.0));
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali-mobile
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  ali-mobile ──180 INVITE──▶ box
       0.0s  ali ──180 INVITE──▶ box
       0.0s  mona ──486 INVITE──▶ box
       0.0s  omar ──486 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       0.0s  box ──ACK──▶ mona
       0.0s  box ──ACK──▶ omar
       3.0s  ali-mobile ──200 INVITE +sdp──▶ box
       3.0s  box ──ACK──▶ ali-mobile
       3.0s  media: ali at 192.0.2.50:4000 pcmu both
       3.0s  media: caller at 192.0.2.100:4000 pcmu both
       3.0s  media: caller and ali talk
       3.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       3.0s  box ──200 INVITE +sdp──▶ caller
       3.0s  ali ──200 CANCEL──▶ box
       3.0s  ali ──487 INVITE──▶ box
       3.0s  caller ──ACK──▶ box
       3.0s  box ──ACK──▶ ali
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali-mobile
       5.0s  journal: call closed, ANSWER
       5.0s  ali-mobile ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 3.0 ring 3.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 ali 1001 round 1: answered_elsewhere, rang
        leg 3 mona 1002 round 1: busy 486 Busy Here
        leg 4 omar 1003 round 1: busy 486 Busy Here
    ");
    assert_eq!(world.cdr().agent, Some("ali".into()));
}

#[test]
fn a_phone_here_a_phone_of_the_pbx_and_a_fixed_contact_ring_side_by_side() {
    let mut site = Site::office().unrecorded();
    site.agents = vec![
        agent("ali", "1001"),
        agent_of_pbx("layla", "300"),
        agent_at("door", "sip:door@192.0.2.77:5070"),
    ];
    let mut world = World::of(site);
    world.set("layla", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("layla");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  box ──INVITE 300 +sdp──▶ layla
       0.0s  box ──INVITE door +sdp──▶ door
       0.0s  ali ──180 INVITE──▶ box
       0.0s  layla ──180 INVITE──▶ box
       0.0s  door ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  layla ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ layla
       2.0s  media: layla at 192.0.2.100:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and layla talk
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ door
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  ali ──200 CANCEL──▶ box
       2.0s  ali ──487 INVITE──▶ box
       2.0s  door ──200 CANCEL──▶ box
       2.0s  door ──487 INVITE──▶ box
       2.0s  caller ──ACK──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  box ──ACK──▶ door
       5.0s  layla ──BYE──▶ box
       5.0s  box ──200 BYE──▶ layla
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by layla, group sales, ended by callee, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 layla 300 round 1: answered, rang
        leg 3 door sip:door@192.0.2.77:5070 round 1: answered_elsewhere, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (
            cdr.agent.as_ref().unwrap().as_str(),
            cdr.callee_number.as_ref().unwrap().as_str()
        ),
        ("layla", "300")
    );
    assert!(world.phone("door").talk().unwrap().was_told_elsewhere());
}

#[test]
fn an_agent_in_a_call_is_not_rung_by_the_next_one() {
    let mut world = World::of(Site::office().unrecorded().ringing(1));
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.caller("second caller", "0509999999");
    world.set("mona", Manner::answers_after(2.0));
    world.ladder.lines.clear();
    world.calls("second caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("second caller");
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  second caller ──INVITE 8000 +sdp──▶ box
       5.0s  box ──100 INVITE──▶ second caller
       5.0s  journal: call opened
       5.0s  box ──INVITE 1002 +sdp──▶ mona
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  mona ──180 INVITE──▶ box
       5.0s  omar ──180 INVITE──▶ box
       5.0s  box ──180 INVITE──▶ second caller
       7.0s  mona ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ mona
       7.0s  media: mona at 192.0.2.11:4000 pcmu both
       7.0s  media: second caller at 192.0.2.100:4000 pcmu both
       7.0s  media: second caller and mona talk
       7.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       7.0s  box ──200 INVITE +sdp──▶ second caller
       7.0s  omar ──200 CANCEL──▶ box
       7.0s  omar ──487 INVITE──▶ box
       7.0s  second caller ──ACK──▶ box
       7.0s  box ──ACK──▶ omar
      10.0s  second caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ second caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      10.0s  journal: call closed, ANSWER
      10.0s  mona ──200 BYE──▶ box
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      10.0s  journal: call closed, ANSWER
      10.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0509999999 → 8000, by mona, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0509999999: answered
        leg 1 mona 1002 round 1: answered, rang
        leg 2 omar 1003 round 1: answered_elsewhere, rang
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 1.0 ring 1.0 talk 9.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.phone("ali").talks.len(), 1);
}

/// S0-012
#[test]
fn one_extension_calls_another_and_the_record_says_internal() {
    let mut world = World::office();
    world.set("mona", Manner::answers_after(2.0));
    world.calls("ali", "1002");
    world.after_seconds(6.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       0.0s  ali ──INVITE 1002 +sdp──▶ box
       0.0s  box ──401 INVITE──▶ ali
       0.0s  ali ──ACK──▶ box
       0.0s  ali ──INVITE 1002 with digest +sdp──▶ box
       0.0s  box ──100 INVITE──▶ ali
       0.0s  journal: call opened
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  mona ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ ali
       2.0s  mona ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ mona
       2.0s  media: mona at 192.0.2.11:4000 pcmu both
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: ali and mona talk
       2.0s  media: record ali and mona
       2.0s  box ──200 INVITE +sdp──▶ ali
       2.0s  ali ──ACK──▶ box
       6.0s  ali ──BYE──▶ box
       6.0s  box ──200 BYE──▶ ali
       6.0s  media: stop recording ali
       6.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
       6.0s  journal: call closed, ANSWER
       6.0s  mona ──200 BYE──▶ box
    CDR ANSWER internal 1001 → 1002, by mona, ended by caller, q850 16
        6.0 s: wait 2.0 ring 2.0 talk 4.0 hold 0.0; recording of 4.0 s, 2 channel(s), in recordings
        leg 0 ali 1001: answered
        leg 1 mona 1002 round 1: answered, rang
    ");
    let cdr = world.cdr();
    assert_eq!(cdr.direction, callpost::model::Direction::Internal);
    assert_eq!((cdr.status, cdr.group.clone()), (Status::Answer, None));
    assert_eq!(
        (
            cdr.caller_number.as_str(),
            cdr.legs[0].agent.as_ref().unwrap().as_str()
        ),
        ("1001", "ali")
    );
}

#[test]
fn an_agent_who_has_just_talked_is_left_alone_until_the_wrap_up_is_over() {
    let mut site = Site::office().unrecorded();
    site.groups[0].wrap_up = std::time::Duration::from_secs(30);
    site.agents.truncate(1);
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.after_seconds(15.0);
    world.ladder.lines.clear();
    world.caller("second caller", "0509999999");
    world.calls("second caller", "8000");
    world.after_seconds(12.0);
    world.hangs_up("second caller");
    world.after_seconds(3.0);
    world.caller("third caller", "0508888888");
    world.calls("third caller", "8000");
    world.after_seconds(2.0);
    world.hangs_up("third caller");
    insta::assert_snapshot!(world.story(), @"
      17.0s  second caller ──INVITE 8000 +sdp──▶ box
      17.0s  box ──100 INVITE──▶ second caller
      17.0s  journal: call opened
      17.0s  box ──180 INVITE──▶ second caller
      29.0s  second caller ──CANCEL──▶ box
      29.0s  box ──200 CANCEL──▶ second caller
      29.0s  box ──487 INVITE──▶ second caller
      29.0s  journal: call closed, CANCELED
      29.0s  second caller ──ACK──▶ box
      32.0s  third caller ──INVITE 8000 +sdp──▶ box
      32.0s  box ──100 INVITE──▶ third caller
      32.0s  journal: call opened
      32.0s  box ──INVITE 1001 +sdp──▶ ali
      32.0s  ali ──180 INVITE──▶ box
      32.0s  box ──180 INVITE──▶ third caller
      33.0s  ali ──200 INVITE +sdp──▶ box
      33.0s  box ──ACK──▶ ali
      33.0s  media: ali at 192.0.2.10:4000 pcmu both
      33.0s  media: third caller at 192.0.2.100:4000 pcmu both
      33.0s  media: third caller and ali talk
      33.0s  box ──200 INVITE +sdp──▶ third caller
      33.0s  third caller ──ACK──▶ box
      34.0s  third caller ──BYE──▶ box
      34.0s  box ──200 BYE──▶ third caller
      34.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      34.0s  journal: call closed, ANSWER
      34.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        2.0 s: wait 1.0 ring 1.0 talk 1.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    CDR CANCELED inbound 0509999999 → 8000, group sales, ended by caller, sip 487, q850 16
        12.0 s: wait 12.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0509999999: canceled
    CDR ANSWER inbound 0508888888 → 8000, by ali, group sales, ended by caller, q850 16
        2.0 s: wait 1.0 ring 1.0 talk 1.0 hold 0.0
        leg 0 0508888888: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
    assert_eq!(world.phone("ali").talks.len(), 2);
}

#[test]
fn an_agent_who_calls_the_own_group_is_not_rung() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("mona", Manner::answers_after(1.0));
    world.calls("ali", "8000");
    world.after_seconds(3.0);
    world.hangs_up("ali");
    world.peace();
    let rung: Vec<_> = world
        .cdr()
        .legs
        .iter()
        .skip(1)
        .filter_map(|leg| leg.agent.clone())
        .collect();
    assert_eq!(rung, ["mona".into(), "omar".into()]);
}

/// S0-024
#[test]
fn a_busy_extension_is_busy_for_the_extension_that_calls_it() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("mona", Manner::refuses(486));
    world.calls("ali", "1002");
    world.after_seconds(1.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  ali ──INVITE 1002 +sdp──▶ box
       0.0s  box ──401 INVITE──▶ ali
       0.0s  ali ──ACK──▶ box
       0.0s  ali ──INVITE 1002 with digest +sdp──▶ box
       0.0s  box ──100 INVITE──▶ ali
       0.0s  journal: call opened
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  mona ──486 INVITE──▶ box
       0.0s  box ──ACK──▶ mona
       0.0s  journal: call closed, BUSY
       0.0s  box ──486 INVITE──▶ ali
       0.0s  ali ──ACK──▶ box
    CDR BUSY internal 1001 → 1002, ended by system, sip 486, q850 17
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 ali 1001: busy
        leg 1 mona 1002 round 1: busy 486 Busy Here
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().sip_code),
        (Status::Busy, Some(486))
    );
}

/// S0-025
#[test]
fn an_extension_nobody_picks_up_rings_for_a_minute() {
    let mut world = World::of(Site::office().unrecorded());
    world.calls("ali", "1002");
    world.after_seconds(61.0);
    world.peace();
    assert_eq!(
        (world.cdr().status, world.cdr().ring_ms),
        (Status::NoAnswer, 60_000)
    );
}
