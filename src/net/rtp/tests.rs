//! The RTP threads between real sockets on loopback: phones here, the box there, nothing in between.

use super::{RtpSettings, RtpThreads, ToEngine};
use crate::media::{Found, KeyPath, MediaEvent, MediaOrder, PlayId, Ringing, Sound, Sounds, g711};
use crate::model::{
    CallKey, Codec, Dice, Digit, LegId, LegKey, Part, Playable, RecordingId, TapeFormat, TapeMessage, Tone,
};
use crate::sdp::Agreed;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(5);
static PORTS: AtomicU16 = AtomicU16::new(20_000);

/// The box: its threads, and the engine's and the recorder's ends of their queues.
struct Box {
    threads: RtpThreads,
    events: Receiver<MediaEvent>,
    tapes: Receiver<TapeMessage>,
    _back: SyncSender<Vec<u8>>,
}

/// Knows one prompt, and one that breaks.
struct Library;

impl Sounds for Library {
    fn find(&self, playable: &Playable) -> Found {
        match playable {
            Playable::Prompt { name, .. } if name.as_str() == "welcome" => {
                Found::Ready(Arc::new(Sound::from_pcm_8k(&[4000; 800])))
            }
            Playable::Prompt { name, .. } if name.as_str() == "broken" => panic!("a fault, made on purpose"),
            Playable::Prompt { .. } | Playable::Text { .. } | Playable::Tone(_) | Playable::Message(_) => {
                Found::Missing
            }
        }
    }
}

impl Box {
    fn new() -> Self {
        let (engine, events) = sync_channel(1000);
        let (recorder, tapes) = sync_channel(1000);
        let (back, buffers) = sync_channel(10);
        let to_engine: ToEngine = Arc::new(move |event| {
            engine.try_send(event).map_err(|error| match error {
                TrySendError::Full(event) | TrySendError::Disconnected(event) => event,
            })
        });
        let settings = RtpSettings {
            rtp_timeout: Some(30 * LONG),
            ringing: Ringing::default(),
            dice: Dice::from_number(1),
        };
        let threads =
            RtpThreads::start(2, settings, Arc::new(Library), to_engine, recorder, buffers).unwrap();
        Self {
            threads,
            events,
            tapes,
            _back: back,
        }
    }

    fn order(&self, order: MediaOrder) {
        self.threads.order(order).unwrap();
    }

    fn event(&self) -> MediaEvent {
        self.events.recv_timeout(LONG).unwrap()
    }

    /// Opens and starts a leg for a phone, and gives the address of its RTP port.
    fn leg(&self, key: LegKey, phone: &Phone, codec: Codec) -> SocketAddr {
        let port = PORTS.fetch_add(2, Ordering::Relaxed);
        self.order(MediaOrder::Open {
            leg: key,
            local: local(),
            port,
        });
        self.order(MediaOrder::Start {
            leg: key,
            agreed: phone.agreed(codec),
        });
        SocketAddr::new(local(), port)
    }
}

/// A phone: a socket, and the numbers of what it says.
struct Phone {
    socket: UdpSocket,
    sequence: u16,
}

impl Phone {
    fn new(ip: &str) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self { socket, sequence: 0 }
    }

    fn agreed(&self, codec: Codec) -> Agreed {
        let remote = self.socket.local_addr().unwrap();
        Agreed {
            remote_rtcp: SocketAddr::new(remote.ip(), 9),
            ..Agreed::plain(remote, codec)
        }
    }

    fn say(&mut self, to: SocketAddr, payload_type: u8, payload: &[u8]) {
        self.sequence += 1;
        let timestamp = u32::from(self.sequence) * 160;
        self.send(to, payload_type, timestamp, payload);
    }

    fn send(&mut self, to: SocketAddr, payload_type: u8, timestamp: u32, payload: &[u8]) {
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend([1, 2, 3, 4]);
        packet.extend(payload);
        self.socket.send_to(&packet, to).unwrap();
    }

    fn hear(&self) -> (SocketAddr, Vec<u8>) {
        let mut buffer = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        (from, buffer[..length].to_vec())
    }
}

