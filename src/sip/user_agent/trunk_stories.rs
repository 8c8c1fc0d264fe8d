//! Trunks over the wire in virtual time: names, targets that fail, registrations that are refused, what is sent where.

use super::*;
use crate::model::Destination;
use crate::sip::transaction::tests::origin;
use crate::sip::{Listener, RegistrationTimes, ResolveError, Secret, Target, Transport, Trunk};
use std::net::SocketAddr;
use std::time::Duration;

const BOX: &str = "192.0.2.1:5060";

struct World {
    agent: UserAgent,
    start: Instant,
    now: Instant,
    events: Vec<Event>,
    queries: Vec<Query>,
}

/// One message of the box: when, where to, what.
struct Sent {
    at: f64,
    to: String,
    text: String,
}

impl Sent {
    fn is(&self, method: &str) -> bool {
        self.text.starts_with(method)
    }

    fn line(&self, name: &str) -> &str {
        let found = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }
}

fn target(last: u8, priority: u16) -> Target {
    Target {
        address: SocketAddr::from(([192, 0, 2, last], 5060)),
        transport: Transport::Udp,
        priority,
        weight: 0,
    }
}

fn registering(host: &str) -> Trunk {
    Trunk {
        credentials: Some(Secret {
            username: "box".to_owned(),
            password: "secret".to_owned(),
        }),
        register: true,
        ..Trunk::new("carrier".into(), host, None, None)
    }
}

impl World {
    fn new(trunk: Trunk) -> Self {
        let settings = Settings {
            realm: "callpost".to_owned(),
            digests: super::super::digest::Algorithm::ALL.to_vec(),
            product: "callpost".to_owned(),
            qualify_every: None,
            registrations: RegistrationTimes::default(),
            listeners: vec![Listener {
                transport: Transport::Udp,
                address: BOX.parse().unwrap(),
            }],
            accounts: Vec::new(),
            trunks: vec![trunk],
            guard: Default::default(),
        };
        let now = origin();
        Self {
            agent: UserAgent::new(now, settings, Dice::from_number(5)),
            start: now,
            now,
            events: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// A carrier that is not probed: known by name, with these targets, or by address.
    fn of_targets(mut trunk: Trunk, targets: &[Target]) -> Self {
        trunk.probe_every = None;
        let mut world = Self::new(trunk);
        if !targets.is_empty() {
            world.pass(0.0);
            world.answer_dns(Ok(targets.to_vec()), 3600);
        }
        world
    }

    fn answer_dns(&mut self, result: Result<Vec<Target>, ResolveError>, ttl: u64) {
        let query = self.queries.pop().expect("nothing was asked");
        self.agent
            .resolved(self.now, query.token, result, Duration::from_secs(ttl));
    }

    fn sent(&mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Send { flow, bytes } => sent.push(Sent {
                    at: (self.now - self.start).as_secs_f64(),
                    to: flow.peer.to_string(),
                    text: String::from_utf8(bytes.to_vec()).unwrap(),
                }),
                Output::Keep { .. } | Output::Close(_) => {}
                Output::Resolve(query) => self.queries.push(query),
                Output::Event(event) => self.events.push(event),
            }
        }
        sent
    }

    fn pass(&mut self, seconds: f64) -> Vec<Sent> {
        let until = self.now + Duration::from_secs_f64(seconds);
        let mut all = self.sent();
        while let Some(at) = self.agent.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.deadline_reached(self.now);
            all.extend(self.sent());
        }
        self.now = until;
        all
    }

    /// Lets time pass until the box sends such a request.
    fn until(&mut self, method: &str) -> Sent {
        loop {
            let at = self.agent.next_deadline().expect("nothing is going to happen");
            self.now = self.now.max(at);
            self.agent.deadline_reached(self.now);
            if let Some(sent) = self.sent().into_iter().find(|sent| sent.is(method)) {
                return sent;
            }
        }
    }

    /// The target a request went to answers it.
    fn answer(&mut self, request: &Sent, status: &str, more: &str) -> Vec<Sent> {
        self.answer_from(&request.to.clone(), request, status, more)
    }

    fn answer_from(&mut self, source: &str, request: &Sent, status: &str, more: &str) -> Vec<Sent> {
        let mut text = format!("SIP/2.0 {status} x\r\n");
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", request.line(name));
        }
        text += &format!(
            "To: {};tag=far\r\n{more}Content-Length: 0\r\n\r\n",
            request.line("To")
        );
        let flow: Flow = format!("udp {source} {BOX}").parse().unwrap();
        self.agent.receive(self.now, &flow, text.as_bytes());
        self.sent()
    }

    fn calls(&mut self, elsewhere: bool) -> (SessionId, Sent) {
        let invitation = Invitation {
            destination: Destination::Trunk {
                trunk: "carrier".into(),
                number: "0112345678".into(),
            },
            caller_number: "1001".into(),
            caller_name: None,
            hidden: false,
            referred_by: None,
            replaces: None,
            elsewhere,
        };
        let route = self.agent.route(self.now, &invitation.destination).unwrap();
        let id = self.agent.invite(self.now, &invitation, route, b"v=0".to_vec());
        (id, self.sent().remove(0))
    }

    fn outcomes(&mut self) -> Vec<Result<u32, u16>> {
        let events = std::mem::take(&mut self.events);
        let outcome = |event| {
            if let Event::Registered { outcome, .. } = event {
                Some(outcome)
            } else {
                None
            }
        };
        events.into_iter().filter_map(outcome).collect()
    }
}

