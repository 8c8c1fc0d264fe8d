//! What strangers and false friends achieve: nothing. Each story names the row of the list of attacks it is about.

use super::*;
use crate::sip::digest::{Algorithm, Ha1, Secret, answer};
use crate::sip::guard::Rules;
use crate::sip::transaction::tests::origin;
use crate::sip::{Challenge, Listener, RegistrationTimes, Transport, Trunk};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

const BOX: &str = "192.0.2.1:5060";
const PBX: &str = "192.0.2.100:5060";
const DESK: &str = "198.51.100.7:5060";
const SDP: &str = "v=0\r\n";

struct World {
    agent: UserAgent,
    now: Instant,
    events: Vec<Event>,
    closed: Vec<u64>,
    serial: u32,
}

/// One message of the box, and where it goes.
#[derive(Debug, Clone)]
struct Said {
    to: SocketAddr,
    text: String,
}

impl Said {
    fn status(&self) -> u16 {
        self.text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let start = format!("{name}: ");
        let lines = self.text.lines().filter_map(|line| line.strip_prefix(&start));
        lines.map(str::to_owned).collect()
    }

    /// Without what differs from message to message by its nature.
    fn shape(&self) -> Vec<String> {
        let own = ["Via", "From", "To", "Call-ID", "CSeq"];
        self.text
            .lines()
            .map(|line| match line.split_once(": ") {
                Some((name, _)) if own.contains(&name) => name.to_owned(),
                Some(("WWW-Authenticate", value)) => {
                    let parts = value.split(", ").map(|part| match part.split_once("nonce=") {
                        Some((_, nonce)) => format!("nonce of {}", nonce.len()),
                        None => part.to_owned(),
                    });
                    parts.collect::<Vec<_>>().join(", ")
                }
                Some(_) | None => line.to_owned(),
            })
            .collect()
    }
}

impl World {
    fn new() -> Self {
        let address: SocketAddr = BOX.parse().unwrap();
        let pbx: SocketAddr = PBX.parse().unwrap();
        let account = |extension: &str| Account {
            extension: extension.into(),
            ha1: Ha1::new(extension, "callpost", "secret"),
            pickup: Vec::new(),
        };
        let settings = Settings {
            realm: "callpost".to_owned(),
            digests: Algorithm::ALL.to_vec(),
            product: "callpost/0".to_owned(),
            registrations: RegistrationTimes::default(),
            qualify_every: None,
            listeners: [Transport::Udp, Transport::Tcp]
                .map(|transport| Listener { transport, address })
                .to_vec(),
            accounts: vec![account("1001"), account("1002")],
            trunks: vec![Trunk::new(
                "pbx".into(),
                &pbx.ip().to_string(),
                Some(pbx.port()),
                None,
            )],
            guard: Rules::default(),
        };
        let now = origin();
        Self {
            agent: UserAgent::new(now, settings, Dice::from_number(5)),
            now,
            events: Vec::new(),
            closed: Vec::new(),
            serial: 0,
        }
    }

    fn hear(&mut self, flow: &str, text: &str) -> Vec<Said> {
        let mut flow: Flow = format!("{flow} {BOX}").parse().unwrap();
        flow.connection = flow.transport.is_reliable().then_some(7);
        self.agent.receive(self.now, &flow, text.as_bytes());
        self.said()
    }

