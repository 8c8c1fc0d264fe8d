//! Rounds: who rings when, and how often.

use crate::world::{Manner, Site, World};
use callpost::agents::{AgentState, Overflow};
use callpost::engine::Command;
use callpost::model::Status;

/// S2-049, S2-050, S2-051.
#[test]
fn when_nobody_answers_twice_the_caller_leaves_a_message() {
    let mut world = World::office();
    world.calls("caller", "8000");
    world.after_seconds(60.0);
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
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      20.0s  box ──INVITE 1001 +sdp──▶ ali
      20.0s  box ──INVITE 1002 +sdp──▶ mona
      20.0s  box ──INVITE 1003 +sdp──▶ omar
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  ali ──487 INVITE──▶ box
      20.0s  mona ──200 CANCEL──▶ box
      20.0s  mona ──487 INVITE──▶ box
      20.0s  omar ──200 CANCEL──▶ box
      20.0s  omar ──487 INVITE──▶ box
      20.0s  ali ──180 INVITE──▶ box
      20.0s  mona ──180 INVITE──▶ box
      20.0s  omar ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ ali
      20.0s  box ──ACK──▶ mona
      20.0s  box ──ACK──▶ omar
      40.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      40.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      40.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      40.0s  media: caller at 192.0.2.100:4000 pcmu both
      40.0s  media: play en/voicemail-greeting + beep to caller
      40.0s  box ──200 INVITE +sdp──▶ caller
      40.0s  ali ──200 CANCEL──▶ box
      40.0s  ali ──487 INVITE──▶ box
      40.0s  mona ──200 CANCEL──▶ box
      40.0s  mona ──487 INVITE──▶ box
      40.0s  omar ──200 CANCEL──▶ box
      40.0s  omar ──487 INVITE──▶ box
      40.0s  caller ──ACK──▶ box
      40.0s  box ──ACK──▶ ali
      40.0s  box ──ACK──▶ mona
      40.0s  box ──ACK──▶ omar
      42.5s  media: record caller
      42.5s  media: watch for 5 s of silence from caller
      60.0s  caller ──BYE──▶ box
      60.0s  box ──200 BYE──▶ caller
      60.0s  media: stop recording caller
      60.0s  journal: a message of 17.5 s for group:sales
      60.0s  box ──NOTIFY of 1/0 messages──▶ ali
      60.0s  box ──NOTIFY of 1/0 messages──▶ mona
      60.0s  box ──NOTIFY of 1/0 messages──▶ omar
      60.0s  journal: call closed, VOICEMAIL
      60.0s  ali ──200 NOTIFY──▶ box
      60.0s  mona ──200 NOTIFY──▶ box
      60.0s  omar ──200 NOTIFY──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8000, group sales, ended by caller, q850 16
        60.0 s: wait 60.0 ring 40.0 talk 0.0 hold 0.0; stages voicemail; language en; recording of 17.5 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 mona 1002 round 1: no_answer, rang
        leg 3 omar 1003 round 1: no_answer, rang
        leg 4 ali 1001 round 2: no_answer, rang
        leg 5 mona 1002 round 2: no_answer, rang
        leg 6 omar 1003 round 2: no_answer, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.ring_ms, cdr.talk_ms),
        (Status::Voicemail, 40_000, 0)
    );
    assert_eq!(cdr.legs.len(), 7);
    assert_eq!(cdr.recording.as_ref().unwrap().channels, 1);
}

