use super::{Codec, RecordingFacts, RecordingId, RecordingRow};

/// What travels to the recorder thread. `Begin` comes from the engine, audio and `End` from the RTP thread that
/// owns the legs, so the last audio always comes before the end.
#[derive(Debug)]
pub enum TapeMessage {
    /// Create the file.
    Begin {
        /// Which recording, and where it goes.
        row: RecordingRow,
        /// µ-law or A-law; the audio arrives in it.
        codec: Codec,
        /// 2: left caller, right agent, interleaved byte by byte. 1: the caller alone.
        channels: u8,
    },
    /// Audio to append: `channels` bytes for each sample at 8000 samples a second.
    Audio {
        /// Which recording.
        id: RecordingId,
        /// The bytes; the recorder hands the emptied buffer back.
        audio: Vec<u8>,
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
