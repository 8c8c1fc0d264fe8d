//! Sessions over the wire in virtual time: who refreshes, who acknowledges, what happens when both ask at once.

use super::*;
use crate::model::Destination;
use crate::sip::transaction::tests::origin;
use crate::sip::{Listener, Network, RegistrationTimes, Transport, Trunk};
use std::net::SocketAddr;
use std::time::Duration;

const PBX: &str = "192.0.2.100:5060";
const BOX: &str = "192.0.2.1:5060";
const OFFER: &[u8] = b"v=0 offer";

struct World {
    agent: UserAgent,
    now: Instant,
    events: Vec<Event>,
    serial: u32,
}

/// The lines of what the box sent that a story looks at.
fn line(message: &str, name: &str) -> String {
    let found = message
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    found.unwrap_or_default().to_owned()
}

fn first_word(message: &str) -> &str {
    let mut words = message.split(' ');
    match words.next() {
        Some("SIP/2.0") => words.next().unwrap(),
        first => first.unwrap(),
    }
}

impl World {
    fn new() -> Self {
        Self::with_trunk(false)
    }

    /// Registers with its trunk, or not.
    fn with_trunk(register: bool) -> Self {
        let (address, pbx): (SocketAddr, SocketAddr) = (BOX.parse().unwrap(), PBX.parse().unwrap());
        // A name nobody has looked up yet is no place to send a probe to.
        let host = if register {
            pbx.ip().to_string()
        } else {
            "pbx.example".to_owned()
        };
        let settings = Settings {
            realm: "callpost".to_owned(),
            digests: super::super::digest::Algorithm::ALL.to_vec(),
            product: "callpost".to_owned(),
            registrations: RegistrationTimes::default(),
            qualify_every: None,
            listeners: vec![Listener {
                transport: Transport::Udp,
                address,
            }],
            accounts: Vec::new(),
            trunks: vec![Trunk {
                allow: vec![Network::single(pbx.ip())],
                credentials: Some(crate::sip::Secret {
                    username: "box".to_owned(),
                    password: "secret".to_owned(),
                }),
                register,
                ..Trunk::new("pbx".into(), &host, register.then_some(pbx.port()), None)
            }],
            guard: Default::default(),
        };
        let now = origin();
        Self {
            agent: UserAgent::new(now, settings, Dice::from_number(3)),
            now,
            events: Vec::new(),
            serial: 0,
        }
    }

    fn hear(&mut self, text: &str) -> Vec<String> {
        let flow: Flow = format!("udp {PBX} {BOX}").parse().unwrap();
        self.agent.receive(self.now, &flow, text.as_bytes());
        self.sent()
    }

    fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Send { bytes, .. } => sent.push(String::from_utf8(bytes.to_vec()).unwrap()),
                Output::Close(_) => {}
                Output::Resolve(_) => {}
                Output::Keep { .. } => {}
                Output::Event(event) => self.events.push(event),
            }
        }
        sent
    }

    /// Lets time pass; what was sent, with the seconds it took.
    fn pass(&mut self, seconds: f64) -> Vec<(f64, String)> {
        let (start, until) = (self.now, self.now + Duration::from_secs_f64(seconds));
        let mut all = Vec::new();
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.deadline_reached(self.now);
            let at = (self.now - start).as_secs_f64();
            all.extend(self.sent().into_iter().map(|text| (at, text)));
        }
        self.now = until;
        all.retain(|(_, text)| first_word(text) != "OPTIONS");
        all
    }

    /// The box calls; the session and the INVITE.
    fn calls(&mut self) -> (SessionId, String) {
        self.calls_at(Destination::Contact(format!("sip:1001@{PBX}")))
    }

    fn calls_at(&mut self, destination: Destination) -> (SessionId, String) {
        let invitation = Invitation {
            destination,
            caller_number: "0501234567".into(),
            caller_name: None,
            referred_by: None,
            replaces: None,
            hidden: false,
            elsewhere: false,
        };
        let route = self.agent.route(self.now, &invitation.destination).unwrap();
        let id = self.agent.invite(self.now, &invitation, route, OFFER.to_vec());
        let mut sent = self.sent();
        (id, sent.remove(0))
    }

    /// The box calls, and is answered with these header lines.
    fn talks(&mut self, lines: &str) -> (SessionId, String) {
        let (id, invite) = self.calls();
        let ack = self.hear(&reply(&invite, 200, "t1", lines, "v=0 answer"));
        assert_eq!(first_word(&ack[0]), "ACK");
        self.events.clear();
        (id, invite)
    }

    /// Somebody calls the box; the session and what was said at once.
    fn is_called(&mut self, lines: &str) -> (Option<SessionId>, Vec<String>) {
        self.serial += 1;
        let sent = self.hear(&format!(
            "INVITE sip:8000@callpost SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKi{0}\r\nMax-Forwards: 70\r\n\
             From: <sip:050@pbx>;tag=f\r\nTo: <sip:8000@callpost>\r\nCall-ID: in{0}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:050@{PBX}>\r\n{lines}\r\n",
            self.serial
        ));
        let session = self.events.drain(..).find_map(|event| {
            let Event::Incoming(incoming) = event else {
                return None;
            };
            Some(incoming.session)
        });
        (session, sent)
    }

    /// A request of the caller inside the dialog that a response of ours made.
    fn within(&mut self, response: &str, method: &str, cseq: u32, lines: &str) -> Vec<String> {
        let (from, to, call) = (
            line(response, "From"),
            line(response, "To"),
            line(response, "Call-ID"),
        );
        self.serial += 1;
        let number = self.serial;
        self.hear(&format!(
            "{method} sip:8000@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKw{number}\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\nContact: <sip:050@{PBX}>\r\n{lines}\r\n"
        ))
    }

    fn expired(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Expired(_)))
    }
}

