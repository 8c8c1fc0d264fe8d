/// Sender report.
pub(super) const SENDER_REPORT: u8 = 200;
/// Receiver report.
pub(super) const RECEIVER_REPORT: u8 = 201;
/// Source description.
pub(super) const DESCRIPTION: u8 = 202;
/// Goodbye.
pub(super) const GOODBYE: u8 = 203;
/// The payload numbers of RTCP that RTP keeps clear of when both share a port (RFC 5761 §4).
const RTCP_NUMBERS: std::ops::RangeInclusive<u8> = 192..=223;
/// Bytes of a report block.
pub(super) const BLOCK: usize = 24;

/// What a compound packet tells that the box wants to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::media) struct Told {
    /// The source that speaks, by its first packet.
    pub(in crate::media) sender: u32,
    /// The middle 32 bits of the time in its sender report; none without one.
    pub(in crate::media) sent_at: Option<u32>,
    /// What it received of the source that was asked about.
    pub(in crate::media) block: Option<Block>,
    /// Whether it says goodbye. Only SIP ends a call; this is worth knowing for the next source's numbers at most.
    pub(in crate::media) bye: bool,
}

/// One report block (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Block {
    /// The source it is about.
    pub(in crate::media) ssrc: u32,
    /// Lost since the report before, in 256ths.
    pub(in crate::media) fraction: u8,
    /// Lost since the beginning; more than were sent may have arrived.
    pub(in crate::media) lost: i32,
    /// The highest number received, with its cycles.
    pub(in crate::media) highest: u32,
    /// Interarrival jitter in units of the time stamp.
    pub(in crate::media) jitter: u32,
    /// The middle 32 bits of the time in the last sender report; 0 when none came.
    pub(in crate::media) last_report: u32,
    /// How long ago that was, in 65536ths of a second.
    pub(in crate::media) since_report: u32,
}

/// Whether a datagram on a shared port is RTCP (RFC 5761 §4).
pub(in crate::media) fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, kind, ..] if first >> 6 == 2 && RTCP_NUMBERS.contains(kind))
}

/// Reads a compound packet, or one of reduced size (RFC 5506); `about` is our own source. None when it is not RTCP
/// from its first byte to its last (RFC 3550 appendix A.2).
pub(in crate::media) fn read(datagram: &[u8], about: u32) -> Option<Told> {
    let mut told = Told::default();
    let mut rest = datagram;
    let mut is_first = true;
    while !rest.is_empty() {
        let [first, kind, high, low, ..] = *rest else {
            return None;
        };
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        if first >> 6 != 2 || !RTCP_NUMBERS.contains(&kind) || length > rest.len() {
            return None;
        }
        let (packet, behind) = rest.split_at(length);
        let body = packet.get(4..length - padding(packet, first, behind)?)?;
        if is_first {
            told.sender = word(body, 0).unwrap_or_default();
            is_first = false;
        }
        told.take(kind, usize::from(first & 0x1f), body, about)?;
        rest = behind;
    }
    (!is_first).then_some(told)
}

impl Told {
    /// Takes one packet's body; none when it is shorter than its count of blocks or sources promises.
    fn take(&mut self, kind: u8, count: usize, body: &[u8], about: u32) -> Option<()> {
        match kind {
            SENDER_REPORT => {
                let (seconds, fraction) = (word(body, 4)?, word(body, 8)?);
                word(body, 20)?;
                self.sent_at = Some(seconds << 16 | fraction >> 16);
                self.take_blocks(body.get(24..)?, count, about)
            }
            RECEIVER_REPORT => {
                word(body, 0)?;
                self.take_blocks(body.get(4..)?, count, about)
            }
            GOODBYE => {
                self.bye = true;
                (body.len() >= count * 4).then_some(())
            }
            // Names are nobody's business, and extended reports (RFC 3611) and feedback (RFC 4585) change nothing.
            _ => Some(()),
        }
    }

    fn take_blocks(&mut self, blocks: &[u8], count: usize, about: u32) -> Option<()> {
        let blocks = blocks.get(..count * BLOCK)?;
        let mut read = blocks.chunks_exact(BLOCK).filter_map(Block::read);
        self.block = self.block.or(read.find(|block| block.ssrc == about));
        Some(())
    }
}

