//! What a caller is sent before anybody answers, and what strangers send to the ports meanwhile.

use crate::harness::household::MAIN_NUMBER;
use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, tone};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const AGENT_HZ: u32 = 1000;

/// A caller who hears the box's ringing tone longer than a dead line is waited for, and says nothing meanwhile, is
/// still there when somebody answers.
#[test]
fn a_caller_who_listens_to_the_ringing_tone_past_the_rtp_time_out_is_not_ended() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .unrecorded()
        .media_key("early_ringback = true")
        .media_key("rtp_timeout_seconds = 5")
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let phone = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
    let dialling = phone.dial("8001", caller_voice.address);
    let invite = desk.expect_request("INVITE");
    desk.answer(&invite, "180 Ringing", "rings");
    dialling.expect(183);
    eventually("the tone has rung for longer than the time-out", PATIENCE, || {
        (caller_voice.packets().len() >= 50 * 13 / 2).then_some(())
    });
    let status = appliance.status();
    assert_eq!(status["calls"][0]["stage"], "ringing", "{status}");
    let agent = Dialog::accept(&desk, &invite, agent_voice.address);
    let caller = dialling.answered();
    agent_voice.hum(agent.audio, AGENT_HZ);
    caller_voice.hum(caller.audio, 440);
    eventually("they talk", PATIENCE, || {
        let heard = tone::heard(&caller_voice.heard(), AGENT_HZ);
        (heard >= Duration::from_millis(500)).then_some(())
    });
    caller.hang_up();
    agent.hung_up_on();
    let record = appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("ANSWER", "caller")
    );
}

/// ROBUSTNESS 54: whoever says hello in DTLS to every port before the right peer can say anything keeps nobody from
/// talking.
#[test]
fn a_hundred_calls_are_set_up_while_a_stranger_says_hello_in_dtls_to_every_port() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(1, 1).rtp_ports(10_000, 10_019));
    let stranger = UdpSocket::bind((street.pbx(), 0)).expect("a stranger has a socket");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let hello = client_hello();
            // Bounded, so that a call that fails is not waited for for ever.
            for _ in 0..60_000 {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                for port in 10_000..=10_019 {
                    // A port where nobody listens answers by ICMP.
                    stranger
                        .send_to(&hello, SocketAddrV4::new(street.house(1), port))
                        .ok();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let phone = Phone::new(
            "+966501234567",
            SocketAddrV4::new(street.pbx(), 5060),
            street.box_sip(),
        );
        let voice = Voice::at(street.pbx());
        for number in 0..100 {
            let caller = phone.dial(MAIN_NUMBER, voice.address).answered();
            voice.forget();
            eventually(&format!("call {number} is welcomed"), PATIENCE, || {
                (!voice.packets().is_empty()).then_some(())
            });
            caller.hang_up();
        }
        over.store(true, Ordering::Relaxed);
    });
    appliance.until_recorded(100);
    appliance.until_quiet();
    stranger.set_nonblocking(true).expect("it need not wait");
    // What nobody listened to came back as an error of the system, never as an answer.
    while let Err(error) = stranger.recv(&mut [0; 2048]) {
        if error.kind() == std::io::ErrorKind::WouldBlock {
            return;
        }
    }
    panic!("the stranger got an answer");
}

/// The beginning of a DTLS 1.2 handshake (RFC 6347 §4.2): record, handshake header, version, random, no session.
fn client_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([0x5a; 32]);
    body.extend([0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let length = u8::try_from(body.len()).unwrap_or_default();
    let mut handshake = vec![1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    handshake.extend(body);
    let mut record = vec![22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    record.push(u8::try_from(handshake.len()).unwrap_or_default());
    record.extend(handshake);
    record
}
