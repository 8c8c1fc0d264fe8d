//! What a relayed packet costs, beside a bare relay loop in the same run.
//!
//! `cargo bench --bench relay` prints microseconds of CPU a packet of the relaying thread, for 10, 50, 200 and 500
//! calls of 100 packets a second, the share of a core that one call takes, and how long a packet is under way from
//! phone to phone (half of its copies are slower than the median, one in a hundred than p99; on one machine, so with both
//! phones' own share). Packets are spread evenly over time, so that most wake-ups bring one packet: the dearest case. Each
//! figure is the least of some rounds, taken in turn, so that what else the machine does weighs on all alike. Numbers
//! behind `--` choose other calls: `cargo bench --bench relay -- 50`; `quick` is one round.
//!
//! Two rows are about bad days. Over a bad line one packet in ten is lost before it comes to the box, each is up to 60 ms
//! late, so that they overtake each other, and one in a hundred comes twice; the delay is the box's own. And what a flood of
//! 20,000 reports a second at the report port of one of ten calls takes of a core.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use callpost::media::{Found, MediaOrder, PACKET, PlayId, Session, Sound, Sounds};
use callpost::model::{
    CallKey, Codec, Dice, LegId, LegKey, Playable, RecordingId, SrtpSuite, TapeFormat, TapeMessage,
};
use callpost::net::rtp::{RtpSettings, RtpThreads};
use callpost::sdp::{Agreed, MasterKey, Secured};
use mio::net::UdpSocket as MioSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::BTreeMap;
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
/// Bytes of a packet of 20 ms of G.711.
const PLAIN: usize = 172;
/// The name of the bare loop's thread, found by it in /proc.
const BARE: &str = "bare-relay";
/// The name of the RTP thread.
const RTP: &str = "rtp-0";

fn main() {
    println!(
        "{:<34} {:>6} {:>12} {:>14} {:>10} {:>10} {:>6}",
        "what", "calls", "µs a packet", "% core a call", "delay µs", "p99 µs", "lost"
    );
    let asked: Vec<u32> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let calls = if asked.is_empty() {
        vec![10, 50, 200, 500]
    } else {
        asked
    };
    for calls in calls {
        for (what, cost) in least(calls) {
            row(what, calls, &cost);
        }
    }
    flood();
}

/// Measures each kind in turn, some times over, and keeps the cheapest round of each.
fn least(calls: u32) -> Vec<(&'static str, Cost)> {
    let plain = Bridged::default();
    let kinds: [(&str, &dyn Fn() -> Cost); 8] = [
        ("bare relay", &|| bare(calls)),
        ("bridged", &|| bridged(calls, plain)),
        ("bridged, over a bad line", &|| {
            bridged(
                calls,
                Bridged {
                    bad_line: true,
                    ..plain
                },
            )
        }),
        ("bridged, µ-law to A-law", &|| {
            bridged(
                calls,
                Bridged {
                    second_law: Codec::Pcma,
                    ..plain
                },
            )
        }),
        ("bridged, keys heard in the voice", &|| {
            bridged(
                calls,
                Bridged {
                    sung_keys: true,
                    ..plain
                },
            )
        }),
        ("bridged, recorded", &|| {
            bridged(
                calls,
                Bridged {
                    recorded: true,
                    ..plain
                },
            )
        }),
        ("bridged, one side encrypted", &|| encrypted(calls)),
        ("prompt playing, caller speaking", &|| playing(calls)),
    ];
    let mut costs: Vec<(&str, Cost)> = kinds.iter().map(|(what, measure)| (*what, measure())).collect();
    let rounds = if std::env::args().any(|word| word == "quick") {
        1
    } else {
        ROUNDS
    };
    for _ in 1..rounds {
        for ((_, measure), (_, cost)) in kinds.iter().zip(&mut costs) {
            let again = measure();
            let delay = if again.delay.p99 < cost.delay.p99 {
                again.delay
            } else {
                cost.delay
            };
            if again.cpu < cost.cpu {
                *cost = again;
            }
            cost.delay = delay;
        }
    }
    costs
}

/// CPU of the thread in nanoseconds, packets sent by phones, packets that came back and that should have, and how long
/// they took.
struct Cost {
    cpu: u64,
    sent: u64,
    back: u64,
    expected: u64,
    delay: Delay,
}

/// Microseconds from phone to phone.
#[derive(Clone, Copy, Default)]
struct Delay {
    median: u64,
    p99: u64,
}

