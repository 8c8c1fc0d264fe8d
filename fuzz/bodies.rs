//! What every fuzz target does with its bytes. `cargo fuzz` runs it under a nightly compiler, `tests/fuzzing.rs` with
//! seeded mutations under the stable one.

use callpost::media::Session;
use callpost::model::{Codec, Dice, SrtpSuite};
use callpost::sdp::{Agreed, MasterKey, Negotiator, Secured};
use callpost::sip::digest::{Algorithm, Authenticator, Ha1, Secret, Verdict, answer};
use callpost::sip::{
    Contacts, Draft, Echo, Frame, Framer, Malformed, Message, Method, NameAddr, Replaces, Uri,
};
use std::io::{Cursor, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message as Frames, WebSocket};

fn source() -> SocketAddr {
    ([198, 51, 100, 7], 5060).into()
}

/// A datagram.
pub(crate) fn message(bytes: &[u8]) {
    match Message::parse(bytes) {
        Ok(message) => read(&message),
        Err(malformed) => refuse(&malformed),
    }
}

fn refuse(malformed: &Malformed<'_>) {
    if let Some(answer) = malformed.answer(source(), "tag") {
        assert!(answer.starts_with(b"SIP/2.0 ") && answer.ends_with(b"\r\n\r\n"));
    }
}

/// Asks a message everything it can be asked, and answers it.
fn read(message: &Message<'_>) {
    let _ = (
        message.vias().count(),
        message.contacts().is_ok(),
        message.contact_uri().is_ok(),
    );
    let _ = (
        message.routes().is_ok(),
        message.record_routes().is_ok(),
        message.path().is_ok(),
    );
    let _ = (
        message.p_asserted_identity().is_ok(),
        message.diversions().is_ok(),
    );
    let _ = (
        message.max_forwards().is_ok(),
        message.expires().is_ok(),
        message.min_expires().is_ok(),
    );
    let _ = (
        message.rseq().is_ok(),
        message.min_se().is_ok(),
        message.content_type().is_ok(),
    );
    let _ = (
        message.require().count(),
        message.supports("timer"),
        message.allows(Method::Update),
    );
    let _ = (
        message.user_agent(),
        message.wants_privacy("id"),
        message.accepts("application/sdp").is_ok(),
    );
    let _ = (
        message.authorization("callpost").is_ok(),
        message.challenges().is_ok(),
    );
    let _ = (
        message.part("application/sdp").is_ok(),
        message.referred_by().is_ok(),
    );
    if let Ok(Contacts::List(list)) = message.contacts() {
        for contact in &list {
            let _ = (
                contact.q(),
                contact.expires(),
                contact.instance(),
                contact.reg_id(),
            );
        }
    }
    for station in message.history().unwrap_or_default() {
        let _ = (station.reason(), station.is_private(), station.replaced());
    }
    for diversion in message.diversions().unwrap_or_default() {
        let _ = (diversion.reason(), diversion.counter(), diversion.is_private());
    }
    if let Ok(Some(target)) = message.refer_to() {
        let _ = (
            target.asks_for(Method::Invite),
            target.replaces().map(|raw| Replaces::parse(&raw).is_ok()),
        );
    }
    say_again(message);
    let echo = Echo::of(message, source());
    let answer = Draft::reply(&echo, 200, Some("tag")).record_route(&echo).finish();
    let answer = Message::parse(&answer).expect("an answer of ours can be read");
    assert_eq!(
        (answer.call_id(), answer.cseq()),
        (message.call_id(), message.cseq())
    );
}

/// What was read means the same when we write it.
fn say_again(message: &Message<'_>) {
    macro_rules! same {
        ($($name:literal $getter:ident)*) => {$(
            if let Ok(Some(found)) = message.$getter() {
                let printed = found.to_string();
                let text = with_header(format!("{}: {printed}", $name).as_bytes());
                let again = Message::parse(&text).expect("a header of ours can be read");
                let again = again.$getter().expect("well-formed").expect("there").to_string();
                assert_eq!(again, printed);
            }
        )*};
    }
    same! {
        "Event" event
        "Subscription-State" subscription_state
        "Replaces" replaces
        "Join" join
        "Session-Expires" session_expires
        "RAck" rack
        "Retry-After" retry_after
        "Privacy" privacy
    }
    for warning in message.warnings().unwrap_or_default() {
        let text = with_header(format!("Warning: {warning}").as_bytes());
        let again = Message::parse(&text).expect("a warning of ours can be read");
        let again = again.warnings().expect("well-formed");
        assert_eq!(again.first().map(ToString::to_string), Some(warning.to_string()));
    }
}

/// The headers no request is without.
const NEEDED: [(&str, &str); 5] = [
    ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1"),
    ("From", "<sip:a>;tag=1"),
    ("To", "<sip:b>"),
    ("Call-ID", "x"),
    ("CSeq", "1 OPTIONS"),
];

/// A request with this header line: in place of its own, where every request has one, and one more otherwise.
fn with_header(line: &[u8]) -> Vec<u8> {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let mut text = b"OPTIONS sip:a SIP/2.0\r\n".to_vec();
    for (needed, value) in NEEDED {
        if !name.trim_ascii().eq_ignore_ascii_case(needed.as_bytes()) {
            text.extend_from_slice(format!("{needed}: {value}\r\n").as_bytes());
        }
    }
    text.extend_from_slice(line);
    text.extend_from_slice(b"\r\n\r\n");
    text
}

/// One header line, `Name: value`.
pub(crate) fn header(bytes: &[u8]) {
    message(&with_header(bytes));
    let _ = NameAddr::parse(bytes);
}

