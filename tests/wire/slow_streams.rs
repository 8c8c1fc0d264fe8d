//! Streams that are slow, silent, broken or cut: each is closed, and nobody else notices.

use crate::encrypted::{StreamPhone, request};
use crate::harness::{Appliance, Household, PATIENCE, Street, eventually};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

fn connect(street: &Street) -> StreamPhone<TcpStream> {
    let stream = TcpStream::connect(street.box_sip()).expect("the box takes TCP");
    stream
        .set_read_timeout(Some(2 * PATIENCE))
        .expect("a time-out can be set");
    StreamPhone::new(stream)
}

/// ROBUSTNESS 21: a byte a second keeps no connection: the message has ten seconds, however its bytes come.
#[test]
fn five_hundred_slow_strangers_are_shown_out_and_a_phone_is_served_meanwhile() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let idle = appliance.descriptors();
    let mut slow: Vec<TcpStream> = (0..500)
        .map(|_| {
            let stream = TcpStream::connect(street.box_sip()).expect("the box takes TCP");
            stream.set_nodelay(true).expect("small segments can be asked for");
            stream.set_nonblocking(true).expect("it need not wait");
            stream
        })
        .collect();
    let text = request("OPTIONS", "9", "tcp", 1, "");
    let mut bytes = text.as_bytes().iter();
    eventually("all slow strangers are gone", 6 * PATIENCE, || {
        let byte = bytes.next().copied().unwrap_or(b'x');
        slow.retain_mut(|stream| {
            let is_closed = matches!(stream.read(&mut [0; 16]), Ok(0));
            !is_closed && stream.write_all(&[byte]).is_ok()
        });
        let mut phone = connect(&street);
        assert_eq!(
            phone.ask(&request("OPTIONS", "1", "tcp", 1, "")).status(),
            Some(200)
        );
        std::thread::sleep(Duration::from_millis(900));
        slow.is_empty().then_some(())
    });
    appliance.until_handles_are_back(idle);
}

/// ROBUSTNESS 24, 12
#[test]
fn ten_thousand_connections_that_are_cut_leave_nothing_behind() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let before = appliance.descriptors();
    let invite = request("INVITE", "9", "tcp", 1, "Contact: <sip:9@127.0.0.1>\r\n");
    for _ in 0..10_000 {
        let mut stream = TcpStream::connect(street.box_sip()).expect("the box takes TCP");
        stream.write_all(invite.as_bytes()).ok();
        // Closing with a linger of nothing sends RST.
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .expect("a linger can be set");
    }
    appliance.until("every connection is gone", |status| {
        status["transport"]["streams"] == 0
    });
    appliance.until_handles_are_back(before);
    let mut phone = connect(&street);
    assert_eq!(
        phone.ask(&request("OPTIONS", "1", "tcp", 1, "")).status(),
        Some(200)
    );
    appliance.until_quiet();
}

/// ROBUSTNESS 12: what cannot be cut into messages is answered, if it can be, and closed.
#[test]
fn a_stream_without_believable_lengths_is_refused_and_closed() {
    let street = Street::claim();
    let _appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    for (length, status) in [
        ("Content-Length: nonsense", 400),
        ("Content-Length: 99999999", 413),
    ] {
        let mut phone = connect(&street);
        let answer = phone.ask(&request("OPTIONS", "1", "tcp", 1, "").replace("Content-Length: 0", length));
        assert!(
            matches!(answer.status(), Some(code) if code == status || code == 513),
            "{length}: {answer:?}"
        );
        let mut rest = Vec::new();
        phone.stream.read_to_end(&mut rest).expect("the box closes");
        assert!(rest.is_empty());
    }
    let mut phone = connect(&street);
    // The box may close while we still write.
    let _ = phone.stream.write_all(&vec![b'x'; 80 * 1024]);
    let mut rest = Vec::new();
    let _ = phone.stream.read_to_end(&mut rest);
}

/// Nobody who is not known may stay for nothing; a keep-alive is answered, but keeps no stranger.
#[test]
fn a_silent_stranger_is_shown_out_even_if_it_pings() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let mut phone = connect(&street);
    phone.say("\r\n\r\n");
    let mut pong = [0; 2];
    phone
        .stream
        .read_exact(&mut pong)
        .expect("a keep-alive is answered");
    let mut rest = Vec::new();
    eventually("the stranger is shown out", 4 * PATIENCE, || {
        if phone.stream.write_all(b"\r\n\r\n").is_err() {
            return Some(());
        }
        phone
            .stream
            .set_read_timeout(Some(Duration::from_secs(3)))
            .expect("a time-out can be set");
        let mut buffer = [0; 64];
        match phone.stream.read(&mut buffer) {
            Ok(0) => Some(()),
            Ok(length) => {
                rest.extend_from_slice(&buffer[..length]);
                std::thread::sleep(Duration::from_secs(2));
                None
            }
            Err(_) => None,
        }
    });
    eventually("the place is free", PATIENCE, || {
        (appliance.status()["transport"]["streams"] == 0).then_some(())
    });
}
