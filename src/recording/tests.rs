use super::{
    Options, Recorder, RecorderCounts, Roots, Sound, WavFacts, decode, inspect, mend_all, tone_level,
};
use crate::model::{
    CallId, Codec, RecordingFacts, RecordingId, RecordingKind, RecordingRow, Stamp, TapeDone, TapeFormat,
    TapeMessage,
};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The n-th conversation.
pub(crate) fn row(n: u32) -> RecordingRow {
    let mut random = [9; 10];
    random[6..].copy_from_slice(&n.to_be_bytes());
    let id = CallId::new(1_795_000_000_000, &random);
    RecordingRow {
        id: RecordingId(id.0),
        call_id: id,
        kind: RecordingKind::Conversation,
        path: format!("2026/11/20/{id}.wav"),
        started_at: Stamp {
            unix_ms: 1_795_000_000_000,
            offset_seconds: 0,
        },
        agent: None,
    }
}

fn roots(dir: &Path) -> Roots {
    Roots {
        recordings: dir.join("recordings"),
        voicemail: dir.join("voicemail"),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn recorder(dir: &Path) -> (Recorder, Receiver<Vec<u8>>, Receiver<TapeDone>) {
    let (say, done) = channel();
    let options = Options::new(roots(dir), Instant::now);
    let (recorder, emptied) = Recorder::start(options, Box::new(move |word| drop(say.send(word)))).unwrap();
    (recorder, emptied, done)
}

fn begin(n: u32, format: TapeFormat, channels: u8) -> TapeMessage {
    TapeMessage::Begin {
        row: row(n),
        format,
        channels,
    }
}

fn audio(n: u32, audio: Vec<u8>) -> TapeMessage {
    TapeMessage::Audio { id: row(n).id, audio }
}

fn end(n: u32) -> TapeMessage {
    TapeMessage::End { id: row(n).id }
}

fn facts(done: &Receiver<TapeDone>) -> RecordingFacts {
    done.recv_timeout(Duration::from_secs(20))
        .unwrap()
        .result
        .unwrap()
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One period of a square wave at 1000 Hz: loud and soft-free in both laws.
fn square(codec: Codec) -> [u8; 8] {
    let (high, low) = match codec {
        Codec::Pcmu => (0x90, 0x10),
        Codec::Pcma => (0xba, 0x3a),
        Codec::G722 | Codec::Opus | Codec::G729 => (0, 0),
    };
    [high, high, high, high, low, low, low, low]
}

#[test]
fn a_conversation_becomes_a_file_with_the_caller_left_and_the_agent_right() {
    for codec in Codec::G711 {
        let dir = tempfile::tempdir().unwrap();
        let (recorder, emptied, done) = recorder(dir.path());
        let sender = recorder.sender();
        sender.send(begin(1, TapeFormat::of([codec]), 2)).unwrap();
        for _ in 0..100 {
            let both: Vec<u8> = square(codec)
                .iter()
                .flat_map(|left| [*left, codec.silence()])
                .collect();
            sender.send(audio(1, both.repeat(20))).unwrap();
        }
        sender.send(end(1)).unwrap();
        let facts = facts(&done);
        assert_eq!(facts.path, format!("recordings/{}", row(1).path));
        assert_eq!(
            (facts.duration_ms, facts.bytes, facts.channels),
            (Some(2000), Some(58 + 32_000), 2)
        );
        let path = dir.path().join(&facts.path);
        assert_eq!(facts.sha256, Some(sha256(&path)));
        let format = if codec == Codec::Pcmu {
            Sound::MuLaw
        } else {
            Sound::ALaw
        };
        assert_eq!(
            inspect(&path).unwrap(),
            WavFacts {
                format,
                channels: 2,
                sample_rate: 8000,
                frames: 16_000
            }
        );
        let channels = decode(&path).unwrap();
        assert!(
            tone_level(&channels[0], 1000.0) > 0.2,
            "{}",
            tone_level(&channels[0], 1000.0)
        );
        assert!(tone_level(&channels[1], 1000.0) < 0.001);
        let buffer = emptied.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(
            buffer.is_empty() && buffer.capacity() >= 320,
            "buffers come back emptied and as large as they were"
        );
        recorder.shutdown();
    }
}

#[test]
fn a_message_goes_to_the_voicemail_root_with_one_channel() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let sender = recorder.sender();
    let row = RecordingRow {
        kind: RecordingKind::Voicemail,
        ..row(1)
    };
    sender
        .send(TapeMessage::Begin {
            row,
            format: TapeFormat::ALaw,
            channels: 1,
        })
        .unwrap();
    sender.send(audio(1, vec![0xd5; 801])).unwrap();
    sender.send(end(1)).unwrap();
    let facts = facts(&done);
    assert!(facts.path.starts_with("voicemail/2026/"));
    assert_eq!(
        (facts.duration_ms, facts.bytes),
        (Some(100), Some(58 + 802)),
        "odd audio is padded"
    );
    assert_eq!(inspect(&dir.path().join(&facts.path)).unwrap().frames, 801);
    recorder.shutdown();
}

#[test]
fn each_begin_is_answered_once_whatever_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let sender = recorder.sender();
    let mut stray = row(5);
    stray.path = "../../etc/x.wav".to_owned();
    let messages = [
        audio(1, vec![0; 160]),
        end(1),
        begin(1, TapeFormat::MuLaw, 2),
        begin(1, TapeFormat::MuLaw, 2),
        audio(1, vec![0; 160]),
        end(1),
        end(1),
        audio(1, vec![0; 160]),
        begin(2, TapeFormat::MuLaw, 3),
        begin(3, TapeFormat::MuLaw, 1),
        end(3),
        TapeMessage::Begin {
            row: stray,
            format: TapeFormat::MuLaw,
            channels: 1,
        },
    ];
    for message in messages {
        sender.send(message).unwrap();
    }
    recorder.shutdown();
    let mut words: Vec<(RecordingId, bool)> =
        done.iter().map(|word| (word.id, word.result.is_ok())).collect();
    words.sort();
    assert_eq!(
        words,
        [
            (row(1).id, true),
            (row(2).id, false),
            (row(3).id, false),
            (row(5).id, false)
        ]
    );
    assert_eq!(
        fs::read_dir(dir.path().join("recordings/2026/11/20"))
            .unwrap()
            .count(),
        1,
        "empty files are removed"
    );
}

#[test]
fn the_counts_tell_what_became_of_recordings() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let sender = recorder.sender();
    sender.send(begin(1, TapeFormat::MuLaw, 9)).unwrap();
    sender.send(audio(1, vec![0; 160])).unwrap();
    sender.send(begin(2, TapeFormat::MuLaw, 1)).unwrap();
    sender.send(audio(2, vec![0; 160])).unwrap();
    sender.send(end(2)).unwrap();
    assert!(
        done.recv_timeout(Duration::from_secs(20))
            .unwrap()
            .result
            .is_err()
    );
    facts(&done);
    let expected = RecorderCounts {
        begun: 1,
        completed: 1,
        failed: 1,
        stray_audio: 1,
        writes: recorder.counts().writes,
        syncs: recorder.counts().syncs,
        bytes: 160,
        deepest_queue: recorder.counts().deepest_queue,
        ..RecorderCounts::default()
    };
    assert_eq!(recorder.counts(), expected);
    recorder.shutdown();
}