fn local() -> IpAddr {
    // Tests may run in processes of their own, side by side: each process has a street of its own.
    let [.., street, house] = std::process::id().to_be_bytes();
    IpAddr::from([127, 20 + (street & 0x3f), house, 1])
}

fn key(call: u32, leg: u32) -> LegKey {
    LegKey {
        call: CallKey(call),
        leg: LegId(leg),
    }
}

fn prompt(name: &str) -> Playable {
    Playable::Prompt {
        language: "en".into(),
        name: name.into(),
    }
}

#[test]
fn two_phones_hear_each_other_and_nobody_hears_a_stranger() {
    let (office, mut caller, mut agent) = (Box::new(), Phone::new("127.20.7.2"), Phone::new("127.20.7.3"));
    let (a, b) = (key(1, 0), key(1, 1));
    let (at_a, at_b) = (
        office.leg(a, &caller, Codec::Pcmu),
        office.leg(b, &agent, Codec::Pcma),
    );
    office.order(MediaOrder::Bridge { a, b });
    let mut stranger = Phone::new("127.20.7.4");
    for number in 0..20u8 {
        stranger.say(at_a, 0, &[0x11; 160]);
        caller.say(at_a, 0, &[0x80 + number; 160]);
        let (from, packet) = agent.hear();
        assert_eq!((from, packet.len(), packet[1] & 0x7f), (at_b, 172, 8));
        let expected = g711::encode(Codec::Pcma, g711::linear(Codec::Pcmu, 0x80 + number));
        assert!(packet[12..].iter().all(|byte| *byte == expected));
        agent.say(at_b, 8, &[0xd5; 160]);
        let (from, packet) = caller.hear();
        assert_eq!((from, packet.len(), packet[1] & 0x7f), (at_a, 172, 0));
    }
    office.order(MediaOrder::Close { leg: a });
    let MediaEvent::Closed {
        leg,
        quality: Some(quality),
        strangers,
    } = office.event()
    else {
        panic!()
    };
    assert_eq!((leg, strangers), (a, 20));
    assert_eq!((quality.packets_received, quality.packets_sent), (20, 20));
    assert_eq!(office.threads.counters().strangers, 20);
}

#[test]
fn a_prompt_and_a_tone_are_heard_to_their_end() {
    let (office, phone) = (Box::new(), Phone::new("127.20.7.2"));
    let leg = key(2, 0);
    let at = office.leg(leg, &phone, Codec::Pcmu);
    let items = vec![
        prompt("welcome"),
        prompt("unknown"),
        Playable::Tone(Tone::Silence),
    ];
    office.order(MediaOrder::Play {
        leg,
        play: PlayId(9),
        items,
        repeat: false,
    });
    let packets: Vec<_> = (0..15).map(|_| phone.hear()).collect();
    assert_eq!(office.event(), MediaEvent::PlayFinished { leg, play: PlayId(9) });
    // A machine that stops for a moment may move the stamps on further, never back; no number is left out.
    for pair in packets.windows(2) {
        let numbers = |packet: &[u8]| {
            (
                u16::from_be_bytes([packet[2], packet[3]]),
                u32::from_be_bytes(packet[4..8].try_into().unwrap()),
            )
        };
        let (before, after) = (numbers(&pair[0].1), numbers(&pair[1].1));
        assert_eq!(after.0, before.0.wrapping_add(1));
        assert!(
            (160..80_000).contains(&after.1.wrapping_sub(before.1)),
            "{before:?} {after:?}"
        );
    }
    for (place, (from, packet)) in packets.iter().enumerate() {
        let heard = g711::linear(Codec::Pcmu, packet[12]);
        assert_eq!(*from, at);
        assert_eq!(heard > 3000, place < 5, "{place}");
        assert!(place > 0 || packet[1] == 0x80, "the first is marked");
    }
}

