//! Whether it pays to gather packets: a bare relay of voice in several builds, side by side.
//!
//! `cargo bench --bench batching [calls …] [quick]` prints microseconds of CPU a packet of the relaying thread, packets a wake-up,
//! and how long a packet is under way from phone to phone. What it told, and what the box does about it, stands in
//! `docs/adr/0017-packets-are-not-gathered.md`.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(unsafe_code, reason = "recvmmsg, sendmmsg and io_uring have no safe face")]

mod ring;

use mio::net::UdpSocket as MioSocket;
use mio::{Events, Interest, Poll, Token};
use std::fs;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long each round of each figure is measured.
const SECONDS: u64 = 2;
/// Rounds; the cheapest of each kind counts.
const ROUNDS: usize = 5;
/// Packets a second that each phone sends.
const RATE: u64 = 50;
/// The relaying thread's name.
const RELAY: &str = "relay";
/// Packets gathered at most by one call of the system.
const MOST: usize = 64;
/// Bytes of a voice packet.
const LENGTH: usize = 172;

/// How a relay is built.
#[derive(Clone, Copy)]
struct Build {
    what: &'static str,
    /// Sleep so long between two looks, instead of waking for each packet.
    tick: Option<Duration>,
    /// One socket for all legs, read and written by recvmmsg and sendmmsg. It is the least that gathering can cost; a box
    /// cannot have it, because SDP gives each leg a port.
    shared: bool,
    /// A socket each, served by `io_uring`.
    ring: bool,
}

const BUILDS: [Build; 7] = [
    Build {
        what: "a socket each, awake for each packet",
        tick: None,
        shared: false,
        ring: false,
    },
    Build {
        what: "a socket each, drained every 1 ms",
        tick: Some(Duration::from_millis(1)),
        shared: false,
        ring: false,
    },
    Build {
        what: "a socket each, drained every 2 ms",
        tick: Some(Duration::from_millis(2)),
        shared: false,
        ring: false,
    },
    Build {
        what: "a socket each, drained every 5 ms",
        tick: Some(Duration::from_millis(5)),
        shared: false,
        ring: false,
    },
    Build {
        what: "one socket, recvmmsg, sendmmsg",
        tick: None,
        shared: true,
        ring: false,
    },
    Build {
        what: "the same, drained every 2 ms",
        tick: Some(Duration::from_millis(2)),
        shared: true,
        ring: false,
    },
    Build {
        what: "a socket each, io_uring",
        tick: None,
        shared: false,
        ring: true,
    },
];

fn main() {
    println!(
        "{:<40} {:>6} {:>12} {:>16} {:>10} {:>10} {:>6}",
        "what", "calls", "µs a packet", "packets a wake", "delay µs", "p99 µs", "lost"
    );
    let asked: Vec<u32> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let rounds = if std::env::args().any(|word| word == "quick") {
        1
    } else {
        ROUNDS
    };
    let calls = if asked.is_empty() {
        vec![10, 50, 200]
    } else {
        asked
    };
    for calls in calls {
        let mut best: Vec<Option<Figure>> = vec![None; BUILDS.len()];
        for _ in 0..rounds {
            for (build, best) in BUILDS.iter().zip(&mut best) {
                let figure = measure(*build, calls);
                if best.is_none_or(|known| figure.cpu < known.cpu) {
                    *best = Some(figure);
                }
            }
        }
        for (build, figure) in BUILDS.iter().zip(best.into_iter().flatten()) {
            let per_packet = figure.cpu as f64 / 1000.0 / figure.sent as f64;
            let per_wake = figure.sent as f64 / figure.wakes.max(1) as f64;
            println!(
                "{:<40} {calls:>6} {per_packet:>12.2} {per_wake:>16.1} {:>10} {:>10} {:>6}",
                build.what,
                figure.median,
                figure.p99,
                figure.sent.saturating_sub(figure.back)
            );
        }
    }
}

/// One round of one build.
#[derive(Clone, Copy)]
struct Figure {
    cpu: u64,
    wakes: u64,
    sent: u64,
    back: u64,
    median: u64,
    p99: u64,
}

