//! What a box on a network is told that is wrong, unknown or too much: each has its answer, and none harms a call.

use crate::harness::household::MAIN_NUMBER;
use crate::harness::sip::sdp;
use crate::harness::sipp::script;
use crate::harness::{Appliance, Household, Phone, Street, Voice};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::rc::Rc;
use std::time::Duration;

#[test]
fn noise_is_dropped_or_refused_and_counted_and_the_box_goes_on() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    let noises: [&[u8]; 7] = [
        b"\0\0\0\0",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        &[0xff; 1200],
        b"INVITE sip:x SIP/2.0\r\nVia: \r\nFrom: <<<\r\nTo: ;;;\r\nCSeq: -1 INVITE\r\nContent-Length: 99999999999\r\n\r\n",
    ];
    for noise in noises {
        phone.say_bytes(noise);
    }
    let alive = phone.ask(&options(&phone, &street));
    assert_eq!(alive.status(), Some(200));
    let malformed = appliance.status()["counters"]["sip_malformed"].as_u64();
    assert!(malformed >= Some(4), "noise is counted: {malformed:?}");
}

#[test]
fn a_request_with_a_broken_header_is_refused_with_the_headers_name() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    for (header, value) in [
        ("CSeq", "nonsense"),
        ("Max-Forwards", "many"),
        ("From", "<sip:unclosed"),
    ] {
        let draft = options(&phone, &street).with(header, value);
        phone.say(&draft);
        let call_id = draft.header("Call-ID").to_owned();
        let answer = phone.expect("a refusal", |message| message.header("Call-ID") == call_id);
        assert_eq!(answer.status(), Some(400), "{header}: {value}");
        assert!(
            answer.first_line.contains(header),
            "the reason names {header}: {}",
            answer.first_line
        );
    }
}

/// ROBUSTNESS 13: methods.
#[test]
fn an_unknown_method_is_answered_with_the_methods_there_are() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    for method in ["DANCE", "PUBLISH"] {
        let answer = phone.ask(&phone.request(method, &target(MAIN_NUMBER, &street)));
        assert!(matches!(answer.status(), Some(405 | 501)), "{method}: {answer:?}");
        let allow = answer.header("Allow");
        for known in ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO"] {
            assert!(
                allow.split(',').any(|method| method.trim() == known),
                "{known} is in Allow: {allow}"
            );
        }
    }
}

/// ROBUSTNESS 13: Require.
#[test]
fn an_extension_nobody_has_is_refused_with_its_name() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    for method in ["INVITE", "OPTIONS"] {
        let draft = phone
            .request(method, &target(MAIN_NUMBER, &street))
            .with("Require", "bogus");
        let answer = phone.ask(&draft);
        assert_eq!(answer.status(), Some(420), "{method}: {answer:?}");
        assert_eq!(answer.header("Unsupported"), "bogus");
    }
}

/// ROBUSTNESS 13: schemes and content types.
#[test]
fn another_version_too_many_hops_and_unknown_numbers_each_have_their_answer() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    let invite = || {
        phone
            .request("INVITE", &target(MAIN_NUMBER, &street))
            .offering(&sdp(voice.address, "sendrecv"))
    };

    let version = invite().beginning(&format!("INVITE {} SIP/7.0", target(MAIN_NUMBER, &street)));
    assert_eq!(phone.ask(&version).status(), Some(505));
    assert_eq!(phone.ask(&invite().with("Max-Forwards", "0")).status(), Some(483));
    phone.dial("5559999", voice.address).refused(404);
    let unknown_scheme = invite().beginning("INVITE gopher:hole SIP/2.0");
    assert_eq!(phone.ask(&unknown_scheme).status(), Some(416));
    let wrong_body = invite().carrying("text/poetry", "roses are red\r\n");
    assert_eq!(phone.ask(&wrong_body).status(), Some(415));
    let no_codec = sdp(voice.address, "sendrecv")
        .replace("RTP/AVP 0 8 101", "RTP/AVP 18")
        .replace("a=rtpmap:0 PCMU/8000\r\n", "");
    assert_eq!(phone.ask(&invite().offering(&no_codec)).status(), Some(488));
    appliance.until_quiet();
}