/// The far side's answer to a request of ours.
fn reply(request: &str, status: u16, tag: &str, lines: &str, body: &str) -> String {
    let to = line(request, "To");
    let to = if to.contains("tag=") {
        to
    } else {
        format!("{to};tag={tag}")
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "SIP/2.0 {status} X\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:1001@{PBX}>\r\n\
         {lines}{kind}Content-Length: {}\r\n\r\n{body}",
        line(request, "Via"),
        line(request, "From"),
        line(request, "Call-ID"),
        line(request, "CSeq"),
        body.len()
    )
}

const BY_US: &str = "Session-Expires: 1800;refresher=uac\r\nAllow: INVITE, UPDATE\r\n";

/// RFC 4028 §7, §10.
#[test]
fn we_refresh_by_update_at_half_time_for_as_long_as_it_is_answered() {
    let mut world = World::new();
    let (_, invite) = world.talks(BY_US);
    assert_eq!(line(&invite, "Session-Expires"), "1800");
    assert_eq!(line(&invite, "Supported"), "100rel, timer, replaces, norefersub");
    for _ in 0..3 {
        let sent = world.pass(900.0);
        let [(_, update)] = &sent[..] else {
            panic!("{sent:?}")
        };
        assert_eq!(first_word(update), "UPDATE");
        assert_eq!(line(update, "Session-Expires"), "1800;refresher=uac");
        world.hear(&reply(update, 200, "", BY_US, ""));
    }
    assert!(!world.expired());
}

#[test]
fn a_far_side_that_answers_no_refresh_is_gone() {
    let mut world = World::new();
    world.talks(BY_US);
    let sent = world.pass(935.0);
    assert_eq!(
        sent.iter()
            .filter(|(_, text)| first_word(text) == "UPDATE")
            .count(),
        11
    );
    let (at, bye) = sent.iter().find(|(_, text)| first_word(text) == "BYE").unwrap();
    assert!((931.9..932.1).contains(at), "{at}");
    assert!(line(bye, "Reason").contains("Session expired"));
    assert!(world.expired());
    world.pass(64.0);
    assert_eq!(world.agent.load().1, 0);
}

/// RFC 4028 §10: nobody needs to tell us twice.
#[test]
fn a_far_side_that_stops_refreshing_is_gone_in_time() {
    let mut world = World::new();
    world.talks("Session-Expires: 120;refresher=uas\r\n");
    let sent = world.pass(100.0);
    assert!((87.9..88.1).contains(&sent[0].0) && first_word(&sent[0].1) == "BYE");
    assert!(world.expired());
}

#[test]
fn a_session_without_a_word_about_time_has_no_end() {
    let mut world = World::new();
    world.talks("");
    assert!(world.pass(100_000.0).is_empty() && !world.expired());
}

