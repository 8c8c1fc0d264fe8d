//! The menu: keys that count once, keys that are wrong, keys that never come.

use crate::world::{Manner, Site, World};
use callpost::model::{HangupBy, Status};

fn in_the_menu() -> World {
    let mut world = World::of(Site::office().unrecorded());
    world.calls("caller", "8001");
    world
}

#[test]
fn a_caller_hears_the_greeting_chooses_sales_and_is_put_through() {
    let mut world = in_the_menu();
    world.set("ali", Manner::answers_after(3.0));
    world.after_seconds(5.0);
    world.presses("caller", "1");
    world.after_seconds(10.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       5.0s  media: caller presses 1
       5.0s  media: play ringback to caller over and over
       5.0s  box ──INVITE 1001 +sdp──▶ ali
       5.0s  box ──INVITE 1002 +sdp──▶ mona
       5.0s  box ──INVITE 1003 +sdp──▶ omar
       5.0s  ali ──180 INVITE──▶ box
       5.0s  mona ──180 INVITE──▶ box
       5.0s  omar ──180 INVITE──▶ box
       8.0s  ali ──200 INVITE +sdp──▶ box
       8.0s  box ──ACK──▶ ali
       8.0s  media: ali at 192.0.2.10:4000 pcmu both
       8.0s  media: caller and ali talk
       8.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       8.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       8.0s  mona ──200 CANCEL──▶ box
       8.0s  mona ──487 INVITE──▶ box
       8.0s  omar ──200 CANCEL──▶ box
       8.0s  omar ──487 INVITE──▶ box
       8.0s  box ──ACK──▶ mona
       8.0s  box ──ACK──▶ omar
      15.0s  caller ──BYE──▶ box
      15.0s  box ──200 BYE──▶ caller
      15.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      15.0s  journal: call closed, ANSWER
      15.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8001, by ali, group sales, ended by caller, q850 16
        15.0 s: wait 8.0 ring 3.0 talk 7.0 hold 0.0; stages welcome menu sales; digits 1; language en
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.digits.as_str()), (Status::Answer, "1"));
    let stages: Vec<&str> = cdr.stages.iter().map(|step| step.as_str()).collect();
    assert_eq!(stages, ["welcome", "menu", "sales"]);
}

#[test]
fn a_key_heard_in_the_media_and_by_info_is_one_key() {
    let mut world = in_the_menu();
    world.after_seconds(5.0);
    world.presses("caller", "*");
    world.presses_by_info("caller", '*');
    world.after_seconds(1.0);
    world.presses_by_info("caller", '1');
    world.presses("caller", "1");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       5.0s  media: caller presses *
       5.0s  media: play en/main-menu to caller
       5.0s  caller ──INFO──▶ box
       5.0s  box ──200 INFO──▶ caller
       6.0s  caller ──INFO──▶ box
       6.0s  box ──200 INFO──▶ caller
       6.0s  media: play ringback to caller over and over
       6.0s  box ──INVITE 1001 +sdp──▶ ali
       6.0s  box ──INVITE 1002 +sdp──▶ mona
       6.0s  box ──INVITE 1003 +sdp──▶ omar
       6.0s  ali ──180 INVITE──▶ box
       6.0s  mona ──180 INVITE──▶ box
       6.0s  omar ──180 INVITE──▶ box
       6.0s  media: caller presses 1
       7.0s  caller ──BYE──▶ box
       7.0s  box ──200 BYE──▶ caller
       7.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       7.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       7.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       7.0s  journal: call closed, CANCELED
       7.0s  ali ──200 CANCEL──▶ box
       7.0s  ali ──487 INVITE──▶ box
       7.0s  mona ──200 CANCEL──▶ box
       7.0s  mona ──487 INVITE──▶ box
       7.0s  omar ──200 CANCEL──▶ box
       7.0s  omar ──487 INVITE──▶ box
       7.0s  box ──ACK──▶ ali
       7.0s  box ──ACK──▶ mona
       7.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8001, group sales, ended by caller, q850 16
        7.0 s: wait 7.0 ring 1.0 talk 0.0 hold 0.0; stages welcome menu menu sales; digits *1; language en
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
        leg 3 omar 1003 round 1: canceled, rang
    ");
    assert_eq!(world.cdr().digits, "*1");
}

