//! Troubles whose messages no well-behaved phone sends, made up.

use super::{Code, Facts, Seen, Side, findings};
use crate::model::Quality;

const WAN: &str = "udp 198.51.100.7:5060 203.0.113.1:5060";
const LAN: &str = "udp 192.168.1.20:5060 192.168.1.5:5060";

/// What is found when these went by on leg 1: at which second, whose, which way, and the message.
fn told(facts: &Facts, messages: &[(u64, bool, &str, String)]) -> Vec<String> {
    let seen: Vec<Seen<'_>> = messages
        .iter()
        .map(|(second, is_ours, flow, message)| Seen {
            at_us: i64::try_from(*second).unwrap() * 1_000_000,
            is_ours: *is_ours,
            flow: flow.parse().unwrap(),
            leg: 1,
            bytes: message.as_bytes(),
        })
        .collect();
    let found = findings(facts, &seen);
    found
        .iter()
        .map(|one| format!("{}: {}", one.code.as_str(), one.sentence()))
        .collect()
}

fn facts() -> Facts {
    Facts {
        sides: vec![side(0, "0501234567"), side(1, "ali")],
        ..Facts::default()
    }
}

fn side(leg: u32, name: &str) -> Side {
    Side {
        leg,
        name: name.to_owned(),
        ..Side::default()
    }
}

fn message(first: &str, via: &str, cseq: &str, more: &str, body: &str) -> String {
    format!(
        "{first}\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n\
         Call-ID: c\r\nCSeq: 1 {cseq}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn invite(body: &str) -> String {
    let more = "Max-Forwards: 70\r\nContact: <sip:box@203.0.113.1>\r\nContent-Type: application/sdp\r\n";
    message("INVITE sip:b@h SIP/2.0", "203.0.113.1:5060", "INVITE", more, body)
}

fn sdp(address: &str, profile: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 4000 {profile} 0\r\n"
    )
}

#[test]
fn a_datagram_that_is_too_large_for_the_way_is_suspected() {
    let large = invite(&format!(
        "{}a=x:{}\r\n",
        sdp("203.0.113.1", "RTP/AVP"),
        "y".repeat(1400)
    ));
    let sent: Vec<_> = (0..4).map(|second| (second, true, WAN, large.clone())).collect();
    let told = told(&facts(), &sent);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("large_datagram: The INVITE to ali had 1"),
        "{told:?}"
    );
    assert!(
        told[0].contains("went to 198.51.100.7:5060 4 times by UDP"),
        "{told:?}"
    );
}

#[test]
fn a_router_that_rewrites_is_named_with_what_it_changed() {
    let answer = message("SIP/2.0 180 Ringing", "10.0.0.9:5060", "INVITE", "", "");
    let told = told(&facts(), &[(0, true, WAN, invite("")), (1, false, WAN, answer)]);
    assert_eq!(
        told,
        [
            "alg_rewrote: A router between the box and ali rewrites SIP: `203.0.113.1:5060` went out, `10.0.0.9:5060` came back."
        ]
    );
}

