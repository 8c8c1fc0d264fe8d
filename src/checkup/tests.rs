//! Looks at trunks and receivers that have each one fault, on the loopback.

use super::*;
use crate::egress::{Author, Egress, PinsInMemory, Rules, Trust};
use crate::model::Stamp;
use crate::net::Dns;
use crate::sip::digest::Ha1;
use crate::sip::{Draft, Message, Method, Name, Secret, Transport, Trunk};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

const NOON: i64 = 1_795_165_200_000;

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn now() -> Instant {
    Instant::now()
}

fn wanted(dir: &Path) -> Wanted {
    Wanted {
        data_dir: dir.to_owned(),
        recordings: None,
        keep_free_bytes: 0,
        daemon: None,
        listen: vec![(Transport::Udp, "127.0.0.1:5060".parse().unwrap())],
        taken: Vec::new(),
        rtp_ports: [42_000, 42_007],
        advertised: None,
        dns_servers: Vec::new(),
        trunks: Vec::new(),
        servers: Vec::new(),
        certificates: Vec::new(),
        problems: Vec::new(),
        clock: Some(ClockReading {
            synced: true,
            max_error_ms: 0.9,
            frequency_ppm: 1.5,
        }),
        clock_looks_set: true,
        patience: Duration::from_millis(700),
        unix_ms: || NOON,
        now,
        seed: [7; 32],
    }
}

fn trunk(at: SocketAddr) -> Trunk {
    Trunk::new(
        "pbx".into(),
        &at.ip().to_string(),
        Some(at.port()),
        Some(Transport::Udp),
    )
}

async fn look_at(trunk: Option<Trunk>, server: Option<Server>) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let mut wanted = wanted(dir.path());
    wanted.trunks = trunk
        .map(|trunk| TrunkWanted {
            trunk,
            trust: Ok(Trust::public()),
        })
        .into_iter()
        .collect();
    wanted.servers = server.into_iter().collect();
    let at = Stamp {
        unix_ms: NOON,
        offset_seconds: 0,
    };
    let egress = Egress::new(Rules::default(), Arc::new(PinsInMemory::default()));
    look(wanted, egress, Dns::open(&[]), at, |_, _| ()).await
}

fn line(report: &Report, area: Area) -> Line {
    let found = report.lines.iter().find(|line| line.area == area);
    found
        .unwrap_or_else(|| panic!("no line about {area:?} in {report:#?}"))
        .clone()
}

