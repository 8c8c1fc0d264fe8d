//! Keys heard as tones in the voice (ITU-T Q.23, Q.24), for legs that tell of them in no better way.
//!
//! A window of 102 samples slides over the voice by halves. A key is a press when four windows in a row hold its
//! two frequencies, next to nothing else, and keep their strength: 32 ms of a steady pair. Voices hold such a pair
//! for a window or two. It is over after four windows without it, so that a gap of 10 ms does not make two of one.

mod window;

#[cfg(test)]
mod chatter;

use crate::media::voice::Hearing;
use crate::model::{Codec, Digit};
use window::{HOP, Pair, Tone, WINDOW, Window};

/// Windows in a row that make a press, and that end it.
const STEADY: u8 = 4;
/// How far the strength of either frequency may move between the windows of a press: 4 dB.
const SWAY: f32 = 2.5;
/// How far either frequency may be off: between the 1.5 % that a phone may be and the 3.5 % that it must not.
const STRAY: f32 = 0.02;
/// Samples of silence after which a press is over even if no packet tells: 40 ms.
const GAP: u32 = 320;

/// Listens to one voice at 8000 samples a second: any wider one is heard as a telephone line would carry it.
#[derive(Debug)]
pub(in crate::media) struct Inband {
    window: Window,
    samples: [f32; WINDOW],
    filled: usize,
    run: Option<Run>,
    press: Option<Press>,
    /// A second press in one packet, told with the next.
    untold: Option<Digit>,
    next: Option<(u16, u32)>,
    /// For what has to be decoded.
    hearing: Hearing,
}

/// Windows in a row with the same key.
#[derive(Debug, Clone, Copy)]
struct Run {
    digit: Digit,
    windows: u8,
    low: Steady,
    high: Steady,
}

/// What one frequency has been over the windows of a run.
#[derive(Debug, Clone, Copy)]
struct Steady {
    last: Tone,
    weakest: f32,
    strongest: f32,
    /// How far off it was, from window to window, all added up.
    off: f32,
}

/// The press that has been told and is not over.
#[derive(Debug, Clone, Copy)]
struct Press {
    digit: Digit,
    missed: u8,
}

impl Inband {
    pub(in crate::media) fn new() -> Self {
        Self {
            window: Window::new(),
            samples: [0.0; WINDOW],
            filled: 0,
            run: None,
            press: None,
            untold: None,
            next: None,
            hearing: Hearing::default(),
        }
    }

    /// Listens to a packet whose voice has to be decoded first.
    pub(in crate::media) fn hear_coded(
        &mut self,
        sequence: u16,
        timestamp: u32,
        codec: Codec,
        payload: &[u8],
    ) -> Option<Digit> {
        let mut hearing = std::mem::take(&mut self.hearing);
        let voice = hearing.hear(codec, 8000, payload).iter().copied();
        let digit = self.hear(sequence, timestamp, codec.clock_rate(), voice);
        self.hearing = hearing;
        digit
    }

    /// Listens to the voice of one packet, whose stamps count at `clock` Hz; a digit when a press has become certain.
    pub(in crate::media) fn hear(
        &mut self,
        sequence: u16,
        timestamp: u32,
        clock: u32,
        voice: impl ExactSizeIterator<Item = i16>,
    ) -> Option<Digit> {
        let scale = clock / 8000;
        let length = u32::try_from(voice.len()).unwrap_or(0) * scale;
        if let Some((number, stamp)) = self.next
            && number == sequence
            && (GAP * scale..u32::MAX / 2).contains(&timestamp.wrapping_sub(stamp))
        {
            self.forget(); // Nothing was lost: the phone sends no silence.
        }
        self.next = Some((sequence.wrapping_add(1), timestamp.wrapping_add(length)));
        let mut told = self.untold.take();
        for sample in voice {
            let Some(place) = self.samples.get_mut(self.filled) else {
                break;
            };
            *place = f32::from(sample);
            self.filled += 1;
            if self.filled == WINDOW {
                let digit = self.judge();
                self.samples.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
                match told {
                    None => told = digit,
                    Some(_) => self.untold = self.untold.or(digit),
                }
            }
        }
        told
    }

    /// Another source: what was heard belongs to nobody any more.
    pub(in crate::media) fn forget(&mut self) {
        self.filled = 0;
        self.run = None;
        self.press = None;
    }