/// RFC 3261 §14.1: both asked at once; who made the Call-ID waits 2.1 to 4 seconds.
#[test]
fn without_update_an_offer_refreshes_and_glare_is_waited_out() {
    let mut world = World::new();
    let (id, _) = world.talks("Session-Expires: 1800;refresher=uac\r\nAllow: INVITE\r\n");
    assert!(world.pass(900.0).is_empty());
    assert!(matches!(world.events[..], [Event::RefreshWanted(wanted)] if wanted == id));
    world.agent.reoffer(world.now, id, OFFER);
    let invite = world.sent().remove(0);
    assert_eq!(
        (first_word(&invite), line(&invite, "CSeq")),
        ("INVITE", "2 INVITE".into())
    );
    world.events.clear();
    let ack = world.hear(&reply(&invite, 491, "", "", ""));
    assert_eq!(first_word(&ack[0]), "ACK");
    world.pass(2.09);
    assert!(world.events.is_empty());
    world.pass(2.0);
    assert!(matches!(world.events[..], [Event::RefreshWanted(_)]));
    world.agent.reoffer(world.now, id, OFFER);
    let again = world.sent().remove(0);
    world.events.clear();
    let ok = reply(&again, 200, "", "", "v=0 again");
    assert_eq!(first_word(&world.hear(&ok)[0]), "ACK");
    assert_eq!(first_word(&world.hear(&ok)[0]), "ACK", "our ACK was lost");
    assert!(matches!(&world.events[..], [Event::Reanswered { body, .. }] if body == b"v=0 again"));
}

#[test]
fn their_offer_while_ours_is_open_is_491() {
    let mut world = World::new();
    let (id, invite) = world.talks("");
    world.agent.reoffer(world.now, id, OFFER);
    world.sent();
    let to_us = format!(
        "From: {};tag=t1\r\nTo: {}\r\nCall-ID: {}\r\n",
        line(&invite, "To"),
        line(&invite, "From"),
        line(&invite, "Call-ID")
    );
    let theirs = world.within(&to_us, "INVITE", 1, "");
    assert_eq!(first_word(&theirs[0]), "491");
}

#[test]
fn a_far_side_that_refuses_update_is_asked_by_invite() {
    let mut world = World::new();
    let (id, _) = world.talks(BY_US);
    let update = world.pass(900.0).remove(0).1;
    world.hear(&reply(&update, 405, "", "", ""));
    world.pass(0.1);
    assert!(matches!(world.events[..], [Event::RefreshWanted(wanted)] if wanted == id));
}

#[test]
fn a_far_side_that_knows_nothing_of_the_session_ends_it() {
    let mut world = World::new();
    world.talks(BY_US);
    let update = world.pass(900.0).remove(0).1;
    let sent = world.hear(&reply(&update, 481, "", "", ""));
    assert_eq!(first_word(&sent[0]), "BYE");
    assert!(world.expired());
}

/// RFC 4028 §7.3.
#[test]
fn a_longer_session_is_asked_for_when_somebody_on_the_way_wants_it() {
    let mut world = World::new();
    let (_, invite) = world.calls();
    let sent = world.hear(&reply(&invite, 422, "t", "Min-SE: 3600\r\n", ""));
    assert_eq!((first_word(&sent[0]), first_word(&sent[1])), ("ACK", "INVITE"));
    assert_eq!(
        (line(&sent[1], "Session-Expires"), line(&sent[1], "Min-SE")),
        ("3600".into(), "3600".into())
    );
    world.hear(&reply(&sent[1], 422, "t", "Min-SE: 3600\r\n", ""));
    assert!(
        matches!(world.events[..], [Event::Refused { status: 422, .. }]),
        "no circle"
    );
}

/// RFC 4028 §9.
#[test]
fn a_session_too_short_is_refused_and_a_fitting_one_granted_and_watched() {
    let mut world = World::new();
    let (none, sent) = world.is_called("Supported: timer\r\nSession-Expires: 60\r\n");
    assert!(none.is_none());
    assert_eq!(
        (first_word(&sent[0]), line(&sent[0], "Min-SE")),
        ("422", "90".into())
    );
    let (id, _) = world.is_called("Supported: timer\r\nSession-Expires: 120\r\n");
    world.agent.answer(world.now, id.unwrap(), OFFER.to_vec());
    let ok = world.sent().remove(0);
    assert_eq!(line(&ok, "Session-Expires"), "120;refresher=uac");
    assert_eq!(line(&ok, "Require"), "timer");
    world.within(&ok, "ACK", 1, "");
    world.pass(60.0);
    let updated = world.within(
        &ok,
        "UPDATE",
        2,
        "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n",
    );
    assert_eq!(
        (first_word(&updated[0]), line(&updated[0], "Session-Expires")),
        ("200", "120;refresher=uac".into())
    );
    world.events.clear();
    assert!(world.pass(87.0).is_empty(), "it started anew");
    assert_eq!(first_word(&world.pass(2.0)[0].1), "BYE");
    assert!(world.expired());
}

