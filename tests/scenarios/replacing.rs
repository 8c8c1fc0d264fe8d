//! An INVITE that takes the place of a session (RFC 3891): a colleague picks up, a party is another one, and who may not.

use crate::world::{Manner, Phone, Site, World};
use callpost::model::TransferKind;
use callpost::sip::Trunk;

/// The office whose agents may pick up for each other; mona watches ali's phone, omar is not there.
fn watching() -> World {
    watching_at(Site {
        pickup: true,
        ..Site::office().unrecorded()
    })
}

fn watching_at(site: Site) -> World {
    let mut world = World::of(site);
    world.registers("omar", 0);
    world.set("mona", Manner::refuses(486));
    world.let_phone("mona", |phone| phone.watch("1001", "dialog"));
    world.after_seconds(5.0);
    world.ladder.lines.clear();
    world
}

/// An attribute of the only call that the NOTIFY a phone heard last tells of.
fn told(world: &mut World, who: &str, name: &str) -> Option<String> {
    let text = world.phone(who).last_notify.clone();
    let (_, rest) = text.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// The Replaces that a key with a lamp sends, made of the NOTIFY.
fn replaces(world: &mut World, who: &str) -> String {
    let mut part = |name| told(world, who, name).unwrap_or_default();
    let (call_id, theirs, ours) = (part("call-id"), part("local-tag"), part("remote-tag"));
    format!("Replaces: {call_id};to-tag={ours};from-tag={theirs}")
}

/// What a phone was told last of a call it placed.
fn answer(world: &mut World, who: &str) -> Option<u16> {
    world.phone(who).talk()?.told.last().copied()
}

/// The names of the dialog a phone has with the box, as one who has them from it would write them.
fn dialog_of(world: &mut World, who: &str) -> String {
    let talk = world.phone(who).talk().unwrap();
    let tag = talk.them.rsplit(";tag=").next().unwrap_or_default();
    format!(
        "Replaces: {};to-tag={tag};from-tag={}",
        talk.call_id, talk.our_tag
    )
}

/// FIELD A7: the lamp's NOTIFY says what the call is called (RFC 4235 §4.1.1), the key answers it.
#[test]
fn a_colleague_takes_the_call_that_rings_at_the_watched_phone() {
    let mut world = watching();
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    let name = replaces(&mut world, "mona");
    world.phone("mona").more_headers = format!("{name};early-only\r\nRequire: replaces\r\n");
    world.calls("mona", "0501234567");
    world.after_seconds(4.0);
    world.hangs_up("caller");
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
       6.0s  box ──NOTIFY of early──▶ mona
       6.0s  mona ──200 NOTIFY──▶ box
       8.0s  mona ──INVITE 0501234567 with Replaces +sdp──▶ box
       8.0s  box ──401 INVITE──▶ mona
       8.0s  mona ──ACK──▶ box
       8.0s  mona ──INVITE 0501234567 with digest with Replaces +sdp──▶ box
       8.0s  box ──100 INVITE──▶ mona
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  media: caller at 192.0.2.100:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──200 INVITE +sdp──▶ mona
       8.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       8.0s  box ──200 INVITE +sdp──▶ caller
       8.0s  box ──NOTIFY of no call──▶ mona
       8.0s  mona ──ACK──▶ box
       8.0s  ali ──200 CANCEL──▶ box
       8.0s  ali ──487 INVITE──▶ box
       8.0s  caller ──ACK──▶ box
       8.0s  mona ──200 NOTIFY──▶ box
       8.0s  box ──ACK──▶ ali
      12.0s  caller ──BYE──▶ box
      12.0s  box ──200 BYE──▶ caller
      12.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ mona
      12.0s  journal: call closed, ANSWER
      12.0s  mona ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by caller, q850 16
        7.0 s: wait 3.0 ring 3.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 mona 1002: answered
    ");
}

/// The same without an offer: the box makes one, and both hear each other once the ACK has answered it.
#[test]
fn a_call_may_be_picked_up_without_an_offer() {
    let mut world = watching();
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    let name = replaces(&mut world, "mona");
    world.phone("mona").more_headers = format!("{name}\r\n");
    world.calls_with("mona", "0501234567", None);
    world.after_seconds(4.0);
    world.hangs_up("mona");
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
       6.0s  box ──NOTIFY of early──▶ mona
       6.0s  mona ──200 NOTIFY──▶ box
       8.0s  mona ──INVITE 0501234567 with Replaces──▶ box
       8.0s  box ──401 INVITE──▶ mona
       8.0s  mona ──ACK──▶ box
       8.0s  mona ──INVITE 0501234567 with digest with Replaces──▶ box
       8.0s  box ──100 INVITE──▶ mona
       8.0s  media: caller at 192.0.2.100:4000 pcmu both
       8.0s  media: caller and mona talk
       8.0s  box ──200 INVITE +sdp──▶ mona
       8.0s  box ──CANCEL (Call completed elsewhere; SIP 200, Q.850 26)──▶ ali
       8.0s  box ──200 INVITE +sdp──▶ caller
       8.0s  box ──NOTIFY of no call──▶ mona
       8.0s  mona ──ACK +sdp──▶ box
       8.0s  ali ──200 CANCEL──▶ box
       8.0s  ali ──487 INVITE──▶ box
       8.0s  caller ──ACK──▶ box
       8.0s  mona ──200 NOTIFY──▶ box
       8.0s  media: mona at 192.0.2.11:4000 pcmu both
       8.0s  box ──ACK──▶ ali
      12.0s  mona ──BYE──▶ box
      12.0s  box ──200 BYE──▶ mona
      12.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
      12.0s  journal: call closed, ANSWER
      12.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, by mona, group sales, ended by callee, q850 16
        7.0 s: wait 3.0 ring 3.0 talk 4.0 hold 0.0
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: answered_elsewhere, rang
        leg 2 mona 1002 round 1: busy 486 Busy Here
        leg 3 mona 1002: answered
    ");
}

/// ROBUSTNESS 40: without a group that allows it nobody is told what a call is called, and knowing it is no right.
#[test]
fn whoever_may_not_pick_up_is_not_told_the_name_of_a_call_and_cannot_use_it() {
    let mut world = watching_at(Site::office().unrecorded());
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    assert!(world.phone("mona").last_notify.contains("<state>early</state>"));
    assert_eq!(told(&mut world, "mona", "call-id"), None);
    let talk = world.phone("ali").talk().unwrap();
    let ours = talk.them.rsplit(";tag=").next().unwrap_or_default();
    let name = format!("{};to-tag={ours};from-tag={}", talk.call_id, talk.our_tag);
    for lines in [
        format!("Replaces: {name}\r\n"),
        format!("Replaces: {name};early-only\r\nReferred-By: <sip:1001@callpost>\r\n"),
    ] {
        world.phone("mona").more_headers = lines;
        world.calls("mona", "0501234567");
        world.after_seconds(1.0);
        assert_eq!(answer(&mut world, "mona"), Some(403));
    }
    let strangers = world.notices.iter().map(ToString::to_string);
    assert!(
        strangers.into_iter().any(|line| line.contains("INVITE")),
        "the log says so"
    );
    world.hangs_up("caller");
    world.story();
}

/// RFC 3891 §3, status by status.
#[test]
fn a_dialog_that_cannot_be_replaced_is_refused_as_the_standard_says() {
    let mut world = watching();
    world.set("ali", Manner::answers_after(2.0));
    world.calls("caller", "8000");
    world.after_seconds(1.0);
    let name = replaces(&mut world, "mona");
    let (call_id, tags) = name.split_once(';').unwrap();
    let says = |world: &mut World, lines: String| {
        world.phone("mona").more_headers = lines + "\r\n";
        world.calls("mona", "0501234567");
        world.after_seconds(0.1);
        answer(world, "mona").unwrap()
    };
    assert_eq!(says(&mut world, format!("{name}x")), 481, "another tag");
    assert_eq!(
        says(&mut world, format!("{call_id}x;{tags}")),
        481,
        "another call"
    );
    let swapped = tags.replace("to-tag", "x-tag").replace("from-tag", "to-tag");
    let swapped = swapped.replace("x-tag", "from-tag");
    assert_eq!(
        says(&mut world, format!("{call_id};{swapped}")),
        481,
        "ours is to-tag"
    );
    assert_eq!(says(&mut world, format!("{name}\r\n{name}")), 400, "two of them");
    assert_eq!(
        says(&mut world, format!("{name}\r\nJoin: {}", &name[10..])),
        400,
        "and Join"
    );
    // An early dialog that the other side began: the caller's own.
    let talk = world.phone("caller").talk().unwrap();
    let tag = talk.early.rsplit(";tag=").next().unwrap_or_default().to_owned();
    let begun_there = format!(
        "Replaces: {};to-tag={tag};from-tag={}",
        talk.call_id, talk.our_tag
    );
    world.caller("neighbour", "0507654321");
    world.phone("neighbour").more_headers = format!("{begun_there}\r\n");
    world.calls("neighbour", "8000");
    assert_eq!(answer(&mut world, "neighbour"), Some(481));
    world.after_seconds(3.0);
    // Answered meanwhile: the key was pressed too late, and a conversation is nobody's to take.
    assert_eq!(says(&mut world, format!("{name};early-only")), 403);
    let handed = format!("{name};early-only\r\nReferred-By: <sip:1001@callpost>");
    assert_eq!(says(&mut world, handed), 486);
    let another = format!("{name}\r\nReferred-By: <sip:1003@callpost>");
    assert_eq!(says(&mut world, another), 403, "not of whoever talks");
    // It is being left.
    world.set("ali", Manner::dead());
    world.phone("ali").talks.clear();
    world.hangs_up("caller");
    let handed = format!("{name}\r\nReferred-By: <sip:1001@callpost>");
    assert_eq!(says(&mut world, handed), 603);
    world.story();
}

/// RFC 3891 §3: no other request may have it.
#[test]
fn only_an_invite_may_take_the_place_of_something() {
    let mut world = watching();
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.ladder.lines.clear();
    let call_id = world.phone("caller").talk().unwrap().call_id.clone();
    let name = dialog_of(&mut world, "caller") + "\r\n";
    world.let_phone("caller", |phone| phone.send_within(&call_id, "INFO", &name, None));
    let lines = world.ladder.lines.join("\n");
    assert!(lines.contains("box ──400 INFO──▶ caller"), "{lines}");
    world.hangs_up("caller");
    world.story();
}

/// A second trunk, whose phones may be handed conversations beyond the box.
fn with_carrier(takes_over: bool) -> World {
    let mut site = Site::office().unrecorded();
    site.dialing.country_code = "966".to_owned();
    site.carriers.push(Trunk {
        takes_over,
        ..Trunk::new("branch".into(), "192.0.2.101", Some(5060), None)
    });
    let mut world = World::of(site);
    let mut sara = Phone::new("sara", "400", "192.0.2.101:5060".parse().unwrap());
    sara.manner = Manner::answers_after(1.0);
    world.phones.push(sara);
    world.set("ali", Manner::answers_after(1.0));
    world.calls("caller", "8000");
    world.after_seconds(3.0);
    world.ladder.lines.clear();
    world
}

/// Ali has asked sara of the branch, without the box, and sends her to his caller.
#[test]
fn a_trunk_that_is_trusted_goes_on_in_the_place_of_whoever_handed_the_call_on_to_it() {
    let mut world = with_carrier(true);
    let name = dialog_of(&mut world, "ali");
    world.phone("sara").more_headers = format!("{name}\r\nReferred-By: <sip:1001@callpost>\r\n");
    world.calls("sara", "1001");
    world.after_seconds(4.0);
    world.hangs_up("sara");
    insta::assert_snapshot!(world.story(), @"
       3.0s  sara ──INVITE 1001 with Replaces with Referred-By +sdp──▶ box
       3.0s  box ──100 INVITE──▶ sara
       3.0s  media: ali no longer talks
       3.0s  media: 400 at 192.0.2.101:4000 pcmu both
       3.0s  media: caller and 400 talk
       3.0s  box ──200 INVITE +sdp──▶ sara
       3.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       3.0s  sara ──ACK──▶ box
       3.0s  ali ──200 BYE──▶ box
       7.0s  sara ──BYE──▶ box
       7.0s  box ──200 BYE──▶ sara
       7.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ caller
       7.0s  journal: call closed, ANSWER
       7.0s  caller ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, group sales, ended by callee, q850 16
        7.0 s: wait 1.0 ring 1.0 talk 6.0 hold 0.0
        Attended transfer by leg 1 to 400: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 400: answered
    ");
    let transfers = &world.cdr().transfers;
    assert_eq!(transfers[0].kind, TransferKind::Attended);
    assert_eq!(transfers[0].by.as_ref().map(|by| by.as_str()), Some("ali"));
}

/// ROBUSTNESS 40: not without that trust, whatever it says.
#[test]
fn a_trunk_that_is_not_trusted_takes_nobodys_place() {
    for referrer in ["", "Referred-By: <sip:1001@callpost>\r\n"] {
        let mut world = with_carrier(false);
        let name = dialog_of(&mut world, "ali");
        world.phone("sara").more_headers = format!("{name}\r\n{referrer}");
        world.calls("sara", "1001");
        assert_eq!(answer(&mut world, "sara"), Some(403), "{referrer}");
        world.after_seconds(1.0);
        world.hangs_up("caller");
        world.story();
    }
}

/// Ali has talked with sara without the box, and hands his caller on to her: the branch alone knows their conversation.
#[test]
fn a_phone_hands_its_call_on_to_a_conversation_beyond_a_trunk() {
    let mut world = with_carrier(false);
    let call_id = world.phone("ali").talk().unwrap().call_id.clone();
    let more = "Refer-To: <sip:400@192.0.2.101?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n";
    world.let_phone("ali", |phone| phone.send_within(&call_id, "REFER", more, None));
    world.after_seconds(4.0);
    let invite = world.phone("sara").last_invite.clone();
    assert!(
        invite.contains("Replaces: abc;to-tag=1;from-tag=2\r\n"),
        "{invite}"
    );
    assert!(invite.contains("Require: replaces\r\n"), "{invite}");
    world.hangs_up("caller");
    insta::assert_snapshot!(world.story(), @"
       3.0s  ali ──REFER 400 with Replaces──▶ box
       3.0s  media: ali no longer talks
       3.0s  media: play ringback to caller over and over
       3.0s  box ──202 REFER──▶ ali
       3.0s  box ──NOTIFY “100 Trying”──▶ ali
       3.0s  box ──INVITE 400 with Replaces with Referred-By +sdp──▶ sara
       3.0s  ali ──200 NOTIFY──▶ box
       3.0s  sara ──180 INVITE──▶ box
       3.0s  box ──NOTIFY “180 Ringing”──▶ ali
       3.0s  ali ──200 NOTIFY──▶ box
       4.0s  sara ──200 INVITE +sdp──▶ box
       4.0s  box ──ACK──▶ sara
       4.0s  media: 400 by branch at 192.0.2.101:4000 pcmu both
       4.0s  media: caller and 400 by branch talk
       4.0s  box ──NOTIFY “200 OK” terminated──▶ ali
       4.0s  ali ──200 NOTIFY──▶ box
       4.0s  ali ──BYE──▶ box
       4.0s  box ──BYE (Call transferred; Q.850 16)──▶ ali
       4.0s  box ──200 BYE──▶ ali
       4.0s  ali ──200 BYE──▶ box
       7.0s  caller ──BYE──▶ box
       7.0s  box ──200 BYE──▶ caller
       7.0s  box ──BYE (Normal call clearing; Q.850 16)──▶ sara
       7.0s  journal: call closed, ANSWER
       7.0s  sara ──200 BYE──▶ box
    CDR ANSWER inbound 0501234567 → 8000, group sales, ended by caller, q850 16
        7.0 s: wait 1.0 ring 1.0 talk 6.0 hold 0.0
        Attended transfer by leg 1 to 400: answered leg 4
        leg 0 0501234567: answered
        leg 1 ali 1001 round 1: transferred, rang
        leg 2 mona 1002 round 1: answered_elsewhere, rang
        leg 3 omar 1003 round 1: answered_elsewhere, rang
        leg 4 400 round 1: answered, rang
    ");
}

/// ROBUSTNESS 39, 41: neither to a number that may not be dialled, nor for a trunk that is not trusted with it, nor to
/// somewhere that is no trunk.
#[test]
fn a_call_is_not_handed_on_beyond_what_may_be_dialled() {
    let refers = |world: &mut World, who: &str, to: &str| {
        let call_id = world.phone(who).talk().unwrap().call_id.clone();
        let more = format!("Refer-To: <{to}?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n");
        world.let_phone(who, |phone| phone.send_within(&call_id, "REFER", &more, None));
        world.after_seconds(1.0);
        let lines = world.ladder.lines.join("\n");
        let answer = lines.rsplit(" REFER──▶ ").nth(1).unwrap_or_default().to_owned();
        answer.rsplit("box ──").next().unwrap_or_default().to_owned()
    };
    let mut world = with_carrier(false);
    assert_eq!(refers(&mut world, "ali", "sip:0088212345678@192.0.2.101"), "403");
    assert_eq!(refers(&mut world, "ali", "sip:400@192.0.2.77"), "481");
    assert_eq!(
        refers(&mut world, "caller", "sip:400@192.0.2.101"),
        "403",
        "trunk to trunk"
    );
    world.hangs_up("caller");
    world.story();
}