/// S2-049.
#[test]
fn agents_who_became_free_join_the_next_round() {
    let mut world = World::unregistered(Site::office().unrecorded(), 1);
    world.registers("ali", 600);
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(10.0);
    world.registers("mona", 600);
    world.set("mona", Manner::answers_after(2.0));
    world.after_seconds(15.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  ali ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
      10.0s  mona ──REGISTER──▶ box
      10.0s  box ──401 REGISTER──▶ mona
      10.0s  mona ──REGISTER with digest──▶ box
      10.0s  box ──200 REGISTER──▶ mona
      10.0s  journal: 1002 bound
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  box ──INVITE 1001 +sdp──▶ ali
      20.0s  box ──INVITE 1002 +sdp──▶ mona
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  ali ──487 INVITE──▶ box
      20.0s  ali ──180 INVITE──▶ box
      20.0s  mona ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ ali
      22.0s  mona ──200 INVITE +sdp──▶ box
      22.0s  box ──ACK──▶ mona
      22.0s  media: mona at 192.0.2.11:4000 pcmu both
      22.0s  media: caller at 192.0.2.100:4000 pcmu both
      22.0s  media: caller and mona talk
      22.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
      22.0s  box ──200 INVITE +sdp──▶ caller
      22.0s  ali ──200 CANCEL──▶ box
      22.0s  ali ──487 INVITE──▶ box
      22.0s  caller ──ACK──▶ box
      22.0s  box ──ACK──▶ ali
      25.0s  mona ──BYE──▶ box
      25.0s  box ──200 BYE──▶ mona
      25.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      25.0s  journal: call closed, ANSWER
      25.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by callee, q850 16
        25.0 s: wait 22.0 ring 22.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 ali 1001 round 2: answered_elsewhere, rang
        leg 3 mona 1002 round 2: answered, rang
    ");
    assert_eq!(
        (world.cdr().agent.clone(), world.cdr().legs[2].attempt),
        (Some("mona".into()), 2)
    );
}

#[test]
fn with_nobody_logged_in_the_message_is_taken_at_once() {
    let mut world = World::unregistered(Site::office(), 1);
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(8.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/voicemail-greeting + beep to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.5s  media: record caller
       2.5s  media: watch for 5 s of silence from caller
       8.0s  caller ──BYE──▶ box
       8.0s  box ──200 BYE──▶ caller
       8.0s  media: stop recording caller
       8.0s  journal: a message of 5.5 s for group:sales
       8.0s  journal: call closed, VOICEMAIL
    CDR VOICEMAIL inbound 0501234567 → 8000, group sales, ended by caller, q850 16
        8.0 s: wait 8.0 ring 0.0 talk 0.0 hold 0.0; stages voicemail; language en; recording of 5.5 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    assert_eq!(world.cdr().status, Status::Voicemail);
}

#[test]
fn with_everybody_on_a_break_and_no_mailbox_the_caller_is_refused() {
    let mut world = World::of(Site::office().overflowing_to(Overflow::HangUp));
    for agent in ["ali", "mona", "omar"] {
        let state = AgentState::OnBreak;
        world.command(Command::SetAgentState {
            agent: agent.into(),
            state,
            reason: Some("prayer".into()),
        });
    }
    world.calls("caller", "8000");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  journal: call closed, NO_ANSWER
       0.0s  box ──480 INVITE──▶ caller
       0.0s  caller ──ACK──▶ box
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, sip 480, q850 20
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: unreachable
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().q850),
        (Status::NoAnswer, Some(20))
    );
}

