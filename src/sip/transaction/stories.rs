//! What transactions do with messages that come twice, late, on another way or for nobody.

use super::tests::{after, origin};
use super::*;
use crate::sip::Draft;

const HERE: &str = "udp 192.0.2.9:5060 192.0.2.1:5060";

fn flow() -> Flow {
    HERE.parse().unwrap()
}

fn request(method: &str, branch: &str, to: &str) -> String {
    format!(
        "{method} sip:8000@callpost SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch={branch}\r\nFrom: <sip:a@b>;tag=f\r\n\
         To: <sip:8000@callpost>{to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
    )
}

fn answer(status: u16, to_request: &[u8]) -> Vec<u8> {
    let request = Message::parse(to_request).unwrap();
    Draft::response(&request, flow().peer, status, Some("t")).finish()
}

/// Transactions with what they sent: methods of requests, statuses of responses.
struct World {
    all: Transactions<u8>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self {
            all: Transactions::new(&[]),
            now: origin(),
        }
    }

    fn hear(&mut self, text: &str) -> Known {
        self.all
            .recognise(self.now, &Message::parse(text.as_bytes()).unwrap())
    }

    fn serve(&mut self, text: &str) -> ServerId {
        let message = Message::parse(text.as_bytes()).unwrap();
        self.all.serve(self.now, &flow(), &message, Some(7))
    }

    fn respond(&mut self, id: ServerId, status: u16, text: &str) {
        let response = answer(status, text.as_bytes());
        self.all.respond(self.now, id, status, response);
    }

    fn cancelled(&mut self, text: &str) -> Option<Cancelled<u8>> {
        self.all.cancelled(&Message::parse(text.as_bytes()).unwrap())
    }

    fn sent(&mut self) -> Vec<String> {
        let name = |bytes: &[u8]| {
            let message = Message::parse(bytes).unwrap();
            message
                .status()
                .map_or(message.method().to_string(), |status| status.to_string())
        };
        self.all.take_sends().map(|(_, bytes)| name(&bytes)).collect()
    }

    fn pass(&mut self, seconds: u64) -> Vec<Lapsed<u8>> {
        let until = after(self.now, seconds);
        let mut lapsed = Vec::new();
        while let Some(at) = self.all.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            while let Some(one) = self.all.next_lapsed(self.now) {
                lapsed.push(one);
            }
        }
        self.now = until;
        lapsed
    }
}

#[test]
fn a_request_that_comes_again_gets_the_same_answer_and_tells_nobody() {
    let mut world = World::new();
    let options = request("MESSAGE", "z9hG4bK1", "");
    assert_eq!(world.hear(&options), Known::No);
    let id = world.serve(&options);
    assert_eq!(world.hear(&options), Known::Absorbed);
    assert!(world.sent().is_empty(), "there is no answer yet");
    world.respond(id, 200, &options);
    assert_eq!(world.hear(&options), Known::Absorbed);
    assert_eq!(world.sent(), ["200", "200"]);
    assert!(world.pass(33).is_empty());
    assert_eq!((world.all.len(), world.hear(&options)), (0, Known::No));
}

/// RFC 3261 §8.2.2.2.
#[test]
fn a_request_that_a_proxy_forked_to_us_twice_is_merged() {
    let mut world = World::new();
    let first = request("INVITE", "z9hG4bK1", "");
    let id = world.serve(&first);
    assert_eq!(world.hear(&request("INVITE", "z9hG4bK2", "")), Known::Merged);
    assert_eq!(
        world.hear(&request("INVITE", "z9hG4bK3", ";tag=t")),
        Known::No,
        "a re-INVITE"
    );
    assert_eq!(world.hear(&request("CANCEL", "z9hG4bK2", "")), Known::No);
    let other = request("INVITE", "z9hG4bK2", "").replace("tag=f", "tag=g");
    assert_eq!(world.hear(&other), Known::No, "somebody else");
    world.respond(id, 486, &first);
    world.pass(64);
    assert_eq!(world.hear(&request("INVITE", "z9hG4bK2", "")), Known::No);
}

/// RFC 6026 §7.1.
#[test]
fn an_invite_that_comes_again_after_its_200_is_absorbed() {
    let mut world = World::new();
    let invite = request("INVITE", "z9hG4bK1", "");
    let id = world.serve(&invite);
    world.respond(id, 200, &invite);
    world.all.confirmed(id);
    world.sent();
    for _ in 0..30 {
        assert_eq!(world.hear(&invite), Known::Absorbed);
        assert!(world.pass(1).is_empty() && world.sent().is_empty());
    }
    world.pass(3);
    assert_eq!(world.all.len(), 0);
}

