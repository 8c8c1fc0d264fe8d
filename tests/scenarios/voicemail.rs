//! Messages: after the beep, and four ways to end one.

use crate::world::{Site, World};
use callpost::media::MediaEvent;
use callpost::model::{Entry, HangupBy, Status};
use std::collections::{BTreeMap, BTreeSet};

/// A caller who has heard the greeting and the beep, and has spoken for 4 seconds.
fn speaking() -> World {
    let mut world = World::office();
    world.calls("caller", "8002");
    world.after_seconds(6.5);
    world
}

#[test]
fn a_message_ends_with_the_hash_key() {
    let mut world = speaking();
    world.presses("caller", "#");
    world.after_seconds(5.0);
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
      12.5s  journal: a message of 4.0 s for group:sales
      12.5s  media: play en/thank-you to caller
      12.5s  box ──NOTIFY of 1/0 messages──▶ ali
      12.5s  box ──NOTIFY of 1/0 messages──▶ mona
      12.5s  box ──NOTIFY of 1/0 messages──▶ omar
      12.5s  ali ──200 NOTIFY──▶ box
      12.5s  mona ──200 NOTIFY──▶ box
      12.5s  omar ──200 NOTIFY──▶ box
      14.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      14.5s  journal: call closed, VOICEMAIL
      14.5s  caller ──200 BYE──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8002, group sales, ended by system, q850 16
        14.5 s: wait 14.5 ring 0.0 talk 0.0 hold 0.0; stages box; language en; recording of 4.0 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.hangup_by), (Status::Voicemail, HangupBy::System));
    assert_eq!(cdr.recording.as_ref().unwrap().duration_ms, Some(4_000));
}

#[test]
fn a_message_ends_with_silence() {
    let mut world = speaking();
    world.after_seconds(5.0);
    let leg = world.leg_of("caller").unwrap();
    world.media(MediaEvent::FellSilent { leg });
    world.after_seconds(5.0);
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
      11.5s  media: caller is silent
      11.5s  media: no longer watch caller
      11.5s  media: stop recording caller
      11.5s  media: play en/thank-you to caller
      11.5s  journal: a message of 9.0 s for group:sales
      11.5s  box ──NOTIFY of 1/0 messages──▶ ali
      11.5s  box ──NOTIFY of 1/0 messages──▶ mona
      11.5s  box ──NOTIFY of 1/0 messages──▶ omar
      11.5s  ali ──200 NOTIFY──▶ box
      11.5s  mona ──200 NOTIFY──▶ box
      11.5s  omar ──200 NOTIFY──▶ box
      13.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      13.5s  journal: call closed, VOICEMAIL
      13.5s  caller ──200 BYE──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8002, group sales, ended by system, q850 16
        13.5 s: wait 13.5 ring 0.0 talk 0.0 hold 0.0; stages box; language en; recording of 9.0 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    assert_eq!(world.cdr().status, Status::Voicemail);
}

#[test]
fn a_message_ends_at_its_limit() {
    let mut world = speaking();
    world.after_seconds(70.0);
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
      62.5s  media: no longer watch caller
      62.5s  media: stop recording caller
      62.5s  media: play en/thank-you to caller
      62.5s  journal: a message of 60.0 s for group:sales
      62.5s  box ──NOTIFY of 1/0 messages──▶ ali
      62.5s  box ──NOTIFY of 1/0 messages──▶ mona
      62.5s  box ──NOTIFY of 1/0 messages──▶ omar
      62.5s  ali ──200 NOTIFY──▶ box
      62.5s  mona ──200 NOTIFY──▶ box
      62.5s  omar ──200 NOTIFY──▶ box
      64.5s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      64.5s  journal: call closed, VOICEMAIL
      64.5s  caller ──200 BYE──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8002, group sales, ended by system, q850 16
        64.5 s: wait 64.5 ring 0.0 talk 0.0 hold 0.0; stages box; language en; recording of 60.0 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    assert_eq!(world.cdr().recording.as_ref().unwrap().duration_ms, Some(60_000));
}

#[test]
fn a_message_ends_when_the_caller_hangs_up() {
    let mut world = speaking();
    world.hangs_up("caller");
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
       6.5s  caller ──BYE──▶ box
       6.5s  box ──200 BYE──▶ caller
       6.5s  media: stop recording caller
       6.5s  journal: a message of 4.0 s for group:sales
       6.5s  box ──NOTIFY of 1/0 messages──▶ ali
       6.5s  box ──NOTIFY of 1/0 messages──▶ mona
       6.5s  box ──NOTIFY of 1/0 messages──▶ omar
       6.5s  journal: call closed, VOICEMAIL
       6.5s  ali ──200 NOTIFY──▶ box
       6.5s  mona ──200 NOTIFY──▶ box
       6.5s  omar ──200 NOTIFY──▶ box
    CDR VOICEMAIL inbound 0501234567 → 8002, group sales, ended by caller, q850 16
        6.5 s: wait 6.5 ring 0.0 talk 0.0 hold 0.0; stages box; language en; recording of 4.0 s, 1 channel(s), in voicemail
        leg 0 0501234567: answered
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.hangup_by), (Status::Voicemail, HangupBy::Caller));
}

#[test]
fn a_caller_who_hangs_up_during_the_thanks_has_left_a_message() {
    let mut world = speaking();
    world.presses("caller", "#");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().status, Status::Voicemail);
}

#[test]
fn a_caller_who_hangs_up_during_the_greeting_has_left_none() {
    let mut world = World::office();
    world.calls("caller", "8002");
    world.after_seconds(1.0);
    world.presses("caller", "#");
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8002 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/voicemail-greeting + beep to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  caller ──ACK──▶ box
       1.0s  media: caller presses #
       1.0s  caller ──BYE──▶ box
       1.0s  box ──200 BYE──▶ caller
       1.0s  journal: call closed, CANCELED
    CDR CANCELED inbound 0501234567 → 8002, group sales, ended by caller, q850 16
        1.0 s: wait 1.0 ring 0.0 talk 0.0 hold 0.0; stages box; language en
        leg 0 0501234567: answered
    ");
    let cdr = world.cdr();
    assert_eq!((cdr.status, cdr.recording.is_none()), (Status::Canceled, true));
}

#[test]
fn a_caller_who_comes_to_the_mailbox_again_leaves_a_second_message() {
    let mut site = Site::office();
    site.flows.push(
        "name=\"twice\"\nstart=\"box\"\n[step.box]\nverb=\"voicemail\"\ngroup=\"sales\"\nthanks_prompt=\"\"\nreview=false\nnext=\"box\"",
    );
    site.rules.push(callpost::routing::Rule {
        pattern: callpost::routing::Pattern::Exactly("8005".into()),
        then: callpost::routing::Decision::Flow("twice".into()),
        record: None,
    });
    let mut world = World::of(site);
    world.calls("caller", "8005");
    world.after_seconds(6.5);
    world.presses("caller", "#");
    world.after_seconds(5.5);
    world.hangs_up("caller");
    world.peace();
    let mut rows = BTreeMap::new();
    for entry in &world.entries {
        if let Entry::RecordingOpened(row) = entry {
            rows.insert(row.id, row.path.clone());
        }
    }
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows.values().collect::<BTreeSet<_>>().len(), 2, "{rows:?}");
    assert_eq!(world.cdr().recording.as_ref().unwrap().duration_ms, Some(3_000));
}
