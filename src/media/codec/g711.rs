//! G.711 (ITU-T G.711): µ-law and A-law by table, and from one to the other without the detour over linear.

use crate::model::Codec;

/// Linear value of each µ-law byte, in 16 bits.
static LINEAR_OF_PCMU: [i16; 256] = table_of_pcmu();
/// Linear value of each A-law byte, in 16 bits.
static LINEAR_OF_PCMA: [i16; 256] = table_of_pcma();
/// The A-law byte nearest to each µ-law byte.
static PCMA_OF_PCMU: [u8; 256] = pcma_of_pcmu();
/// The µ-law byte nearest to each A-law byte.
static PCMU_OF_PCMA: [u8; 256] = pcmu_of_pcma();

/// Added before the µ-law logarithm, in 16-bit units (33 in the 14 bits of the Recommendation).
const BIAS: i32 = 132;
/// Largest magnitude that µ-law can say.
const CLIP: i32 = 32_635;

/// One sample as a µ-law byte.
pub const fn pcmu_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let mut magnitude = (sample as i32).abs();
    if magnitude > CLIP {
        magnitude = CLIP;
    }
    magnitude += BIAS;
    // The bias puts the leading one at bit 7 or above: that place is the segment.
    let segment = 24 - magnitude.leading_zeros() as i32;
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | segment << 4 | step) as u8
}

/// One sample as an A-law byte.
pub const fn pcma_from_linear(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude = if negative {
        -1 - sample as i32
    } else {
        sample as i32
    } >> 4;
    // Eleven bits: the first two segments are linear, each further one doubles the step.
    let code = if magnitude < 32 {
        magnitude
    } else {
        let segment = 28 - magnitude.leading_zeros() as i32;
        segment << 4 | (magnitude >> (segment - 1)) & 0x0f
    };
    let sign = if negative { 0 } else { 0x80 };
    (sign | code) as u8 ^ 0x55
}

/// The linear value of a byte; 0 for what is not G.711.
pub fn linear(codec: Codec, byte: u8) -> i16 {
    // A byte always finds its place in a table of 256.
    match codec {
        Codec::Pcmu => LINEAR_OF_PCMU[usize::from(byte)],
        Codec::Pcma => LINEAR_OF_PCMA[usize::from(byte)],
        Codec::G722 | Codec::Opus | Codec::G729 => 0,
    }
}

/// The byte for a linear value; 0 for what is not G.711.
pub fn encode(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu => pcmu_from_linear(sample),
        Codec::Pcma => pcma_from_linear(sample),
        Codec::G722 | Codec::Opus | Codec::G729 => 0,
    }
}

/// The table that turns bytes of one law into the other; none when both are the same, or not G.711.
pub fn transcoder(from: Codec, to: Codec) -> Option<&'static [u8; 256]> {
    if (from, to) == (Codec::Pcmu, Codec::Pcma) {
        Some(&PCMA_OF_PCMU)
    } else if (from, to) == (Codec::Pcma, Codec::Pcmu) {
        Some(&PCMU_OF_PCMA)
    } else {
        None
    }
}

/// Turns bytes of one law into the other where they lie.
pub fn transcode(from: Codec, to: Codec, audio: &mut [u8]) {
    if let Some(table) = transcoder(from, to) {
        for byte in audio {
            *byte = table[usize::from(*byte)];
        }
    }
}

const fn table_of_pcmu() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = !(byte as i32) & 0xff;
        let segment = (code >> 4) & 7;
        let magnitude = ((((code & 0x0f) << 3) + BIAS) << segment) - BIAS;
        table[byte] = if code & 0x80 == 0 { magnitude } else { -magnitude } as i16;
        byte += 1;
    }
    table
}

const fn table_of_pcma() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let code = byte as i32 ^ 0x55;
        let segment = (code >> 4) & 7;
        let step = (code & 0x0f) << 4 | 8;
        let magnitude = if segment == 0 {
            step
        } else {
            (step + 256) << (segment - 1)
        };
        table[byte] = if code & 0x80 == 0 { -magnitude } else { magnitude } as i16;
        byte += 1;
    }
    table
}

const fn pcma_of_pcmu() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = pcma_from_linear(LINEAR_OF_PCMU[byte]);
        byte += 1;
    }
    table
}

const fn pcmu_of_pcma() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = pcmu_from_linear(LINEAR_OF_PCMA[byte]);
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_those_of_the_recommendation() {
        let pcmu = [
            (0, 0xff),
            (32_767, 0x80),
            (-32_768, 0x00),
            (8, 0xfe),
            (-8, 0x7e),
            (1000, 0xce),
            (-1000, 0x4e),
        ];
        for (sample, byte) in pcmu {
            assert_eq!(pcmu_from_linear(sample), byte, "{sample}");
        }
        let pcma = [
            (0, 0xd5),
            (-1, 0x55),
            (32_767, 0xaa),
            (-32_768, 0x2a),
            (1000, 0xfa),
            (-1000, 0x7a),
        ];
        for (sample, byte) in pcma {
            assert_eq!(pcma_from_linear(sample), byte, "{sample}");
        }
        assert_eq!(
            (linear(Codec::Pcmu, 0x80), linear(Codec::Pcmu, 0x00)),
            (32_124, -32_124)
        );
        assert_eq!(
            (linear(Codec::Pcma, 0xaa), linear(Codec::Pcma, 0x2a)),
            (32_256, -32_256)
        );
    }

    #[test]
    fn each_byte_survives_its_own_law() {
        for byte in 0..=255u8 {
            // µ-law has two zeros; both mean the same.
            let back = pcmu_from_linear(linear(Codec::Pcmu, byte));
            assert!(back == byte || (byte == 0x7f && back == 0xff), "{byte:02x}");
            assert_eq!(pcma_from_linear(linear(Codec::Pcma, byte)), byte, "{byte:02x}");
        }
    }

    #[test]
    fn every_sample_comes_back_within_half_a_step() {
        for sample in (-32_000..=32_000).step_by(7) {
            for codec in Codec::G711 {
                let error = (i32::from(linear(codec, encode(codec, sample))) - i32::from(sample)).abs();
                let step = 16 + i32::from(sample).abs() / 16;
                assert!(error <= step / 2 + 8, "{codec} {sample}: {error}");
            }
        }
    }

    #[test]
    fn changing_the_law_keeps_the_sound() {
        for byte in 0..=255u8 {
            let mut audio = [byte];
            transcode(Codec::Pcmu, Codec::Pcma, &mut audio);
            let (before, after) = (
                i32::from(linear(Codec::Pcmu, byte)),
                i32::from(linear(Codec::Pcma, audio[0])),
            );
            assert!(
                (before - after).abs() <= before.abs() / 20 + 8,
                "{byte:02x}: {before} {after}"
            );
        }
        let mut silence = [Codec::Pcmu.silence(), Codec::Pcma.silence()];
        transcode(Codec::Pcmu, Codec::Pcma, &mut silence[..1]);
        transcode(Codec::Pcma, Codec::Pcmu, &mut silence[1..]);
        assert_eq!(silence[0], Codec::Pcma.silence());
        assert!(linear(Codec::Pcmu, silence[1]).abs() <= 8);
    }
}