/// RFC 3262 §3.
#[test]
fn a_caller_who_requires_it_is_rung_until_its_prack_comes() {
    let mut world = World::new();
    let (id, _) = world.is_called("Require: 100rel\r\n");
    world.agent.ring(world.now, id.unwrap());
    let ringing = world.sent().remove(0);
    assert_eq!(
        (first_word(&ringing), line(&ringing, "Require")),
        ("180", "100rel".into())
    );
    let rseq = line(&ringing, "RSeq");
    let again = world.pass(2.0);
    assert_eq!(again.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0.5, 1.5]);
    assert!(again.iter().all(|(_, text)| *text == ringing));
    assert_eq!(
        first_word(&world.within(&ringing, "PRACK", 2, "RAck: 1 1 INVITE\r\n")[0]),
        "481"
    );
    assert_eq!(first_word(&world.within(&ringing, "PRACK", 3, "")[0]), "400");
    let rack = format!("RAck: {rseq} 1 INVITE\r\n");
    assert_eq!(first_word(&world.within(&ringing, "PRACK", 4, &rack)[0]), "200");
    assert!(world.pass(60.0).is_empty());
    world.agent.answer(world.now, id.unwrap(), OFFER.to_vec());
    assert_eq!(first_word(&world.sent()[0]), "200");
}

#[test]
fn a_caller_who_requires_prack_and_sends_none_is_given_up() {
    let mut world = World::new();
    let (id, _) = world.is_called("Require: 100rel\r\n");
    world.agent.ring(world.now, id.unwrap());
    world.sent();
    let sent = world.pass(33.0);
    let (at, refusal) = sent.iter().find(|(_, text)| first_word(text) != "180").unwrap();
    assert_eq!((*at, first_word(refusal)), (32.0, "504"));
    assert!(matches!(world.events[..], [Event::Left(_)]));
}

#[test]
fn an_answer_ends_the_ringing_that_nobody_acknowledged() {
    let mut world = World::new();
    let (id, _) = world.is_called("Require: 100rel\r\n");
    world.agent.ring(world.now, id.unwrap());
    world.agent.answer(world.now, id.unwrap(), OFFER.to_vec());
    let ok = world.sent().remove(1);
    world.within(&ok, "ACK", 1, "");
    assert!(world.pass(40.0).is_empty());
}

/// RFC 3262 §4, RFC 3261 §13.2.2.4.
#[test]
fn each_fork_that_rings_reliably_gets_its_prack_and_the_first_answer_wins() {
    let mut world = World::new();
    let (_, invite) = world.calls();
    let rings = |tag: &str, rseq: u32, body: &str| {
        reply(
            &invite,
            183,
            tag,
            &format!("Require: 100rel\r\nRSeq: {rseq}\r\n"),
            body,
        )
    };
    let prack = world.hear(&rings("a", 7, "v=0 early")).remove(0);
    assert_eq!(
        (first_word(&prack), line(&prack, "RAck")),
        ("PRACK", "7 1 INVITE".into())
    );
    assert!(line(&prack, "To").ends_with("tag=a") && line(&prack, "CSeq") == "2 PRACK");
    assert!(
        world.hear(&rings("a", 7, "v=0 early")).is_empty(),
        "it came again"
    );
    assert!(world.hear(&rings("a", 9, "")).is_empty(), "one is missing");
    let second = world.hear(&rings("a", 8, "")).remove(0);
    assert_eq!(line(&second, "RAck"), "8 1 INVITE");
    let other = world.hear(&rings("b", 100, "")).remove(0);
    assert!(line(&other, "To").ends_with("tag=b"));
    world.events.clear();
    let ack = world.hear(&reply(&invite, 200, "a", "", ""));
    assert_eq!(first_word(&ack[0]), "ACK");
    assert!(matches!(&world.events[..], [Event::Answered { body, .. }] if body == b"v=0 early"));
    let sent = world.hear(&reply(&invite, 200, "b", "", "v=0 late"));
    assert_eq!((first_word(&sent[0]), first_word(&sent[1])), ("ACK", "BYE"));
    assert!(
        line(&sent[1], "To").ends_with("tag=b") && line(&sent[1], "CSeq") == "5 BYE",
        "{}",
        sent[1]
    );
}

/// RFC 3261 §12.2.2: a challenged request leaves a gap.
#[test]
fn gaps_in_cseq_are_accepted_and_steps_back_are_not() {
    let mut world = World::new();
    let (id, _) = world.is_called("");
    world.agent.answer(world.now, id.unwrap(), OFFER.to_vec());
    let ok = world.sent().remove(0);
    world.within(&ok, "ACK", 1, "");
    assert_eq!(first_word(&world.within(&ok, "INFO", 9, "")[0]), "200");
    assert_eq!(first_word(&world.within(&ok, "INFO", 5, "")[0]), "500");
    assert_eq!(first_word(&world.within(&ok, "BYE", 11, "")[0]), "200");
}

