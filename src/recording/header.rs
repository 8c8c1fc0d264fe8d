use crate::model::TapeFormat;

/// The 58 bytes before the audio of a WAV file of ours: `RIFF`, `fmt ` with its extension size, `fact`, `data`
/// (Microsoft's "New Multimedia Data Types", 1994: compressed formats carry a `fact` chunk, linear ones may).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// µ-law (format tag 7), A-law (6) or linear (1).
    pub(super) format: TapeFormat,
    /// 1 or 2.
    pub(super) channels: u8,
    /// Bytes of audio, of all channels together.
    pub(super) audio_bytes: u32,
}

impl Header {
    /// Bytes before the audio.
    pub(super) const LENGTH: u64 = 58;

    /// Audio beyond this would overflow the 32-bit sizes; three days of conversation, or 18 hours in
    /// wide band.
    pub(super) const MOST_AUDIO: u64 = 0xffff_ff00;

    /// The header as it stands in the file.
    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH as usize] {
        let rate = self.format.rate_hz();
        let (channels, bits) = (u16::from(self.channels), self.sample_bytes() * 8);
        let frame_bytes = u16::from(self.frame_bytes());
        let after_riff_size = 50 + self.audio_bytes + self.pad();
        let parts: [&[u8]; 17] = [
            b"RIFF",
            &after_riff_size.to_le_bytes(),
            b"WAVE",
            b"fmt ",
            &18_u32.to_le_bytes(),
            &format_tag(self.format).to_le_bytes(),
            &channels.to_le_bytes(),
            &rate.to_le_bytes(),
            &(rate * u32::from(frame_bytes)).to_le_bytes(),
            &frame_bytes.to_le_bytes(),
            &u16::from(bits).to_le_bytes(),
            &0_u16.to_le_bytes(),
            b"fact",
            &4_u32.to_le_bytes(),
            &self.frames().to_le_bytes(),
            b"data",
            &self.audio_bytes.to_le_bytes(),
        ];
        let mut bytes = [0; Self::LENGTH as usize];
        let flat = parts.into_iter().flatten().copied();
        bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// Reads a header of ours; nothing when these are other bytes. The sizes may be out of date.
    pub(super) fn parse(bytes: &[u8; Self::LENGTH as usize]) -> Option<Self> {
        let format = TapeFormat::ALL
            .into_iter()
            .find(|format| bytes[20..22] == format_tag(*format).to_le_bytes())?;
        let channels = bytes[22];
        let audio_bytes = u32::from_le_bytes([bytes[54], bytes[55], bytes[56], bytes[57]]);
        let header = Self {
            format,
            channels,
            audio_bytes,
        };
        // All but the three sizes is fixed by format and channels.
        let sizes = [4..8, 46..50, 54..58];
        let matches = header
            .to_bytes()
            .iter()
            .zip(bytes)
            .enumerate()
            .all(|(place, (ours, theirs))| ours == theirs || sizes.iter().any(|size| size.contains(&place)));
        (matches && (1..=2).contains(&channels)).then_some(header)
    }

    /// The header of so many bytes of audio in a format of ours, down to whole samples.
    pub(super) fn for_samples(tag: u16, channels: u8, rate: u32, bytes: u64) -> Option<Self> {
        let format = TapeFormat::ALL
            .into_iter()
            .find(|format| format_tag(*format) == tag && format.rate_hz() == rate)?;
        let empty = Self {
            format,
            channels,
            audio_bytes: 0,
        };
        (1..=2).contains(&channels).then(|| empty.holding(bytes))
    }

    /// The same with so many bytes of audio, down to whole samples of every channel.
    pub(super) fn holding(self, bytes: u64) -> Self {
        let whole = bytes.min(Self::MOST_AUDIO);
        let whole = whole - whole % u64::from(self.frame_bytes());
        Self {
            audio_bytes: u32::try_from(whole).unwrap_or(u32::MAX),
            ..self
        }
    }

    /// Bytes of a sample of one channel.
    fn sample_bytes(self) -> u8 {
        self.format.sample_bytes() as u8 // One or two.
    }

    /// Bytes of a sample of every channel.
    pub(super) fn frame_bytes(self) -> u8 {
        self.sample_bytes() * self.channels.clamp(1, 2)
    }

    /// The format tag of RFC 2361.
    pub(super) fn tag(self) -> u16 {
        format_tag(self.format)
    }

    /// Samples of one channel.
    pub(super) fn frames(self) -> u32 {
        self.audio_bytes / u32::from(self.frame_bytes())
    }

    /// Length of the audio.
    pub(super) fn duration_ms(self) -> u64 {
        u64::from(self.frames()) * 1000 / u64::from(self.format.rate_hz())
    }

    /// Chunks begin at even places: one byte follows audio of odd length.
    pub(super) fn pad(self) -> u32 {
        self.audio_bytes % 2
    }

    /// Length of a file with this header.
    pub(super) fn file_bytes(self) -> u64 {
        Self::LENGTH + u64::from(self.audio_bytes) + u64::from(self.pad())
    }
}

/// The WAVE format tag (RFC 2361, appendix A).
fn format_tag(format: TapeFormat) -> u16 {
    match format {
        TapeFormat::MuLaw => 7,
        TapeFormat::ALaw => 6,
        TapeFormat::Wide => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        for format in TapeFormat::ALL {
            for channels in [1, 2] {
                let header = Header {
                    format,
                    channels,
                    audio_bytes: 16_000,
                };
                assert_eq!(Header::parse(&header.to_bytes()), Some(header));
            }
        }
    }

    #[test]
    fn stale_sizes_are_no_reason_to_refuse_a_header_and_other_bytes_are() {
        let mut bytes = Header {
            format: TapeFormat::ALaw,
            channels: 2,
            audio_bytes: 320,
        }
        .to_bytes();
        bytes[4..8].copy_from_slice(&[0; 4]);
        assert!(Header::parse(&bytes).is_some());
        bytes[24] = 1;
        assert_eq!(Header::parse(&bytes), None);
        assert_eq!(Header::parse(&[0; 58]), None);
    }

    #[test]
    fn odd_audio_is_padded_and_the_sizes_agree() {
        let header = Header {
            format: TapeFormat::MuLaw,
            channels: 1,
            audio_bytes: 161,
        };
        let bytes = header.to_bytes();
        let riff = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        assert_eq!(u64::from(riff) + 8, header.file_bytes());
        assert_eq!(header.file_bytes(), 58 + 161 + 1);
        assert_eq!(header.frames(), 161);
        assert_eq!(header.duration_ms(), 20);
    }

    #[test]
    fn wide_audio_is_two_bytes_a_sample_and_never_ends_between_them() {
        let empty = Header {
            format: TapeFormat::Wide,
            channels: 2,
            audio_bytes: 0,
        };
        let header = empty.holding(64_003);
        assert_eq!(
            (header.audio_bytes, header.frames(), header.pad()),
            (64_000, 16_000, 0)
        );
        assert_eq!(header.duration_ms(), 1000);
        let bytes = header.to_bytes();
        // 64000 bytes a second, four to a frame, of 16 bits each.
        assert_eq!(bytes[28..36], [0, 0xfa, 0, 0, 4, 0, 16, 0]);
        assert_eq!(Header::for_samples(1, 2, 16_000, 64_003), Some(header));
        assert_eq!(Header::for_samples(1, 2, 8000, 64_003), None);
    }
}