#[test]
fn a_prompt_that_repeats_goes_on_until_it_is_stopped() {
    let (office, phone) = (Box::new(), Phone::new("127.20.7.2"));
    let leg = key(3, 0);
    office.leg(leg, &phone, Codec::Pcma);
    office.order(MediaOrder::Play {
        leg,
        play: PlayId(1),
        items: vec![prompt("welcome")],
        repeat: true,
    });
    for _ in 0..12 {
        phone.hear();
    }
    office.order(MediaOrder::StopPlaying { leg });
    office.order(MediaOrder::Play {
        leg,
        play: PlayId(2),
        items: Vec::new(),
        repeat: false,
    });
    assert_eq!(office.event(), MediaEvent::PlayFinished { leg, play: PlayId(2) });
}

#[test]
fn keys_are_told_once_and_reach_the_other_phone() {
    let (office, mut caller, agent) = (Box::new(), Phone::new("127.20.7.2"), Phone::new("127.20.7.3"));
    let (a, b) = (key(4, 0), key(4, 1));
    let at = office.leg(a, &caller, Codec::Pcmu);
    office.leg(b, &agent, Codec::Pcmu);
    office.order(MediaOrder::Bridge { a, b });
    for (place, digit) in [(1u32, '5'), (2, '5'), (3, '#')] {
        let code = Digit::from_char(digit).unwrap().event();
        for report in 0..6 {
            caller.sequence += 1;
            let flags = if report > 2 { 0x80 } else { 0 };
            caller.send(at, 101, place * 8000, &[code, flags, 3, 0x20]);
            assert_eq!(agent.hear().1[1] & 0x7f, 101);
        }
        assert_eq!(
            office.event(),
            MediaEvent::DigitPressed {
                leg: a,
                digit: Digit::from_char(digit).unwrap(),
                path: KeyPath::Event,
            }
        );
    }
    assert!(office.events.try_recv().is_err());
}

#[test]
fn a_port_in_use_is_told_at_once_and_a_closed_one_is_free() {
    let (office, phone) = (Box::new(), Phone::new("127.20.7.2"));
    let at = office.leg(key(5, 0), &phone, Codec::Pcmu);
    let again = office.threads.order(MediaOrder::Open {
        leg: key(5, 1),
        local: local(),
        port: at.port(),
    });
    let Err(MediaEvent::OpenFailed { leg, reason }) = again else {
        panic!()
    };
    assert_eq!(leg, key(5, 1));
    assert!(reason.contains(&at.port().to_string()), "{reason}");
    office.order(MediaOrder::Close { leg: key(5, 0) });
    assert_eq!(
        office.event(),
        MediaEvent::Closed {
            leg: key(5, 0),
            quality: None,
            strangers: 0
        }
    );
    UdpSocket::bind(at).unwrap();
    UdpSocket::bind((at.ip(), at.port() + 1)).unwrap();
}

#[test]
fn a_leg_that_is_not_there_is_closed_at_once() {
    let office = Box::new();
    office.order(MediaOrder::Close { leg: key(6, 7) });
    assert_eq!(
        office.event(),
        MediaEvent::Closed {
            leg: key(6, 7),
            quality: None,
            strangers: 0
        }
    );
}

/// Two calls, each on a thread of its own, become one.
#[test]
fn a_leg_goes_over_to_another_call_with_its_sockets() {
    let (office, mut caller, mut agent) = (Box::new(), Phone::new("127.20.9.2"), Phone::new("127.20.9.3"));
    let (a, there, b) = (key(20, 0), key(21, 1), key(20, 5));
    let at_a = office.leg(a, &caller, Codec::Pcmu);
    let at_b = office.leg(there, &agent, Codec::Pcmu);
    office.order(MediaOrder::Move { from: there, to: b });
    office.order(MediaOrder::Bridge { a, b });
    for _ in 0..5 {
        caller.say(at_a, 0, &[0x90; 160]);
        agent.hear();
        agent.say(at_b, 0, &[0x91; 160]);
        caller.hear();
    }
    office.order(MediaOrder::Close { leg: b });
    assert!(matches!(office.event(), MediaEvent::Closed { leg, quality: Some(_), .. } if leg == b));
    let lost = office.threads.order(MediaOrder::Move { from: there, to: b });
    assert!(matches!(lost, Err(MediaEvent::Closed { leg, .. }) if leg == b));
}

