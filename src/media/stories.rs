//! Sessions with a network between them: reports, routers that hide a phone, streams that begin anew, and strangers.

use super::clock::origin;
use super::rtp::Packet;
use super::taping::Tape;
use super::{Heard, HeardReport, PACKET, Session};
use crate::model::{Codec, Dice, Digit, Quality, RecordingId, TapeFormat};
use crate::sdp::Agreed;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const PHONE: &str = "192.0.2.9:4000";
const OTHER: &str = "192.0.2.7:4000";
const ROUTER: &str = "203.0.113.9:40123";
const STRANGER: &str = "198.51.100.66:6666";

fn at(place: &str) -> SocketAddr {
    place.parse().unwrap()
}

/// A leg of the box that talks to the peer at this place.
fn leg(seed: u64, place: &str) -> Session {
    let mut session = Session::new(origin(), &mut Dice::from_number(seed));
    session.start(origin(), Agreed::plain(at(place), Codec::Pcmu));
    session
}

/// What a phone says: the numbers of its stream.
#[derive(Clone, Copy)]
struct Voice {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Voice {
    fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sequence: 500,
            timestamp: 80_000,
        }
    }

    fn packet(&mut self, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        packet
    }

    fn speech(&mut self) -> Vec<u8> {
        self.packet(0, &[0x35; 160])
    }
}

fn packet(heard: Heard) -> Option<Packet> {
    match heard {
        Heard::Packet(packet, _) => Some(packet),
        Heard::Stranger | Heard::Junk | Heard::Rejected | Heard::Nothing | Heard::Report(_) => None,
    }
}

/// Passes a datagram from one leg to the other; what the other's phone gets.
fn pass(now: Instant, from: &str, datagram: &[u8], a: &mut Session, b: &mut Session) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 2048];
    buffer[..datagram.len()].copy_from_slice(datagram);
    let heard = a.receive(now, at(from), &mut buffer[..datagram.len()]);
    let (range, _) = b.relay(now, &packet(heard)?, &mut buffer)?;
    let range = b.protect(&mut buffer, range)?;
    Some(buffer[range].to_vec())
}

/// Two boxes that call each other over a line of 30 ms there and 50 ms back, losing every `lost`th packet there.
fn a_minute(lost: u32) -> (Quality, Quality) {
    let start = origin();
    let (mut here, mut there) = (leg(1, PHONE), leg(2, OTHER));
    let mut mouths = [
        Session::new(start, &mut Dice::from_number(3)),
        Session::new(start, &mut Dice::from_number(4)),
    ];
    let mut phone = Voice::new(9);
    mouths[0].start(start, Agreed::plain(at(OTHER), Codec::Pcmu));
    mouths[1].start(start, Agreed::plain(at(PHONE), Codec::Pcmu));
    // Whatever is under way: when it arrives, at whom, on which port, and what it is.
    let mut way: Vec<(u64, bool, bool, Vec<u8>)> = Vec::new();
    let mut number = 0u32;
    for millis in 0..60_000u64 {
        let now = start + Duration::from_millis(millis);
        if millis % 20 == 0 {
            let speech = phone.speech();
            for to_there in [true, false] {
                let speaker = if to_there { &mut here } else { &mut there };
                let mouth = &mut mouths[usize::from(!to_there)];
                let from = if to_there { OTHER } else { PHONE };
                let sent = pass(now, from, &speech, mouth, speaker).unwrap();
                number += u32::from(to_there);
                if !(to_there && lost > 0 && number.is_multiple_of(lost)) {
                    way.push((millis + if to_there { 30 } else { 50 }, to_there, false, sent));
                }
            }
        }
        let mut buffer = [0; 256];
        for (speaker, to_there, delay) in [(&mut here, true, 30), (&mut there, false, 50)] {
            if let Some(report) = speaker.report(now, &mut buffer) {
                way.push((millis + delay, to_there, true, buffer[..report.length].to_vec()));
            }
        }
        for (_, to_there, is_report, mut bytes) in way.extract_if(.., |(due, ..)| *due <= millis) {
            let (listener, from) = if to_there {
                (&mut there, OTHER)
            } else {
                (&mut here, PHONE)
            };
            if is_report {
                let port = SocketAddr::new(at(from).ip(), 4001);
                assert_eq!(listener.hear_report(now, port, &mut bytes), HeardReport::Taken);
            } else {
                assert!(packet(listener.receive(now, at(from), &mut bytes)).is_some());
            }
        }
    }
    (here.quality().unwrap(), there.quality().unwrap())
}

