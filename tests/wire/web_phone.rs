//! Telephones in browsers: SIP over WebSocket (RFC 7118), on its own port and on that of the pages.

use crate::encrypted::{register, request};
use crate::harness::sip::Message;
use crate::harness::{Appliance, Household, PATIENCE, Street};
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message as Frame, WebSocket};

type Socket = WebSocket<TcpStream>;

fn household() -> Household {
    Household::with_menu(2, 1)
        .phone("ali", "101", &["sales"])
        .listening("ws")
}

fn open(at: SocketAddrV4, headers: &[(&'static str, &str)]) -> Result<(Socket, Response), u16> {
    let mut request = format!("ws://{at}/sip")
        .into_client_request()
        .expect("an address");
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, HeaderValue::from_str(value).expect("a value"));
    }
    let stream = TcpStream::connect(at).expect("the box takes connections");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    match tokio_tungstenite::tungstenite::client(request, stream) {
        Ok(opened) => Ok(opened),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

const SIP: [(&str, &str); 1] = [("Sec-WebSocket-Protocol", "sip")];

/// The next SIP message.
#[track_caller]
fn hear(socket: &mut Socket) -> Message {
    loop {
        match socket.read().expect("the box goes on") {
            Frame::Text(text) => return Message::read(text.as_bytes()).expect("a message"),
            Frame::Binary(bytes) => return Message::read(&bytes).expect("a message"),
            Frame::Ping(_) | Frame::Pong(_) => {}
            other @ (Frame::Close(_) | Frame::Frame(_)) => panic!("{other:?}"),
        }
    }
}

/// How the box ended it.
fn last_word(socket: &mut Socket) -> Option<CloseCode> {
    loop {
        match socket.read() {
            Ok(Frame::Close(frame)) => return frame.map(|frame| frame.code),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[test]
fn a_browser_registers_on_both_ports_is_rung_and_is_gone_with_its_tab() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household());
    for at in [street.box_by("ws"), street.box_http()] {
        let (mut socket, response) = open(at, &SIP).expect("a handshake");
        assert_eq!(response.headers()["sec-websocket-protocol"], "sip");
        let more = ";reg-id=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-00000a95a0e2>\"";
        let granted = register("101", "ws", more, |text| {
            socket.send(Frame::text(text)).expect("the box reads");
            hear(&mut socket)
        });
        assert_eq!(granted.status(), Some(200), "{granted:?}");
        appliance.until_registered(1);
        // Binary is the same message (RFC 7118 §5); a keep-alive is answered.
        let options = request("OPTIONS", "101", "ws", 7, "");
        socket
            .send(Frame::binary(options.into_bytes()))
            .expect("the box reads");
        assert_eq!(hear(&mut socket).status(), Some(200));
        socket.send(Frame::text("\r\n\r\n")).expect("the box reads");
        assert_eq!(socket.read().expect("a pong"), Frame::text("\r\n"));
        drop(socket);
        appliance.until_registered(0);
    }
}

/// A page of another site may not use the box's address to telephone.
#[test]
fn foreign_pages_and_other_protocols_are_refused() {
    let street = Street::claim();
    let household = household().sip_key("ws_origins=[\"https://crm.example\"]");
    let _appliance = Appliance::open(&street, &household);
    for at in [street.box_by("ws"), street.box_http()] {
        let with = |more: &[(&'static str, &str)]| open(at, &[&SIP, more].concat()).err();
        assert_eq!(with(&[("Origin", "https://evil.example")]), Some(403));
        assert_eq!(with(&[("Origin", "null")]), Some(403));
        assert_eq!(with(&[("Origin", "https://crm.example")]), None);
        assert_eq!(with(&[("Origin", &format!("http://{}", at.ip()))]), None);
        assert_eq!(open(at, &[]).err(), Some(400), "no subprotocol");
        assert_eq!(open(at, &[("Sec-WebSocket-Protocol", "chat")]).err(), Some(400));
        let rebound = with(&[("Host", "evil.example")]);
        assert!(matches!(rebound, Some(403 | 421)), "{rebound:?}");
    }
}

/// ROBUSTNESS 14
#[test]
fn a_browser_that_breaks_the_rules_is_told_so_and_closed() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &household());
    let before = appliance.memory_kb();
    let mask = [1, 2, 3, 4];
    let masked = |head: &[u8], body: &[u8]| {
        let hidden = body
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        [head, &mask[..], &hidden.collect::<Vec<u8>>()].concat()
    };
    let cases: [(&str, Vec<u8>, &[CloseCode]); 7] = [
        ("unmasked", vec![0x81, 2, b'h', b'i'], &[CloseCode::Protocol]),
        (
            "2^63 bytes",
            masked(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], b""),
            &[CloseCode::Size, CloseCode::Protocol],
        ),
        (
            "70 kB",
            masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x11, 0x70], &vec![b'x'; 70_000]),
            &[CloseCode::Size],
        ),
        (
            "compressed",
            masked(&[0xc1, 0x85], b"hello"),
            &[CloseCode::Protocol],
        ),
        (
            "unknown opcode",
            masked(&[0x83, 0x80], b""),
            &[CloseCode::Protocol],
        ),
        (
            "a ping in pieces",
            masked(&[0x09, 0x80], b""),
            &[CloseCode::Protocol],
        ),
        (
            "no UTF-8",
            masked(&[0x81, 0x82], &[0xc3, 0x28]),
            &[CloseCode::Invalid],
        ),
    ];
    for at in [street.box_by("ws"), street.box_http()] {
        for (what, bytes, words) in &cases {
            let (mut socket, _) = open(at, &SIP).expect("a handshake");
            socket.get_mut().write_all(bytes).ok();
            let word = last_word(&mut socket);
            assert!(word.is_some_and(|word| words.contains(&word)), "{what}: {word:?}");
        }
        // Fragments without end: no more is kept than one message may have.
        let (mut socket, _) = open(at, &SIP).expect("a handshake");
        socket
            .get_mut()
            .write_all(&masked(&[0x01, 0xfe, 0x03, 0xe8], &[b'x'; 1000]))
            .ok();
        for _ in 0..200 {
            if socket
                .get_mut()
                .write_all(&masked(&[0x00, 0xfe, 0x03, 0xe8], &[b'x'; 1000]))
                .is_err()
            {
                break;
            }
        }
        assert_ne!(last_word(&mut socket), Some(CloseCode::Normal));
        // Pings are answered, and nothing is kept of them.
        let (mut socket, _) = open(at, &SIP).expect("a handshake");
        for _ in 0..2000 {
            socket
                .send(Frame::Ping(vec![7; 100].into()))
                .expect("the box reads");
            let Frame::Pong(_) = socket.read().expect("a pong") else {
                panic!("pings are answered by pongs")
            };
        }
    }
    let grown = appliance.memory_kb().saturating_sub(before);
    assert!(grown < 8 * 1024, "memory stays flat: {grown} kB more");
    let (mut socket, _) = open(street.box_by("ws"), &SIP).expect("others are served");
    socket
        .send(Frame::text(request("OPTIONS", "1", "ws", 1, "")))
        .expect("the box reads");
    assert_eq!(hear(&mut socket).status(), Some(200));
}

/// ROBUSTNESS 22
#[test]
fn a_websocket_handshake_that_is_not_finished_is_given_up() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &household());
    let mut socket = TcpStream::connect(street.box_by("ws")).expect("the box takes connections");
    socket
        .write_all(b"GET /sip HTTP/1.1\r\nHost: ")
        .expect("half a handshake");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a time-out can be set");
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).ok();
}