/// RFC 3261 §8.2.2.2.
#[test]
fn a_call_that_comes_on_two_ways_is_served_once() {
    let mut world = World::new();
    let invite = |branch: &str| {
        format!(
            "INVITE sip:8000@callpost SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch={branch}\r\nFrom: <sip:050@pbx>;tag=f\r\n\
             To: <sip:8000@callpost>\r\nCall-ID: two\r\nCSeq: 1 INVITE\r\nContact: <sip:050@{PBX}>\r\n\r\n"
        )
    };
    assert_eq!(first_word(&world.hear(&invite("z9hG4bKone"))[0]), "100");
    assert_eq!(first_word(&world.hear(&invite("z9hG4bKtwo"))[0]), "482");
    assert_eq!(world.agent.load().1, 1);
}

/// RFC 7616 §3.4.5: the nonce is used on, and counted; a registrar that has had enough of it asks anew.
#[test]
fn a_registration_counts_its_nonce_up() {
    let mut world = World::with_trunk(true);
    let register = world.pass(0.0).remove(0).1;
    let challenge =
        |nonce: &str| format!("WWW-Authenticate: Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"\r\n");
    let proved = world
        .hear(&reply(&register, 401, "t", &challenge("n1"), ""))
        .remove(0);
    assert!(line(&proved, "Authorization").contains("nc=00000001"), "{proved}");
    world.hear(&reply(&proved, 200, "t", "Expires: 600\r\n", ""));
    let mut sent = Vec::new();
    while sent.is_empty() {
        sent = world.pass(1.0);
    }
    let second = sent.remove(0).1;
    let credentials = line(&second, "Authorization");
    assert!(
        credentials.contains("nonce=\"n1\"") && credentials.contains("nc=00000002"),
        "{second}"
    );
    let third = world
        .hear(&reply(&second, 401, "t", &challenge("n2"), ""))
        .remove(0);
    let credentials = line(&third, "Authorization");
    assert!(
        credentials.contains("nonce=\"n2\"") && credentials.contains("nc=00000001"),
        "{third}"
    );
    let refused = world.hear(&reply(&third, 401, "t", &challenge("n3"), ""));
    assert!(refused.is_empty(), "a wrong password is not tried again at once");
}

/// ROBUSTNESS 34: a callee behind the trunk who challenges learns nothing.
#[test]
fn only_the_trunks_own_realm_gets_our_digest() {
    let mut world = World::with_trunk(true);
    let register = world.pass(0.0).remove(0).1;
    let challenge =
        |realm: &str| format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"\r\n");
    world.hear(&reply(&register, 401, "t", &challenge("pbx"), ""));
    let trunk = || Destination::Trunk {
        trunk: "pbx".into(),
        number: "1001".into(),
    };
    let (_, invite) = world.calls_at(trunk());
    let sent = world.hear(&reply(&invite, 401, "t", &challenge("attacker"), ""));
    assert_eq!(
        sent.iter().map(|text| first_word(text)).collect::<Vec<_>>(),
        ["ACK"]
    );
    let (_, invite) = world.calls_at(trunk());
    let sent = world.hear(&reply(&invite, 401, "t", &challenge("pbx"), ""));
    assert!(line(&sent[1], "Authorization").contains("realm=\"pbx\""));
    let (_, invite) = world.calls();
    let sent = world.hear(&reply(&invite, 401, "t", &challenge("pbx"), ""));
    assert_eq!(
        sent.len(),
        1,
        "a phone never gets one, whatever it calls its realm"
    );
}

/// RFC 3327 §5.1.
#[test]
fn a_phone_behind_a_proxy_is_called_through_it() {
    let mut world = World::new();
    let (extension, contact) = (Number::from("1001"), "sip:1001@10.0.0.5".to_owned());
    let binding = model::Binding {
        extension: extension.clone(),
        contact: contact.clone(),
        flow: format!("udp {PBX} {BOX} <sip:edge.example.com;lr>"),
        call_id: "r".to_owned(),
        cseq: 1,
        q: 1000,
        user_agent: None,
        instance: None,
        reg_id: None,
        expires_at_unix_ms: 60_000,
    };
    world.agent.restore(world.now, 0, vec![binding]);
    let (_, invite) = world.calls_at(Destination::Registered { extension, contact });
    assert!(
        invite.starts_with("INVITE sip:1001@10.0.0.5 SIP/2.0\r\n"),
        "{invite}"
    );
    assert_eq!(line(&invite, "Route"), "<sip:edge.example.com;lr>");
}