/// RFC 3261 §9.2.
#[test]
fn cancel_finds_its_invite_in_every_state() {
    let mut world = World::new();
    let (invite, cancel) = (
        request("INVITE", "z9hG4bK1", ""),
        request("CANCEL", "z9hG4bK1", ""),
    );
    assert_eq!(world.cancelled(&cancel), None, "there is none");
    let id = world.serve(&invite);
    assert_eq!(
        world.cancelled(&cancel),
        Some(Cancelled::Waiting(7)),
        "nothing said"
    );
    world.respond(id, 180, &invite);
    assert_eq!(world.cancelled(&cancel), Some(Cancelled::Waiting(7)), "ringing");
    assert_eq!(
        world.cancelled(&request("CANCEL", "z9hG4bK2", "")),
        None,
        "another"
    );
    world.respond(id, 486, &invite);
    assert_eq!(world.cancelled(&cancel), Some(Cancelled::TooLate), "refused");
    assert_eq!(world.hear(&request("ACK", "z9hG4bK1", ";tag=t")), Known::Absorbed);
    assert_eq!(world.cancelled(&cancel), Some(Cancelled::TooLate), "acknowledged");
    world.pass(6);
    assert_eq!(world.cancelled(&cancel), None, "forgotten");
    let message = request("MESSAGE", "z9hG4bK1", "");
    world.serve(&message);
    assert_eq!(world.cancelled(&cancel), None, "no INVITE");
}

/// RFC 3261 §9.1.
#[test]
fn our_cancel_waits_for_a_provisional_response_and_is_sent_once() {
    let mut world = World::new();
    let id = ClientId::new("aaaaaaaaaaaaaaaa");
    let invite = request("INVITE", &id.branch(), "");
    world
        .all
        .ask(world.now, id, flow(), invite.clone().into_bytes(), 1);
    assert!(!world.all.cancel(world.now, id, &[], 2), "not yet");
    let hear = |world: &mut World, status| {
        let response = answer(status, invite.as_bytes());
        world
            .all
            .hear_response(world.now, &Message::parse(&response).unwrap())
    };
    assert_eq!(hear(&mut world, 180), Some(1));
    for _ in 0..3 {
        assert!(world.all.cancel(world.now, id, &["SIP;cause=200"], 2));
    }
    assert_eq!(world.sent(), ["INVITE", "CANCEL"]);
    assert_eq!(hear(&mut world, 487), Some(1));
    assert!(world.all.cancel(world.now, id, &[], 2), "it is over");
    assert_eq!(world.sent(), ["ACK"]);
}

#[test]
fn an_invite_that_goes_on_ringing_after_its_cancel_is_given_up() {
    let mut world = World::new();
    let id = ClientId::new("aaaaaaaaaaaaaaaa");
    let invite = request("INVITE", &id.branch(), "");
    world
        .all
        .ask(world.now, id, flow(), invite.clone().into_bytes(), 1);
    let ringing = answer(180, invite.as_bytes());
    world
        .all
        .hear_response(world.now, &Message::parse(&ringing).unwrap());
    world.all.cancel(world.now, id, &[], 2);
    let lapsed = world.pass(33);
    assert!(
        lapsed.contains(&Lapsed::NoAnswer(1)) && lapsed.contains(&Lapsed::NoAnswer(2)),
        "{lapsed:?}"
    );
    assert_eq!(world.all.len(), 0);
}

#[test]
fn stray_acks_and_responses_are_silent() {
    let mut world = World::new();
    assert_eq!(world.hear(&request("ACK", "z9hG4bK1", ";tag=t")), Known::StrayAck);
    let stranger = request("OPTIONS", "z9hG4bKaaaaaaaaaaaaaaaa", "");
    for status in [100, 180, 200, 404, 699] {
        let response = answer(status, stranger.as_bytes());
        assert_eq!(
            world
                .all
                .hear_response(world.now, &Message::parse(&response).unwrap()),
            None
        );
    }
    assert!(world.sent().is_empty() && world.all.len() == 0);
}

/// RFC 4320 §4.
#[test]
fn other_requests_get_no_provisional_response_no_408_and_nothing_late() {
    let mut world = World::new();
    let message = request("MESSAGE", "z9hG4bK1", "");
    let id = world.serve(&message);
    for status in [100, 180, 408] {
        world.respond(id, status, &message);
    }
    assert!(world.sent().is_empty());
    world.pass(33);
    world.respond(id, 200, &message);
    assert!(
        world.sent().is_empty() && world.all.len() == 0,
        "nobody listens any more"
    );
}

#[test]
fn the_bare_cookie_tells_no_two_requests_apart() {
    let mut world = World::new();
    let one = request("OPTIONS", "z9hG4bK", "");
    world.serve(&one);
    assert_eq!(world.hear(&one.replace("Call-ID: c", "Call-ID: d")), Known::No);
    assert_eq!(world.hear(&one), Known::Absorbed);
}
