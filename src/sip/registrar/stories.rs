//! What phones do to a registrar, told in virtual time.

use super::*;

/// A registrar, a clock, and the REGISTERs of phones.
struct World {
    registrar: Registrar,
    now: Instant,
    flow: Flow,
}

/// What came back, without borrows.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: u16,
    contacts: Vec<String>,
    changes: Vec<String>,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a story needs some instant to begin at")]
    fn new() -> Self {
        let flow = "udp 198.51.100.7:5062 203.0.113.1:5060".parse().unwrap();
        Self {
            registrar: Registrar::new(RegistrationTimes::default()),
            now: Instant::now(),
            flow,
        }
    }

    fn after_seconds(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn over(&mut self, flow: &str, connection: Option<u64>) -> &mut Self {
        self.flow = Flow {
            connection,
            ..flow.parse().unwrap()
        };
        self
    }

    /// A REGISTER of extension 1001 with these lines, in the dialog `call_id`.
    fn register(&mut self, call_id: &str, cseq: u32, lines: &str) -> Outcome {
        self.register_as("1001", call_id, cseq, lines)
    }

    fn register_as(&mut self, extension: &str, call_id: &str, cseq: u32, lines: &str) -> Outcome {
        let text = format!(
            "REGISTER sip:callpost SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.20:5062;rport;branch=z9hG4bK1\r\n\
             From: <sip:{extension}@callpost>;tag=1\r\nTo: <sip:{extension}@callpost>\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} REGISTER\r\nUser-Agent: phone\r\n{lines}\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        let registered = self
            .registrar
            .register(self.now, &Number::from(extension), &message, &self.flow);
        let changes = registered.changes.iter().map(|change| match change {
            Change::Bound(binding) => format!("bound {}", binding.contact),
            Change::Refreshed { binding, .. } => format!("refreshed {}", binding.contact),
            Change::Unbound(gone) => format!("unbound {}", gone.contact),
        });
        let changes = changes.collect();
        let contacts = registered
            .headers
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        Outcome {
            status: registered.status,
            contacts,
            changes,
        }
    }

    fn contacts(&self) -> Vec<&str> {
        let all = self.registrar.contacts(self.now, &Number::from("1001"));
        all.into_iter().map(|binding| binding.contact.as_str()).collect()
    }

    fn seconds_to_deadline(&self) -> Option<u64> {
        self.registrar
            .next_deadline()
            .map(|at| at.duration_since(self.now).as_secs())
    }
}

#[test]
fn a_phone_registers_refreshes_and_leaves() {
    let mut world = World::new();
    let first = world.register(
        "a",
        1,
        "Contact: <sip:1001@192.168.1.20:5062;line=1>;q=0.5;x=\"y\"\r\nExpires: 600\r\n",
    );
    assert_eq!(first.status, 200);
    assert_eq!(
        first.contacts,
        ["Contact: <sip:1001@192.168.1.20:5062;line=1>;q=0.5;x=\"y\";expires=600"]
    );
    assert_eq!(first.changes, ["bound sip:1001@192.168.1.20:5062;line=1"]);
    assert_eq!(world.seconds_to_deadline(), Some(600));

    world.after_seconds(300);
    let second = world.register(
        "a",
        2,
        "Contact: <sip:1001@192.168.1.20:5062;line=1>;q=0.5;x=\"y\";expires=600\r\n",
    );
    assert_eq!(second.changes, ["refreshed sip:1001@192.168.1.20:5062;line=1"]);
    assert_eq!(world.seconds_to_deadline(), Some(600));
    assert_eq!(world.registrar.len(), 1);

    let third = world.register(
        "a",
        3,
        "Contact: <sip:1001@192.168.1.20:5062;line=1>\r\nExpires: 0\r\n",
    );
    assert_eq!(
        third,
        Outcome {
            status: 200,
            contacts: vec![],
            changes: vec!["unbound sip:1001@192.168.1.20:5062;line=1".into()]
        }
    );
    assert_eq!(
        (world.seconds_to_deadline(), world.registrar.is_empty()),
        (None, true)
    );
}

#[test]
fn a_phone_that_says_nothing_gets_an_hour_and_no_phone_gets_more() {
    let mut world = World::new();
    assert!(world.register("a", 1, "Contact: <sip:1@a.example>\r\n").contacts[0].ends_with("expires=3600"));
    assert!(
        world
            .register("a", 2, "Contact: <sip:1@a.example>;expires=7200\r\n")
            .contacts[0]
            .ends_with("expires=3600")
    );
    assert!(
        world
            .register("a", 3, "Contact: <sip:1@a.example>;expires=soon\r\n")
            .contacts[0]
            .ends_with("expires=3600")
    );
    assert!(
        world
            .register("a", 4, "Contact: <sip:1@a.example>;expires=99999999999\r\n")
            .contacts[0]
            .ends_with("expires=3600")
    );
}

#[test]
fn a_wish_for_less_than_a_minute_is_refused_with_the_shortest() {
    let mut world = World::new();
    let refused = world.register("a", 1, "Contact: <sip:1@a.example>;expires=59\r\n");
    assert_eq!(
        refused,
        Outcome {
            status: 423,
            contacts: vec!["Min-Expires: 60".into()],
            changes: vec![]
        }
    );
    assert_eq!(
        world
            .register("a", 2, "Contact: <sip:1@a.example>;expires=60\r\n")
            .status,
        200
    );
}

#[test]
fn a_register_without_contact_asks_for_the_list() {
    let mut world = World::new();
    world.register(
        "a",
        1,
        "Contact: <sip:1@a.example>, <sip:2@a.example>;expires=100\r\n",
    );
    world.after_seconds(10);
    let list = world.register("b", 1, "");
    assert_eq!(
        list.contacts,
        [
            "Contact: <sip:1@a.example>;expires=3590",
            "Contact: <sip:2@a.example>;expires=90"
        ]
    );
    assert!(list.changes.is_empty());
}

#[test]
fn a_star_removes_everything_and_only_with_expires_0() {
    let mut world = World::new();
    world.register("a", 1, "Contact: <sip:1@a.example>, <sip:2@a.example>\r\n");
    assert_eq!(world.register("b", 1, "Contact: *\r\n").status, 400);
    assert_eq!(
        world.register("b", 2, "Contact: *\r\nExpires: 10\r\n").status,
        400
    );
    assert_eq!(
        world
            .register("b", 3, "Contact: *, <sip:1@a.example>\r\nExpires: 0\r\n")
            .status,
        400
    );
    assert_eq!(
        world.register("a", 1, "Contact: *\r\nExpires: 0\r\n").status,
        500,
        "overtaken"
    );
    assert_eq!(world.registrar.len(), 2);
    let gone = world.register("b", 4, "Contact: *\r\nExpires: 0\r\n");
    assert_eq!(
        gone.changes,
        ["unbound sip:1@a.example", "unbound sip:2@a.example"]
    );
    assert!(world.registrar.is_empty() && world.seconds_to_deadline().is_none());
}

#[test]
fn an_overtaken_register_changes_nothing_at_all() {
    let mut world = World::new();
    world.register("a", 5, "Contact: <sip:1@a.example>;expires=100\r\n");
    for cseq in [4, 5] {
        let late = world.register(
            "a",
            cseq,
            "Contact: <sip:2@a.example>, <sip:1@a.example>;expires=0\r\n",
        );
        assert_eq!((late.status, late.changes.len()), (500, 0));
    }
    assert_eq!(world.contacts(), ["sip:1@a.example"]);
    assert_eq!(
        world
            .register("other", 1, "Contact: <sip:1@a.example>;expires=0\r\n")
            .status,
        200
    );
}

#[test]
fn the_same_contact_in_another_spelling_is_the_same() {
    let mut world = World::new();
    world.register("a", 1, "Contact: <sip:1001@Phone.Example:5060>\r\n");
    let again = world.register("a", 2, "Contact: <sip:%31001@phone.example:5060>\r\n");
    assert_eq!(
        again.changes,
        [
            "unbound sip:1001@Phone.Example:5060",
            "bound sip:%31001@phone.example:5060"
        ]
    );
    assert_eq!(world.registrar.len(), 1);
}

#[test]
fn a_device_that_comes_back_under_another_address_replaces_itself() {
    let mut world = World::new();
    let device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    world.register("a", 1, &format!("Contact: <sip:1@10.0.0.1:40000>{device}\r\n"));
    let back = world.register("b", 1, &format!("Contact: <sip:1@10.0.0.1:40001>{device}\r\n"));
    assert_eq!(
        back.changes,
        ["unbound sip:1@10.0.0.1:40000", "bound sip:1@10.0.0.1:40001"]
    );
    let second_flow = device.replace("reg-id=1", "reg-id=2");
    world.register(
        "c",
        1,
        &format!("Contact: <sip:1@10.0.0.1:40002>{second_flow}\r\n"),
    );
    world.register(
        "d",
        1,
        "Contact: <sip:1@10.0.0.1:40003>;+sip.instance=\"<urn:uuid:2>\"\r\n",
    );
    assert_eq!(world.registrar.len(), 3);
}

#[test]
fn ten_contacts_are_enough() {
    let mut world = World::new();
    for phone in 0..10 {
        let contact = format!("Contact: <sip:1@p{phone}.example>\r\n");
        assert_eq!(world.register(&format!("call{phone}"), 1, &contact).status, 200);
    }
    assert_eq!(
        world.register("x", 1, "Contact: <sip:1@p10.example>\r\n").status,
        403
    );
    assert_eq!(
        world
            .register("call0", 2, "Contact: <sip:1@p0.example>\r\n")
            .status,
        200
    );
    let swap = world.register(
        "call0",
        3,
        "Contact: <sip:1@p0.example>;expires=0, <sip:1@p10.example>\r\n",
    );
    assert_eq!(
        swap.changes,
        ["unbound sip:1@p0.example", "bound sip:1@p10.example"]
    );
    let many: String = (0..11)
        .map(|phone| format!("Contact: <sip:1@q{phone}.example>;expires=0\r\n"))
        .collect();
    assert_eq!(world.register("y", 1, &many).status, 403);
    assert_eq!(world.registrar.len(), 10);
}

#[test]
fn bad_contacts_are_refused_with_their_reason() {
    let mut world = World::new();
    for (lines, status) in [
        ("Contact: <sip:1@127.0.0.1>\r\n", 403),
        ("Contact: <sip:1@169.254.169.254>\r\n", 403),
        ("Contact: <sip:1@a.example:0>\r\n", 400),
        ("Contact: <sip:1@>\r\n", 400),
        ("Contact: <sip:1@a.example>\r\nExpires: x\r\n", 400),
        ("Contact: <sip:1@a.example>\r\nExpires: 1\r\nExpires: 2\r\n", 400),
        ("Contact: <sip:1@a.example>, <sip:1@127.0.0.1>\r\n", 403),
    ] {
        let refused = world.register("a", 1, lines);
        assert_eq!((refused.status, refused.changes.len()), (status, 0), "{lines}");
    }
    assert!(world.registrar.is_empty());
}

#[test]
fn registrations_end_by_themselves_in_their_order() {
    let mut world = World::new();
    for (extension, seconds) in [("1001", 300), ("1002", 100), ("1003", 200)] {
        let contact = format!("Contact: <sip:{extension}@a.example>;expires={seconds}\r\n");
        world.register_as(extension, extension, 1, &contact);
    }
    world.after_seconds(100);
    let gone = |world: &mut World| -> Vec<String> {
        world
            .registrar
            .expire(world.now)
            .into_iter()
            .map(|gone| gone.extension.to_string())
            .collect()
    };
    assert_eq!(gone(&mut world), ["1002"]);
    assert_eq!(world.seconds_to_deadline(), Some(100));
    world.after_seconds(1000);
    assert_eq!(world.contacts(), Vec::<&str>::new(), "over, though not yet swept");
    assert_eq!(gone(&mut world), ["1003", "1001"]);
    assert_eq!(world.registrar.next_deadline(), None);
}

#[test]
fn a_phone_that_comes_back_late_is_told_of_as_gone_and_new() {
    let mut world = World::new();
    world.register("a", 9, "Contact: <sip:1@a.example>;expires=60\r\n");
    let late = world
        .after_seconds(61)
        .register("a", 1, "Contact: <sip:1@a.example>;expires=60\r\n");
    assert_eq!(late.changes, ["unbound sip:1@a.example", "bound sip:1@a.example"]);
    assert_eq!(world.registrar.len(), 1);
}

#[test]
fn the_most_wanted_contact_comes_first() {
    let mut world = World::new();
    world.register(
        "a",
        1,
        "Contact: <sip:low@a.example>;q=0.1, <sip:high@a.example>;q=0.9, <sip:plain@a.example>\r\n",
    );
    assert_eq!(
        world.contacts(),
        ["sip:plain@a.example", "sip:high@a.example", "sip:low@a.example"]
    );
}

#[test]
fn a_closed_connection_takes_its_phones_with_it() {
    let mut world = World::new();
    world
        .over("tcp 198.51.100.7:40001 203.0.113.1:5060", Some(7))
        .register("a", 1, "Contact: <sip:1@a.example>\r\n");
    world
        .over("tcp 198.51.100.8:40001 203.0.113.1:5060", Some(8))
        .register("b", 1, "Contact: <sip:2@a.example>\r\n");
    world.register_as("1002", "c", 1, "Contact: <sip:3@a.example>\r\n");
    let gone: Vec<String> = world
        .registrar
        .flow_closed(8)
        .into_iter()
        .map(|gone| gone.contact)
        .collect();
    assert_eq!(gone, ["sip:2@a.example", "sip:3@a.example"]);
    assert!(world.registrar.flow_closed(8).is_empty());
    assert_eq!(world.contacts(), ["sip:1@a.example"]);
    world.over("tcp 198.51.100.7:40009 203.0.113.1:5060", Some(9));
    let moved = world.register("a", 2, "Contact: <sip:1@a.example>\r\n");
    assert_eq!(
        moved.changes,
        ["bound sip:1@a.example"],
        "another flow is no mere refresh"
    );
    assert!(world.registrar.flow_closed(7).is_empty());
}

#[test]
fn bindings_survive_a_restart() {
    let mut world = World::new();
    let device = "Contact: <sip:1@a.example>;q=0.5;+sip.instance=\"<urn:uuid:1>\"\r\n";
    world.register("a", 7, device);
    world.register("b", 1, "Contact: <sip:2@a.example>;expires=60\r\n");
    let kept: Vec<model::Binding> = world
        .registrar
        .all()
        .map(|binding| binding.journal(world.now, 1_000_000))
        .collect();

    let mut next = World::new();
    let over = next.registrar.restore(next.now, 1_060_000, kept.clone());
    assert_eq!(
        over,
        [Unbound {
            extension: Number::from("1001"),
            contact: "sip:2@a.example".into()
        }]
    );
    assert_eq!(next.seconds_to_deadline(), Some(3540));
    let found = next
        .registrar
        .find(&Number::from("1001"), "sip:1@a.example")
        .unwrap();
    assert_eq!(found.flow.to_string(), "udp 198.51.100.7:5062 203.0.113.1:5060");
    assert_eq!(found.journal(next.now, 1_060_000), kept[0]);
    assert_eq!(next.register("a", 7, device).status, 500, "the order is kept too");
    assert_eq!(
        next.register("a", 8, device).changes,
        ["refreshed sip:1@a.example"]
    );

    let mut lost_clock = World::new();
    lost_clock.registrar.restore(lost_clock.now, 0, kept.clone());
    assert!(
        lost_clock
            .registrar
            .all()
            .all(|binding| binding.expires_at <= lost_clock.now + Duration::from_secs(3600))
    );
    let broken = model::Binding {
        flow: "pigeon".into(),
        ..kept[0].clone()
    };
    assert_eq!(
        lost_clock
            .registrar
            .restore(lost_clock.now, 0, vec![broken])
            .len(),
        1
    );
}

#[test]
fn ten_thousand_phones_come_and_go_without_a_trace() {
    let mut world = World::new();
    for round in 1..=3 {
        for phone in 0..10_000 {
            let extension = phone.to_string();
            let contact = format!(
                "Contact: <sip:{phone}@a.example>;expires={}\r\n",
                60 + phone % 300
            );
            assert_eq!(
                world.register_as(&extension, &extension, round, &contact).status,
                200
            );
        }
        world.after_seconds(30);
    }
    assert_eq!(
        (world.registrar.len(), world.registrar.deadlines.len()),
        (10_000, 10_000)
    );
    world.after_seconds(400);
    assert_eq!(world.registrar.expire(world.now).len(), 10_000);
    assert!(
        world.registrar.is_empty()
            && world.registrar.phones.is_empty()
            && world.registrar.deadlines.is_empty()
    );
}

/// RFC 3327 §5.3.
#[test]
fn the_path_to_a_phone_is_kept_told_back_and_survives_a_restart() {
    let mut world = World::new();
    let lines = "Supported: path\r\nPath: <sip:edge;lr>, <sip:core.example.com;lr;x=1>\r\nContact: <sip:1001@192.168.1.20>\r\n";
    let outcome = world.register("a", 1, lines);
    assert_eq!(outcome.status, 200);
    assert_eq!(
        outcome.contacts[1],
        "Path: <sip:edge;lr>, <sip:core.example.com;lr;x=1>"
    );
    let number = Number::from("1001");
    let path = |registrar: &Registrar| registrar.all().next().unwrap().path.clone();
    let hops = ["<sip:edge;lr>", "<sip:core.example.com;lr;x=1>"];
    assert_eq!(path(&world.registrar), hops);
    let kept = world.registrar.contacts(world.now, &number)[0].journal(world.now, 1_000);
    let mut later = Registrar::new(RegistrationTimes::default());
    later.restore(world.now, 1_000, vec![kept]);
    assert_eq!(path(&later), hops);
    assert_eq!(later.all().next().unwrap().flow, world.flow);
    let moved = world.register(
        "a",
        2,
        "Path: <sip:edge2;lr>\r\nContact: <sip:1001@192.168.1.20>\r\n",
    );
    assert_eq!(
        moved.changes,
        ["bound sip:1001@192.168.1.20"],
        "the journal has to know"
    );
}

#[test]
fn a_path_that_is_wrong_or_too_long_is_refused() {
    let mut world = World::new();
    let contact = "Contact: <sip:1001@192.168.1.20>\r\n";
    let long = format!("Path: {}\r\n{contact}", ["<sip:p;lr>"; 9].join(", "));
    assert_eq!(world.register("a", 1, &long).status, 403);
    let bare = format!("Path: sip:p;lr\r\n{contact}");
    assert_eq!(world.register("a", 2, &bare).status, 400);
    assert!(world.registrar.is_empty());
}

/// RFC 5626 §6 and §10.
#[test]
fn a_phone_with_flows_is_told_that_its_flow_is_the_way_to_it_and_how_often_to_be_heard() {
    let lines = "Supported: path, outbound\r\n\
        Contact: <sip:1001@192.168.1.20>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n";
    let mut world = World::new();
    let told = |outcome: Outcome, timer: &str| {
        let has = |line: &str| outcome.contacts.iter().any(|own| own == line);
        assert_eq!(has("Require: outbound"), has(&format!("Flow-Timer: {timer}")));
        has("Require: outbound")
    };
    assert!(told(world.register("a", 1, lines), "30"));
    world.over("tcp 198.51.100.7:5062 203.0.113.1:5060", Some(1));
    assert!(told(world.register("b", 1, lines), "120"));
    assert!(!told(
        world.register("c", 1, &lines.replace("path, outbound", "path")),
        "120"
    ));
}

/// RFC 5626 §6: a call rings a device once, on the newest of its flows; when that is gone, on the other.
#[test]
fn a_device_with_two_flows_is_one_contact() {
    let mut world = World::new();
    let lines = |place: u8| {
        format!(
            "Supported: outbound\r\nContact: <sip:1001@192.168.1.2{place}>;+sip.instance=\"<urn:uuid:1>\";reg-id={place}\r\n"
        )
    };
    world.over("tcp 198.51.100.7:5062 203.0.113.1:5060", Some(1));
    world.register("a", 1, &lines(1));
    world.over("tcp 198.51.100.7:5063 203.0.113.1:5060", Some(2));
    world.register("b", 1, &lines(2));
    let rung = |world: &World| {
        let contacts = world.registrar.contacts(world.now, &Number::from("1001"));
        contacts
            .iter()
            .map(|binding| binding.flow.connection)
            .collect::<Vec<_>>()
    };
    assert_eq!(world.registrar.len(), 2);
    assert_eq!(rung(&world), [Some(2)]);
    world.registrar.flow_closed(2);
    assert_eq!(rung(&world), [Some(1)]);
}
