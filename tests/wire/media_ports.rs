//! What comes to the box's media ports beside voice, and what leaves them: reports, strangers, routers, priorities.

use crate::harness::household::{MAIN_NUMBER, WELCOME_HZ};
use crate::harness::rtp::packet;
use crate::harness::sip::{Dialog, Draft};
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, tone};
use crate::talking::Pair;
use serde_json::Value;
use socket2::{Domain, MaybeUninitSlice, MsgHdrMut, Protocol, SockAddr, Socket, Type};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

const CALLER_HZ: u32 = 440;
const AGENT_HZ: u32 = 1000;
/// RTP ports of a box that is sprayed as a whole.
const PORTS: (u16, u16) = (10_000, 10_039);

fn hears_on(pair: &Pair) {
    pair.caller_voice.forget();
    pair.agent_voice.forget();
    eventually("both hear each other after all that", PATIENCE, || {
        let caller = tone::heard(&pair.caller_voice.heard(), AGENT_HZ);
        let agent = tone::heard(&pair.agent_voice.heard(), CALLER_HZ);
        (caller.min(agent) >= Duration::from_millis(500)).then_some(())
    });
}

/// Sends voice that looks like that of a call to every port of the box, some times over.
fn spray(stranger: &UdpSocket, street: &Street) {
    for sequence in 0..6u16 {
        for port in PORTS.0..=PORTS.1 {
            let bytes = packet(0, sequence, u32::from(sequence) * 160, 0xbad, &[0x22; 160]);
            // A port where nobody listens answers by ICMP; that is no packet of the box.
            stranger
                .send_to(&bytes, SocketAddrV4::new(street.house(1), port))
                .ok();
        }
    }
}

