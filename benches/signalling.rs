//! What the core's thinking costs, without sockets, disk and threads: `cargo bench --bench signalling [calls]`.
//!
//! The same work as the rows of the figures, message by message through the engine in virtual time. What the figures
//! show above these numbers is spent on the way in and out.
#![expect(
    clippy::disallowed_methods,
    reason = "outside the box time is what it is: a benchmark reads the clock"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a story that goes wrong should stop")]

#[path = "../tests/scenarios/world/site.rs"]
#[allow(
    dead_code,
    reason = "the office belongs to the scenarios; a part of it is needed here"
)]
#[allow(unreachable_pub, reason = "it is a small crate of its own there")]
mod site;

use callpost::agents::Overflow;
use callpost::engine::{Engine, Input, Output};
use callpost::media::{MediaEvent, MediaOrder};
use callpost::model::{Dice, Entry, WallClock};
use callpost::routing::{Decision, Pattern, Rule};
use callpost::sip::digest::{Secret, answer};
use callpost::sip::{Flow, Message, Method, Transport};
use jiff::tz::TimeZone;
use site::{BOX, PASSWORD, PBX, Site, agent, agent_at, group};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Calls of a row, unless another number is asked for; after a third of them transactions end as fast as they begin.
const CALLS: u64 = 30_000;

fn main() {
    let asked = std::env::args().find_map(|word| word.parse().ok());
    let calls = asked.unwrap_or(CALLS);
    let mut desk = Desk::new();
    row("an answered call (INVITE … BYE)", calls, |n| desk.answered(n));
    let mut desk = Desk::new();
    row("a REGISTER with digest (401 and again)", calls, |n| {
        desk.register(n)
    });
    let mut desk = Desk::new();
    row("ring 8, one wins, 7 cancelled", calls / 5, |n| desk.ring_eight(n));
}

fn row(what: &str, rounds: u64, mut work: impl FnMut(u64) -> Duration) {
    for warm in 0..rounds / 3 {
        work(warm);
    }
    let spent: Duration = (rounds / 3..rounds).map(work).sum();
    let each = spent.as_secs_f64() * 1e6 / (rounds - rounds / 3) as f64;
    println!("{what}: {each:.1} µs");
}

/// The engine with somebody at each of its doors.
struct Desk {
    engine: Engine,
    now: Instant,
    spent: Duration,
    sent: Vec<(SocketAddr, Vec<u8>)>,
}

impl Desk {
    fn new() -> Self {
        let mut site = Site::office().unrecorded().overflowing_to(Overflow::HangUp);
        site.flows.push(
            "name = \"silent\"\nstart = \"wait\"\n[step.wait]\nverb = \"pause\"\nseconds = 600\nnext = \"bye\"\n\
             [step.bye]\nverb = \"hangup\"\n",
        );
        site.agents = vec![agent("ali", "1001")];
        site.groups = vec![
            group("sales", 1, 20, Overflow::HangUp),
            group("eight", 1, 20, Overflow::HangUp),
        ];
        for phone in 0..8 {
            let mut one = agent_at(
                &format!("p{phone}"),
                &format!("sip:p{phone}@192.0.2.{}:5060", 200 + phone),
            );
            one.groups = vec!["eight".into()];
            site.agents.push(one);
        }
        let rule = |number: &str, then| Rule {
            pattern: Pattern::Exactly(number.into()),
            then,
            record: None,
        };
        site.rules = vec![
            rule("7000", Decision::Flow("silent".into())),
            rule("9008", Decision::Group("eight".into())),
        ];
        let now = Instant::now();
        let clock = WallClock::new(now, 1_790_000_000_000, true, TimeZone::UTC);
        let engine = Engine::new(now, site.settings(), clock, Dice::from_number(1), Vec::new());
        Self {
            engine,
            now,
            spent: Duration::ZERO,
            sent: Vec::new(),
        }
    }

    /// INVITE, 200, ACK, BYE, 200.
    fn answered(&mut self, number: u64) -> Duration {
        self.begin(Duration::from_millis(10));
        let caller: SocketAddr = PBX.parse().unwrap();
        let call = format!("a{number}");
        self.hear(caller, &invite(&call, "7000", caller));
        let answer = self.take(caller, "SIP/2.0 200");
        self.end_call(caller, &call, &answer);
        self.spent
    }

    /// REGISTER, 401, REGISTER, 200.
    fn register(&mut self, number: u64) -> Duration {
        self.begin(Duration::from_millis(10));
        let phone = SocketAddr::from(([192, 0, 2, 10], 5060));
        self.hear(phone, &register(number, 1, ""));
        let challenge = self.take(phone, "SIP/2.0 401");
        let message = Message::parse(&challenge).unwrap();
        let challenges = message.challenges().unwrap();
        let secret = Secret::Password(PASSWORD);
        let proof = answer(
            &challenges,
            "1001",
            secret,
            Method::Register,
            "sip:callpost",
            1,
            "c0ffee",
        )
        .unwrap();
        self.hear(
            phone,
            &register(number, 2, &format!("Authorization: {proof}\r\n")),
        );
        self.take(phone, "SIP/2.0 200");
        self.spent
    }