fn registers(sent: &[Sent]) -> Vec<(&str, f64)> {
    sent.iter()
        .filter(|sent| sent.is("REGISTER") && !sent.text.contains("Expires: 0"))
        .map(|sent| (sent.to.as_str(), sent.at))
        .collect()
}

fn challenge(realm: &str, nonce: &str, stale: bool) -> String {
    let stale = if stale { ", stale=true" } else { "" };
    format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"{stale}\r\n")
}

const A: &str = "192.0.2.101:5060";
const B: &str = "192.0.2.102:5060";

fn two() -> [Target; 2] {
    [target(101, 10), target(102, 20)]
}

#[test]
fn a_name_is_asked_for_and_the_trunk_met_when_it_is_found() {
    let mut world = World::new(registering("sip.example.com"));
    let sent = world.pass(1.0);
    assert!(sent.is_empty(), "nobody knows where it is");
    let asked = (
        world.queries[0].host.as_str(),
        world.queries[0].port,
        world.queries[0].transport,
    );
    assert_eq!(asked, ("sip.example.com", None, None));
    world.answer_dns(Ok(two().to_vec()), 3600);
    let sent = world.pass(0.0);
    let first: Vec<_> = sent
        .iter()
        .map(|sent| (&sent.text[..8], sent.to.as_str()))
        .collect();
    assert_eq!(first, [("OPTIONS ", A), ("REGISTER", A)]);
    assert!(sent[1].text.starts_with("REGISTER sip:sip.example.com SIP/2.0"));
    assert!(world.agent.settings().trunks[0].admits([192, 0, 2, 102].into()));
}

/// ROBUSTNESS 72: an answer that leads to ourselves or to loopback is none.
#[test]
fn dns_cannot_send_us_to_ourselves_or_to_loopback() {
    let mut world = World::new(registering("sip.example.com"));
    world.pass(0.0);
    let mut evil = vec![
        target(1, 0),
        target(9, 0),
        target(9, 0),
        target(9, 0),
        target(9, 0),
    ];
    for (target, address) in
        evil.iter_mut()
            .skip(1)
            .zip(["127.0.0.1:5060", "224.0.0.1:5060", "0.0.0.0:5060", "192.0.2.9:0"])
    {
        target.address = address.parse().unwrap();
    }
    world.answer_dns(Ok(evil), 3600);
    assert!(world.pass(3.0).is_empty());
    assert!(!world.agent.settings().trunks[0].admits([127, 0, 0, 1].into()));
}

/// RFC 3263 §4.3: 503 and silence lead to the next target, with a branch of its own.
#[test]
fn an_invite_goes_on_to_the_next_target() {
    let mut world = World::of_targets(
        Trunk::new("carrier".into(), "sip.example.com", None, None),
        &two(),
    );
    let (id, first) = world.calls(true);
    assert_eq!(first.to, A);
    let sent = world.answer(&first, "503", "");
    assert_eq!(world.agent.signals_to(id), Some([192, 0, 2, 102].into()));
    assert!(sent[0].is("ACK") && sent[0].to == A);
    let second = &sent[1];
    assert_eq!(second.to, B);
    assert_eq!(second.line("Call-ID"), first.line("Call-ID"));
    assert_ne!(second.line("Via"), first.line("Via"));
    world.answer(second, "486", "");
    assert!(
        matches!(world.events[..], [Event::Refused { status: 486, .. }]),
        "{:?}",
        world.events
    );
    let (_, next) = world.calls(true);
    assert_eq!(next.to, B, "who failed is left alone for a while");
    world.answer(&next, "486", "");
    world.pass(61.0);
    assert_eq!(world.calls(true).1.to, A, "and then asked again");
}