#[test]
fn while_everybody_talks_the_caller_waits_for_the_next_round() {
    let mut world = World::of(Site::office().unrecorded().overflowing_to(Overflow::HangUp));
    for (agent, caller) in [("ali", "first"), ("mona", "second"), ("omar", "third")] {
        world.caller(caller, "0500000000");
        for name in ["ali", "mona", "omar"] {
            world.set(name, Manner::rings());
        }
        world.set(agent, Manner::answers_after(0.0));
        world.calls(caller, "8000");
    }
    world.after_seconds(10.0);
    world.set("omar", Manner::answers_after(2.0));
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("third");
    world.after_seconds(10.0);
    for name in ["caller", "first", "second"] {
        world.hangs_up(name);
    }
    insta::assert_snapshot!(world.story(), @"
      10.0s  caller ──INVITE 8000 +sdp──▶ box
      10.0s  box ──100 INVITE──▶ caller
      10.0s  journal: call opened
      10.0s  box ──180 INVITE──▶ caller
      11.0s  third ──BYE──▶ box
      11.0s  box ──200 BYE──▶ third
      11.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      11.0s  journal: call closed, ANSWER
      11.0s  omar ──200 BYE──▶ box
      13.0s  box ──INVITE 1003 +sdp──▶ omar
      13.0s  omar ──180 INVITE──▶ box
      15.0s  omar ──200 INVITE +sdp──▶ box
      15.0s  box ──ACK──▶ omar
      15.0s  media: omar at 192.0.2.12:4000 pcmu both
      15.0s  media: caller at 192.0.2.100:4000 pcmu both
      15.0s  media: caller and omar talk
      15.0s  box ──200 INVITE +sdp──▶ caller
      15.0s  caller ──ACK──▶ box
      21.0s  caller ──BYE──▶ box
      21.0s  box ──200 BYE──▶ caller
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      21.0s  journal: call closed, ANSWER
      21.0s  omar ──200 BYE──▶ box
      21.0s  first ──BYE──▶ box
      21.0s  box ──200 BYE──▶ first
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      21.0s  journal: call closed, ANSWER
      21.0s  ali ──200 BYE──▶ box
      21.0s  second ──BYE──▶ box
      21.0s  box ──200 BYE──▶ second
      21.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      21.0s  journal: call closed, ANSWER
      21.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0500000000 → 8000, by omar, group sales, ended by caller, q850 16
        11.0 s: wait 0.0 ring 0.0 talk 11.0 hold 0.0
        leg 0 0500000000: answered
        leg 1 omar 1003 round 1: answered, rang
    CDR ANSWER inbound 0501234567 → 8000, by omar, group sales, ended by caller, q850 16
        11.0 s: wait 5.0 ring 2.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 omar 1003 round 1: answered, rang
    CDR ANSWER inbound 0500000000 → 8000, by ali, group sales, ended by caller, q850 16
        21.0 s: wait 0.0 ring 0.0 talk 21.0 hold 0.0
        leg 0 0500000000: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere
        leg 3 omar 1003 round 1: answered_elsewhere
    CDR ANSWER inbound 0500000000 → 8000, by mona, group sales, ended by caller, q850 16
        21.0 s: wait 0.0 ring 0.0 talk 21.0 hold 0.0
        leg 0 0500000000: answered
        leg 1 mona 1002 round 1: answered, rang
        leg 2 omar 1003 round 1: answered_elsewhere
    ");
}

#[test]
fn a_phone_picked_up_as_its_round_ends_is_sent_home() {
    let mut world = World::of(
        Site::office()
            .unrecorded()
            .overflowing_to(Overflow::HangUp)
            .ringing(1),
    );
    world.set("ali", Manner::answers_when_cancelled());
    world.calls("caller", "8000");
    world.after_seconds(25.0);
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
      20.0s  journal: call closed, NO_ANSWER
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      20.0s  box ──480 INVITE──▶ caller
      20.0s  ali ──200 INVITE +sdp──▶ box
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  mona ──200 CANCEL──▶ box
      20.0s  mona ──487 INVITE──▶ box
      20.0s  omar ──200 CANCEL──▶ box
      20.0s  omar ──487 INVITE──▶ box
      20.0s  caller ──ACK──▶ box
      20.0s  box ──ACK──▶ ali
      20.0s  box ──BYE (Request timeout; SIP 408)──▶ ali
      20.0s  box ──ACK──▶ mona
      20.0s  box ──ACK──▶ omar
      20.0s  ali ──200 BYE──▶ box
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, sip 480, q850 19
        20.0 s: wait 20.0 ring 20.0 talk 0.0 hold 0.0
        leg 0 0501234567: no_answer
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 mona 1002 round 1: no_answer, rang
        leg 3 omar 1003 round 1: no_answer, rang
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().sip_code),
        (Status::NoAnswer, Some(480))
    );
}