    /// Whether a key sounds now, or has begun to.
    pub(in crate::media) fn sounds(&self) -> bool {
        self.press.is_some() || self.run.is_some_and(|run| run.windows >= 2)
    }

    fn judge(&mut self) -> Option<Digit> {
        let found = self.window.judge(&self.samples);
        if let Some(press) = &mut self.press {
            press.missed = match found {
                Some((digit, _)) if digit == press.digit => 0,
                Some(_) | None => press.missed + 1,
            };
            if press.missed >= STEADY {
                self.press = None;
            }
        }
        let Some((digit, pair)) = found else {
            self.run = None;
            return None;
        };
        let run = match self.run {
            Some(run) if run.digit == digit => run.with(pair),
            Some(_) | None => Run::new(digit, pair),
        };
        self.run = Some(run);
        if run.windows < STEADY || run.is_off() || self.press.is_some_and(|press| press.digit == digit) {
            return None;
        }
        self.press = Some(Press { digit, missed: 0 });
        Some(digit)
    }
}

impl Run {
    fn new(digit: Digit, pair: Pair) -> Self {
        Self {
            digit,
            windows: 1,
            low: Steady::new(pair.low),
            high: Steady::new(pair.high),
        }
    }

    /// One more window; a strength that sways begins anew, for it is no machine that sings.
    fn with(self, pair: Pair) -> Self {
        let (low, high) = (self.low.with(pair.low), self.high.with(pair.high));
        if low.sways() || high.sways() {
            return Self::new(self.digit, pair);
        }
        Self {
            windows: self.windows.saturating_add(1),
            low,
            high,
            ..self
        }
    }

    fn is_off(&self) -> bool {
        let steps = f32::from(self.windows - 1).max(1.0);
        let is_off = |tone: &Steady| (tone.off / steps).abs() > STRAY;
        is_off(&self.low) || is_off(&self.high)
    }
}

impl Steady {
    fn new(tone: Tone) -> Self {
        Self {
            last: tone,
            weakest: tone.strength,
            strongest: tone.strength,
            off: 0.0,
        }
    }

    fn with(self, tone: Tone) -> Self {
        Self {
            last: tone,
            weakest: self.weakest.min(tone.strength),
            strongest: self.strongest.max(tone.strength),
            off: self.off + tone.off(self.last),
        }
    }

    fn sways(&self) -> bool {
        self.strongest > self.weakest * SWAY
    }
}

#[cfg(test)]
mod tests {
    use super::chatter::{Chatter, Singer, dbm0};
    use super::*;
    use crate::media::g711;
    use crate::model::{Codec, Dice};

    const KEYS: &str = "0123456789*#ABCD";

    /// What is heard in this voice, sent in packets of 20 ms of this codec.
    fn heard_in(codec: Codec, voice: &[i16]) -> String {
        let mut inband = Inband::new();
        let mut heard = String::new();
        for (number, packet) in voice.chunks(160).enumerate() {
            let voice = packet
                .iter()
                .map(|sample| g711::linear(codec, g711::encode(codec, *sample)));
            let digit = inband.hear(number as u16, number as u32 * 160, 8000, voice);
            heard.extend(digit.map(Digit::as_char));
        }
        heard
    }

    fn heard(voice: &[i16]) -> String {
        heard_in(Codec::Pcmu, voice)
    }

    fn digit(key: char) -> Digit {
        Digit::from_char(key).unwrap()
    }

    fn laws() -> [Codec; 2] {
        [Codec::Pcmu, Codec::Pcma]
    }

    #[test]
    fn every_key_is_heard_at_every_level_that_is_asked_for_in_both_laws() {
        for codec in laws() {
            for key in KEYS.chars() {
                for level in [-3.0, -10.0, -20.0, -30.0, -36.0] {
                    let voice = Singer::at(level).press(digit(key), 50).rest(50).voice;
                    assert_eq!(heard_in(codec, &voice), key.to_string(), "{codec} {level} dBm0");
                }
            }
        }
    }

