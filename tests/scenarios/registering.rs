//! Phones come and go.

use crate::world::{Manner, Site, World};
use callpost::model::Status;
use callpost::sip::Transport;

#[test]
fn a_phone_registers_with_its_password_and_refreshes() {
    let mut world = World::unregistered(Site::office(), 1);
    world.ladder.lines.clear();
    world.registers("ali", 600);
    world.after_seconds(300.0);
    world.registers("ali", 600);
    world.after_seconds(500.0);
    assert_eq!(world.engine.snapshot(world.now).registrations.len(), 1);
    world.after_seconds(110.0);
    insta::assert_snapshot!(world.story(), @"
      0.0s  ali ──REGISTER──▶ box
      0.0s  box ──401 REGISTER──▶ ali
      0.0s  ali ──REGISTER with digest──▶ box
      0.0s  box ──200 REGISTER──▶ ali
      0.0s  journal: 1001 bound
    300.0s  ali ──REGISTER──▶ box
    300.0s  box ──401 REGISTER──▶ ali
    300.0s  ali ──REGISTER with digest──▶ box
    300.0s  box ──200 REGISTER──▶ ali
    330.0s  journal: 1001 still there
    900.0s  log: Phone 1001 is no longer registered.
    900.0s  journal: 1001 unbound
    ");
}

#[test]
fn a_registration_that_is_not_refreshed_ends_and_the_agent_is_offline() {
    let mut world = World::unregistered(Site::office(), 1);
    world.registers("ali", 60);
    world.ladder.lines.clear();
    world.after_seconds(61.0);
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
      60.0s  log: Phone 1001 is no longer registered.
      60.0s  journal: 1001 unbound
      61.0s  caller ──INVITE 8000 +sdp──▶ box
      61.0s  box ──100 INVITE──▶ caller
      61.0s  journal: call opened
      61.0s  media: caller at 192.0.2.100:4000 pcmu both
      61.0s  media: play en/voicemail-greeting + beep to caller
      61.0s  box ──200 INVITE +sdp──▶ caller
      61.0s  caller ──ACK──▶ box
      62.0s  caller ──BYE──▶ box
      62.0s  box ──200 BYE──▶ caller
      62.0s  journal: call closed, NO_ANSWER
    CDR NO_ANSWER inbound 0501234567 → 8000, group sales, ended by caller, q850 20
        1.0 s: wait 1.0 ring 0.0 talk 0.0 hold 0.0; stages voicemail; language en
        leg 0 0501234567: answered
    ");
    assert_eq!(world.cdr().legs.len(), 1);
}

#[test]
fn a_phone_that_takes_itself_off_is_no_longer_rung() {
    let mut world = World::office();
    world.registers("ali", 0);
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  ali ──REGISTER──▶ box
       0.0s  box ──401 REGISTER──▶ ali
       0.0s  ali ──REGISTER with digest──▶ box
       0.0s  box ──200 REGISTER──▶ ali
       0.0s  log: Phone 1001 is no longer registered.
       0.0s  journal: 1001 unbound
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1002 +sdp──▶ mona
       0.0s  box ──INVITE 1003 +sdp──▶ omar
       0.0s  mona ──180 INVITE──▶ box
       0.0s  omar ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       1.0s  caller ──CANCEL──▶ box
       1.0s  box ──200 CANCEL──▶ caller
       1.0s  box ──487 INVITE──▶ caller
       1.0s  journal: call closed, CANCELED
       1.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       1.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       1.0s  caller ──ACK──▶ box
       1.0s  mona ──200 CANCEL──▶ box
       1.0s  mona ──487 INVITE──▶ box
       1.0s  omar ──200 CANCEL──▶ box
       1.0s  omar ──487 INVITE──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        1.0 s: wait 1.0 ring 1.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 mona 1002 round 1: canceled, rang
        leg 2 omar 1003 round 1: canceled, rang
    ");
    assert!(world.phone("ali").talks.is_empty());
}

#[test]
fn wrong_passwords_and_unknown_users_get_the_same_answer() {
    let mut world = World::unregistered(Site::office(), 1);
    world.second_phone("wrong", "1001");
    world.phone("wrong").password = Some("guess".into());
    world.second_phone("unknown", "6666");
    world.ladder.lines.clear();
    world.registers("wrong", 600);
    world.registers("unknown", 600);
    insta::assert_snapshot!(world.story(), @"
    0.0s  wrong ──REGISTER──▶ box
    0.0s  box ──401 REGISTER──▶ wrong
    0.0s  wrong ──REGISTER with digest──▶ box
    0.0s  box ──401 REGISTER──▶ wrong
    0.0s  unknown ──REGISTER──▶ box
    0.0s  box ──401 REGISTER──▶ unknown
    0.0s  unknown ──REGISTER with digest──▶ box
    0.0s  box ──401 REGISTER──▶ unknown
    ");
    assert!(world.engine.snapshot(world.now).registrations.is_empty());
}

#[test]
fn a_phone_cannot_register_somebody_elses_extension() {
    let mut world = World::unregistered(Site::office(), 1);
    world.phone("ali").claims = Some("1002".into());
    world.ladder.lines.clear();
    world.registers("ali", 600);
    insta::assert_snapshot!(world.story(), @"
    0.0s  ali ──REGISTER──▶ box
    0.0s  box ──401 REGISTER──▶ ali
    0.0s  ali ──REGISTER with digest──▶ box
    0.0s  box ──403 REGISTER──▶ ali
    ");
    assert!(world.engine.snapshot(world.now).registrations.is_empty());
}

#[test]
fn a_phone_on_tcp_rings_over_its_own_connection() {
    let mut world = World::unregistered(Site::office().unrecorded(), 1);
    world.phone("ali").transport = Transport::Tcp;
    world.phone("ali").connection = Some(7);
    world.set("ali", Manner::answers_after(2.0));
    world.ladder.lines.clear();
    world.registers("ali", 600);
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       0.0s  ali ──REGISTER──▶ box
       0.0s  box ──401 REGISTER──▶ ali
       0.0s  ali ──REGISTER with digest──▶ box
       0.0s  box ──200 REGISTER──▶ ali
       0.0s  journal: 1001 bound
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  box ──INVITE 1001 +sdp──▶ ali
       0.0s  ali ──180 INVITE──▶ box
       0.0s  box ──180 INVITE──▶ caller
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  caller ──ACK──▶ box
       5.0s  ali ──BYE──▶ box
       5.0s  box ──200 BYE──▶ ali
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn registrations_survive_a_restart() {
    let mut world = World::office();
    world.registers("omar", 0);
    world.after_seconds(90.0);
    world.ladder.lines.clear();
    world.restarts(Site::office().unrecorded());
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
      90.0s  the box starts again
      90.0s  caller ──INVITE 8000 +sdp──▶ box
      90.0s  box ──100 INVITE──▶ caller
      90.0s  journal: call opened
      90.0s  box ──INVITE 1001 +sdp──▶ ali
      90.0s  box ──INVITE 1002 +sdp──▶ mona
      90.0s  ali ──180 INVITE──▶ box
      90.0s  mona ──180 INVITE──▶ box
      90.0s  box ──180 INVITE──▶ caller
      91.0s  caller ──CANCEL──▶ box
      91.0s  box ──200 CANCEL──▶ caller
      91.0s  box ──487 INVITE──▶ caller
      91.0s  journal: call closed, CANCELED
      91.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
      91.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
      91.0s  caller ──ACK──▶ box
      91.0s  ali ──200 CANCEL──▶ box
      91.0s  ali ──487 INVITE──▶ box
      91.0s  mona ──200 CANCEL──▶ box
      91.0s  mona ──487 INVITE──▶ box
      91.0s  box ──ACK──▶ ali
      91.0s  box ──ACK──▶ mona
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        1.0 s: wait 1.0 ring 1.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
    ");
    let rung: Vec<_> = world
        .cdr()
        .legs
        .iter()
        .filter_map(|leg| leg.agent.clone())
        .collect();
    assert_eq!(rung, ["ali".into(), "mona".into()]);
}