/// ROBUSTNESS 46, 47: the whole range is sprayed before, during and after a call, also from the hosts of both parties;
/// nothing comes back, nothing is heard.
#[test]
fn whoever_sprays_the_port_range_gets_nothing_back_and_disturbs_nobody() {
    let street = Street::claim();
    let strangers: Vec<UdpSocket> = [street.house(66), street.pbx(), street.house(51)]
        .into_iter()
        .map(|host| UdpSocket::bind((host, 0)).expect("a stranger has a socket"))
        .collect();
    let all = |street: &Street| strangers.iter().for_each(|socket| spray(socket, street));
    all(&street);
    let pair = Pair::talking_in(&street, Household::new().rtp_ports(PORTS.0, PORTS.1));
    all(&street);
    hears_on(&pair);
    let quality = |status: &Value, leg: usize| status["calls"][0]["legs"][leg]["quality"].clone();
    let status = pair.appliance.until("both legs are measured", |status| {
        (0..2).all(|leg| quality(status, leg).is_object())
    });
    for leg in 0..2 {
        assert_eq!(quality(&status, leg)["loss_percent"], 0.0);
    }
    let metrics = pair.appliance.get("/metrics").text();
    for line in [
        "callpost_voice_loss_percent_highest 0\n",
        "callpost_voice_mos_lowest 4.4",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    pair.agent.hang_up();
    pair.caller.hung_up_on();
    pair.appliance.until_quiet();
    all(&street);
    for socket in &strangers {
        socket
            .set_nonblocking(true)
            .expect("a socket can be asked not to wait");
        loop {
            match socket.recv(&mut [0; 2048]) {
                Ok(length) => panic!("{length} bytes came back to a stranger"),
                // ICMP told it that nobody listens.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {}
                Err(_) => break,
            }
        }
    }
    let status = pair.appliance.status();
    // Six packets to each of two RTP ports, by three strangers.
    assert_eq!(status["counters"]["rtp_strangers"], 36);
    let record = pair.appliance.only_record();
    let recording = pair.appliance.recording(&record.recording());
    for (channel, hertz) in recording.channels.iter().zip([CALLER_HZ, AGENT_HZ]) {
        let spoken = Duration::from_secs_f64(channel.len() as f64 / tone::RATE as f64);
        let heard = tone::heard(channel, hertz);
        assert!(
            heard + Duration::from_millis(600) >= spoken,
            "{heard:?} of {spoken:?}"
        );
    }
}

/// ROBUSTNESS 50: keys that a stranger presses into a call are pressed by nobody.
#[test]
fn keys_of_a_stranger_are_in_no_record() {
    let street = Street::claim();
    let pair = Pair::talking(&street);
    let stranger = UdpSocket::bind((street.pbx(), 0)).expect("a stranger has a socket");
    for number in 0..60u16 {
        let report = [5, 0x8a, 3, 0x20];
        let bytes = packet(101, number, u32::from(number / 6) * 800, 0xbad, &report);
        for port in [pair.caller.audio, pair.agent.audio] {
            stranger
                .send_to(&bytes, port)
                .expect("a stranger's packet leaves");
        }
    }
    pair.caller_voice.press('7');
    hears_on(&pair);
    let events = |voice: &Voice| voice.packets().iter().filter(|it| it.payload_type == 101).count();
    assert_eq!(events(&pair.caller_voice), 0);
    pair.agent.hang_up();
    pair.caller.hung_up_on();
    assert_eq!(pair.appliance.only_record().text("digits"), "7");
}

/// ROBUSTNESS 52, 55: floods, goodbyes, junk of every length and other protocols at both ports of a call, from a
/// stranger and from the party's own host, at some twenty thousand a second.
#[test]
fn a_call_goes_on_under_a_flood_of_reports_and_junk() {
    let street = Street::claim();
    let pair = Pair::talking(&street);
    let stranger = UdpSocket::bind((street.house(66), 0)).expect("a stranger has a socket");
    let own = UdpSocket::bind((street.pbx(), 0)).expect("the caller's host has a socket");
    let goodbye: &[u8] = &[0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 203, 0, 1, 0, 0, 0, 9];
    let extended: &[u8] = &[0x80, 207, 0, 3, 0, 0, 0, 9, 4, 0, 0xff, 0xff, 0, 0, 0, 0];
    let stun: &[u8] = &[
        0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ];
    let huge = vec![0x80; 65_507];
    let before = pair.appliance.memory_kb();
    for round in 0..2000usize {
        let short = &huge[..round % 12];
        for bytes in [goodbye, extended, stun, short] {
            for leg in [pair.caller.audio, pair.agent.audio] {
                let reports = SocketAddrV4::new(*leg.ip(), leg.port() + 1);
                for (socket, to) in [(&stranger, leg), (&stranger, reports), (&own, reports)] {
                    // A full queue on loopback loses the packet, as a network would.
                    socket.send_to(bytes, to).ok();
                }
            }
        }
        if round % 200 == 0 {
            own.send_to(&huge, pair.caller.audio).ok();
            std::thread::yield_now();
        }
    }
    hears_on(&pair);
    let grown = pair.appliance.memory_kb().saturating_sub(before);
    assert!(grown < 4096, "{grown} kB more");
    pair.agent.hang_up();
    pair.caller.hung_up_on();
    let record = pair.appliance.only_record();
    assert_eq!(
        (record.text("status"), record.text("hangup_by")),
        ("ANSWER", "callee")
    );
    for leg in record.0["legs"].as_array().expect("legs") {
        assert!(
            leg["quality"]["rtt_ms"].is_null(),
            "nobody answered a report: {leg}"
        );
        assert!(leg["quality"]["there"].is_null(), "{leg}");
    }
}

/// S3-007. RFC 3550: the box reports to a phone beside its voice, and what the phone reports is in the record.
#[test]
fn a_phone_is_reported_to_and_its_own_report_stands_in_the_record() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(1, 1));
    let (voice, reports) = loop {
        let voice = Voice::at(street.pbx());
        let odd = SocketAddrV4::new(street.pbx(), voice.address.port() + 1);
        if let Ok(socket) = UdpSocket::bind(odd) {
            break (voice, socket);
        }
    };
    let phone = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let caller = phone.dial(MAIN_NUMBER, voice.address).answered();
    voice.hum(caller.audio, CALLER_HZ);
    reports.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut buffer = [0; 2048];
    let (length, from) = reports.recv_from(&mut buffer).expect("a report comes");
    assert_eq!(
        from,
        SocketAddr::from(SocketAddrV4::new(*caller.audio.ip(), caller.audio.port() + 1))
    );
    let report = &buffer[..length];
    assert_eq!(
        (report[0] >> 6, report[1]),
        (2, 200),
        "the box has played, so it is a sender"
    );
    let length_of_first = usize::from(u16::from_be_bytes([report[2], report[3]]));
    assert_eq!(report[4 * (length_of_first + 1) + 1], 202, "with its description");
    let ours = &report[4..8];
    let (seconds, fraction) = (&report[10..12], &report[12..14]);
    // The phone lost a quarter and heard the report half a second ago.
    let mut answer = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    answer.extend(ours);
    answer.extend([64, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 80]);
    answer.extend(seconds);
    answer.extend(fraction);
    answer.extend([0, 0, 0, 0]);
    reports.send_to(&answer, from).expect("the answer leaves");
    let status = appliance.until("the answer is seen", |status| {
        status["calls"][0]["legs"][0]["quality"]["rtt_ms"].is_number()
    });
    let quality = &status["calls"][0]["legs"][0]["quality"];
    assert!(
        quality["rtt_ms"].as_f64().is_some_and(|trip| trip < 5000.0),
        "{quality}"
    );
    assert_eq!(quality["there"]["jitter_ms"], 10.0);
    caller.hang_up();
    let record = appliance.only_record();
    let quality = &record.0["legs"][0]["quality"];
    assert!(
        quality["there"]["loss_percent"]
            .as_f64()
            .is_some_and(|loss| loss > 0.0),
        "{quality}"
    );
    // A goodbye ends the stream of reports.
    let last = std::iter::from_fn(|| {
        reports
            .recv(&mut buffer)
            .ok()
            .map(|length| buffer[..length].to_vec())
    })
    .find(|report| report[report.len() - 8..report.len() - 4] == [0x81, 203, 0, 1]);
    assert!(last.is_some());
}