    /// Eight phones ring, one is picked up, the others are called off; the caller hangs up.
    fn ring_eight(&mut self, number: u64) -> Duration {
        self.begin(Duration::from_millis(100));
        let caller: SocketAddr = PBX.parse().unwrap();
        let call = format!("r{number}");
        self.hear(caller, &invite(&call, "9008", caller));
        let phones: Vec<SocketAddr> = (200..208)
            .map(|last| SocketAddr::from(([192, 0, 2, last], 5060)))
            .collect();
        let invites: Vec<Vec<u8>> = phones.iter().map(|phone| self.take(*phone, "INVITE")).collect();
        for (phone, invite) in phones.iter().zip(&invites) {
            self.hear(*phone, &reply(invite, "180 Ringing", *phone, false));
        }
        self.hear(phones[0], &reply(&invites[0], "200 OK", phones[0], true));
        for (phone, invite) in phones.iter().zip(&invites).skip(1) {
            let cancel = self.take(*phone, "CANCEL");
            self.hear(*phone, &reply(&cancel, "200 OK", *phone, false));
            self.hear(*phone, &reply(invite, "487 Request Terminated", *phone, false));
        }
        let answer = self.take(caller, "SIP/2.0 200");
        self.end_call(caller, &call, &answer);
        let bye = self.take(phones[0], "BYE");
        self.hear(phones[0], &reply(&bye, "200 OK", phones[0], false));
        self.spent
    }

    fn end_call(&mut self, caller: SocketAddr, call: &str, answer: &[u8]) {
        let tag = to_tag(answer);
        self.hear(caller, &within(call, &tag, "ACK", 1, caller));
        self.hear(caller, &within(call, &tag, "BYE", 2, caller));
        self.take(caller, "SIP/2.0 200");
    }

    /// Lets time pass until the next call.
    fn begin(&mut self, pause: Duration) {
        self.spent = Duration::ZERO;
        let until = self.now + pause;
        while let Some(deadline) = self.engine.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.feed(Input::DeadlineReached);
        }
        self.now = until;
        self.sent.clear();
    }

    fn hear(&mut self, from: SocketAddr, text: &str) {
        let flow = Flow {
            transport: Transport::Udp,
            local: BOX.parse().unwrap(),
            peer: from,
            connection: None,
        };
        self.feed(Input::Message {
            flow: &flow,
            bytes: text.as_bytes(),
        });
    }

    /// Only what the engine does is timed.
    fn feed(&mut self, input: Input<'_>) {
        let begin = Instant::now();
        let outputs = self.engine.handle(self.now, input);
        self.spent += begin.elapsed();
        for output in outputs {
            if let Output::Send { flow, bytes } = output {
                self.sent.push((flow.peer, bytes.to_vec()));
            } else if let Output::Journal(Entry::CallOpened { call, .. }) = output {
                self.feed(Input::Journaled { call, on_disk: true });
            } else if let Output::Media(MediaOrder::Close { leg }) = output {
                self.feed(Input::Media(MediaEvent::Closed {
                    leg,
                    quality: None,
                    strangers: 0,
                }));
            }
        }
    }

    /// The last message to this address that begins so.
    fn take(&self, to: SocketAddr, start: &str) -> Vec<u8> {
        let found = self
            .sent
            .iter()
            .rev()
            .find(|(peer, bytes)| *peer == to && bytes.starts_with(start.as_bytes()));
        found.unwrap_or_else(|| panic!("no {start} for {to}")).1.clone()
    }
}

fn invite(call: &str, number: &str, caller: SocketAddr) -> String {
    let ip = caller.ip();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    );
    format!(
        "INVITE sip:{number}@callpost SIP/2.0\r\nVia: SIP/2.0/UDP {caller};branch=z9hG4bK{call}i;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:0501234567@{caller}>;tag=f{call}\r\nTo: <sip:{number}@callpost>\r\n\
         Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContact: <sip:0501234567@{caller}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

fn within(call: &str, tag: &str, method: &str, cseq: u32, caller: SocketAddr) -> String {
    format!(
        "{method} sip:7000@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {caller};branch=z9hG4bK{call}{method};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:0501234567@{caller}>;tag=f{call}\r\nTo: <sip:x@callpost>;tag={tag}\r\n\
         Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

fn register(number: u64, cseq: u32, proof: &str) -> String {
    format!(
        "REGISTER sip:callpost SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKr{number}x{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:1001@callpost>;tag=r{number}\r\nTo: <sip:1001@callpost>\r\n\
         Call-ID: phone\r\nCSeq: {} REGISTER\r\nContact: <sip:1001@192.0.2.10:5060>\r\nExpires: 600\r\n{proof}\
         Content-Length: 0\r\n\r\n",
        number * 2 + u64::from(cseq)
    )
}

/// What a phone says to a request.
fn reply(request: &[u8], status: &str, phone: SocketAddr, with_sdp: bool) -> String {
    let text = String::from_utf8_lossy(request);
    let mut copied = String::new();
    for line in text.lines() {
        let is_to = line.starts_with("To: ");
        if ["Via: ", "From: ", "Call-ID: ", "CSeq: "]
            .iter()
            .any(|name| line.starts_with(name))
            || is_to
        {
            copied += line;
            if is_to && !line.contains(";tag=") {
                copied += &format!(";tag=p{}", phone.ip());
            }
            copied += "\r\n";
        }
    }
    let ip = phone.ip();
    let sdp = if with_sdp {
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
    } else {
        String::new()
    };
    let kind = if with_sdp {
        "Content-Type: application/sdp\r\n"
    } else {
        ""
    };
    format!(
        "SIP/2.0 {status}\r\n{copied}Contact: <sip:p@{phone}>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

fn to_tag(answer: &[u8]) -> String {
    let message = Message::parse(answer).unwrap();
    message.to().tag().map(|tag| tag.to_string()).unwrap_or_default()
}