/// RFC 3911 §4.
#[test]
fn nobody_is_mixed_into_a_call() {
    let mut world = World::new();
    let (_, invite) = world.talks("");
    let tag = line(&invite, "From").split("tag=").nth(1).unwrap().to_owned();
    let known = format!("Join: {};to-tag={tag};from-tag=t1\r\n", line(&invite, "Call-ID"));
    for (lines, status) in [
        (known.as_str(), "488"),
        ("Join: x;to-tag=1;from-tag=2\r\n", "481"),
        ("Join: x\r\n", "400"),
        (
            "Join: x;to-tag=1;from-tag=2\r\nReplaces: x;to-tag=1;from-tag=2\r\n",
            "400",
        ),
    ] {
        let (session, sent) = world.is_called(lines);
        assert_eq!((session, first_word(&sent[0])), (None, status), "{lines}");
    }
}

#[test]
fn a_trunk_that_challenges_our_bye_gets_it_again_once_and_a_phone_does_not() {
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\r\n";
    let farewell = Farewell {
        status: 480,
        retry_after_seconds: None,
        reasons: &["Q.850;cause=16"],
    };
    let mut world = World::with_trunk(true);
    let trunk = Destination::Trunk {
        trunk: "pbx".into(),
        number: "1001".into(),
    };
    for (destination, byes) in [(trunk, 2), (Destination::Contact(format!("sip:1001@{PBX}")), 1)] {
        let (id, invite) = world.calls_at(destination);
        world.hear(&reply(&invite, 200, "t1", "", "v=0 answer"));
        world.agent.release(world.now, id, farewell);
        let mut sent = world.sent();
        for number in 1..=byes {
            let bye = sent.remove(0);
            assert_eq!(
                (first_word(&bye), line(&bye, "Reason")),
                ("BYE", "Q.850;cause=16".into())
            );
            assert_eq!(line(&bye, "CSeq"), format!("{} BYE", number + 1));
            assert_eq!(line(&bye, "Authorization").is_empty(), number == 1);
            sent = world.hear(&reply(&bye, 401, "", challenge, ""));
        }
        assert!(sent.is_empty() && world.agent.load().1 == 0);
    }
}

/// RFC 3261 §22.2: a re-INVITE that a trunk challenges goes out once more with the trunk's own credentials.
#[test]
fn a_trunk_that_challenges_our_reinvite_gets_it_again_once_and_a_phone_does_not() {
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\r\n";
    let mut world = World::with_trunk(true);
    let trunk = Destination::Trunk {
        trunk: "pbx".into(),
        number: "1001".into(),
    };
    for (destination, times) in [(trunk, 2), (Destination::Contact(format!("sip:1001@{PBX}")), 1)] {
        let (id, invite) = world.calls_at(destination);
        world.hear(&reply(&invite, 200, "t1", "", "v=0 answer"));
        world.agent.reoffer(world.now, id, b"v=0 offer");
        let mut sent = world.sent();
        for number in 1..=times {
            let asked = sent.pop().unwrap();
            assert_eq!(first_word(&asked), "INVITE");
            assert!(asked.ends_with("v=0 offer"), "{asked}");
            assert_eq!(line(&asked, "CSeq"), format!("{} INVITE", number + 1));
            assert_eq!(line(&asked, "Authorization").is_empty(), number == 1);
            sent = world.hear(&reply(&asked, 401, "", challenge, ""));
            assert_eq!(first_word(&sent[0]), "ACK");
        }
        assert_eq!(sent.len(), 1, "asked for ever");
    }
}

/// An UPDATE of the phone that rings for an INVITE of ours.
fn early_update(invite: &str, tag: &str, cseq: u32, body: &str) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "UPDATE sip:box@{BOX} SIP/2.0\r\nVia: SIP/2.0/UDP {PBX};branch=z9hG4bKe{cseq}{tag}\r\nMax-Forwards: 70\r\n\
         From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} UPDATE\r\nContact: <sip:1001@{PBX}>\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        line(invite, "To"),
        line(invite, "From"),
        line(invite, "Call-ID"),
        body.len()
    )
}

