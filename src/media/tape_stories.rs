//! An hour on one tape: two phones whose clocks drift apart over a bad network, a hold, a hand-over, a pause.

use super::Tape;
use super::clock::origin;
use super::packet::{Header, Kind, Packet};
use crate::model::{Codec, Dice, RecordingId};
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
            let lost = self.dice.roll(100) < 5;
            let delay = LEAST_DELAY_US + self.dice.roll(40_000);
            if !lost {
                self.under_way
                    .push((self.leaves_us(self.sent) + delay, self.sent));
            }
            self.sent += 1;
        }
        self.under_way.sort_unstable();
        let due = self.under_way.partition_point(|(at, _)| *at <= until_us);
        self.under_way.drain(..due).collect()
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
    let mut tape = Tape::new(start, RecordingId(uuid::Uuid::nil()), Codec::Pcmu, 2);
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
                let is_loud = number % 50 == 1;
                let byte = if is_loud { SPOKEN } else { Codec::Pcmu.silence() };
                if is_loud && !pause.contains(&left) {
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
    let mut worst = 0.0_f64;
    for (channel, said) in said.iter_mut().enumerate() {
        said.sort_by(f64::total_cmp);
        let heard = begins(&audio, channel);
        let paused = |ms: &&f64| (40.0 * 60_000.0..41.0 * 60_000.0 - 60.0).contains(*ms);
        assert_eq!(heard.iter().find(paused), None, "nothing of the pause is there");
        let mut unheard = 0;
        for said in said.iter() {
            let place = heard.partition_point(|begin| *begin < said - 100.0);
            match heard.get(place).map(|begin| begin - said - 5.0) {
                // The first seconds of each phone are tied by one packet, which may have been late.
                Some(late) if late.abs() < 100.0 => worst = worst.max(late.abs()),
                Some(_) | None => unheard += 1,
            }
        }
        assert!(
            unheard <= 2,
            "{unheard} packets of channel {channel} are not there"
        );
    }
    // The tie to the first packet may be as late as the network was then, until the watch over the drift corrects it.
    assert!(worst <= 45.0, "{worst} ms");
    let settled = |ms: f64| ms > 10_000.0 && !(30.0 * 60_000.0..30.0 * 60_000.0 + 15_000.0).contains(&ms);
    for (channel, said) in said.iter().enumerate() {
        let heard = begins(&audio, channel);
        for said in said.iter().filter(|ms| settled(**ms)) {
            let place = heard.partition_point(|begin| *begin < said - 100.0);
            let late = heard.get(place).map_or(0.0, |begin| begin - said - 5.0);
            let is_after_hold = (22.0 * 60_000.0..22.0 * 60_000.0 + 5_000.0).contains(said);
            assert!(
                late.abs() <= 20.0 || late.abs() > 100.0 || is_after_hold,
                "channel {channel} at {said} ms: {late} ms"
            );
        }
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
