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

mod malformed;

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
        qualify_every: None,
        listeners: [Transport::Udp, Transport::Tcp]
            .map(|transport| Listener { transport, address })
            .to_vec(),
        accounts: vec![Account {
            extension: "1001".into(),
            ha1: Ha1::new("1001", "callpost", "secret"),
            pickup: Vec::new(),
        }],
        trunks: vec![Trunk::new(
            "pbx".into(),
            &pbx.ip().to_string(),
            Some(pbx.port()),
            None,
        )],
        guard: Default::default(),
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

/// ROBUSTNESS 1, 3.
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

/// ROBUSTNESS 2: lines may end with LF alone, as far as the body does not depend on it.
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

/// Hears a message as a datagram of the trunk; whoever calls is refused at once. The first status said, and whether
/// somebody called.
fn hear(appliance: &mut UserAgent, now: Instant, bytes: &[u8]) -> (Option<u16>, Option<String>) {
    appliance.receive(now, &flow(Transport::Udp), bytes);
    let (mut said, mut caller) = (None, None);
    while let Some(output) = appliance.next_output() {
        match output {
            Output::Send { bytes, .. } => said = said.or(status(&bytes)),
            Output::Event(Event::Incoming(incoming)) => {
                caller = Some(incoming.caller_number.to_string());
                let farewell = callpost::sip::Farewell {
                    status: 480,
                    retry_after_seconds: None,
                    reasons: &[],
                };
                appliance.release(now, incoming.session, farewell);
            }
            Output::Event(_) | Output::Close(_) | Output::Keep { .. } | Output::Resolve(_) => {}
        }
    }
    (said, caller)
}

/// ROBUSTNESS 4, 5, 6: every anomaly in every place of every header ends in an answer or in silence, and nothing of
/// it is left a minute later.
#[test]
fn thousands_of_malformed_invites_leave_nothing_behind() {
    let now = start();
    let mut appliance = appliance(now);
    let (mut messages, mut answered, mut refused) = (0, 0, 0);
    for message in malformed::messages(PBX, 0) {
        let (said, _) = hear(&mut appliance, now, &message);
        messages += 1;
        answered += u32::from(said.is_some());
        refused += u32::from(said.is_some_and(|status| (400..600).contains(&status)));
    }
    assert!(messages > 9_000, "{messages}");
    assert!(
        answered > 7_000 && refused > 2_000,
        "{answered} answered, {refused} refused"
    );
    let later = now + std::time::Duration::from_secs(65);
    while appliance.next_deadline().is_some_and(|at| at <= later) {
        let at = appliance.next_deadline().unwrap();
        appliance.deadline_reached(at);
        while appliance.next_output().is_some() {}
    }
    let (transactions, sessions) = appliance.load();
    // Probes of the trunk may be on their way.
    assert!(transactions <= 4 && sessions == 0, "{transactions} {sessions}");
}

/// ROBUSTNESS 7: what is too large is refused with the status that says so.
#[test]
fn sizes_beyond_the_limits_are_refused() {
    let with = |more: &str| {
        format!(
            "OPTIONS sip:callpost SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKsize;rport\r\nMax-Forwards: 70\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:callpost>\r\nCall-ID: size\r\nCSeq: 1 OPTIONS\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    let via = format!("Via: SIP/2.0/UDP {PBX};branch=z9hG4bKx\r\n");
    let body = "x".repeat(65_000);
    let large = with("").replace("Content-Length: 0", "Content-Length: 65000") + &body;
    let datagram = &large[..large.len().min(65_507)];
    for (what, text, expected) in [
        (
            "a header of 60 kB",
            with(&format!("X: {}\r\n", "x".repeat(60_000))),
            400,
        ),
        ("8,000 headers", with(&"X: y\r\n".repeat(8_000)), 400),
        ("129 headers", with(&"X: y\r\n".repeat(122)), 400),
        ("900 Via", with(&via.repeat(900)), 483),
        ("71 Via", with(&via.repeat(70)), 483),
        (
            "5,000 folds",
            with(&format!("X: y\r\n{}", " z\r\n".repeat(5_000))),
            400,
        ),
        (
            "more than a message may have",
            with("").replace(": 0\r", ": 70000\r") + &"x".repeat(70_000),
            513,
        ),
        ("120 headers", with(&"X: y\r\n".repeat(112)), 200),
        ("70 Via", with(&via.repeat(69)), 200),
        ("the largest datagram", datagram.to_owned(), 200),
    ] {
        let answer = over_udp(text.as_bytes());
        assert_eq!(answer, Some(expected), "{what}");
    }
}

/// ROBUSTNESS 8: a length that is none ends the stream, and nothing is set aside for what it promises.
#[test]
fn a_content_length_that_is_none_ends_the_stream() {
    for length in [
        "-1",
        "+5",
        "4294967296",
        "100000000000000000000",
        "5\r\nContent-Length: 6",
        "0x10",
        "1 1",
    ] {
        let text = format!(
            "OPTIONS sip:callpost SIP/2.0\r\nVia: SIP/2.0/TCP {PBX};branch=z9hG4bKl\r\nMax-Forwards: 70\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:callpost>\r\nCall-ID: l\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: {length}\r\n\r\nwhat is pending"
        );
        let mut framer = Framer::new();
        framer.push(text.as_bytes());
        assert!(framer.next_frame().is_err(), "{length}");
        let answer = over_tcp(text.as_bytes(), usize::MAX);
        assert!(matches!(answer, Some(400 | 413 | 513)), "{length}: {answer:?}");
    }
}

/// ROBUSTNESS 9: whoever the router believes to call is whom the record shows; a second name beside the first, or a
/// header hidden by odd bytes, does not make two readers see two callers.
#[test]
fn no_second_caller_is_smuggled_in() {
    let now = start();
    let invite = |number: usize, more: &str| {
        format!(
            "INVITE sip:8000@callpost SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKs{number};rport\r\nMax-Forwards: 70\r\n\
             To: <sip:8000@callpost>\r\nCall-ID: s{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{PBX}>\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    let from = "From: <sip:050@pbx>;tag=1\r\n";
    let mut appliance = appliance(now);
    for (number, (more, expected)) in [
        (from.to_owned(), Ok("050")),
        (
            format!("{from}P-Asserted-Identity : <sip:051@pbx>\r\n"),
            Ok("051"),
        ),
        (
            format!("{from}P-Asserted-Identity\t: <sip:051@pbx>\r\n"),
            Ok("051"),
        ),
        (
            format!("{from}P-Asserted-Identity\x01: <sip:051@pbx>\r\n"),
            Err(Some(400)),
        ),
        (
            format!("{from}X: y\rP-Asserted-Identity: <sip:051@pbx>\r\n"),
            Err(Some(400)),
        ),
        (format!("{from}From: <sip:051@pbx>;tag=2\r\n"), Err(Some(400))),
        (format!("{from}f: <sip:051@pbx>;tag=2\r\n"), Err(Some(400))),
        (format!("{from}To: <sip:8001@callpost>\r\n"), Err(Some(400))),
        (format!("{from}t: <sip:8001@callpost>\r\n"), Err(Some(400))),
        (format!("{from}Call-ID: other\r\n"), Err(Some(400))),
    ]
    .into_iter()
    .enumerate()
    {
        let (said, caller) = hear(&mut appliance, now, invite(number, &more).as_bytes());
        match expected {
            Ok(wanted) => assert_eq!(caller.as_deref(), Some(wanted), "{more:?} {said:?}"),
            Err(status) => assert_eq!((said, caller), (status, None), "{more:?}"),
        }
    }
}