/// RFC 3311 §5.2.
#[test]
fn a_phone_that_rings_may_change_the_sound_once_offer_and_answer_are_settled() {
    let mut world = World::new();
    let (id, invite) = world.calls();
    let status = |world: &mut World, tag: &str, cseq, body: &str| {
        let sent = world.hear(&early_update(&invite, tag, cseq, body));
        first_word(&sent[0]).to_owned()
    };
    assert_eq!(status(&mut world, "a", 1, ""), "481", "nobody rings yet");
    world.hear(&reply(&invite, 183, "a", "", "v=0 early"));
    assert_eq!(status(&mut world, "a", 2, ""), "200");
    assert_eq!(
        status(&mut world, "a", 3, "v=0 anew"),
        "491",
        "the 183 was no answer"
    );
    assert_eq!(status(&mut world, "b", 4, ""), "481");
    let lines = "Require: 100rel\r\nRSeq: 7\r\n";
    world.hear(&reply(&invite, 183, "a", lines, "v=0 early"));
    world.events.clear();
    let silent = world.hear(&early_update(&invite, "a", 5, "v=0 anew"));
    assert!(silent.is_empty(), "the engine answers: {silent:?}");
    assert!(matches!(&world.events[..], [Event::Offered { body: Some(body), .. }] if body == b"v=0 anew"));
    world.agent.accept_offer(world.now, id, b"v=0 ours".to_vec());
    let accepted = world.sent().remove(0);
    assert_eq!(first_word(&accepted), "200");
    assert!(accepted.ends_with("v=0 ours"));
    world.events.clear();
    world.hear(&reply(&invite, 200, "a", "", ""));
    assert!(
        matches!(&world.events[..], [Event::Answered { body, .. }] if body.is_empty()),
        "the SDP of the 183 has been overtaken: {:?}",
        world.events
    );
}

/// RFC 3311 §5.2: the caller has to wait with another offer until the first one is answered.
#[test]
fn a_caller_may_refresh_before_the_answer_but_not_offer_anew() {
    let mut world = World::new();
    let (id, _) = world.is_called("");
    world.agent.ring(world.now, id.unwrap());
    let ringing = world.sent().remove(0);
    assert_eq!(first_word(&world.within(&ringing, "UPDATE", 2, "")[0]), "200");
    let offers = "Content-Type: application/sdp\r\nContent-Length: 9\r\n\r\nv=0 offer";
    let refused = world.within(&ringing, "UPDATE", 3, offers).remove(0);
    assert_eq!(
        (first_word(&refused), line(&refused, "Retry-After")),
        ("500", "1".into())
    );
}

/// RFC 3261 §12.2.2: the order of requests counts before the answer as after it, for each phone that rings by itself.
#[test]
fn what_a_phone_asks_while_it_rings_comes_in_order() {
    let mut world = World::new();
    let (_, invite) = world.calls();
    world.hear(&reply(&invite, 183, "a", "", "v=0 early"));
    let lines = "Require: 100rel\r\nRSeq: 7\r\n";
    world.hear(&reply(&invite, 183, "b", lines, ""));
    let status = |world: &mut World, tag: &str, cseq| {
        let sent = world.hear(&early_update(&invite, tag, cseq, ""));
        first_word(&sent[0]).to_owned()
    };
    assert_eq!(status(&mut world, "a", 5), "200");
    assert_eq!(status(&mut world, "a", 4), "500");
    assert_eq!(status(&mut world, "b", 4), "200", "another phone, another order");
    let ok = reply(&invite, 200, "a", "", "v=0 answer");
    world.hear(&ok);
    let bye = |cseq| early_update(&invite, "a", cseq, "").replace("UPDATE", "BYE");
    assert_eq!(first_word(&world.hear(&bye(3))[0]), "500");
    assert_eq!(first_word(&world.hear(&bye(9))[0]), "200");
}

/// RFC 3262 §4, RFC 3261 §22.2: a trunk that challenges our PRACK gets it again, with credentials and the same RAck; a phone
/// does not (ROBUSTNESS 34).
#[test]
fn a_trunk_that_challenges_our_prack_gets_it_again_once_and_a_phone_does_not() {
    let challenge = "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n\", qop=\"auth\"\r\n";
    let mut world = World::with_trunk(true);
    let trunk = Destination::Trunk {
        trunk: "pbx".into(),
        number: "1001".into(),
    };
    for (destination, times) in [(trunk, 2), (Destination::Contact(format!("sip:1001@{PBX}")), 1)] {
        let (_, invite) = world.calls_at(destination);
        let ringing = |rseq: u32| {
            let lines = format!("Require: 100rel\r\nRSeq: {rseq}\r\n");
            reply(&invite, 183, "a", &lines, "")
        };
        let first = world.hear(&ringing(7)).remove(0);
        // The next ringing overtakes the challenge of the first.
        let second = world.hear(&ringing(8)).remove(0);
        assert_eq!(line(&second, "RAck"), "8 1 INVITE");
        let mut sent = vec![first];
        for number in 1..=times {
            let prack = sent.pop().unwrap();
            assert_eq!(
                (first_word(&prack), line(&prack, "RAck")),
                ("PRACK", "7 1 INVITE".into())
            );
            assert!(line(&prack, "To").ends_with("tag=a"));
            assert_eq!(line(&prack, "CSeq"), format!("{} PRACK", 2 * number));
            let proof = line(&prack, "Proxy-Authorization");
            assert_eq!(proof.is_empty(), number == 1, "{proof}");
            assert!(
                number == 1 || proof.contains(&format!("uri=\"sip:1001@{PBX}\"")),
                "{proof}"
            );
            sent = world.hear(&reply(&prack, 407, "", challenge, ""));
        }
        assert!(sent.is_empty(), "asked for ever: {sent:?}");
        world.hear(&reply(&second, 200, "", "", ""));
        world.hear(&reply(&invite, 200, "a", "", "v=0 answer"));
        assert!(matches!(world.events.last(), Some(Event::Answered { .. })));
    }
}

