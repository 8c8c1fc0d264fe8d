/// What silence sounds like on the other side: white noise at the level that a comfort-noise packet names (RFC 3389).
/// The colour it may name besides is left out.
#[derive(Debug)]
pub(in crate::media) struct Comfort {
    /// The peak of the noise; 0 is true silence.
    peak: i32,
    seed: u32,
}

impl Default for Comfort {
    fn default() -> Self {
        Self {
            peak: 0,
            seed: 0x2545_f491,
        }
    }
}

impl Comfort {
    /// Reads the level out of a packet: 0 to 127 dB below overload (RFC 3389 §3.1).
    pub(in crate::media) fn hear(&mut self, payload: &[u8]) {
        let Some(level) = payload.first().map(|level| level & 0x7f) else {
            return;
        };
        // Noise of even spread has a power of a third of its peak's square.
        let peak = 32_767.0 * 3.0_f32.sqrt() * 10.0_f32.powf(-f32::from(level) / 20.0);
        // Louder than a murmur is no comfort, whatever the packet says.
        self.peak = (peak as i32).min(600);
    }

    /// Fills with noise.
    pub(in crate::media) fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 17;
            self.seed ^= self.seed << 5;
            let chance = i32::from((self.seed >> 16) as u16 as i16);
            *sample = (chance * self.peak / 32_768) as i16;
        }
    }

    /// Whether it is true silence.
    pub(in crate::media) fn is_silent(&self) -> bool {
        self.peak == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::testing::level;

    #[test]
    fn noise_has_the_level_the_packet_names_and_is_never_loud() {
        let mut comfort = Comfort::default();
        let mut samples = [1; 8000];
        comfort.fill(&mut samples);
        assert!(comfort.is_silent() && samples == [0; 8000]);
        for named in [60, 50] {
            comfort.hear(&[named, 1, 2, 3]);
            comfort.fill(&mut samples);
            let below = 20.0 * 32_767.0_f64.log10() - level(&samples);
            assert!((below - f64::from(named)).abs() < 1.5, "{named}: {below}");
        }
        comfort.hear(&[0]);
        comfort.fill(&mut samples);
        assert!(samples.iter().all(|sample| sample.abs() <= 600));
        comfort.hear(&[]);
    }
}