/// More than any disk has.
const EVERYTHING: u64 = u64::MAX / 4;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test stands in for `app` here")]
fn on_a_disk_without_room_no_recording_is_begun_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (say, done) = channel();
    let mut options = Options::new(roots(dir.path()), Instant::now);
    options.keep_free_bytes = EVERYTHING;
    let (recorder, _emptied) = Recorder::start(options, Box::new(move |word| drop(say.send(word)))).unwrap();
    assert_eq!(recorder.space().left_out(), 0);
    recorder.sender().send(begin(1, TapeFormat::MuLaw, 2)).unwrap();
    let reason = done
        .recv_timeout(Duration::from_secs(20))
        .unwrap()
        .result
        .unwrap_err();
    assert!(reason.contains("kept for call records"), "{reason}");
    let space = recorder.space();
    recorder.shutdown();
    assert_eq!((space.left_out(), space.cut()), (1, 0));
    assert_eq!(space.now().map(|short| short.keep_bytes), Some(EVERYTHING));
    assert!(!dir.path().join("recordings").exists(), "nothing was written");
}

#[test]
fn a_shutdown_completes_what_is_being_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let sender = recorder.sender();
    for n in 0..20 {
        sender.send(begin(n, TapeFormat::MuLaw, 2)).unwrap();
        sender.send(audio(n, vec![0xff; 1600])).unwrap();
    }
    recorder.shutdown();
    let complete: Vec<_> = done.iter().map(|word| word.result.unwrap()).collect();
    assert_eq!(complete.len(), 20);
    assert!(complete.iter().all(|facts| facts.duration_ms == Some(100)));
    assert!(sender.send(end(1)).is_err());
}

const DIR: &str = "CALLPOST_RECORDING_TEST_DIR";

