//! What a call's SDP says, and what becomes of it: hold in every direction, more than one stream, refusals.

use crate::world::{Manner, Site, World};
use callpost::media::MediaEvent;

const PLACE: &str = "c=IN IP4 192.0.2.10\r\n";

/// The SDP of ali's phone with these lines in its head and for its streams.
fn of_ali(head: &str, streams: &str) -> String {
    format!("v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=-\r\n{head}t=0 0\r\n{streams}")
}

/// The caller talks with ali; the ladder begins there.
fn talking() -> World {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world
}

/// RFC 3264 §6.1, §8.4
#[test]
fn a_phone_holds_in_each_of_its_ways_and_comes_back() {
    let mut world = talking();
    let audio = "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    let deaf = "c=IN IP4 0.0.0.0\r\n";
    let ways = [
        of_ali(PLACE, &format!("{audio}a=sendonly\r\n")),
        of_ali(&format!("{PLACE}a=inactive\r\n"), audio),
        of_ali(PLACE, audio),
        of_ali(&format!("{PLACE}a=recvonly\r\n"), audio),
        of_ali(PLACE, audio),
        of_ali(deaf, audio),
        of_ali(PLACE, &format!("{audio}a=sendrecv\r\n")),
    ];
    for sdp in ways {
        world.let_phone("ali", |phone| phone.reinvite(Some(&sdp)));
        world.after_seconds(2.0);
    }
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──INVITE +sdp sendonly──▶ box
       5.0s  media: ali at 192.0.2.10:4000 pcmu receiveonly
       5.0s  box ──200 INVITE +sdp recvonly──▶ ali
       5.0s  media: play en/hold-music to caller over and over
       5.0s  ali ──ACK──▶ box
       7.0s  ali ──INVITE +sdp inactive──▶ box
       7.0s  media: ali at 192.0.2.10:4000 pcmu neither
       7.0s  box ──200 INVITE +sdp inactive──▶ ali
       7.0s  ali ──ACK──▶ box
       9.0s  ali ──INVITE +sdp──▶ box
       9.0s  media: ali at 192.0.2.10:4000 pcmu both
       9.0s  box ──200 INVITE +sdp──▶ ali
       9.0s  media: stop playing to caller
       9.0s  ali ──ACK──▶ box
      11.0s  ali ──INVITE +sdp recvonly──▶ box
      11.0s  media: ali at 192.0.2.10:4000 pcmu sendonly
      11.0s  box ──200 INVITE +sdp sendonly──▶ ali
      11.0s  media: play en/hold-music to caller over and over
      11.0s  ali ──ACK──▶ box
      13.0s  ali ──INVITE +sdp──▶ box
      13.0s  media: ali at 192.0.2.10:4000 pcmu both
      13.0s  box ──200 INVITE +sdp──▶ ali
      13.0s  media: stop playing to caller
      13.0s  ali ──ACK──▶ box
      15.0s  ali ──INVITE +sdp──▶ box
      15.0s  media: ali at 192.0.2.10:4000 pcmu receiveonly
      15.0s  box ──200 INVITE +sdp recvonly──▶ ali
      15.0s  media: play en/hold-music to caller over and over
      15.0s  ali ──ACK──▶ box
      17.0s  ali ──INVITE +sdp──▶ box
      17.0s  media: ali at 192.0.2.10:4000 pcmu both
      17.0s  box ──200 INVITE +sdp──▶ ali
      17.0s  media: stop playing to caller
      17.0s  ali ──ACK──▶ box
      19.0s  ali ──BYE──▶ box
      19.0s  box ──200 BYE──▶ ali
      19.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      19.0s  journal: call closed, ANSWER
      19.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by ali, group sales, ended by callee, q850 16
        19.0 s: wait 2.0 ring 2.0 talk 17.0 hold 8.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
    ");
    assert_eq!(world.cdr().hold_ms, 8_000);
}

#[test]
fn a_phone_that_answers_on_hold_is_held_from_the_start() {
    let mut world = World::of(Site::office().unrecorded());
    let sdp = of_ali(PLACE, "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n");
    let manner = Manner::answers_after(2.0);
    world.set(
        "ali",
        Manner {
            sdp: Some(sdp),
            ..manner
        },
    );
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.resumes("ali");
    world.after_seconds(4.0);
    world.hangs_up("ali");
    world.peace();
    assert_eq!((world.cdr().hold_ms, world.cdr().talk_ms), (3_000, 7_000));
}

