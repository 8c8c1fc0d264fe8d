//! A packet costs no allocation: relayed, transcoded, taped, telling of keys, or played from a prompt.

#![expect(unsafe_code, reason = "counting allocations takes an allocator of our own")]

use callpost::media::mixer::{Mixer, Voice};
use callpost::media::{
    Ear, Frame, Heard, HeardReport, Mouth, PACKET, Piece, PlayId, Session, Sound, Tape, Tones,
};
use callpost::model::{Codec, Dice, Digit, Part, RecordingId, SrtpSuite, TapeFormat, Tone};
use callpost::sdp::{Agreed, MasterKey, Secured};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Counts what the measuring thread asks of the system's allocator. The test harness has a thread of its own that
/// allocates when it likes.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

fn asked() -> u64 {
    ASKED.with(Cell::get)
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and is not the one that is measured.
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `alloc` above with this layout.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn agreed(remote: SocketAddr, codec: Codec) -> Agreed {
    Agreed::plain(remote, codec)
}

/// Bytes of a packet of 20 ms of G.711, as it lies in the network.
const SPOKEN: usize = 172;

/// Writes packet `number` of a phone: voice, and every hundredth a key.
fn speak(buffer: &mut [u8; PACKET], number: u32) {
    buffer.fill(0x55);
    buffer[0] = 0x80;
    buffer[1] = if number.is_multiple_of(100) { 101 } else { 0 };
    buffer[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    buffer[4..8].copy_from_slice(&(number * 160).to_be_bytes());
    buffer[8..12].copy_from_slice(&7u32.to_be_bytes());
    // The code of key 5, where it is a key.
    buffer[12] = 5;
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn ten_thousand_packets_allocate_nothing() {
    let start = Instant::now();
    let (here, there): (SocketAddr, SocketAddr) = (
        "127.0.0.2:4000".parse().unwrap(),
        "127.0.0.3:4000".parse().unwrap(),
    );
    let mut dice = Dice::from_number(1);
    let (mut caller, mut agent) = (Session::new(start, &mut dice), Session::new(start, &mut dice));
    caller.start(start, agreed(here, Codec::Pcmu));
    agent.start(start, agreed(there, Codec::Pcma));
    caller.watch_silence(start, Some(Duration::from_secs(9)));
    let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), TapeFormat::ALaw, 2);
    let mut audio = Vec::with_capacity(1 << 16);
    let sound = Arc::new(Sound::from_pcm_8k(&[900; 16_000]));
    caller.play(PlayId(1), vec![Piece::Ready(sound)], true);
    let (mut buffer, mut frame) = ([0; PACKET], [0; PACKET]);
    let (mut relayed, mut digits, mut frames, mut reports) = (0, 0, 0, 0);
    let (mut told, mut report) = ([0x80, 201, 0, 1, 0, 0, 0, 7], [0; 256]);
    let odd = SocketAddr::new(here.ip(), here.port() + 1);

    let before = asked();
    for number in 1..=10_000u32 {
        let now = start + Duration::from_millis(u64::from(number) * 20);
        speak(&mut buffer, number);
        if let Heard::Packet(packet, digit) = caller.receive(now, here, &mut buffer[..SPOKEN]) {
            digits += u32::from(digit.is_some());
            tape.put(now, 0, &packet, &buffer);
            let sent = agent
                .relay(now, &packet, &mut buffer)
                .and_then(|(range, _)| agent.protect(&mut buffer, range));
            relayed += u32::from(sent.is_some());
        }
        frames += u32::from(matches!(caller.frame(now, &mut frame), Frame::Send { .. }));
        assert_eq!(caller.hear_report(now, odd, &mut told), HeardReport::Taken);
        reports += u32::from(caller.report(now, &mut report).is_some());
        caller.quality();
        audio.clear();
        tape.take(now, &mut audio);
    }
    let during = asked() - before;

    assert_eq!((relayed, frames, digits), (10_000, 10_000, 100));
    assert!((30..60).contains(&reports), "{reports} reports in 200 s");
    assert_eq!(during, 0, "allocations in 10,000 packets");
    // And the counter does count.
    let before = asked();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(asked() - before, 1);
}

/// A phone seals, the caller's leg opens, the agent's leg seals again: in every suite, reports as well.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn encrypted_packets_allocate_nothing() {
    let start = Instant::now();
    let (here, there): (SocketAddr, SocketAddr) = (
        "127.0.0.2:4000".parse().unwrap(),
        "127.0.0.3:4000".parse().unwrap(),
    );
    let mut dice = Dice::from_number(1);
    for suite in SrtpSuite::ALL {
        let key = |byte: u8| {
            let bytes = [byte; 46];
            MasterKey::new(suite, &bytes[..suite.key_bytes() + suite.salt_bytes()]).unwrap()
        };
        let secured = |send, receive| Secured {
            suite,
            send: key(send),
            receive: key(receive),
            receive_mki: None,
        };
        let mut leg = |remote, secured| {
            let mut session = Session::new(start, &mut dice);
            session.start(
                start,
                Agreed {
                    secured: Some(secured),
                    ..agreed(remote, Codec::Pcmu)
                },
            );
            session
        };
        let mut phone = leg(there, secured(1, 2));
        let mut caller = leg(here, secured(2, 1));
        let mut agent = leg(there, secured(3, 4));
        let (mut buffer, mut report) = ([0; PACKET], [0; 64]);
        let mut relayed = 0;

        let before = asked();
        for number in 1..=2_000u32 {
            let now = start + Duration::from_millis(u64::from(number) * 20);
            speak(&mut buffer, number);
            let sealed = phone.protect(&mut buffer, 0..SPOKEN).unwrap();
            if let Heard::Packet(packet, _) = caller.receive(now, here, &mut buffer[sealed]) {
                let sent = agent
                    .relay(now, &packet, &mut buffer)
                    .and_then(|(range, _)| agent.protect(&mut buffer, range));
                relayed += u32::from(sent.is_some());
            }
            report[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 9]);
            let length = phone.protect_report(&mut report, 8).unwrap();
            assert_eq!(caller.unprotect_report(&mut report[..length]), Some(8));
        }
        let during = asked() - before;
        assert_eq!((relayed, during), (2_000, 0), "{suite}");
    }
}

