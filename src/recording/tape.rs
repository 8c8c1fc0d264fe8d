use super::Roots;
use super::header::Header;
use super::seal::Seal;
use crate::model::{Codec, RecordingId, RecordingKind, RecordingRow};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Audio waits in memory until there is this much of it: half a second of a conversation.
const WRITE_AT_BYTES: usize = 8000;
/// … or until the first of it is this old, so that a killed daemon loses less than a second.
const WRITE_AT_AGE: Duration = Duration::from_millis(500);
/// How often the header's sizes are brought up to date and the file is put on the disk for good: with the audio that is
/// still on its way here, a power cut costs less than two seconds.
const SYNC_EVERY: Duration = Duration::from_millis(1600);

/// One file that is being written. What was written so far is a valid WAV file at any time, at most two
/// seconds longer than its header says.
#[derive(Debug)]
pub(super) struct Tape {
    row: RecordingRow,
    path: PathBuf,
    file: File,
    codec: Codec,
    channels: u8,
    /// Bytes of audio in the file.
    written: u64,
    waiting: Vec<u8>,
    waiting_since: Option<Instant>,
    next_sync: Instant,
    is_new: bool,
    trouble: Option<io::Error>,
}

impl Tape {
    /// Creates the file with a valid header and no audio. An existing file is never touched.
    pub(super) fn begin(
        roots: &Roots,
        row: RecordingRow,
        codec: Codec,
        channels: u8,
        now: Instant,
    ) -> Result<Self, String> {
        if !(1..=2).contains(&channels) {
            return Err(format!("a recording has one or two channels, not {channels}"));
        }
        let Some(path) = roots.locate(row.kind, &row.path) else {
            return Err(format!("`{}` is not a name for a recording", row.path));
        };
        let create = || -> io::Result<File> {
            roots.make_way(row.kind, &path)?;
            // `create_new` does not follow a link either.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o640)
                .open(&path)?;
            file.write_all_at(
                &Header {
                    codec,
                    channels,
                    audio_bytes: 0,
                }
                .to_bytes(),
                0,
            )?;
            Ok(file)
        };
        let file = create().map_err(|error| format!("{}: {error}", path.display()))?;
        let next_sync = now + SYNC_EVERY / 2 + stagger(row.id);
        Ok(Self {
            row,
            path,
            file,
            codec,
            channels,
            written: 0,
            waiting: Vec::with_capacity(WRITE_AT_BYTES + WRITE_AT_BYTES / 4),
            waiting_since: None,
            next_sync,
            is_new: true,
            trouble: None,
        })
    }

    /// What it holds.
    pub(super) fn kind(&self) -> RecordingKind {
        self.row.kind
    }

    /// Takes audio. True when this stopped the recording: the disk is full or broken.
    pub(super) fn append(&mut self, audio: &[u8], now: Instant) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        self.waiting.extend_from_slice(audio);
        self.waiting_since.get_or_insert(now);
        self.waiting.len() >= WRITE_AT_BYTES && self.write()
    }

    /// Does what is due by now. True when this stopped the recording.
    pub(super) fn look_after(&mut self, now: Instant) -> bool {
        let is_old = self
            .waiting_since
            .is_some_and(|since| now.duration_since(since) >= WRITE_AT_AGE);
        is_old && self.write()
    }

    /// When the file wants to be synced next.
    pub(super) fn next_sync(&self) -> Instant {
        self.next_sync
    }

    /// Puts header and audio on the disk. True when this stopped the recording.
    pub(super) fn sync(&mut self, now: Instant) -> bool {
        self.next_sync = now + SYNC_EVERY;
        if self.trouble.is_some() || self.write() {
            return false;
        }
        let result = self.sync_file();
        self.stopped_by(result)
    }

    fn sync_file(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.header().to_bytes(), 0)?;
        self.file.sync_data()?;
        if std::mem::take(&mut self.is_new) {
            // The name of a new file is in its directory, which is a file of its own.
            if let Some(dir) = self.path.parent() {
                File::open(dir)?.sync_all()?;
            }
        }
        Ok(())
    }

    /// Moves the waiting audio into the file. True when this stopped the recording.
    fn write(&mut self) -> bool {
        if self.written + self.waiting.len() as u64 > Header::MOST_AUDIO {
            let too_long = io::Error::new(io::ErrorKind::FileTooLarge, "a WAV file holds no more than 4 GB");
            return self.stopped_by(Err(too_long));
        }
        let result = self
            .file
            .write_all_at(&self.waiting, Header::LENGTH + self.written);
        if result.is_ok() {
            self.written += self.waiting.len() as u64;
        }
        self.waiting.clear();
        self.waiting_since = None;
        self.stopped_by(result)
    }

    fn stopped_by(&mut self, result: io::Result<()>) -> bool {
        let Err(error) = result else { return false };
        tracing::error!(recording = %self.row.id, %error, "Recording {} stops: {error}. The call goes on.", self.row.id);
        self.waiting = Vec::new();
        self.waiting_since = None;
        self.trouble = Some(error);
        true
    }

    /// Why the recording stopped, when it did.
    pub(super) fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    fn header(&self) -> Header {
        let whole = self.written - self.written % u64::from(self.channels);
        let audio_bytes = u32::try_from(whole).unwrap_or(u32::MAX);
        Header {
            codec: self.codec,
            channels: self.channels,
            audio_bytes,
        }
    }

    /// Completes the file. What was written before a full disk stopped it is kept; an empty file is removed.
    pub(super) fn end(mut self) -> Result<Seal, String> {
        if self.trouble.is_none() {
            self.write();
        }
        let header = self.header();
        if header.audio_bytes == 0 {
            // The reason is told either way; an empty file that stays is only untidy.
            let _ = fs::remove_file(&self.path);
            let no_audio = || "no audio came".to_owned();
            return Err(self.trouble.as_ref().map_or_else(no_audio, ToString::to_string));
        }
        let complete = || -> io::Result<()> {
            self.file.write_all_at(&header.to_bytes(), 0)?;
            self.file.set_len(header.file_bytes())?;
            self.file.sync_all()
        };
        complete().map_err(|error| format!("{}: {error}", self.path.display()))?;
        Ok(Seal::new(self.row, header, self.file))
    }
}