/// A caller that only listens sends nothing, and is not taken for a dead one.
#[test]
fn a_caller_that_calls_to_listen_is_on_hold_until_it_speaks() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(2.0));
    let sdp = world.phone("caller").sdp("recvonly");
    world.calls_with("caller", "8000", Some(sdp));
    world.after_seconds(5.0);
    let leg = world.leg_of("caller").unwrap();
    world.media(MediaEvent::WentDead { leg });
    world.after_seconds(1.0);
    world.resumes("caller");
    world.after_seconds(4.0);
    world.hangs_up("caller");
    world.peace();
    assert_eq!((world.cdr().hold_ms, world.cdr().talk_ms), (4_000, 8_000));
}

/// RFC 3264 §6
#[test]
fn of_many_streams_one_is_taken_and_the_others_keep_their_places() {
    let mut world = World::of(Site::office().unrecorded());
    world.set("ali", Manner::answers_after(1.0));
    let streams = "m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/SAVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=candidate:1 1 UDP 1 192.0.2.100 4002 typ host\r\nm=audio 4004 RTP/AVP 8\r\n";
    let sdp = of_ali("c=IN IP4 192.0.2.100\r\n", streams);
    world.calls_with("caller", "8000", Some(sdp));
    world.after_seconds(2.0);
    world
        .ladder
        .lines
        .retain(|line| line.contains("media: caller at"));
    assert_eq!(world.ladder.lines.len(), 1, "{:?}", world.ladder.lines);
    assert!(world.ladder.lines[0].contains("192.0.2.100:4002"));
    world.hangs_up("caller");
    world.peace();
}

