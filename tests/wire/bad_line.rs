//! A bad line between a phone and the box: packets are lost, late and out of order on the way.

use crate::harness::sip::Dialog;
use crate::harness::{Appliance, Household, PATIENCE, Phone, Street, Voice, eventually, tone};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const CALLER_HZ: u32 = 440;
const AGENT_HZ: u32 = 1000;

/// A stretch of network in this process. A phone names it in SDP and speaks to it; what comes from the phone goes to the
/// box with losses and delays, what comes from the box goes to the phone as it is.
struct Line {
    address: SocketAddrV4,
    ends: Arc<Mutex<Option<(SocketAddrV4, SocketAddrV4)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Mutex<(u64, u64)>>,
}

impl Line {
    /// A line at this address that loses one packet in `lost` and makes each up to `late` milliseconds late.
    fn at(host: Ipv4Addr, lost: u64, late: u64) -> Self {
        let socket = UdpSocket::bind((host, 0)).expect("a port is free");
        let Ok(SocketAddr::V4(address)) = socket.local_addr() else {
            panic!("it was bound to IPv4")
        };
        socket
            .set_read_timeout(Some(Duration::from_millis(1)))
            .expect("a time-out can be set");
        let (ends, counts) = (Arc::default(), Arc::default());
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (ends, counts, stop) = (Arc::clone(&ends), Arc::clone(&counts), Arc::clone(&stop));
            std::thread::spawn(move || carry(&socket, (lost, late), &ends, &counts, &stop))
        };
        Self {
            address,
            ends,
            stop,
            thread: Some(thread),
            counts,
        }
    }

    /// Leads from this phone to that port of the box.
    fn lead(&self, phone: SocketAddrV4, to: SocketAddrV4) {
        *self.ends.lock().expect("the line is whole") = Some((phone, to));
    }

    /// Packets that were carried to the box, and lost.
    fn counts(&self) -> (u64, u64) {
        *self.counts.lock().expect("the line is whole")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn carry(
    socket: &UdpSocket,
    (lost, late): (u64, u64),
    ends: &Mutex<Option<(SocketAddrV4, SocketAddrV4)>>,
    counts: &Mutex<(u64, u64)>,
    stop: &AtomicBool,
) {
    let (mut chance, mut number) = (0x9e37_79b9_7f4a_7c15_u64, 0u64);
    let (mut buffer, mut way) = ([0; 2048], BTreeMap::new());
    while !stop.load(Ordering::Relaxed) {
        let Some((phone, to)) = ends.lock().ok().and_then(|ends| *ends) else {
            std::thread::yield_now();
            continue;
        };
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if from != SocketAddr::from(phone) {
                socket.send_to(&buffer[..length], phone).ok();
                continue;
            }
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            if chance % lost == 0 {
                counts.lock().expect("the line is whole").1 += 1;
            } else {
                number += 1;
                let due = Instant::now() + Duration::from_millis((chance >> 20) % (late + 1));
                way.insert((due, number), buffer[..length].to_vec());
            }
        }
        while let Some(packet) = way
            .first_entry()
            .filter(|packet| packet.key().0 <= Instant::now())
        {
            socket.send_to(&packet.remove(), to).ok();
            counts.lock().expect("the line is whole").0 += 1;
        }
    }
}

/// ROBUSTNESS 86: what the line loses is measured; what arrives is passed on to the last packet, and the recording stays
/// as long as the call.
#[test]
fn what_a_bad_line_loses_is_measured_and_nothing_more_is_lost() {
    let street = Street::claim();
    let desk = Phone::new("ali", SocketAddrV4::new(street.house(51), 5060), street.box_sip());
    let household = Household::new()
        .contact("ali", &desk.contact(), &[])
        .number("8001", r#"agent="ali""#);
    let appliance = Appliance::open(&street, &household);
    let phone = Phone::new(
        "+966501234567",
        SocketAddrV4::new(street.pbx(), 5060),
        street.box_sip(),
    );
    let line = Line::at(street.house(33), 10, 30);
    let (caller_voice, agent_voice) = (Voice::at(street.pbx()), Voice::at(street.house(51)));
    let dialling = phone.dial("8001", line.address);
    let agent = Dialog::accept(&desk, &desk.expect_request("INVITE"), agent_voice.address);
    let caller = dialling.answered();
    line.lead(caller_voice.address, caller.audio);
    caller_voice.hum(line.address, CALLER_HZ);
    agent_voice.hum(agent.audio, AGENT_HZ);
    eventually("ten seconds are heard", PATIENCE, || {
        (agent_voice.packets().len() >= 450).then_some(())
    });
    assert!(tone::heard(&caller_voice.heard(), AGENT_HZ) >= Duration::from_secs(5));
    caller_voice.hush();
    let (carried, lost) = eventually("the line is empty", PATIENCE, || {
        let (carried, lost) = line.counts();
        (agent_voice.packets().len() as u64 == carried).then_some((carried, lost))
    });
    caller.hang_up();
    agent.hung_up_on();
    let record = appliance.only_record();
    let quality = &record.0["legs"][0]["quality"];
    assert_eq!(quality["packets_received"], carried, "{quality}");
    // Those lost at the very end are missed by nobody.
    let missed = quality["packets_lost"].as_u64().expect("a count");
    assert!(
        (lost - 3..=lost).contains(&missed),
        "{missed} of {lost}: {quality}"
    );
    let percent = quality["loss_percent"].as_f64().expect("a share");
    assert!((4.0..20.0).contains(&percent), "{quality}");
    let jitter = quality["jitter_ms"].as_f64().expect("a jitter");
    assert!((3.0..25.0).contains(&jitter), "{quality}");
    let score = quality["mos"].as_f64().expect("a score");
    assert!((2.0..4.2).contains(&score), "{quality}");
    assert!(
        quality["worst_gap_ms"].as_u64().is_some_and(|gap| gap >= 20),
        "{quality}"
    );
    let recording = appliance.recording(&record.recording());
    let length = |channel: usize| recording.channels[channel].len();
    assert_eq!(length(0), length(1), "both channels are in step");
}