/// ROBUSTNESS 46, 48: a phone that is marked as behind a router is heard from where its signalling comes; its SDP
/// names a place that cannot be reached.
#[test]
fn a_phone_behind_a_router_is_heard_and_hears_once_it_is_marked() {
    let street = Street::claim();
    let (router, inside) = (street.house(51), street.house(52));
    let desk = Phone::new("ali", SocketAddrV4::new(router, 5060), street.box_sip());
    let household = Household::new()
        .section(&format!(
            "[[agent]]\nid=\"ali\"\ncontact=\"{}\"\nnat=true",
            desk.contact()
        ))
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let phone = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let (caller_voice, agent_voice, nobody) = (Voice::at(street.pbx()), Voice::at(router), Voice::at(inside));
    let stranger = Voice::at(street.house(66));
    let dialling = phone.dial("8001", caller_voice.address);
    let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), nobody.address);
    let caller = dialling.answered();
    stranger.hum(agent.audio, 1800);
    caller_voice.hum(caller.audio, CALLER_HZ);
    agent_voice.hum(agent.audio, AGENT_HZ);
    eventually("they hear each other", PATIENCE, || {
        let heard =
            tone::heard(&caller_voice.heard(), AGENT_HZ).min(tone::heard(&agent_voice.heard(), CALLER_HZ));
        (heard >= Duration::from_secs(1)).then_some(())
    });
    assert!(stranger.packets().is_empty(), "nothing is sent to a stranger");
    assert_eq!(tone::heard(&caller_voice.heard(), 1800), Duration::ZERO);
    agent.hang_up();
    caller.hung_up_on();
    appliance.until_quiet();
}

/// A call whose one side has said nothing for the time-out ends, and the record says why. Row 88's last resort.
#[test]
fn a_call_whose_one_side_falls_silent_for_good_ends_with_its_cause() {
    let street = Street::claim();
    let household = Household::new().media_key("rtp_timeout_seconds=5");
    let Pair {
        appliance,
        caller_voice,
        agent_voice,
        caller,
        agent,
    } = Pair::talking_in(&street, household);
    drop(agent_voice);
    caller.hung_up_on();
    agent.hung_up_on();
    drop(caller_voice);
    let record = appliance.only_record();
    assert_eq!(
        (
            record.text("status"),
            record.text("hangup_by"),
            record.text("cause")
        ),
        ("ANSWER", "system", "no_media")
    );
}