#[test]
fn both_directions_of_a_leg_are_measured_by_what_came_and_what_the_peer_reports() {
    let (here, there) = a_minute(20);
    assert_eq!(here.loss_percent, Some(0.0));
    assert!((there.loss_percent.unwrap() - 5.0).abs() < 0.1, "{there:?}");
    let as_reported = here.there.unwrap();
    assert!(
        (as_reported.loss_percent.unwrap() - 5.0).abs() < 0.8,
        "{as_reported:?}"
    );
    assert!(
        (as_reported.mos.unwrap() - there.mos.unwrap()).abs() < 0.1,
        "{as_reported:?} {there:?}"
    );
    assert_eq!(there.there.unwrap().loss_percent, Some(0.0));
    for side in [here, there] {
        assert!((side.rtt_ms.unwrap() - 80.0).abs() < 2.0, "{side:?}");
        assert!(side.jitter_ms.unwrap() < 1.0, "{side:?}");
    }
}

/// ROBUSTNESS 52: whatever comes to the report port, from the peer or from anybody, neither ends nor keeps a call.
#[test]
fn reports_that_lie_or_are_none_change_nothing() {
    let start = origin();
    let (mut a, mut b) = (leg(1, PHONE), leg(2, OTHER));
    let mut phone = Voice::new(9);
    let goodbye: &[u8] = &[0x81, 203, 0, 1, 0, 0, 0, 9];
    let mut storm: Vec<Vec<u8>> = vec![
        goodbye.to_vec(),
        [&[0x80, 201, 0, 1, 0, 0, 0, 9][..], goodbye].concat(),
        // XR with a block that is longer than the packet, RPSI, an APP.
        vec![0x80, 207, 0, 3, 0, 0, 0, 9, 4, 0, 0xff, 0xff, 0, 0, 0, 0],
        vec![0x83, 206, 0, 3, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0],
        vec![0x80, 204, 0, 2, 0, 0, 0, 9, b'j', b'u', b'n', b'k'],
        vec![0x80; 65_507],
    ];
    storm.extend((0..12).map(|length| vec![0x80; length]));
    let mut dice = Dice::from_number(7);
    for number in 0..3000u64 {
        let now = start + Duration::from_millis(number * 20);
        assert!(pass(now, PHONE, &phone.speech(), &mut a, &mut b).is_some());
        for junk in &storm {
            let mut junk = junk.clone();
            if let Some(byte) = junk.get_mut(usize::from(dice.number() as u8) % 12) {
                *byte ^= u8::from(number % 7 == 3);
            }
            for from in [STRANGER, "192.0.2.9:4001", PHONE] {
                a.hear_report(now, at(from), &mut junk);
            }
        }
    }
    let quality = a.quality().unwrap();
    assert_eq!(
        (quality.packets_received, quality.loss_percent),
        (3000, Some(0.0))
    );
    assert_eq!(
        (quality.rtt_ms, quality.there),
        (None, None),
        "nothing was measured, so nothing is told"
    );
    // And reports are no voice: a phone that only reports is dead.
    let later = start + Duration::from_secs(100);
    a.hear_report(later, at("192.0.2.9:4001"), &mut [0x80, 201, 0, 1, 0, 0, 0, 9]);
    assert!(a.check(later, Some(Duration::from_secs(30))).dead);
}

/// RFC 5761: on one port, reports are no voice and voice is no report.
#[test]
fn on_a_shared_port_reports_are_told_from_voice() {
    let start = origin();
    let mut leg = leg(1, PHONE);
    let report = || [0x80, 201, 0, 1, 0, 0, 0, 9];
    assert_eq!(
        leg.receive(start, at(PHONE), &mut report()),
        Heard::Junk,
        "not agreed on"
    );
    leg.start(
        start,
        Agreed {
            rtcp_mux: true,
            ..Agreed::plain(at(PHONE), Codec::Pcmu)
        },
    );
    assert_eq!(
        leg.receive(start, at(PHONE), &mut report()),
        Heard::Report(HeardReport::Taken)
    );
    assert_eq!(
        leg.receive(start, at(STRANGER), &mut report()),
        Heard::Report(HeardReport::Stranger)
    );
    assert!(packet(leg.receive(start, at(PHONE), &mut Voice::new(9).speech())).is_some());
    let mut buffer = [0; 256];
    let sent = leg.farewell(start, &mut buffer).unwrap();
    assert_eq!((sent.to, sent.muxed), (at(PHONE), true));
}