#[test]
fn a_recording_holds_both_sides_and_ends_after_its_last_audio() {
    let (office, mut caller, mut agent) = (Box::new(), Phone::new("127.20.7.2"), Phone::new("127.20.7.3"));
    let (a, b) = (key(7, 0), key(7, 1));
    let (at_a, at_b) = (
        office.leg(a, &caller, Codec::Pcmu),
        office.leg(b, &agent, Codec::Pcma),
    );
    let id = RecordingId(uuid::Uuid::from_u128(7));
    office.order(MediaOrder::Bridge { a, b });
    office.order(MediaOrder::Record {
        left: a,
        right: Some(b),
        id,
        format: TapeFormat::MuLaw,
    });
    // The answers pace the phones: each says the next packet when the other has heard the last.
    for _ in 0..30 {
        caller.say(at_a, 0, &[0x90; 160]);
        agent.hear();
        agent.say(at_b, 8, &[0xd5; 160]);
        caller.hear();
    }
    office.order(MediaOrder::Play {
        leg: a,
        play: PlayId(1),
        items: vec![prompt("welcome")],
        repeat: false,
    });
    assert_eq!(
        office.event(),
        MediaEvent::PlayFinished {
            leg: a,
            play: PlayId(1)
        }
    );
    office.order(MediaOrder::StopRecording { leg: a });
    let mut audio = Vec::new();
    loop {
        match office.tapes.recv_timeout(LONG).unwrap() {
            TapeMessage::Audio { id: of, audio: more } => {
                assert_eq!(of, id);
                audio.extend(more);
            }
            TapeMessage::End { id: of } => {
                assert_eq!(of, id);
                break;
            }
            TapeMessage::Begin { .. } | TapeMessage::Refuse { .. } => {
                panic!("the engine begins a tape, not the thread")
            }
        }
    }
    let left = audio.iter().step_by(2).filter(|byte| **byte == 0x90).count();
    let silence = g711::encode(Codec::Pcmu, g711::linear(Codec::Pcma, 0xd5));
    let right = audio
        .iter()
        .skip(1)
        .step_by(2)
        .filter(|byte| **byte == silence)
        .count();
    assert!(left >= 160 && right >= 160, "{left} {right} of {}", audio.len());
    // 100 ms of prompt at least, and the tape is as long as the time that passed.
    assert!(audio.len() > 2 * 640, "{}", audio.len());
}

#[test]
fn a_fault_in_one_call_leaves_the_others_alone() {
    let (office, caller, other) = (Box::new(), Phone::new("127.20.7.2"), Phone::new("127.20.7.3"));
    // Two calls on one thread of two.
    let (faulty, healthy) = (key(10, 0), key(12, 0));
    office.leg(faulty, &caller, Codec::Pcmu);
    office.leg(healthy, &other, Codec::Pcmu);
    office.order(MediaOrder::Play {
        leg: faulty,
        play: PlayId(1),
        items: vec![prompt("broken")],
        repeat: false,
    });
    office.order(MediaOrder::Play {
        leg: healthy,
        play: PlayId(2),
        items: vec![prompt("welcome")],
        repeat: false,
    });
    assert_eq!(
        office.event(),
        MediaEvent::Closed {
            leg: faulty,
            quality: None,
            strangers: 0
        }
    );
    assert_eq!(other.hear().1.len(), 172);
    assert_eq!(
        office.event(),
        MediaEvent::PlayFinished {
            leg: healthy,
            play: PlayId(2)
        }
    );
    assert_eq!(office.threads.counters().faults, 1);
}

#[test]
fn silence_is_told_when_the_caller_stops_speaking() {
    let (office, phone) = (Box::new(), Phone::new("127.20.7.2"));
    let leg = key(8, 0);
    office.leg(leg, &phone, Codec::Pcmu);
    office.order(MediaOrder::WatchSilence {
        leg,
        after: Some(Duration::from_millis(300)),
    });
    assert_eq!(office.event(), MediaEvent::FellSilent { leg });
}

