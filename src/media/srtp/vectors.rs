//! Published vectors, a second opinion by another program, and what attackers try.

use super::keys::{Generator, Purpose, derive};
use super::layout::Head;
use super::shield::{Rejected, Shield};
use super::transform::{Also, Place, Transform};
use crate::model::{Dice, SrtpSuite};
use crate::sdp::{MasterKey, Mki, Secured};
use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn stream(generator: &Generator, label: u8, length: usize) -> Vec<u8> {
    let mut out = vec![0xee; length];
    generator.fill(label, &mut out).unwrap();
    out
}

/// RFC 3711 appendix B.3
#[test]
fn session_keys_of_128_bits_are_those_of_the_standard() {
    let key_and_salt = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = MasterKey::new(SrtpSuite::AesCm128Tag80, &key_and_salt).unwrap();
    let generator = Generator::new(&master).unwrap();
    assert_eq!(stream(&generator, 0, 16), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(stream(&generator, 2, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(
        stream(&generator, 1, 20),
        hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")
    );
}

/// RFC 6188 §7.2
#[test]
fn session_keys_of_256_bits_are_those_of_the_standard() {
    let key_and_salt = hex(
        "F0F04914B513F2763A1B1FA130F10E29 98F6F6E43E4309D1E622A0E332B9F1B6 \
                            3B04803DE51EE7C96423AB5B78D2",
    );
    let master = MasterKey::new(SrtpSuite::AesCm256Tag80, &key_and_salt).unwrap();
    let generator = Generator::new(&master).unwrap();
    let key = hex("5BA1064E30EC51613CAD926C5A28EF73 1EC7FB397F70A960653CAF06554CD8C4");
    assert_eq!(stream(&generator, 0, 32), key);
    assert_eq!(stream(&generator, 2, 14), hex("FA31791685CA444A9E07C6C64E93"));
    assert_eq!(
        stream(&generator, 1, 20),
        hex("FD9C32D39ED5FBB5A9DC96B30818454D1313DC05")
    );
}

/// RFC 3711 appendix B.2: the key stream of counter mode.
#[test]
fn the_key_stream_is_the_standards() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
    let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    let transform = Transform::counter(&key, &salt, &[0; 20], 10).unwrap();
    let mut packet = vec![0; 48];
    let place = Place { ssrc: 0, index: 0 };
    transform
        .seal(place, &mut packet, 0, Also::Rollover([0; 4]), &mut [0; 10])
        .unwrap();
    let expected =
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(packet, hex(expected));
}

const GALLIA: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976\
                      69736120696e20706172746573207472 6573";
const MARS: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
                    deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const QUID_PRO_QUO: &str = "517569642070726f2071756f";

fn galois(key_bytes: u8) -> Transform {
    let key: Vec<u8> = (0..key_bytes).collect();
    Transform::galois(&key, &hex(QUID_PRO_QUO)).unwrap()
}

/// RFC 7714 §16.1.1, §16.2.1
#[test]
fn voice_in_galois_mode_is_that_of_the_standard() {
    let table = [
        (
            16,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
             899d7f27beb16a9152cf765ee4390cce",
        ),
        (
            32,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b\
             7aa3db36dfffd6b0f9bb7878d7a76c13",
        ),
    ];
    for (key_bytes, expected) in table {
        let transform = galois(key_bytes);
        let mut packet = hex(GALLIA);
        let head = Head::read(&packet).unwrap();
        let place = Place {
            ssrc: head.ssrc,
            index: u64::from(head.sequence),
        };
        let (also, mut tag) = (Also::Rollover([0; 4]), [0; 16]);
        transform.seal(place, &mut packet, 12, also, &mut tag).unwrap();
        assert_eq!([&packet[12..], &tag].concat(), hex(expected));
        transform.open(place, &mut packet, 12, also, &tag).unwrap();
        assert_eq!(packet, hex(GALLIA));
    }
}

/// RFC 7714 §17.1, §17.2
#[test]
fn reports_in_galois_mode_are_those_of_the_standard() {
    let table = [
        (
            16,
            "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b468630\
             3ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade",
        ),
        (
            32,
            "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61d\
             e0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be",
        ),
    ];
    for (key_bytes, expected) in table {
        let transform = galois(key_bytes);
        let mut report = hex(MARS);
        let place = Place {
            ssrc: 0x4d61_7273,
            index: 0x5d4,
        };
        let (also, mut tag) = (Also::Index([0x80, 0, 5, 0xd4]), [0; 16]);
        transform.seal(place, &mut report, 8, also, &mut tag).unwrap();
        assert_eq!([&report[8..], &tag].concat(), hex(expected));
        transform.open(place, &mut report, 8, also, &tag).unwrap();
        assert_eq!(report, hex(MARS));
    }
}

fn master(suite: SrtpSuite, dice: &mut Dice) -> MasterKey {
    let bytes: [u8; 46] = dice.bytes();
    MasterKey::new(suite, &bytes[..suite.key_bytes() + suite.salt_bytes()]).unwrap()
}

/// Both ends of a leg.
fn ends(suite: SrtpSuite, dice: &mut Dice) -> (Secured, Secured) {
    let (one, other) = (master(suite, dice), master(suite, dice));
    let here = Secured {
        suite,
        send: one,
        receive: other,
        receive_mki: None,
    };
    let there = Secured {
        send: other,
        receive: one,
        ..here
    };
    (here, there)
}

fn shields(suite: SrtpSuite) -> (Shield, Shield) {
    let (here, there) = ends(suite, &mut Dice::from_number(3711));
    (Shield::new(here).unwrap(), Shield::new(there).unwrap())
}

/// A packet of G.711, in a buffer with room behind it.
fn voice(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160u8).map(|byte| byte.wrapping_mul(7).wrapping_add(sequence as u8)));
    packet.resize(172 + 20, 0);
    packet
}