/// A leg without telephone-event is listened to for tones, and keys are told to it as tones and as events.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn keys_in_the_voice_and_keys_that_are_told_allocate_nothing() {
    let start = Instant::now();
    let (here, there): (SocketAddr, SocketAddr) = (
        "127.0.0.2:4000".parse().unwrap(),
        "127.0.0.3:4000".parse().unwrap(),
    );
    let mut dice = Dice::from_number(1);
    let (mut caller, mut agent) = (Session::new(start, &mut dice), Session::new(start, &mut dice));
    let deaf = Agreed {
        send_telephone_event: None,
        receive_telephone_event: None,
        ..agreed(here, Codec::Pcmu)
    };
    caller.start(start, deaf);
    agent.start(start, agreed(there, Codec::Pcma));
    let mut tones = Tones::default();
    let (key, rest) = (
        tones.get(Tone::Key(Digit::from_char('5').unwrap())),
        tones.get(Tone::Silence),
    );
    let sung = key.bytes(Codec::Pcmu).to_vec();
    let (mut buffer, mut frame) = ([0; PACKET], [0; PACKET]);
    let (mut heard, mut told) = (0, 0);
    for round in 0..20u32 {
        let begin = start + Duration::from_secs(u64::from(round) * 3);
        let digit = Digit::from_char('5').unwrap();
        agent.press(begin, digit);
        caller.press(begin, digit);
        caller.sing(Arc::clone(&key), Arc::clone(&rest));
        let before = asked();
        for number in 0..15u32 {
            let now = begin + Duration::from_millis(u64::from(number) * 20);
            speak(&mut buffer, round * 150 + number + 1);
            buffer[1] = 0;
            let place = number as usize * 160;
            match sung.get(place..place + 160) {
                Some(tone) => buffer[12..172].copy_from_slice(tone),
                None => buffer[12..172].fill(0xff),
            }
            if let Heard::Packet(_, digit) = caller.receive(now, here, &mut buffer[..SPOKEN]) {
                heard += u32::from(digit.is_some());
            }
            told += u32::from(agent.key_frame(now, &mut frame).is_some());
            told += u32::from(caller.key_frame(now, &mut frame).is_some());
        }
        assert_eq!(asked() - before, 0, "allocations in round {round}");
    }
    assert_eq!((heard, told), (20, 20 * (7 + 10)));
}

