//! Trunks known by name: NAPTR, SRV and addresses (RFC 3263), asked of a real DNS server.

use crate::harness::peer::Peer;
use crate::harness::setup::ensure;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, eventually};
use callpost::net::Dns;
use callpost::sip::{DnsServer, Query, ResolveError, Target, Transport};
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The zone of these tests, on the street's house 53; `street` is how its addresses begin.
fn zone(street: &Street) -> Vec<String> {
    let house = |number: u8| street.house(number).to_string();
    let mut lines = vec![
        // RFC 3263 §4.1: TCP is preferred here, TLS comes last; an offer we do not know stands before all.
        "--naptr-record=whole.test,1,1,s,SIPS+D2W,,_sips._ws.whole.test".to_owned(),
        "--naptr-record=whole.test,10,50,s,SIP+D2T,,_sip._tcp.whole.test".to_owned(),
        "--naptr-record=whole.test,20,50,s,SIP+D2U,,_sip._udp.whole.test".to_owned(),
        "--naptr-record=whole.test,30,50,s,SIPS+D2T,,_sips._tcp.whole.test".to_owned(),
        "--srv-host=_sip._tcp.whole.test,a.whole.test,5070,1,10".to_owned(),
        "--srv-host=_sip._udp.whole.test,a.whole.test,5080,1,60".to_owned(),
        "--srv-host=_sip._udp.whole.test,b.whole.test,5081,1,40".to_owned(),
        "--srv-host=_sip._udp.whole.test,c.whole.test,5082,2,0".to_owned(),
        "--srv-host=_sips._tcp.whole.test,a.whole.test,5061,1,1".to_owned(),
        // No NAPTR: the SRV names are asked for one by one.
        "--srv-host=_sip._udp.plain.test,a.whole.test,5090,7,3".to_owned(),
        format!("--host-record=a.whole.test,{}", house(61)),
        format!("--host-record=b.whole.test,{}", house(62)),
        format!("--host-record=c.whole.test,{},fd00::7", house(63)),
        format!("--host-record=pbx.test,{}", house(20)),
        format!("--host-record=brief.test,{},1", house(20)),
        // A circle.
        "--srv-host=_sip._udp.self.test,_sip._udp.self.test,5060,1,1".to_owned(),
    ];
    lines.extend((1..=250).map(|number| format!("--host-record=many.test,10.9.0.{number}")));
    lines.extend((1..=100).map(|number| {
        format!(
            "--srv-host=_sip._udp.crowd.test,a.whole.test,{},1,1",
            6000 + number
        )
    }));
    lines
}

struct Server {
    peer: Peer,
    at: SocketAddr,
    _folder: tempfile::TempDir,
}

fn serve(street: &Street) -> Server {
    ensure("dnsmasq");
    let folder = tempfile::tempdir().expect("a folder");
    let house = street.house(53);
    let mut command = Command::new("dnsmasq");
    command
        .args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
        ])
        .args([
            "--user=root",
            "--pid-file",
            "--port=5300",
            "--local-ttl=77",
            "--cache-size=0",
        ])
        .args(["--address=/test/", &format!("--listen-address={house}")])
        .args(zone(street))
        .current_dir(folder.path());
    let peer = Peer::start("dnsmasq", &mut command, folder.path().join("dnsmasq.log"));
    let at = SocketAddr::V4(SocketAddrV4::new(house, 5300));
    eventually("dnsmasq serves", PATIENCE, || UdpSocket::bind(at).err());
    Server {
        peer,
        at,
        _folder: folder,
    }
}