fn sealed(shield: &mut Shield, sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut buffer = voice(sequence, ssrc);
    let range = shield.seal(&mut buffer, 0..172).unwrap();
    buffer[range].to_vec()
}

fn report(number: u32) -> Vec<u8> {
    let mut report = hex("81c90007 cafebabe 00000001 00000000 00000000 00000000 00000000 00000000");
    report[8..12].copy_from_slice(&number.to_be_bytes());
    report.resize(32 + 20, 0);
    report
}

#[test]
fn what_one_end_seals_the_other_opens_in_every_suite() {
    for suite in SrtpSuite::ALL {
        let (mut here, mut there) = shields(suite);
        for number in 0..300u16 {
            let mut packet = sealed(&mut here, number.wrapping_sub(100), 7);
            let tag = packet.len() - 172;
            assert!(tag == 4 || tag == 10 || tag == 16, "{suite}");
            assert_ne!(packet[12..172], voice(number.wrapping_sub(100), 7)[12..172]);
            let length = there.open(&mut packet).unwrap();
            assert_eq!(
                packet[..length],
                voice(number.wrapping_sub(100), 7)[..172],
                "{suite}"
            );
            let mut buffer = report(number.into());
            let length = here.seal_report(&mut buffer, 32).unwrap();
            let length = there.open_report(&mut buffer[..length]).unwrap();
            assert_eq!(buffer[..length], report(number.into())[..32], "{suite}");
        }
    }
}

/// The other program, with replay protection.
fn other(suite: SrtpSuite, key: &MasterKey) -> Context {
    let profile = match suite {
        SrtpSuite::AesCm128Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
        SrtpSuite::AesCm128Tag32 => ProtectionProfile::Aes128CmHmacSha1_32,
        SrtpSuite::AesCm256Tag80 => ProtectionProfile::Aes256CmHmacSha1_80,
        SrtpSuite::AesCm256Tag32 => ProtectionProfile::Aes256CmHmacSha1_32,
        SrtpSuite::Gcm128 => ProtectionProfile::AeadAes128Gcm,
        SrtpSuite::Gcm256 => ProtectionProfile::AeadAes256Gcm,
    };
    let provider = default_provider().unwrap();
    Context::new(
        key.key(),
        key.salt(),
        profile,
        Some(srtp_replay_protection(128)),
        Some(srtcp_replay_protection(128)),
        provider.crypto(),
    )
    .unwrap()
}

/// A hundred thousand packets, over the turn of the sequence number, both ways.
fn agree(suite: SrtpSuite, packets: u32) {
    let (here, _) = ends(suite, &mut Dice::from_number(80));
    let mut ours = Shield::new(here).unwrap();
    let (mut opens, mut seals) = (other(suite, &here.send), other(suite, &here.receive));
    for number in 0..packets {
        let sequence = (number + 64_000) as u16;
        let packet = sealed(&mut ours, sequence, 9);
        let plain = &voice(sequence, 9)[..172];
        assert_eq!(opens.decrypt_rtp(&packet).unwrap(), plain, "{suite} {number}");
        let mut back = seals.encrypt_rtp(plain).unwrap().to_vec();
        let length = ours.open(&mut back).unwrap();
        assert_eq!(back[..length], *plain, "{suite} {number}");
        if number % 100 == 0 {
            let mut buffer = report(number);
            let length = ours.seal_report(&mut buffer, 32).unwrap();
            let opened = opens.decrypt_rtcp(&buffer[..length]).unwrap();
            assert_eq!(opened, report(number)[..32], "{suite} {number}");
            let mut back = seals.encrypt_rtcp(&report(number)[..32]).unwrap().to_vec();
            let length = ours.open_report(&mut back).unwrap();
            assert_eq!(back[..length], report(number)[..32], "{suite} {number}");
        }
    }
}

