//! What SIP costs: `cargo bench --bench sip`.

use callpost::model::{Dice, Number};
use callpost::sip::digest::{Algorithm, Authenticator, Ha1, Secret, answer};
use callpost::sip::{Draft, Flow, Message, Method, Name, Registrar, RegistrationTimes};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// 1.2 kB, as a desk phone sends it through a proxy.
const INVITE: &str = "INVITE sip:+966112345678@198.51.100.10:5060;user=phone SIP/2.0\r\n\
Via: SIP/2.0/UDP 203.0.113.20:5060;branch=z9hG4bK2d4790b75cde7f2c;rport\r\n\
Via: SIP/2.0/UDP 192.168.1.20:5062;branch=z9hG4bK-524287-1---8d5a;received=192.168.1.20;rport=5062\r\n\
Max-Forwards: 69\r\n\
Record-Route: <sip:203.0.113.20;lr;ftag=8a7c1f3e>\r\n\
From: \"Front Desk\" <sip:1001@pbx.example.com>;tag=8a7c1f3e\r\n\
To: <sip:+966112345678@pbx.example.com;user=phone>\r\n\
Call-ID: 5f1c9a7be2d84c0f9b3a6d2e1f0a7c8d@192.168.1.20\r\n\
CSeq: 2 INVITE\r\n\
Contact: <sip:1001@192.168.1.20:5062;transport=udp>;+sip.instance=\"<urn:uuid:3f2a1b4c-0000-1000-8000-000A95A0E128>\"\r\n\
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, SUBSCRIBE, MESSAGE\r\n\
Supported: replaces, timer, path, outbound\r\n\
User-Agent: Example Phone T46 66.86.0.15\r\n\
P-Asserted-Identity: <sip:1001@pbx.example.com>\r\n\
Session-Expires: 1800\r\n\
Content-Type: application/sdp\r\n\
Content-Length: 276\r\n\
\r\n\
v=0\r\n\
o=- 20518 20518 IN IP4 192.168.1.20\r\n\
s=call\r\n\
c=IN IP4 192.168.1.20\r\n\
t=0 0\r\n\
m=audio 11780 RTP/AVP 0 8 9 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:9 G722/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-15\r\n\
a=ptime:20\r\n\
a=sendrecv\r\n\
a=rtcp:11781\r\n";

fn parsing(bench: &mut Criterion) {
    let body = INVITE.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
    let invite = INVITE.replace("Content-Length: 276", &format!("Content-Length: {body}"));
    bench.bench_function(&format!("parse an INVITE of {} bytes", invite.len()), |run| {
        run.iter(|| Message::parse(black_box(invite.as_bytes())).is_ok());
    });
    let Ok(message) = Message::parse(invite.as_bytes()) else {
        return;
    };
    let source = ([203, 0, 113, 20], 5060).into();
    bench.bench_function("write a 180", |run| {
        run.iter(|| Draft::response(black_box(&message), source, 180, Some("7gk2qyzkq3kd3pt2")).finish());
    });
}

/// REGISTER → 401 → REGISTER → 200, without transactions and sockets.
#[expect(clippy::disallowed_methods, reason = "a bench has a clock of its own")]
fn registering(bench: &mut Criterion) {
    let (now, source) = (Instant::now(), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let mut authenticator = Authenticator::new("callpost", &Algorithm::ALL, now, &mut Dice::from_number(1));
    let mut registrar = Registrar::new(RegistrationTimes::default());
    let account = Ha1::new("1001", "callpost", "secret");
    let flow = Flow {
        transport: callpost::sip::Transport::Udp,
        local: ([192, 0, 2, 254], 5060).into(),
        peer: (source, 5060).into(),
        connection: None,
    };
    let mut cseq = 1;
    bench.bench_function("answer a REGISTER, challenge included", |run| {
        run.iter(|| {
            cseq += 2;
            let first = register(cseq, None);
            let Ok(message) = Message::parse(&first) else {
                return false;
            };
            let challenge = challenge(&message, &flow, &authenticator.challenge(now, source, false));
            let Ok(challenge) = Message::parse(&challenge) else {
                return false;
            };
            let challenges = challenge.challenges().unwrap_or_default();
            let secret = Secret::Ha1(&account);
            let value = answer(
                &challenges,
                "1001",
                secret,
                Method::Register,
                "sip:callpost",
                1,
                "c0ffee",
            );
            let second = register(cseq + 1, value.as_deref());
            let Ok(message) = Message::parse(&second) else {
                return false;
            };
            let Ok(Some(credentials)) = message.authorization("callpost") else {
                return false;
            };
            let _ = black_box(authenticator.verify(now, source, &message, &credentials, Some(&account)));
            let registered = registrar.register(now, &Number::from("1001"), &message, &flow);
            let mut draft = Draft::response(&message, flow.peer, registered.status, Some("tag"));
            for (name, value) in &registered.headers {
                draft = draft.header(*name, value);
            }
            black_box(draft.finish()).len() > 100
        });
    });
}

fn challenge(request: &Message<'_>, flow: &Flow, values: &[String]) -> Vec<u8> {
    let mut draft = Draft::response(request, flow.peer, 401, Some("tag"));
    for value in values {
        draft = draft.header(Name::WwwAuthenticate, value);
    }
    draft.finish()
}

fn register(cseq: u32, authorization: Option<&str>) -> Vec<u8> {
    Draft::request(Method::Register, "sip:callpost")
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1")
        .header(Name::MaxForwards, 70)
        .header(Name::From, "<sip:1001@callpost>;tag=1")
        .header(Name::To, "<sip:1001@callpost>")
        .header(Name::CallId, "a1b2c3d4e5f6")
        .header(Name::CSeq, format_args!("{cseq} REGISTER"))
        .header(Name::Contact, "<sip:1001@192.0.2.1:5060>;expires=600")
        .maybe(Name::Authorization, authorization)
        .finish()
}

criterion_group!(benches, parsing, registering);
criterion_main!(benches);
