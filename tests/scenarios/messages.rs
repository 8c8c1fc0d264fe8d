//! Hearing messages by telephone, and the lamp that follows.

use crate::world::{Site, World};
use callpost::engine::{BoxRules, Command};
use callpost::model::{Entry, Mailbox, MessageState, RecordingId, Secret, Status};
use callpost::routing::{Decision, Pattern, Rule};

/// The office, where `*97` opens a phone's own boxes and `*98` any with number and PIN. `ali` has a box of his own.
fn office() -> Site {
    let mut site = Site::office().unrecorded();
    site.flows.extend([
        "name = \"own\"\nstart = \"messages\"\n[step.messages]\nverb = \"messages\"",
        "name = \"any\"\nstart = \"messages\"\n[step.messages]\nverb = \"messages\"\nown = false",
    ]);
    for (code, flow) in [("*97", "own"), ("*98", "any"), ("8098", "any")] {
        site.rules.push(Rule {
            pattern: Pattern::Exactly(code.into()),
            then: Decision::Flow(flow.into()),
            record: None,
        });
    }
    let ali = BoxRules {
        pin: Some(Secret::from("48213")),
        ..BoxRules::default()
    };
    site.voicemail.boxes.insert(Mailbox::Agent("ali".into()), ali);
    site
}

/// Somebody has left a message of 4 seconds for `sales`.
fn with_a_message() -> World {
    let mut world = World::of(office());
    world.calls("caller", "8002");
    world.after_seconds(6.5);
    world.hangs_up("caller");
    world.after_seconds(40.0);
    world.ladder.lines.clear();
    world.cdrs.clear();
    world
}

fn message(world: &World) -> RecordingId {
    let (messages, _) = world.boxes();
    messages[0].id
}

