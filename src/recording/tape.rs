use super::Roots;
use super::header::Header;
use super::seal::Seal;
use super::vault::{Content, Keys, SealedWriter};
use crate::model::{RecordingId, RecordingKind, RecordingRow, TapeFormat};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Audio waits in memory until there is this much of it …
const WRITE_AT_BYTES: usize = 64 * 1024;
/// … or until the first of it is this old, so that a killed daemon loses less than a second. That comes first for a
/// conversation in G.711, of which 64 kB are four seconds.
const WRITE_AT_AGE: Duration = Duration::from_millis(300);
/// How often the header's sizes are brought up to date and the file is put on the disk for good: with the audio that is
/// still on its way here, a power cut costs less than two seconds.
const SYNC_EVERY: Duration = Duration::from_millis(1300);

/// What a file has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) writes: u64,
    pub(super) syncs: u64,
    /// Bytes of audio that were written.
    pub(super) bytes: u64,
}

/// One file that is being written. What was written so far is a valid WAV file at any time, at most two
/// seconds longer than its header says.
#[derive(Debug)]
pub(super) struct Tape {
    row: RecordingRow,
    path: PathBuf,
    file: File,
    format: TapeFormat,
    channels: u8,
    /// Seals what is written, and where the next chunk goes; nothing when the file is not encrypted.
    sealed: Option<(SealedWriter, u64)>,
    /// Bytes of audio in the file.
    written: u64,
    waiting: Vec<u8>,
    waiting_since: Option<Instant>,
    next_sync: Instant,
    is_new: bool,
    /// How often the file was written to and synced, and what of it was told.
    work: Work,
    told: Work,
    trouble: Option<io::Error>,
}

impl Tape {
    /// Creates the file with a valid header and no audio. An existing file is never touched.
    pub(super) fn begin(
        roots: &Roots,
        row: RecordingRow,
        format: TapeFormat,
        channels: u8,
        keys: Option<&Keys>,
        now: Instant,
    ) -> Result<Self, String> {
        if !(1..=2).contains(&channels) {
            return Err(format!("a recording has one or two channels, not {channels}"));
        }
        let name = if keys.is_some() {
            sealed_name(&row.path)
        } else {
            row.path.clone()
        };
        let Some(path) = roots.locate(row.kind, &name) else {
            return Err(format!("`{}` is not a name for a recording", row.path));
        };
        let header = Header {
            format,
            channels,
            audio_bytes: 0,
        };
        let create = || -> io::Result<(File, Option<(SealedWriter, u64)>)> {
            roots.make_way(row.kind, &path)?;
            // `create_new` does not follow a link either.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o640)
                .open(&path)?;
            let Some(keys) = keys else {
                file.write_all_at(&header.to_bytes(), 0)?;
                return Ok((file, None));
            };
            let content = Content::Audio {
                tag: header.tag(),
                channels,
                rate: format.rate_hz(),
            };
            let (writer, front) = SealedWriter::new(keys, content)?;
            file.write_all_at(&front, 0)?;
            Ok((file, Some((writer, front.len() as u64))))
        };
        let (file, sealed) = create().map_err(|error| format!("{}: {error}", path.display()))?;
        let next_sync = now + SYNC_EVERY / 2 + stagger(row.id);
        Ok(Self {
            row,
            path,
            file,
            format,
            channels,
            sealed,
            written: 0,
            waiting: Vec::new(),
            waiting_since: None,
            next_sync,
            is_new: true,
            work: Work::default(),
            told: Work::default(),
            trouble: None,
        })
    }

    /// What it holds.
    pub(super) fn kind(&self) -> RecordingKind {
        self.row.kind
    }