#[test]
fn a_wrong_key_is_told_and_the_menu_asks_again() {
    let mut world = in_the_menu();
    world.after_seconds(3.0);
    world.presses("caller", "7");
    world.after_seconds(5.0);
    world.presses("caller", "1");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       3.0s  media: caller presses 7
       3.0s  media: play en/invalid + en/main-menu to caller
       8.0s  media: caller presses 1
       8.0s  media: play ringback to caller over and over
       8.0s  box ──INVITE 1001 +sdp──▶ ali
       8.0s  box ──INVITE 1002 +sdp──▶ mona
       8.0s  box ──INVITE 1003 +sdp──▶ omar
       8.0s  ali ──180 INVITE──▶ box
       8.0s  mona ──180 INVITE──▶ box
       8.0s  omar ──180 INVITE──▶ box
       9.0s  caller ──BYE──▶ box
       9.0s  box ──200 BYE──▶ caller
       9.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       9.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       9.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       9.0s  journal: call closed, CANCELED
       9.0s  ali ──200 CANCEL──▶ box
       9.0s  ali ──487 INVITE──▶ box
       9.0s  mona ──200 CANCEL──▶ box
       9.0s  mona ──487 INVITE──▶ box
       9.0s  omar ──200 CANCEL──▶ box
       9.0s  omar ──487 INVITE──▶ box
       9.0s  box ──ACK──▶ ali
       9.0s  box ──ACK──▶ mona
       9.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8001, group sales, ended by caller, q850 16
        9.0 s: wait 9.0 ring 1.0 talk 0.0 hold 0.0; stages welcome menu sales; digits 71; language en
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
        leg 3 omar 1003 round 1: canceled, rang
    ");
    assert_eq!(
        (world.cdr().digits.as_str(), world.cdr().status),
        ("71", Status::Canceled)
    );
}

#[test]
fn after_three_silences_the_caller_may_leave_a_message() {
    let mut world = in_the_menu();
    world.after_seconds(40.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       9.0s  media: play en/no-input + en/main-menu to caller
      18.0s  media: play en/no-input + en/main-menu to caller
      27.0s  media: play en/voicemail-greeting + beep to caller
      29.5s  media: record caller
      29.5s  media: watch for 5 s of silence from caller
      40.0s  caller ──BYE──▶ box
      40.0s  box ──200 BYE──▶ caller
      40.0s  media: stop recording caller
      40.0s  journal: a message of 10.5 s for group:sales
      40.0s  box ──NOTIFY of 1/0 messages──▶ ali
      40.0s  box ──NOTIFY of 1/0 messages──▶ mona
      40.0s  box ──NOTIFY of 1/0 messages──▶ omar
      40.0s  journal: call closed, VOICEMAIL
      40.0s  ali ──200 NOTIFY──▶ box
      40.0s  mona ──200 NOTIFY──▶ box
      40.0s  omar ──200 NOTIFY──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8001, group sales, ended by caller, q850 16
        40.0 s: wait 40.0 ring 0.0 talk 0.0 hold 0.0; stages welcome menu mailbox; language en; recording of 10.5 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().digits.as_str()),
        (Status::Voicemail, "")
    );
}

#[test]
fn too_many_wrong_keys_lead_out_of_the_menu() {
    let mut world = in_the_menu();
    for key in ["7", "8", "9"] {
        world.after_seconds(5.0);
        world.presses("caller", key);
    }
    insta::assert_snapshot!(world.ladder.lines.last().unwrap(), @"  15.0s  media: play en/voicemail-greeting + beep to caller");
    world.hangs_up("caller");
    world.peace();
    let stages: Vec<&str> = world.cdr().stages.iter().map(|step| step.as_str()).collect();
    assert_eq!(stages, ["welcome", "menu", "mailbox"]);
}

#[test]
fn a_star_hears_the_menu_again() {
    let mut world = in_the_menu();
    world.after_seconds(3.0);
    world.presses("caller", "*");
    insta::assert_snapshot!(world.ladder.lines.last().unwrap(), @"   3.0s  media: play en/main-menu to caller");
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().digits, "*");
}

#[test]
fn a_caller_who_leaves_in_the_menu_gave_up() {
    let mut world = in_the_menu();
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       3.0s  caller ──BYE──▶ box
       3.0s  box ──200 BYE──▶ caller
       3.0s  journal: call closed, CANCELED
    CDR CANCELED inbound 0501234567 → 8001, ended by caller, q850 16
        3.0 s: wait 3.0 ring 0.0 talk 0.0 hold 0.0; stages welcome menu; language en
        leg 0 0501234567: answered
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().hangup_by),
        (Status::Canceled, HangupBy::Caller)
    );
}