/// Not a test of its own: the daemon that is killed while it records.
#[test]
fn the_recorder_that_will_be_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let (recorder, _emptied, _done) = recorder(Path::new(&dir));
    let sender = recorder.sender();
    sender.send(begin(1, TapeFormat::ALaw, 2)).unwrap();
    sender.send(audio(1, vec![0x11; 20_001])).unwrap();
    sender.send(audio(1, vec![0x11; 320])).unwrap();
    let path = Path::new(&dir).join("recordings").join(row(1).path);
    while fs::metadata(&path).map_or(0, |facts| facts.len()) < 58 + 20_321 {
        std::thread::yield_now();
    }
    writeln!(std::io::stdout(), "\nready").unwrap();
    std::io::stdout().flush().unwrap();
    // Waits for an end that comes from outside.
    let _ = std::io::stdin().lock().lines().next();
}

#[test]
fn a_recording_cut_by_kill_is_mended_by_its_length() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "recording::tests::the_recorder_that_will_be_killed",
            "--nocapture",
        ])
        .env(DIR, dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(daemon.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();

    let report = mend_all(&roots(dir.path()), None, &[row(1), row(2)]);
    assert_eq!((report.mended, report.facts.len()), (1, 1));
    assert_eq!(report.lost[0].0, row(2).id, "a row without a file is told");
    let facts = &report.facts[0];
    let path = dir.path().join(&facts.path);
    assert_eq!(
        (facts.bytes, facts.duration_ms),
        (Some(58 + 20_320), Some(1270)),
        "down to whole samples"
    );
    assert_eq!(facts.sha256, Some(sha256(&path)));
    assert_eq!(inspect(&path).unwrap().frames, 10_160);
    let again = mend_all(&roots(dir.path()), None, &[row(1)]);
    assert_eq!((again.mended, again.facts), (0, report.facts));
}

#[test]
fn what_is_not_a_recording_of_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let roots = roots(dir.path());
    let folder = roots.recordings.join("2026/11/20");
    fs::create_dir_all(&folder).unwrap();
    let path = roots.recordings.join(row(1).path);
    for bytes in [&b""[..], b"RIFF", &[0; 5000]] {
        fs::write(&path, bytes).unwrap();
        let report = mend_all(&roots, None, &[row(1)]);
        assert_eq!((report.facts.len(), report.lost.len()), (0, 1));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    fs::remove_file(&path).unwrap();
    fs::write(folder.join("other"), b"secret").unwrap();
    std::os::unix::fs::symlink(folder.join("other"), &path).unwrap();
    assert_eq!(mend_all(&roots, None, &[row(1)]).lost.len(), 1);
    assert_eq!(fs::read(folder.join("other")).unwrap(), b"secret");
}

/// A conversation of which one side speaks Opus: 16-bit samples, 16000 a second.
#[test]
fn a_wide_conversation_becomes_a_file_that_any_player_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let sender = recorder.sender();
    sender.send(begin(1, TapeFormat::Wide, 2)).unwrap();
    let wave = |place: u32| (8000.0 * (f64::from(place) * std::f64::consts::TAU / 8.0).sin()) as i16;
    for second in 0..2 {
        let both = (second * 16_000..(second + 1) * 16_000).flat_map(|place| [wave(place), 0]);
        let bytes = both.flat_map(i16::to_le_bytes).collect();
        sender.send(audio(1, bytes)).unwrap();
    }
    // Half a sample: it is left out.
    sender.send(audio(1, vec![1])).unwrap();
    sender.send(end(1)).unwrap();
    let facts = facts(&done);
    assert_eq!((facts.duration_ms, facts.bytes), (Some(2000), Some(58 + 128_000)));
    let path = dir.path().join(&facts.path);
    let heard = inspect(&path).unwrap();
    assert_eq!(
        (heard.channels, heard.sample_rate, heard.frames),
        (2, 16_000, 32_000)
    );
    let channels = decode(&path).unwrap();
    // The ruler reads every sound as if it had 8000 samples a second.
    assert!(tone_level(&channels[0], 1000.0) > 0.2 && tone_level(&channels[1], 1000.0) < 0.001);
    let read = hound::WavReader::open(&path).unwrap();
    assert_eq!((read.spec().bits_per_sample, read.duration()), (16, 32_000));
    recorder.shutdown();

    // What a power cut leaves behind is mended down to whole samples of both channels.
    let mut cut = fs::read(&path).unwrap();
    cut.truncate(58 + 64_003);
    fs::write(&path, cut).unwrap();
    let report = mend_all(&roots(dir.path()), None, &[row(1)]);
    assert_eq!(report.facts[0].duration_ms, Some(1000));
    assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 16_000);
}

/// G.729 that was passed on: no file of silence that looks like a recording, but the reason.
#[test]
fn what_nobody_can_decode_leaves_no_file_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _emptied, done) = recorder(dir.path());
    let reason = "not decodable: G.729".to_owned();
    let refused = TapeMessage::Refuse {
        id: row(1).id,
        reason: reason.clone(),
    };
    recorder.sender().send(refused).unwrap();
    let word = done.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((word.id, word.result), (row(1).id, Err(reason)));
    recorder.shutdown();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
