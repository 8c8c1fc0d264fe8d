//! A supervisor listens, whispers or barges in, and a third party joins: each a leg of the one call.

use crate::world::{Manner, Site, World};
use callpost::engine::{Command, GuestKind, Wanted};
use callpost::model::{LegRole, Status};

/// The caller talks with ali, and omar is free and answers after two seconds; the ladder begins there.
fn talking(site: Site) -> World {
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.set("omar", Manner::answers_after(2.0));
    world.set("mona", Manner::answers_after(3.0));
    world.ladder.lines.clear();
    world
}

fn join(world: &mut World, agent: &str, kind: GuestKind) {
    let call = world.call_id();
    let who = Wanted::Agent(agent.into());
    world.command(Command::Join { call, who, kind });
}

/// S1-101.
#[test]
fn a_supervisor_listens_whispers_and_barges_in_and_leaves_the_two_talking() {
    let mut world = talking(Site::office());
    for kind in [GuestKind::Listen, GuestKind::Whisper, GuestKind::Barge] {
        join(&mut world, "omar", kind);
        world.after_seconds(5.0);
    }
    world.hangs_up("omar");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: listen omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, listen omar (listens)
      10.0s  media: together: caller, ali, listen omar (whispers to ali)
      15.0s  media: together: caller, ali, listen omar
      15.0s  media: play beep to caller
      15.0s  media: play beep to ali
      20.0s  omar ──BYE──▶ box
      20.0s  box ──200 BYE──▶ omar
      20.0s  media: together: caller, ali
      20.0s  media: play beep to caller
      20.0s  media: play beep to ali
      25.0s  caller ──BYE──▶ box
      25.0s  box ──200 BYE──▶ caller
      25.0s  media: stop recording caller
      25.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      25.0s  journal: call closed, ANSWER
      25.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        25.0 s: wait 2.0 ring 2.0 talk 23.0 hold 0.0; recording of 23.0 s, 2 channel(s), in recordings
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
    ");
    let cdr = world.cdr();
    let role = |leg: u32| cdr.legs.iter().find(|own| own.leg == leg).map(|own| own.role);
    assert_eq!(
        [role(0), role(1), role(4)],
        [LegRole::Caller, LegRole::Agent, LegRole::Supervisor].map(Some)
    );
    assert_eq!(cdr.agent.as_ref().unwrap().as_str(), "ali");
}