fn measure(build: Build, calls: u32) -> Figure {
    let phones: Vec<UdpSocket> = (0..calls * 2)
        .map(|_| {
            let socket = UdpSocket::bind("127.21.0.4:0").expect("a phone's socket");
            socket.set_nonblocking(true).expect("a socket that does not wait");
            socket
        })
        .collect();
    let remote: Vec<SocketAddr> = phones
        .iter()
        .map(|phone| phone.local_addr().expect("its address"))
        .collect();
    let count = if build.shared { 1 } else { remote.len() };
    let ours: Vec<MioSocket> = (0..count)
        .map(|_| MioSocket::bind("127.21.0.3:0".parse().expect("an address")).expect("a socket"))
        .collect();
    let to: Vec<SocketAddr> = (0..remote.len())
        .map(|place| ours[place % count].local_addr().expect("its address"))
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let (told, peers) = (stop.clone(), remote.clone());
    let relay = thread::Builder::new()
        .name(RELAY.to_owned())
        .spawn(move || {
            if build.ring {
                let sockets: Vec<i32> = ours.iter().map(AsRawFd::as_raw_fd).collect();
                ring::relay(&sockets, &peers, &told)
            } else {
                relay(build, ours, &peers, &told)
            }
        })
        .expect("a thread");
    let before = cpu();
    let (sent, back, median, p99) = speak(&phones, &to);
    let cpu = cpu() - before;
    stop.store(true, Ordering::Relaxed);
    let wakes = relay.join().expect("the relay's end");
    Figure {
        cpu,
        wakes,
        sent,
        back,
        median,
        p99,
    }
}

/// Relays until it is told to stop; gives how often it woke and found something.
fn relay(build: Build, mut ours: Vec<MioSocket>, remote: &[SocketAddr], stop: &AtomicBool) -> u64 {
    let mut poll = Poll::new().expect("a poll");
    for (place, socket) in ours.iter_mut().enumerate() {
        poll.registry()
            .register(socket, Token(place), Interest::READABLE)
            .expect("registered");
    }
    let (mut events, mut buffer, mut wakes) = (Events::with_capacity(1024), [0; 2048], 0);
    let mut gathered = Gathered::new(remote);
    while !stop.load(Ordering::Relaxed) {
        let wait = match build.tick {
            Some(tick) => {
                thread::sleep(tick);
                Duration::ZERO
            }
            None => Duration::from_millis(100),
        };
        poll.poll(&mut events, Some(wait)).expect("events");
        wakes += u64::from(!events.is_empty());
        for event in &events {
            let place = event.token().0;
            if build.shared {
                while gathered.pass(ours[0].as_raw_fd()) == MOST {}
                continue;
            }
            while let Ok((length, _)) = ours[place].recv_from(&mut buffer) {
                ours[place ^ 1]
                    .send_to(&buffer[..length], remote[place ^ 1])
                    .expect("relayed");
            }
        }
    }
    wakes
}

/// Room for what one call of the system brings, for all legs on one socket. The packet itself says whose it is.
struct Gathered {
    bytes: Vec<[u8; LENGTH]>,
    names: Vec<libc::sockaddr_in>,
    remote: Vec<libc::sockaddr_in>,
}

impl Gathered {
    fn new(remote: &[SocketAddr]) -> Self {
        let remote: Vec<_> = remote.iter().map(name).collect();
        Self {
            bytes: vec![[0; LENGTH]; MOST],
            names: vec![remote[0]; MOST],
            remote,
        }
    }