/// RFC 3261 §20.43; ROBUSTNESS 44, ROBUSTNESS 45
#[test]
fn an_offer_that_cannot_be_used_is_refused_with_what_is_wrong_with_it() {
    let mut world = World::of(Site::office().unrecorded());
    let audio = "m=audio 4000 RTP/AVP 0\r\n";
    let offers = [
        (PLACE, "m=audio 4000 RTP/AVP 3\r\n".to_owned()),
        (PLACE, "m=video 4000 RTP/AVP 31\r\n".to_owned()),
        (PLACE, "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n".to_owned()),
        ("c=IN IP4 127.0.0.1\r\n", audio.to_owned()),
        ("c=IN IP4 255.255.255.255\r\n", audio.to_owned()),
        ("c=IN IP4 169.254.3.4\r\n", audio.to_owned()),
        ("c=IN IP4 239.1.1.1/127\r\n", audio.to_owned()),
        ("c=IN IP4 192.0.2.1\r\n", "m=audio 5060 RTP/AVP 0\r\n".to_owned()),
        (PLACE, audio.repeat(40)),
        (PLACE, "m=audio 4000\0 RTP/AVP 0\r\n".to_owned()),
    ];
    for (head, streams) in offers {
        world.calls_with("caller", "8000", Some(of_ali(head, &streams)));
        world.after_seconds(1.0);
    }
    world
        .ladder
        .lines
        .retain(|line| !line.contains("ACK") && !line.contains("100 INVITE"));
    insta::assert_snapshot!(world.story(), @"
       0.0s  caller ──INVITE 8000 +sdp──▶ box
       0.0s  journal: call closed, FAILED
       0.0s  box ──488 INVITE (Warning 305: No common audio codec; offer one of PCMU PCMA)──▶ caller
       1.0s  caller ──INVITE 8000──▶ box
       1.0s  journal: call closed, FAILED
       1.0s  box ──488 INVITE (Warning 304: No audio stream)──▶ caller
       2.0s  caller ──INVITE 8000 +sdp──▶ box
       2.0s  journal: call closed, FAILED
       2.0s  box ──488 INVITE (Warning 302: Transport UDP/TLS/RTP/SAVPF is not supported; use RTP/AVP)──▶ caller
       3.0s  caller ──INVITE 8000 +sdp──▶ box
       3.0s  journal: call closed, FAILED
       3.0s  box ──488 INVITE (Warning 399: Media address not usable: 127.0.0.1, loopback)──▶ caller
       4.0s  caller ──INVITE 8000 +sdp──▶ box
       4.0s  journal: call closed, FAILED
       4.0s  box ──488 INVITE (Warning 399: Media address not usable: 255.255.255.255, broadcast)──▶ caller
       5.0s  caller ──INVITE 8000 +sdp──▶ box
       5.0s  journal: call closed, FAILED
       5.0s  box ──488 INVITE (Warning 399: Media address not usable: 169.254.3.4, link-local)──▶ caller
       6.0s  caller ──INVITE 8000 +sdp──▶ box
       6.0s  journal: call closed, FAILED
       6.0s  box ──488 INVITE (Warning 330: Multicast address 239.1.1.1 is not available)──▶ caller
       7.0s  caller ──INVITE 8000 +sdp──▶ box
       7.0s  journal: call closed, FAILED
       7.0s  box ──488 INVITE (Warning 399: Media address not usable: 192.0.2.1:5060, the box's own port)──▶ caller
       8.0s  caller ──INVITE 8000 +sdp──▶ box
       8.0s  journal: call closed, FAILED
       8.0s  box ──488 INVITE (Warning 307: SDP too large: more than 32 streams)──▶ caller
       9.0s  caller ──INVITE 8000 +sdp──▶ box
       9.0s  journal: call closed, FAILED
       9.0s  box ──488 INVITE (Warning 307: SDP not readable: Invalid formatted line 3: 'Line contains NUL or CR')──▶ caller
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause no_common_codec
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause no_audio
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_transport
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_address
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_address
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_address
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_address
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause media_address
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause sdp_unreadable
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    CDR FAILED inbound 0501234567 → 8000, ended by system, sip 488, q850 88, cause sdp_unreadable
        0.0 s: wait 0.0 ring 0.0 talk 0.0 hold 0.0
        leg 0 0501234567: failed
    ");
}

/// RFC 3261 §14.1
#[test]
fn a_refused_re_invite_says_why_and_the_talk_goes_on() {
    let mut world = talking();
    let looping = of_ali("c=IN IP4 127.0.0.1\r\n", "m=audio 4000 RTP/AVP 0\r\n");
    world.let_phone("ali", |phone| phone.reinvite(Some(&looping)));
    world.after_seconds(3.0);
    world.hangs_up("ali");
    insta::assert_snapshot!(world.story(), @"
       5.0s  ali ──INVITE +sdp──▶ box
       5.0s  box ──488 INVITE (Warning 399: Media address not usable: 127.0.0.1, loopback)──▶ ali
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

/// ROBUSTNESS 45: an answer may not lead the sound astray either.
#[test]
fn a_phone_whose_answer_names_the_box_itself_does_not_get_the_call() {
    let mut world = World::of(Site::office().unrecorded());
    let sdp = of_ali("c=IN IP4 192.0.2.1\r\n", "m=audio 5060 RTP/AVP 0\r\n");
    let manner = Manner::answers_after(1.0);
    world.set(
        "ali",
        Manner {
            sdp: Some(sdp),
            ..manner
        },
    );
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    let story = world.ladder.lines.join("\n");
    assert!(!story.contains("media: ali at"), "{story}");
    assert!(
        story.contains("BYE (Incompatible destination; Q.850 88)──▶ ali"),
        "{story}"
    );
    world.hangs_up("caller");
    world.peace();
}

/// RFC 3261 §20.43, §21.4.7, §21.4.13: a re-INVITE is read as carefully as an INVITE.
#[test]
fn a_re_invite_whose_body_is_not_taken_says_why_and_the_talk_goes_on() {
    let mut world = talking();
    let sdp = of_ali(PLACE, "m=audio 4000 RTP/AVP 0\r\n");
    for more in ["Content-Encoding: gzip\r\n", "Accept: text/plain\r\n"] {
        world.let_phone("ali", |phone| {
            let call_id = phone.talk().unwrap().call_id.clone();
            phone.send_within(&call_id, "INVITE", more, Some(&sdp))
        });
        world.after_seconds(1.0);
    }
    let story = world.ladder.lines.join("\n");
    assert!(
        story.contains("415 INVITE (Warning 399: Only SDP is read)──▶ ali"),
        "{story}"
    );
    assert!(
        story.contains("406 INVITE (Warning 399: The answer would be SDP)──▶ ali"),
        "{story}"
    );
    world.after_seconds(1.0);
    world.hangs_up("ali");
    world.peace();
    assert_eq!(world.cdr().talk_ms, 6_000);
}
