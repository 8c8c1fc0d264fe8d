//! Conversations in memory: each party speaks a tone of its own, and what each hears is measured tone by tone.

use super::Mixer;
use crate::media::clock::origin;
use crate::media::g711;
use crate::media::rtp::{Header, Kind, Packet};
use crate::model::{Codec, Part};
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

/// Everybody speaks for so many ticks; the first half is left out of the measurement.
const TICKS: u32 = 100;

/// A conversation, its parties' tones in Hz, and what each has heard as samples at 8 kHz.
struct Room {
    mixer: Mixer,
    start: Instant,
    tones: Vec<(usize, Codec, f64, f64)>,
    heard: HashMap<usize, Vec<i16>>,
}

impl Room {
    fn new() -> Self {
        let start = origin();
        Self {
            mixer: Mixer::new(start, start),
            start,
            tones: Vec::new(),
            heard: HashMap::new(),
        }
    }

    /// Somebody who speaks a tone of this frequency and peak.
    fn with(mut self, id: usize, codec: Codec, part: Part<usize>, hertz: f64, peak: f64) -> Self {
        self.mixer.join(self.start, id, codec, part);
        self.tones.push((id, codec, hertz, peak));
        self
    }

    fn talk(mut self) -> Self {
        for tick in 1..=TICKS {
            self.one_tick(tick);
        }
        self
    }

    fn one_tick(&mut self, tick: u32) {
        let now = self.start + Duration::from_millis(20) * tick;
        for (id, codec, hertz, peak) in &self.tones {
            let payload = tone(*codec, *hertz, *peak, tick);
            self.mixer.put(now, *id, &packet(*codec, tick), &payload);
        }
        assert!(self.mixer.take_due(now) && !self.mixer.take_due(now));
        let heard = &mut self.heard;
        self.mixer.tick(now, |id, codec, payload| {
            assert_eq!(payload.len(), 160);
            let samples = payload.iter().map(|byte| g711::linear(codec, *byte));
            heard.entry(id).or_default().extend(samples);
        });
    }

    /// The peak of the tone of `speaker` in what `listener` hears.
    fn level(&self, listener: usize, speaker: usize) -> f64 {
        let heard = &self.heard[&listener];
        let hertz = self.tones.iter().find(|(id, ..)| *id == speaker).unwrap().2;
        strength(&heard[heard.len() / 2..], hertz)
    }

    fn hears(&self, listener: usize, speaker: usize) -> bool {
        let peak = self.tones.iter().find(|(id, ..)| *id == speaker).unwrap().3;
        let level = self.level(listener, speaker);
        let share = level / peak;
        assert!(
            !(0.06..0.7).contains(&share),
            "{listener} half hears {speaker}: {level}"
        );
        share >= 0.7
    }
}

fn tone(codec: Codec, hertz: f64, peak: f64, tick: u32) -> Vec<u8> {
    let from = tick * 160;
    (from..from + 160)
        .map(|place| {
            let sample = peak * (TAU * hertz * f64::from(place) / 8000.0).sin();
            g711::encode(codec, sample as i16)
        })
        .collect()
}

fn packet(codec: Codec, number: u32) -> Packet {
    let header = Header {
        marker: false,
        payload_type: codec as u8,
        sequence: number as u16,
        timestamp: number * 160,
        ssrc: 1,
        start: 12,
        end: 172,
    };
    Packet {
        kind: Kind::Audio(codec),
        begins: number == 1,
        ticks: 160,
        header,
    }
}

/// The peak of one frequency (Goertzel's sum, written as a correlation).
fn strength(samples: &[i16], hertz: f64) -> f64 {
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (place, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * place as f64 / 8000.0;
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
    }
    2.0 * f64::hypot(sine, cosine) / samples.len() as f64
}

const TALKS: Part<usize> = Part::Talks;

