use crate::model::Codec;
use rtp_rs::RtpReader;

/// Bytes of an RTP header without sources and extension (RFC 3550 §5.1).
pub(in crate::media) const HEADER: usize = 12;
/// Bytes of room behind a packet for what protects it: a tag of 16 bytes, and the index of a report (RFC 7714 §9).
pub(in crate::media) const TAIL: usize = 20;

/// The header of a packet that was received, and where its payload lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Header {
    pub(in crate::media) marker: bool,
    pub(in crate::media) payload_type: u8,
    pub(in crate::media) sequence: u16,
    pub(in crate::media) timestamp: u32,
    pub(in crate::media) ssrc: u32,
    /// First byte of the payload, behind sources and extension.
    pub(in crate::media) start: usize,
    /// The byte after the payload, before any padding.
    pub(in crate::media) end: usize,
}

impl Header {
    /// Reads a packet; none when it is not RTP (RFC 3550 appendix A.1).
    pub(in crate::media) fn read(packet: &[u8]) -> Option<Self> {
        let reader = RtpReader::new(packet).ok()?;
        let start = reader.payload_offset();
        Some(Self {
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            start,
            end: start + reader.payload().len(),
        })
    }
}

/// A packet of the agreed peer that carries something, as [`crate::media::Session::receive`] understood it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// What it carries.
    pub kind: Kind,
    /// Whether it does not continue what came before: another source, a jump in its numbers, or the first.
    pub begins: bool,
    /// How long its voice sounds, in ticks of the codec's clock; 0 for anything else.
    pub(in crate::media) ticks: u32,
    pub(in crate::media) header: Header,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Voice, in this codec.
    Audio(Codec),
    /// A telephone-event (RFC 4733).
    Event,
    /// What the silence sounds like from here on (RFC 3389), where comfort noise was agreed on.
    Noise,
    /// Something that was not agreed on; it is left out.
    Other,
}

impl Packet {
    /// The payload, out of the buffer the packet was received into.
    pub fn payload<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        buffer.get(self.header.start..self.header.end).unwrap_or_default()
    }

    /// How long its voice sounds, in ticks of the codec's clock; 0 for anything else.
    pub fn ticks(&self) -> u32 {
        self.ticks
    }

    /// The source's time stamp.
    pub fn timestamp(&self) -> u32 {
        self.header.timestamp
    }
}

/// What a packet of ours says in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::media) struct Stamp {
    pub(in crate::media) marker: bool,
    pub(in crate::media) sequence: u16,
    pub(in crate::media) timestamp: u32,
    pub(in crate::media) ssrc: u32,
}

impl Stamp {
    /// Writes a plain header (version 2, no padding, extension or sources).
    pub(in crate::media) fn write(self, payload_type: u8, header: &mut [u8; HEADER]) {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        let kind = u8::from(self.marker) << 7 | payload_type & 0x7f;
        *header = [0x80, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_sources_and_extension_are_not_payload() {
        // One source, an extension of one word, four bytes of voice, three of padding.
        let packet = [
            0xb1, 0x80, 0, 9, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 0, 0, 0, 0, 5, 6, 7, 8,
            0, 0, 3,
        ];
        let header = Header::read(&packet).unwrap();
        assert_eq!(&packet[header.start..header.end], [5, 6, 7, 8]);
        assert!(header.marker);
        assert_eq!(
            (header.sequence, header.timestamp, header.ssrc),
            (9, 160, 0x0102_0304)
        );
    }

    #[test]
    fn a_stamp_reads_back_as_it_was_written() {
        let mut packet = [0; HEADER + 1];
        let stamp = Stamp {
            marker: true,
            sequence: 0xfffe,
            timestamp: 0x8000_0001,
            ssrc: 0xdead_beef,
        };
        stamp.write(101, packet.first_chunk_mut().unwrap());
        let header = Header::read(&packet).unwrap();
        assert_eq!((header.marker, header.payload_type), (true, 101));
        assert_eq!(
            (header.sequence, header.timestamp, header.ssrc),
            (0xfffe, 0x8000_0001, 0xdead_beef)
        );
    }

    #[test]
    fn junk_is_not_rtp() {
        let mut dice = crate::model::Dice::from_number(1);
        for length in 0..600 {
            let junk: Vec<u8> = (0..length).map(|_| dice.number() as u8).collect();
            if let Some(header) = Header::read(&junk) {
                assert!(header.start >= HEADER && header.start <= header.end && header.end <= junk.len());
            }
        }
        assert_eq!(Header::read(&[0x80; 11]), None);
        assert_eq!(Header::read(&[0x40; 172]), None);
    }
}
