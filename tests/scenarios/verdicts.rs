//! What a technician is told about a call: each trouble in its sentence, and nothing where nothing is known.

use crate::world::{Manner, OnCancel, Site, World, agent_of_pbx};
use callpost::agents::Overflow;
use callpost::engine::{Command, Input};
use callpost::media::MediaEvent;
use callpost::model::{Quality, QualityThere};

/// One agent, one round, nobody takes messages.
fn small() -> Site {
    let mut site = Site::office()
        .unrecorded()
        .overflowing_to(Overflow::HangUp)
        .ringing(1);
    site.agents.truncate(1);
    site
}

fn of_pbx() -> World {
    let mut site = small();
    site.agents = vec![agent_of_pbx("layla", "300")];
    World::of(site)
}

/// Somebody calls, ali does what the manner says, and the caller hangs up after five seconds if it goes on.
fn told_when(manner: Manner) -> String {
    let mut world = World::of(small());
    world.set("ali", manner);
    world.calls("caller", "8000");
    world.after_seconds(5.0);
    world.hangs_up("caller");
    world.after_seconds(60.0);
    world.verdict()
}

/// The same with a phone of the PBX, and time for it to give up.
fn told_when_the_pbx(manner: Manner) -> String {
    let mut world = of_pbx();
    world.set("layla", manner);
    world.calls("caller", "8000");
    world.after_seconds(60.0);
    world.verdict()
}

/// The two talk for ten seconds, and this was measured on their legs.
fn told_when_heard(caller: Quality, ali: Quality) -> String {
    let mut world = World::of(small());
    world.studio.heard = [(0, caller), (1, ali)].into();
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(11.0);
    world.hangs_up("caller");
    world.after_seconds(5.0);
    world.verdict()
}

fn well() -> Quality {
    Quality {
        mos: Some(4.4),
        loss_percent: Some(0.0),
        packets_received: 500,
        packets_sent: 500,
        ..Quality::default()
    }
}

fn silent() -> Quality {
    Quality {
        packets_sent: 500,
        ..Quality::default()
    }
}

#[test]
fn a_call_that_went_well_is_told_by_who_hung_up() {
    insta::assert_snapshot!(told_when_heard(well(), well()), @"caller_hung_up: The caller hung up after 10 s of talk.");
    insta::assert_snapshot!(told_when(Manner::rings()), @"gave_up: The caller gave up after 5 s of ringing.");
    let mut world = World::of(small());
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.hangs_up("ali");
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.verdict(), @"callee_hung_up: The called side hung up after 3 s of talk.");
}

#[test]
fn who_does_not_acknowledge_or_answer_is_named() {
    let mut world = World::of(small());
    world.phone("caller").manner.never_acks = true;
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.verdict(), @"no_ack of leg 0: 0501234567 never acknowledged the answer: the 200 OK went to 192.0.2.100:5060 11 times and no ACK came. The far side hangs up after 32 s. — Our Contact is sip:8000@192.0.2.1:5060: is it reachable from there? Turn off SIP ALG in the router.");
    let mut world = World::of(small());
    world.set("ali", Manner::dead());
    world.calls("caller", "8000");
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.verdict(), @"no_response of leg 1: ali does not answer at 192.0.2.10:5060: the INVITE went out 7 times and nothing came back. — Is it switched on, and still at that address? Is a firewall between?");
    let mut world = World::of(small());
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.weather.lost_percent = 100;
    world.command(Command::HangUp(world.call_id()));
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.verdict(), @"
    bye_unanswered of leg 0: 0501234567 had gone without saying so: the BYE to 192.0.2.100:5060 was not answered. — Nothing, unless it happens often: then look at its network and power.
    bye_unanswered of leg 1: ali had gone without saying so: the BYE to 192.0.2.10:5060 was not answered. — Nothing, unless it happens often: then look at its network and power.
    ");
}