#[test]
fn an_answer_with_our_own_via_says_nothing_about_routers() {
    let via = "203.0.113.1:5060;received=203.0.113.1;rport=5060";
    let answer = message("SIP/2.0 180 Ringing", via, "INVITE", "", "");
    let told = told(&facts(), &[(0, true, WAN, invite("")), (1, false, WAN, answer)]);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_phone_behind_a_router_is_told_by_its_contact_and_by_its_voice() {
    let more = "Contact: <sip:ali@192.168.7.2:5060>\r\nContent-Type: application/sdp\r\n";
    let body = sdp("192.168.7.2", "RTP/AVP");
    let ok = message("SIP/2.0 200 OK", "203.0.113.1:5060", "INVITE", more, &body);
    let mut facts = facts();
    for (side, received) in facts.sides.iter_mut().zip([300, 0]) {
        (side.talks, side.up_seconds) = (true, Some(5));
        side.quality = Some(Quality {
            packets_received: received,
            ..Quality::default()
        });
    }
    let messages = [(0, true, WAN, invite(&body)), (1, false, WAN, ok.clone())];
    assert_eq!(
        told(&facts, &messages),
        [
            "private_media: 0501234567 hears nothing: ali said that its voice comes from 192.168.7.2, a private address, but it is at 198.51.100.7.",
            "private_contact: ali names 192.168.7.2 as its address, but its messages come from 198.51.100.7:5060.",
        ]
    );
    // The same address is no riddle on the same network.
    let near = [(0, true, LAN, invite(&body)), (1, false, LAN, ok)];
    let told = told(&facts, &near);
    assert!(
        told.iter().all(|one| one.starts_with("nothing_heard")),
        "{told:?}"
    );
}

/// Three seconds into a conversation silence means something, one second after the answer it does not.
#[test]
fn nothing_is_said_about_voice_before_there_can_be_any() {
    let mut facts = facts();
    for side in &mut facts.sides {
        (side.talks, side.up_seconds) = (true, Some(2));
        side.quality = Some(Quality::default());
    }
    assert!(told(&facts, &[]).is_empty());
    for side in &mut facts.sides {
        side.up_seconds = Some(3);
    }
    assert_eq!(told(&facts, &[]).len(), 1);
}

#[test]
fn encrypted_and_plain_voice_that_do_not_meet_are_told_apart_from_codecs() {
    let refusal = message(
        "SIP/2.0 488 Not Acceptable Here",
        "203.0.113.1:5060",
        "INVITE",
        "",
        "",
    );
    let offer = invite(&sdp("203.0.113.1", "RTP/SAVP"));
    let told = told(&facts(), &[(0, true, WAN, offer), (1, false, WAN, refusal)]);
    assert_eq!(
        told,
        ["srtp_wanted: Encrypted and plain voice did not come together with ali: Not Acceptable Here."]
    );
}

#[test]
fn ringing_that_nobody_acknowledges_and_changes_that_meet_are_told() {
    let more = "Require: 100rel\r\nRSeq: 1\r\nContact: <sip:box@203.0.113.1>\r\n";
    let ringing = message("SIP/2.0 183 Session Progress", "198.51.100.7", "INVITE", more, "");
    let sent: Vec<_> = (0..3)
        .map(|second| (second, true, WAN, ringing.clone()))
        .collect();
    assert_eq!(
        told(&facts(), &sent),
        ["no_prack: ali wanted reliable ringing (100rel) and never acknowledged it with PRACK."]
    );
    let glare = |second| {
        let text = message("SIP/2.0 491 Request Pending", "198.51.100.7", "INVITE", "", "");
        (second, true, WAN, text)
    };
    assert_eq!(
        told(&facts(), &[glare(1), glare(2), glare(3)]),
        ["glare_repeats: Both sides tried to change the call at the same moment 3 times."]
    );
}

#[test]
fn an_unusual_end_is_told_by_its_cause() {
    for (cause, code) in [
        ("session_expired", "session_expired: The far side stopped"),
        ("no_ports", "no_ports: The box had no port left"),
        ("interrupted", "interrupted: The box was stopped"),
        ("connection_lost", "connection_lost: The far side's connection"),
    ] {
        let facts = Facts {
            cause: Some(cause.to_owned()),
            ..facts()
        };
        assert!(told(&facts, &[])[0].starts_with(code), "{cause}");
    }
}

#[test]
fn every_code_has_a_word_of_its_own_and_a_sentence() {
    let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Code::ALL.len());
    assert!(Code::ALL.len() >= 25);
    assert!(Code::ALL.iter().all(|code| code.sentence().ends_with('.')));
}

/// Whatever went by, nothing of it breaks the telling.
#[test]
fn junk_is_passed_over() {
    let junk = ["", "INVITE", "SIP/2.0 200 OK\r\n\r\n", "\r\n\r\n\u{0}"];
    let messages: Vec<_> = junk
        .iter()
        .map(|text| (0, false, WAN, (*text).to_owned()))
        .collect();
    assert!(told(&facts(), &messages).is_empty());
}
