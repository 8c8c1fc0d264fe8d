//! A conversation is handed on: by REFER, to a phone, a group or a menu, and every way that can fail.

use crate::world::{Manner, Phone, Site, World, agent_of_pbx};
use callpost::engine::Command;
use callpost::model::{Entry, NoteKind, Status, TransferKind};

/// The caller talks with ali; mona and omar are free. The ladder begins there.
fn talking() -> World {
    talking_at(Site::office().unrecorded())
}

fn talking_at(site: Site) -> World {
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world.set("ali", Manner::rings());
    world
}

/// S3-008, S4-073: the record and those who look on hear who handed the call on, to whom, and who took it.
#[test]
fn an_agent_hands_the_caller_on_to_a_colleague() {
    let mut world = talking();
    world.set("mona", Manner::answers_after(3.0));
    world.transfers("ali", "1002");
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       8.0s  mona ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       8.0s  ali ──200 NOTIFY──▶ box
       8.0s  ali ──BYE──▶ box
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  box ──200 BYE──▶ ali
       8.0s  ali ──200 BYE──▶ box
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      15.0s  journal: call closed, ANSWER
      15.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
    let cdr = world.cdr();
    assert_eq!(cdr.agent.as_ref().map(|agent| agent.as_str()), Some("mona"));
    assert_eq!(cdr.transfers[0].kind, TransferKind::Blind);
    assert!(world.notices.iter().any(|notice| {
        notice
            .to_string()
            .contains("was transferred to 1002 by ali; mona")
    }));
    let of_it = [NoteKind::TransferAsked, NoteKind::Transferred];
    let mut noted = Vec::new();
    for entry in &world.entries {
        if let Entry::CallNoted(note) = entry
            && of_it.contains(&note.kind)
        {
            noted.push(note.kind);
        }
    }
    assert_eq!(noted, of_it);
}