impl Block {
    fn read(bytes: &[u8]) -> Option<Self> {
        let losses = word(bytes, 4)?;
        let [fraction, ..] = losses.to_be_bytes();
        Some(Self {
            ssrc: word(bytes, 0)?,
            fraction,
            // 24 bits with a sign: up, and down again with it.
            lost: (losses << 8).cast_signed() >> 8,
            highest: word(bytes, 8)?,
            jitter: word(bytes, 12)?,
            last_report: word(bytes, 16)?,
            since_report: word(bytes, 20)?,
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// How many bytes at the end of a packet are padding. Only the last packet may have any.
fn padding(packet: &[u8], first: u8, behind: &[u8]) -> Option<usize> {
    if first & 0x20 == 0 {
        return Some(0);
    }
    let count = usize::from(*packet.last()?);
    let fits = count >= 4 && count.is_multiple_of(4) && count <= packet.len() - 4;
    (fits && behind.is_empty()).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Dice;

    const US: u32 = 0x0102_0304;

    fn packet(first: u8, kind: u8, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x80 | first, kind];
        bytes.extend((words.len() as u16).to_be_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    fn block(ssrc: u32) -> [u32; 6] {
        [ssrc, 0x40ff_fffe, 0x0001_0009, 80, 0x1111_2222, 65_536]
    }

    #[test]
    fn a_sender_report_with_its_description_is_understood() {
        let mut words = vec![7, 0xaaaa_bbbb, 0xcccc_dddd, 160, 50, 8000];
        words.extend(block(99));
        words.extend(block(US));
        let mut bytes = packet(2, SENDER_REPORT, &words);
        bytes.extend(packet(1, DESCRIPTION, &[7, 0x0103_6162, 0x6300_0000]));
        let told = read(&bytes, US).unwrap();
        assert_eq!(
            (told.sender, told.sent_at, told.bye),
            (7, Some(0xbbbb_cccc), false)
        );
        let about_us = told.block.unwrap();
        assert_eq!((about_us.fraction, about_us.lost), (0x40, -2));
        assert_eq!(
            (
                about_us.highest,
                about_us.jitter,
                about_us.last_report,
                about_us.since_report
            ),
            (0x0001_0009, 80, 0x1111_2222, 65_536)
        );
    }

    /// RFC 5506: a report need not stand first, nor at all.
    #[test]
    fn a_packet_of_reduced_size_is_taken() {
        let told = read(&packet(1, GOODBYE, &[7]), US).unwrap();
        assert_eq!((told.sender, told.bye, told.block), (7, true, None));
        assert!(read(&packet(1, 205, &[7, 8]), US).is_some());
    }

    #[test]
    fn padding_belongs_to_the_last_packet_alone() {
        let padded = packet(0x20, RECEIVER_REPORT, &[7, 4]);
        assert!(read(&padded, US).is_some());
        let mut more = padded.clone();
        more.extend(packet(0, RECEIVER_REPORT, &[7]));
        assert_eq!(read(&more, US), None);
        for wrong in [0, 3, 5, 12, 255] {
            assert_eq!(
                read(&packet(0x20, RECEIVER_REPORT, &[7, wrong]), US),
                None,
                "{wrong}"
            );
        }
    }

    /// ROBUSTNESS 52: zero length, too short, blocks that are promised and not there, lengths that lie.
    #[test]
    fn what_is_not_rtcp_to_its_last_byte_is_nothing() {
        let good = packet(1, RECEIVER_REPORT, &[&[7][..], &block(US)].concat());
        assert!(read(&good, US).is_some());
        assert_eq!(read(&[], US), None);
        for length in 1..good.len() {
            assert_eq!(read(&good[..length], US), None, "{length} bytes");
        }
        let cases = [
            packet(2, RECEIVER_REPORT, &[&[7][..], &block(US)].concat()),
            packet(0, SENDER_REPORT, &[7, 1, 2, 3, 4]),
            packet(0, RECEIVER_REPORT, &[]),
            packet(2, GOODBYE, &[7]),
            packet(0, 72, &[7]),
            vec![0x40, RECEIVER_REPORT, 0, 1, 0, 0, 0, 7],
            [good.clone(), vec![0x80]].concat(),
            [good, vec![0x80, RECEIVER_REPORT, 0xff, 0xff]].concat(),
        ];
        for case in cases {
            assert_eq!(read(&case, US), None, "{case:02x?}");
        }
    }

    /// ROBUSTNESS 10, 52.
    #[test]
    fn junk_that_looks_like_rtcp_is_survived() {
        let mut dice = Dice::from_number(5);
        for round in 0..100_000u32 {
            let mut junk: Vec<u8> = (0..dice.roll(120)).map(|_| dice.number() as u8).collect();
            if let [first, kind, high, low, ..] = junk.as_mut_slice()
                && round % 4 != 0
            {
                *first = *first & 0x3f | 0x80;
                *kind = 200 + *kind % 8;
                (*high, *low) = (0, *low % 8);
            }
            read(&junk, US);
        }
    }

    /// RFC 5761 §4.
    #[test]
    fn on_a_shared_port_rtcp_is_told_from_rtp() {
        assert!(is_rtcp(&packet(0, RECEIVER_REPORT, &[7])));
        assert!(is_rtcp(&packet(0, 207, &[7])));
        for rtp in [0x00, 0x80, 0x65, 0xe5, 96, 127] {
            assert!(!is_rtcp(&[0x80, rtp, 0, 1]), "{rtp:#x}");
        }
        assert!(!is_rtcp(&[0x80]));
        assert!(!is_rtcp(&[0x00, 200, 0, 0]));
    }
}