#[test]
fn stopping_closes_every_leg_and_ends_every_tape() {
    let (office, phone) = (Box::new(), Phone::new("127.20.7.2"));
    let id = RecordingId(uuid::Uuid::from_u128(9));
    for call in 20..24 {
        office.leg(key(call, 0), &phone, Codec::Pcmu);
    }
    office.order(MediaOrder::Record {
        left: key(20, 0),
        right: None,
        id,
        format: TapeFormat::MuLaw,
    });
    let Box {
        threads,
        events,
        tapes,
        _back,
    } = office;
    threads.stop();
    assert_eq!(
        events
            .try_iter()
            .filter(|event| matches!(event, MediaEvent::Closed { .. }))
            .count(),
        4
    );
    assert!(
        tapes
            .try_iter()
            .any(|message| matches!(message, TapeMessage::End { id: of } if of == id))
    );
}

/// RFC 3550, RFC 5761: reports go to the odd port, or to the shared one; what a phone says there is taken, what
/// anybody else says is not.
#[test]
fn a_phone_is_reported_to_on_its_own_port_or_on_the_shared_one() {
    for (call, rtcp_mux) in [(31, false), (32, true)] {
        let (office, mut phone) = (Box::new(), Phone::new("127.20.7.2"));
        let reports = UdpSocket::bind("127.20.7.2:0").unwrap();
        reports.set_read_timeout(Some(LONG)).unwrap();
        let (leg, port) = (key(call, 0), PORTS.fetch_add(2, Ordering::Relaxed));
        let mut agreed = phone.agreed(Codec::Pcmu);
        agreed.rtcp_mux = rtcp_mux;
        agreed.remote_rtcp = if rtcp_mux {
            agreed.remote
        } else {
            reports.local_addr().unwrap()
        };
        office.order(MediaOrder::Open {
            leg,
            local: local(),
            port,
        });
        office.order(MediaOrder::Start { leg, agreed });
        phone.say(SocketAddr::new(local(), port), 0, &[0x55; 160]);
        let socket = if rtcp_mux { &phone.socket } else { &reports };
        let mut buffer = [0; 2048];
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from.port(), port + u16::from(!rtcp_mux));
        assert_eq!(
            buffer[1], 201,
            "a receiver's report, with a block about the phone"
        );
        assert_eq!((buffer[0], &buffer[8..12]), (0x81, &[1, 2, 3, 4][..]));
        assert!(length > 32);
        let told = office.event();
        assert!(
            matches!(told, MediaEvent::Measured { leg: of, .. } if of == leg),
            "{told:?}"
        );
        let stranger = UdpSocket::bind("127.20.7.9:0").unwrap();
        for sender in [&stranger, socket] {
            sender.send_to(&[0x80, 201, 0, 1, 0, 0, 0, 9], from).unwrap();
        }
        office.order(MediaOrder::Close { leg });
        // The goodbye is the last thing to come.
        let (length, _) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[length - 8..length - 4], [0x81, 203, 0, 1]);
        assert!(matches!(office.event(), MediaEvent::Closed { .. }));
        let counters = office.threads.counters();
        assert_eq!(counters.reports_sent, 2);
        assert!(
            counters.reports_dropped <= 1 && counters.reports_heard <= 1,
            "{counters:?}"
        );
    }
}

