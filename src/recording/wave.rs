/// How a WAV file is laid out, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wave {
    /// The format tag of RFC 2361: 7 µ-law, 6 A-law, 1 linear.
    pub(super) tag: u16,
    pub(super) channels: u16,
    pub(super) rate: u32,
    /// Bytes of one sample of every channel.
    pub(super) frame_bytes: u64,
    /// Where the audio begins, and how much the header says there is.
    pub(super) audio_at: u64,
    pub(super) audio_bytes: u64,
}

impl Wave {
    /// The most bytes before the audio that are looked at.
    pub(super) const FRONT: usize = 4096;

    /// Walks the chunks in front of the audio. Nothing for anything that is no WAV file of G.711 or 16-bit samples.
    pub(super) fn parse(front: &[u8]) -> Option<Self> {
        if front.get(..4)? != b"RIFF" || front.get(8..12)? != b"WAVE" {
            return None;
        }
        let mut at = 12;
        let mut format = None;
        loop {
            let name = front.get(at..at + 4)?;
            let size = u32::from_le_bytes(front.get(at + 4..at + 8)?.try_into().ok()?);
            let body = at + 8;
            if let (b"data", Some((tag, channels, rate, bits))) = (name, format) {
                return Self::whole(tag, channels, rate, bits, body as u64, size);
            }
            if name == b"fmt " {
                let word = |offset: usize| -> Option<u16> {
                    let bytes = front.get(body + offset..body + offset + 2)?;
                    Some(u16::from_le_bytes(bytes.try_into().ok()?))
                };
                let rate = u32::from_le_bytes(front.get(body + 4..body + 8)?.try_into().ok()?);
                format = Some((word(0)?, word(2)?, rate, word(14)?));
            }
            let size = usize::try_from(size).ok()?;
            at = body.checked_add(size)?.checked_add(size % 2)?;
        }
    }

    fn whole(tag: u16, channels: u16, rate: u32, bits: u16, audio_at: u64, size: u32) -> Option<Self> {
        let sample_bytes = match (tag, bits) {
            (6 | 7, 8) => 1,
            (1, 16) => 2,
            _ => return None,
        };
        let is_sane = (1..=2).contains(&channels) && rate > 0;
        is_sane.then_some(Self {
            tag,
            channels,
            rate,
            frame_bytes: sample_bytes * u64::from(channels),
            audio_at,
            audio_bytes: u64::from(size),
        })
    }

    /// The byte that is silence in every sample.
    pub(super) fn silence(self) -> u8 {
        match self.tag {
            7 => 0xff,
            6 => 0xd5,
            _ => 0,
        }
    }

    /// Where the sample at this time begins in the file, no further than the audio goes.
    pub(super) fn place_of(self, ms: u64) -> u64 {
        let frames = ms.saturating_mul(u64::from(self.rate)) / 1000;
        let bytes = frames.saturating_mul(self.frame_bytes).min(self.audio_bytes);
        self.audio_at + bytes
    }

    /// Length of the audio in milliseconds.
    pub(super) fn duration_ms(self) -> u64 {
        self.audio_bytes / self.frame_bytes.max(1) * 1000 / u64::from(self.rate.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TapeFormat;
    use crate::recording::header::Header;

    #[test]
    fn the_audio_of_our_files_is_found_and_so_is_each_moment_of_it() {
        let header = Header {
            format: TapeFormat::ALaw,
            channels: 2,
            audio_bytes: 32_000,
        };
        let wave = Wave::parse(&header.to_bytes()).unwrap();
        assert_eq!(
            (wave.audio_at, wave.audio_bytes, wave.frame_bytes),
            (58, 32_000, 2)
        );
        assert_eq!((wave.silence(), wave.duration_ms()), (0xd5, 2000));
        assert_eq!((wave.place_of(0), wave.place_of(500)), (58, 58 + 8000));
        assert_eq!(wave.place_of(u64::MAX), 58 + 32_000);
    }

    #[test]
    fn cut_and_foreign_headers_are_none() {
        let bytes = Header {
            format: TapeFormat::MuLaw,
            channels: 1,
            audio_bytes: 1,
        }
        .to_bytes();
        for cut in 0..58 {
            assert_eq!(Wave::parse(&bytes[..cut]), None);
        }
        let mut foreign = bytes;
        foreign[20] = 85;
        assert_eq!(Wave::parse(&foreign), None);
        let long = b"RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\xff";
        assert_eq!(Wave::parse(long), None);
    }
}
