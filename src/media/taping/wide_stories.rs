//! Tapes of voices wider than a telephone line, and of guests.

use super::tape::Tape;
use crate::media::clock::origin;
use crate::media::codec::testing::{sine, strength};
use crate::media::g711;
use crate::media::rtp::{Header, Kind, Packet};
use crate::media::voice::Mouth;
use crate::model::{Codec, RecordingId, TapeFormat};
use std::time::{Duration, Instant};

const FRAMES: u32 = 100;

/// Somebody who hums for two seconds in packets of 20 ms.
struct Hum {
    codec: Codec,
    mouth: Mouth,
    tone: Vec<i16>,
}

impl Hum {
    fn new(codec: Codec, hertz: f64) -> Self {
        Self {
            codec,
            mouth: Mouth::new(codec, 16_000),
            tone: sine(16_000, hertz, 6000.0, 320 * FRAMES as usize),
        }
    }

    fn packet(&mut self, number: u32) -> (Packet, [u8; 600]) {
        let mut buffer = [0; 600];
        let frame = self.tone.chunks(320).nth(number as usize).unwrap();
        let length = self.mouth.speak(frame, &mut buffer[12..]);
        let header = Header {
            marker: false,
            payload_type: 0,
            sequence: number as u16,
            timestamp: number * self.codec.clock_rate() / 50,
            ssrc: 1,
            start: 12,
            end: 12 + length,
        };
        let packet = Packet {
            kind: Kind::Audio(self.codec),
            begins: number == 0,
            ticks: self.codec.clock_rate() / 50,
            header,
        };
        (packet, buffer)
    }
}

fn tape(start: Instant, format: TapeFormat) -> Tape {
    Tape::new(start, RecordingId(uuid::Uuid::nil()), format, 2)
}

/// Both channels of what a tape has given, as samples.
fn channels(format: TapeFormat, bytes: &[u8]) -> [Vec<i16>; 2] {
    let samples: Vec<i16> = match format.law() {
        Some(law) => bytes.iter().map(|byte| g711::linear(law, *byte)).collect(),
        None => {
            let pairs = bytes.chunks_exact(2);
            pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
        }
    };
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect())
}

/// Lets them hum: left, right, and guests that were welcomed as 7 and on. The middle second of what is on the tape.
fn taped(format: TapeFormat, left: Hum, right: Hum, guests: Vec<Hum>) -> [Vec<i16>; 2] {
    let start = origin();
    let mut tape = tape(start, format);
    for guest in 0..guests.len() {
        tape.welcome(7 + guest);
    }
    let (mut both, mut guests) = ([left, right], guests);
    let mut bytes = Vec::new();
    for number in 0..FRAMES {
        let now = start + Duration::from_millis(u64::from(number) * 20);
        for (channel, hum) in both.iter_mut().enumerate() {
            let (packet, buffer) = hum.packet(number);
            tape.put(now, channel, &packet, &buffer);
        }
        for (guest, hum) in guests.iter_mut().enumerate() {
            let (packet, buffer) = hum.packet(number);
            tape.put_guest(now, 7 + guest, &packet, &buffer);
        }
        while tape.take(now, &mut bytes) {}
    }
    while tape.take_last(start + Duration::from_secs(2), &mut bytes) {}
    let rate = format.rate_hz() as usize;
    assert_eq!(bytes.len(), rate * 2 * 2 * format.sample_bytes());
    channels(format, &bytes).map(|channel| channel[rate / 2..rate * 3 / 2].to_vec())
}

#[test]
fn a_narrow_and_a_wide_voice_lie_side_by_side_as_wide_as_each_is() {
    for wide in [Codec::G722, Codec::Opus] {
        let format = TapeFormat::of([Codec::Pcma, wide]);
        let (narrow, high) = (Hum::new(Codec::Pcma, 1000.0), Hum::new(wide, 5000.0));
        let [left, right] = taped(format, narrow, high, Vec::new());
        let on_left = strength(&left, 16_000, 1000.0);
        assert!((5400.0..6600.0).contains(&on_left), "{wide}: {on_left}");
        assert!(strength(&left, 16_000, 7000.0) < 60.0, "nothing is heard double");
        let on_right = strength(&right, 16_000, 5000.0);
        assert!((4000.0..7000.0).contains(&on_right), "{wide}: {on_right}");
        assert!(strength(&right, 16_000, 1000.0) < 200.0);
    }
}

/// A tape keeps what it began as, whoever comes.
#[test]
fn a_wide_leg_that_comes_later_is_brought_down_to_the_tapes_rate() {
    let (left, right) = (Hum::new(Codec::Pcmu, 700.0), Hum::new(Codec::Opus, 1500.0));
    let [_, right] = taped(TapeFormat::MuLaw, left, right, Vec::new());
    assert!(strength(&right, 8000, 1500.0) > 4000.0);
}

#[test]
fn guests_are_heard_on_the_right_with_the_agent_and_the_caller_stays_alone() {
    for (format, agent) in [
        (TapeFormat::ALaw, Codec::Pcma),
        (TapeFormat::MuLaw, Codec::Pcma),
        (TapeFormat::Wide, Codec::G722),
    ] {
        let guests = vec![Hum::new(Codec::Pcmu, 1800.0), Hum::new(Codec::Opus, 2600.0)];
        let (caller, agent) = (Hum::new(Codec::Pcmu, 600.0), Hum::new(agent, 1000.0));
        let [left, right] = taped(format, caller, agent, guests);
        let rate = format.rate_hz();
        for hertz in [1000.0, 1800.0, 2600.0] {
            assert!(strength(&right, rate, hertz) > 4000.0, "{format:?}: {hertz}");
            assert!(strength(&left, rate, hertz) < 200.0, "{format:?}: {hertz}");
        }
        assert!(strength(&left, rate, 600.0) > 5000.0 && strength(&right, rate, 600.0) < 200.0);
    }
}

#[test]
fn a_guest_who_was_sent_away_or_never_came_leaves_nothing() {
    let start = origin();
    let mut tape = tape(start, TapeFormat::Wide);
    tape.welcome(7);
    tape.dismiss(7);
    let (packet, buffer) = Hum::new(Codec::G722, 1000.0).packet(0);
    tape.put_guest(start, 7, &packet, &buffer);
    let mut bytes = Vec::new();
    while tape.take_last(start + Duration::from_millis(100), &mut bytes) {}
    assert_eq!(bytes, vec![0; 1600 * 2 * 2]);
}