#[test]
fn silence_of_four_seconds_leads_to_the_next_target_and_a_late_answer_is_turned_down() {
    let mut world = World::of_targets(
        Trunk::new("carrier".into(), "sip.example.com", None, None),
        &two(),
    );
    let (_, first) = world.calls(false);
    let sent = world.pass(16.0);
    let second = sent
        .iter()
        .find(|sent| sent.is("INVITE") && sent.to == B)
        .expect("no second target");
    assert!(
        (15.9..16.1).contains(&second.at) || (3.9..4.1).contains(&second.at),
        "{}",
        second.at
    );
    let late = world.answer(&first, "180", "");
    assert!(late[0].is("CANCEL") && late[0].to == A, "{}", late[0].text);
    let ok = "Contact: <sip:far@192.0.2.102>\r\n";
    let answered = world.answer(second, "200", ok);
    assert!(answered[0].is("ACK"));
    assert!(
        world
            .events
            .iter()
            .any(|event| matches!(event, Event::Answered { .. }))
    );
    let crossed = world.answer(&first, "200", "Contact: <sip:far@192.0.2.101>\r\n");
    assert!(
        crossed[0].is("ACK") && crossed[1].is("BYE"),
        "both would talk to us"
    );
}

#[test]
fn a_trunk_that_is_silent_to_the_end_is_given_up_and_its_late_answer_ended() {
    let mut world = World::of_targets(Trunk::new("carrier".into(), "192.0.2.101", None, None), &[]);
    let (_, first) = world.calls(true);
    world.pass(4.1);
    assert!(
        matches!(world.events[..], [Event::Refused { status: 408, .. }]),
        "{:?}",
        world.events
    );
    let late = world.answer(&first, "180", "");
    assert!(late[0].is("CANCEL"));
    world.pass(70.0);
    assert_eq!(world.agent.load(), (0, 0), "nothing is left of it");
}

/// RFC 3261 §10.2.8.
#[test]
fn a_registrar_that_wants_to_keep_us_longer_is_asked_for_longer() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    let longer = world.answer(&sent[0], "423", "Min-Expires: 1800\r\n").remove(0);
    assert_eq!(longer.line("Expires"), "1800");
    let again = world.answer(&longer, "423", "Min-Expires: 1800\r\n");
    assert!(again.is_empty(), "no circle");
    assert_eq!(world.outcomes(), [Err(423)]);
}

#[test]
fn a_stale_nonce_is_no_refusal_and_a_wrong_password_is_not_hammered() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let mut sent = world.pass(0.0).remove(0);
    sent = world
        .answer(&sent, "401", &challenge("pbx", "n1", false))
        .remove(0);
    sent = world
        .answer(&sent, "401", &challenge("pbx", "n2", true))
        .remove(0);
    assert!(sent.line("Authorization").contains("n2"));
    assert!(
        world
            .answer(&sent, "401", &challenge("pbx", "n3", false))
            .is_empty()
    );
    assert_eq!(world.outcomes(), [Err(401)]);
    let tries = registers(&world.pass(3600.0)).len();
    assert!((2..=3 * 11).contains(&tries), "{tries} datagrams in an hour");
}

/// ROBUSTNESS 87: no storm; pauses grow, and are not all alike.
#[test]
fn a_silent_registrar_is_asked_with_growing_pauses() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(7200.0);
    let mut rounds: Vec<f64> = Vec::new();
    for (_, at) in registers(&sent) {
        if rounds.last().is_none_or(|last| at - last > 5.0) {
            rounds.push(at);
        }
    }
    assert!((6..=12).contains(&rounds.len()), "{rounds:?}");
    let pauses: Vec<f64> = rounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        pauses[0] >= 30.0 && pauses.windows(2).take(5).all(|pair| pair[1] > pair[0]),
        "{pauses:?}"
    );
    assert!(registers(&sent).len() < 100);
}

