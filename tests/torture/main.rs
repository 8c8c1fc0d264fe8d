//! Messages that are hard to read, each in a file of its own with what has to come of it. Written from the ideas of
//! RFC 4475 (its sections number the files) and RFC 5118, in our own words.
//!
//! A file begins with a line that says what it is about and one that names the answer: a status, or `silence`; with
//! `datagram` behind it when a stream would go on waiting. Lines end with CRLF on the wire; `{0d}` is a byte,
//! `{word*20}` a word repeated, `{length}` the length of the body.
#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read should stop the test"
)]

use callpost::model::Dice;
use callpost::sip::digest::{Algorithm, Ha1};
use callpost::sip::{
    Account, Event, Flow, Frame, Framer, Listener, Malformed, Output, RegistrationTimes, Settings, Transport,
    Trunk, UserAgent,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

const PBX: &str = "192.0.2.100:5060";
const BOX: &str = "192.0.2.1:5060";

struct Case {
    name: String,
    expected: Option<u16>,
    only_datagram: bool,
    bytes: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sip"))
        .collect();
    files.sort();
    files.iter().map(|path| case(path)).collect()
}

fn case(path: &Path) -> Case {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let (about, rest) = text.split_once('\n').unwrap();
    let (expected, message) = rest.split_once('\n').unwrap();
    let expected = expected
        .strip_prefix("# expect: ")
        .unwrap_or_else(|| panic!("{name}: no expectation"));
    assert!(about.starts_with("# "), "{name}: what is it about?");
    let mut words = expected.split(' ');
    let answer = words.next().unwrap();
    Case {
        expected: (answer != "silence").then(|| answer.parse().unwrap()),
        only_datagram: words.next() == Some("datagram"),
        bytes: wire(message),
        name,
    }
}

/// The message as it is sent.
fn wire(text: &str) -> Vec<u8> {
    let (head, body) = text.split_once("\n\n").unwrap();
    let body = escapes(&body.replace('\n', "\r\n"));
    let head = head.replace("{length}", &body.len().to_string());
    let head = escapes(&(head.replace('\n', "\r\n") + "\r\n\r\n"));
    [head, body].concat()
}

/// Resolves `{0d}` and `{word*20}`.
fn escapes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        out.extend_from_slice(&rest.as_bytes()[..start]);
        let end = start + rest[start..].find('}').unwrap();
        let inside = &rest[start + 1..end];
        match inside.split_once('*') {
            Some((word, times)) => out.extend(word.repeat(times.parse().unwrap()).bytes()),
            None => out.push(u8::from_str_radix(inside, 16).unwrap()),
        }
        rest = &rest[end + 1..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: BOX.parse().unwrap(),
        peer: PBX.parse().unwrap(),
        connection: transport.is_reliable().then_some(1),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn start() -> Instant {
    Instant::now()
}

fn appliance(now: Instant) -> UserAgent {
    let address: SocketAddr = BOX.parse().unwrap();
    let pbx: SocketAddr = PBX.parse().unwrap();
    let settings = Settings {
        realm: "callpost".to_owned(),
        digests: Algorithm::ALL.to_vec(),
        product: "callpost".to_owned(),
        registrations: RegistrationTimes::default(),
        listeners: [Transport::Udp, Transport::Tcp]
            .map(|transport| Listener { transport, address })
            .to_vec(),
        accounts: vec![Account {
            extension: "1001".into(),
            ha1: Ha1::new("1001", "callpost", "secret"),
        }],
        trunks: vec![Trunk::new(
            "pbx".into(),
            &pbx.ip().to_string(),
            Some(pbx.port()),
            None,
        )],
    };
    let mut appliance = UserAgent::new(now, settings, Dice::from_number(1));
    appliance.deadline_reached(now);
    while appliance.next_output().is_some() {}
    appliance
}

/// The status of the first answer.
fn answer(appliance: &mut UserAgent) -> Option<u16> {
    let mut first = None;
    while let Some(output) = appliance.next_output() {
        if let Output::Send { bytes, .. } = output {
            first = first.or(status(&bytes));
        }
    }
    first
}

/// From the first line: the answer to a message without From has none either.
fn status(bytes: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.strip_prefix("SIP/2.0 ")?.split(' ');
    words.next()?.parse().ok()
}

fn over_udp(bytes: &[u8]) -> Option<u16> {
    let now = start();
    let mut appliance = appliance(now);
    appliance.receive(now, &flow(Transport::Udp), bytes);
    answer(&mut appliance)
}

/// The same as a stream, cut into reads of this size.
fn over_tcp(bytes: &[u8], read: usize) -> Option<u16> {
    let now = start();
    let (mut appliance, flow, mut framer) = (appliance(now), flow(Transport::Tcp), Framer::new());
    for chunk in bytes.chunks(read) {
        framer.push(chunk);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => appliance.receive(now, &flow, &message),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(broken) => {
                    let answer = Malformed::of(&broken.head, broken.fault).answer(flow.peer, "tag");
                    return answer.and_then(|answer| status(&answer));
                }
            }
        }
    }
    answer(&mut appliance)
}

/// ROBUSTNESS rows 1 and 3.
#[test]
fn every_message_gets_the_answer_it_deserves() {
    let cases = cases();
    let count = |start: &str| cases.iter().filter(|case| case.name.starts_with(start)).count();
    assert_eq!((count("4475"), count("5118")), (49, 12));
    let mut wrong = Vec::new();
    for case in &cases {
        let mut check = |how: &str, answer, expected| {
            if answer != expected {
                wrong.push(format!("{} {how}: {answer:?}, not {expected:?}", case.name));
            }
        };
        check("as a datagram", over_udp(&case.bytes), case.expected);
        let on_stream = case.expected.filter(|_| !case.only_datagram);
        for read in [1, 100, usize::MAX] {
            check("on a stream", over_tcp(&case.bytes, read), on_stream);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// ROBUSTNESS row 2: lines may end with LF alone, as far as the body does not depend on it.
#[test]
fn bare_line_feeds_make_no_difference() {
    for case in cases() {
        let text = case.bytes;
        let end = text.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let (head, body) = text.split_at(end);
        let head: Vec<u8> = head.iter().copied().filter(|byte| *byte != b'\r').collect();
        let answer = over_udp(&[&head, body].concat());
        assert_eq!(answer, case.expected, "{}", case.name);
    }
}

/// A message that is no good leaves nothing behind.
#[test]
fn what_is_refused_is_forgotten() {
    let now = start();
    let mut appliance = appliance(now);
    for case in cases() {
        appliance.receive(now, &flow(Transport::Udp), &case.bytes);
        while let Some(output) = appliance.next_output() {
            if let Output::Event(Event::Incoming(incoming)) = output {
                let farewell = callpost::sip::Farewell {
                    status: 480,
                    retry_after_seconds: None,
                    reasons: &[],
                };
                appliance.release(now, incoming.session, farewell);
            }
        }
    }
    let later = now + std::time::Duration::from_secs(64);
    while appliance.next_deadline().is_some_and(|at| at <= later) {
        let at = appliance.next_deadline().unwrap();
        appliance.deadline_reached(at);
        while appliance.next_output().is_some() {}
    }
    // One probe of the trunk may be on its way.
    assert!(
        appliance.load().0 <= 2 && appliance.load().1 == 0,
        "{:?}",
        appliance.load()
    );
}
