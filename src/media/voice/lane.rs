use crate::media::codec::period;

/// Samples on their way to be heard, with the means to make them a little shorter or longer without a click.
#[derive(Debug)]
pub(in crate::media) struct Lane {
    rate: u32,
    samples: Vec<i16>,
}

impl Lane {
    /// Room for a packet, a frame, and a pitch period more than that, at this rate in Hz.
    pub(in crate::media) fn new(rate: u32) -> Self {
        Self {
            rate,
            samples: Vec::with_capacity((rate / 4) as usize),
        }
    }

    pub(in crate::media) fn length(&self) -> usize {
        self.samples.len()
    }

    /// Appends, as far as there is room.
    pub(in crate::media) fn put(&mut self, samples: &[i16]) {
        let room = self.samples.capacity() - self.samples.len();
        let fits = samples.get(..samples.len().min(room)).unwrap_or_default();
        self.samples.extend_from_slice(fits);
    }

    /// Appends so many samples of `fill`.
    pub(in crate::media) fn put_with(&mut self, length: usize, fill: impl FnOnce(&mut [i16])) {
        let before = self.samples.len();
        let room = self.samples.capacity() - before;
        self.samples.resize(before + length.min(room), 0);
        fill(self.samples.get_mut(before..).unwrap_or_default());
    }

    /// Takes from the front; what is missing is silence.
    pub(in crate::media) fn take(&mut self, out: &mut [i16]) {
        let length = out.len().min(self.samples.len());
        let (from, rest) = out.split_at_mut(length);
        from.copy_from_slice(self.samples.get(..length).unwrap_or_default());
        rest.fill(0);
        self.samples.drain(..length);
    }

    pub(in crate::media) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Leaves one pitch period out, blending over its end. Gives the samples saved.
    pub(in crate::media) fn shorten(&mut self) -> usize {
        let period = period(&self.samples, self.rate);
        let length = self.samples.len();
        let Some(start) = length.checked_sub(2 * period) else {
            return 0;
        };
        // The last period moves onto the one before it.
        for place in 0..period {
            let share = (place + 1) as f32 / (period + 1) as f32;
            self.blend(start + place, start + period + place, share);
        }
        self.samples.truncate(length - period);
        period
    }

    /// Repeats one pitch period, blending into it. Gives the samples gained.
    pub(in crate::media) fn lengthen(&mut self) -> usize {
        let period = period(&self.samples, self.rate);
        let length = self.samples.len();
        let Some(start) = length
            .checked_sub(2 * period)
            .filter(|_| length + period <= self.samples.capacity())
        else {
            return 0;
        };
        // … a b becomes … a ab b: what stands between goes over from b back to a, so that b follows a again.
        self.samples.extend_from_within(start + period..);
        for place in 0..period {
            let share = (place + 1) as f32 / (period + 1) as f32;
            self.blend(start + period + place, start + place, share);
        }
        period
    }

    /// Blends the sample at `from` into the one at `to`.
    fn blend(&mut self, to: usize, from: usize, share: f32) {
        let other = self.samples.get(from).copied().unwrap_or(0);
        if let Some(sample) = self.samples.get_mut(to) {
            *sample = (f32::from(*sample) * (1.0 - share) + f32::from(other) * share) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::{level, sine};

    /// The largest step from one sample to the next.
    fn roughest(samples: &[i16]) -> i32 {
        let steps = samples
            .windows(2)
            .map(|pair| i32::from(pair[1]) - i32::from(pair[0]));
        steps.map(i32::abs).max().unwrap_or(0)
    }

    #[test]
    fn a_hum_made_shorter_or_longer_is_the_same_hum() {
        for rate in [8000, 16_000] {
            let hum = sine(rate, 190.0, 8000.0, rate as usize * 40 / 1000);
            for longer in [false, true] {
                let mut lane = Lane::new(rate);
                lane.put(&hum);
                let changed = if longer { lane.lengthen() } else { lane.shorten() };
                let wanted = if longer {
                    hum.len() + changed
                } else {
                    hum.len() - changed
                };
                assert!(changed > rate as usize / 500 && lane.length() == wanted);
                let mut heard = vec![0; wanted];
                lane.take(&mut heard);
                assert!(roughest(&heard) <= roughest(&hum) * 5 / 4, "{rate} {longer}");
                assert!((level(&heard) - level(&hum)).abs() < 1.0, "{rate} {longer}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_silence_and_what_does_not_fit_is_left_out() {
        let mut lane = Lane::new(8000);
        assert_eq!((lane.shorten(), lane.lengthen()), (0, 0));
        lane.put(&[7; 100]);
        let mut out = [1; 160];
        lane.take(&mut out);
        assert_eq!((out[99], out[100], out[159]), (7, 0, 0));
        lane.put(&[7; 9000]);
        assert_eq!((lane.length(), lane.lengthen()), (2000, 0));
        lane.put_with(50, |room| assert!(room.is_empty()));
    }
}