#[test]
fn each_of_three_hears_the_two_others_and_not_itself() {
    let room = Room::new()
        .with(7, Codec::Pcmu, TALKS, 400.0, 6000.0)
        .with(8, Codec::Pcma, TALKS, 700.0, 6000.0)
        .with(9, Codec::Pcmu, TALKS, 1100.0, 6000.0)
        .talk();
    for listener in 7..10 {
        for speaker in 7..10 {
            assert_eq!(room.hears(listener, speaker), listener != speaker);
        }
    }
}

/// S1-101.
#[test]
fn a_listener_hears_both_and_is_heard_by_nobody() {
    let room = Room::new()
        .with(0, Codec::Pcmu, TALKS, 400.0, 6000.0)
        .with(1, Codec::Pcmu, TALKS, 700.0, 6000.0)
        .with(2, Codec::Pcma, Part::Listens, 1100.0, 6000.0)
        .talk();
    assert!(room.hears(2, 0) && room.hears(2, 1) && room.hears(0, 1) && room.hears(1, 0));
    assert!(!room.hears(0, 2) && !room.hears(1, 2) && !room.hears(2, 2));
}

/// S1-101.
#[test]
fn a_whisper_reaches_one_ear_alone() {
    let room = Room::new()
        .with(0, Codec::Pcmu, TALKS, 400.0, 6000.0)
        .with(1, Codec::Pcmu, TALKS, 700.0, 6000.0)
        .with(2, Codec::Pcmu, Part::WhispersTo(1), 1100.0, 6000.0)
        .with(3, Codec::Pcmu, Part::Listens, 1500.0, 6000.0)
        .talk();
    assert!(room.hears(1, 2) && room.hears(1, 0), "the agent hears both");
    assert!(
        !room.hears(0, 2) && !room.hears(3, 2),
        "nobody else hears the whisper"
    );
    assert!(room.hears(2, 0) && room.hears(2, 1) && room.hears(3, 0) && room.hears(3, 1));
}

#[test]
fn thirty_two_people_hear_each_other_and_nobody_hears_himself() {
    let mut room = Room::new();
    for id in 0..32 {
        let law = if id % 2 == 0 { Codec::Pcmu } else { Codec::Pcma };
        room = room.with(id, law, TALKS, 300.0 + 100.0 * id as f64, 700.0);
    }
    let room = room.talk();
    for listener in 0..32 {
        for speaker in 0..32 {
            assert_eq!(
                room.hears(listener, speaker),
                listener != speaker,
                "{listener} {speaker}"
            );
        }
    }
}

#[test]
fn those_who_are_silent_hear_the_same_sum_made_once_for_each_law() {
    let mut room = Room::new().with(0, Codec::Pcmu, TALKS, 400.0, 6000.0);
    for id in 1..9 {
        let law = if id % 2 == 0 { Codec::Pcmu } else { Codec::Pcma };
        room.mixer.join(room.start, id, law, Part::Talks);
    }
    let room = room.talk();
    for id in 1..9 {
        assert_eq!(room.heard[&id], room.heard[&(2 - id % 2)], "{id}");
        assert!(room.hears(id, 0));
    }
    assert!(!room.hears(0, 0));
}

#[test]
fn loud_people_at_once_bend_and_do_not_break() {
    let mut room = Room::new();
    for id in 0..5 {
        room = room.with(id, Codec::Pcmu, TALKS, 500.0, 30_000.0);
    }
    let room = room.talk();
    let heard = &room.heard[&0];
    let steepest = heard
        .windows(2)
        .map(|two| (i32::from(two[0]) - i32::from(two[1])).abs())
        .max();
    // Four sines of full scale on top of each other, cut off hard, jump by far more between two samples.
    assert!(steepest.unwrap() < 33_000, "{steepest:?}");
    assert!(heard.iter().any(|sample| *sample > 30_000));
}

