//! Two people talk: hold, change, and every way it ends.

use crate::world::{Manner, Site, World};
use callpost::engine::{Command, Input};
use callpost::media::MediaEvent;
use callpost::model::{HangupBy, LegId, Status};

/// The caller talks with ali; the ladder begins there.
fn talking() -> World {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world
}

#[test]
fn the_agent_hangs_up() {
    let mut world = talking();
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──BYE──▶ box
       5.0s  box ──200 BYE──▶ ali
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(
        (world.cdr().hangup_by, world.cdr().talk_ms),
        (HangupBy::Callee, 3_000)
    );
}

#[test]
fn the_caller_hangs_up() {
    let mut world = talking();
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  caller ──BYE──▶ box
       5.0s  box ──200 BYE──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(
        (world.cdr().hangup_by, world.cdr().q850),
        (HangupBy::Caller, Some(16))
    );
}

#[test]
fn both_hang_up_in_the_same_instant() {
    let mut world = talking();
    world.weather.latency_ms = 1;
    world.hangs_up("caller");
    world.hangs_up("ali");
    world.after_seconds(1.0);
    world.weather.latency_ms = 0;
    world.peace();
    assert_eq!(world.cdr().status, Status::Answer);
}

#[test]
fn hold_and_resume_are_answered_and_counted() {
    let mut world = talking();
    world.holds("ali");
    world.after_seconds(7.0);
    world.resumes("ali");
    world.after_seconds(2.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──INVITE +sdp sendonly──▶ box
       5.0s  media: ali at 192.0.2.10:4000 pcmu receiveonly
       5.0s  box ──200 INVITE +sdp recvonly──▶ ali
       5.0s  media: play en/hold-music to caller over and over
       5.0s  ali ──ACK──▶ box
      12.0s  ali ──INVITE +sdp──▶ box
      12.0s  media: ali at 192.0.2.10:4000 pcmu both
      12.0s  box ──200 INVITE +sdp──▶ ali
      12.0s  media: stop playing to caller
      12.0s  ali ──ACK──▶ box
      14.0s  ali ──BYE──▶ box
      14.0s  box ──200 BYE──▶ ali
      14.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      14.0s  journal: call closed, ANSWER
      14.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        14.0 s: wait 2.0 ring 2.0 talk 12.0 hold 7.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!((world.cdr().hold_ms, world.cdr().talk_ms), (7_000, 12_000));
}

#[test]
fn when_both_hold_the_time_counts_once_and_a_hang_up_ends_it() {
    let mut world = talking();
    world.holds("ali");
    world.after_seconds(2.0);
    world.holds("caller");
    world.after_seconds(2.0);
    world.resumes("ali");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(world.cdr().hold_ms, 6_000);
}

#[test]
fn a_re_invite_without_an_offer_gets_ours_and_may_end_the_hold() {
    let mut world = talking();
    world.holds("caller");
    world.after_seconds(3.0);
    world.let_phone("caller", |phone| phone.reinvite(None));
    world.after_seconds(3.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  caller ──INVITE +sdp sendonly──▶ box
       5.0s  media: caller at 192.0.2.100:4000 pcmu receiveonly
       5.0s  box ──200 INVITE +sdp recvonly──▶ caller
       5.0s  caller ──ACK──▶ box
       8.0s  caller ──INVITE──▶ box
       8.0s  box ──200 INVITE +sdp──▶ caller
       8.0s  caller ──ACK +sdp──▶ box
       8.0s  media: caller at 192.0.2.100:4000 pcmu both
       8.0s  media: stop playing to ali
      11.0s  caller ──BYE──▶ box
      11.0s  box ──200 BYE──▶ caller
      11.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      11.0s  journal: call closed, ANSWER
      11.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        11.0 s: wait 2.0 ring 2.0 talk 9.0 hold 3.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().hold_ms, 3_000);
}

#[test]
fn a_re_invite_that_cannot_be_used_is_refused_and_the_talk_goes_on() {
    let mut world = talking();
    let video = "v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n";
    world.let_phone("ali", |phone| phone.reinvite(Some(video)));
    world.after_seconds(3.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──INVITE +sdp──▶ box
       5.0s  box ──488 INVITE (Warning 305: No common audio codec; offer one of PCMU PCMA)──▶ ali
       5.0s  ali ──ACK──▶ box
       8.0s  ali ──BYE──▶ box
       8.0s  box ──200 BYE──▶ ali
       8.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       8.0s  journal: call closed, ANSWER
       8.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        8.0 s: wait 2.0 ring 2.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().talk_ms, 6_000);
}

#[test]
fn a_stranger_with_the_right_tags_cannot_hang_up() {
    let mut world = talking();
    let talk = world.phone("ali").talk().unwrap();
    let bye = format!(
        "BYE {} SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bK-thief\r\nMax-Forwards: 70\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 77 BYE\r\nContent-Length: 0\r\n\r\n",
        talk.target, talk.us, talk.them, talk.call_id
    );
    world.inject("203.0.113.66:5060", bye.clone().into_bytes());
    world.inject("203.0.113.66:5060", bye.replace("BYE", "INFO").into_bytes());
    world.after_seconds(3.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  stranger ──BYE──▶ box
       5.0s  box ──403 BYE──▶ nobody
       5.0s  log: 203.0.113.66:5060 has no part in the call it sent BYE to.
       5.0s  stranger ──INFO──▶ box
       5.0s  box ──403 INFO──▶ nobody
       5.0s  log: 203.0.113.66:5060 has no part in the call it sent INFO to.
       8.0s  ali ──BYE──▶ box
       8.0s  box ──200 BYE──▶ ali
       8.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       8.0s  journal: call closed, ANSWER
       8.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        8.0 s: wait 2.0 ring 2.0 talk 6.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().talk_ms, 6_000);
}

#[test]
fn when_no_sound_comes_any_more_the_call_ends_with_its_reason() {
    let mut world = talking();
    let leg = world.leg_of("caller").unwrap();
    world.media(MediaEvent::WentDead { leg });
    insta::assert_snapshot!(world.story(), @"
       5.0s  media: nothing comes from caller
       5.0s  box ──BYE (No media received; Q.850 102)──▶ caller
       5.0s  box ──BYE (No media received; Q.850 102)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 102, cause no_media
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    let cdr = world.cdr();
    assert_eq!(
        (cdr.status, cdr.cause.as_deref(), cdr.hangup_by),
        (Status::Answer, Some("no_media"), HangupBy::System)
    );
}

#[test]
fn a_held_line_may_be_silent() {
    let mut world = talking();
    world.holds("ali");
    let leg = world.leg_of("ali").unwrap();
    world.media(MediaEvent::WentDead { leg });
    world.after_seconds(3.0);
    world.hangs_up("ali");
    world.peace();
    assert_eq!((world.cdr().cause.clone(), world.cdr().hold_ms), (None, 3_000));
}

#[test]
fn when_the_agents_port_cannot_be_opened_the_call_ends() {
    let mut world = World::of(Site::office().unrecorded().ringing(1));
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.studio.broken_ports = 1;
    world.after_seconds(5.0);
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
       2.0s  ali ──200 INVITE +sdp──▶ box
       2.0s  box ──ACK──▶ ali
       2.0s  media: ali at 192.0.2.10:4000 pcmu both
       2.0s  media: caller at 192.0.2.100:4000 pcmu both
       2.0s  media: caller and ali talk
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       2.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       2.0s  box ──200 INVITE +sdp──▶ caller
       2.0s  log: An RTP port could not be opened: address already in use.
       2.0s  box ──BYE (Congestion; Q.850 42)──▶ ali
       2.0s  mona ──200 CANCEL──▶ box
       2.0s  mona ──487 INVITE──▶ box
       2.0s  omar ──200 CANCEL──▶ box
       2.0s  omar ──487 INVITE──▶ box
       2.0s  caller ──ACK──▶ box
       2.0s  journal: call closed, ANSWER
       2.0s  ali ──200 BYE──▶ box
       2.0s  box ──ACK──▶ mona
       2.0s  box ──ACK──▶ omar
       2.0s  box ──BYE (Congestion; Q.850 42)──▶ caller
       2.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 42, cause no_ports
        2.0 s: wait 2.0 ring 2.0 talk 0.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn when_the_callers_port_cannot_be_opened_the_call_fails() {
    let mut world = World::of(Site::office().unrecorded());
    world.studio.broken_ports = 1;
    world.calls("caller", "8001");
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8001 +sdp──▶ box
       0.0s  box ──100 INVITE──▶ caller
       0.0s  journal: call opened
       0.0s  media: caller at 192.0.2.100:4000 pcmu both
       0.0s  media: play en/welcome to caller
       0.0s  box ──200 INVITE +sdp──▶ caller
       0.0s  log: An RTP port could not be opened: address already in use.
       0.0s  journal: call closed, FAILED
       0.0s  caller ──ACK──▶ box
       0.0s  box ──BYE (Congestion; Q.850 42)──▶ caller
       0.0s  caller ──200 BYE──▶ box
    CDR FAILED inbound 0501234567 → 8001, ended by system, q850 42, cause no_ports
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0; stages welcome; language en
        leg 0 0501234567: answered
    ");
    assert_eq!(
        (world.cdr().status, world.cdr().cause.as_deref()),
        (Status::Failed, Some("no_ports"))
    );
}

#[test]
fn a_thread_that_loses_a_leg_ends_the_call() {
    let mut world = talking();
    let leg = world.leg_of("ali").unwrap();
    world.input(Input::Media(MediaEvent::Closed {
        leg,
        quality: None,
        strangers: 0,
    }));
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──BYE (Temporary failure; Q.850 41)──▶ caller
       5.0s  box ──BYE (Temporary failure; Q.850 41)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 41, cause media_failed
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().cause.as_deref(), Some("media_failed"));
}

#[test]
fn a_technician_hangs_up() {
    let mut world = talking();
    let call = world.call_id();
    world.command(Command::HangUp(call));
    insta::assert_snapshot!(world.story(), @"
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       5.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       5.0s  journal: call closed, ANSWER
       5.0s  caller ──200 BYE──▶ box
       5.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 16, cause ordered
        5.0 s: wait 2.0 ring 2.0 talk 3.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(
        (world.cdr().hangup_by, world.cdr().cause.as_deref()),
        (HangupBy::System, Some("ordered"))
    );
}

#[test]
fn a_shutdown_ends_every_call_and_lets_nobody_in() {
    let mut world = talking();
    world.caller("second caller", "0509999999");
    world.caller("third caller", "0508888888");
    world.calls("second caller", "8001");
    world.after_seconds(1.0);
    world.ladder.lines.clear();
    world.input(Input::Shutdown);
    world.calls("third caller", "8000");
    insta::assert_snapshot!(world.story(), @"
       6.0s  box ──BYE (Shutting down; Q.850 41)──▶ caller
       6.0s  box ──BYE (Shutting down; Q.850 41)──▶ ali
       6.0s  box ──BYE (Shutting down; Q.850 41)──▶ second caller
       6.0s  journal: call closed, ANSWER
       6.0s  caller ──200 BYE──▶ box
       6.0s  ali ──200 BYE──▶ box
       6.0s  journal: call closed, FAILED
       6.0s  second caller ──200 BYE──▶ box
       6.0s  third caller ──INVITE 8000 +sdp──▶ box
       6.0s  box ──100 INVITE──▶ third caller
       6.0s  log: A call for 8000 was refused with 503: the box is full, draining, or its journal is behind.
       6.0s  box ──503 INVITE (Retry-After 10)──▶ third caller
       6.0s  third caller ──ACK──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by system, q850 41, cause shutdown
        6.0 s: wait 2.0 ring 2.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    CDR FAILED inbound 0509999999 → 8001, ended by system, q850 41, cause shutdown
        1.0 s: wait 1.0 ring 0.0 talk 0.0 hold 0.0; stages welcome; language en
        leg 0 0509999999: answered
    ");
    assert_eq!(world.cdrs.len(), 2);
    assert!(
        world
            .cdrs
            .iter()
            .all(|cdr| cdr.cause.as_deref() == Some("shutdown"))
    );
}

#[test]
fn a_talk_nobody_ends_is_ended_after_twelve_hours() {
    let mut world = talking();
    world.after_seconds(13.0 * 3600.0);
    world.peace();
    assert_eq!(
        (world.cdr().talk_ms, world.cdr().cause.as_deref()),
        (12 * 3_600_000, Some("longest_talk"))
    );
}

#[test]
fn late_word_of_phones_that_lost_changes_nothing() {
    let mut world = talking();
    for leg in [1, 2, 3] {
        let key = callpost::model::LegKey {
            leg: LegId(leg),
            ..world.leg_of("caller").unwrap()
        };
        if world.leg_of("ali") != Some(key) {
            world.input(Input::Media(MediaEvent::WentDead { leg: key }));
            world.input(Input::Media(MediaEvent::OpenFailed {
                leg: key,
                reason: "late".into(),
            }));
            world.input(Input::Media(MediaEvent::Closed {
                leg: key,
                quality: None,
                strangers: 3,
            }));
        }
    }
    world.after_seconds(1.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!(
        (world.cdr().status, world.cdr().cause.clone()),
        (Status::Answer, None)
    );
}

#[test]
fn while_phones_ring_the_box_may_play_the_ringing_tone_itself() {
    let mut site = Site::office().unrecorded();
    site.early_ringback = true;
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(6.0));
    world.calls("caller", "8000");
    world.after_seconds(8.0);
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
       0.0s  media: caller at 192.0.2.100:4000 pcmu sendonly
       0.0s  media: play ringback to caller over and over
       0.0s  box ──183 INVITE +sdp──▶ caller
       6.0s  ali ──200 INVITE +sdp──▶ box
       6.0s  box ──ACK──▶ ali
       6.0s  media: ali at 192.0.2.10:4000 pcmu both
       6.0s  media: caller at 192.0.2.100:4000 pcmu both
       6.0s  media: caller and ali talk
       6.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ mona
       6.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ omar
       6.0s  box ──200 INVITE +sdp──▶ caller
       6.0s  mona ──200 CANCEL──▶ box
       6.0s  mona ──487 INVITE──▶ box
       6.0s  omar ──200 CANCEL──▶ box
       6.0s  omar ──487 INVITE──▶ box
       6.0s  caller ──ACK──▶ box
       6.0s  box ──ACK──▶ mona
       6.0s  box ──ACK──▶ omar
       8.0s  caller ──BYE──▶ box
       8.0s  box ──200 BYE──▶ caller
       8.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
       8.0s  journal: call closed, ANSWER
       8.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        8.0 s: wait 6.0 ring 6.0 talk 2.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

#[test]
fn when_both_hold_each_hears_music_once_the_other_is_back() {
    let mut world = talking();
    world.holds("ali");
    world.after_seconds(2.0);
    world.holds("caller");
    world.after_seconds(2.0);
    world.resumes("caller");
    world.after_seconds(2.0);
    world.resumes("ali");
    world.after_seconds(2.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──INVITE +sdp sendonly──▶ box
       5.0s  media: ali at 192.0.2.10:4000 pcmu receiveonly
       5.0s  box ──200 INVITE +sdp recvonly──▶ ali
       5.0s  media: play en/hold-music to caller over and over
       5.0s  ali ──ACK──▶ box
       7.0s  caller ──INVITE +sdp sendonly──▶ box
       7.0s  media: caller at 192.0.2.100:4000 pcmu receiveonly
       7.0s  box ──200 INVITE +sdp recvonly──▶ caller
       7.0s  caller ──ACK──▶ box
       9.0s  caller ──INVITE +sdp──▶ box
       9.0s  media: caller at 192.0.2.100:4000 pcmu both
       9.0s  box ──200 INVITE +sdp──▶ caller
       9.0s  media: stop playing to ali
       9.0s  caller ──ACK──▶ box
      11.0s  ali ──INVITE +sdp──▶ box
      11.0s  media: ali at 192.0.2.10:4000 pcmu both
      11.0s  box ──200 INVITE +sdp──▶ ali
      11.0s  media: stop playing to caller
      11.0s  ali ──ACK──▶ box
      13.0s  caller ──BYE──▶ box
      13.0s  box ──200 BYE──▶ caller
      13.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ ali
      13.0s  journal: call closed, ANSWER
      13.0s  ali ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by caller, q850 16
        13.0 s: wait 2.0 ring 2.0 talk 11.0 hold 6.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
}

/// RFC 3428: a text inside a call is for the other one of the two; who does not take texts says so to its sender.
#[test]
fn a_text_inside_a_call_reaches_the_other_one_and_comes_back_as_they_answer() {
    let mut world = talking();
    world.let_phone("caller", |phone| phone.writes("see you at five"));
    world.after_seconds(1.0);
    world.let_phone("ali", |phone| phone.writes("at six"));
    world.after_seconds(1.0);
    world.let_phone("ali", |phone| phone.writes(&"x".repeat(1301)));
    world.after_seconds(1.0);
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       5.0s  caller ──MESSAGE──▶ box
       5.0s  box ──MESSAGE──▶ ali
       5.0s  ali ──200 MESSAGE──▶ box
       5.0s  box ──200 MESSAGE──▶ caller
       6.0s  ali ──MESSAGE──▶ box
       6.0s  box ──MESSAGE──▶ caller
       6.0s  caller ──200 MESSAGE──▶ box
       6.0s  box ──200 MESSAGE──▶ ali
       7.0s  ali ──MESSAGE──▶ box
       7.0s  box ──413 MESSAGE──▶ ali
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