/// RFC 3262 §5: once offer and answer of the INVITE are settled, a PRACK may offer anew, and its 200 has the answer.
#[test]
fn a_prack_may_bring_an_offer_and_its_200_has_the_answer() {
    let mut world = World::new();
    let offer = "Supported: 100rel\r\nRequire: 100rel\r\nContent-Type: application/sdp\r\nContent-Length: 9\r\n\r\nv=0 first";
    let (id, _) = world.is_called(offer);
    let id = id.unwrap();
    let with_offer = |rack: &str| {
        format!("RAck: {rack}\r\nContent-Type: application/sdp\r\nContent-Length: 8\r\n\r\nv=0 anew")
    };
    world.agent.ring_early(world.now, id, 183, b"v=0 answer".to_vec());
    let ringing = world.sent().remove(0);
    let rack = |ringing: &str| format!("{} 1 INVITE", line(ringing, "RSeq"));
    // The call is answered meanwhile, and the answer waits for the PRACK.
    world.agent.answer(world.now, id, b"v=0 answer".to_vec());
    assert!(world.sent().is_empty());
    let silent = world.within(&ringing, "PRACK", 2, &with_offer(&rack(&ringing)));
    assert!(silent.is_empty(), "the engine answers: {silent:?}");
    assert!(
        matches!(world.events.pop(), Some(Event::Offered { body: Some(body), .. }) if body == b"v=0 anew")
    );
    world.agent.accept_offer(world.now, id, b"v=0 ours".to_vec());
    let sent = world.sent();
    assert_eq!(line(&sent[0], "CSeq"), "2 PRACK");
    assert!(
        first_word(&sent[0]) == "200" && sent[0].ends_with("v=0 ours"),
        "{}",
        sent[0]
    );
    assert_eq!(
        (first_word(&sent[1]), line(&sent[1], "CSeq").as_str()),
        ("200", "1 INVITE")
    );
    assert!(
        sent[1].ends_with("\r\n\r\n"),
        "nothing more is said of it: {}",
        sent[1]
    );
}

/// An offer that cannot be used leaves everything as it was; what the PRACK acknowledges is acknowledged.
#[test]
fn a_prack_whose_offer_is_not_taken_acknowledges_all_the_same() {
    let mut world = World::new();
    let (id, _) = world
        .is_called("Require: 100rel\r\nContent-Type: application/sdp\r\nContent-Length: 9\r\n\r\nv=0 first");
    let id = id.unwrap();
    world.agent.ring(world.now, id);
    let ringing = world.sent().remove(0);
    let offer = "Content-Type: application/sdp\r\nContent-Length: 8\r\n\r\nv=0 anew";
    let early = format!("RAck: {} 1 INVITE\r\n{offer}", line(&ringing, "RSeq"));
    assert_eq!(
        first_word(&world.within(&ringing, "PRACK", 2, &early)[0]),
        "488",
        "the first offer has no answer yet"
    );
    assert!(world.pass(20.0).is_empty(), "it is not repeated");
    world.agent.ring_early(world.now, id, 183, b"v=0 answer".to_vec());
    let ringing = world.sent().remove(0);
    let refused = format!("RAck: {} 1 INVITE\r\n{offer}", line(&ringing, "RSeq"));
    world.within(&ringing, "PRACK", 3, &refused);
    world.agent.refuse_offer(world.now, id, 488);
    assert_eq!(first_word(&world.sent()[0]), "488");
    let text = format!(
        "RAck: {} 1 INVITE\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
        line(&ringing, "RSeq")
    );
    assert_eq!(first_word(&world.within(&ringing, "PRACK", 4, &text)[0]), "415");
    assert!(world.pass(20.0).is_empty());
    world.agent.answer(world.now, id, b"v=0 answer".to_vec());
    assert_eq!(first_word(&world.sent()[0]), "200");
}