#[test]
fn a_third_party_joins_and_the_call_goes_on_when_the_agent_leaves() {
    let mut world = talking(Site::office());
    let call = world.call_id();
    let (who, kind) = (Wanted::Number("1003".into()), GuestKind::Third);
    world.command(Command::Join { call, who, kind });
    world.after_seconds(5.0);
    world.hangs_up("ali");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: third omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, third omar
       7.0s  media: play beep to caller
       7.0s  media: play beep to ali
      10.0s  ali ──BYE──▶ box
      10.0s  box ──200 BYE──▶ ali
      10.0s  media: together: caller, third omar
      10.0s  media: record caller and third omar
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  media: stop recording caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      15.0s  journal: call closed, ANSWER
      15.0s  omar ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by omar, group sales, ended by caller, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0; recording of 13.0 s, 2 channel(s), in recordings
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_third_party_and_the_agent_talk_on_when_the_caller_leaves() {
    let mut world = talking(Site::office().unrecorded());
    join(&mut world, "omar", GuestKind::Third);
    world.after_seconds(5.0);
    world.hangs_up("caller");
    world.after_seconds(5.0);
    world.hangs_up("omar");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: third omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, third omar
       7.0s  media: play beep to caller
       7.0s  media: play beep to ali
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  media: together: third omar, ali
      15.0s  omar ──BYE──▶ box
      15.0s  box ──200 BYE──▶ omar
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      15.0s  journal: call closed, ANSWER
      15.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
    ");
}

#[test]
fn a_conversation_ends_for_the_one_who_listens_too() {
    let mut world = talking(Site::office().unrecorded());
    join(&mut world, "omar", GuestKind::Listen);
    world.after_seconds(5.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: listen omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, listen omar (listens)
      10.0s  ali ──BYE──▶ box
      10.0s  box ──200 BYE──▶ ali
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      10.0s  journal: call closed, ANSWER
      10.0s  caller ──200 BYE──▶ box
      10.0s  omar ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
    ");
}

#[test]
fn a_supervisor_who_does_not_answer_or_says_no_changes_nothing() {
    let mut world = talking(Site::office().unrecorded());
    world.set("omar", Manner::rings());
    join(&mut world, "omar", GuestKind::Listen);
    world.set("mona", Manner::refuses(486));
    join(&mut world, "mona", GuestKind::Barge);
    world.after_seconds(60.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       5.0s  box ──INVITE 1002 +sdp──▶ mona
       5.0s  mona ──486 INVITE──▶ box
       5.0s  box ──ACK──▶ mona
      50.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      50.0s  omar ──200 CANCEL──▶ box
      50.0s  omar ──487 INVITE──▶ box
      50.0s  box ──ACK──▶ omar
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
        leg 4 omar 1003: no_answer, rang
        leg 5 mona 1002: busy 486 Busy Here
    ");
}

#[test]
fn two_phones_of_a_supervisor_ring_and_one_comes() {
    let mut world = World::of(Site::office().unrecorded());
    world.second_phone("omar-home", "1003");
    world.registers("omar-home", 3600);
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.set("omar", Manner::rings());
    world.set("omar-home", Manner::answers_after(2.0));
    world.ladder.lines.clear();
    join(&mut world, "omar", GuestKind::Listen);
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar-home
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar-home ──180 INVITE──▶ box
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar-home ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar-home
       7.0s  media: listen omar at 192.0.2.50:4000 pcmu both
       7.0s  media: together: caller, ali, listen omar (listens)
       7.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       7.0s  omar ──200 CANCEL──▶ box
       7.0s  omar ──487 INVITE──▶ box
       7.0s  box ──ACK──▶ omar
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar-home
      10.0s  journal: call closed, ANSWER
      10.0s  ali ──200 BYE──▶ box
      10.0s  omar-home ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003 round 1: answered_elsewhere, rang
        leg 5 omar 1003: answered, rang
        leg 6 omar 1003: answered_elsewhere, rang
    ");
}

#[test]
fn while_a_person_holds_the_call_the_supervisor_stays_with_the_agent() {
    let mut world = talking(Site::office().unrecorded());
    join(&mut world, "omar", GuestKind::Whisper);
    world.after_seconds(5.0);
    let call = world.call_id();
    world.command(Command::Hold(call));
    world.after_seconds(5.0);
    world.command(Command::Resume(call));
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: whisper omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, whisper omar (whispers to ali)
      10.0s  media: together: ali, whisper omar (whispers to ali)
      10.0s  media: play en/hold-music to caller over and over
      15.0s  media: stop playing to caller
      15.0s  media: stop playing to ali
      15.0s  media: together: caller, ali, whisper omar (whispers to ali)
      20.0s  caller ──BYE──▶ box
      20.0s  box ──200 BYE──▶ caller
      20.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      20.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      20.0s  journal: call closed, ANSWER
      20.0s  ali ──200 BYE──▶ box
      20.0s  omar ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        20.0 s: wait 2.0 ring 2.0 talk 18.0 hold 5.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
    ");
}

#[test]
fn a_call_is_handed_on_under_a_listening_ear() {
    let mut world = talking(Site::office().unrecorded());
    join(&mut world, "omar", GuestKind::Listen);
    world.after_seconds(5.0);
    let (call, to) = (world.call_id(), "1002".into());
    let kind = callpost::model::TransferKind::Blind;
    world.command(Command::Transfer { call, to, kind });
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  omar ──180 INVITE──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: listen omar at 192.0.2.12:4000 pcmu both
       7.0s  media: together: caller, ali, listen omar (listens)
      10.0s  media: ali no longer talks
      10.0s  media: play ringback to caller over and over
      10.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
      10.0s  mona ──180 INVITE──▶ box
      13.0s  mona ──200 INVITE +sdp──▶ box
      13.0s  box ──ACK──▶ mona
      13.0s  media: mona at 192.0.2.11:4000 pcmu both
      13.0s  media: stop playing to caller
      13.0s  media: stop playing to mona
      13.0s  media: together: caller, mona, listen omar (listens)
      13.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
      13.0s  ali ──200 BYE──▶ box
      20.0s  caller ──BYE──▶ box
      20.0s  box ──200 BYE──▶ caller
      20.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      20.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      20.0s  journal: call closed, ANSWER
      20.0s  omar ──200 BYE──▶ box
      20.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        20.0 s: wait 2.0 ring 2.0 talk 18.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 5
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 omar 1003: answered, rang
        leg 5 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn an_agent_in_another_call_is_not_disturbed() {
    let mut world = talking(Site::office().unrecorded());
    let call = world.call_id();
    world.set("mona", Manner::answers_after(1.0));
    world.calls("omar", "1002");
    world.after_seconds(3.0);
    world.ladder.lines.clear();
    let (who, kind) = (Wanted::Agent("mona".into()), GuestKind::Listen);
    world.command(Command::Join { call, who, kind });
    world.after_seconds(3.0);
    assert!(world.ladder.lines.is_empty(), "{:?}", world.ladder.lines);
}
