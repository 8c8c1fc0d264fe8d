//! Sessions whose voice is encrypted: reports, a router in between, strangers without the key, and changes in mid-call.

use super::clock::origin;
use super::{Heard, HeardReport, PACKET, Session};
use crate::model::{Codec, Dice, SrtpSuite};
use crate::sdp::{Agreed, MasterKey, Secured};
use std::net::SocketAddr;
use std::time::Duration;

const HERE: &str = "192.0.2.9:4000";
const THERE: &str = "192.0.2.7:4000";
const ROUTER: &str = "203.0.113.9:40123";

fn at(place: &str) -> SocketAddr {
    place.parse().unwrap()
}

fn key(byte: u8) -> MasterKey {
    MasterKey::new(SrtpSuite::AesCm128Tag80, &[byte; 30]).unwrap()
}

/// What a leg to this peer agreed on, with these keys.
fn agreed(remote: &str, send: u8, receive: u8) -> Agreed {
    Agreed {
        secured: Some(Secured {
            suite: SrtpSuite::AesCm128Tag80,
            send: key(send),
            receive: key(receive),
            receive_mki: None,
        }),
        ..Agreed::plain(at(remote), Codec::Pcmu)
    }
}

/// Two boxes that call each other.
fn pair() -> (Session, Session) {
    let mut here = Session::new(origin(), &mut Dice::from_number(1));
    let mut there = Session::new(origin(), &mut Dice::from_number(2));
    here.start(origin(), agreed(THERE, 1, 2));
    there.start(origin(), agreed(HERE, 2, 1));
    (here, there)
}

fn voice(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend([0, 0, 0, 7]);
    packet.extend([0x35; 160]);
    packet
}

/// The packet as `session` sends it.
fn sealed(session: &mut Session, sequence: u16) -> Vec<u8> {
    let mut buffer = voice(sequence);
    buffer.resize(PACKET, 0);
    let range = session.protect(&mut buffer, 0..172).unwrap();
    buffer[range].to_vec()
}

#[test]
fn reports_of_an_encrypted_leg_are_encrypted_and_plain_ones_tell_nothing() {
    let (mut here, mut there) = pair();
    let (mut reports, mut taken) = (0, 0);
    for number in 0..1000u16 {
        let now = origin() + Duration::from_millis(u64::from(number) * 20);
        let mut packet = sealed(&mut here, number);
        assert!(matches!(
            there.receive(now, at(HERE), &mut packet),
            Heard::Packet(..)
        ));
        let mut buffer = [0; 512];
        let Some(report) = there.report(now, &mut buffer) else {
            continue;
        };
        let bytes = &buffer[..report.length];
        // What is told of the voice cannot be read, and a report that anybody can read is not believed.
        assert!(!bytes.windows(4).skip(2).any(|four| four == [0, 0, 0, 7]));
        let mut plain = [0x81, 201, 0, 7, 0, 0, 0, 9].to_vec();
        plain.resize(32, 0);
        assert_eq!(
            here.hear_report(now, report.to, &mut plain),
            HeardReport::Stranger
        );
        assert_eq!(
            here.hear_report(now, at("192.0.2.7:4001"), &mut plain),
            HeardReport::Junk
        );
        let mut copy = bytes.to_vec();
        taken += u32::from(here.hear_report(now, at("192.0.2.7:4001"), &mut copy) == HeardReport::Taken);
        reports += 1;
    }
    assert!(reports >= 3, "{reports} in twenty seconds");
    assert_eq!(taken, reports);
}

/// ROBUSTNESS 48, 53: with a router in between a place is learned from what has the right tag, and from nothing else.
#[test]
fn only_who_has_the_key_moves_an_encrypted_stream() {
    let (mut here, mut there) = pair();
    there.start(
        origin(),
        Agreed {
            learns_from: Some(at(ROUTER).ip()),
            ..agreed("10.0.0.5:4000", 2, 1)
        },
    );
    for sequence in 1..20 {
        let heard = there.receive(origin(), at(ROUTER), &mut voice(sequence));
        assert_eq!(heard, Heard::Stranger);
    }
    let mut heard = 0;
    for sequence in 20..30 {
        let mut packet = sealed(&mut here, sequence);
        heard += u32::from(matches!(
            there.receive(origin(), at(ROUTER), &mut packet),
            Heard::Packet(..)
        ));
    }
    assert!(heard >= 6, "{heard} of ten");
    assert_eq!(there.strangers(), 19);
}

/// ROBUSTNESS 53
#[test]
fn what_is_rejected_is_counted_even_where_nothing_else_came() {
    let (_, mut there) = pair();
    for sequence in 1..=3 {
        let heard = there.receive(origin(), at(HERE), &mut voice(sequence));
        assert_eq!(heard, Heard::Rejected);
    }
    let quality = there.quality().unwrap();
    assert_eq!((quality.packets_received, quality.packets_rejected), (0, 3));
    assert_eq!(quality.srtp, Some(SrtpSuite::AesCm128Tag80));
}

#[test]
fn a_call_may_become_encrypted_and_plain_again() {
    let (mut here, mut there) = pair();
    there.start(origin(), Agreed::plain(at(HERE), Codec::Pcmu));
    assert!(matches!(
        there.receive(origin(), at(HERE), &mut voice(1)),
        Heard::Packet(..)
    ));
    there.start(origin(), agreed(HERE, 2, 1));
    assert_eq!(there.receive(origin(), at(HERE), &mut voice(2)), Heard::Rejected);
    let mut packet = sealed(&mut here, 3);
    assert!(matches!(
        there.receive(origin(), at(HERE), &mut packet),
        Heard::Packet(..)
    ));
    there.start(origin(), Agreed::plain(at(HERE), Codec::Pcmu));
    assert_eq!(there.quality().unwrap().srtp, None);
}