#[test]
fn a_registration_moves_to_the_next_target_and_calls_follow_it() {
    let mut world = World::of_targets(registering("sip.example.com"), &two());
    let sent = world.pass(4.5);
    let to: Vec<&str> = registers(&sent).into_iter().map(|(to, _)| to).collect();
    assert_eq!((to.first(), to.last()), (Some(&A), Some(&B)));
    world.answer(
        sent.last().unwrap(),
        "200",
        "Service-Route: <sip:192.0.2.102;lr>\r\nExpires: 600\r\n",
    );
    assert_eq!(world.outcomes(), [Ok(600)]);
    let (_, invite) = world.calls(false);
    assert_eq!(
        (invite.to.as_str(), invite.line("Route")),
        (B, "<sip:192.0.2.102;lr>")
    );
}

/// RFC 3261 §10.2.4: of the contacts a registrar names, ours counts.
#[test]
fn the_time_of_our_own_contact_counts_and_half_of_it_is_waited() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    let contacts = "Contact: <sip:box@192.0.2.77:5060>;expires=40, <sip:box@192.0.2.1:5060>;expires=1000\r\n";
    world.answer(&sent[0], "200", contacts);
    assert_eq!(world.outcomes(), [Ok(1000)]);
    let again = registers(&world.pass(1000.0))[0].1;
    assert!((450.0..=550.0).contains(&again), "{again}");
}

#[test]
fn the_box_takes_leave_of_its_registrar() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    world.answer(&sent[0], "200", "Expires: 600\r\n");
    world.agent.take_leave(world.now);
    let gone = world.sent().remove(0);
    assert_eq!((gone.line("Expires"), world.agent.is_parting()), ("0", true));
    world.answer(&gone, "200", "");
    assert!(!world.agent.is_parting());
    assert!(world.pass(3600.0).iter().all(|sent| !sent.is("REGISTER")));
}

#[test]
fn a_registrar_that_is_gone_keeps_nobody_from_going() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    world.answer(&sent[0], "200", "Expires: 600\r\n");
    world.agent.take_leave(world.now);
    world.pass(2.1);
    assert!(!world.agent.is_parting());
}

/// ROBUSTNESS 87: down within seconds, back within half a minute, and no storm of registrations then.
#[test]
fn a_trunk_that_flaps_is_seen_soon_and_asked_gently() {
    let mut trunk = registering("192.0.2.101");
    trunk.probe_every = Some(Duration::from_secs(30));
    let mut world = World::new(trunk);
    world.pass(4.1);
    let outages = |world: &mut World| {
        let events = std::mem::take(&mut world.events);
        let probed = events.into_iter().filter_map(|event| {
            if let Event::TrunkProbed { outcome, .. } = event {
                Some(outcome.err())
            } else {
                None
            }
        });
        probed.collect::<Vec<_>>()
    };
    assert_eq!(outages(&mut world), [Some(Outage::Silent)]);
    let sent = world.pass(12.0);
    let probe = sent
        .iter()
        .rfind(|sent| sent.is("OPTIONS"))
        .expect("asked again soon");
    world.answer(probe, "404", "");
    assert_eq!(outages(&mut world), [None]);
    let sent = world.pass(31.0);
    assert!(!registers(&sent).is_empty(), "the registration is made up for");
    let probe = world.until("OPTIONS");
    world.answer(&probe, "503", "");
    assert!(outages(&mut world).contains(&Some(Outage::Refuses(503))));
}

/// ROBUSTNESS 34: the answer to a challenge goes to who has our password, and to nobody else.
#[test]
fn a_challenge_from_elsewhere_gets_no_digest() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    let stolen = world.answer_from(
        "198.51.100.7:5060",
        &sent[0],
        "401",
        &challenge("pbx", "n", false),
    );
    assert!(stolen.iter().all(|sent| !sent.text.contains("Authorization")));
    let mut trunk = registering("192.0.2.101");
    trunk.realm = Some("pbx".to_owned());
    let mut world = World::of_targets(trunk, &[]);
    let sent = world.pass(0.0);
    assert!(
        world
            .answer(&sent[0], "401", &challenge("other", "n", false))
            .is_empty()
    );
}

#[test]
fn the_last_good_answer_of_dns_serves_on() {
    let mut world = World::of_targets(
        Trunk::new("carrier".into(), "sip.example.com", None, None),
        &two(),
    );
    world.pass(3601.0);
    world.answer_dns(Err(ResolveError::NoAnswer), 0);
    assert_eq!(world.calls(false).1.to, A);
    world.pass(31.0);
    assert_eq!(world.queries.len(), 1, "and it is asked again");
}