    /// One recvmmsg, one sendmmsg; gives how many packets.
    fn pass(&mut self, socket: i32) -> usize {
        let mut pieces: Vec<libc::iovec> = self
            .bytes
            .iter_mut()
            .map(|bytes| libc::iovec {
                iov_base: bytes.as_mut_ptr().cast(),
                iov_len: LENGTH,
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = pieces
            .iter_mut()
            .map(|piece| {
                // SAFETY: a header of zeros names nothing.
                let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
                message.msg_hdr.msg_iov = ptr::from_mut(piece);
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        // SAFETY: every header points to a piece, every piece to bytes of ours, as many as are told.
        let got = unsafe {
            libc::recvmmsg(
                socket,
                messages.as_mut_ptr(),
                MOST as u32,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        let got = usize::try_from(got).unwrap_or(0);
        for (place, message) in messages.iter_mut().enumerate().take(got) {
            let ssrc = self.bytes[place].get(8..12).and_then(|ssrc| ssrc.first_chunk());
            let phone = ssrc.map_or(0, |ssrc| u32::from_be_bytes(*ssrc) as usize);
            self.names[place] = self.remote[phone ^ 1];
            message.msg_hdr.msg_name = ptr::from_mut(&mut self.names[place]).cast();
            message.msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_in>() as u32;
        }
        if got > 0 {
            // SAFETY: as above, and the names live as long as the headers.
            unsafe { libc::sendmmsg(socket, messages.as_mut_ptr(), got as u32, 0) };
        }
        got
    }
}

fn name(address: &SocketAddr) -> libc::sockaddr_in {
    let SocketAddr::V4(address) = address else {
        panic!("phones have IPv4 here")
    };
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(*address.ip()).to_be(),
        },
        sin_zero: [0; 8],
    }
}

/// Lets the phones speak; packets sent and heard, the median and the 99th percentile of their delay in microseconds.
fn speak(phones: &[UdpSocket], to: &[SocketAddr]) -> (u64, u64, u64, u64) {
    let gap = 1_000_000_000 / (RATE * phones.len() as u64);
    let total = RATE * SECONDS * phones.len() as u64;
    let (start, over) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let ears = listen(phones, start, over.clone());
    let (mut packet, mut sent) = ([0x55; LENGTH], 0u64);
    while sent < total {
        let due = (start.elapsed().as_nanos() as u64 / gap).min(total);
        while sent < due {
            let phone = (sent % phones.len() as u64) as usize;
            packet[8..12].copy_from_slice(&(phone as u32).to_be_bytes());
            packet[12..20].copy_from_slice(&(start.elapsed().as_nanos() as u64).to_be_bytes());
            phones[phone].send_to(&packet, to[phone]).expect("a packet sent");
            sent += 1;
        }
        thread::sleep(Duration::from_micros(30));
    }
    thread::sleep(Duration::from_millis(200));
    over.store(true, Ordering::Relaxed);
    let mut delays = ears.join().expect("the ears' end");
    delays.sort_unstable();
    let at = |part: usize| delays.get(delays.len() * part / 100).copied().unwrap_or_default();
    (sent, delays.len() as u64, at(50), at(99))
}

/// All phones' ears, on a thread of their own; the delay of each packet.
fn listen(phones: &[UdpSocket], start: Instant, over: Arc<AtomicBool>) -> thread::JoinHandle<Vec<u64>> {
    let mut poll = Poll::new().expect("a poll");
    let mut ears: Vec<MioSocket> = phones
        .iter()
        .map(|phone| MioSocket::from_std(phone.try_clone().expect("the same socket")))
        .collect();
    for (place, ear) in ears.iter_mut().enumerate() {
        poll.registry()
            .register(ear, Token(place), Interest::READABLE)
            .expect("registered");
    }
    thread::spawn(move || {
        let (mut events, mut buffer, mut delays) = (Events::with_capacity(256), [0; 2048], Vec::new());
        while !over.load(Ordering::Relaxed) {
            poll.poll(&mut events, Some(Duration::from_millis(20)))
                .expect("events");
            for event in &events {
                while ears[event.token().0].recv_from(&mut buffer).is_ok() {
                    if let Some(stamp) = buffer.get(12..20).and_then(|stamp| stamp.first_chunk()) {
                        let now = start.elapsed().as_nanos() as u64;
                        delays.push(now.saturating_sub(u64::from_be_bytes(*stamp)) / 1000);
                    }
                }
            }
        }
        delays
    })
}

/// Nanoseconds that the relaying thread has used, and those that the system began for its ring.
fn cpu() -> u64 {
    let threads = fs::read_dir("/proc/self/task").expect("the list of threads");
    let used = threads.flatten().filter_map(|thread| {
        let path = thread.path();
        let comm = fs::read_to_string(path.join("comm")).ok()?;
        if comm.trim() != RELAY && !comm.starts_with("iou-") {
            return None;
        }
        let used = fs::read_to_string(path.join("schedstat")).ok()?;
        used.split(' ').next()?.parse::<u64>().ok()
    });
    used.sum()
}
