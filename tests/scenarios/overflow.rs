//! What happens to a caller nobody took.

use crate::world::{Manner, Site, World, agent, group};
use callpost::agents::{Agent, Overflow};
use callpost::model::Status;

#[test]
fn a_group_nobody_answers_overflows_into_another_group() {
    let mut site = Site::office()
        .unrecorded()
        .ringing(1)
        .overflowing_to(Overflow::Group("night".into()));
    site.agents.truncate(1);
    site.agents.push(Agent {
        groups: vec!["night".into()],
        ..agent("omar", "1003")
    });
    site.groups.push(group("night", 1, 20, Overflow::HangUp));
    let mut world = World::of(site);
    world.set("omar", Manner::answers_after(4.0));
    world.calls("caller", "8000");
    world.after_seconds(30.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  ali ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  box ──INVITE 1003 +sdp──▶ omar
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  ali ──487 INVITE──▶ box
      20.0s  omar ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ ali
      20.0s  box ──180 INVITE──▶ caller
      24.0s  omar ──200 INVITE +sdp──▶ box
      24.0s  box ──ACK──▶ omar
      24.0s  media: omar at 192.0.2.11:4000 pcmu both
      24.0s  media: caller at 192.0.2.100:4000 pcmu both
      24.0s  media: caller and omar talk
      24.0s  box ──200 INVITE +sdp──▶ caller
      24.0s  caller ──ACK──▶ box
      30.0s  caller ──BYE──▶ box
      30.0s  box ──200 BYE──▶ caller
      30.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      30.0s  journal: call closed, ANSWER
      30.0s  omar ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by omar, group night, ended by caller, q850 16
        30.0 s: wait 24.0 ring 24.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 omar 1003 round 1: answered, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.group.as_ref().unwrap().as_str()),
        (Status::Answer, "night")
    );
    assert_eq!((cdr.wait_ms, cdr.ring_ms), (24_000, 24_000));
}

#[test]
fn a_group_nobody_answers_overflows_to_an_agent() {
    let mut site = Site::office()
        .unrecorded()
        .ringing(1)
        .overflowing_to(Overflow::Agent("omar".into()));
    site.agents.truncate(1);
    site.agents.push(Agent {
        groups: vec![],
        ..agent("omar", "1003")
    });
    let mut world = World::of(site);
    world.set("omar", Manner::answers_after(4.0));
    world.calls("caller", "8000");
    world.after_seconds(30.0);
    world.hangs_up("omar");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  ali ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  box ──INVITE 1003 +sdp──▶ omar
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  ali ──487 INVITE──▶ box
      20.0s  omar ──180 INVITE──▶ box
      20.0s  box ──ACK──▶ ali
      20.0s  box ──180 INVITE──▶ caller
      24.0s  omar ──200 INVITE +sdp──▶ box
      24.0s  box ──ACK──▶ omar
      24.0s  media: omar at 192.0.2.11:4000 pcmu both
      24.0s  media: caller at 192.0.2.100:4000 pcmu both
      24.0s  media: caller and omar talk
      24.0s  box ──200 INVITE +sdp──▶ caller
      24.0s  caller ──ACK──▶ box
      30.0s  omar ──BYE──▶ box
      30.0s  box ──200 BYE──▶ omar
      30.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      30.0s  journal: call closed, ANSWER
      30.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by omar, group sales, ended by callee, q850 16
        30.0 s: wait 24.0 ring 24.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 omar 1003 round 1: answered, rang
    ");
    assert_eq!(world.cdr().agent, Some("omar".into()));
}

#[test]
fn a_group_nobody_answers_overflows_into_a_flow() {
    let mut site = Site::office()
        .unrecorded()
        .ringing(1)
        .overflowing_to(Overflow::Flow("sorry".into()));
    site.agents.truncate(1);
    site.flows
        .push("name=\"sorry\"\nstart=\"sorry\"\n[step.sorry]\nverb=\"hangup\"\nprompt=\"sorry\"");
    let mut world = World::of(site);
    world.calls("caller", "8000");
    world.after_seconds(30.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  ali ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
      20.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      20.0s  media: caller at 192.0.2.100:4000 pcmu both
      20.0s  media: play en/sorry to caller
      20.0s  box ──200 INVITE +sdp──▶ caller
      20.0s  ali ──200 CANCEL──▶ box
      20.0s  ali ──487 INVITE──▶ box
      20.0s  caller ──ACK──▶ box
      20.0s  box ──ACK──▶ ali
      22.0s  box ──BYE (No answer; Q.850 19)──▶ caller
      22.0s  journal: call closed, NO_ANSWER
      22.0s  caller ──200 BYE──▶ box
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by system, q850 19
        22.0 s: wait 22.0 ring 20.0 talk 0.0 hold 0.0; stages sorry; language en
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().q850),
        (Status::NoAnswer, Some(19))
    );
}

#[test]
fn an_overflow_that_leads_nowhere_ends_the_call() {
    let mut site = Site::office().overflowing_to(Overflow::Flow("no such flow".into()));
    site.agents.clear();
    let mut world = World::of(site);
    world.calls("caller", "8000");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  journal: call closed, FAILED
       0.0s  box ──500 INVITE──▶ caller
       0.0s  caller ──ACK──▶ box
    CDR FAILED inbound 0501234567 → 8000, group sales, ended by system, sip 500, q850 41, cause no_such_flow
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    ");
    assert_eq!(world.cdr().cause.as_deref(), Some("no_such_flow"));
}

#[test]
fn groups_that_overflow_in_a_circle_end_the_call() {
    let mut site = Site::office().overflowing_to(Overflow::Group("night".into()));
    site.agents.clear();
    site.groups
        .push(group("night", 1, 20, Overflow::Group("sales".into())));
    let mut world = World::of(site);
    world.calls("caller", "8000");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  journal: call closed, FAILED
       0.0s  box ──500 INVITE──▶ caller
       0.0s  caller ──ACK──▶ box
    CDR FAILED inbound 0501234567 → 8000, group sales, ended by system, sip 500, q850 41, cause overflow_circle
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    ");
    assert_eq!(world.cdr().cause.as_deref(), Some("overflow_circle"));
}
