//! The ways between a phone and the box: kept open through routers, over IPv6, and back where a request came from.

use crate::encrypted::{StreamPhone, register, request};
use crate::harness::sip::Message;
use crate::harness::{Appliance, Household, PATIENCE, Street};
use std::net::{TcpStream, UdpSocket};

/// A telephone that is nothing but a socket.
struct Datagrams(UdpSocket);

impl Datagrams {
    fn at(address: &str, server: &str) -> Self {
        let socket = UdpSocket::bind(address).expect("a socket");
        socket.connect(server).expect("a server");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out can be set");
        Self(socket)
    }

    fn ask(&self, text: &str) -> Message {
        self.0.send(text.as_bytes()).expect("it goes");
        let mut buffer = [0; 65_535];
        let length = self.0.recv(&mut buffer).expect("an answer");
        Message::read(&buffer[..length]).expect("a message")
    }
}

/// RFC 5626 §4.4.2; ROBUSTNESS 20: nobody is told more than they said before they have registered.
#[test]
fn a_phone_that_keeps_its_flow_open_by_stun_is_told_where_it_comes_from() {
    let street = Street::claim();
    let household = Household::with_menu(2, 1).phone("ali", "101", &["sales"]);
    let appliance = Appliance::open(&street, &household);
    let phone = Datagrams::at(
        &format!("{}:5062", street.house(40)),
        &street.box_sip().to_string(),
    );
    let binding = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    phone.0.send(&binding).expect("it goes");
    let more = ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-00000a95a0e3>\"";
    let granted = register("101", "udp", more, |text| {
        phone.ask(&text.replace("Max-Forwards", "Supported: outbound\r\nMax-Forwards"))
    });
    assert_eq!(
        granted.status(),
        Some(200),
        "what came first was not answered: {granted:?}"
    );
    assert_eq!(
        (granted.header("Require"), granted.header("Flow-Timer")),
        ("outbound", "30")
    );
    appliance.until_registered(1);
    phone.0.send(&binding).expect("it goes");
    let mut answer = [0; 100];
    let length = phone.0.recv(&mut answer).expect("an answer");
    let address = street.house(40).octets();
    let mask = [0x21, 0x12, 0xa4, 0x42];
    let port = (5062 ^ 0x2112_u16).to_be_bytes();
    let masked: Vec<u8> = address.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    assert_eq!(answer[..4], [1, 1, 0, 12]);
    assert_eq!(
        answer[20..length],
        [&[0, 0x20, 0, 8, 0, 1][..], &port, &masked].concat()
    );
}

/// RFC 3261 §18, RFC 5118: both families, the same port, datagrams and streams; answers go where `rport` says.
#[test]
fn ipv6_is_spoken_beside_ipv4() {
    let street = Street::claim();
    let port = street.v6_port();
    let household = Household::with_menu(2, 1)
        .phone("ali", "101", &["sales"])
        .listening_on(&format!("udp://[::1]:{port}"))
        .listening_on(&format!("tcp://[::1]:{port}"));
    let appliance = Appliance::open(&street, &household);
    let phone = Datagrams::at("[::1]:0", &format!("[::1]:{port}"));
    let via = format!("[::1]:{}", phone.0.local_addr().expect("an address").port());
    let options = request("OPTIONS", "101", "udp", 1, "").replace("phone101.invalid", &via);
    let answer = phone.ask(&options);
    assert_eq!(answer.status(), Some(200), "{answer:?}");
    let granted = register("101", "udp", "", |text| {
        phone.ask(
            &text
                .replace("@phone101.invalid;transport=udp", &format!("@{via}"))
                .replace("phone101.invalid", &via),
        )
    });
    assert_eq!(granted.status(), Some(200), "{granted:?}");
    appliance.until_registered(1);
    let stream = TcpStream::connect(("::1", port)).expect("the box takes TCP");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    let mut other = StreamPhone::new(stream);
    assert_eq!(
        other.ask(&request("OPTIONS", "9", "tcp", 1, "")).status(),
        Some(200)
    );
}

/// A datagram of 65,507 bytes, the largest there is, is read to its end.
#[test]
fn the_largest_datagram_is_read_whole() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let phone = Datagrams::at(&format!("{}:5062", street.pbx()), &street.box_sip().to_string());
    let plain = request("OPTIONS", "9", "udp", 1, "");
    let padding = "x".repeat(60_000);
    let large = plain.replace(
        "Content-Length: 0\r\n\r\n",
        &format!("Content-Length: 60000\r\n\r\n{padding}"),
    );
    let answer = phone.ask(&large);
    assert_eq!(answer.status(), Some(200), "{answer:?}");
}