#[test]
fn a_day_of_ticks_is_a_day() {
    let start = origin();
    let mut mixer = Mixer::new(start, start);
    mixer.join(start, 0, Codec::Pcmu, Part::Talks);
    let day = Duration::from_secs(24 * 3600);
    // Woken up to 3 ms late, for an hour of it, the ticks do not move.
    let mut ticks = 0u32;
    let mut now = start;
    while ticks < 180_000 {
        now = mixer.due() + Duration::from_micros(u64::from(ticks * 7919 % 3000));
        assert!(mixer.take_due(now));
        ticks += 1;
    }
    assert_eq!(
        mixer.due(),
        start + Duration::from_secs(3600) + Duration::from_millis(20)
    );
    assert!(now < mixer.due());
    // A thread that was stopped for the rest of the day goes on with the one tick that is due now.
    assert!(mixer.take_due(start + day) && !mixer.take_due(start + day));
    assert_eq!(mixer.due(), start + day + Duration::from_millis(20));
}

#[test]
fn two_who_can_be_relayed_are_a_pair_and_others_are_not() {
    let now = origin();
    let mut mixer = Mixer::new(now, now);
    mixer.join(now, 4, Codec::Pcmu, Part::Talks);
    assert_eq!(mixer.pair(), None);
    mixer.join(now, 5, Codec::Pcma, Part::Talks);
    assert_eq!(mixer.pair(), Some((4, 5)));
    mixer.join(now, 6, Codec::Pcma, Part::Listens);
    assert_eq!(mixer.pair(), None);
    mixer.leave(now, 4);
    assert_eq!(mixer.pair(), None, "a listener is not half of a conversation");
    mixer.join(now, 6, Codec::Pcma, Part::Talks);
    assert_eq!(mixer.pair(), Some((5, 6)));
}

/// Eight phones in one wide codec, of which one talks at a time: the others are spoken to with the same bytes, and whoever
/// talks never hears itself.
#[test]
fn listeners_to_the_same_mix_share_one_encoding_and_a_talker_has_its_own() {
    use crate::media::Mouth;
    use crate::media::codec::testing::{sine, strength};
    use crate::media::codec::{Decoder, Pcm};
    for codec in [Codec::G722, Codec::Opus] {
        let start = origin();
        let mut mixer = Mixer::new(start, start);
        for id in 0..8 {
            mixer.join(start, id, codec, Part::Talks);
        }
        let mut decoders: Vec<_> = (0..8).map(|_| Decoder::at(codec, 16_000)).collect();
        let mut heard = vec![Vec::new(); 8];
        let mut same = 0;
        let mut mouths: Vec<_> = (0..8).map(|_| Mouth::new(codec, 16_000)).collect();
        for tick in 1..=200_u32 {
            let now = start + Duration::from_millis(20) * tick;
            // The second takes over half way.
            let talker = usize::from(tick > 100);
            let tone = sine(16_000, [1000.0, 1500.0][talker], 8000.0, 320);
            let mut buffer = [0; 1500];
            let length = mouths[talker].speak(&tone, &mut buffer);
            let mut said = packet(codec, tick);
            said.header.timestamp = tick * codec.clock_rate() / 50;
            mixer.put(now, talker, &said, &buffer[..length]);
            assert!(mixer.take_due(now));
            let mut sent = vec![Vec::new(); 8];
            mixer.tick(now, |id, _, payload| sent[id] = payload.to_vec());
            same += usize::from(sent[2..].iter().all(|payload| *payload == sent[2]));
            let mut pcm = Pcm::new();
            for id in 0..8 {
                decoders[id].decode(&sent[id], &mut pcm);
                heard[id].extend_from_slice(pcm.samples());
            }
        }
        assert!(same > 150, "{codec}: {same} ticks");
        let second = |id: usize, from: usize| &heard[id][from * 16_000..(from + 1) * 16_000];
        for id in 2..8 {
            assert!(strength(second(id, 1), 16_000, 1000.0) > 5000.0, "{codec}: {id}");
            assert!(strength(second(id, 3), 16_000, 1500.0) > 5000.0, "{codec}: {id}");
        }
        assert!(strength(second(0, 1), 16_000, 1000.0) < 200.0, "{codec}: itself");
        assert!(strength(second(1, 3), 16_000, 1500.0) < 200.0, "{codec}: itself");
        assert!(strength(second(1, 1), 16_000, 1000.0) > 5000.0, "{codec}");
    }
}