/// ROBUSTNESS 52: a flood of reports is not read to its end, costs the voice nothing, and a report that comes after it is
/// taken.
#[test]
fn a_flood_at_the_report_port_is_left_lying_and_the_phones_own_report_is_heard_after_it() {
    const FLOOD: u64 = 20_000;
    let (office, mut caller, mut agent) = (Box::new(), Phone::new("127.20.11.2"), Phone::new("127.20.11.3"));
    let reports = UdpSocket::bind("127.20.11.2:0").unwrap();
    let (a, b, port) = (key(41, 0), key(41, 1), PORTS.fetch_add(2, Ordering::Relaxed));
    let agreed = Agreed {
        remote_rtcp: reports.local_addr().unwrap(),
        ..caller.agreed(Codec::Pcmu)
    };
    office.order(MediaOrder::Open {
        leg: a,
        local: local(),
        port,
    });
    office.order(MediaOrder::Start { leg: a, agreed });
    let (to_a, to_b) = (SocketAddr::new(local(), port), office.leg(b, &agent, Codec::Pcmu));
    office.order(MediaOrder::Bridge { a, b });
    let odd = SocketAddr::new(local(), port + 1);
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    for number in 0..FLOOD {
        reports.send_to(&report, odd).unwrap();
        if number % 1000 == 0 {
            caller.say(to_a, 0, &[0x21; 160]);
            assert_eq!(agent.hear().1[12..], [0x21; 160]);
        }
    }
    agent.say(to_b, 0, &[0x22; 160]);
    assert_eq!(caller.hear().1[12..], [0x22; 160]);
    let counters = office.threads.counters();
    assert!(counters.rtcp < FLOOD / 4, "{counters:?}");
    let before = counters.reports_heard;
    let begun = office.threads.counters();
    let patience = 100;
    let heard = (0..patience).any(|_| {
        reports.send_to(&report, odd).unwrap();
        reports.set_read_timeout(Some(LONG / 50)).unwrap();
        // What the box reports meanwhile is no matter here; waiting for it passes the time.
        let _ = reports.recv_from(&mut [0; 2048]);
        office.threads.counters().reports_heard > before
    });
    assert!(heard, "{begun:?} and {:?}", office.threads.counters());
}

#[test]
fn voice_is_marked_for_the_front_of_every_queue_in_both_families() {
    for address in ["127.0.0.1", "::1"] {
        let port = PORTS.fetch_add(2, Ordering::Relaxed);
        let pair = super::sockets::Pair::open(address.parse().unwrap(), port).unwrap();
        for socket in [&pair.rtp, &pair.rtcp] {
            let socket = socket2::SockRef::from(socket);
            let class = if address == "::1" {
                socket.tclass_v6()
            } else {
                socket.tos_v4()
            };
            assert_eq!(class.unwrap(), 46 << 2, "{address}");
        }
    }
}

/// The level a law gives for what a phone says over and over: the mean of a packet's samples.
fn level(codec: Codec, packet: &[u8]) -> i32 {
    let samples = packet[12..]
        .iter()
        .map(|byte| i32::from(g711::linear(codec, *byte)));
    samples.sum::<i32>() / (packet.len() - 12) as i32
}

/// Every phone says its level, packet by packet as fast as it hears, until all of them hear what they should.
fn until_they_hear(
    phones: &mut [Phone],
    at: &[SocketAddr],
    laws: &[Codec],
    says: &[i16],
    expected: &[i32],
) -> Vec<Vec<Vec<u8>>> {
    let mut heard = vec![Vec::new(); phones.len()];
    for _ in 0..250 {
        let mut right = 0;
        for (place, phone) in phones.iter_mut().enumerate() {
            let payload = [g711::encode(laws[place], says[place]); 160];
            phone.say(at[place], laws[place].payload_type().unwrap(), &payload);
        }
        for (place, phone) in phones.iter().enumerate() {
            let (_, packet) = phone.hear();
            let off = (level(laws[place], &packet) - expected[place]).abs();
            right += usize::from(off <= 60 + expected[place] / 15);
            heard[place].push(packet);
        }
        if right == phones.len() {
            return heard;
        }
    }
    let last: Vec<_> = heard
        .iter()
        .zip(laws)
        .map(|(heard, law)| level(*law, heard.last().unwrap()))
        .collect();
    panic!("they hear {last:?} and not {expected:?}");
}

