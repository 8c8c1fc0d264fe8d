//! What a relayed packet costs, beside a bare relay loop in the same run.
//!
//! `cargo bench --bench relay` prints microseconds of CPU a packet of the relaying thread, for 50 and 200 calls of
//! 100 packets a second, and the share of a core that one call takes. Packets are spread evenly over time, so that
//! most wake-ups bring one packet: the dearest case. Each figure is the least of some rounds, taken in turn, so that
//! what else the machine does weighs on all alike.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use callpost::media::{Found, MediaOrder, PlayId, Sound, Sounds};
use callpost::model::{CallKey, Codec, Dice, LegId, LegKey, Playable, RecordingId, TapeMessage};
use callpost::net::rtp::{RtpSettings, RtpThreads};
use callpost::sdp::Agreed;
use mio::net::UdpSocket as MioSocket;
use mio::{Events, Interest, Poll, Token};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long each round of each figure is measured.
const SECONDS: u64 = 2;
/// Rounds.
const ROUNDS: usize = 5;
/// Packets a second that each phone sends.
const RATE: u64 = 50;
/// The name of the bare loop's thread, found by it in /proc.
const BARE: &str = "bare-relay";
/// The name of the RTP thread.
const RTP: &str = "rtp-0";

fn main() {
    println!(
        "{:<34} {:>6} {:>12} {:>14} {:>10}",
        "what", "calls", "µs a packet", "% core a call", "lost"
    );
    for calls in [50, 200] {
        for (what, cost) in least(calls) {
            row(what, calls, &cost);
        }
    }
}

/// Measures each kind in turn, some times over, and keeps the cheapest round of each.
fn least(calls: u32) -> Vec<(&'static str, Cost)> {
    let kinds: [(&str, &dyn Fn() -> Cost); 5] = [
        ("bare relay", &|| bare(calls)),
        ("bridged", &|| bridged(calls, Codec::Pcmu, false)),
        ("bridged, µ-law to A-law", &|| bridged(calls, Codec::Pcma, false)),
        ("bridged, recorded", &|| bridged(calls, Codec::Pcmu, true)),
        ("prompt playing, caller speaking", &|| playing(calls)),
    ];
    let mut costs: Vec<(&str, Cost)> = kinds.iter().map(|(what, measure)| (*what, measure())).collect();
    for _ in 1..ROUNDS {
        for ((_, measure), (_, cost)) in kinds.iter().zip(&mut costs) {
            let again = measure();
            if again.cpu < cost.cpu {
                *cost = again;
            }
        }
    }
    costs
}

/// CPU of the thread in nanoseconds, packets sent by phones, packets that came back and that should have.
struct Cost {
    cpu: u64,
    sent: u64,
    back: u64,
    expected: u64,
}

fn row(what: &str, calls: u32, cost: &Cost) {
    let per_packet = cost.cpu as f64 / 1000.0 / cost.sent as f64;
    let per_call = cost.cpu as f64 / (SECONDS as f64 * 1e9) / f64::from(calls) * 100.0;
    let lost = cost.expected.saturating_sub(cost.back);
    println!("{what:<34} {calls:>6} {per_packet:>12.2} {per_call:>14.4} {lost:>10}");
}

/// Two phones a call.
fn phones(calls: u32) -> Vec<UdpSocket> {
    (0..calls * 2)
        .map(|_| {
            let socket = UdpSocket::bind("127.21.0.2:0").expect("a phone's socket");
            socket.set_nonblocking(true).expect("a socket that does not wait");
            socket
        })
        .collect()
}

/// Lets the phones speak for a while, and gives what they sent and what they heard.
fn speak(phones: &[UdpSocket], to: &[SocketAddr]) -> (u64, u64) {
    let gap = 1_000_000_000 / (RATE * phones.len() as u64);
    let total = RATE * SECONDS * phones.len() as u64;
    let mut packet = [0x55; 172];
    packet[..2].copy_from_slice(&[0x80, 0]);
    let (mut sent, mut back, mut buffer, start) = (0u64, 0u64, [0; 2048], Instant::now());
    while sent < total {
        let due = (start.elapsed().as_nanos() as u64 / gap).min(total);
        while sent < due {
            let phone = (sent % phones.len() as u64) as usize;
            let number = (sent / phones.len() as u64) as u32;
            packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
            packet[8..12].copy_from_slice(&(phone as u32).to_be_bytes());
            phones[phone].send_to(&packet, to[phone]).expect("a packet sent");
            back += u64::from(phones[phone].recv(&mut buffer).is_ok());
            sent += 1;
        }
        thread::sleep(Duration::from_micros(30));
    }
    thread::sleep(Duration::from_millis(200));
    for phone in phones {
        while phone.recv(&mut buffer).is_ok() {
            back += 1;
        }
    }
    (sent, back)
}

/// Nanoseconds that a thread of this process has used, by its name.
fn cpu_of(name: &str) -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("the list of threads");
    for thread in threads.flatten() {
        let path = thread.path();
        if fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            let used = fs::read_to_string(path.join("schedstat")).expect("what the thread used");
            return used
                .split(' ')
                .next()
                .and_then(|used| used.parse().ok())
                .expect("nanoseconds");
        }
    }
    0
}