#[test]
fn another_program_agrees_in_every_suite() {
    for suite in SrtpSuite::ALL {
        agree(suite, 3_000);
    }
}

#[test]
fn another_program_agrees_over_a_hundred_thousand_packets() {
    agree(SrtpSuite::AesCm128Tag80, 100_000);
}

/// ROBUSTNESS 53
#[test]
fn every_changed_bit_every_repetition_and_every_unprotected_packet_is_left_out_and_the_rest_goes_on() {
    for suite in SrtpSuite::ALL {
        let (mut here, mut there) = shields(suite);
        let first = sealed(&mut here, 100, 7);
        assert!(there.open(&mut first.clone()).is_ok());
        assert_eq!(there.open(&mut first.clone()), Err(Rejected::Repeated), "{suite}");
        let next = sealed(&mut here, 101, 7);
        for bit in 0..next.len() * 8 {
            let mut changed = next.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(there.open(&mut changed).is_err(), "{suite} bit {bit}");
        }
        for length in 0..next.len() {
            assert!(
                there.open(&mut next[..length].to_vec()).is_err(),
                "{suite} {length}"
            );
        }
        let mut plain = voice(102, 7)[..172].to_vec();
        assert_eq!(there.open(&mut plain), Err(Rejected::Forged), "{suite}");
        let mut stranger = voice(102, 1234)[..172].to_vec();
        assert_eq!(there.open(&mut stranger), Err(Rejected::Forged), "{suite}");
        assert!(there.open(&mut next.clone()).is_ok(), "{suite}");
        // Reports as well.
        let mut buffer = report(1);
        let length = here.seal_report(&mut buffer, 32).unwrap();
        for bit in 0..length * 8 {
            let mut changed = buffer[..length].to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                there.open_report(&mut changed).is_err(),
                "{suite} report bit {bit}"
            );
        }
        assert!(there.open_report(&mut report(2)[..32]).is_err());
        let good = buffer[..length].to_vec();
        assert!(there.open_report(&mut good.clone()).is_ok());
        assert_eq!(there.open_report(&mut good.clone()), Err(Rejected::Repeated));
    }
}

/// ROBUSTNESS 53
#[test]
fn junk_of_every_length_is_survived() {
    for suite in [SrtpSuite::AesCm128Tag80, SrtpSuite::Gcm128] {
        let (mut here, mut there) = shields(suite);
        let mut dice = Dice::from_number(53);
        for round in 0..3_000 {
            let mut junk: Vec<u8> = (0..round % 1500).map(|_| dice.number() as u8).collect();
            if let Some(first) = junk.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            assert!(there.open(&mut junk.clone()).is_err());
            assert!(there.open_report(&mut junk.clone()).is_err());
            let length = junk.len();
            junk.resize(length + 20, 0);
            here.seal(&mut junk, 0..length);
            here.seal_report(&mut junk, length);
        }
    }
}

#[test]
fn reordering_and_loss_around_the_turn_are_survived() {
    let (mut here, mut there) = shields(SrtpSuite::AesCm128Tag80);
    let mut dice = Dice::from_number(2);
    let mut on_the_way: Vec<(u16, Vec<u8>)> = Vec::new();
    let (mut opened, mut lost) = (0, 0);
    for number in 0..70_000u32 {
        let sequence = (number + 65_000) as u16;
        let packet = sealed(&mut here, sequence, 7);
        if dice.roll(10) == 0 {
            lost += 1;
            continue;
        }
        on_the_way.push((sequence, packet));
        if on_the_way.len() > 12 {
            let place = dice.roll(12) as usize;
            let (sequence, mut packet) = on_the_way.swap_remove(place);
            if let Ok(length) = there.open(&mut packet) {
                assert_eq!(packet[..length], voice(sequence, 7)[..172]);
                opened += 1;
            }
        }
    }
    // A packet may wait so long that nobody can tell any more; that is one in ten thousand.
    assert!(opened + lost > 69_900, "{opened} opened, {lost} lost");
}

#[test]
fn a_new_source_begins_at_zero_and_the_old_one_may_come_back() {
    let (mut here, mut there) = shields(SrtpSuite::Gcm128);
    for (sequence, ssrc) in [(65_535, 1), (0, 1), (40_000, 2), (1, 1), (40_001, 2), (2, 1)] {
        let mut packet = sealed(&mut here, sequence, ssrc);
        assert!(there.open(&mut packet).is_ok(), "{sequence} of {ssrc}");
    }
}