    /// Takes audio, and where nothing waits its buffer for an empty one. True when this stopped the recording: the disk is
    /// full or broken.
    pub(super) fn append(&mut self, audio: &mut Vec<u8>, now: Instant) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        if self.waiting.is_empty() {
            std::mem::swap(&mut self.waiting, audio);
        } else {
            self.waiting.extend_from_slice(audio);
        }
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
        if self.sealed.is_none() {
            self.work.writes += 1;
            self.file.write_all_at(&self.header().to_bytes(), 0)?;
        }
        self.work.syncs += 1;
        self.file.sync_data()?;
        if std::mem::take(&mut self.is_new) {
            // The name of a new file is in its directory, which is a file of its own.
            if let Some(dir) = self.path.parent() {
                File::open(dir)?.sync_all()?;
            }
        }
        Ok(())
    }

    /// Moves what waits into the file, before its end.
    pub(super) fn write_rest(&mut self) {
        if self.trouble.is_none() {
            self.write();
        }
    }

    /// Moves the waiting audio into the file. True when this stopped the recording.
    fn write(&mut self) -> bool {
        if self.written + self.waiting.len() as u64 > Header::MOST_AUDIO {
            let too_long = io::Error::new(io::ErrorKind::FileTooLarge, "a WAV file holds no more than 4 GB");
            return self.stopped_by(Err(too_long));
        }
        if self.waiting.is_empty() {
            return false;
        }
        self.work.writes += 1;
        let result = match &mut self.sealed {
            None => self
                .file
                .write_all_at(&self.waiting, Header::LENGTH + self.written),
            Some((writer, at)) => write_sealed(&self.file, writer, at, &self.waiting, false),
        };
        if result.is_ok() {
            self.written += self.waiting.len() as u64;
            self.work.bytes += self.waiting.len() as u64;
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

    /// What it has cost so far.
    #[cfg(test)]
    pub(super) fn work(&self) -> Work {
        self.work
    }

    /// What it has cost since the last question.
    pub(super) fn take_work(&mut self) -> Work {
        let Work { writes, syncs, bytes } = self.told;
        self.told = self.work;
        Work {
            writes: self.work.writes - writes,
            syncs: self.work.syncs - syncs,
            bytes: self.work.bytes - bytes,
        }
    }

    /// Why the recording stopped, when it did.
    pub(super) fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    fn header(&self) -> Header {
        let empty = Header {
            format: self.format,
            channels: self.channels,
            audio_bytes: 0,
        };
        empty.holding(self.written)
    }

    /// Completes the file. What was written before a full disk stopped it is kept; an empty file is removed.
    pub(super) fn end(mut self) -> Result<Seal, String> {
        self.write_rest();
        let header = self.header();
        if header.audio_bytes == 0 {
            // The reason is told either way; an empty file that stays is only untidy.
            let _ = fs::remove_file(&self.path);
            let no_audio = || "no audio came".to_owned();
            return Err(self.trouble.as_ref().map_or_else(no_audio, ToString::to_string));
        }
        self.complete(header)
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        Ok(Seal::new(self.row, header, self.file, self.sealed.is_some()))
    }

    fn complete(&mut self, header: Header) -> io::Result<()> {
        match &mut self.sealed {
            None => {
                self.file.write_all_at(&header.to_bytes(), 0)?;
                self.file.set_len(header.file_bytes())?;
            }
            Some((writer, at)) => {
                // Without room for its end the file is one that was cut: it opens up to here.
                self.file.set_len(*at)?;
                if self.trouble.is_none() {
                    write_sealed(&self.file, writer, at, &[], true)?;
                }
            }
        }
        self.file.sync_all()
    }
}

/// The name an encrypted file has: no player takes it for a WAV file.
pub(super) fn sealed_name(path: &str) -> String {
    format!("{path}.{SEALED}")
}

/// What stands behind the name of an encrypted file.
pub(super) const SEALED: &str = "sealed";

fn write_sealed(
    file: &File,
    writer: &mut SealedWriter,
    at: &mut u64,
    audio: &[u8],
    is_last: bool,
) -> io::Result<()> {
    let mut chunks = Vec::with_capacity(audio.len() + 64);
    if is_last {
        writer.seal_last(audio, &mut chunks)?;
    } else {
        writer.seal(audio, &mut chunks)?;
    }
    file.write_all_at(&chunks, *at)?;
    *at += chunks.len() as u64;
    Ok(())
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
        Tape::begin(&roots, row(1), TapeFormat::MuLaw, channels, None, noon()).unwrap()
    }

    #[test]
    fn audio_reaches_the_file_within_a_second_and_the_header_follows() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 2);
        let start = noon();
        assert!(!tape.append(&mut vec![1; 320], start));
        assert!(!tape.look_after(start + Duration::from_millis(200)));
        assert_eq!(
            fs::metadata(&tape.path).unwrap().len(),
            58,
            "there is a valid header from the first moment"
        );
        assert!(!tape.look_after(start + Duration::from_millis(300)));
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
        assert!(!tape.append(&mut vec![2; 8000], noon()));
        assert!(!tape.look_after(noon() + Duration::from_secs(1)));
        let real = std::mem::replace(
            &mut tape.file,
            OpenOptions::new().write(true).open("/dev/full").unwrap(),
        );
        assert!(!tape.append(&mut vec![2; 8000], noon()));
        assert!(
            tape.look_after(noon() + Duration::from_secs(1)),
            "the stop is told once"
        );
        assert_eq!(tape.trouble().unwrap().kind(), io::ErrorKind::StorageFull);
        assert!(!tape.append(&mut vec![2; 8000], noon()));
        tape.file = real;
        let facts = tape.end().unwrap().finish().unwrap();
        assert_eq!((facts.bytes, facts.duration_ms), (Some(58 + 8000), Some(1000)));
    }

    #[test]
    fn half_a_sample_pair_at_the_end_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 2);
        tape.append(&mut vec![3; 321], noon());
        assert_eq!(tape.end().unwrap().finish().unwrap().bytes, Some(58 + 320));
    }

    #[test]
    fn an_existing_file_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = tape(dir.path(), 2);
        first.append(&mut vec![4; 320], noon());
        let roots = Roots {
            recordings: dir.path().join("r"),
            voicemail: dir.path().join("v"),
        };
        let again = Tape::begin(&roots, row(1), TapeFormat::MuLaw, 2, None, noon());
        assert!(again.unwrap_err().contains("exists"));
        assert!(first.end().is_ok());
    }

    #[test]
    fn a_sealed_recording_reads_like_any_other_with_its_key_and_says_nothing_without() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots {
            recordings: dir.path().join("r"),
            voicemail: dir.path().join("v"),
        };
        let keys = Keys::parse(&"ab".repeat(32)).unwrap();
        let start = noon();
        let mut tape = Tape::begin(&roots, row(1), TapeFormat::ALaw, 2, Some(&keys), start).unwrap();
        let audio: Vec<u8> = (0..100_000u32).map(|place| (place % 251) as u8).collect();
        for (second, piece) in audio.chunks(16_000).enumerate() {
            tape.append(&mut piece.to_vec(), start + Duration::from_secs(second as u64));
            assert!(!tape.look_after(start + Duration::from_secs(second as u64 + 1)));
            assert!(!tape.sync(start + Duration::from_secs(second as u64 + 1)));
        }
        let facts = tape.end().unwrap().finish().unwrap();
        assert!(facts.path.ends_with(".wav.sealed"), "{}", facts.path);
        assert_eq!(facts.duration_ms, Some(6250));
        let found = roots.find(&row(1)).unwrap();
        assert_eq!(fs::metadata(&found.path).unwrap().len(), facts.bytes.unwrap());
        assert!(crate::recording::inspect(&found.path).is_err());
        let mut audio_file = found.open(Some(&keys)).unwrap();
        assert_eq!(audio_file.length(), 58 + 100_000);
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut audio_file, &mut bytes).unwrap();
        assert!(bytes[58..] == audio);
        assert!(found.open(None).is_err());
    }

    /// A call in G.711 costs two writes of its audio a second and less than one sync; wideband two of 32 kB.
    #[test]
    fn a_minute_of_a_conversation_costs_a_hundred_and_seventy_writes_and_fifty_syncs() {
        let dir = tempfile::tempdir().unwrap();
        let mut tape = tape(dir.path(), 2);
        let start = noon();
        for round in 0..600_u64 {
            let now = start + Duration::from_millis(round * 100);
            // The RTP thread hands on a quarter of a second at a time.
            if round % 5 == 0 || round % 5 == 2 {
                assert!(!tape.append(&mut vec![7; 4000], now));
            }
            assert!(!tape.look_after(now));
            if tape.next_sync() <= now {
                assert!(!tape.sync(now));
            }
        }
        let Work { writes, syncs, .. } = tape.work();
        assert!((40..=50).contains(&syncs), "{syncs} syncs");
        assert!(writes <= 170 + syncs, "{writes} writes");
    }
}
