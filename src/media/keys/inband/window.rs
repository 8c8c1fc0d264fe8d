use crate::model::Digit;
use std::f32::consts::TAU;

/// Samples in a window: 12.75 ms, which tells the rows of the keypad apart and still bears tones that are 1.5 % off.
pub(super) const WINDOW: usize = 102;
/// Samples from one window to the next.
pub(super) const HOP: usize = WINDOW / 2;

const RATE: f32 = 8000.0;
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// The strength of a tone of this amplitude in a window.
const fn strength(amplitude: f32) -> f32 {
    let half = amplitude * WINDOW as f32 / 2.0;
    half * half
}

/// The weakest tone: −38 dBm0 where full scale is 3.17 dBm0, so that −36 dBm0 is heard with its edges.
const WEAKEST: f32 = strength(282.0);
/// The high frequency may be stronger than the low one by 4 dB and a little …
const HIGH_TWIST: f32 = 3.6;
/// … and the low one stronger than the high one by 8 dB and a little.
const LOW_TWIST: f32 = 10.5;
/// Each of the two frequencies stands above the others of its group by 7 dB.
const ABOVE: f32 = 5.0;
/// The part of the window's energy that is in the two frequencies.
const SHARE: f32 = 0.74;
/// What the second harmonic may have of its tone: −10 dB.
const HARMONIC: f32 = 0.1;
/// What leaks from the high frequency to where the harmonic of the low one would be.
const LEAK: f32 = 0.05;
/// In Hz: a window cannot tell what is nearer than this.
const BLURRED: f32 = 120.0;

/// The low and the high frequency of a key in one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) low: Tone,
    pub(super) high: Tone,
}

/// One frequency in one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tone {
    /// Its squared magnitude.
    pub(super) strength: f32,
    /// Its phase at the window's end.
    phase: f32,
    /// How far it turns from one sample to the next, in radians, if it is what it should be.
    turn: f32,
}

impl Tone {
    /// How far the frequency is off, as a part of it, by the phase since the window before.
    pub(super) fn off(self, before: Self) -> f32 {
        let hop = HOP as f32;
        let stray = self.phase - before.phase - self.turn * hop;
        let stray = stray - TAU * (stray / TAU).round();
        stray / (self.turn * hop)
    }
}

/// Looks for the pair of a key in one window, by Goertzel's algorithm.
#[derive(Debug)]
pub(super) struct Window {
    rows: [f32; 4],
    columns: [f32; 4],
    row_harmonics: [f32; 4],
    column_harmonics: [f32; 4],
}

impl Window {
    pub(super) fn new() -> Self {
        let turn = |frequency: f32| 2.0 * (TAU * frequency / RATE).cos();
        Self {
            rows: ROWS.map(turn),
            columns: COLUMNS.map(turn),
            row_harmonics: ROWS.map(|frequency| turn(2.0 * frequency)),
            column_harmonics: COLUMNS.map(|frequency| turn(2.0 * frequency)),
        }
    }

    /// The key of the window, with the strength of its two frequencies.
    pub(super) fn judge(&self, samples: &[f32; WINDOW]) -> Option<(Digit, Pair)> {
        let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
        // Two tones of the weakest kind have this energy; most windows of a telephone call have less.
        if energy < WEAKEST * 4.0 / WINDOW as f32 {
            return None;
        }
        let (row, low) = loudest(self.rows.map(|turn| goertzel(turn, samples)))?;
        let (column, high) = loudest(self.columns.map(|turn| goertzel(turn, samples)))?;
        let is_pair = low >= WEAKEST
            && high >= WEAKEST
            && high <= low * HIGH_TWIST
            && low <= high * LOW_TWIST
            && low + high >= SHARE * energy * WINDOW as f32 / 2.0;
        if !is_pair || self.has_harmonics(samples, (row, low), (column, high)) {
            return None;
        }
        let key = Digit::from_char(*KEYS.get(row)?.get(column)?)?;
        let low = tone(*self.rows.get(row)?, samples);
        let high = tone(*self.columns.get(column)?, samples);
        Some((key, Pair { low, high }))
    }

    /// A voice whose overtones fall on a pair has overtones above it too; a telephone has not.
    fn has_harmonics(
        &self,
        samples: &[f32; WINDOW],
        (row, low): (usize, f32),
        (column, high): (usize, f32),
    ) -> bool {
        let strength =
            |turns: &[f32; 4], place: usize| turns.get(place).map_or(0.0, |turn| goertzel(*turn, samples));
        let of_row = strength(&self.row_harmonics, row);
        let of_column = strength(&self.column_harmonics, column);
        (!meets(row, column) && of_row > HARMONIC * low + LEAK * high) || of_column > HARMONIC * high
    }
}

/// Whether the harmonic of a row falls on a column, so that the key itself would hide it.
fn meets(row: usize, column: usize) -> bool {
    match (ROWS.get(row), COLUMNS.get(column)) {
        (Some(row), Some(column)) => (2.0 * row - column).abs() < BLURRED,
        (None, _) | (_, None) => false,
    }
}

/// The place and strength of the loudest of a group; none when another is nearly as loud.
fn loudest(strengths: [f32; 4]) -> Option<(usize, f32)> {
    let (place, best) = strengths
        .into_iter()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(&other.1))?;
    let alone = strengths
        .into_iter()
        .enumerate()
        .all(|(other, strength)| other == place || strength * ABOVE <= best);
    alone.then_some((place, best))
}

/// The squared magnitude of one frequency; `turn` is 2 cos ω.
fn goertzel(turn: f32, samples: &[f32; WINDOW]) -> f32 {
    let (last, before) = resonate(turn, samples);
    last * last + before * before - turn * last * before
}

/// The same with its phase.
fn tone(turn: f32, samples: &[f32; WINDOW]) -> Tone {
    let (last, before) = resonate(turn, samples);
    let (cosine, angle) = (turn / 2.0, (turn / 2.0).clamp(-1.0, 1.0).acos());
    let (real, imaginary) = (last - before * cosine, before * angle.sin());
    Tone {
        strength: real * real + imaginary * imaginary,
        phase: imaginary.atan2(real),
        turn: angle,
    }
}

fn resonate(turn: f32, samples: &[f32; WINDOW]) -> (f32, f32) {
    let (mut last, mut before) = (0.0f32, 0.0f32);
    for sample in samples {
        (last, before) = (sample + turn * last - before, last);
    }
    (last, before)
}
