use super::{Codec, RecordingFacts, RecordingId, RecordingRow};

/// How a recording lies in its file. It is settled when the recording begins, by what its legs speak then, and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapeFormat {
    /// G.711 µ-law, 8000 samples a second, a byte each.
    MuLaw,
    /// G.711 A-law, 8000 samples a second, a byte each.
    ALaw,
    /// Linear samples of 16 bits, 16000 a second, for voices wider than a telephone line.
    Wide,
}

impl TapeFormat {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::MuLaw, Self::ALaw, Self::Wide];

    /// The format for legs that speak these codecs: wide when one of them does, else the law of the first of them, so
    /// that a call in G.711 is never decoded.
    pub fn of(codecs: impl IntoIterator<Item = Codec>) -> Self {
        let mut narrow = None;
        for codec in codecs {
            match codec {
                Codec::G722 | Codec::Opus => return Self::Wide,
                Codec::Pcmu => narrow = narrow.or(Some(Self::MuLaw)),
                Codec::Pcma => narrow = narrow.or(Some(Self::ALaw)),
                Codec::G729 => {}
            }
        }
        narrow.unwrap_or(Self::MuLaw)
    }

    /// The law of its samples; none when they are linear.
    pub fn law(self) -> Option<Codec> {
        match self {
            Self::MuLaw => Some(Codec::Pcmu),
            Self::ALaw => Some(Codec::Pcma),
            Self::Wide => None,
        }
    }

    /// Samples a second.
    pub fn rate_hz(self) -> u32 {
        match self {
            Self::MuLaw | Self::ALaw => 8000,
            Self::Wide => 16_000,
        }
    }

    /// Bytes of one sample of one channel.
    pub fn sample_bytes(self) -> usize {
        match self {
            Self::MuLaw | Self::ALaw => 1,
            Self::Wide => 2,
        }
    }

    /// The byte that silence is made of.
    pub fn silence(self) -> u8 {
        self.law().map_or(0, Codec::silence)
    }
}

/// What travels to the recorder thread. `Begin` comes from the engine, audio and `End` from the RTP thread that
/// owns the legs, so the last audio always comes before the end.
#[derive(Debug)]
pub enum TapeMessage {
    /// Create the file.
    Begin {
        /// Which recording, and where it goes.
        row: RecordingRow,
        /// What the file holds; the audio arrives in it.
        format: TapeFormat,
        /// 2: left caller, right agent, interleaved sample by sample. 1: the caller alone.
        channels: u8,
    },
    /// Audio to append, in the format of the beginning.
    Audio {
        /// Which recording.
        id: RecordingId,
        /// The bytes; the recorder hands the emptied buffer back.
        audio: Vec<u8>,
    },
    /// There is nothing that could be written. Answered like a file that could not be created.
    Refuse {
        /// Which recording.
        id: RecordingId,
        /// Why, in plain words.
        reason: String,
    },
    /// No more audio comes; complete the file.
    End {
        /// Which recording.
        id: RecordingId,
    },
}

/// The recorder's word that a file is complete, or that it could not be written.
#[derive(Debug, Clone, PartialEq)]
pub struct TapeDone {
    /// Which recording.
    pub id: RecordingId,
    /// The facts of the file, or why there is none.
    pub result: Result<RecordingFacts, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wide_voice_makes_a_wide_recording_and_else_the_first_law_stays() {
        use Codec::{G722, G729, Opus, Pcma, Pcmu};
        for (codecs, format) in [
            (&[Pcmu, Pcma][..], TapeFormat::MuLaw),
            (&[Pcma, Pcmu], TapeFormat::ALaw),
            (&[Pcma, Opus], TapeFormat::Wide),
            (&[G722], TapeFormat::Wide),
            (&[G729, Pcma], TapeFormat::ALaw),
            (&[], TapeFormat::MuLaw),
        ] {
            assert_eq!(TapeFormat::of(codecs.iter().copied()), format, "{codecs:?}");
        }
    }
}
