//! What phones show besides calls: waiting messages, colleagues' calls; and calls whose connection breaks.

use crate::world::{Manner, Site, World};
use callpost::engine::{Command, Input};
use callpost::model::{Entry, Mailbox};
use callpost::sip::Transport;

/// The office with a phone of ali's over TCP, connection 7.
fn over_tcp(site: Site) -> World {
    let mut world = World::unregistered(site, 1);
    world.phone("ali").transport = Transport::Tcp;
    world.phone("ali").connection = Some(7);
    world.set("ali", Manner::answers_after(2.0));
    world.registers("ali", 600);
    world
}

/// BLF: RFC 4235.
#[test]
fn a_key_of_a_colleague_blinks_and_is_lit_with_the_calls_of_the_agent() {
    let mut world = World::of(Site::office().unrecorded());
    world.let_phone("mona", |phone| phone.watch("1001", "dialog"));
    world.set("ali", Manner::answers_after(3.0));
    world.set("mona", Manner::refuses(486));
    world.registers("omar", 0);
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(10.0);
    world.hangs_up("caller");
    world.after_seconds(2.0);
    insta::assert_snapshot!(world.story(), @"
       5.0s  caller ──INVITE 8000 +sdp──▶ box
       5.0s  box ──100 INVITE──▶ caller
       5.0s  journal: call opened
       5.0s  box ──INVITE 1001 +sdp──▶ ali
       5.0s  box ──INVITE 1002 +sdp──▶ mona
       5.0s  box ──NOTIFY of early──▶ mona
       5.0s  ali ──180 INVITE──▶ box
       5.0s  mona ──486 INVITE──▶ box
       5.0s  mona ──200 NOTIFY──▶ box
       5.0s  box ──180 INVITE──▶ caller
       5.0s  box ──ACK──▶ mona
       8.0s  ali ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ ali
       8.0s  media: ali at 192.0.2.10:4000 pcmu both
       8.0s  media: caller at 192.0.2.100:4000 pcmu both
       8.0s  media: caller and ali talk
       8.0s  box ──200 INVITE +sdp──▶ caller
       8.0s  box ──NOTIFY of confirmed──▶ mona
       8.0s  caller ──ACK──▶ box
       8.0s  mona ──200 NOTIFY──▶ box
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      15.0s  box ──NOTIFY of no call──▶ mona
      15.0s  journal: call closed, ANSWER
      15.0s  ali ──200 BYE──▶ box
      15.0s  mona ──200 NOTIFY──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 3.0 ring 3.0 talk 7.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
    ");
}

/// FIELD B7: the lamp survives a restart of the box, and the phone's own.
#[test]
fn a_message_lamp_is_lit_again_after_a_restart_and_goes_out_when_the_messages_were_heard() {
    let mut world = World::of(Site::office().unrecorded());
    world.calls("caller", "8002");
    world.after_seconds(8.0);
    world.hangs_up("caller");
    world.after_seconds(40.0);
    world.ladder.lines.clear();
    world.cdrs.clear();
    world.restarts(Site::office().unrecorded());
    world.registers("ali", 3600);
    world.after_seconds(5.0);
    world.command(Command::MailboxHeard(Mailbox::Group("sales".into())));
    world.after_seconds(1.0);
    insta::assert_snapshot!(world.ladder.lines.join("\n"), @"
    48.0s  the box starts again
    48.0s  box ──NOTIFY of 1/0 messages──▶ ali
    48.0s  box ──NOTIFY of 1/0 messages──▶ mona
    48.0s  box ──NOTIFY of 1/0 messages──▶ omar
    48.0s  ali ──200 NOTIFY──▶ box
    48.0s  mona ──200 NOTIFY──▶ box
    48.0s  omar ──200 NOTIFY──▶ box
    48.0s  ali ──REGISTER──▶ box
    48.0s  box ──401 REGISTER──▶ ali
    48.0s  ali ──REGISTER with digest──▶ box
    48.0s  box ──200 REGISTER──▶ ali
    48.0s  box ──NOTIFY of 1/0 messages──▶ ali
    48.0s  ali ──200 NOTIFY──▶ box
    53.0s  journal: a message is saved
    53.0s  box ──NOTIFY of 0/1 messages──▶ ali
    53.0s  box ──NOTIFY of 0/1 messages──▶ mona
    53.0s  box ──NOTIFY of 0/1 messages──▶ omar
    53.0s  ali ──200 NOTIFY──▶ box
    53.0s  mona ──200 NOTIFY──▶ box
    53.0s  omar ──200 NOTIFY──▶ box
    ");
}

#[test]
fn a_call_goes_on_when_the_phone_comes_back_on_another_connection() {
    let mut world = over_tcp(Site::office().unrecorded());
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.input(Input::StreamClosed(7));
    world.after_seconds(3.0);
    world.phone("ali").connection = Some(8);
    world.registers("ali", 600);
    world.after_seconds(60.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
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
       5.0s  log: Phone 1001 is no longer registered.
       5.0s  journal: 1001 unbound
       8.0s  ali ──REGISTER──▶ box
       8.0s  box ──401 REGISTER──▶ ali
       8.0s  ali ──REGISTER with digest──▶ box
       8.0s  box ──200 REGISTER──▶ ali
       8.0s  journal: 1001 bound
      68.0s  caller ──BYE──▶ box
      68.0s  box ──200 BYE──▶ caller
      68.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      68.0s  journal: call closed, ANSWER
      68.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        68.0 s: wait 2.0 ring 2.0 talk 66.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
}

#[test]
fn a_call_whose_connection_breaks_for_good_ends_with_its_cause() {
    let mut world = over_tcp(Site::office().unrecorded());
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.input(Input::StreamClosed(7));
    world.phone("ali").manner.dead = true;
    world.after_seconds(40.0);
    insta::assert_snapshot!(world.story(), @"
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
       5.0s  log: Phone 1001 is no longer registered.
       5.0s  journal: 1001 unbound
      37.0s  box ──BYE (Connection lost; SIP 430)──▶ nobody
      37.0s  box ──BYE (Temporary failure; Q.850 41)──▶ caller
      37.0s  journal: call closed, ANSWER
      37.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 41, cause connection_lost
        37.0 s: wait 2.0 ring 2.0 talk 35.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
    ");
    assert_eq!(world.cdr().cause.as_deref(), Some("connection_lost"));
}

#[test]
fn an_agent_whose_phone_does_not_answer_questions_is_not_rung() {
    let mut world = World::of(Site::office().unrecorded().asking_phones());
    world.after_seconds(70.0);
    world.set("ali", Manner::dead());
    world.after_seconds(110.0);
    world.ladder.lines.clear();
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    world.after_seconds(1.0);
    let snapshot = world.engine.snapshot(world.now);
    let states: Vec<_> = snapshot.registrations.iter().map(|phone| phone.state).collect();
    assert_eq!(states, ["unreachable", "reachable", "reachable"]);
    assert!(snapshot.registrations[1].round_trip_ms.is_some());
    let lines = world.ladder.lines.join("\n");
    assert!(
        !lines.contains("▶ ali") && lines.contains("INVITE 1002 +sdp──▶ mona"),
        "{lines}"
    );
    assert!(
        world
            .notices
            .iter()
            .any(|notice| notice.to_string() == "A phone of 1001 does not answer and is not rung.")
    );
}

/// Refreshes are nearly all that phones ever send: a hundred of them are a few entries of the journal.
#[test]
fn refreshes_go_to_the_journal_together_and_before_the_box_stops() {
    let mut world = World::of(Site::office().unrecorded());
    world.entries.clear();
    for _ in 0..40 {
        for name in ["ali", "mona", "omar"] {
            world.registers(name, 3600);
        }
        world.after_seconds(3.0);
    }
    let entries = |world: &World| {
        let is_refresh = |entry: &&Entry| matches!(entry, Entry::Refreshed(phones) if phones.len() == 3);
        (
            world.entries.iter().filter(is_refresh).count(),
            world.entries.len(),
        )
    };
    assert_eq!(entries(&world), (4, 4), "one in thirty seconds");
    world.registers("ali", 3600);
    world.input(Input::Drain);
    assert!(matches!(world.entries.last(), Some(Entry::Refreshed(_))));
}