#[test]
fn three_phones_hear_each_other_and_two_who_are_left_are_relayed_again() {
    let office = Box::new();
    let mut phones = ["127.20.7.2", "127.20.7.3", "127.20.7.4"].map(Phone::new);
    let laws = [Codec::Pcmu, Codec::Pcma, Codec::Pcmu];
    let keys = [key(30, 0), key(30, 1), key(30, 2)];
    let at: Vec<_> = (0..3)
        .map(|place| office.leg(keys[place], &phones[place], laws[place]))
        .collect();
    let (call, says) = (CallKey(30), [1000, 3000, 9000]);
    let parties = keys.map(|key| (key, Part::Talks)).to_vec();
    office.order(MediaOrder::Mix { call, parties });
    let mixed = until_they_hear(&mut phones, &at, &laws, &says, &[12_000, 10_000, 4_000]);
    let listening = vec![
        (keys[0], Part::Talks),
        (keys[1], Part::Talks),
        (keys[2], Part::Listens),
    ];
    office.order(MediaOrder::Mix {
        call,
        parties: listening,
    });
    until_they_hear(&mut phones, &at, &laws, &says, &[3000, 1000, 4000]);
    let whispering = vec![
        (keys[0], Part::Talks),
        (keys[1], Part::Talks),
        (keys[2], Part::WhispersTo(keys[1])),
    ];
    office.order(MediaOrder::Mix {
        call,
        parties: whispering,
    });
    until_they_hear(&mut phones, &at, &laws, &says, &[3000, 10_000, 4000]);
    office.order(MediaOrder::Close { leg: keys[2] });
    let left = until_they_hear(&mut phones[..2], &at, &laws, &says, &[3000, 1000]);
    // One stream from beginning to end for each phone, whoever feeds it.
    for (before, after) in mixed.iter().zip(&left) {
        let (first, last) = (before.first().unwrap(), after.last().unwrap());
        assert_eq!(first[8..12], last[8..12], "the same source");
        for pair in before.windows(2).chain(after.windows(2)) {
            let number = |packet: &[u8]| u16::from_be_bytes([packet[2], packet[3]]);
            assert_eq!(number(&pair[1]), number(&pair[0]).wrapping_add(1));
        }
    }
}

#[test]
fn a_conversation_of_one_call_never_reaches_into_another() {
    let office = Box::new();
    let mut phones = ["127.20.7.2", "127.20.7.3", "127.20.7.4"].map(Phone::new);
    let (one, other) = ([key(31, 0), key(31, 1)], key(33, 0));
    let laws = [Codec::Pcmu; 3];
    let at = [
        office.leg(one[0], &phones[0], Codec::Pcmu),
        office.leg(one[1], &phones[1], Codec::Pcmu),
        office.leg(other, &phones[2], Codec::Pcmu),
    ];
    office.order(MediaOrder::Bridge { a: one[0], b: one[1] });
    let alone = vec![(other, Part::Talks)];
    office.order(MediaOrder::Mix {
        call: other.call,
        parties: alone,
    });
    until_they_hear(&mut phones[..2], &at, &laws, &[1000, 3000], &[3000, 1000]);
    phones[2].say(at[2], 0, &[0x80; 160]);
    office.order(MediaOrder::Close { leg: other });
    let sent = std::iter::repeat_with(|| office.event()).find_map(|event| {
        let MediaEvent::Closed { quality, .. } = event else {
            return None;
        };
        quality.map(|quality| quality.packets_sent)
    });
    assert_eq!(sent, Some(0));
}

#[test]
fn a_key_pressed_among_three_is_told_to_the_two_others() {
    let office = Box::new();
    let mut phones = ["127.20.7.2", "127.20.7.3", "127.20.7.4"].map(Phone::new);
    let keys = [key(34, 0), key(34, 1), key(34, 2)];
    let at: Vec<_> = (0..3)
        .map(|place| office.leg(keys[place], &phones[place], Codec::Pcmu))
        .collect();
    let parties = keys.map(|key| (key, Part::Talks)).to_vec();
    office.order(MediaOrder::Mix {
        call: CallKey(34),
        parties,
    });
    for packet in 0..8u16 {
        let end = if packet > 4 { 0x80 } else { 0 };
        phones[0].sequence += 1;
        phones[0].send(at[0], 101, 160, &[5, end | 10, 0, 160]);
    }
    for phone in &phones[1..] {
        let told = std::iter::repeat_with(|| phone.hear().1).take(400);
        let mut told = told.filter(|packet| packet[1] & 0x7f == 101);
        assert_eq!(told.next().map(|packet| packet[12]), Some(5));
    }
}
