/// The shortest and the longest pitch looked for, in parts of a second: 400 and 66 Hz.
const HIGHEST: u32 = 400;
const LOWEST: u32 = 66;
/// Parts of a second that are compared to find the pitch: 8 ms.
const COMPARED: u32 = 125;
/// After so many milliseconds of loss the repeated voice begins to fade …
const FADES_AFTER_MS: usize = 20;
/// … and after so many it is gone: nobody holds a vowel for longer.
const GONE_AFTER_MS: usize = 80;
/// Over so many milliseconds what comes after a loss takes over from what stood in for it.
const TAKES_OVER_MS: usize = 4;

/// Samples of one pitch period at the end of `history`, by the lag at which the voice is most like itself.
pub(in crate::media) fn period(history: &[i16], rate: u32) -> usize {
    let compared = (rate / COMPARED) as usize;
    let (shortest, longest) = ((rate / HIGHEST) as usize, (rate / LOWEST) as usize);
    let Some(newest) = history
        .len()
        .checked_sub(compared)
        .and_then(|at| history.get(at..))
    else {
        return shortest;
    };
    let mut best = (0.0_f32, shortest);
    // Every second lag and sample is near enough, and a quarter of the work.
    for lag in (shortest..=longest).step_by(2) {
        let Some(older) = history
            .len()
            .checked_sub(compared + lag)
            .and_then(|at| history.get(at..at + compared))
        else {
            break;
        };
        let (mut like, mut power) = (0.0_f32, 1.0_f32);
        for (new, old) in newest.iter().zip(older).step_by(2) {
            let (new, old) = (f32::from(*new), f32::from(*old));
            like += new * old;
            power += old * old;
        }
        let score = like * like.max(0.0) / power;
        // A multiple of the pitch is as like as the pitch itself; the shortest of them wins unless clearly worse.
        if score > best.0 * 1.05 {
            best = (score, lag);
        }
    }
    best.1
}

/// Stands in for lost packets by repeating the last pitch period of the voice, fading (after ITU-T G.711 appendix I,
/// simplified: no delay is added).
#[derive(Debug)]
pub(super) struct Concealer {
    rate: u32,
    /// The newest of what was heard, the oldest first.
    history: Box<[i16]>,
    period: usize,
    /// Samples stood in for since the loss began.
    lost: usize,
}

impl Concealer {
    /// Nothing was heard yet.
    pub(super) fn new(rate: u32) -> Self {
        let length = (rate / LOWEST + rate / COMPARED) as usize + 2;
        Self {
            rate,
            history: vec![0; length].into(),
            period: 1,
            lost: 0,
        }
    }

    /// A packet came. After a loss its beginning is blended with what would have gone on.
    pub(super) fn hear(&mut self, samples: &mut [i16]) {
        if self.lost > 0 {
            let length = (self.rate as usize / 1000 * TAKES_OVER_MS).min(samples.len());
            for (place, sample) in samples.iter_mut().take(length).enumerate() {
                let stand_in = f32::from(self.next());
                let share = (place + 1) as f32 / (length + 1) as f32;
                *sample = (f32::from(*sample) * share + stand_in * (1.0 - share)) as i16;
            }
            self.lost = 0;
        }
        self.remember(samples);
    }

    /// A packet was lost: fills its place.
    pub(super) fn fill(&mut self, samples: &mut [i16]) {
        if self.lost == 0 {
            self.period = period(&self.history, self.rate).max(1);
        }
        samples.iter_mut().for_each(|sample| *sample = self.next());
    }

    /// The next sample in the place of a lost one.
    fn next(&mut self) -> i16 {
        let start = self.history.len().saturating_sub(self.period);
        let place = start + self.lost % self.period;
        let ms = self.lost * 1000 / self.rate as usize;
        self.lost += 1;
        let sample = self.history.get(place).copied().unwrap_or(0);
        let left = GONE_AFTER_MS
            .saturating_sub(ms)
            .min(GONE_AFTER_MS - FADES_AFTER_MS);
        (i32::from(sample) * left as i32 / (GONE_AFTER_MS - FADES_AFTER_MS) as i32) as i16
    }

    fn remember(&mut self, samples: &[i16]) {
        let length = self.history.len();
        if let Some(newest) = samples.len().checked_sub(length).and_then(|at| samples.get(at..)) {
            self.history.copy_from_slice(newest);
            return;
        }
        self.history.copy_within(samples.len().., 0);
        let rest = length - samples.len();
        if let Some(place) = self.history.get_mut(rest..) {
            place.copy_from_slice(samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{fidelity, level, sine};

    #[test]
    fn the_pitch_of_a_hum_is_found() {
        for rate in [8000, 16_000] {
            for hertz in [100.0, 140.0, 220.0] {
                let hum = sine(rate, hertz, 8000.0, rate as usize / 20);
                let found = f64::from(rate) / period(&hum, rate) as f64;
                assert!(
                    (found / hertz - 1.0).abs() < 0.06,
                    "{hertz} Hz at {rate}: {found}"
                );
            }
            period(&[], rate);
            period(&[0; 50], rate);
        }
    }

    #[test]
    fn a_lost_packet_of_a_hum_is_hardly_heard() {
        let rate = 8000;
        let said = sine(rate, 200.0, 8000.0, 1600);
        let mut heard = said.clone();
        let mut concealer = Concealer::new(rate);
        for (number, packet) in heard.chunks_mut(160).enumerate() {
            if number == 6 {
                concealer.fill(packet);
            } else {
                concealer.hear(packet);
            }
        }
        let kept = fidelity(&said, &heard, 1);
        assert!(kept > 20.0, "{kept} dB");
    }

    #[test]
    fn a_long_loss_fades_to_silence() {
        let rate = 16_000;
        let mut concealer = Concealer::new(rate);
        concealer.hear(&mut sine(rate, 200.0, 8000.0, 640));
        let mut packet = [0; 320];
        let levels: Vec<f64> = (0..6)
            .map(|_| {
                concealer.fill(&mut packet);
                level(&packet)
            })
            .collect();
        assert!(
            levels[0] > 70.0 && levels[2] < levels[1] && levels[5] < 0.0,
            "{levels:?}"
        );
    }
}