    fn said(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Send { flow, bytes } => said.push(Said {
                    to: flow.peer,
                    text: String::from_utf8(bytes.to_vec()).unwrap(),
                }),
                Output::Close(connection) => self.closed.push(connection),
                Output::Resolve(_) | Output::Keep { .. } => {}
                Output::Event(event) => self.events.push(event),
            }
        }
        said
    }

    fn udp(&mut self, from: &str, text: &str) -> Vec<Said> {
        self.hear(&format!("udp {from}"), text)
    }

    fn after(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.agent.deadline_reached(self.now);
        self.said();
    }

    /// A request of `user`, with these lines besides the usual ones.
    fn request(&mut self, method: &str, user: &str, more: &str) -> String {
        self.serial += 1;
        let serial = self.serial;
        let uri = if method == "REGISTER" {
            "sip:callpost".to_owned()
        } else {
            "sip:8000@callpost".to_owned()
        };
        let to = if method == "REGISTER" { user } else { "8000" };
        let body = if method == "INVITE" { SDP } else { "" };
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {DESK};branch=z9hG4bKs{serial};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@callpost>;tag=f{serial}\r\nTo: <sip:{to}@callpost>\r\nCall-ID: c{serial}\r\n\
             CSeq: {serial} {method}\r\nContact: <sip:{user}@{DESK}>\r\nUser-Agent: Desk Phone 46 of Somebody 66.86.0.15\r\n\
             Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\nEvent: dialog\r\n{more}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Asks without a password; the challenges.
    fn challenge(&mut self, from: &str, user: &str) -> Vec<String> {
        let request = self.request("REGISTER", user, "");
        let said = self.udp(from, &request);
        said[0].lines("WWW-Authenticate")
    }

    /// Registers from there with this password; the last answer.
    fn registers(&mut self, from: &str, user: &str, password: &str, contact: &str) -> Option<Said> {
        let challenge = self.challenge(from, user).first()?.clone();
        self.answers(from, user, password, &challenge, contact)
    }

    fn answers(
        &mut self,
        from: &str,
        user: &str,
        password: &str,
        challenge: &str,
        contact: &str,
    ) -> Option<Said> {
        let credentials = digest(challenge, user, password, "REGISTER", "sip:callpost");
        let request = self.request("REGISTER", user, &credentials);
        let own = format!("Contact: <sip:{user}@{DESK}>");
        let request = request.replace(&own, &format!("Contact: {contact}"));
        self.udp(from, &request).pop()
    }

    fn noted(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    /// The PBX calls and is answered; the box's tag and the Call-ID.
    fn talks_to_the_pbx(&mut self) -> (SessionId, String, String) {
        let invite = self.request("INVITE", "0501234567", "");
        self.udp(PBX, &invite);
        let session = self
            .events
            .iter()
            .find_map(|event| {
                let Event::Incoming(incoming) = event else {
                    return None;
                };
                Some(incoming.session)
            })
            .unwrap();
        self.agent.answer(self.now, session, SDP.into());
        let answer = self.said().pop().unwrap();
        assert_eq!(answer.status(), 200);
        let to = answer.lines("To")[0].clone();
        let serial = self.serial;
        self.udp(PBX, &inside("ACK", serial, serial, &to));
        self.events.clear();
        (session, to, format!("{serial}"))
    }
}

fn digest(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> String {
    let challenges = Challenge::parse(challenge.as_bytes()).unwrap();
    let method = match method {
        "REGISTER" => Method::Register,
        _ => Method::Invite,
    };
    let value = answer(
        &challenges,
        user,
        Secret::Password(password),
        method,
        uri,
        1,
        "c0ffee",
    );
    format!("Authorization: {}\r\n", value.unwrap())
}

fn inside(method: &str, call: u32, cseq: u32, to: &str) -> String {
    format!(
        "{method} sip:8000@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKi{method}{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:0501234567@callpost>;tag=f{call}\r\nTo: {to}\r\nCall-ID: c{call}\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:x@{PBX}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// ROBUSTNESS 27: who is at home is nobody's business, whatever is asked.
#[test]
fn known_and_unknown_users_get_the_same_answer_to_everything() {
    let mut world = World::new();
    for method in ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"] {
        let shapes = ["1001", "9999"].map(|user| {
            let request = world.request(method, user, "");
            let from = format!("198.51.100.{}:5060", world.serial);
            world.udp(&from, &request)[0].shape()
        });
        assert_eq!(shapes[0], shapes[1], "{method} without a password");
        let shapes = ["1001", "9999"].map(|user| {
            let from = format!("198.51.100.{}:5060", world.serial + 50);
            let challenge = world.challenge(&from, user)[0].clone();
            let credentials = digest(&challenge, user, "wrong", method, "sip:callpost");
            let request = world.request(method, user, &credentials);
            world.udp(&from, &request)[0].shape()
        });
        assert_eq!(shapes[0], shapes[1], "{method} with a wrong one");
    }
}

/// ROBUSTNESS 27 and 26: nor does it show when a user's password is no longer looked at.
#[test]
fn a_user_who_is_guessed_at_too_often_looks_like_any_other() {
    let mut world = World::new();
    for round in 0..130 {
        let from = format!("203.0.113.{round}:5060");
        let said = world.registers(&from, "1001", "wrong", "<sip:1001@198.51.100.7>");
        assert_eq!(said.unwrap().status(), 401);
    }
    let shapes = ["1001", "9999"].map(|user| {
        let said = world.registers("203.0.113.200:5060", user, "wrong", "<sip:1@198.51.100.7>");
        said.unwrap().shape()
    });
    assert_eq!(shapes[0], shapes[1]);
    let right = world.registers("203.0.113.201:5060", "1001", "secret", "<sip:1001@198.51.100.7>");
    assert_eq!(
        right.unwrap().status(),
        401,
        "not even the right one is looked at"
    );
}

/// ROBUSTNESS 28: whether there is such a user makes no difference to the work done for an answer.
#[test]
fn known_and_unknown_users_cost_the_same_work() {
    let mut world = World::new();
    let mut work = |user: &str, password: &str, from: &str| {
        let challenge = world.challenge(from, user)[0].clone();
        let credentials = digest(&challenge, user, password, "REGISTER", "sip:callpost");
        let request = world.request("REGISTER", user, &credentials);
        let before = crate::sip::digest::hashes();
        world.udp(from, &request);
        crate::sip::digest::hashes() - before
    };
    let mut costs = BTreeSet::new();
    for round in 0..9 {
        let from = format!("203.0.113.{round}:5060");
        for user in ["1001", "1002", "9999", "nobody", "1003"] {
            costs.insert(work(user, "wrong", &from));
        }
    }
    assert_eq!(costs.len(), 1, "{costs:?}");
    assert!(costs.first() > Some(&0));
}

/// ROBUSTNESS 29.
#[test]
fn an_answer_that_was_used_is_stale() {
    let mut world = World::new();
    let challenge = world.challenge(DESK, "1001")[0].clone();
    let contact = "<sip:1001@198.51.100.7>";
    let first = world
        .answers(DESK, "1001", "secret", &challenge, contact)
        .unwrap();
    assert_eq!(first.status(), 200);
    let again = world
        .answers(DESK, "1001", "secret", &challenge, contact)
        .unwrap();
    assert_eq!(again.status(), 401);
    assert!(again.lines("WWW-Authenticate")[0].ends_with("stale=true"));
    assert_eq!(world.agent.counts().auth_failed, 0, "no failure to count");
}

/// ROBUSTNESS 30.
#[test]
fn a_nonce_from_elsewhere_an_old_one_and_an_invented_one_are_worth_nothing() {
    let mut world = World::new();
    let contact = "<sip:1001@198.51.100.7>";
    let challenge = world.challenge(DESK, "1001")[0].clone();
    let elsewhere = world
        .answers("203.0.113.9:5060", "1001", "secret", &challenge, contact)
        .unwrap();
    let invented = "Digest realm=\"callpost\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"";
    let invented = world.answers(DESK, "1001", "secret", invented, contact).unwrap();
    world.after(61.0);
    let old = world
        .answers(DESK, "1001", "secret", &challenge, contact)
        .unwrap();
    for said in [elsewhere, invented, old] {
        assert_eq!(said.status(), 401, "{}", said.text);
    }
    let nonces: BTreeSet<String> = (0..20)
        .map(|_| world.challenge(DESK, "1001")[0].clone())
        .collect();
    assert_eq!(nonces.len(), 20);
}

/// ROBUSTNESS 25: nobody is shut out by another who writes that one's address on his packets, and nobody tries passwords
/// uncounted.
#[test]
fn wrong_passwords_without_a_challenge_of_ours_neither_count_nor_tell() {
    let mut world = World::new();
    let contact = "<sip:1001@198.51.100.7>";
    let invented = "Digest realm=\"callpost\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"";
    let mut shape = |password: &str| {
        let said = world.answers(DESK, "1001", password, invented, contact);
        said.unwrap().shape()
    };
    let right = shape("secret");
    for _ in 0..50 {
        assert_eq!(shape("wrong"), right);
    }
    assert!(world.agent.bans(world.now).is_empty());
}

/// ROBUSTNESS 31: method, URI, quality of protection and algorithm.
#[test]
fn an_answer_to_something_else_or_a_weaker_one_is_refused() {
    let mut world = World::new();
    for (round, (from, to)) in [
        ("uri=\"sip:callpost\"", "uri=\"sip:elsewhere\""),
        ("qop=auth, ", ""),
        ("qop=auth", "qop=auth-int"),
        ("algorithm=SHA-256", "algorithm=MD5"),
        ("algorithm=SHA-256", "algorithm=MD4"),
        ("nc=00000001", "nc=00000002"),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("203.0.113.{round}:5060");
        let challenge = world.challenge(&address, "1001")[0].clone();
        let good = digest(&challenge, "1001", "secret", "REGISTER", "sip:callpost");
        let bent = good.replace(from, to);
        assert_ne!(good, bent);
        let request = world.request("REGISTER", "1001", &bent);
        assert_eq!(world.udp(&address, &request)[0].status(), 401, "{to}");
        let other = world.request("INVITE", "1001", &good);
        assert_eq!(world.udp(&address, &other)[0].status(), 401, "another method");
    }
    assert_eq!(
        world.noted(|event| matches!(event, Event::Bound(_) | Event::Incoming(_))),
        0
    );
}

/// ROBUSTNESS 31, 33: MD5 is taken from phones that know nothing else, and refused from one that does.
#[test]
fn a_phone_that_has_proven_sha_256_is_not_let_in_by_md5() {
    let mut world = World::new();
    let contact = "<sip:1001@198.51.100.7>";
    let offered = world.challenge(DESK, "1001");
    assert!(
        offered[0].contains("SHA-256") && offered[1].contains("MD5"),
        "{offered:?}"
    );
    let said = world
        .answers(DESK, "1001", "secret", &offered[1], contact)
        .unwrap();
    assert_eq!(said.status(), 200, "a phone of yesterday");
    let strong = world
        .registers("203.0.113.9:5060", "1001", "secret", contact)
        .unwrap();
    assert_eq!(strong.status(), 200);
    let weak = world.challenge("203.0.113.10:5060", "1001")[1].clone();
    let said = world
        .answers("203.0.113.10:5060", "1001", "secret", &weak, contact)
        .unwrap();
    assert_eq!(said.status(), 401);
    assert_eq!(
        world.noted(|event| matches!(event, Event::WeakerDigest { .. })),
        1
    );
    assert_eq!(said.lines("WWW-Authenticate").len(), 2, "both are offered again");
}

/// A phone that gives up when it is offered two digests comes in at its next attempt, and stays in.
#[test]
fn a_phone_that_stumbles_over_two_digests_comes_in_when_it_tries_again() {
    let mut world = World::new();
    let contact = "<sip:1001@198.51.100.7>";
    assert_eq!(world.challenge(DESK, "1001").len(), 2);
    world.after(35.0);
    for _ in 0..3 {
        let offered = world.challenge(DESK, "1001");
        assert_eq!(offered.len(), 1, "MD5 alone: {offered:?}");
        let said = world
            .answers(DESK, "1001", "secret", &offered[0], contact)
            .unwrap();
        assert_eq!(said.status(), 200);
        world.after(1800.0);
    }
}

/// ROBUSTNESS 32.
#[test]
fn a_phone_speaks_for_itself_alone() {
    let mut world = World::new();
    let register = |world: &mut World, from: &str, to: &str| {
        let challenge = world.challenge(DESK, "1001")[0].clone();
        let credentials = digest(&challenge, "1001", "secret", "REGISTER", "sip:callpost");
        let request = world.request("REGISTER", "1001", &credentials);
        let request = request.replace("From: <sip:1001", &format!("From: <sip:{from}"));
        let request = request.replace("To: <sip:1001", &format!("To: <sip:{to}"));
        world.udp(DESK, &request)[0].status()
    };
    assert_eq!(register(&mut world, "1001", "1001"), 200);
    assert_eq!(register(&mut world, "1001", "1002"), 403);
    assert_eq!(register(&mut world, "1002", "1001"), 403);
    let invite = |world: &mut World, from: &str, more: &str| {
        let challenge = world.challenge(DESK, "1001")[0].clone();
        let credentials = digest(&challenge, "1001", "secret", "INVITE", "sip:8000@callpost");
        let request = world.request("INVITE", from, &format!("{credentials}{more}"));
        world.udp(DESK, &request)[0].status()
    };
    assert_eq!(invite(&mut world, "1001", ""), 100);
    assert_eq!(invite(&mut world, "1002", ""), 403);
    let other = "P-Asserted-Identity: <sip:1002@callpost>\r\n";
    assert_eq!(invite(&mut world, "1001", other), 403);
    let own = "P-Asserted-Identity: <sip:1001@callpost>\r\n";
    assert_eq!(invite(&mut world, "1001", own), 100);
}

/// ROBUSTNESS 35, 36: nobody is called at an address the phone does not have, and nothing is sent there.
#[test]
fn a_registration_leads_to_the_phone_that_made_it_and_nowhere_else() {
    let mut world = World::new();
    let many = (0..10_000).map(|n| format!("<sip:{n}@198.51.100.7>"));
    let many = many.collect::<Vec<_>>().join(", ");
    for (contact, status) in [
        ("<sip:1001@127.0.0.1:5060>".to_owned(), 403),
        ("<sip:1001@[::1]>".to_owned(), 403),
        ("<sip:1001@255.255.255.255>".to_owned(), 403),
        ("<sip:1001@224.0.1.75>".to_owned(), 403),
        ("<sip:1001@169.254.169.254>".to_owned(), 403),
        ("<sip:1001@0.0.0.0>".to_owned(), 403),
        (format!("<sip:1001@{BOX}>"), 403),
        ("<sip:1001@192.0.2.1>".to_owned(), 403),
        ("<sip:1001@198.51.100.7:0>".to_owned(), 400),
        ("*\r\nExpires: 10".to_owned(), 400),
        (many[..60_000].rsplit_once(',').unwrap().0.to_owned(), 400),
    ] {
        let said = world.registers(DESK, "1001", "secret", &contact).unwrap();
        assert_eq!(said.to.to_string(), DESK);
        let shown = contact.get(..40).unwrap_or(&contact);
        assert_eq!(said.status(), status, "{shown}: {}", said.text);
    }
    let eleven = (0..11).map(|n| format!("<sip:{n}@198.51.100.7>"));
    let eleven = eleven.collect::<Vec<_>>().join(", ");
    assert_eq!(
        world.registers(DESK, "1001", "secret", &eleven).unwrap().status(),
        403
    );
    assert_eq!(world.agent.registrations(world.now).count(), 0);
    // A name or another's address may be written there; calls go where the REGISTER came from.
    for contact in ["<sip:1001@203.0.113.99>", "<sip:1001@victim.example>"] {
        assert_eq!(
            world.registers(DESK, "1001", "secret", contact).unwrap().status(),
            200
        );
    }
    let homes: Vec<Flow> = world
        .agent
        .registrations(world.now)
        .map(|home| home.flow)
        .collect();
    assert!(
        homes.iter().all(|flow| flow.peer.to_string() == DESK),
        "{homes:?}"
    );
}

/// ROBUSTNESS 37.
#[test]
fn requests_inside_a_call_are_taken_from_its_parties_alone() {
    let mut world = World::new();
    let (session, to, _) = world.talks_to_the_pbx();
    let call = world.serial;
    let mut cseq = 100;
    for method in ["BYE", "INVITE", "UPDATE", "INFO", "PRACK", "OPTIONS"] {
        cseq += 1;
        let said = world.udp("203.0.113.9:5060", &inside(method, call, cseq, &to));
        assert_eq!(said[0].status(), 403, "{method} with the right tags");
        assert_eq!(said[0].to.ip().to_string(), "203.0.113.9");
        let guessed = to.replace("tag=", "tag=x");
        let said = world.udp("203.0.113.9:5060", &inside(method, call, cseq + 100, &guessed));
        assert_eq!(said[0].status(), 481, "{method} with guessed ones");
        let said = world.udp(PBX, &inside(method, call, cseq + 200, &guessed));
        assert_eq!(
            said[0].status(),
            481,
            "{method} with guessed ones from the party's own address"
        );
    }
    assert!(world.agent.sessions.contains_key(&session), "the call goes on");
    assert_eq!(world.noted(|event| matches!(event, Event::Stranger { .. })), 6);
    assert_eq!(world.agent.counts().strangers, 6);
    let bye = world.udp(PBX, &inside("BYE", call, 900, &to));
    assert_eq!(bye[0].status(), 200);
}

/// ROBUSTNESS 37: CANCEL.
#[test]
fn a_call_that_rings_is_cancelled_by_its_caller_alone() {
    let mut world = World::new();
    let invite = world.request("INVITE", "0501234567", "");
    world.udp(PBX, &invite);
    let cancel = invite
        .replace("INVITE sip", "CANCEL sip")
        .replace(" INVITE\r\n", " CANCEL\r\n")
        .replace("Content-Type: application/sdp\r\n", "")
        .replace("Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n");
    let said = world.udp("203.0.113.9:5060", &cancel);
    assert_eq!(said[0].status(), 481);
    assert_eq!(world.noted(|event| matches!(event, Event::Left(_))), 0);
    let said = world.udp(PBX, &cancel);
    assert_eq!(said[0].status(), 200);
    assert_eq!(world.noted(|event| matches!(event, Event::Left(_))), 1);
}

/// ROBUSTNESS 38: 64 random bits at least, and none twice.
#[test]
fn tags_branches_and_call_ids_cannot_be_guessed() {
    let mut dice = Dice::new([7; 32]);
    let mut seen = BTreeSet::new();
    let mut counts = [[0_u32; 32]; 16];
    for _ in 0..20_000 {
        let token = dice.token();
        assert_eq!(token.len(), 16);
        for (place, letter) in token.bytes().enumerate() {
            let value = b"abcdefghijklmnopqrstuvwxyz234567"
                .iter()
                .position(|own| *own == letter);
            counts[place][value.unwrap()] += 1;
        }
        assert!(seen.insert(token), "a token came twice");
    }
    // 16 places of 5 bits, each letter about as often as any other at each place: 80 bits.
    for (place, letters) in counts.iter().enumerate() {
        assert!(
            letters.iter().all(|count| (500..=750).contains(count)),
            "{place}: {letters:?}"
        );
    }
    let mut world = World::new();
    let tags: BTreeSet<String> = (0..200)
        .map(|_| {
            let request = world.request("OPTIONS", "x", "");
            world.udp(PBX, &request)[0].lines("To")[0].clone()
        })
        .collect();
    assert_eq!(tags.len(), 200);
}

/// ROBUSTNESS 42.
#[test]
fn what_needs_a_password_or_a_call_stores_nothing_without() {
    let mut world = World::new();
    for (method, statuses) in [
        ("MESSAGE", &[401, 405][..]),
        ("SUBSCRIBE", &[401, 405]),
        ("NOTIFY", &[401, 405, 481]),
        ("PUBLISH", &[401, 405, 489]),
        ("REFER", &[401, 403, 405]),
    ] {
        let request = world.request(method, "1001", "");
        let said = world.udp(DESK, &request);
        assert!(statuses.contains(&said[0].status()), "{method}: {}", said[0].text);
    }
    assert_eq!(world.agent.load(), (0, 0));
    assert!(world.events.is_empty(), "{:?}", world.events);
}

/// ROBUSTNESS 17: before it is known who calls, nothing is set aside for the call.
#[test]
fn a_flood_of_calls_without_a_password_leaves_no_transaction_and_no_session() {
    let mut world = World::new();
    for step in 0..5000 {
        world.now += Duration::from_millis(1);
        let invite = world.request("INVITE", "1001", "");
        let said = world.udp(&format!("203.0.113.{}:5060", step % 7), &invite);
        assert!(said.iter().all(|said| said.status() == 401));
        assert_eq!(world.agent.load(), (0, 0));
    }
    assert_eq!(world.noted(|event| matches!(event, Event::Incoming(_))), 0);
}

/// ROBUSTNESS 20: a packet with another's address on it brings that one no more bytes than it had, and whatever a Via
/// says, answers go to where the packet came from.
#[test]
fn a_stranger_is_answered_where_it_is_and_with_no_more_than_it_sent() {
    let mut world = World::new();
    let small = "OPTIONS sip:x SIP/2.0\r\nv:SIP/2.0/UDP 9.9.9.9:9;branch=z9hG4bK1;received=8.8.8.8;maddr=7.7.7.7\r\n\
                 f:<sip:a@b>;tag=1\r\nt:<sip:b>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n";
    // A probe that says next to nothing is answered all the same, until there are too many of them.
    let answered = (0..100).filter(|_| !world.udp("203.0.113.9:7777", small).is_empty());
    assert_eq!(answered.count(), 30);
    let full = world.request("OPTIONS", "1001", "");
    for text in [
        small.to_owned(),
        full.replace(";rport", "").replace(DESK, "9.9.9.9:5060"),
        full,
    ] {
        for said in world.udp("203.0.113.9:7777", &text) {
            assert_eq!(said.to.ip().to_string(), "203.0.113.9");
            assert!(
                said.text.len() <= text.len(),
                "{} for {}: {}",
                said.text.len(),
                text.len(),
                said.text
            );
        }
    }
    for method in ["SUBSCRIBE", "PUBLISH", "DANCE", "BYE"] {
        let text = world.request(method, "1001", "");
        for said in world.udp("203.0.113.9:7777", &text) {
            assert!(said.text.len() <= text.len(), "{}", said.text);
        }
    }
}

/// ROBUSTNESS 20: answers nobody waits for are not answered.
#[test]
fn answers_to_nothing_are_met_with_silence() {
    let mut world = World::new();
    let register = world.request("REGISTER", "1001", "");
    let (_, headers) = register.split_once("\r\n").unwrap();
    for status in [
        "100 Trying",
        "200 OK",
        "302 Moved",
        "401 Unauthorized",
        "486 Busy Here",
    ] {
        let said = world.udp(DESK, &format!("SIP/2.0 {status}\r\n{headers}"));
        assert!(said.is_empty(), "{said:?}");
    }
    let ack = world.request("ACK", "1001", "");
    assert!(world.udp(DESK, &ack).is_empty());
    assert_eq!(world.agent.load(), (0, 0));
}

/// ROBUSTNESS 25, over a stream: it is closed with the ban, and so is the next one.
#[test]
fn the_stream_of_a_guesser_is_closed() {
    let mut world = World::new();
    let desk = format!("tcp {DESK}");
    for _ in 0..10 {
        let request = world.request("REGISTER", "1001", "").replace("/UDP", "/TCP");
        let challenge = world.hear(&desk, &request)[0].lines("WWW-Authenticate")[0].clone();
        let credentials = digest(&challenge, "1001", "wrong", "REGISTER", "sip:callpost");
        let request = world.request("REGISTER", "1001", &credentials);
        world.hear(&desk, &request.replace("/UDP", "/TCP"));
    }
    assert_eq!(world.closed, [7]);
    assert_eq!(world.noted(|event| matches!(event, Event::Banned(_))), 1);
    let request = world.request("OPTIONS", "1001", "");
    assert!(world.hear(&desk, &request).is_empty());
    assert_eq!(world.closed, [7, 7]);
    let source = world.agent.bans(world.now)[0].source;
    assert!(world.agent.lift_ban(world.now, source));
    assert_eq!(world.hear(&desk, &request).len(), 1);
}

/// ROBUSTNESS 25: a phone that is registered keeps its registration while somebody behind the same address guesses.
#[test]
fn a_good_phone_behind_a_guessers_address_keeps_its_registration() {
    let mut world = World::new();
    let contact = "<sip:1002@198.51.100.7>";
    assert_eq!(
        world.registers(DESK, "1002", "secret", contact).unwrap().status(),
        200
    );
    for _ in 0..60 {
        world.after(1.0);
        world.registers("198.51.100.7:31337", "1001", "wrong", contact);
    }
    assert!(world.agent.bans(world.now).is_empty());
    assert_eq!(
        world.registers(DESK, "1002", "secret", contact).unwrap().status(),
        200
    );
    // Even the guessed-at user, at home there, is let in from its own socket.
    let right = world.registers("198.51.100.7:31337", "1001", "secret", "<sip:1001@198.51.100.7>");
    assert_eq!(right.unwrap().status(), 401, "the guesser's socket is not");
}

/// ROBUSTNESS 18: a phone that dials and dials is told to wait; a call for help is let through.
#[test]
fn a_phone_that_places_calls_without_end_is_told_to_wait_unless_it_calls_for_help() {
    let mut world = World::new();
    let mut dials = |number: &str| {
        let uri = format!("sip:{number}@callpost");
        let challenge = world.challenge(DESK, "1001")[0].clone();
        let credentials = digest(&challenge, "1001", "secret", "INVITE", &uri);
        let request = world.request("INVITE", "1001", &credentials);
        let request = request.replace("sip:8000@callpost", &uri);
        world.udp(DESK, &request)[0].clone()
    };
    let answers: Vec<u16> = (0..30).map(|_| dials("8000").status()).collect();
    assert_eq!(answers.iter().filter(|status| **status == 100).count(), 20);
    let refused = dials("8000");
    assert_eq!(
        (refused.status(), refused.lines("Retry-After")),
        (503, vec!["10".to_owned()])
    );
    assert_eq!(dials("112").status(), 100);
}

/// A scanner that says its name gets no answer at all.
#[test]
fn scanners_are_not_answered() {
    let mut world = World::new();
    for name in ["friendly-scanner", "sipvicious", "sipcli/v1.8"] {
        let request = world.request("OPTIONS", "100", "");
        let request = request.replace("User-Agent: Desk Phone", &format!("User-Agent: {name}"));
        assert!(world.udp("203.0.113.9:5060", &request).is_empty(), "{name}");
        assert!(
            !world.udp(PBX, &request).is_empty(),
            "a trunk may call itself what it likes"
        );
    }
    assert_eq!(world.agent.dropped().packets, 3);
}
