//! An hour on one tape: two phones whose clocks drift apart over a bad network, a hold, a hand-over, a pause.

use super::tape::Tape;
use crate::media::clock::origin;
use crate::media::rtp::{Header, Kind, Packet};
use crate::model::{Codec, Dice, RecordingId, TapeFormat};
use std::time::{Duration, Instant};

const SPOKEN: u8 = 0x21;
/// Every packet is at least so long under way.
const LEAST_DELAY_US: u64 = 5_000;

/// A phone with a clock of its own, which says one loud packet each second of its time.
struct Phone {
    ppm: f64,
    /// When it begins, and what its time stamps begin with.
    began_us: u64,
    first: u32,
    /// Of a hundred packets so many are lost, and so many come twice; none is longer under way than this above the least.
    lost: u32,
    doubled: u32,
    jitter_us: u32,
    sent: u64,
    dice: Dice,
    under_way: Vec<(u64, u64)>,
}

impl Phone {
    fn new(ppm: f64, began_us: u64, seed: u64) -> Self {
        let mut dice = Dice::from_number(seed);
        Self {
            ppm,
            began_us,
            first: dice.number() as u32,
            lost: 5,
            doubled: 0,
            jitter_us: 40_000,
            sent: 0,
            dice,
            under_way: Vec::new(),
        }
    }

    /// True time at which its packet leaves.
    fn leaves_us(&self, number: u64) -> u64 {
        self.began_us + (number as f64 * 20_000.0 / (1.0 + self.ppm * 1e-6)) as u64
    }

    /// What arrives up to `until`, in order of arrival: when, and which packet.
    fn arrive(&mut self, until_us: u64) -> Vec<(u64, u64)> {
        while self.leaves_us(self.sent) <= until_us {
            let lost = self.dice.roll(100) < u64::from(self.lost);
            let copies = 1 + u64::from(self.dice.roll(100) < u64::from(self.doubled));
            for _ in 0..copies {
                let delay = LEAST_DELAY_US + self.dice.roll(u64::from(self.jitter_us));
                if !lost {
                    self.under_way
                        .push((self.leaves_us(self.sent) + delay, self.sent));
                }
            }
            self.sent += 1;
        }
        self.under_way.sort_unstable();
        let due = self.under_way.partition_point(|(at, _)| *at <= until_us);
        self.under_way.drain(..due).collect()
    }

    fn byte(&self, number: u64) -> u8 {
        if number % 50 == 1 {
            SPOKEN
        } else {
            Codec::Pcmu.silence()
        }
    }

    fn packet(&self, number: u64, begins: bool) -> Packet {
        Packet {
            kind: Kind::Audio(Codec::Pcmu),
            begins,
            ticks: 160,
            header: Header {
                marker: false,
                payload_type: 0,
                sequence: 0,
                timestamp: self.first.wrapping_add((number * 160) as u32),
                ssrc: 1,
                start: 12,
                end: 172,
            },
        }
    }
}

const MINUTE: u64 = 60_000_000;