/// ROBUSTNESS 49: another source, another time, other numbers: in mid-call and by the true party.
#[test]
fn a_stream_that_begins_anew_is_heard_on_without_a_gap_and_recorded_in_full() {
    let start = origin();
    let jumps: [fn(&mut Voice); 4] = [
        |voice| voice.ssrc = 77,
        |voice| voice.timestamp = voice.timestamp.wrapping_add(5_000_000),
        |voice| voice.sequence = voice.sequence.wrapping_add(9000),
        |voice| *voice = Voice::new(voice.ssrc + 1),
    ];
    for (which, jump) in jumps.into_iter().enumerate() {
        let (mut a, mut b) = (leg(1, PHONE), leg(2, OTHER));
        let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), TapeFormat::MuLaw, 1);
        let (mut phone, mut audio) = (Voice::new(9), Vec::new());
        let mut last: Option<(u16, u32)> = None;
        for number in 0..500u64 {
            let now = start + Duration::from_millis(number * 20);
            if number == 250 {
                jump(&mut phone);
            }
            let mut buffer = [0; PACKET];
            buffer[..172].copy_from_slice(&phone.speech());
            let heard = packet(a.receive(now, at(PHONE), &mut buffer[..172])).unwrap();
            tape.put(now, 0, &heard, &buffer);
            tape.take(now, &mut audio);
            let (range, _) = b.relay(now, &heard, &mut buffer).unwrap();
            let sent = &buffer[range];
            let sequence = u16::from_be_bytes([sent[2], sent[3]]);
            let timestamp = u32::from_be_bytes([sent[4], sent[5], sent[6], sent[7]]);
            if let Some((before, then)) = last {
                assert_eq!(sequence, before.wrapping_add(1), "jump {which}, packet {number}");
                let gap = timestamp.wrapping_sub(then);
                assert!(
                    (160..=160 + 480).contains(&gap),
                    "jump {which}, packet {number}: {gap}"
                );
            }
            last = Some((sequence, timestamp));
        }
        while tape.take_last(start + Duration::from_secs(10), &mut audio) {}
        let voiced = audio.iter().filter(|byte| **byte == 0x35).count();
        assert!(
            voiced.abs_diff(80_000) <= 320,
            "jump {which}: {voiced} samples of 80,000"
        );
        assert!(
            audio.len().abs_diff(80_000) <= 320,
            "jump {which}: {}",
            audio.len()
        );
    }
}

/// ROBUSTNESS 46, 47: a stranger's stream goes nowhere, and nothing goes to the stranger.
#[test]
fn strangers_are_neither_heard_nor_answered_whatever_they_guess() {
    let start = origin();
    for learns_from in [None, Some(at(ROUTER).ip())] {
        let (mut a, mut b) = (leg(1, PHONE), leg(2, OTHER));
        a.start(
            start,
            Agreed {
                learns_from,
                ..Agreed::plain(at(PHONE), Codec::Pcmu)
            },
        );
        let mut phone = Voice::new(9);
        for number in 0..100u64 {
            let now = start + Duration::from_millis(number * 20);
            // The right source and the right next number, from elsewhere; also the same host by another port.
            let mut guess = phone;
            for from in [STRANGER, "192.0.2.9:4002", "192.0.2.8:4000"] {
                assert_eq!(pass(now, from, &guess.speech(), &mut a, &mut b), None);
            }
            assert!(pass(now, PHONE, &phone.speech(), &mut a, &mut b).is_some());
        }
        assert_eq!(a.strangers(), 300);
        assert_eq!(b.quality(), None);
        let back = pass(start, OTHER, &Voice::new(5).speech(), &mut b, &mut a);
        assert!(back.is_some());
    }
}

