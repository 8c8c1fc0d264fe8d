use std::fmt::Write;

/// The most bits a second that `maxaveragebitrate` may name (RFC 7587 §6.1) …
const MOST_BITS: u32 = 510_000;
/// … and the least.
const FEWEST_BITS: u32 = 6_000;

/// What a peer says in `a=fmtp` about the Opus it wants to hear (RFC 7587 §6.1). Meaningless for other codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusWishes {
    /// `maxaveragebitrate`: no more bits a second than this, on average.
    pub most_bits: Option<u32>,
    /// `maxplaybackrate`: samples a second it can play; what lies above is wasted on it.
    pub most_hz: u32,
    /// `useinbandfec`: it makes use of the copies of lost packets.
    pub fec: bool,
    /// `usedtx`: it likes silence not to be sent.
    pub dtx: bool,
}

impl Default for OpusWishes {
    /// What a peer wants that says nothing (RFC 7587 §6.1).
    fn default() -> Self {
        Self {
            most_bits: None,
            most_hz: 48_000,
            fec: false,
            dtx: false,
        }
    }
}

impl OpusWishes {
    /// What the box says of itself: copies of lost packets are made use of. Whoever likes to leave silence out may.
    pub(super) const OURS: &'static str = "useinbandfec=1;usedtx=1;maxaveragebitrate=24000";

    /// Reads the parameters of `a=fmtp`. What makes no sense is as good as not said.
    pub(super) fn read(parameters: &str) -> Self {
        let mut wishes = Self::default();
        for (name, value) in parameters
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
        {
            let number = value.trim().parse::<u32>().ok();
            match (name.trim().to_ascii_lowercase().as_str(), number) {
                ("maxaveragebitrate", Some(bits)) => {
                    wishes.most_bits = Some(bits.clamp(FEWEST_BITS, MOST_BITS));
                }
                ("maxplaybackrate", Some(hz)) => wishes.most_hz = hz.clamp(8_000, 48_000),
                ("useinbandfec", Some(on)) => wishes.fec = on == 1,
                ("usedtx", Some(on)) => wishes.dtx = on == 1,
                _ => {}
            }
        }
        wishes
    }
}

/// Writes our `a=fmtp` line; `write!` to a `String` cannot fail.
pub(super) fn write_own(text: &mut String, number: u8) {
    let _ = write!(text, "a=fmtp:{number} {}\r\n", OpusWishes::OURS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_nonsense_is_passed_over() {
        let said = "maxplaybackrate=16000; sprop-stereo=1;MaxAverageBitrate=20000 ;useinbandfec=1;usedtx=1";
        assert_eq!(
            OpusWishes::read(said),
            OpusWishes {
                most_bits: Some(20_000),
                most_hz: 16_000,
                fec: true,
                dtx: true
            }
        );
        for nothing in [
            "",
            ";;=;",
            "usedtx",
            "usedtx=yes;useinbandfec=-1;maxaveragebitrate=lots",
        ] {
            assert_eq!(OpusWishes::read(nothing), OpusWishes::default(), "{nothing}");
        }
        let wild = OpusWishes::read("maxaveragebitrate=4000000000;maxplaybackrate=1");
        assert_eq!((wild.most_bits, wild.most_hz), (Some(510_000), 8_000));
    }

    #[test]
    fn what_the_box_says_of_itself_reads_back() {
        let ours = OpusWishes::read(OpusWishes::OURS);
        assert_eq!((ours.most_bits, ours.fec, ours.dtx), (Some(24_000), true, true));
    }
}
