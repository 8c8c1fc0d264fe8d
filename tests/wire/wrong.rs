//! Thousands of wrong messages against the running box: it lives, and is the same afterwards.

use crate::harness::{Appliance, Household, Phone, Street};
use crate::malformed;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::rc::Rc;
use std::time::Duration;

/// An OPTIONS from another address is answered within a second, by the same process.
#[track_caller]
fn is_live(appliance: &Appliance, probe: &Rc<Phone>, street: &Street, pid: u32) {
    let options = probe.request("OPTIONS", &format!("sip:{}", street.box_sip()));
    probe.say(&options);
    let call_id = options.header("Call-ID").to_owned();
    let answered = (0..50).any(|_| {
        probe
            .hear(Duration::from_secs(1))
            .is_some_and(|message| message.header("Call-ID") == call_id)
    });
    assert!(answered, "it does not answer: {}", appliance.log());
    assert_eq!(appliance.pid(), pid);
}

/// ROBUSTNESS 4, 5, 6, 11: every anomaly in every place of an INVITE, and mutations of a good one, as datagrams. They
/// come from the trunk, whose packets the guard lets through.
#[test]
fn thousands_of_malformed_datagrams_leave_the_box_as_it_was() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let trunk = Phone::new("050", SocketAddrV4::new(street.pbx(), 5060), street.box_sip());
    let probe = Phone::new("probe", SocketAddrV4::new(street.house(77), 0), street.box_sip());
    let pid = appliance.pid();
    let from = trunk.at().to_string();
    let good: Vec<u8> = malformed::messages(&from, 1_000_000).nth(5).unwrap_or_default();
    let mutated = (0..3000).map(|seed| malformed::mutated(&good, seed));
    is_live(&appliance, &probe, &street, pid);
    let mut before = 0;
    let bad = malformed::messages(&from, 0).step_by(2);
    for (number, message) in bad.chain(mutated).enumerate() {
        trunk.say_bytes(message.get(..65_507).unwrap_or(&message));
        if number % 20 == 0 {
            // About a thousand a second; what it answers is not left in the kernel's buffer.
            while trunk.hear(Duration::from_millis(1)).is_some() {}
            std::thread::sleep(Duration::from_millis(5));
        }
        if number % 500 == 0 {
            is_live(&appliance, &probe, &street, pid);
        }
        if number == 1000 {
            before = appliance.memory_kb();
        }
    }
    is_live(&appliance, &probe, &street, pid);
    appliance.until_quiet();
    let grown = appliance.memory_kb().saturating_sub(before);
    // Transactions of the last half minute are still held, 2 kB each.
    assert!(grown < 30_000, "memory grew by {grown} kB");
    let malformed = appliance.status()["counters"]["sip_malformed"].as_u64();
    assert!(malformed > Some(500), "{malformed:?}");
}

/// ROBUSTNESS 4, 8, 12: the same over streams.
#[test]
fn malformed_streams_are_answered_or_closed() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let probe = Phone::new("probe", SocketAddrV4::new(street.house(77), 0), street.box_sip());
    let pid = appliance.pid();
    let from = format!("{}:5060", street.pbx());
    let before = appliance.descriptors();
    for (number, message) in malformed::messages(&from, 0).step_by(23).enumerate() {
        let mut stream = connect(&street);
        // A box that has closed by now is content too.
        let _ = stream.write_all(&message);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        assert!(
            heard.is_empty() || heard.starts_with(b"SIP/2.0 "),
            "{}",
            String::from_utf8_lossy(&heard)
        );
        if number % 100 == 0 {
            is_live(&appliance, &probe, &street, pid);
        }
    }
    is_live(&appliance, &probe, &street, pid);
    appliance.until_quiet();
    appliance.until_handles_are_back(before);
}

/// ROBUSTNESS 7, 8, 12: what cannot be framed is refused and the connection closed.
#[test]
fn a_stream_that_lies_about_its_length_or_never_ends_is_closed() {
    let street = Street::claim();
    let appliance = Appliance::open(&street, &Household::with_menu(2, 1));
    let before = appliance.memory_kb();
    let head = format!(
        "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/TCP {1}:5060;branch=z9hG4bKl\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:{0}>\r\nCall-ID: l\r\nCSeq: 1 OPTIONS\r\n",
        street.box_sip(),
        street.pbx()
    );
    for length in [
        "-1",
        "+5",
        "4294967296",
        "100000000000000000000",
        "5\r\nContent-Length: 6",
    ] {
        let mut stream = connect(&street);
        let text = format!("{head}Content-Length: {length}\r\n\r\nwhat is pending");
        stream.write_all(text.as_bytes()).expect("it goes");
        let mut heard = String::new();
        let _ = stream.read_to_string(&mut heard);
        let status = heard
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse::<u16>().ok());
        assert!(matches!(status, Some(400 | 413 | 513)), "{length}: {heard}");
    }
    let mut stream = connect(&street);
    let junk = "x".repeat(70_000);
    let _ = stream.write_all(junk.as_bytes());
    let _ = stream.write_all(format!("\r\n\r\n{head}Content-Length: 0\r\n\r\n").as_bytes());
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    assert!(
        !heard.windows(11).any(|part| part == b"SIP/2.0 200"),
        "junk ends a stream"
    );
    let grown = appliance.memory_kb().saturating_sub(before);
    assert!(grown < 4096, "memory grew by {grown} kB");
}

fn connect(street: &Street) -> TcpStream {
    let stream = TcpStream::connect(street.box_sip()).expect("the box takes TCP");
    let patience = Some(Duration::from_secs(15));
    stream.set_read_timeout(patience).expect("a time-out can be set");
    stream
}