/// What switches and Wi-Fi read: EF on voice, CS3 on signalling, over IPv4 and IPv6.
#[test]
fn voice_and_signalling_carry_their_priorities() {
    let street = Street::claim();
    let six = SocketAddr::from((Ipv6Addr::LOCALHOST, street.v6_port()));
    let household = Household::with_menu(1, 1).listening_on(&format!("udp://{six}"));
    let _appliance = Appliance::open(&street, &household);
    let asks = [
        (
            SocketAddr::from((street.pbx(), 0)),
            SocketAddr::from(street.box_sip()),
        ),
        (SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), six),
    ];
    for (from, to) in asks {
        let ear = Ear::at(from);
        let options = Draft::request("OPTIONS", &format!("sip:{to}"))
            .with(
                "Via",
                &format!("SIP/2.0/UDP {};branch=z9hG4bKpriority", ear.address()),
            )
            .with("From", "<sip:probe@127.0.0.1>;tag=1")
            .with("To", &format!("<sip:{to}>"))
            .with("Call-ID", "priority")
            .with("CSeq", "1 OPTIONS")
            .with("Max-Forwards", "70");
        ear.say(to, options.text().as_bytes());
        let (bytes, traffic_class) = ear.hear();
        assert!(
            bytes.starts_with(b"SIP/2.0 "),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(traffic_class, Some(24 << 2), "CS3 towards {from}");
    }
    let ear = Ear::at(SocketAddr::from((street.pbx(), 0)));
    let SocketAddr::V4(at) = ear.address() else {
        unreachable!("it was bound so")
    };
    let phone = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let caller = phone.dial(MAIN_NUMBER, at).answered();
    let (bytes, traffic_class) = ear.hear();
    assert_eq!(
        (bytes.len(), bytes[0]),
        (172, 0x80),
        "the welcome of {WELCOME_HZ} Hz"
    );
    assert_eq!(traffic_class, Some(46 << 2), "EF");
    caller.hang_up();
}

/// A socket that sees the traffic class of what it hears.
struct Ear(Socket);

impl Ear {
    fn at(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
            .expect("a socket can be opened");
        socket.bind(&address.into()).expect("a port is free");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out can be set");
        let asked = match address {
            SocketAddr::V4(_) => socket.set_recv_tos_v4(true),
            SocketAddr::V6(_) => socket.set_recv_tclass_v6(true),
        };
        asked.expect("the system tells the traffic class");
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        let address = self.0.local_addr().expect("it is bound");
        address
            .as_socket()
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    fn say(&self, to: SocketAddr, bytes: &[u8]) {
        self.0
            .send_to(bytes, &SockAddr::from(to))
            .expect("a datagram leaves");
    }

    /// The next datagram with its traffic class.
    #[expect(
        unsafe_code,
        reason = "what the system has written into a buffer is told by its length alone"
    )]
    fn hear(&self) -> (Vec<u8>, Option<u8>) {
        let (mut bytes, mut control) = ([MaybeUninit::new(0u8); 4096], [MaybeUninit::new(0u8); 64]);
        let mut slices = [MaybeUninitSlice::new(&mut bytes)];
        let mut message = MsgHdrMut::new()
            .with_buffers(&mut slices)
            .with_control(&mut control);
        let length = self.0.recvmsg(&mut message, 0).expect("a datagram comes");
        // SAFETY: both buffers were filled with zeros above.
        let read = |byte: &MaybeUninit<u8>| unsafe { byte.assume_init() };
        let control: Vec<u8> = control.iter().map(read).collect();
        // struct cmsghdr: a length of eight bytes, a level, a kind, then the value.
        let class = match (control[8], control[12]) {
            (0, 1) | (41, 67) => Some(control[16]),
            _ => None,
        };
        (bytes[..length].iter().map(read).collect(), class)
    }
}