/// A phone in each wideband codec: heard for a tape and for silence, mixed by ear and mouth, played a prompt.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn a_thousand_wideband_packets_allocate_nothing_but_for_the_first() {
    let start = Instant::now();
    let here: SocketAddr = "127.0.0.2:4000".parse().unwrap();
    for codec in Codec::ALL {
        let mut session = Session::new(start, &mut Dice::from_number(1));
        session.start(start, agreed(here, codec));
        session.watch_silence(start, Some(Duration::from_secs(900)));
        let sound = Arc::new(Sound::from_pcm_8k(&[900; 16_000]));
        session.play(PlayId(1), vec![Piece::Ready(sound)], true);
        let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), TapeFormat::MuLaw, 2);
        let mut audio = Vec::with_capacity(1 << 16);
        let (mut mouth, mut ear) = (Mouth::new(codec, 8000), Ear::new(start, codec, 16_000));
        let (mut frame, mut heard, mut mixed) = ([0; PACKET], [0; 320], [0i16; 160]);
        let mut buffer = [0; 512];
        let mut before = 0;
        for number in 1..=1000u32 {
            let now = start + Duration::from_millis(u64::from(number) * 20);
            // From the second packet on: the first costs the decoders of tape and watch.
            if number == 2 {
                before = asked();
            }
            for (place, sample) in mixed.iter_mut().enumerate() {
                *sample = ((place as i16) % 20 - 10) * 400;
            }
            let length = mouth.speak(&mixed, &mut buffer[12..]);
            buffer[0] = 0x80;
            buffer[1] = codec.payload_type().unwrap_or(111);
            buffer[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            buffer[4..8].copy_from_slice(&(number * codec.clock_rate() / 50).to_be_bytes());
            buffer[8..12].copy_from_slice(&7u32.to_be_bytes());
            if number % 10 == 3 {
                // Lost on the way.
            } else if let Heard::Packet(packet, _) = session.receive(now, here, &mut buffer[..12 + length]) {
                tape.put(now, 0, &packet, &buffer);
                ear.put(now, &packet, packet.payload(&buffer));
            }
            ear.pull(now, &mut heard);
            session.frame(now, &mut frame);
            audio.clear();
            tape.take(now, &mut audio);
        }
        assert_eq!(asked() - before, 0, "{codec}: allocations in 1,000 packets");
        assert!(
            heard.iter().any(|sample| sample.unsigned_abs() > 500),
            "{codec} is heard"
        );
    }
}

/// Three who talk, one of them in each codec of a wide band, and one who listens.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "any instant will do; only differences are used"
)]
fn a_minute_of_a_mixed_conversation_allocates_nothing() {
    let start = Instant::now();
    let here: SocketAddr = "127.0.0.2:4000".parse().unwrap();
    let mut dice = Dice::from_number(1);
    let mut mixer = Mixer::new(start, start);
    let codecs = [Codec::Pcmu, Codec::G722, Codec::Opus, Codec::Pcma];
    let mut sessions: Vec<Session> = codecs.iter().map(|_| Session::new(start, &mut dice)).collect();
    for (id, (session, codec)) in sessions.iter_mut().zip(codecs).enumerate() {
        let agreed = agreed(here, codec);
        session.start(start, agreed);
        let part = if id == 3 { Part::Listens } else { Part::Talks };
        mixer.join(start, id, Voice::from(agreed), part);
    }
    let (mut buffer, mut spoken, mut carried, mut before) = ([0; PACKET], [0; 2048], 0, 0);
    for number in 1..=3_100u32 {
        if number == 100 {
            // What each ear needs, it has by now.
            (before, carried) = (asked(), 0);
        }
        let now = start + Duration::from_millis(u64::from(number) * 20);
        for (id, session) in sessions.iter_mut().enumerate().take(2) {
            speak(&mut buffer, number);
            buffer[1] = codecs[id].payload_type().unwrap();
            if let Heard::Packet(packet, _) = session.receive(now, here, &mut buffer[..SPOKEN]) {
                mixer.put(now, id, &packet, packet.payload(&buffer));
            }
        }
        assert!(mixer.take_due(now));
        mixer.tick(now, |id, _, payload| {
            carried += u32::from(sessions[id].carry(now, payload, &mut spoken).is_some());
        });
    }
    let during = asked() - before;
    assert!(carried >= 3 * 3_001, "{carried}");
    assert_eq!(during, 0, "allocations in 3,000 ticks");
}