/// The least a relay can do: wait, one receive, one send.
fn bare(calls: u32) -> Cost {
    let phones = phones(calls);
    let remote: Vec<_> = phones
        .iter()
        .map(|phone| phone.local_addr().expect("its address"))
        .collect();
    let mut ours: Vec<_> = remote
        .iter()
        .map(|_| MioSocket::bind("127.21.0.1:0".parse().expect("an address")).expect("a socket"))
        .collect();
    let to: Vec<_> = ours
        .iter()
        .map(|socket| socket.local_addr().expect("its address"))
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    let relay = thread::Builder::new().name(BARE.to_owned()).spawn(move || {
        let mut poll = Poll::new().expect("a poll");
        for (place, socket) in ours.iter_mut().enumerate() {
            poll.registry()
                .register(socket, Token(place), Interest::READABLE)
                .expect("registered");
        }
        let (mut events, mut buffer) = (Events::with_capacity(256), [0; 2048]);
        while !told.load(Ordering::Relaxed) {
            poll.poll(&mut events, Some(Duration::from_millis(100)))
                .expect("events");
            for event in &events {
                let place = event.token().0;
                while let Ok((length, _)) = ours[place].recv_from(&mut buffer) {
                    let peer = place ^ 1;
                    ours[peer]
                        .send_to(&buffer[..length], remote[peer])
                        .expect("relayed");
                }
            }
        }
    });
    let before = cpu_of(BARE);
    let (sent, back) = speak(&phones, &to);
    let cpu = cpu_of(BARE) - before;
    stop.store(true, Ordering::Relaxed);
    relay.expect("a thread").join().expect("the relay's end");
    Cost {
        cpu,
        sent,
        back,
        expected: sent,
    }
}

/// One sound for every name.
struct Library(Arc<Sound>);

impl Sounds for Library {
    fn find(&self, _: &Playable) -> Found {
        Found::Ready(self.0.clone())
    }
}

/// One RTP thread with all legs open and started, and the recorder's queue.
fn office(phones: &[UdpSocket], second_law: Codec) -> (RtpThreads, Vec<SocketAddr>, Receiver<TapeMessage>) {
    let sound = Arc::new(Sound::from_pcm_8k(&[1000; 80_000]));
    let (recorder, tapes) = sync_channel(4096);
    let (_, buffers) = sync_channel(1);
    let settings = RtpSettings {
        rtp_timeout: None,
        dice: Dice::from_number(1),
    };
    let threads = RtpThreads::start(
        1,
        settings,
        Arc::new(Library(sound)),
        Arc::new(|_| Ok(())),
        recorder,
        buffers,
    )
    .expect("an RTP thread");
    let local = "127.21.0.1".parse().expect("an address");
    let mut to = Vec::new();
    for (place, phone) in phones.iter().enumerate() {
        let leg = leg(place);
        let port = 12_000 + 2 * place as u16;
        threads
            .order(MediaOrder::Open { leg, local, port })
            .expect("open");
        let codec = if place % 2 == 0 { Codec::Pcmu } else { second_law };
        let agreed = agreed(phone.local_addr().expect("its address"), codec);
        threads.order(MediaOrder::Start { leg, agreed }).expect("start");
        to.push(SocketAddr::new(local, port));
    }
    (threads, to, tapes)
}

fn leg(place: usize) -> LegKey {
    LegKey {
        call: CallKey(place as u32 / 2),
        leg: LegId(place as u32 % 2),
    }
}

fn agreed(remote: SocketAddr, codec: Codec) -> Agreed {
    Agreed {
        remote_rtcp: remote,
        send_telephone_event: None,
        receive_telephone_event: None,
        ..Agreed::plain(remote, codec)
    }
}

fn bridged(calls: u32, second_law: Codec, recorded: bool) -> Cost {
    let phones = phones(calls);
    let (threads, to, tapes) = office(&phones, second_law);
    for call in 0..calls as usize {
        let (a, b) = (leg(2 * call), leg(2 * call + 1));
        threads.order(MediaOrder::Bridge { a, b }).expect("bridge");
        if recorded {
            let id = RecordingId(uuid::Uuid::from_u128(call as u128));
            threads
                .order(MediaOrder::Record {
                    left: a,
                    right: Some(b),
                    id,
                    codec: Codec::Pcmu,
                })
                .expect("record");
        }
    }
    let drain = thread::spawn(move || tapes.iter().count());
    let before = cpu_of(RTP);
    let (sent, back) = speak(&phones, &to);
    let cpu = cpu_of(RTP) - before;
    threads.stop();
    drain.join().expect("the recorder's end");
    Cost {
        cpu,
        sent,
        back,
        expected: sent,
    }
}

/// Every phone speaks into a menu; the cost is per packet that it sends, and it hears as many.
fn playing(calls: u32) -> Cost {
    let callers: Vec<_> = phones(calls).into_iter().step_by(2).collect();
    let (threads, to, _tapes) = office(&callers, Codec::Pcmu);
    for place in 0..callers.len() {
        let items = vec![Playable::Prompt {
            language: "en".into(),
            name: "welcome".into(),
        }];
        let play = MediaOrder::Play {
            leg: leg(place),
            play: PlayId(1),
            items,
            repeat: true,
        };
        threads.order(play).expect("play");
    }
    let before = cpu_of(RTP);
    let (sent, back) = speak(&callers, &to);
    let cpu = cpu_of(RTP) - before;
    threads.stop();
    Cost {
        cpu,
        sent,
        back,
        expected: back,
    }
}
