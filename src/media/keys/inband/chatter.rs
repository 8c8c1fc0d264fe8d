//! Voices for tests: keys as a telephone sings them, and half an hour of what keys could be mistaken for.

use crate::media::playing::frequencies;
use crate::model::{Dice, Digit};
use std::f64::consts::TAU;

/// The amplitude of a sine of this level, where full scale is 3.17 dBm0 (ITU-T G.711).
pub(super) fn dbm0(level: f64) -> f64 {
    32_124.0 * 10f64.powf((level - 3.17) / 20.0)
}

/// A telephone's keypad.
pub(super) struct Singer {
    pub(super) voice: Vec<i16>,
    /// Factors on the low and the high frequency.
    pub(super) off: (f64, f64),
    /// How much stronger the high frequency is, in dB.
    pub(super) twist: f64,
    pub(super) level: f64,
}

impl Singer {
    pub(super) fn at(level: f64) -> Self {
        Self {
            voice: Vec::new(),
            off: (1.0, 1.0),
            twist: 0.0,
            level,
        }
    }

    pub(super) fn press(self, digit: Digit, millis: usize) -> Self {
        let (low, high) = frequencies(digit);
        let pair = (low * self.off.0, high * self.off.1);
        self.sing(pair, millis)
    }

    pub(super) fn sing(mut self, (low, high): (f64, f64), millis: usize) -> Self {
        let (soft, loud) = (dbm0(self.level - self.twist.abs()), dbm0(self.level));
        let (one, other) = if self.twist < 0.0 {
            (loud, soft)
        } else {
            (soft, loud)
        };
        for _ in 0..millis * 8 {
            let angle = TAU * self.voice.len() as f64 / 8000.0;
            let high = if high > 0.0 {
                (high * angle + 1.0).sin()
            } else {
                0.0
            };
            self.voice.push((one * (low * angle).sin() + other * high) as i16);
        }
        self
    }

    pub(super) fn rest(mut self, millis: usize) -> Self {
        self.voice.resize(self.voice.len() + millis * 8, 0);
        self
    }
}

/// Sentences of vowels and hisses by men, women and children, bursts of noise, and tunes with chords.
pub(super) struct Chatter {
    dice: Dice,
    part: Part,
    left: usize,
    clock: f64,
}

enum Part {
    Pause,
    Noise {
        loud: f64,
        last: f64,
        colour: f64,
    },
    Vowel(Box<Vowel>),
    Chord {
        notes: [(f64, f64); 4],
        loud: f64,
        fades: f64,
    },
}

/// A glottis and the four resonances of a mouth, gliding.
struct Vowel {
    pitch: f64,
    glide: f64,
    phase: f64,
    loud: f64,
    mouth: [Resonance; 4],
}

#[derive(Clone, Copy)]
struct Resonance {
    frequency: f64,
    glide: f64,
    width: f64,
    last: f64,
    before: f64,
}

impl Resonance {
    fn ring(&mut self, input: f64) -> f64 {
        self.frequency += self.glide;
        let radius = (-std::f64::consts::PI * self.width / 8000.0).exp();
        let turn = 2.0 * radius * (TAU * self.frequency / 8000.0).cos();
        let gain = 1.0 - turn + radius * radius;
        let output = gain * input + turn * self.last - radius * radius * self.before;
        (self.last, self.before) = (output, self.last);
        output
    }
}

impl Chatter {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::from_number(seed),
            part: Part::Pause,
            left: 0,
            clock: 0.0,
        }
    }

    pub(super) fn speak(&mut self, samples: &mut [i16]) {
        for sample in samples {
            if self.left == 0 {
                self.turn();
            }
            self.left -= 1;
            self.clock += 1.0;
            *sample = self.next().clamp(-32_000.0, 32_000.0) as i16;
        }
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.dice.roll(1_000_000) as f64 / 1e6
    }

    fn turn(&mut self) {
        let loud = dbm0(self.between(-28.0, -3.0));
        let millis;
        self.part = match self.dice.roll(20) {
            0 | 1 => {
                millis = self.between(20.0, 200.0);
                Part::Pause
            }
            2..=4 => {
                millis = self.between(30.0, 250.0);
                let colour = self.between(-0.9, 0.9);
                Part::Noise {
                    loud,
                    last: 0.0,
                    colour,
                }
            }
            5..=8 => {
                millis = self.between(60.0, 600.0);
                Part::Chord {
                    notes: self.chord(),
                    loud,
                    fades: self.between(0.0, 0.0008),
                }
            }
            _ => {
                millis = self.between(40.0, 350.0);
                Part::Vowel(Box::new(self.vowel(loud)))
            }
        };
        self.left = (millis * 8.0) as usize;
        self.clock = 0.0;
    }

    /// Four notes of the tempered scale, some of them nearly silent.
    fn chord(&mut self) -> [(f64, f64); 4] {
        std::array::from_fn(|_| {
            let note = self.dice.roll(48) as f64;
            (110.0 * 2f64.powf(note / 12.0), self.between(0.0, 0.5))
        })
    }

    fn vowel(&mut self, loud: f64) -> Vowel {
        let reach = [
            (250.0, 950.0),
            (700.0, 2500.0),
            (1700.0, 3100.0),
            (2900.0, 3600.0),
        ];
        let mouth = reach.map(|(least, most)| Resonance {
            frequency: self.between(least, most),
            glide: self.between(-0.06, 0.06),
            width: self.between(40.0, 180.0),
            last: 0.0,
            before: 0.0,
        });
        Vowel {
            pitch: self.between(75.0, 420.0),
            glide: self.between(-0.01, 0.01),
            phase: 0.0,
            loud,
            mouth,
        }
    }

    fn next(&mut self) -> f64 {
        let white = self.dice.roll(2001) as f64 / 1000.0 - 1.0;
        match &mut self.part {
            Part::Pause => 20.0 * white,
            Part::Noise { loud, last, colour } => {
                *last = *colour * *last + white * *loud * 0.5;
                *last
            }
            Part::Chord { notes, loud, fades } => {
                let angle = TAU * self.clock / 8000.0;
                // An instrument has overtones; two pure notes would be a telephone.
                let string = |note: f64| {
                    (note * angle).sin()
                        + 0.4 * (2.0 * note * angle).sin()
                        + 0.25 * (3.0 * note * angle).sin()
                };
                let sum: f64 = notes.iter().map(|(note, part)| part * string(*note)).sum();
                sum * *loud * (-*fades * self.clock).exp()
            }
            Part::Vowel(vowel) => vowel.next(white),
        }
    }
}

impl Vowel {
    fn next(&mut self, breath: f64) -> f64 {
        self.pitch += self.glide;
        self.phase += self.pitch / 8000.0;
        let beats = self.phase >= 1.0;
        if beats {
            self.phase -= 1.0;
        }
        // A pulse that falls off, and a little breath.
        let pulse = if beats { 8000.0 / self.pitch } else { 0.0 };
        let mut sound = pulse + 0.02 * breath;
        for resonance in &mut self.mouth[..2] {
            sound = resonance.ring(sound);
        }
        let above: f64 = self.mouth[2..]
            .iter_mut()
            .map(|resonance| resonance.ring(pulse))
            .sum();
        (sound * 2.0 + above * 0.1) * self.loud
    }
}
