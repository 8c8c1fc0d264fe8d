/// The E bit of an SRTCP index: the report is encrypted (RFC 3711 §3.4).
pub(super) const ENCRYPTED: u32 = 1 << 31;
/// Bytes of the SRTCP index.
pub(super) const INDEX: usize = 4;
/// Bytes at the head of a report that stay readable: header and source.
pub(super) const REPORT_HEAD: usize = 8;
/// Bytes of an RTP header without sources and extension.
const HEADER: usize = 12;

/// What the head of an RTP packet tells without believing anything behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u16,
    pub(super) ssrc: u32,
    /// First byte of what is encrypted.
    pub(super) payload: usize,
}

impl Head {
    /// Reads the head (RFC 3550 §5.1); none when it is not RTP. Padding is inside what is encrypted, so it is not
    /// looked at here.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; HEADER] = packet.first_chunk()?;
        let [first, _, q0, q1, _, _, _, _, s0, s1, s2, s3] = *fixed;
        if first >> 6 != 2 {
            return None;
        }
        let sources = HEADER + usize::from(first & 0x0f) * 4;
        let has_extension = first & 0x10 != 0;
        let payload = if has_extension {
            let words = packet.get(sources + 2..sources + 4)?;
            let words = u16::from_be_bytes(words.try_into().ok()?);
            sources + 4 + usize::from(words) * 4
        } else {
            sources
        };
        (payload <= packet.len()).then_some(Self {
            sequence: u16::from_be_bytes([q0, q1]),
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            payload,
        })
    }
}

/// The source a report is of; none when it is not RTCP.
pub(super) fn source_of_report(report: &[u8]) -> Option<u32> {
    let [first, _, _, _, s0, s1, s2, s3] = *report.first_chunk()?;
    (first >> 6 == 2).then_some(u32::from_be_bytes([s0, s1, s2, s3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_begins_behind_sources_and_extension() {
        let mut packet = vec![0x80, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6];
        let head = Head::read(&packet).unwrap();
        assert_eq!((head.sequence, head.ssrc, head.payload), (9, 0x0102_0304, 12));
        packet[0] = 0x92;
        packet.splice(12..12, [9, 9, 9, 9, 8, 8, 8, 8, 0xbe, 0xde, 0, 1, 1, 1, 1, 1]);
        assert_eq!(Head::read(&packet).unwrap().payload, 28);
        packet[23] = 200;
        assert_eq!(Head::read(&packet), None);
        assert_eq!(Head::read(&[0x80; 11]), None);
        assert_eq!(Head::read(&[0x40; 40]), None);
    }
}