#[test]
fn an_agent_hears_a_message_of_the_group_and_the_lamps_of_all_go_out() {
    let mut world = with_a_message();
    world.calls("ali", "*97");
    world.after_seconds(6.0);
    world.presses("ali", "1");
    world.after_seconds(10.0);
    world.presses("ali", "#");
    insta::assert_snapshot!(world.story(), @"
      46.5s  ali ──INVITE *97 +sdp──▶ box
      46.5s  box ──401 INVITE──▶ ali
      46.5s  ali ──ACK──▶ box
      46.5s  ali ──INVITE *97 with digest +sdp──▶ box
      46.5s  box ──100 INVITE──▶ ali
      46.5s  journal: call opened
      46.5s  media: ali at 192.0.2.10:4000 pcmu both
      46.5s  media: play en/vm-new-count + en/num-1 + en/vm-menu to ali
      46.5s  box ──200 INVITE +sdp──▶ ali
      46.5s  ali ──ACK──▶ box
      52.5s  media: ali presses 1
      52.5s  journal: 1001 hears a message
      52.5s  media: play what was recorded to ali
      56.5s  journal: a message is saved
      56.5s  media: play en/vm-message-menu to ali
      56.5s  box ──NOTIFY of 0/1 messages──▶ ali
      56.5s  box ──NOTIFY of 0/1 messages──▶ mona
      56.5s  box ──NOTIFY of 0/1 messages──▶ omar
      56.5s  ali ──200 NOTIFY──▶ box
      56.5s  mona ──200 NOTIFY──▶ box
      56.5s  omar ──200 NOTIFY──▶ box
      62.5s  media: ali presses #
      62.5s  media: play en/goodbye to ali
      64.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      64.5s  journal: call closed, ANSWER
      64.5s  ali ──200 BYE──▶ box
    CDR ANSWER internal 1001 → *97, ended by system, q850 16
        18.0 s: wait 18.0 ring 0.0 talk 0.0 hold 0.0; stages messages; digits 1#; language en
        leg 0 ali 1001: answered
    ");
    let (messages, _) = world.boxes();
    assert_eq!(messages[0].state, MessageState::Saved);
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_message_that_is_thrown_away_is_in_no_box_and_counts_for_no_lamp() {
    let mut world = with_a_message();
    world.calls("mona", "*97");
    world.after_seconds(6.0);
    world.presses("mona", "17");
    world.after_seconds(1.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
      46.5s  mona ──INVITE *97 +sdp──▶ box
      46.5s  box ──401 INVITE──▶ mona
      46.5s  mona ──ACK──▶ box
      46.5s  mona ──INVITE *97 with digest +sdp──▶ box
      46.5s  box ──100 INVITE──▶ mona
      46.5s  journal: call opened
      46.5s  media: mona at 192.0.2.11:4000 pcmu both
      46.5s  media: play en/vm-new-count + en/num-1 + en/vm-menu to mona
      46.5s  box ──200 INVITE +sdp──▶ mona
      46.5s  mona ──ACK──▶ box
      52.5s  media: mona presses 1
      52.5s  journal: 1002 hears a message
      52.5s  media: play what was recorded to mona
      52.5s  media: mona presses 7
      52.5s  journal: a message is deleted
      52.5s  media: play en/vm-deleted to mona
      52.5s  box ──NOTIFY of 0/0 messages──▶ ali
      52.5s  box ──NOTIFY of 0/0 messages──▶ mona
      52.5s  box ──NOTIFY of 0/0 messages──▶ omar
      52.5s  ali ──200 NOTIFY──▶ box
      52.5s  mona ──200 NOTIFY──▶ box
      52.5s  omar ──200 NOTIFY──▶ box
      53.5s  mona ──BYE──▶ box
      53.5s  box ──200 BYE──▶ mona
      53.5s  journal: call closed, CANCELED
    CDR CANCELED internal 1002 → *97, ended by caller, q850 16
        7.0 s: wait 7.0 ring 0.0 talk 0.0 hold 0.0; stages messages; digits 17; language en
        leg 0 mona 1002: answered
    ");
    assert!(world.boxes().0.is_empty());
}

/// ROBUSTNESS 43: three tries, then the call ends, and the next call of this number is not let in either.
#[test]
fn whoever_guesses_a_pin_by_telephone_is_hung_up_on_and_waits() {
    let mut world = World::of(office());
    world.calls("caller", "8098");
    for pin in ["1111#", "2222#", "3333#"] {
        world.after_seconds(5.0);
        world.presses("caller", "1001#");
        world.presses("caller", pin);
    }
    world.after_seconds(10.0);
    world.calls("caller", "8098");
    world.after_seconds(5.0);
    world.presses("caller", "1001#48213#");
    world.after_seconds(10.0);
    let lines = world.ladder.lines.join("\n");
    assert_eq!(
        lines.matches("play en/vm-wrong + en/goodbye").count(),
        2,
        "{lines}"
    );
    assert!(!lines.contains("vm-menu"), "the right PIN came too soon: {lines}");
    world.after_seconds(60.0);
    world.calls("caller", "8098");
    world.after_seconds(5.0);
    world.presses("caller", "1001#48213#");
    world.after_seconds(1.0);
    assert!(world.ladder.lines.join("\n").contains("vm-menu"));
    world.hangs_up("caller");
    world.peace();
    for cdr in &world.cdrs {
        assert!(
            !cdr.digits.contains("48213") && cdr.digits.contains("xxxx"),
            "{}",
            cdr.digits
        );
    }
    let noted = world.entries.iter().filter_map(|entry| {
        if let Entry::CallNoted(note) = entry {
            Some(note.detail.as_str())
        } else {
            None
        }
    });
    let digits: String = noted.filter(|detail| detail.len() == 1).collect();
    assert!(!digits.contains("2222") && !digits.contains("48213"), "{digits}");
}

#[test]
fn a_phone_that_was_handed_on_to_the_menu_hears_its_own_messages_and_nobody_elses() {
    let mut world = with_a_message();
    world.set("ali", crate::world::Manner::rings());
    world.calls("mona", "1001");
    world.after_seconds(35.0);
    world.hangs_up("mona");
    world.after_seconds(40.0);
    assert_eq!(world.boxes().0.len(), 2, "one for sales, one for ali");
    world.set("mona", crate::world::Manner::answers_after(1.0));
    world.calls("ali", "1002");
    world.after_seconds(3.0);
    world.transfers("ali", "*97");
    world.after_seconds(5.0);
    let lines = world.ladder.lines.join("\n");
    assert!(
        lines.contains("play en/vm-new-count + en/num-1 + en/vm-menu to mona"),
        "{lines}"
    );
    world.hangs_up("mona");
    world.peace();
}

#[test]
fn an_agent_who_does_not_answer_has_a_box_and_greets_with_the_own_voice() {
    let mut world = World::of(office());
    world.calls("ali", "*97");
    world.after_seconds(6.0);
    world.presses("ali", "01");
    world.after_seconds(7.0);
    world.presses("ali", "#");
    world.after_seconds(3.0);
    world.presses("ali", "2");
    world.after_seconds(1.0);
    world.hangs_up("ali");
    world.after_seconds(40.0);
    world.ladder.lines.clear();
    world.cdrs.clear();
    world.set("ali", crate::world::Manner::rings());
    world.calls("mona", "1001");
    world.after_seconds(35.0);
    world.presses("mona", "#");
    world.after_seconds(3.0);
    world.presses("mona", "5");
    insta::assert_snapshot!(world.story(), @"
      57.0s  mona ──INVITE 1001 +sdp──▶ box
      57.0s  box ──401 INVITE──▶ mona
      57.0s  mona ──ACK──▶ box
      57.0s  mona ──INVITE 1001 with digest +sdp──▶ box
      57.0s  box ──100 INVITE──▶ mona
      57.0s  journal: call opened
      57.0s  box ──INVITE 1001 +sdp──▶ ali
      57.0s  ali ──180 INVITE──▶ box
      57.0s  box ──180 INVITE──▶ mona
      82.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      82.0s  media: mona at 192.0.2.11:4000 pcmu both
      82.0s  media: play what was recorded + beep to mona
      82.0s  box ──200 INVITE +sdp──▶ mona
      82.0s  ali ──200 CANCEL──▶ box
      82.0s  ali ──487 INVITE──▶ box
      82.0s  mona ──ACK──▶ box
      82.0s  box ──ACK──▶ ali
      86.5s  media: record mona
      86.5s  media: watch for 5 s of silence from mona
      92.0s  media: mona presses #
      92.0s  media: no longer watch mona
      92.0s  media: stop recording mona
      92.0s  media: play en/vm-review to mona
      95.0s  media: mona presses 5
      95.0s  journal: an urgent message of 5.5 s for agent:ali
      95.0s  media: play en/thank-you to mona
      95.0s  box ──NOTIFY of 1/0 messages──▶ ali
      95.0s  ali ──200 NOTIFY──▶ box
      97.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      97.0s  journal: call closed, VOICEMAIL
      97.0s  mona ──200 BYE──▶ box
    CDR VOICEMAIL internal 1002 → 1001, ended by system, q850 16
        40.0 s: wait 40.0 ring 25.0 talk 0.0 hold 0.0; stages voicemail; digits 5; language en; recording of 5.5 s, 1 channel(s), in voicemail
        leg 0 mona 1002: answered
        leg 1 ali 1001 round 1: no_answer, rang
    ");
    let (messages, greetings) = world.boxes();
    assert_eq!(messages[0].mailbox, Mailbox::Agent("ali".into()));
    assert!(messages[0].urgent && greetings.len() == 1);
    assert_eq!(world.cdr().voicemail.as_ref().unwrap().id, messages[0].id);
}

#[test]
fn what_a_caller_erases_is_no_message() {
    let mut world = World::of(office());
    world.calls("caller", "8002");
    world.after_seconds(6.5);
    world.presses("caller", "#");
    world.after_seconds(3.0);
    world.presses("caller", "3");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8002 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/voicemail-greeting + beep to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.5s  media: record caller
       2.5s  media: watch for 5 s of silence from caller
       6.5s  media: caller presses #
       6.5s  media: no longer watch caller
       6.5s  media: stop recording caller
       6.5s  media: play en/vm-review to caller
       9.5s  media: caller presses 3
       9.5s  journal: 4.0 s said for nothing
       9.5s  media: play en/vm-erased to caller
      11.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      11.5s  journal: call closed, ANSWER
      11.5s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8002, group sales, ended by system, q850 16
        11.5 s: wait 11.5 ring 0.0 talk 0.0 hold 0.0; stages box; digits 3; language en
        leg 0 0501234567: answered
    ");
    assert!(world.boxes().0.is_empty());
    let cdr = world.cdr();
    assert!(cdr.recording.is_none() && cdr.voicemail.is_none());
    assert_ne!(cdr.status, Status::Voicemail);
}

#[test]
fn a_full_box_takes_no_message() {
    let mut site = office();
    let full = BoxRules {
        most_messages: 1,
        ..BoxRules::default()
    };
    site.voicemail.boxes.insert(Mailbox::Group("sales".into()), full);
    let mut world = World::of(site);
    for _ in 0..2 {
        world.calls("caller", "8002");
        world.after_seconds(6.5);
        if world.open_calls().is_empty() {
            break;
        }
        world.hangs_up("caller");
        world.after_seconds(5.0);
    }
    world.peace();
    assert!(
        world
            .ladder
            .lines
            .join("\n")
            .contains("play en/vm-full to caller")
    );
    assert_eq!(world.boxes().0.len(), 1);
}

#[test]
fn a_message_marked_on_a_page_changes_the_lamp_too() {
    let mut world = with_a_message();
    let id = message(&world);
    world.command(Command::MarkMessage(id, MessageState::Saved));
    world.command(Command::MarkMessage(id, MessageState::New));
    world.command(Command::MarkMessage(id, MessageState::Deleted));
    let told: Vec<&str> = world
        .ladder
        .lines
        .iter()
        .filter_map(|line| line.split_once("NOTIFY of "))
        .filter(|(_, rest)| rest.ends_with("ali"))
        .filter_map(|(_, rest)| rest.split(' ').next())
        .collect();
    assert_eq!(told, ["0/1", "1/0", "0/0"]);
    world.peace();
}