    #[test]
    fn forty_milliseconds_on_and_forty_off_are_enough_wherever_the_packets_begin() {
        for shift in (0..160).step_by(7) {
            let mut singer = Singer::at(-10.0);
            singer.voice.resize(shift, 0);
            for key in KEYS.chars() {
                singer = singer
                    .press(digit(key), 40)
                    .rest(40)
                    .press(digit(key), 40)
                    .rest(40);
            }
            let twice: String = KEYS.chars().flat_map(|key| [key, key]).collect();
            assert_eq!(heard(&singer.rest(40).voice), twice, "{shift}");
        }
    }

    /// A phone in wide band without telephone-event: its tones come through the codec.
    #[test]
    fn keys_are_heard_in_wide_band_codecs_too() {
        use crate::media::voice::Mouth;
        for codec in [Codec::G722, Codec::Opus] {
            let mut singer = Singer::at(-10.0).rest(200);
            for key in KEYS.chars() {
                singer = singer.press(digit(key), 100).rest(100);
            }
            let (mut inband, mut mouth) = (Inband::new(), Mouth::new(codec, 8000));
            let (mut heard, mut payload) = (String::new(), [0; 1500]);
            for (number, frame) in singer.rest(200).voice.chunks_exact(160).enumerate() {
                let length = mouth.speak(frame, &mut payload);
                let stamp = number as u32 * codec.clock_rate() / 50;
                let digit = inband.hear_coded(number as u16, stamp, codec, &payload[..length]);
                heard.extend(digit.map(Digit::as_char));
            }
            assert_eq!(heard, KEYS, "{codec}");
        }
    }

    #[test]
    fn a_long_press_is_one_digit_and_so_is_one_with_a_dropout() {
        assert_eq!(
            heard(&Singer::at(-10.0).press(digit('5'), 5000).rest(50).voice),
            "5"
        );
        for dropout in [1, 5, 10] {
            let singer = Singer::at(-10.0).press(digit('5'), 60).rest(dropout);
            assert_eq!(
                heard(&singer.press(digit('5'), 60).rest(50).voice),
                "5",
                "{dropout} ms"
            );
        }
    }

    #[test]
    fn a_tone_shorter_than_twenty_three_milliseconds_is_no_key() {
        for length in [10, 15, 20, 23] {
            let voice = Singer::at(-10.0)
                .rest(30)
                .press(digit('5'), length)
                .rest(50)
                .voice;
            assert_eq!(heard(&voice), "", "{length} ms");
        }
    }

    #[test]
    fn frequencies_may_be_off_by_one_and_a_half_percent_and_not_by_more_than_three_and_a_half() {
        for key in KEYS.chars() {
            for (percent, is_key) in [(-1.5, true), (1.5, true), (-3.5, false), (3.5, false)] {
                let off = 1.0 + percent / 100.0;
                for (low, high) in [(off, 1.0), (1.0, off), (off, off)] {
                    let singer = Singer {
                        off: (low, high),
                        ..Singer::at(-10.0)
                    };
                    let voice = singer.press(digit(key), 50).rest(50).voice;
                    let expected = if is_key { key.to_string() } else { String::new() };
                    assert_eq!(heard(&voice), expected, "{key} {percent} % ({low}, {high})");
                }
            }
        }
    }

    #[test]
    fn twist_is_taken_as_far_as_telephone_lines_make_it() {
        for key in KEYS.chars() {
            // How much stronger the high frequency is than the low one, in dB.
            for (twist, is_key) in [(4.0, true), (-8.0, true), (9.0, false), (-13.0, false)] {
                let singer = Singer {
                    twist,
                    ..Singer::at(-12.0)
                };
                let voice = singer.press(digit(key), 50).rest(50).voice;
                assert_eq!(heard(&voice) == key.to_string(), is_key, "{key} {twist} dB");
            }
        }
    }

    #[test]
    fn noise_fifteen_decibels_below_a_key_does_not_hide_it() {
        let mut dice = Dice::from_number(5);
        let mut missed = 0;
        for _ in 0..20 {
            for key in KEYS.chars() {
                let mut voice = Singer::at(-10.0).press(digit(key), 50).rest(50).voice;
                let noise = dbm0(-7.0 - 15.0) / 2f64.sqrt() * 3f64.sqrt();
                for sample in &mut voice {
                    let roll = dice.roll(2001) as f64 / 1000.0 - 1.0;
                    *sample = (f64::from(*sample) + roll * noise) as i16;
                }
                missed += usize::from(heard(&voice) != key.to_string());
            }
        }
        assert_eq!(missed, 0);
    }