/// ROBUSTNESS 17, 27.
#[test]
fn a_stranger_without_a_password_cannot_call_and_is_not_told_who_lives_here() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1).phone("ali", "1001", &[]));
    let stranger = Phone::new(
        "1001",
        SocketAddrV4::new(street.house(66), 5060),
        street.box_sip(),
    );
    let voice = Voice::at(street.house(66));
    let codes = [MAIN_NUMBER, "1001", "5559999"].map(|number| {
        let invite = stranger
            .request("INVITE", &target(number, &street))
            .offering(&sdp(voice.address, "sendrecv"));
        stranger.ask(&invite).status()
    });
    assert_eq!(
        codes,
        [Some(401); 3].map(|_| codes[0]),
        "the same answer for every number: {codes:?}"
    );
    assert!(
        matches!(codes[0], Some(401 | 407)),
        "and it asks for a password: {codes:?}"
    );
    assert_eq!(
        appliance.status()["ports"]["used"],
        0,
        "no port is taken for a stranger"
    );
    assert!(appliance.records().is_empty(), "and nothing is written");
}

#[test]
fn when_no_port_is_left_a_caller_is_told_when_to_try_again() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1).rtp_ports(10_000, 10_001));
    let (first, second) = (
        trunk_phone(&street),
        Phone::new("+96655", SocketAddrV4::new(street.pbx(), 5062), street.box_sip()),
    );
    let voice = Voice::at(street.pbx());
    let call = first.dial(MAIN_NUMBER, voice.address).answered();
    let answer = second.dial(MAIN_NUMBER, voice.address).refused(503);
    let seconds: Option<u32> = answer.header("Retry-After").parse().ok();
    assert!(
        seconds.is_some_and(|seconds| seconds > 0),
        "when to try again: {answer:?}"
    );
    call.hang_up();
    appliance.until_quiet();
    second.dial(MAIN_NUMBER, voice.address).answered().hang_up();
}

/// ROBUSTNESS 37.
#[test]
fn requests_for_calls_that_do_not_exist_are_told_so() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    for method in ["BYE", "INFO", "CANCEL"] {
        let draft = phone.request(method, &target(MAIN_NUMBER, &street));
        let to = if method == "CANCEL" {
            draft.header("To").to_owned()
        } else {
            format!("{};tag=nobody", draft.header("To"))
        };
        let answer = phone.ask(&draft.with("To", &to));
        assert_eq!(answer.status(), Some(481), "{method}: {answer:?}");
    }
}

/// A retransmitted request is not a second one.
#[test]
fn an_invite_said_three_times_is_one_call() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    let voice = Voice::at(street.pbx());
    let dialling = phone.dial(MAIN_NUMBER, voice.address);
    phone.say(&dialling.invite);
    phone.say(&dialling.invite);
    dialling.answered().hang_up();
    appliance.until_quiet();
    assert_eq!(appliance.until_recorded(1).len(), 1);
}

/// ROBUSTNESS 12: TCP is a stream: messages have no edges there but their Content-Length (RFC 3261 §18.3).
#[test]
fn a_stream_that_comes_byte_by_byte_and_two_messages_at_once_are_both_understood() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = trunk_phone(&street);
    let text = |number: u32| {
        let via = format!("SIP/2.0/TCP {}:5060;branch=z9hG4bKs{number};rport", street.pbx());
        options(&phone, &street).with("Via", &via).text()
    };
    let mut stream = TcpStream::connect(street.box_sip()).expect("the box takes TCP");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time-out can be set");
    stream.set_nodelay(true).expect("small segments can be asked for");
    for byte in text(1).as_bytes() {
        stream.write_all(&[*byte]).expect("a byte goes");
    }
    stream
        .write_all(format!("\r\n\r\n{}{}", text(2), text(3)).as_bytes())
        .expect("two messages go");
    let mut heard = String::new();
    while heard.matches("SIP/2.0 200").count() < 3 {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).expect("three answers come");
        assert!(length > 0, "the stream stays open; so far: {heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    for branch in ["z9hG4bKs1", "z9hG4bKs2", "z9hG4bKs3"] {
        assert!(heard.contains(branch), "{branch} is answered");
    }
}

/// SIPp calls over TCP too.
#[test]
fn a_trunk_may_call_over_tcp() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let caller = script("caller_talks", street.pbx())
        .over_tcp()
        .calls(2)
        .pausing(Duration::from_millis(200));
    caller.call(street.box_sip(), MAIN_NUMBER).finish();
    appliance.until_recorded(2);
}

fn trunk_phone(street: &Street) -> Rc<Phone> {
    Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    )
}

fn target(number: &str, street: &Street) -> String {
    format!("sip:{number}@{}", street.box_sip())
}

fn options(phone: &Phone, street: &Street) -> crate::harness::sip::Draft {
    phone.request("OPTIONS", &format!("sip:{}", street.box_sip()))
}