#[test]
fn the_phone_that_stays_on_the_line_is_let_go_once_the_colleague_has_the_caller() {
    let mut world = talking();
    world.phone("ali").manner.stays_after_transfer = true;
    world.set("mona", Manner::answers_after(3.0));
    world.transfers("ali", "1002");
    world.after_seconds(10.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       8.0s  mona ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       8.0s  ali ──200 NOTIFY──▶ box
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  ali ──200 BYE──▶ box
      15.0s  mona ──BYE──▶ box
      15.0s  box ──200 BYE──▶ mona
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      15.0s  journal: call closed, ANSWER
      15.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by callee, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn when_the_colleague_is_busy_the_caller_comes_back() {
    let mut world = talking();
    world.set("mona", Manner::refuses(486));
    world.transfers("ali", "1002");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──486 INVITE──▶ box
       5.0s  box ──ACK──▶ mona
       5.0s  media: stop playing to caller
       5.0s  media: caller and ali talk
       5.0s  box ──NOTIFY “486 Busy Here” terminated──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      10.0s  journal: call closed, ANSWER
      10.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        Blind transfer by leg 1 to 1002: busy
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: busy 486 Busy Here
    ");
    assert_eq!(
        world.cdr().agent.as_ref().map(|agent| agent.as_str()),
        Some("ali")
    );
}

#[test]
fn when_the_colleague_does_not_pick_up_the_caller_comes_back() {
    let mut world = talking();
    world.transfers("ali", "1002");
    world.after_seconds(70.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
      65.0s  media: stop playing to caller
      65.0s  media: caller and ali talk
      65.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      65.0s  box ──NOTIFY “408 Request Timeout” terminated──▶ ali
      65.0s  mona ──200 CANCEL──▶ box
      65.0s  mona ──487 INVITE──▶ box
      65.0s  ali ──200 NOTIFY──▶ box
      65.0s  box ──ACK──▶ mona
      75.0s  ali ──BYE──▶ box
      75.0s  box ──200 BYE──▶ ali
      75.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      75.0s  journal: call closed, ANSWER
      75.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        75.0 s: wait 2.0 ring 2.0 talk 73.0 hold 0.0
        Blind transfer by leg 1 to 1002: no_answer
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: no_answer, rang
    ");
}

#[test]
fn who_hangs_up_before_the_colleague_picks_up_leaves_the_caller_to_the_colleague() {
    let mut world = talking();
    world.set("mona", Manner::answers_after(6.0));
    world.transfers("ali", "1002");
    world.after_seconds(1.0);
    world.hangs_up("ali");
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       6.0s  ali ──BYE──▶ box
       6.0s  box ──200 BYE──▶ ali
      11.0s  mona ──200 INVITE +sdp──▶ box
      11.0s  box ──ACK──▶ mona
      11.0s  media: mona at 192.0.2.11:4000 pcmu both
      11.0s  media: caller and mona talk
      16.0s  caller ──BYE──▶ box
      16.0s  box ──200 BYE──▶ caller
      16.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      16.0s  journal: call closed, ANSWER
      16.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        16.0 s: wait 2.0 ring 2.0 talk 14.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn a_caller_whom_nobody_takes_rings_again_at_the_phone_that_handed_the_call_on() {
    let mut world = talking();
    world.set("mona", Manner::refuses_after(4.0, 486));
    world.transfers("ali", "1002");
    world.after_seconds(1.0);
    world.hangs_up("ali");
    world.set("ali", Manner::answers_after(2.0));
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       6.0s  ali ──BYE──▶ box
       6.0s  box ──200 BYE──▶ ali
       9.0s  mona ──486 INVITE──▶ box
       9.0s  box ──ACK──▶ mona
       9.0s  media: stop playing to caller
       9.0s  media: play ringback to caller over and over
       9.0s  box ──INVITE 1001 with Referred-By +sdp──▶ ali
       9.0s  ali ──180 INVITE──▶ box
      11.0s  ali ──200 INVITE +sdp──▶ box
      11.0s  box ──ACK──▶ ali
      11.0s  media: ali at 192.0.2.10:4000 pcmu both
      11.0s  media: caller and ali talk
      16.0s  caller ──BYE──▶ box
      16.0s  box ──200 BYE──▶ caller
      16.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      16.0s  journal: call closed, ANSWER
      16.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        16.0 s: wait 2.0 ring 2.0 talk 14.0 hold 0.0
        Blind transfer by leg 1 to 1002: returned leg 5
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: busy 486 Busy Here, rang
        leg 5 ali 1001 round 1: answered, rang
    ");
    assert_eq!(world.cdr().transfers[0].result, "returned");
}

#[test]
fn a_caller_handed_on_to_a_group_rings_all_its_phones() {
    let mut world = talking();
    world.set("omar", Manner::answers_after(2.0));
    world.transfers("ali", "8000");
    world.after_seconds(10.0);
    world.hangs_up("omar");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 8000──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  box ──INVITE 1003 with Referred-By +sdp──▶ omar
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  omar ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       7.0s  omar ──200 INVITE +sdp──▶ box
       7.0s  box ──ACK──▶ omar
       7.0s  media: omar at 192.0.2.12:4000 pcmu both
       7.0s  media: caller and omar talk
       7.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       7.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       7.0s  mona ──200 CANCEL──▶ box
       7.0s  mona ──487 INVITE──▶ box
       7.0s  ali ──200 NOTIFY──▶ box
       7.0s  ali ──BYE──▶ box
       7.0s  box ──ACK──▶ mona
       7.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       7.0s  box ──200 BYE──▶ ali
       7.0s  ali ──200 BYE──▶ box
      15.0s  omar ──BYE──▶ box
      15.0s  box ──200 BYE──▶ omar
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      15.0s  journal: call closed, ANSWER
      15.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by omar, group sales, ended by callee, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        Blind transfer by leg 1 to 8000: answered leg 5
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered_elsewhere, rang
        leg 5 omar 1003 round 1: answered, rang
    ");
}

#[test]
fn a_caller_handed_on_to_a_menu_hears_it() {
    let mut world = talking();
    world.transfers("ali", "8001");
    world.after_seconds(10.0);
    world.presses("caller", "1");
    world.set("mona", Manner::answers_after(2.0));
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 8001──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play en/welcome to caller
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  ali ──BYE──▶ box
       5.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       5.0s  box ──200 BYE──▶ ali
       5.0s  ali ──200 BYE──▶ box
       7.0s  media: play en/main-menu to caller
      14.0s  media: play en/no-input + en/main-menu to caller
      15.0s  media: caller presses 1
      15.0s  media: play ringback to caller over and over
      15.0s  box ──INVITE 1001 +sdp──▶ ali
      15.0s  box ──INVITE 1002 +sdp──▶ mona
      15.0s  box ──INVITE 1003 +sdp──▶ omar
      15.0s  ali ──180 INVITE──▶ box
      15.0s  mona ──180 INVITE──▶ box
      15.0s  omar ──180 INVITE──▶ box
      16.0s  caller ──BYE──▶ box
      16.0s  box ──200 BYE──▶ caller
      16.0s  box ──CANCEL (Normal call clearing; Q.850 16)──▶ ali
      16.0s  box ──CANCEL (Normal call clearing; Q.850 16)──▶ mona
      16.0s  box ──CANCEL (Normal call clearing; Q.850 16)──▶ omar
      16.0s  journal: call closed, ANSWER
      16.0s  ali ──200 CANCEL──▶ box
      16.0s  ali ──487 INVITE──▶ box
      16.0s  mona ──200 CANCEL──▶ box
      16.0s  mona ──487 INVITE──▶ box
      16.0s  omar ──200 CANCEL──▶ box
      16.0s  omar ──487 INVITE──▶ box
      16.0s  box ──ACK──▶ ali
      16.0s  box ──ACK──▶ mona
      16.0s  box ──ACK──▶ omar
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        16.0 s: wait 2.0 ring 2.0 talk 14.0 hold 0.0; stages welcome menu sales; digits 1; language en
        Blind transfer by leg 1 to 8001: menu
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 ali 1001 round 1: canceled, rang
        leg 5 mona 1002 round 1: canceled, rang
        leg 6 omar 1003 round 1: canceled, rang
    ");
}

#[test]
fn a_caller_handed_on_to_the_mailbox_leaves_a_message() {
    let mut world = talking_at(Site::office());
    world.transfers("ali", "8002");
    world.after_seconds(6.0);
    world.presses("caller", "#");
    world.after_seconds(2.0);
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 8002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: record caller
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  media: play en/voicemail-greeting + beep to caller
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  ali ──BYE──▶ box
       5.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       5.0s  box ──200 BYE──▶ ali
       5.0s  ali ──200 BYE──▶ box
       7.5s  media: stop recording caller
       7.5s  media: record caller
       7.5s  media: watch for 5 s of silence from caller
      11.0s  media: caller presses #
      11.0s  media: no longer watch caller
      11.0s  media: stop recording caller
      11.0s  media: play en/vm-review to caller
      17.0s  journal: a message of 3.5 s for group:sales
      17.0s  media: play en/thank-you to caller
      17.0s  box ──NOTIFY of 1/0 messages──▶ ali
      17.0s  box ──NOTIFY of 1/0 messages──▶ mona
      17.0s  box ──NOTIFY of 1/0 messages──▶ omar
      17.0s  ali ──200 NOTIFY──▶ box
      17.0s  mona ──200 NOTIFY──▶ box
      17.0s  omar ──200 NOTIFY──▶ box
      19.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      19.0s  journal: call closed, ANSWER
      19.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 16
        19.0 s: wait 2.0 ring 2.0 talk 17.0 hold 0.0; stages box; language en; recording of 3.5 s, 1 channel(s), in voicemail
        Blind transfer by leg 1 to 8002: menu
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn one_recording_holds_the_whole_call_however_often_it_is_handed_on() {
    let mut world = talking_at(Site::office());
    world.set("mona", Manner::answers_after(3.0));
    world.transfers("ali", "1002");
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: record caller
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       8.0s  mona ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  media: record caller and mona
       8.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       8.0s  ali ──200 NOTIFY──▶ box
       8.0s  ali ──BYE──▶ box
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  box ──200 BYE──▶ ali
       8.0s  ali ──200 BYE──▶ box
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  media: stop recording caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      15.0s  journal: call closed, ANSWER
      15.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0; recording of 13.0 s, 2 channel(s), in recordings
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn a_colleague_at_a_phone_of_the_pbx_takes_the_call() {
    let mut site = Site::office().unrecorded();
    site.agents.push(agent_of_pbx("hana", "2002"));
    let mut world = talking_at(site);
    world.set("hana", Manner::answers_after(3.0));
    world.transfers("ali", "2002");
    world.after_seconds(10.0);
    world.hangs_up("hana");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 2002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 2002 with Referred-By +sdp──▶ hana
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  hana ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       8.0s  hana ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ hana
       8.0s  media: hana at 192.0.2.100:4000 pcmu both
       8.0s  media: caller and hana talk
       8.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       8.0s  ali ──200 NOTIFY──▶ box
       8.0s  ali ──BYE──▶ box
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  box ──200 BYE──▶ ali
       8.0s  ali ──200 BYE──▶ box
      15.0s  hana ──BYE──▶ box
      15.0s  box ──200 BYE──▶ hana
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      15.0s  journal: call closed, ANSWER
      15.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by hana, group sales, ended by callee, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        Blind transfer by leg 1 to 2002: answered leg 5
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 hana 2002 round 1: answered_elsewhere, rang
        leg 5 hana 2002 round 1: answered, rang
    ");
}

#[test]
fn a_caller_of_the_house_hands_the_other_side_on() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("mona", Manner::answers_after(1.0));
    world.calls("ali", "1002");
    world.after_seconds(3.0);
    world.set("omar", Manner::answers_after(2.0));
    world.transfers("ali", "1003");
    world.after_seconds(10.0);
    world.hangs_up("mona");
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
       1.0s  mona ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  media: mona at 192.0.2.11:4000 pcmu both
       1.0s  media: ali at 192.0.2.10:4000 pcmu both
       1.0s  media: ali and mona talk
       1.0s  box ──200 INVITE +sdp──▶ ali
       1.0s  ali ──ACK──▶ box
       3.0s  ali ──REFER 1003──▶ box
       3.0s  media: ali no longer talks
       3.0s  media: play ringback to mona over and over
       3.0s  box ──202 REFER──▶ ali
       3.0s  box ──NOTIFY “100 Trying”──▶ ali
       3.0s  box ──INVITE 1003 with Referred-By +sdp──▶ omar
       3.0s  ali ──200 NOTIFY──▶ box
       3.0s  omar ──180 INVITE──▶ box
       3.0s  box ──NOTIFY “180 Ringing”──▶ ali
       3.0s  ali ──200 NOTIFY──▶ box
       5.0s  omar ──200 INVITE +sdp──▶ box
       5.0s  box ──ACK──▶ omar
       5.0s  media: omar at 192.0.2.12:4000 pcmu both
       5.0s  media: mona and omar talk
       5.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  ali ──BYE──▶ box
       5.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       5.0s  box ──200 BYE──▶ ali
       5.0s  ali ──200 BYE──▶ box
      13.0s  mona ──BYE──▶ box
      13.0s  box ──200 BYE──▶ mona
      13.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
      13.0s  journal: call closed, ANSWER
      13.0s  omar ──200 BYE──▶ box
    CDR ANSWER internal 1001 → 1002, by omar, ended by callee, q850 16
        13.0 s: wait 1.0 ring 1.0 talk 12.0 hold 0.0
        Blind transfer by leg 0 to 1003: answered leg 2
        leg 0 ali 1001: transferred
        leg 1 mona 1002 round 1: answered, rang
        leg 2 omar 1003 round 1: answered, rang
    ");
}

#[test]
fn a_caller_who_gives_up_in_the_middle_ends_it_for_everybody() {
    let mut world = talking();
    world.transfers("ali", "1002");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──NOTIFY “480 Temporarily Unavailable” terminated──▶ ali
      10.0s  box ──CANCEL (Normal call clearing; Q.850 16)──▶ mona
      10.0s  journal: call closed, ANSWER
      10.0s  ali ──200 NOTIFY──▶ box
      10.0s  mona ──200 CANCEL──▶ box
      10.0s  mona ──487 INVITE──▶ box
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      10.0s  box ──ACK──▶ mona
      10.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        Blind transfer by leg 1 to 1002: abandoned
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: canceled, rang
    ");
    assert_eq!(world.cdr().transfers[0].result, "abandoned");
}

/// ROBUSTNESS 39: a stranger's call is not handed on to a number the trunk could not dial.
#[test]
fn an_outside_caller_reaches_no_more_by_refer_than_by_dialling() {
    let mut world = talking();
    world.transfers("caller", "1002");
    world.transfers("caller", "0900123456");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  caller ──REFER 1002──▶ box
       5.0s  box ──403 REFER──▶ caller
       5.0s  caller ──REFER 0900123456──▶ box
       5.0s  box ──403 REFER──▶ caller
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      10.0s  journal: call closed, ANSWER
      10.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

/// ROBUSTNESS 39: a call is handed on three times at most.
#[test]
fn a_call_goes_round_three_times_and_no_more() {
    let mut world = talking();
    for name in ["ali", "mona", "omar"] {
        world.set(name, Manner::answers_after(1.0));
    }
    for (by, to) in [
        ("ali", "1002"),
        ("mona", "1003"),
        ("omar", "1001"),
        ("ali", "1002"),
    ] {
        world.transfers(by, to);
        world.after_seconds(3.0);
    }
    let told = world.phone("ali").talk().unwrap().notified.clone();
    assert!(
        told.is_empty(),
        "the fourth is refused with 403, not with a NOTIFY: {told:?}"
    );
    world.hangs_up("caller");
    world.peace();
    let cdr = world.cdr();
    assert_eq!((cdr.transfers.len(), cdr.status), (3, Status::Answer));
}

#[test]
fn numbers_that_are_nobodys_and_addresses_that_are_none_are_refused() {
    let mut world = talking();
    world.transfers("ali", "7777");
    for target in [
        "Refer-To: <mailto:mona@callpost>",
        "Refer-To: <sip:1002@callpost;method=BYE>",
        "Refer-To: <sip:callpost>",
        "Refer-To: sip:1002@callpost\r\nRefer-To: sip:1003@callpost",
        "X-None: 1",
        "Refer-To: <sip:1002@callpost?Replaces=x>",
        "Refer-To: <sip:1002@callpost?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>",
        "Refer-To: <sip:1002@callpost>\r\nRequire: teleport",
    ] {
        world.let_phone("ali", |phone| {
            let call_id = phone.talk().unwrap().call_id.clone();
            phone.send_within(&call_id, "REFER", &format!("{target}\r\n"), None)
        });
    }
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 7777──▶ box
       5.0s  box ──404 REFER──▶ ali
       5.0s  ali ──REFER ──▶ box
       5.0s  box ──416 REFER──▶ ali
       5.0s  ali ──REFER 1002──▶ box
       5.0s  box ──403 REFER──▶ ali
       5.0s  ali ──REFER ──▶ box
       5.0s  box ──404 REFER──▶ ali
       5.0s  ali ──REFER──▶ box
       5.0s  box ──400 REFER──▶ ali
       5.0s  ali ──REFER──▶ box
       5.0s  box ──400 REFER──▶ ali
       5.0s  ali ──REFER 1002 with Replaces──▶ box
       5.0s  box ──400 REFER──▶ ali
       5.0s  ali ──REFER 1002 with Replaces──▶ box
       5.0s  box ──481 REFER──▶ ali
       5.0s  ali ──REFER 1002──▶ box
       5.0s  box ──420 REFER──▶ ali
       8.0s  caller ──BYE──▶ box
       8.0s  box ──200 BYE──▶ caller
       8.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       8.0s  journal: call closed, ANSWER
       8.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        8.0 s: wait 2.0 ring 2.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

/// ROBUSTNESS 39.
#[test]
fn a_refer_outside_of_a_call_is_refused() {
    let mut world = World::of(Site::office());
    let refer = "REFER sip:1001@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-r\r\n\
         Max-Forwards: 70\r\nFrom: <sip:1001@callpost>;tag=1\r\nTo: <sip:1001@callpost>\r\nCall-ID: r\r\n\
         CSeq: 1 REFER\r\nRefer-To: <sip:0900123456@callpost>\r\nContact: <sip:1001@192.0.2.10>\r\nContent-Length: 0\r\n\r\n";
    world.inject("192.0.2.10:5060", refer.as_bytes().to_vec());
    world.inject("203.0.113.9:5060", refer.replace("bK-r", "bK-s").into_bytes());
    insta::assert_snapshot!(world.story(), @"
       0.0s  stranger ──REFER 0900123456──▶ box
       0.0s  box ──403 REFER──▶ ali
       0.0s  stranger ──REFER 0900123456──▶ box
       0.0s  box ──403 REFER──▶ nobody
    ");
}

#[test]
fn who_wants_no_reports_gets_none() {
    let mut world = talking();
    world.set("mona", Manner::answers_after(3.0));
    world.let_phone("ali", |phone| {
        phone.refer("1002", "Refer-Sub: false\r\nRequire: norefersub\r\n")
    });
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  mona ──180 INVITE──▶ box
       8.0s  mona ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  ali ──200 BYE──▶ box
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      15.0s  journal: call closed, ANSWER
      15.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn a_second_transfer_waits_for_the_first_and_later_ones_are_told_apart() {
    let mut world = talking();
    world.set("mona", Manner::refuses_after(3.0, 486));
    world.transfers("ali", "1002");
    world.after_seconds(1.0);
    world.transfers("ali", "1003");
    world.after_seconds(5.0);
    world.set("omar", Manner::answers_after(1.0));
    world.transfers("ali", "1003");
    world.after_seconds(5.0);
    world.hangs_up("omar");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──REFER 1002──▶ box
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──202 REFER──▶ ali
       5.0s  box ──NOTIFY “100 Trying”──▶ ali
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  ali ──200 NOTIFY──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  box ──NOTIFY “180 Ringing”──▶ ali
       5.0s  ali ──200 NOTIFY──▶ box
       6.0s  ali ──REFER 1003──▶ box
       6.0s  box ──491 REFER──▶ ali
       8.0s  mona ──486 INVITE──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: stop playing to caller
       8.0s  media: caller and ali talk
       8.0s  box ──NOTIFY “486 Busy Here” terminated──▶ ali
       8.0s  ali ──200 NOTIFY──▶ box
      11.0s  ali ──REFER 1003──▶ box
      11.0s  media: ali no longer talks
      11.0s  media: play ringback to caller over and over
      11.0s  box ──202 REFER──▶ ali
      11.0s  box ──NOTIFY “100 Trying”──▶ ali
      11.0s  box ──INVITE 1003 with Referred-By +sdp──▶ omar
      11.0s  ali ──200 NOTIFY──▶ box
      11.0s  omar ──180 INVITE──▶ box
      11.0s  box ──NOTIFY “180 Ringing”──▶ ali
      11.0s  ali ──200 NOTIFY──▶ box
      12.0s  omar ──200 INVITE +sdp──▶ box
      12.0s  box ──ACK──▶ omar
      12.0s  media: omar at 192.0.2.12:4000 pcmu both
      12.0s  media: caller and omar talk
      12.0s  box ──NOTIFY “200 OK” terminated──▶ ali
      12.0s  ali ──200 NOTIFY──▶ box
      12.0s  ali ──BYE──▶ box
      12.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
      12.0s  box ──200 BYE──▶ ali
      12.0s  ali ──200 BYE──▶ box
      16.0s  omar ──BYE──▶ box
      16.0s  box ──200 BYE──▶ omar
      16.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      16.0s  journal: call closed, ANSWER
      16.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by omar, group sales, ended by callee, q850 16
        16.0 s: wait 2.0 ring 2.0 talk 14.0 hold 0.0
        Blind transfer by leg 1 to 1002: busy
        Blind transfer by leg 1 to 1003: answered leg 5
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: busy 486 Busy Here, rang
        leg 5 omar 1003 round 1: answered, rang
    ");
}

/// The caller talks with ali and waits on hold; ali talks with mona, whom ali has called.
fn consulting_at(site: Site) -> World {
    let mut world = talking_at(site);
    world.set("mona", Manner::answers_after(1.0));
    world.holds("ali");
    world.calls("ali", "1002");
    world.after_seconds(4.0);
    world.ladder.lines.clear();
    world
}

/// S4-038: after asking, the two others are joined without a new INVITE.
#[test]
fn an_agent_asks_a_colleague_and_joins_the_caller_with_her() {
    let mut world = consulting_at(Site::office());
    world.transfers_attended("ali");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       9.0s  ali ──REFER 1002 with Replaces──▶ box
       9.0s  media: ali no longer talks
       9.0s  media: mona goes over as mona
       9.0s  media: caller and mona talk
       9.0s  media: record caller and mona
       9.0s  box ──202 REFER──▶ ali
       9.0s  box ──NOTIFY “100 Trying”──▶ ali
       9.0s  media: stop recording ali
       9.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       9.0s  ali ──200 NOTIFY──▶ box
       9.0s  journal: call closed, ANSWER
       9.0s  ali ──200 BYE──▶ box
       9.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       9.0s  ali ──200 NOTIFY──▶ box
       9.0s  ali ──BYE──▶ box
       9.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       9.0s  box ──200 BYE──▶ ali
       9.0s  ali ──200 BYE──▶ box
      14.0s  caller ──BYE──▶ box
      14.0s  box ──200 BYE──▶ caller
      14.0s  media: stop recording caller
      14.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      14.0s  journal: call closed, ANSWER
      14.0s  mona ──200 BYE──▶ box
    CDR ANSWER internal 1001 → 1002, by mona, ended by system, q850 16, cause transferred
        4.0 s: wait 1.0 ring 1.0 talk 3.0 hold 0.0; recording of 3.0 s, 2 channel(s), in recordings
        leg 0 ali 1001: answered
        leg 1 mona 1002 round 1: answered, rang
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        14.0 s: wait 2.0 ring 2.0 talk 12.0 hold 4.0; recording of 12.0 s, 2 channel(s), in recordings
        Attended transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002: answered
    ");
    let both: Vec<_> = world
        .cdrs
        .iter()
        .map(|cdr| (cdr.status, cdr.cause.as_deref()))
        .collect();
    assert_eq!(
        both,
        [(Status::Answer, Some("transferred")), (Status::Answer, None)]
    );
    assert_eq!(
        world.cdrs[1].agent.as_ref().map(|agent| agent.as_str()),
        Some("mona")
    );
}

#[test]
fn the_call_that_asked_may_be_the_one_that_is_handed_on() {
    let mut world = World::of(Site::office().unrecorded());
    for name in ["mona", "omar"] {
        world.set(name, Manner::answers_after(1.0));
    }
    world.calls("ali", "1002");
    world.after_seconds(2.0);
    world.calls("ali", "1003");
    world.after_seconds(2.0);
    world.ladder.lines.clear();
    world.transfers_attended("ali");
    world.after_seconds(5.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
       4.0s  ali ──REFER 1003 with Replaces──▶ box
       4.0s  media: ali no longer talks
       4.0s  media: omar goes over as omar
       4.0s  media: mona and omar talk
       4.0s  box ──202 REFER──▶ ali
       4.0s  box ──NOTIFY “100 Trying”──▶ ali
       4.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       4.0s  ali ──200 NOTIFY──▶ box
       4.0s  journal: call closed, ANSWER
       4.0s  ali ──200 BYE──▶ box
       4.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       4.0s  ali ──200 NOTIFY──▶ box
       4.0s  ali ──BYE──▶ box
       4.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       4.0s  box ──200 BYE──▶ ali
       4.0s  ali ──200 BYE──▶ box
       9.0s  mona ──BYE──▶ box
       9.0s  box ──200 BYE──▶ mona
       9.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ omar
       9.0s  journal: call closed, ANSWER
       9.0s  omar ──200 BYE──▶ box
    CDR ANSWER internal 1001 → 1003, by omar, ended by system, q850 16, cause transferred
        2.0 s: wait 1.0 ring 1.0 talk 1.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 omar 1003 round 1: answered, rang
    CDR ANSWER internal 1001 → 1002, by omar, ended by callee, q850 16
        9.0 s: wait 1.0 ring 1.0 talk 8.0 hold 0.0
        Attended transfer by leg 0 to 1003: answered leg 2
        leg 0 ali 1001: transferred
        leg 1 mona 1002 round 1: answered, rang
        leg 2 omar 1003: answered
    ");
}

#[test]
fn a_colleague_whose_phone_still_rings_gets_the_caller_when_she_picks_up() {
    let mut world = talking();
    world.holds("ali");
    world.calls("ali", "1002");
    world.after_seconds(2.0);
    world.ladder.lines.clear();
    world.set("mona", Manner::answers_after(3.0));
    world.transfers_attended("ali");
    world.after_seconds(8.0);
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
       7.0s  ali ──REFER 1002 with Replaces──▶ box
       7.0s  box ──487 INVITE──▶ ali
       7.0s  journal: call closed, CANCELED
       7.0s  box ──CANCEL (Call transferred; Q.850 16)──▶ mona
       7.0s  media: ali no longer talks
       7.0s  media: play ringback to caller over and over
       7.0s  box ──202 REFER──▶ ali
       7.0s  box ──NOTIFY “100 Trying”──▶ ali
       7.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       7.0s  ali ──ACK──▶ box
       7.0s  mona ──200 CANCEL──▶ box
       7.0s  mona ──487 INVITE──▶ box
       7.0s  ali ──200 NOTIFY──▶ box
       7.0s  mona ──180 INVITE──▶ box
       7.0s  box ──ACK──▶ mona
       7.0s  box ──NOTIFY “180 Ringing”──▶ ali
       7.0s  ali ──200 NOTIFY──▶ box
      10.0s  mona ──200 INVITE +sdp──▶ box
      10.0s  box ──ACK──▶ mona
      10.0s  media: mona at 192.0.2.11:4000 pcmu both
      10.0s  media: caller and mona talk
      10.0s  box ──NOTIFY “200 OK” terminated──▶ ali
      10.0s  ali ──200 NOTIFY──▶ box
      10.0s  ali ──BYE──▶ box
      10.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
      10.0s  box ──200 BYE──▶ ali
      10.0s  ali ──200 BYE──▶ box
      15.0s  mona ──BYE──▶ box
      15.0s  box ──200 BYE──▶ mona
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      15.0s  journal: call closed, ANSWER
      15.0s  caller ──200 BYE──▶ box
    CDR CANCELED internal 1001 → 1002, ended by system, q850 16, cause transferred
        2.0 s: wait 2.0 ring 2.0 talk 0.0 hold 0.0
        leg 0 ali 1001: transferred
        leg 1 mona 1002 round 1: transferred, rang
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by callee, q850 16
        15.0 s: wait 2.0 ring 2.0 talk 13.0 hold 5.0
        Attended transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

/// ROBUSTNESS 40: nobody joins a call of somebody else.
#[test]
fn the_dialog_of_somebody_else_cannot_be_had_by_refer() {
    let mut world = consulting_at(Site::office().unrecorded());
    let talk = world.phone("ali").talk().unwrap();
    let tag = |text: &str| text.rsplit(";tag=").next().unwrap_or_default().to_owned();
    let name = format!(
        "{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
        talk.call_id,
        tag(&talk.them),
        talk.our_tag
    );
    world.let_phone("caller", |phone| {
        let call_id = phone.talk().unwrap().call_id.clone();
        let more = format!("Refer-To: <sip:1002@callpost?Replaces={name}>\r\n");
        phone.send_within(&call_id, "REFER", &more, None)
    });
    world.hangs_up("caller");
    world.hangs_up("mona");
    insta::assert_snapshot!(world.story(), @"
       9.0s  caller ──REFER 1002 with Replaces──▶ box
       9.0s  box ──403 REFER──▶ caller
       9.0s  caller ──BYE──▶ box
       9.0s  box ──200 BYE──▶ caller
       9.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       9.0s  journal: call closed, ANSWER
       9.0s  ali ──200 BYE──▶ box
       9.0s  mona ──BYE──▶ box
       9.0s  box ──200 BYE──▶ mona
       9.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       9.0s  journal: call closed, ANSWER
       9.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        9.0 s: wait 2.0 ring 2.0 talk 7.0 hold 4.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    CDR ANSWER internal 1001 → 1002, by mona, ended by callee, q850 16
        4.0 s: wait 1.0 ring 1.0 talk 3.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 mona 1002 round 1: answered, rang
    ");
}

/// RFC 3891: a second phone of the same account takes the place of the first; ROBUSTNESS 40: nobody else's does.
#[test]
fn a_second_phone_of_the_same_agent_takes_the_call_over() {
    let mut world = talking();
    world.second_phone("ali at home", "1001");
    let talk = world.phone("ali").talk().unwrap();
    let tag = |text: &str| text.rsplit(";tag=").next().unwrap_or_default().to_owned();
    let name = format!(
        "Replaces: {};to-tag={};from-tag={}",
        talk.call_id,
        tag(&talk.them),
        talk.our_tag
    );
    for (who, more) in [
        ("mona", format!("{name}\r\n")),
        ("ali at home", format!("{name};early-only\r\n")),
        ("ali at home", format!("{name}1\r\n")),
        ("ali at home", format!("{name}\r\nRequire: replaces\r\n")),
    ] {
        world.phone(who).more_headers = more;
        world.calls(who, "8000");
        world.after_seconds(1.0);
    }
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  mona ──INVITE 8000 with Replaces +sdp──▶ box
       5.0s  box ──401 INVITE──▶ mona
       5.0s  mona ──ACK──▶ box
       5.0s  mona ──INVITE 8000 with digest with Replaces +sdp──▶ box
       5.0s  box ──403 INVITE──▶ mona
       5.0s  log: 192.0.2.11:5060 has no part in the call it sent INVITE to.
       5.0s  mona ──ACK──▶ box
       6.0s  ali at home ──INVITE 8000 with Replaces +sdp──▶ box
       6.0s  box ──401 INVITE──▶ ali at home
       6.0s  ali at home ──ACK──▶ box
       6.0s  ali at home ──INVITE 8000 with digest with Replaces +sdp──▶ box
       6.0s  box ──486 INVITE──▶ ali at home
       6.0s  ali at home ──ACK──▶ box
       7.0s  ali at home ──INVITE 8000 with Replaces +sdp──▶ box
       7.0s  box ──401 INVITE──▶ ali at home
       7.0s  ali at home ──ACK──▶ box
       7.0s  ali at home ──INVITE 8000 with digest with Replaces +sdp──▶ box
       7.0s  box ──481 INVITE──▶ ali at home
       7.0s  ali at home ──ACK──▶ box
       8.0s  ali at home ──INVITE 8000 with Replaces +sdp──▶ box
       8.0s  box ──401 INVITE──▶ ali at home
       8.0s  ali at home ──ACK──▶ box
       8.0s  ali at home ──INVITE 8000 with digest with Replaces +sdp──▶ box
       8.0s  box ──100 INVITE──▶ ali at home
       8.0s  media: ali at 192.0.2.50:4000 pcmu both
       8.0s  box ──200 INVITE +sdp──▶ ali at home
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  ali at home ──ACK──▶ box
       8.0s  ali ──200 BYE──▶ box
      12.0s  caller ──BYE──▶ box
      12.0s  box ──200 BYE──▶ caller
      12.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali at home
      12.0s  journal: call closed, ANSWER
      12.0s  ali at home ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        12.0 s: wait 2.0 ring 2.0 talk 10.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

/// S4-053: the same by the API.
#[test]
fn a_person_at_the_page_hands_a_call_on() {
    let mut world = talking();
    world.set("mona", Manner::answers_after(3.0));
    let call = world.call_id();
    let (to, kind) = ("1002".into(), TransferKind::Blind);
    world.command(Command::Transfer { call, to, kind });
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  media: ali no longer talks
       5.0s  media: play ringback to caller over and over
       5.0s  box ──INVITE 1002 with Referred-By +sdp──▶ mona
       5.0s  mona ──180 INVITE──▶ box
       8.0s  mona ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       8.0s  ali ──200 BYE──▶ box
      10.0s  caller ──BYE──▶ box
      10.0s  box ──200 BYE──▶ caller
      10.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      10.0s  journal: call closed, ANSWER
      10.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        10.0 s: wait 2.0 ring 2.0 talk 8.0 hold 0.0
        Blind transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002 round 1: answered, rang
    ");
}

#[test]
fn a_person_at_the_page_joins_the_two_whom_an_agent_talks_with() {
    let mut world = consulting_at(Site::office().unrecorded());
    let (_, call) = world.open_calls()[0];
    let (to, kind) = ("1002".into(), TransferKind::Attended);
    world.command(Command::Transfer { call, to, kind });
    world.after_seconds(5.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       9.0s  media: ali no longer talks
       9.0s  media: mona goes over as mona
       9.0s  media: caller and mona talk
       9.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       9.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       9.0s  ali ──200 BYE──▶ box
       9.0s  journal: call closed, ANSWER
       9.0s  ali ──200 BYE──▶ box
      14.0s  caller ──BYE──▶ box
      14.0s  box ──200 BYE──▶ caller
      14.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      14.0s  journal: call closed, ANSWER
      14.0s  mona ──200 BYE──▶ box
    CDR ANSWER internal 1001 → 1002, by mona, ended by system, q850 16, cause transferred
        4.0 s: wait 1.0 ring 1.0 talk 3.0 hold 0.0
        leg 0 ali 1001: answered
        leg 1 mona 1002 round 1: answered, rang
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        14.0 s: wait 2.0 ring 2.0 talk 12.0 hold 4.0
        Attended transfer by leg 1 to 1002: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 mona 1002: answered
    ");
}

#[test]
fn a_person_at_the_page_holds_a_call_and_resumes_it() {
    let mut world = talking();
    let call = world.call_id();
    for command in [Command::Hold(call), Command::Hold(call), Command::Resume(call)] {
        world.command(command);
        world.after_seconds(3.0);
    }
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  media: ali no longer talks
       5.0s  media: play en/hold-music to caller over and over
       5.0s  media: play comfort to ali over and over
      11.0s  media: caller and ali talk
      14.0s  caller ──BYE──▶ box
      14.0s  box ──200 BYE──▶ caller
      14.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      14.0s  journal: call closed, ANSWER
      14.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        14.0 s: wait 2.0 ring 2.0 talk 12.0 hold 6.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().hold_ms, 6_000);
}

/// Somebody at the PBX, who talks with ali, has talked with 300 at the PBX alone and hands ali on to them.
fn handed_on_beyond(to: &str, then: Manner) -> World {
    let mut site = Site::office().unrecorded();
    site.dialing.country_code = "966".to_owned();
    let mut world = World::of(site);
    world
        .phones
        .push(Phone::new("layla", "300", "192.0.2.100:5060".parse().unwrap()));
    world.set("layla", then);
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.ladder.lines.clear();
    let call_id = world.phone("caller").talk().unwrap().call_id.clone();
    let more = format!("Refer-To: <{to}?Replaces=abc%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n");
    world.let_phone("caller", |phone| {
        phone.send_within(&call_id, "REFER", &more, None)
    });
    world
}

/// RFC 3891 §4: the INVITE that takes the place requires to be understood so; the PBX joins the two.
#[test]
fn a_pbx_hands_a_call_on_to_somebody_it_has_talked_with_itself() {
    let mut world = handed_on_beyond("sip:300@192.0.2.100", Manner::answers_after(1.0));
    world.after_seconds(3.0);
    let invite = world.phone("layla").last_invite.clone();
    assert!(
        invite.contains("Replaces: abc@pbx;to-tag=1;from-tag=2\r\n")
            && invite.contains("Require: replaces\r\n"),
        "{invite}"
    );
    world.hangs_up("layla");
    insta::assert_snapshot!(world.story(), @"
       3.0s  caller ──REFER 300 with Replaces──▶ box
       3.0s  media: caller no longer talks
       3.0s  media: play ringback to ali over and over
       3.0s  box ──202 REFER──▶ caller
       3.0s  box ──NOTIFY “100 Trying”──▶ caller
       3.0s  box ──INVITE 300 with Replaces with Referred-By +sdp──▶ layla
       3.0s  caller ──200 NOTIFY──▶ box
       3.0s  layla ──180 INVITE──▶ box
       3.0s  box ──NOTIFY “180 Ringing”──▶ caller
       3.0s  caller ──200 NOTIFY──▶ box
       4.0s  layla ──200 INVITE +sdp──▶ box
       4.0s  box ──ACK──▶ layla
       4.0s  media: 300 by pbx at 192.0.2.100:4000 pcmu both
       4.0s  media: ali and 300 by pbx talk
       4.0s  box ──NOTIFY “200 OK” terminated──▶ caller
       4.0s  caller ──200 NOTIFY──▶ box
       4.0s  caller ──BYE──▶ box
       4.0s  box ──BYE (Call transferred; Q.850 16)──▶ caller
       4.0s  box ──200 BYE──▶ caller
       4.0s  caller ──200 BYE──▶ box
       6.0s  layla ──BYE──▶ box
       6.0s  box ──200 BYE──▶ layla
       6.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       6.0s  journal: call closed, ANSWER
       6.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        6.0 s: wait 1.0 ring 1.0 talk 5.0 hold 0.0
        Attended transfer by leg 0 to 300: answered leg 4
        leg 0 0501234567: transferred
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 300 round 1: answered, rang
    ");
    assert_eq!(world.cdr().transfers[0].result, "answered");
}

/// ROBUSTNESS 40: nobody is called so who may not be dialled, and nobody at another host.
#[test]
fn a_place_beyond_a_trunk_is_taken_only_there_and_only_of_numbers_that_may_be_dialled() {
    for to in [
        "sip:0900123456@192.0.2.100",
        "sip:+4915112345678@192.0.2.100",
        "sip:*72@192.0.2.100",
        "sip:300@198.51.100.7",
        "sip:300@callpost",
    ] {
        let mut world = handed_on_beyond(to, Manner::answers_after(1.0));
        world.after_seconds(2.0);
        let story = world.ladder.lines.join("\n");
        assert!(!story.contains("box ──INVITE"), "{to}: {story}");
        world.hangs_up("caller");
        world.peace();
    }
}

/// The PBX does not know that conversation: the two who talked talk on.
#[test]
fn when_a_pbx_does_not_know_the_conversation_it_named_the_call_goes_back() {
    let mut world = handed_on_beyond("sip:300@192.0.2.100", Manner::refuses(481));
    world.after_seconds(3.0);
    let story = world.ladder.lines.join("\n");
    assert_eq!(story.matches("box ──INVITE").count(), 1, "{story}");
    world.hangs_up("ali");
    world.after_seconds(2.0);
    world.peace();
    assert_eq!(world.cdr().status, Status::Answer);
}