fn row(what: &str, calls: u32, cost: &Cost) {
    let per_packet = cost.cpu as f64 / 1000.0 / cost.sent as f64;
    let per_call = cost.cpu as f64 / (SECONDS as f64 * 1e9) / f64::from(calls) * 100.0;
    let lost = cost.expected.saturating_sub(cost.back);
    let Delay { median, p99 } = cost.delay;
    println!("{what:<34} {calls:>6} {per_packet:>12.2} {per_call:>14.4} {median:>10} {p99:>10} {lost:>6}");
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

/// What the phones' own packets say in their first eight bytes of voice: when they left, in nanoseconds since `start`.
const STAMP: std::ops::Range<usize> = 12..20;
/// Voice of ours has no stamp; this is in the place of one.
const MARK: [u8; 2] = [0xca, 0x11];

/// Lets the phones speak for a while, and gives what they sent and what they heard, and how long it took.
fn speak(phones: &[UdpSocket], to: &[SocketAddr]) -> (u64, u64, Delay) {
    speak_sealed(phones, to, |_, _| PLAIN)
}

/// The same, and what each phone sends is sealed first: gets the phone and the packet, gives its length.
fn speak_sealed(
    phones: &[UdpSocket],
    to: &[SocketAddr],
    mut seal: impl FnMut(usize, &mut [u8; PACKET]) -> usize,
) -> (u64, u64, Delay) {
    let gap = 1_000_000_000 / (RATE * phones.len() as u64);
    let total = RATE * SECONDS * phones.len() as u64;
    let start = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let ears = listen(phones, start, over.clone());
    let mut sent = 0u64;
    while sent < total {
        let due = (start.elapsed().as_nanos() as u64 / gap).min(total);
        while sent < due {
            let phone = (sent % phones.len() as u64) as usize;
            let mut packet = voice_packet(phone, (sent / phones.len() as u64) as u32, start);
            let length = seal(phone, &mut packet);
            phones[phone]
                .send_to(&packet[..length], to[phone])
                .expect("a packet sent");
            sent += 1;
        }
        thread::sleep(Duration::from_micros(30));
    }
    thread::sleep(Duration::from_millis(200));
    over.store(true, Ordering::Relaxed);
    let (back, delay) = ears.join().expect("the ears' end");
    (sent, back, delay)
}

/// A packet of a phone that leaves now.
fn voice_packet(phone: usize, number: u32, start: Instant) -> [u8; PACKET] {
    let mut packet = [0x55; PACKET];
    packet[..2].copy_from_slice(&[0x80, 0]);
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&(phone as u32).to_be_bytes());
    packet[STAMP].copy_from_slice(&(start.elapsed().as_nanos() as u64).to_be_bytes());
    packet[20..22].copy_from_slice(&MARK);
    packet
}

/// How two phones are bridged.
#[derive(Clone, Copy)]
struct Bridged {
    second_law: Codec,
    recorded: bool,
    bad_line: bool,
    /// Neither phone knows telephone-event, so that keys are listened for in what it says.
    sung_keys: bool,
}

impl Default for Bridged {
    fn default() -> Self {
        Self {
            second_law: Codec::Pcmu,
            recorded: false,
            bad_line: false,
            sung_keys: false,
        }
    }
}

/// The phones speak over a bad line; the stamp of a packet says when it left the line. Gives the packets that came to the
/// box, each counted once, and what was heard.
fn speak_over_a_bad_line(phones: &[UdpSocket], to: &[SocketAddr]) -> (u64, u64, Delay) {
    let gap = 1_000_000_000 / (RATE * phones.len() as u64);
    let total = RATE * SECONDS * phones.len() as u64;
    let start = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let ears = listen(phones, start, over.clone());
    let (mut dice, mut on_the_way) = (Dice::from_number(4), BTreeMap::new());
    let (mut said, mut arrived, mut copies) = (0u64, 0u64, 0u64);
    while said < total || !on_the_way.is_empty() {
        let now = start.elapsed().as_nanos() as u64;
        while said < (now / gap).min(total) {
            let late = dice.roll(60_000) * 1000;
            if dice.roll(10) > 0 {
                on_the_way.insert((now + late, 2 * said), said);
                arrived += 1;
            }
            if dice.roll(100) == 0 {
                on_the_way.insert((now + late + 1_000_000, 2 * said + 1), said);
                copies += 1;
            }
            said += 1;
        }
        while let Some(first) = on_the_way.first_entry().filter(|first| first.key().0 <= now) {
            let number = first.remove();
            let phone = (number % phones.len() as u64) as usize;
            let packet = voice_packet(phone, (number / phones.len() as u64) as u32, start);
            phones[phone]
                .send_to(&packet[..PLAIN], to[phone])
                .expect("a packet sent");
        }
        thread::sleep(Duration::from_micros(30));
    }
    thread::sleep(Duration::from_millis(200));
    over.store(true, Ordering::Relaxed);
    let (back, delay) = ears.join().expect("the ears' end");
    // Copies of packets that were lost themselves arrive as the only ones, and make up for none that we lose.
    (arrived + copies, back, delay)
}