/// A trunk that answers as `manner` says: from the request and how many came before it, the answer's bytes.
async fn far_side(
    manner: impl Fn(&Message<'_>, SocketAddr, &[u8]) -> Option<Vec<u8>> + Send + 'static,
) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut space = vec![0; 65_535];
        loop {
            let (length, from) = socket.recv_from(&mut space).await.unwrap();
            let bytes = &space[..length];
            let message = Message::parse(bytes).map_err(|bad| bad.fault).unwrap();
            if let Some(answer) = manner(&message, from, bytes) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    at
}

fn ok(request: &Message<'_>, from: SocketAddr) -> Vec<u8> {
    Draft::response(request, from, 200, Some("far"))
        .header(Name::Server, "Example PBX 3")
        .finish()
}

#[tokio::test]
async fn a_trunk_that_is_well_is_told_with_its_name_and_its_time() {
    let at = far_side(|request, from, _| Some(ok(request, from))).await;
    let report = look_at(Some(trunk(at)), None).await;
    let found = line(&report, Area::Trunk);
    assert_eq!(
        (found.outcome, found.about.as_str()),
        (Outcome::Ok, "pbx"),
        "{found}"
    );
    assert!(
        found.text.contains("(Example PBX 3) answers OPTIONS (200)"),
        "{found}"
    );
    assert_eq!(found.steps.len(), 1);
    for area in [Area::Alg, Area::Mtu, Area::Nat] {
        assert_eq!(
            line(&report, area).outcome,
            Outcome::Ok,
            "{}",
            line(&report, area)
        );
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_apart_from_silence() {
    let free = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let found = line(&look_at(Some(trunk(at)), None).await, Area::Trunk);
    assert_eq!((found.outcome, found.turn_to), (Outcome::Fail, Some(Whom::Pbx)));
    assert!(found.text.contains("nobody listens at udp port"), "{found}");
    assert!(found.cure.unwrap().contains("`port`"));
}

#[tokio::test]
async fn a_trunk_that_says_nothing_is_waited_for_and_told() {
    let at = far_side(|_, _, _| None).await;
    let found = line(&look_at(Some(trunk(at)), None).await, Area::Trunk);
    assert!(found.text.contains("does not answer over udp"), "{found}");
    assert!(found.cure.unwrap().contains("firewall"));
}

/// The router of a shop: it puts its own address into the Via, and forgets to put ours back.
#[tokio::test]
async fn somebody_who_rewrites_sip_on_the_way_is_named() {
    let at = far_side(|request, from, bytes| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let changed = text.replace(&format!("UDP {from}"), "UDP 203.0.113.7:5060");
        let seen = Message::parse(changed.as_bytes())
            .map_err(|bad| bad.fault)
            .unwrap();
        assert_eq!(request.method(), seen.method());
        Some(ok(&seen, from))
    })
    .await;
    let found = line(&look_at(Some(trunk(at)), None).await, Area::Alg);
    assert_eq!(
        (found.outcome, found.turn_to),
        (Outcome::Fail, Some(Whom::Network))
    );
    assert!(found.text.contains("came back as 203.0.113.7:5060"), "{found}");
    assert!(found.cure.unwrap().contains("SIP ALG"));
}

#[tokio::test]
async fn long_messages_that_get_lost_are_told() {
    let at = far_side(|request, from, bytes| (bytes.len() < 1500).then(|| ok(request, from))).await;
    let report = look_at(Some(trunk(at)), None).await;
    assert_eq!(line(&report, Area::Trunk).outcome, Outcome::Ok);
    let found = line(&report, Area::Mtu);
    assert_eq!(found.outcome, Outcome::Warn);
    assert!(found.text.contains("packets in pieces are lost"), "{found}");
    assert!(found.cure.unwrap().contains("transport = \"tcp\""));
}

/// Asks for a password and knows one.
fn registrar(request: &Message<'_>, from: SocketAddr) -> Option<Vec<u8>> {
    if request.method() != Method::Register {
        return Some(ok(request, from));
    }
    assert_eq!(
        request.values(Name::Contact).count(),
        0,
        "nothing is changed there"
    );
    let Ok(Some(credentials)) = request.authorization("shop") else {
        let challenge = "Digest realm=\"shop\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
        return Some(
            Draft::response(request, from, 401, Some("far"))
                .header(Name::WwwAuthenticate, challenge)
                .finish(),
        );
    };
    let uri = request.request_uri().unwrap().text().into_owned();
    let challenge = crate::sip::Challenge {
        realm: b"shop",
        nonce: b"n1",
        algorithm: b"MD5",
        qop: b"auth",
        ..crate::sip::Challenge::default()
    };
    let ha1 = Ha1::new("box", "shop", "right");
    let cnonce = String::from_utf8_lossy(credentials.cnonce).into_owned();
    let wanted = crate::sip::digest::answer(
        &[challenge],
        "box",
        crate::sip::digest::Secret::Ha1(&ha1),
        Method::Register,
        &uri,
        1,
        &cnonce,
    )
    .unwrap();
    let proof = String::from_utf8_lossy(credentials.response).into_owned();
    if wanted.contains(&format!("response=\"{proof}\"")) {
        return Some(
            Draft::response(request, from, 200, Some("far"))
                .header(Name::Contact, "<sip:box@127.0.0.1:5060>;expires=300")
                .finish(),
        );
    }
    let challenge = "Digest realm=\"shop\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"";
    Some(
        Draft::response(request, from, 401, Some("far"))
            .header(Name::WwwAuthenticate, challenge)
            .finish(),
    )
}

fn registering(at: SocketAddr, password: &str) -> Trunk {
    Trunk {
        register: true,
        credentials: Some(Secret {
            username: "box".to_owned(),
            password: password.to_owned(),
        }),
        ..trunk(at)
    }
}

#[tokio::test]
async fn a_registration_is_asked_for_without_changing_it() {
    let at = far_side(|request, from, _| registrar(request, from)).await;
    let found = line(&look_at(Some(registering(at, "right")), None).await, Area::Trunk);
    assert_eq!(found.outcome, Outcome::Ok, "{found}");
    assert!(
        found.text.contains("lets user box in; one contact is registered"),
        "{found}"
    );
    let steps: Vec<_> = found.steps.iter().map(|step| (step.step, step.ok)).collect();
    assert_eq!(steps, [("options", true), ("register", true)]);
}

#[tokio::test]
async fn a_wrong_password_is_told_as_one_and_never_shown() {
    let at = far_side(|request, from, _| registrar(request, from)).await;
    let report = look_at(Some(registering(at, "hush-wrong")), None).await;
    let found = line(&report, Area::Trunk);
    assert_eq!((found.outcome, found.turn_to), (Outcome::Fail, Some(Whom::Box)));
    assert!(found.text.contains("the password is wrong"), "{found}");
    assert!(!serde_json::to_string(&report).unwrap().contains("hush"));
}

#[tokio::test]
async fn only_the_realm_of_the_configuration_gets_an_answer() {
    let at = far_side(|request, from, _| registrar(request, from)).await;
    let mut trunk = registering(at, "right");
    trunk.realm = Some("bank".to_owned());
    let found = line(&look_at(Some(trunk), None).await, Area::Trunk);
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(
        found.text.contains("realm shop") && found.text.contains("only bank"),
        "{found}"
    );
}

fn webhook(at: SocketAddr) -> Server {
    Server {
        area: Area::Upstream,
        name: "head-office".to_owned(),
        kind: ServerKind::Http {
            url: format!("http://{at}/cdrs"),
            author: Author::File,
            trust: Ok(Trust::public()),
        },
    }
}

/// A receiver that answers every request with these lines.
async fn receiver(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut space = [0; 2048];
            // A connection that was only tried closes again.
            if stream.read(&mut space).await.is_ok_and(|length| length > 0) {
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    at
}

#[tokio::test]
async fn a_receiver_is_reached_step_by_step_and_its_clock_compared() {
    let at =
        receiver("HTTP/1.1 405 No\r\nDate: Fri, 20 Nov 2026 09:00:01 GMT\r\nContent-Length: 0\r\n\r\n").await;
    let report = look_at(None, Some(webhook(at))).await;
    let found = line(&report, Area::Upstream);
    assert_eq!(found.outcome, Outcome::Ok, "{found}");
    let steps: Vec<_> = found.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, ["dns", "connect", "greeting"]);
    let clock = line(&report, Area::Clock);
    assert_eq!(clock.outcome, Outcome::Ok);
    assert!(clock.text.contains("that of head-office agrees"), "{clock}");
}

#[tokio::test]
async fn a_clock_that_is_minutes_off_is_told_by_the_receivers() {
    let at = receiver("HTTP/1.1 204 Fine\r\nDate: Fri, 20 Nov 2026 09:05:00 GMT\r\n\r\n").await;
    let clock = line(&look_at(None, Some(webhook(at))).await, Area::Clock);
    assert_eq!(clock.outcome, Outcome::Fail);
    assert!(clock.text.contains("300 s behind that of head-office"), "{clock}");
}

#[tokio::test]
async fn a_receiver_that_is_off_or_ill_is_told_with_who_can_help() {
    let at = receiver("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
    let found = line(&look_at(None, Some(webhook(at))).await, Area::Upstream);
    assert_eq!(
        (found.outcome, found.turn_to),
        (Outcome::Warn, Some(Whom::Receiver))
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let found = line(&look_at(None, Some(webhook(gone))).await, Area::Upstream);
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(
        found
            .steps
            .last()
            .is_some_and(|step| step.step == "connect" && !step.ok)
    );
}

#[tokio::test]
async fn sip_on_the_loopback_alone_is_told_when_a_trunk_is_elsewhere() {
    let trunk = Trunk::new("carrier".into(), "192.0.2.55", None, Some(Transport::Udp));
    let dir = tempfile::tempdir().unwrap();
    let mut wanted = wanted(dir.path());
    wanted.trunks.push(TrunkWanted {
        trunk,
        trust: Ok(Trust::public()),
    });
    let lines = network::look(&wanted).await;
    let found = lines.iter().find(|line| line.area == Area::Sip).unwrap();
    assert_eq!(found.outcome, Outcome::Fail);
    assert!(
        found.text.contains("trunk carrier cannot reach the box"),
        "{found}"
    );
}

#[tokio::test]
async fn disk_database_ports_memory_and_files_each_have_a_line() {
    let report = look_at(None, None).await;
    for area in [
        Area::Disk,
        Area::Database,
        Area::Rtp,
        Area::Memory,
        Area::Files,
        Area::Prompts,
        Area::Clock,
    ] {
        assert_ne!(
            line(&report, area).outcome,
            Outcome::Fail,
            "{}",
            line(&report, area)
        );
    }
    let json = serde_json::to_value(&report).unwrap();
    assert!(
        json["lines"]
            .as_array()
            .unwrap()
            .iter()
            .all(|line| line["outcome"].is_string())
    );
}
