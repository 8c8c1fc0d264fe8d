use crate::model::Codec;

/// Ticks of the codec's RTP clock that a payload sounds for. Junk has a length too: what it would be, and 0 where
/// that cannot be said.
pub fn ticks(codec: Codec, payload: &[u8]) -> u32 {
    let bytes = u32::try_from(payload.len()).unwrap_or(0);
    match codec {
        // A byte a tick: of G.722 each byte is two samples, but its clock counts pairs (RFC 3551 §4.5.2).
        Codec::Pcmu | Codec::Pcma | Codec::G722 => bytes,
        Codec::Opus => opus(payload),
        // Frames of ten bytes and 10 ms; two bytes at the end describe silence (RFC 3551 §4.5.6).
        Codec::G729 => bytes.div_ceil(10) * 80,
    }
}

/// Frames of an Opus packet by its first bytes, at 48000 a second (RFC 6716 §3.1); at most 120 ms.
fn opus(payload: &[u8]) -> u32 {
    let Some((toc, rest)) = payload.split_first() else {
        return 0;
    };
    let frame: u32 = match toc >> 3 {
        // SILK: 10, 20, 40, 60 ms.
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        // Hybrid: 10, 20 ms.
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        // CELT: 2.5, 5, 10, 20 ms.
        config => 120 << (config & 3),
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest.first().map_or(0, |count| u32::from(count & 0x3f)),
    };
    (frame * count).min(5760)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_of_each_codec_is_as_long_as_it_sounds() {
        let table: [(Codec, &[u8], u32); 12] = [
            (Codec::Pcmu, &[0; 160], 160),
            (Codec::G722, &[0; 160], 160),
            (Codec::G729, &[0; 20], 160),
            (Codec::G729, &[0; 12], 160),
            (Codec::G729, &[0; 2], 80),
            // SILK wideband 20 ms, one frame; then two of 60 ms; then three of 20 ms.
            (Codec::Opus, &[9 << 3, 1, 2], 960),
            (Codec::Opus, &[11 << 3 | 1, 1, 2], 5760),
            (Codec::Opus, &[9 << 3 | 3, 3, 2], 2880),
            // CELT of 2.5 and of 20 ms; hybrid of 10 ms.
            (Codec::Opus, &[16 << 3, 1], 120),
            (Codec::Opus, &[31 << 3, 1], 960),
            (Codec::Opus, &[14 << 3, 1], 480),
            (Codec::Opus, &[], 0),
        ];
        for (codec, payload, length) in table {
            assert_eq!(ticks(codec, payload), length, "{codec} {payload:?}");
        }
    }

    #[test]
    fn junk_is_never_longer_than_an_opus_packet_may_be() {
        for toc in 0..=255 {
            for count in 0..=255 {
                assert!(ticks(Codec::Opus, &[toc, count]) <= 5760);
            }
        }
    }
}