fn dns(runtime: &Runtime, at: SocketAddr) -> Dns {
    let _inside = runtime.enter();
    Dns::open(&[DnsServer(at)])
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn query(host: &str, port: Option<u16>, transport: Option<Transport>) -> Query {
    Query {
        token: 1,
        host: host.to_owned(),
        port,
        transport,
    }
}

fn shown(targets: &[Target]) -> Vec<String> {
    let show = |target: &Target| {
        format!(
            "{} {}:{} p{} w{}",
            target.transport,
            target.address.ip(),
            target.address.port(),
            target.priority,
            target.weight
        )
    };
    targets.iter().map(show).collect()
}

#[test]
fn naptr_leads_to_srv_and_srv_to_addresses_in_their_order() {
    let street = Street::claim();
    let server = serve(&street);
    let runtime = runtime();
    let dns = dns(&runtime, server.at);
    let ask = |query: Query| runtime.block_on(dns.ask(&query));
    let house = |number: u8| street.house(number).to_string();

    let (targets, ttl) = ask(query("whole.test", None, None));
    assert_eq!(
        shown(&targets.expect("an answer")),
        [
            format!("tcp {}:5070 p1 w10", house(61)),
            format!("udp {}:5080 p1001 w60", house(61)),
            format!("udp {}:5081 p1001 w40", house(62)),
            format!("udp {}:5082 p1002 w0", house(63)),
            "udp fd00::7:5082 p1002 w0".to_owned(),
            format!("tls {}:5061 p2001 w1", house(61)),
        ]
    );
    assert!(
        ttl > Duration::from_secs(60) && ttl <= Duration::from_secs(77),
        "its own TTL: {ttl:?}"
    );

    let only = |host: &str, port, transport| shown(&ask(query(host, port, transport)).0.expect("an answer"));
    assert_eq!(
        only("whole.test", None, Some(Transport::Tls)),
        [format!("tls {}:5061 p1 w1", house(61))],
        "a chosen transport asks no NAPTR"
    );
    assert_eq!(
        only("plain.test", None, None),
        [format!("udp {}:5090 p7 w3", house(61))]
    );
    assert_eq!(
        only("PBX.test", None, Some(Transport::Tcp)),
        [format!("tcp {}:5060 p0 w0", house(20))],
        "no SRV: the address and the usual port"
    );
    assert_eq!(
        only("a.whole.test", Some(5999), None),
        [format!("udp {}:5999 p0 w0", house(61))],
        "a port asks for addresses alone"
    );
}

/// ROBUSTNESS 72
#[test]
fn circles_crowds_and_names_that_are_none_end_in_bounds() {
    let street = Street::claim();
    let server = serve(&street);
    let runtime = runtime();
    let dns = dns(&runtime, server.at);
    let ask = |host: &str| runtime.block_on(dns.ask(&query(host, None, Some(Transport::Udp))));
    assert_eq!(ask("nobody.test").0, Err(ResolveError::NoSuchName));
    assert!(ask("self.test").0.is_err());
    let bounded = |host: &str| ask(host).0.expect("an answer").len();
    assert!(bounded("many.test") <= 16);
    assert!(bounded("crowd.test") <= 32);
    assert_eq!(ask("not a name").0, Err(ResolveError::NoSuchName));
}

/// ROBUSTNESS 72: a trunk is not lost because DNS is.
#[test]
fn while_dns_is_silent_the_last_good_answer_stands_in() {
    let street = Street::claim();
    let server = serve(&street);
    let runtime = runtime();
    let dns = dns(&runtime, server.at);
    let ask = |host: &str| runtime.block_on(dns.ask(&query(host, Some(5060), Some(Transport::Udp))));
    let (good, ttl) = ask("brief.test");
    assert!(good.is_ok() && ttl <= Duration::from_secs(1), "{good:?} {ttl:?}");
    let stopped = Command::new("kill")
        .args(["-STOP", &server.peer.pid().to_string()])
        .status();
    assert!(
        stopped.is_ok_and(|status| status.success()),
        "the server falls silent"
    );
    // Its second is over soon; from then on the answer is the one that was kept.
    let again = eventually("the answer is the kept one", PATIENCE, || {
        let (again, ttl) = ask("brief.test");
        (ttl == Duration::from_secs(30)).then_some(again)
    });
    assert_eq!(again, good);
    assert_eq!(ask("never.test").0, Err(ResolveError::NoAnswer));
}

/// ROBUSTNESS 72: a server that leads in circles, and one that answers with what nobody asked.
#[test]
fn a_server_that_lies_is_not_believed_and_costs_no_more_than_its_time() {
    let street = Street::claim();
    let at = SocketAddr::V4(SocketAddrV4::new(street.house(54), 5300));
    let socket = UdpSocket::bind(at).expect("the address is free");
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let question = &buffer[..length];
            let end = 12
                + question[12..]
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or_default()
                + 5;
            let is_forged = String::from_utf8_lossy(&question[12..end])
                .to_ascii_lowercase()
                .contains("forged");
            // The question again with an answer behind it: CNAME to the very same name, or an address.
            let mut answer = question[..end].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            if is_forged {
                answer[0] = answer[0].wrapping_add(1);
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 6, 6, 6, 6]);
            } else {
                answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
            }
            socket.send_to(&answer, from).ok();
        }
    });
    let runtime = runtime();
    let dns = dns(&runtime, at);
    for name in ["round.test", "forged.test"] {
        let (answer, _) = runtime.block_on(dns.ask(&query(name, Some(5060), Some(Transport::Udp))));
        assert!(answer.is_err(), "{name}: {answer:?}");
    }
}

/// A trunk by name is found where DNS says, and its requests are believed from there.
#[test]
fn a_trunk_by_name_is_called_where_dns_says_it_is() {
    let street = Street::claim();
    let server = serve(&street);
    let household = Household::with_menu(2, 1)
        .sip_key(&format!("dns_servers=[\"{}\"]", server.at))
        .trunk("name=\"named\"\nhost=\"plain.test\"\n");
    let named = Phone::new(
        "named",
        SocketAddrV4::new(street.house(61), 5090),
        street.box_sip(),
    );
    let _appliance = Appliance::open(&street, &household);
    let probe = named.expect_request("OPTIONS");
    named.answer(&probe, "200 OK", "named");
    assert!(
        probe.first_line.starts_with("OPTIONS sip:plain.test"),
        "{}",
        probe.first_line
    );
}