#[test]
fn what_a_phone_said_is_repeated() {
    insta::assert_snapshot!(told_when(Manner::refuses(486)), @"busy of leg 1: ali was busy.");
    insta::assert_snapshot!(told_when(Manner::refuses(603)), @"declined of leg 1: ali declined.");
    insta::assert_snapshot!(told_when(Manner::refuses(480)), @"not_available of leg 1: ali was not available: 480 Temporarily Unavailable. — Is the phone logged in there?");
    insta::assert_snapshot!(told_when(Manner::refuses(488)), @"no_codec of leg 1: ali could use none of the codecs offered (PCMU, PCMA): Not Acceptable Here. — Allow a common codec at both sides: `[media] codecs`, or the trunk's own `codecs`.");
}

#[test]
fn what_a_trunk_said_is_repeated() {
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(403)), @"trunk_forbids of leg 1: 192.0.2.100:5060 refused the call to layla: 403 Forbidden. — Ask the provider whether the number may be called and the caller id shown.");
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(404)), @"no_such_number of leg 1: 192.0.2.100:5060 does not know layla: 404 Not Found. — Check the number and the trunk's `number_form`.");
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(503)), @"trunk_full of leg 1: 192.0.2.100:5060 had no line free for layla, or is out of service: 503 Service Unavailable. — Wait, add lines, or name a second trunk in the route.");
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(500)), @"trunk_broken of leg 1: 192.0.2.100:5060 failed on the call to layla: 500 Server Internal Error. — Ask the provider; name a second trunk in the route.");
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(408)), @"timed_out of leg 1: 192.0.2.100:5060 gave up waiting for layla: 408 Request Timeout. — Nothing here: the far side's phone or network does not answer.");
    insta::assert_snapshot!(told_when_the_pbx(Manner::refuses(401)), @"trunk_password of leg 1: 192.0.2.100:5060 did not take our password for the call to layla: 401 Unauthorized. — Check `username` and `password` of that trunk.");
}

#[test]
fn somebody_who_answers_too_late_and_a_group_without_phones_are_noted() {
    let mut site = Site::office().unrecorded();
    site.agents.truncate(2);
    let mut world = World::of(site);
    world.set("ali", Manner::answers_after(1.0));
    world.set(
        "mona",
        Manner {
            on_cancel: OnCancel::Answer,
            ..Manner::rings()
        },
    );
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.hangs_up("caller");
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.verdict(), @"
    answer_crossed of leg 2: mona answered in the moment somebody else had; it was hung up again at once.
    caller_hung_up: The caller hung up after 3 s of talk.
    ");
    let mut site = small();
    site.agents.clear();
    let mut world = World::of(site);
    world.calls("caller", "8000");
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.verdict(), @"nobody_free: Nobody could be rung: no phone of the group was registered and free. — The page Now shows who is registered, on a break, or in another call.");
}

#[test]
fn who_hears_nothing_and_why_is_told() {
    insta::assert_snapshot!(told_when_heard(silent(), well()), @"nothing_heard of leg 0: ali hears nothing: no voice came from 0501234567, whose phone said 192.0.2.100. — Open UDP `[media] rtp_ports` between the box and that phone, and look for a firewall there.");
    insta::assert_snapshot!(told_when_heard(well(), silent()), @"nothing_heard of leg 1: 0501234567 hears nothing: no voice came from ali, whose phone said 192.0.2.10. — Open UDP `[media] rtp_ports` between the box and that phone, and look for a firewall there.");
    insta::assert_snapshot!(told_when_heard(silent(), silent()), @"nobody_heard: Nobody hears anything: no voice came from either side. — Open UDP `[media] rtp_ports` to the box in the firewall.");
}