/// A REGISTER's credentials, judged as the box judges them.
pub(crate) fn digest(bytes: &[u8]) {
    let now = clock();
    let realm = "callpost";
    let mut dice = Dice::from_number(7616);
    let mut judge = Authenticator::new(realm, &Algorithm::ALL, now, &mut dice);
    let _ = judge.challenge(now, source().ip(), false);
    let account = Ha1::new("1001", realm, "secret");
    let text = with_header(&[b"Authorization: ", bytes].concat());
    let Ok(request) = Message::parse(&text) else {
        return;
    };
    if let Ok(Some(credentials)) = request.authorization(realm) {
        for known in [Some(&account), None] {
            let verdict = judge.verify(now, source().ip(), &request, &credentials, known);
            assert_ne!(verdict, Verdict::Ok, "nobody guesses a nonce that was never used");
        }
    }
    if let Ok(request) = Message::parse(&with_header(&[b"WWW-Authenticate: ", bytes].concat()))
        && let Ok(challenges) = request.challenges()
    {
        let secret = Secret::Ha1(&account);
        let _ = answer(
            &challenges,
            "1001",
            secret,
            Method::Register,
            "sip:a",
            1,
            "c0ffee",
        );
    }
}

/// What a browser sends after its handshake: frames, and in them messages.
pub(crate) fn websocket(bytes: &[u8]) {
    let limits = callpost::net::websocket_limits();
    let browser = Browser(Cursor::new(bytes));
    let mut socket = WebSocket::from_raw_socket(browser, Role::Server, Some(limits));
    loop {
        match socket.read() {
            Ok(Frames::Text(text)) => message(text.as_bytes()),
            Ok(Frames::Binary(bytes)) => message(&bytes),
            Ok(Frames::Ping(_) | Frames::Pong(_) | Frames::Close(_) | Frames::Frame(_)) => {}
            // The bytes are at their end, or broke the rules.
            Err(_) => return,
        }
    }
}

/// Says what it was given and hears nothing.
struct Browser<'a>(Cursor<&'a [u8]>);

impl Read for Browser<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Browser<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An RTP packet as a leg hears it: from the address that was agreed on and from a stranger.
pub(crate) fn rtp(bytes: &[u8]) {
    let now = clock();
    let ours = SocketAddr::from(([192, 0, 2, 1], 10_000));
    let mut leg = Negotiator::new(ours.ip(), ours.port(), &Codec::ALL, 1);
    let Ok((_, agreed)) = leg.answer(OFFER) else {
        return;
    };
    let there = agreed.remote;
    let mut session = Session::new(now, &mut Dice::from_number(3550));
    session.start(now, agreed);
    let mut datagram = bytes.to_vec();
    let _ = session.receive(now, source(), &mut datagram);
    let _ = session.receive(now, there, &mut datagram);
    // The same where voice is encrypted: nothing gets through, and nothing is kept of it.
    for suite in SrtpSuite::ALL {
        let key = vec![0x5a; suite.key_bytes() + suite.salt_bytes()];
        let Some(key) = MasterKey::new(suite, &key) else {
            continue;
        };
        let secured = Secured {
            suite,
            send: key,
            receive: key,
            receive_mki: None,
        };
        let mut session = Session::new(now, &mut Dice::from_number(3711));
        session.start(
            now,
            Agreed {
                secured: Some(secured),
                ..agreed
            },
        );
        let _ = session.receive(now, there, &mut bytes.to_vec());
        let _ = session.unprotect_report(&mut bytes.to_vec());
        let mut buffer = bytes.to_vec();
        buffer.resize(bytes.len() + 20, 0);
        let _ = session.protect(&mut buffer, 0..bytes.len());
        let _ = session.protect_report(&mut buffer, bytes.len());
    }
    let _ = session.quality();
}

/// What a phone offers in [`rtp`].
const OFFER: &[u8] = b"v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// Any instant will do: only differences count.
#[expect(clippy::disallowed_methods, reason = "fuzzing has a clock of its own")]
fn clock() -> Instant {
    Instant::now()
}

/// Bytes of a stream, read in pieces whose size the first byte tells.
pub(crate) fn stream(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else {
        return;
    };
    let mut framer = Framer::new();
    for chunk in bytes.chunks(usize::from(*size).max(1)) {
        framer.push(chunk);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(bytes))) => message(&bytes),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(broken) => return refuse(&Malformed::of(&broken.head, broken.fault)),
            }
        }
    }
}

/// A URI.
pub(crate) fn uri(bytes: &[u8]) {
    let Ok(found) = Uri::parse(bytes) else {
        return;
    };
    assert!(found.is_same(&found));
    let _ = (
        found.user(),
        found.password(),
        found.param("transport"),
        found.is_loose_router(),
    );
    let _ = (found.params().count(), found.headers().count());
    let text = found.to_string();
    if let Ok(again) = Uri::parse(text.as_bytes()) {
        assert_eq!(again.to_string(), text);
    }
}

/// A session description, as an offer and as an answer.
pub(crate) fn sdp(bytes: &[u8]) {
    let ours = SocketAddr::from(([192, 0, 2, 1], 10_000));
    let mut leg = Negotiator::new(ours.ip(), ours.port(), &Codec::ALL, 1);
    if let Ok((answer, agreed)) = leg.answer(bytes) {
        assert!(!answer.is_empty() && agreed.remote != ours);
    }
    leg.offer();
    let _ = leg.answered(bytes);
}