/// All phones' ears, on a thread of their own.
fn listen(phones: &[UdpSocket], start: Instant, over: Arc<AtomicBool>) -> thread::JoinHandle<(u64, Delay)> {
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
        let (mut back, mut delays) = (0, Vec::new());
        let (mut events, mut buffer) = (Events::with_capacity(256), [0; 2048]);
        while !over.load(Ordering::Relaxed) {
            poll.poll(&mut events, Some(Duration::from_millis(20)))
                .expect("events");
            for event in &events {
                while let Ok((length, _)) = ears[event.token().0].recv_from(&mut buffer) {
                    // Reports are not voice.
                    back += u64::from(length == PLAIN || length == PLAIN + 10);
                    if let (Some(MARK), Some(stamp)) = (
                        buffer.get(20..22).map(|mark| [mark[0], mark[1]]),
                        buffer[STAMP].first_chunk(),
                    ) {
                        let now = start.elapsed().as_nanos() as u64;
                        delays.push(now.saturating_sub(u64::from_be_bytes(*stamp)) / 1000);
                    }
                }
            }
        }
        delays.sort_unstable();
        let at = |part: usize| delays.get(delays.len() * part / 100).copied().unwrap_or_default();
        let delay = Delay {
            median: at(50),
            p99: at(99),
        };
        (back, delay)
    })
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
    let (sent, back, delay) = speak(&phones, &to);
    let cpu = cpu_of(BARE) - before;
    stop.store(true, Ordering::Relaxed);
    relay.expect("a thread").join().expect("the relay's end");
    Cost {
        cpu,
        sent,
        back,
        expected: sent,
        delay,
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
fn office(phones: &[UdpSocket], how: Bridged) -> (RtpThreads, Vec<SocketAddr>, Receiver<TapeMessage>) {
    let sound = Arc::new(Sound::from_pcm_8k(&[1000; 80_000]));
    let (recorder, tapes) = sync_channel(4096);
    let (_, buffers) = sync_channel(1);
    let settings = RtpSettings {
        rtp_timeout: None,
        ringing: callpost::media::Ringing::default(),
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
        let codec = if place % 2 == 0 {
            Codec::Pcmu
        } else {
            how.second_law
        };
        let plain = agreed(phone.local_addr().expect("its address"), codec);
        let agreed = Agreed {
            receive_telephone_event: plain.receive_telephone_event.filter(|_| !how.sung_keys),
            ..plain
        };
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
        send_telephone_event: Some(101),
        receive_telephone_event: Some(101),
        ..Agreed::plain(remote, codec)
    }
}

fn bridged(calls: u32, how: Bridged) -> Cost {
    let phones = phones(calls);
    let (threads, to, tapes) = office(&phones, how);
    for call in 0..calls as usize {
        let (a, b) = (leg(2 * call), leg(2 * call + 1));
        threads.order(MediaOrder::Bridge { a, b }).expect("bridge");
        if how.recorded {
            let id = RecordingId(uuid::Uuid::from_u128(call as u128));
            threads
                .order(MediaOrder::Record {
                    left: a,
                    right: Some(b),
                    id,
                    format: TapeFormat::MuLaw,
                })
                .expect("record");
        }
    }
    let drain = thread::spawn(move || tapes.iter().count());
    let before = cpu_of(RTP);
    let (sent, back, delay) = if how.bad_line {
        speak_over_a_bad_line(&phones, &to)
    } else {
        speak(&phones, &to)
    };
    let cpu = cpu_of(RTP) - before;
    threads.stop();
    drain.join().expect("the recorder's end");
    Cost {
        cpu,
        sent,
        back,
        expected: sent,
        delay,
    }
}

/// The first phone of each call encrypts, the second does not.
fn encrypted(calls: u32) -> Cost {
    let phones = phones(calls);
    let (threads, to, _tapes) = office(&phones, Bridged::default());
    let suite = SrtpSuite::AesCm128Tag80;
    let [ours, theirs] = [[1; 30], [2; 30]].map(|key| MasterKey::new(suite, &key).expect("a key"));
    let secured = |send, receive| Secured {
        suite,
        send,
        receive,
        receive_mki: None,
    };
    let (now, mut dice) = (Instant::now(), Dice::from_number(1));
    let mut ends = Vec::new();
    for call in 0..calls as usize {
        let (a, b) = (leg(2 * call), leg(2 * call + 1));
        let remote = phones[2 * call].local_addr().expect("its address");
        let agreed = Agreed {
            secured: Some(secured(ours, theirs)),
            ..agreed(remote, Codec::Pcmu)
        };
        threads
            .order(MediaOrder::Start { leg: a, agreed })
            .expect("start");
        threads.order(MediaOrder::Bridge { a, b }).expect("bridge");
        let mut end = Session::new(now, &mut dice);
        end.start(
            now,
            Agreed {
                secured: Some(secured(theirs, ours)),
                ..agreed
            },
        );
        ends.push(end);
    }
    let before = cpu_of(RTP);
    let (sent, back, delay) = speak_sealed(&phones, &to, |phone, packet| {
        if phone % 2 == 1 {
            return PLAIN;
        }
        let sealed = ends[phone / 2].protect(packet, 0..PLAIN);
        sealed.expect("each number is new").len()
    });
    let cpu = cpu_of(RTP) - before;
    threads.stop();
    Cost {
        cpu,
        sent,
        back,
        expected: sent,
        delay,
    }
}

/// Every phone speaks into a menu; the cost is per packet that it sends, and it hears as many.
fn playing(calls: u32) -> Cost {
    let callers: Vec<_> = phones(calls).into_iter().step_by(2).collect();
    let (threads, to, _tapes) = office(&callers, Bridged::default());
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
    let (sent, back, delay) = speak(&callers, &to);
    let cpu = cpu_of(RTP) - before;
    threads.stop();
    Cost {
        cpu,
        sent,
        back,
        expected: back,
        delay,
    }
}

/// What a flood at a report port takes: ten calls talk, and a stranger and the phone's own host send 20,000 datagrams a
/// second beside.
fn flood() {
    const CALLS: u32 = 10;
    const A_SECOND: u64 = 20_000;
    let over = Arc::new(AtomicBool::new(false));
    let told = over.clone();
    let measure = |socket: Option<UdpSocket>| {
        let phones = phones(CALLS);
        let (threads, to, _tapes) = office(&phones, Bridged::default());
        for call in 0..CALLS as usize {
            let (a, b) = (leg(2 * call), leg(2 * call + 1));
            threads.order(MediaOrder::Bridge { a, b }).expect("bridge");
        }
        let flooding = socket.map(|socket| {
            let (odd, told) = (SocketAddr::new(to[0].ip(), to[0].port() + 1), told.clone());
            thread::spawn(move || {
                let (start, mut sent) = (Instant::now(), 0u64);
                while !told.load(Ordering::Relaxed) {
                    let due = start.elapsed().as_micros() as u64 * A_SECOND / 1_000_000;
                    while sent < due {
                        // A full queue loses it, as a network would.
                        socket.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 9], odd).ok();
                        sent += 1;
                    }
                    thread::sleep(Duration::from_micros(30));
                }
                sent as f64 / start.elapsed().as_secs_f64()
            })
        });
        let before = cpu_of(RTP);
        let (sent, back, delay) = speak(&phones, &to);
        let share = (cpu_of(RTP) - before) as f64 / (SECONDS as f64 * 1e9) * 100.0;
        over.store(true, Ordering::Relaxed);
        let rate = flooding.map_or(0.0, |flooding| flooding.join().expect("the flood's end"));
        over.store(false, Ordering::Relaxed);
        threads.stop();
        (share, rate, sent.saturating_sub(back), delay)
    };
    let host = UdpSocket::bind("127.21.0.2:0").expect("a stranger's socket");
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let calm = measure(None).0;
            let (share, rate, lost, delay) = measure(Some(host.try_clone().expect("the same socket")));
            (share - calm, rate, lost, delay)
        })
        .collect();
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (share, rate, lost, delay) = rounds[ROUNDS / 2];
    println!(
        "{rate:.0} reports a second at one of ten calls take {share:.2} % of a core (median of {ROUNDS}); voice: {lost} lost, \
         p99 {} µs",
        delay.p99
    );
}