#[test]
fn a_bad_line_is_told_by_what_is_bad_about_it() {
    let bad = Quality {
        loss_percent: Some(7.3),
        jitter_ms: Some(61.0),
        rtt_ms: Some(420.0),
        worst_gap_ms: Some(900),
        there: Some(QualityThere {
            loss_percent: Some(4.0),
            ..QualityThere::default()
        }),
        packets_rejected: 12,
        ..well()
    };
    insta::assert_snapshot!(told_when_heard(well(), bad), @"
    srtp_rejected of leg 1: 12 packets of ali could not be opened with the agreed key. — Restart that phone; if it goes on, its SRTP differs from what it offered — set its `srtp` to `off`.
    lossy of leg 1: 7.3 % of what ali said was lost on the way here. — Look at Wi-Fi, switch port and uplink of that side; give voice priority there (DSCP EF).
    lossy_there of leg 1: ali lost 4.0 % of what it should have heard, as its phone reports. — Look at Wi-Fi, switch port and uplink of that side; give voice priority there (DSCP EF).
    jittery of leg 1: What ali said came unevenly, by 61 ms. — Look at Wi-Fi, switch port and uplink of that side; give voice priority there (DSCP EF).
    long_way of leg 1: ali is far away: 420 ms there and back, so that people talk over each other. — Nothing here: choose a nearer trunk, or a shorter way between the sites.
    hole of leg 1: 900 ms of what ali said were missing at once. — Look at Wi-Fi, switch port and uplink of that side; give voice priority there (DSCP EF).
    ");
}

#[test]
fn a_line_on_which_nothing_comes_any_more_is_told() {
    let mut world = World::of(small());
    world.set("ali", Manner::answers_after(1.0));
    world.studio.heard = [(0, well()), (1, silent())].into();
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    let leg = world.leg_of("ali").unwrap();
    world.media(MediaEvent::WentDead { leg });
    world.after_seconds(40.0);
    insta::assert_snapshot!(world.verdict(), @"
    nothing_heard of leg 1: 0501234567 hears nothing: no voice came from ali, whose phone said 192.0.2.10. — Open UDP `[media] rtp_ports` between the box and that phone, and look for a firewall there.
    dead_line of leg 1: The call was ended because no voice came from ali any more. — If people were still there, their voice is blocked: open UDP `[media] rtp_ports`.
    ");
}

#[test]
fn a_connection_that_broke_is_told() {
    let mut world = World::of(small());
    let phone = world.phone("ali");
    phone.transport = callpost::sip::Transport::Tcp;
    phone.connection = Some(7);
    world.registers("ali", 3600);
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(4.0);
    world.input(Input::StreamClosed(7));
    world.after_seconds(60.0);
    insta::assert_snapshot!(world.verdict(), @"connection_lost: The far side's connection broke and did not come back within 32 s. — Look at its switch, Wi-Fi or router.");
}

#[test]
fn a_menu_that_gets_no_keys_from_a_caller_who_cannot_send_them_is_told() {
    let mut world = World::of(Site::office().unrecorded());
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    world.calls_with("caller", "8001", Some(sdp.to_owned()));
    world.after_seconds(60.0);
    world.hangs_up("caller");
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.verdict(), @"no_keys of leg 0: 0501234567 cannot send keys as telephone-events, and none were heard in its voice. — Turn on RFC 2833/4733 (telephone-event) at that trunk or phone, or set its `dtmf`.");
}

/// The codecs of an offer that the box cannot use are named.
#[test]
fn a_caller_without_a_common_codec_is_told_what_it_offered() {
    let mut world = World::of(small());
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.100\r\ns=-\r\nc=IN IP4 192.0.2.100\r\nt=0 0\r\n\
               m=audio 4000 RTP/AVP 3 97\r\na=rtpmap:97 iLBC/8000\r\n";
    world.calls_with("caller", "8000", Some(sdp.to_owned()));
    world.after_seconds(5.0);
    insta::assert_snapshot!(world.verdict(), @"no_codec of leg 0: callpost could use none of the codecs offered (GSM, iLBC): No common audio codec; offer one of PCMU PCMA. — Allow a common codec at both sides: `[media] codecs`, or the trunk's own `codecs`.");
}