impl World {
    fn reconfigured(&mut self, change: impl FnOnce(&mut Vec<Trunk>)) -> Vec<Sent> {
        let mut settings = self.agent.settings().clone();
        change(&mut settings.trunks);
        self.agent.reconfigure(self.now, settings);
        self.pass(0.0)
    }
}

/// Registered at the first of two trunks; neither is probed.
fn registered() -> (World, Sent) {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let sent = world.pass(0.0);
    world.answer(&sent[0], "200", "Expires: 600\r\n");
    let first = sent.into_iter().next().unwrap();
    (world, first)
}

/// RFC 3261 §10.2.2: no call is sent any more to a box that has forgotten the trunk.
#[test]
fn a_trunk_that_is_removed_is_left_also_when_it_wants_the_password_again() {
    let (mut world, first) = registered();
    let sent = world.reconfigured(Vec::clear);
    assert_eq!(sent.len(), 1);
    let gone = &sent[0];
    assert_eq!((gone.to.as_str(), gone.line("Expires")), (A, "0"));
    assert_eq!(gone.line("Call-ID"), first.line("Call-ID"));
    assert_ne!(gone.line("CSeq"), first.line("CSeq"));
    let again = world.answer(gone, "401", &challenge("carrier", "n1", false));
    assert!(again[0].line("Authorization").contains("carrier"));
    assert_eq!(again[0].line("Expires"), "0");
    world.answer(&again[0], "200", "");
    assert!(!world.agent.is_parting());
    assert!(world.pass(3600.0).is_empty());
}

#[test]
fn a_registrar_that_is_silent_when_its_trunk_is_removed_is_forgotten() {
    let (mut world, _) = registered();
    world.reconfigured(Vec::clear);
    world.pass(2.1);
    assert!(!world.agent.is_parting());
    assert!(world.pass(600.0).is_empty());
}

/// The same place under the same name: what is said last there counts, so the end of the old comes first.
#[test]
fn a_trunk_with_a_new_password_is_left_before_it_is_asked_anew() {
    let (mut world, first) = registered();
    let sent = world.reconfigured(|trunks| {
        trunks[0].credentials = Some(Secret {
            username: "box".to_owned(),
            password: "another".to_owned(),
        });
    });
    assert_eq!((sent.len(), sent[0].line("Expires")), (1, "0"));
    let mut fresh = world.answer(&sent[0], "200", "");
    fresh.extend(world.pass(0.0));
    assert_eq!((fresh.len(), fresh[0].line("Expires")), (1, "600"));
    assert_ne!(fresh[0].line("Call-ID"), first.line("Call-ID"));
}

#[test]
fn a_trunk_that_is_asked_more_often_or_stands_elsewhere_in_the_file_stays_registered() {
    let (mut world, first) = registered();
    let sent = world.reconfigured(|trunks| {
        trunks[0].manners.hides = true;
        trunks.insert(0, Trunk::new("before".into(), "192.0.2.109", None, None));
        trunks[0].probe_every = None;
    });
    assert!(sent.is_empty());
    let sent = world.reconfigured(|trunks| trunks[1].probe_every = Some(Duration::from_secs(30)));
    assert!(sent.iter().all(|sent| sent.is("OPTIONS")));
    let again = world.pass(320.0);
    let again = again.iter().find(|sent| sent.is("REGISTER")).unwrap();
    assert_eq!(again.line("Call-ID"), first.line("Call-ID"));
}

/// An answer under way would otherwise be taken for that of the trunk that stands in its place now.
#[test]
fn a_registration_under_way_when_the_order_changes_is_asked_anew() {
    let mut world = World::of_targets(registering("192.0.2.101"), &[]);
    let first = world.pass(0.0).remove(0);
    let other = Trunk {
        name: "before".into(),
        probe_every: None,
        ..registering("192.0.2.109")
    };
    let mut sent = world.reconfigured(|trunks| trunks.insert(0, other));
    sent.extend(world.pass(0.1));
    let mut to: Vec<&str> = registers(&sent).into_iter().map(|(to, _)| to).collect();
    to.sort_unstable();
    to.dedup();
    assert_eq!(to, [A, "192.0.2.109:5060"]);
    world.answer(&first, "200", "Expires: 600\r\n");
    assert!(world.outcomes().is_empty(), "nobody waits for it any more");
}