/// ROBUSTNESS 48: see also `latch`. Here with all that hangs on it: where the box sends, and what is relayed.
#[test]
fn a_phone_behind_a_router_is_heard_after_four_packets_and_answered_where_it_is() {
    let start = origin();
    let (mut a, mut b) = (leg(1, PHONE), leg(2, OTHER));
    let agreed = Agreed {
        learns_from: Some(at(ROUTER).ip()),
        ..Agreed::plain(at("192.168.1.7:4000"), Codec::Pcmu)
    };
    a.start(start, agreed);
    let to = |a: &mut Session, b: &mut Session, now| {
        let mut buffer = [0; PACKET];
        buffer[..172].copy_from_slice(&Voice::new(5).speech());
        let heard = packet(b.receive(now, at(OTHER), &mut buffer[..172]))?;
        a.relay(now, &heard, &mut buffer).map(|(_, to)| to)
    };
    let (mut phone, mut heard) = (Voice::new(9), 0);
    for number in 0..100u64 {
        let now = start + Duration::from_millis(number * 20);
        heard += usize::from(pass(now, ROUTER, &phone.speech(), &mut a, &mut b).is_some());
    }
    assert_eq!((heard, a.strangers()), (97, 0));
    let now = start + Duration::from_secs(2);
    assert_eq!(to(&mut a, &mut b, now), Some(at(ROUTER)));
    // Another port at once is another's; after a second of silence it is the router's whim.
    let moved = "203.0.113.9:50000";
    let mut thief = Voice::new(9);
    for _ in 0..20 {
        assert_eq!(pass(now, moved, &thief.speech(), &mut a, &mut b), None);
    }
    let later = now + Duration::from_millis(1500);
    let heard: usize = (0..10)
        .map(|_| usize::from(pass(later, moved, &phone.speech(), &mut a, &mut b).is_some()))
        .sum();
    assert_eq!(heard, 7);
    // A re-INVITE that says the same keeps what was learned; one with another place forgets it.
    a.start(later, agreed);
    assert!(pass(later, moved, &phone.speech(), &mut a, &mut b).is_some());
    a.start(later, Agreed::plain(at(PHONE), Codec::Pcmu));
    assert_eq!(pass(later, moved, &phone.speech(), &mut a, &mut b), None);
}

/// ROBUSTNESS 50: keys of a stranger are no keys.
#[test]
fn a_strangers_keys_are_not_pressed() {
    let start = origin();
    let mut a = leg(1, PHONE);
    let mut digits = Vec::new();
    let (mut phone, mut stranger) = (Voice::new(9), Voice::new(9));
    for number in 0..50u64 {
        let now = start + Duration::from_millis(number * 20);
        for (from, voice, code) in [(STRANGER, &mut stranger, 1), (PHONE, &mut phone, 7)] {
            let mut report = voice.packet(101, &[code, 0x8a, 3, 0x20]);
            report[4..8].copy_from_slice(&800u32.to_be_bytes());
            if let Heard::Packet(_, Some(digit)) = a.receive(now, at(from), &mut report) {
                digits.push(digit);
            }
        }
    }
    assert_eq!(digits, [Digit::from_char('7').unwrap()]);
}

/// ROBUSTNESS 55: what other protocols send to media ports: STUN and TURN of every method, class and length, with
/// attributes that promise more than there is; DTLS; ZRTP. RFC 7983 tells them from RTP by the first byte.
#[test]
fn stun_turn_dtls_and_zrtp_at_a_media_port_are_junk() {
    let start = origin();
    let (mut a, mut b) = (leg(1, PHONE), leg(2, OTHER));
    let mut junk: Vec<Vec<u8>> = Vec::new();
    for method in [0x001, 0x003, 0x004, 0x006, 0x007, 0x008, 0x009, 0x00a, 0xfff] {
        for class in [0x000, 0x010, 0x100, 0x110] {
            for (attribute, length) in [(0x0001, 8), (0x8022, 0xffff), (0x0020, 0)] {
                let mut message = Vec::from(((method | class) as u16 & 0x3fff).to_be_bytes());
                message.extend([0, 12, 0x21, 0x12, 0xa4, 0x42]);
                message.extend([7; 12]);
                message.extend((attribute as u16).to_be_bytes());
                message.extend((length as u16).to_be_bytes());
                message.extend([0; 8]);
                junk.push(message);
            }
        }
    }
    // DTLS hello, TURN channel data, ZRTP, and empty ones.
    junk.push([&[22, 0xfe, 0xff][..], &[0; 60]].concat());
    junk.push([&[0x40, 0, 0, 4][..], &[9; 4]].concat());
    junk.push([&[0x10, 0, 0, 1][..], b"ZRTP", &[0; 20]].concat());
    junk.extend((0..12).map(|length| vec![0x80; length]));
    assert!(junk.len() >= 117, "{}", junk.len());
    for message in &junk {
        assert_eq!(pass(start, PHONE, message, &mut a, &mut b), None);
        assert_eq!(pass(start, STRANGER, message, &mut a, &mut b), None);
        a.hear_report(start, at("192.0.2.9:4001"), &mut message.clone());
    }
    assert_eq!(a.quality(), None, "nothing of it counts");
    assert!(pass(start, PHONE, &Voice::new(9).speech(), &mut a, &mut b).is_some());
}
