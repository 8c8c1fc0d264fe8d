//! The record: first on disk, then on the phone; filed once, whatever fails around it.

use crate::world::{Manner, Site, World};
use callpost::engine::Input;
use callpost::model::Status;
use std::time::Duration;

/// S2-040.
#[test]
fn nothing_rings_before_the_call_is_in_the_journal() {
    let mut world = World::of(Site::office().unrecorded());
    world.journal_takes = Some(Duration::from_millis(700));
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.7s  box ──INVITE 1001 +sdp──▶ ali
       0.7s  box ──INVITE 1002 +sdp──▶ mona
       0.7s  box ──INVITE 1003 +sdp──▶ omar
       0.7s  ali ──180 INVITE──▶ box
       0.7s  mona ──180 INVITE──▶ box
       0.7s  omar ──180 INVITE──▶ box
       0.7s  box ──180 INVITE──▶ caller
       2.0s  caller ──CANCEL──▶ box
       2.0s  box ──200 CANCEL──▶ caller
       2.0s  box ──487 INVITE──▶ caller
       2.0s  journal: call closed, CANCELED
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       2.0s  caller ──ACK──▶ box
       2.0s  ali ──200 CANCEL──▶ box
       2.0s  ali ──487 INVITE──▶ box
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        2.0 s: wait 2.0 ring 1.3 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
        leg 3 omar 1003 round 1: canceled, rang
    ");
}

#[test]
fn a_journal_that_says_nothing_for_two_seconds_costs_the_caller_two_seconds() {
    let mut world = World::of(Site::office().unrecorded());
    world.journal_takes = Some(Duration::from_secs(5));
    world.calls("caller", "8001");
    world.after_seconds(6.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       2.0s  log: the journal is late
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: play en/welcome to caller
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  caller ──ACK──▶ box
       4.0s  media: play en/main-menu to caller
       6.0s  caller ──BYE──▶ box
       6.0s  box ──200 BYE──▶ caller
       6.0s  journal: call closed, CANCELED
    CDR CANCELED inbound 0501234567 → 8001, ended by caller, q850 16
        6.0 s: wait 6.0 ring 0.0 talk 0.0 hold 0.0; stages welcome menu; language en
        leg 0 0501234567: answered
    ");
}

#[test]
fn a_disk_that_cannot_be_written_still_lets_the_telephone_ring() {
    let mut world = World::of(Site::office().unrecorded());
    world.journal_writes = false;
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn while_the_journal_is_behind_new_callers_are_told_to_try_again() {
    let mut world = World::of(Site::office().unrecorded());
    world.input(Input::JournalBehind(true));
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.input(Input::JournalBehind(false));
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  log: A call for 8000 was refused with 503: the box is full, draining, or its journal is behind.
       0.0s  box ──503 INVITE (Retry-After 10)──▶ caller
       0.0s  caller ──ACK──▶ box
       1.0s  caller ──INVITE 8000 +sdp──▶ box
       1.0s  box ──100 INVITE──▶ caller
       1.0s  journal: call opened
       1.0s  box ──INVITE 1001 +sdp──▶ ali
       1.0s  box ──INVITE 1002 +sdp──▶ mona
       1.0s  box ──INVITE 1003 +sdp──▶ omar
       1.0s  ali ──180 INVITE──▶ box
       1.0s  mona ──180 INVITE──▶ box
       1.0s  omar ──180 INVITE──▶ box
       1.0s  box ──180 INVITE──▶ caller
       2.0s  caller ──CANCEL──▶ box
       2.0s  box ──200 CANCEL──▶ caller
       2.0s  box ──487 INVITE──▶ caller
       2.0s  journal: call closed, CANCELED
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ ali
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ mona
       2.0s  box ──CANCEL (Request terminated; SIP 487)──▶ omar
       2.0s  caller ──ACK──▶ box
       2.0s  ali ──200 CANCEL──▶ box
       2.0s  ali ──487 INVITE──▶ box
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
    CDR CANCELED inbound 0501234567 → 8000, group sales, ended by caller, sip 487, q850 16
        1.0 s: wait 1.0 ring 1.0 talk 0.0 hold 0.0
        leg 0 0501234567: canceled
        leg 1 ali 1001 round 1: canceled, rang
        leg 2 mona 1002 round 1: canceled, rang
        leg 3 omar 1003 round 1: canceled, rang
    ");
    assert_eq!(world.cdrs.len(), 1);
}

#[test]
fn a_recorder_that_cannot_write_costs_the_recording_and_not_the_record() {
    let mut world = World::office();
    world.studio.disk_full = true;
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
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
       1.0s  ali ──200 INVITE +sdp──▶ box
       1.0s  box ──ACK──▶ ali
       1.0s  media: ali at 192.0.2.10:4000 pcmu both
       1.0s  media: caller at 192.0.2.100:4000 pcmu both
       1.0s  media: caller and ali talk
       1.0s  media: record caller and ali
       1.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       1.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       1.0s  box ──200 INVITE +sdp──▶ caller
       1.0s  mona ──200 CANCEL──▶ box
       1.0s  mona ──487 INVITE──▶ box
       1.0s  omar ──200 CANCEL──▶ box
       1.0s  omar ──487 INVITE──▶ box
       1.0s  caller ──ACK──▶ box
       1.0s  box ──ACK──▶ mona
       1.0s  box ──ACK──▶ omar
       4.0s  caller ──BYE──▶ box
       4.0s  box ──200 BYE──▶ caller
       4.0s  media: stop recording caller
       4.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       4.0s  recorder: no space left on device
       4.0s  log: recording failed: no space left on device
       4.0s  journal: call closed, ANSWER
       4.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        4.0 s: wait 1.0 ring 1.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn a_record_waits_two_seconds_for_media_that_hang_and_is_filed_without_them() {
    let mut world = World::of(Site::office().unrecorded());
    world.studio.mute = true;
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.hangs_up("caller");
    world.after_seconds(1.9);
    assert!(world.cdrs.is_empty());
    world.after_seconds(0.2);
    assert_eq!(
        (world.cdr().duration_ms, world.cdr().legs[0].quality),
        (4_000, None)
    );
}

#[test]
fn a_record_has_the_quality_of_every_leg_that_talked() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.hangs_up("caller");
    world.peace();
    let measured: Vec<bool> = world.cdr().legs.iter().map(|leg| leg.quality.is_some()).collect();
    assert_eq!(measured.iter().filter(|measured| **measured).count(), 2);
}

/// S0-019, S0-020: durations are the monotonic clock's, whatever becomes of the wall clock.
#[test]
fn a_clock_that_is_set_during_a_call_mends_the_record() {
    let mut world = World::unsynced(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.input(Input::ClockSynced(1_790_000_000_000));
    world.after_seconds(4.0);
    world.hangs_up("caller");
    world.peace();
    let cdr = world.cdr();
    assert!(cdr.clock_synced);
    assert_eq!(
        (cdr.started_at.unix_ms, cdr.ended_at.unwrap().unix_ms),
        (1_789_999_996_000, 1_790_000_004_000)
    );
    assert_eq!((cdr.duration_ms, cdr.talk_ms), (8_000, 7_000));
}