#[test]
fn a_source_whose_first_packet_before_the_turn_was_lost_is_understood() {
    for suite in [SrtpSuite::AesCm128Tag80, SrtpSuite::Gcm256] {
        let (mut here, mut there) = shields(suite);
        sealed(&mut here, 65_535, 7);
        assert!(there.open(&mut sealed(&mut here, 0, 7)).is_ok(), "{suite}");
        assert!(there.open(&mut sealed(&mut here, 1, 7)).is_ok(), "{suite}");
    }
}

#[test]
fn a_hold_keeps_the_counters_and_a_new_key_begins_a_new_count() {
    let mut dice = Dice::from_number(5);
    let (here, there) = ends(SrtpSuite::AesCm128Tag80, &mut dice);
    let mut ours = Box::new(Shield::new(here).unwrap());
    let mut theirs = Shield::new(there).unwrap();
    let mut early = Vec::new();
    for number in 0..70_000u32 {
        let mut packet = sealed(&mut theirs, number as u16, 7);
        if number == 10 {
            early = packet.clone();
        }
        ours.open(&mut packet).unwrap();
    }
    // Held and taken back: the same keys. What was heard an hour ago stays known.
    ours = ours.renewed(here).unwrap();
    assert!(ours.open(&mut early.clone()).is_err());
    assert!(ours.open(&mut sealed(&mut theirs, 70_000u32 as u16, 7)).is_ok());
    // The peer's key is new; its counter goes on, as RFC 3711 §3.3.1 has it, or begins at zero, as many phones do.
    let new = master(here.suite, &mut dice);
    let changed = Secured { receive: new, ..here };
    ours = ours.renewed(changed).unwrap();
    let begins = Secured { send: new, ..there };
    let mut again = Shield::new(begins).unwrap();
    assert!(ours.open(&mut early.clone()).is_err());
    assert!(ours.open(&mut sealed(&mut again, 4_500, 7)).is_ok());
    let mut ours = ours.renewed(here).unwrap();
    let mut goes_on = sealed(&mut theirs, 4_466, 7);
    assert!(ours.open(&mut goes_on).is_ok());
    // Ours never changed: our counter went on through all of it.
    assert!(ours.seal(&mut voice(1, 1), 0..172).is_some());
}

/// Whoever speaks into the other leg chooses sequence numbers; the same one twice would give the key stream away.
#[test]
fn nothing_is_sealed_twice_under_one_number() {
    for suite in SrtpSuite::ALL {
        let (mut here, _) = shields(suite);
        assert!(here.seal(&mut voice(9, 7), 0..172).is_some());
        assert!(here.seal(&mut voice(9, 7), 0..172).is_none(), "{suite}");
        assert!(here.seal(&mut voice(10, 7), 0..172).is_some());
        assert!(
            here.seal(&mut voice(11, 7)[..172], 0..172).is_none(),
            "no room: {suite}"
        );
    }
}

#[test]
fn a_key_identifier_is_looked_at_and_taken_away() {
    for suite in SrtpSuite::ALL {
        let (here, there) = ends(suite, &mut Dice::from_number(1));
        let named = Secured {
            receive_mki: Mki::new(0x0102, 2),
            ..there
        };
        let mut ours = Shield::new(here).unwrap();
        let with_name = |packet: &[u8], index: usize, name: [u8; 2]| {
            let tag = if matches!(suite, SrtpSuite::Gcm128 | SrtpSuite::Gcm256) {
                0
            } else {
                packet.len() - 172 - index
            };
            let mut packet = packet.to_vec();
            let place = packet.len() - tag;
            packet.splice(place..place, name);
            packet
        };
        let packet = sealed(&mut ours, 1, 7);
        let mut theirs = Shield::new(named).unwrap();
        assert!(
            theirs.open(&mut with_name(&packet, 0, [1, 3])).is_err(),
            "{suite}"
        );
        assert!(theirs.open(&mut with_name(&packet, 0, [1, 2])).is_ok(), "{suite}");
    }
}

#[test]
fn nothing_of_a_shield_is_shown() {
    let (here, _) = shields(SrtpSuite::AesCm128Tag80);
    let shown = format!("{here:?}");
    assert!(
        shown.contains("MasterKey(…)") && shown.contains("Transform"),
        "{shown}"
    );
    let key = master(SrtpSuite::Gcm128, &mut Dice::from_number(1));
    assert!(derive(SrtpSuite::Gcm128, &key, Purpose::Voice).is_ok());
}