/// Spreads the files' syncs over the time between two of one file.
fn stagger(id: RecordingId) -> Duration {
    let [.., high, low] = *id.0.as_bytes();
    SYNC_EVERY * u32::from(u16::from_be_bytes([high, low])) / (2 * u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::tests::row;

    #[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
    fn noon() -> Instant {
        Instant::now()
    }

    fn tape(dir: &std::path::Path, channels: u8) -> Tape {
        let roots = Roots {
            recordings: dir.join("r"),
            voicemail: dir.join("v"),
        };
        Tape::begin(&roots, row(1), Codec::Pcmu, channels, noon()).unwrap()
    }

    #[test]
    fn audio_reaches_the_file_within_a_second_and_the_header_follows() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 2);
        let start = noon();
        assert!(!tape.append(&[1; 320], start));
        assert!(!tape.look_after(start + Duration::from_millis(400)));
        assert_eq!(
            fs::metadata(&tape.path).unwrap().len(),
            58,
            "there is a valid header from the first moment"
        );
        assert!(!tape.look_after(start + Duration::from_millis(600)));
        assert_eq!(fs::metadata(&tape.path).unwrap().len(), 58 + 320);
        assert!(tape.next_sync() <= start + Duration::from_secs(2));
        assert!(!tape.sync(start + Duration::from_secs(2)));
        assert_eq!(crate::recording::inspect(&tape.path).unwrap().frames, 160);
        assert_eq!(tape.next_sync(), start + Duration::from_secs(2) + SYNC_EVERY);
    }

    #[test]
    fn a_full_disk_stops_the_recording_and_keeps_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 1);
        assert!(!tape.append(&[2; 8000], noon()));
        let real = std::mem::replace(
            &mut tape.file,
            OpenOptions::new().write(true).open("/dev/full").unwrap(),
        );
        assert!(tape.append(&[2; 8000], noon()), "the stop is told once");
        assert_eq!(tape.trouble().unwrap().kind(), io::ErrorKind::StorageFull);
        assert!(!tape.append(&[2; 8000], noon()));
        tape.file = real;
        let facts = tape.end().unwrap().finish().unwrap();
        assert_eq!((facts.bytes, facts.duration_ms), (Some(58 + 8000), Some(1000)));
    }

    #[test]
    fn half_a_sample_pair_at_the_end_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 2);
        tape.append(&[3; 321], noon());
        assert_eq!(tape.end().unwrap().finish().unwrap().bytes, Some(58 + 320));
    }

    #[test]
    fn an_existing_file_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = tape(dir.path(), 2);
        first.append(&[4; 320], noon());
        let roots = Roots {
            recordings: dir.path().join("r"),
            voicemail: dir.path().join("v"),
        };
        let again = Tape::begin(&roots, row(1), Codec::Pcmu, 2, noon());
        assert!(again.unwrap_err().contains("exists"));
        assert!(first.end().is_ok());
    }
}