/// DC-005, ROBUSTNESS 86: both channels stay in step to 20 ms over an hour.
#[test]
fn an_hour_with_drift_loss_hold_transfer_and_pause_stays_in_step() {
    let start = origin();
    let at = |us: u64| -> Instant { start + Duration::from_micros(us) };
    let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), TapeFormat::MuLaw, 2);
    let mut caller = Phone::new(150.0, 0, 1);
    // The agent hands the call on after half an hour; the third phone comes five seconds later.
    let mut agent = Phone::new(-150.0, 0, 2);
    let mut third = Phone::new(80.0, 30 * MINUTE + 5_000_000, 3);
    let hold = 20 * MINUTE..22 * MINUTE;
    let pause = 40 * MINUTE..41 * MINUTE;
    let mut said: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let mut audio = Vec::new();
    let mut begun = [false; 3];
    for tick in (0..60 * MINUTE).step_by(10_000) {
        if tick == 30 * MINUTE {
            tape.change_leg(1);
        }
        if tick == pause.start {
            tape.pause(at(tick));
        }
        if tick == pause.end {
            tape.resume(at(tick));
        }
        let phones = [(0, &mut caller), (1, &mut agent), (1, &mut third)];
        for (place, (channel, phone)) in phones.into_iter().enumerate() {
            for (arrived, number) in phone.arrive(tick) {
                let left = phone.leaves_us(number);
                let is_silent = place == 1 && left >= 30 * MINUTE || place == 0 && hold.contains(&left);
                if is_silent {
                    continue;
                }
                let byte = phone.byte(number);
                // What reaches into a pause is not kept either: a piece of a digit is a digit.
                let kept = !(pause.start - 45_000..pause.end).contains(&left);
                if byte == SPOKEN && kept {
                    said[channel].push(left as f64 / 1000.0);
                }
                let begins = !std::mem::replace(&mut begun[place], true);
                tape.put(at(arrived), channel, &phone.packet(number, begins), &[byte; 172]);
            }
        }
        tape.take(at(tick), &mut audio);
    }
    while tape.take_last(at(60 * MINUTE), &mut audio) {}
    assert_eq!(audio.len(), 2 * 3600 * 8000, "the tape is as long as the hour");
    for (channel, said) in said.iter_mut().enumerate() {
        said.sort_by(f64::total_cmp);
        let heard = begins(&audio, channel);
        let paused = |ms: &&f64| (40.0 * 60_000.0..41.0 * 60_000.0 - 60.0).contains(*ms);
        assert_eq!(heard.iter().find(paused), None, "nothing of the pause is there");
        all_in_step(channel, said, &heard);
    }
}

/// ROBUSTNESS 86: ten minutes over networks that lose and delay, with packets swapped and doubled on their way.
#[test]
fn ten_minutes_over_a_bad_network_stay_in_step() {
    let start = origin();
    let at = |us: u64| -> Instant { start + Duration::from_micros(us) };
    for lost in [1, 5, 10, 20] {
        let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), TapeFormat::MuLaw, 2);
        let mut phones = [(120.0, 11), (-120.0, 12)].map(|(ppm, seed)| Phone {
            lost,
            jitter_us: 60_000,
            doubled: 5,
            ..Phone::new(ppm, 0, seed + u64::from(lost))
        });
        let mut said: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        let mut begun = [false; 2];
        let mut audio = Vec::new();
        for tick in (0..10 * MINUTE).step_by(10_000) {
            for (channel, phone) in phones.iter_mut().enumerate() {
                for (arrived, number) in phone.arrive(tick) {
                    let byte = phone.byte(number);
                    if byte == SPOKEN {
                        said[channel].push(phone.leaves_us(number) as f64 / 1000.0);
                    }
                    let begins = !std::mem::replace(&mut begun[channel], true);
                    tape.put(at(arrived), channel, &phone.packet(number, begins), &[byte; 172]);
                }
            }
            tape.take(at(tick), &mut audio);
        }
        while tape.take_last(at(10 * MINUTE), &mut audio) {}
        assert_eq!(audio.len(), 2 * 600 * 8000);
        assert_eq!(tape.misplaced(), 0, "{lost} %");
        for (channel, said) in said.iter_mut().enumerate() {
            said.sort_by(f64::total_cmp);
            said.dedup();
            all_in_step(channel, said, &begins(&audio, channel));
        }
    }
}

/// Every packet that arrived is heard, not more than 20 ms from where it was said.
fn all_in_step(channel: usize, said: &[f64], heard: &[f64]) {
    for said in said {
        let place = heard.partition_point(|begin| *begin < said - 100.0);
        let late = heard.get(place).map(|begin| begin - said - 5.0);
        assert!(
            late.is_some_and(|late| late.abs() <= 20.0),
            "channel {channel} at {said} ms: {late:?} ms"
        );
    }
}

/// When each loud packet begins on a channel, in milliseconds.
fn begins(audio: &[u8], channel: usize) -> Vec<f64> {
    let samples = audio.chunks(2).map(|pair| pair[channel]).enumerate();
    let mut begins = Vec::new();
    let mut last = None;
    for (place, _) in samples.filter(|(_, byte)| *byte == SPOKEN) {
        if last.is_none_or(|last| place > last + 1000) {
            begins.push(place as f64 / 8.0);
        }
        last = Some(place);
    }
    begins
}