#[test]
fn a_caller_from_the_menu_hears_ringing_until_the_mailbox_answers() {
    let mut world = in_the_menu();
    world.after_seconds(3.0);
    world.presses("caller", "1");
    world.after_seconds(45.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       2.0s  media: play en/main-menu to caller
       3.0s  media: caller presses 1
       3.0s  media: play ringback to caller over and over
       3.0s  box ──INVITE 1001 +sdp──▶ ali
       3.0s  box ──INVITE 1002 +sdp──▶ mona
       3.0s  box ──INVITE 1003 +sdp──▶ omar
       3.0s  ali ──180 INVITE──▶ box
       3.0s  mona ──180 INVITE──▶ box
       3.0s  omar ──180 INVITE──▶ box
      23.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      23.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      23.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      23.0s  box ──INVITE 1001 +sdp──▶ ali
      23.0s  box ──INVITE 1002 +sdp──▶ mona
      23.0s  box ──INVITE 1003 +sdp──▶ omar
      23.0s  ali ──200 CANCEL──▶ box
      23.0s  ali ──487 INVITE──▶ box
      23.0s  mona ──200 CANCEL──▶ box
      23.0s  mona ──487 INVITE──▶ box
      23.0s  omar ──200 CANCEL──▶ box
      23.0s  omar ──487 INVITE──▶ box
      23.0s  ali ──180 INVITE──▶ box
      23.0s  mona ──180 INVITE──▶ box
      23.0s  omar ──180 INVITE──▶ box
      23.0s  box ──ACK──▶ ali
      23.0s  box ──ACK──▶ mona
      23.0s  box ──ACK──▶ omar
      43.0s  media: stop playing to caller
      43.0s  box ──CANCEL (Request timeout; SIP 408)──▶ ali
      43.0s  box ──CANCEL (Request timeout; SIP 408)──▶ mona
      43.0s  box ──CANCEL (Request timeout; SIP 408)──▶ omar
      43.0s  media: play en/voicemail-greeting + beep to caller
      43.0s  ali ──200 CANCEL──▶ box
      43.0s  ali ──487 INVITE──▶ box
      43.0s  mona ──200 CANCEL──▶ box
      43.0s  mona ──487 INVITE──▶ box
      43.0s  omar ──200 CANCEL──▶ box
      43.0s  omar ──487 INVITE──▶ box
      43.0s  box ──ACK──▶ ali
      43.0s  box ──ACK──▶ mona
      43.0s  box ──ACK──▶ omar
      45.5s  media: record caller
      45.5s  media: watch for 5 s of silence from caller
      48.0s  caller ──BYE──▶ box
      48.0s  box ──200 BYE──▶ caller
      48.0s  media: stop recording caller
      48.0s  journal: a message of 2.5 s for group:sales
      48.0s  box ──NOTIFY of 1/0 messages──▶ ali
      48.0s  box ──NOTIFY of 1/0 messages──▶ mona
      48.0s  box ──NOTIFY of 1/0 messages──▶ omar
      48.0s  journal: call closed, VOICEMAIL
      48.0s  ali ──200 NOTIFY──▶ box
      48.0s  mona ──200 NOTIFY──▶ box
      48.0s  omar ──200 NOTIFY──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8001, group sales, ended by caller, q850 16
        48.0 s: wait 48.0 ring 40.0 talk 0.0 hold 0.0; stages welcome menu sales mailbox; digits 1; language en; recording of 2.5 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: no_answer, rang
        leg 2 mona 1002 round 1: no_answer, rang
        leg 3 omar 1003 round 1: no_answer, rang
        leg 4 ali 1001 round 2: no_answer, rang
        leg 5 mona 1002 round 2: no_answer, rang
        leg 6 omar 1003 round 2: no_answer, rang
    ");
}

#[test]
fn keys_pressed_while_talking_are_in_the_record_and_choose_nothing() {
    let mut world = in_the_menu();
    world.set("ali", Manner::answers_after(1.0));
    world.after_seconds(3.0);
    world.presses("caller", "1");
    world.after_seconds(3.0);
    world.presses("caller", "42#");
    world.hangs_up("caller");
    world.peace();
    assert_eq!(
        (world.cdr().digits.as_str(), world.cdr().status),
        ("142#", Status::Answer)
    );
}