    #[test]
    fn one_frequency_dial_tone_ringback_and_fax_are_no_keys() {
        for pair in [
            (425.0, 0.0),
            (350.0, 440.0),
            (440.0, 480.0),
            (480.0, 620.0),
            (697.0, 0.0),
            (1209.0, 0.0),
            (1000.0, 0.0),
            (1100.0, 0.0),
            (2100.0, 0.0),
            (1400.0, 0.0),
            (697.0, 770.0),
            (1209.0, 1336.0),
            (1300.0, 2100.0),
        ] {
            let voice = Singer::at(-10.0).sing(pair, 2000).rest(50).voice;
            assert_eq!(heard(&voice), "", "{pair:?}");
        }
    }

    #[test]
    fn a_pair_with_strong_harmonics_is_a_voice_and_no_key() {
        for key in KEYS.chars() {
            let mut voice = Singer::at(-12.0).press(digit(key), 60).rest(50).voice;
            let (low, high) = crate::media::playing::frequencies(digit(key));
            let amplitude = dbm0(-12.0) * 0.45;
            for (place, sample) in voice.iter_mut().take(480).enumerate() {
                let angle = std::f64::consts::TAU * place as f64 / 8000.0;
                let more = (2.0 * low * angle).sin() + (2.0 * high * angle).sin();
                *sample = (f64::from(*sample) + amplitude * more) as i16;
            }
            assert_eq!(heard(&voice), "", "{key}");
        }
    }

    #[test]
    fn a_phone_that_sends_no_silence_still_presses_twice() {
        let press = Singer::at(-10.0).press(digit('7'), 60).voice;
        let (mut inband, mut heard) = (Inband::new(), String::new());
        let (mut sequence, mut timestamp) = (65_534u16, u32::MAX - 200);
        for _ in 0..2 {
            for packet in press.chunks(160) {
                let digit = inband.hear(sequence, timestamp, 8000, packet.iter().copied());
                heard.extend(digit.map(Digit::as_char));
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(160);
            }
            timestamp = timestamp.wrapping_add(800);
        }
        assert_eq!(heard, "77");
    }

    #[test]
    fn a_key_sounds_before_it_is_certain_and_until_it_is_over() {
        let voice = Singer::at(-10.0).press(digit('1'), 80).rest(100).voice;
        let mut inband = Inband::new();
        let sounds: Vec<bool> = voice
            .chunks(160)
            .enumerate()
            .map(|(number, packet)| {
                inband.hear(number as u16, number as u32 * 160, 8000, packet.iter().copied());
                inband.sounds()
            })
            .collect();
        assert_eq!(sounds, [true, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn what_the_box_itself_says_holds_no_keys() {
        for language in ["en", "ar"] {
            let folder = format!("{}/config/prompts/{language}", env!("CARGO_MANIFEST_DIR"));
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                let voice: Vec<i16> = bytes
                    .iter()
                    .map(|byte| g711::linear(Codec::Pcmu, *byte))
                    .collect();
                assert_eq!(heard(&voice), "", "{}", path.display());
            }
        }
    }

    fn false_digits(seconds: usize, seed: u64) -> String {
        let mut chatter = Chatter::new(seed);
        let mut inband = Inband::new();
        let mut heard = String::new();
        let mut packet = [0i16; 160];
        for number in 0..seconds * 50 {
            chatter.speak(&mut packet);
            let voice = packet
                .iter()
                .map(|sample| g711::linear(Codec::Pcma, g711::encode(Codec::Pcma, *sample)));
            let digit = inband.hear(number as u16, number as u32 * 160, 8000, voice);
            heard.extend(digit.map(|digit| format!("{digit}@{:.2} ", number as f64 / 50.0)));
        }
        heard
    }

    #[test]
    fn two_minutes_of_voices_noise_and_music_hold_no_key() {
        assert_eq!(false_digits(120, 1), "");
    }

    #[test]
    fn half_an_hour_of_voices_noise_and_music_holds_no_key() {
        for seed in [2, 3] {
            assert_eq!(false_digits(1800, seed), "", "seed {seed}");
        }
    }
}
