//! Recordings made small after their calls: Opus in Ogg (RFC 7845). What was written is decoded and compared with the
//! original before it takes its place.

use super::Roots;
use super::draft::Draft;
use super::find::AudioFile;
use super::listen::samples_into;
use super::opus_ogg::{Head, Hearing, PACKET_MS, Speech, broken};
use super::redact::{Redaction, sha256_of, shown, wave_of};
use super::tape::sealed_name;
use super::vault::{Content, Keys};
use super::wave::Wave;
use crate::model::RecordingRow;
use ogg::reading::PacketReader;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

/// A second whose loudness differs by more than this factor was not written as it was said.
const SAME_LOUDNESS: f64 = 2.0;
/// Below this (of 32768) there is only noise, and noise may change.
const NOISE: f64 = 300.0;
/// How much of what is said at the edge of a second may be heard in the next one: 20 dB less over all of it.
const EDGE: f64 = 0.1;

/// Called after every second of sound: the calls come first. An error gives the work up.
pub type Breathe<'a> = dyn FnMut() -> io::Result<()> + 'a;

/// An archive that was written and heard, and has not taken its place yet.
pub struct Archived {
    draft: Draft,
    old: PathBuf,
    before: String,
    path: String,
}

impl Archived {
    /// SHA-256 of the file it was made from, hexadecimal.
    pub fn before(&self) -> &str {
        &self.before
    }

    /// Takes the place of the WAV file.
    ///
    /// # Errors
    /// When the disk does not do it.
    pub fn settle(self) -> io::Result<Redaction> {
        let settled = self.draft.settle(&self.old)?;
        Ok(Redaction {
            before: self.before,
            after: settled.sha256,
            bytes: settled.bytes,
            path: self.path,
            silent_ms: 0..0,
        })
    }
}

/// Compresses a recording beside its WAV file. Nothing when it is compressed already, or when its sound is of a kind that
/// is left as it is.
///
/// # Errors
/// When it cannot be read or written, or what was written does not sound like what was read.
pub fn archive(
    roots: &Roots,
    keys: Option<&Keys>,
    row: &RecordingRow,
    bits_a_second: i32,
    breathe: &mut Breathe<'_>,
) -> io::Result<Option<Archived>> {
    let found = roots.find(row)?;
    if found.media_type != "audio/wav" {
        return Ok(None);
    }
    let mut audio = found.open(keys)?;
    audio.prove()?;
    let wave = wave_of(&mut audio)?;
    let Some(channels) = u8::try_from(wave.channels).ok() else {
        return Ok(None);
    };
    if !Head::allows(channels, wave.rate) {
        return Ok(None);
    }
    let before = sha256_of(&found.path)?;
    let Some(stem) = row.path.strip_suffix(".wav") else {
        return Ok(None);
    };
    let plain_name = format!("{stem}.ogg");
    let name = if found.is_sealed {
        sealed_name(&plain_name)
    } else {
        plain_name
    };
    let Some(target) = roots.locate(row.kind, &name) else {
        return Ok(None);
    };
    let sealing = keys.filter(|_| found.is_sealed).map(|keys| (keys, Content::File));
    let mut draft = Draft::begin(&target, sealing)?;
    let speech = Speech::new(channels, wave.rate, bits_a_second)?;
    let said = encode(&mut audio, wave, speech, serial(row), &mut draft, breathe)?;
    draft.close()?;
    let heard = loudness_of(draft.open(keys)?, breathe)?;
    said.compare(&heard)?;
    Ok(Some(Archived {
        draft,
        old: found.path,
        before,
        path: shown(row, &name),
    }))
}

/// Silences a span of an archive: its packets are changed for ones that say nothing, all others stay bit by bit.
pub(super) fn silence(
    audio: &mut AudioFile,
    span_ms: &Range<u64>,
    serial: u32,
    draft: &mut Draft,
) -> io::Result<Range<u64>> {
    let mut reader = PacketReader::new(audio);
    let front = Head::read(&mut reader)?;
    let head = front.head;
    let mut writer = PacketWriter::new(draft);
    writer.write_packet(head.to_bytes(), serial, PacketWriteEndInfo::EndPage, 0)?;
    writer.write_packet(front.tags, serial, PacketWriteEndInfo::EndPage, 0)?;
    let quiet = head.quiet_packet()?;
    // A packet's sound comes out later by what is skipped at the start, and reaches into the next one.
    let skipped_ms = head.ms(u64::from(head.skip));
    let mut at_ms = 0_u64;
    let mut whole_ms = 0_u64;
    while let Some(packet) = reader.read_packet().map_err(broken)? {
        let lies = at_ms.saturating_sub(skipped_ms)..at_ms + PACKET_MS;
        let is_hit = lies.start < span_ms.end && lies.end > span_ms.start;
        let end = if packet.last_in_stream() {
            whole_ms = head.ms(packet.absgp_page().saturating_sub(u64::from(head.skip)));
            PacketWriteEndInfo::EndStream
        } else if packet.last_in_page() {
            PacketWriteEndInfo::EndPage
        } else {
            PacketWriteEndInfo::NormalPacket
        };
        let granule = packet.absgp_page();
        let data = if is_hit { quiet.clone() } else { packet.data };
        writer.write_packet(data, serial, end, granule)?;
        at_ms += PACKET_MS;
    }
    if span_ms.start >= whole_ms {
        let what = format!("the recording is {:.3} s long", whole_ms as f64 / 1000.0);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(span_ms.start..span_ms.end.min(whole_ms))
}

/// The number of the stream, from the recording's own.
pub(super) fn serial(row: &RecordingRow) -> u32 {
    let [.., a, b, c, d] = *row.id.0.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// How loud each second of each channel is, and how many samples there are.
#[derive(Debug, Default, PartialEq)]
struct Loudness {
    rate: u64,
    samples: u64,
    seconds: Vec<[f64; 2]>,
}

impl Loudness {
    fn hear(&mut self, samples: &[i16], channels: usize) {
        for frame in samples.chunks_exact(channels) {
            let second = usize::try_from(self.samples / self.rate.max(1)).unwrap_or(usize::MAX);
            if self.seconds.len() <= second {
                self.seconds.push([0.0; 2]);
            }
            if let Some(energies) = self.seconds.last_mut() {
                for (energy, sample) in energies.iter_mut().zip(frame) {
                    *energy += f64::from(*sample) * f64::from(*sample);
                }
            }
            self.samples += 1;
        }
    }

    /// Whether the other one is the same sound, as far as loudness tells.
    fn compare(&self, other: &Self) -> io::Result<()> {
        let differ = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if self.samples.abs_diff(other.samples) > self.rate / 50 {
            return differ(format!("{} samples became {}", self.samples, other.samples));
        }
        let level = |energy: f64| (energy / self.rate as f64).sqrt();
        for (second, (ours, theirs)) in self.seconds.iter().zip(&other.seconds).enumerate() {
            let around = self.seconds.iter().skip(second.saturating_sub(1));
            for (channel, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                let own = around.clone().take(3).filter_map(|second| second.get(channel));
                let loudest = own.copied().fold(0.0, f64::max);
                let slack = NOISE + level(loudest) * EDGE;
                let (ours, theirs) = (level(*ours) + slack, level(*theirs) + slack);
                if ours > theirs * SAME_LOUDNESS || theirs > ours * SAME_LOUDNESS {
                    return differ(format!("second {second} does not sound as it did"));
                }
            }
        }
        Ok(())
    }
}

fn encode(
    audio: &mut AudioFile,
    wave: Wave,
    mut speech: Speech,
    serial: u32,
    out: &mut dyn Write,
    breathe: &mut Breathe<'_>,
) -> io::Result<Loudness> {
    let head = speech.head();
    let mut writer = PacketWriter::new(out);
    writer.write_packet(head.to_bytes(), serial, PacketWriteEndInfo::EndPage, 0)?;
    writer.write_packet(Head::tags(), serial, PacketWriteEndInfo::EndPage, 0)?;
    let mut said = Loudness {
        rate: u64::from(wave.rate),
        ..Loudness::default()
    };
    let frames = u64::from(wave.rate) * PACKET_MS / 1000;
    let packet_bytes = frames * wave.frame_bytes;
    let packet_samples = usize::try_from(frames).unwrap_or(0) * head.count();
    let total = wave.audio_bytes / wave.frame_bytes.max(1);
    // The encoder is behind by its lookahead: so many more packets bring out the end.
    let packets = (total + u64::from(head.skip) / head.scale())
        .div_ceil(frames.max(1))
        .max(1);
    audio.seek(SeekFrom::Start(wave.audio_at))?;
    let mut sound = audio.take(total * wave.frame_bytes);
    let mut bytes = Vec::new();
    let mut samples = Vec::new();
    for number in 1..=packets {
        bytes.clear();
        (&mut sound).take(packet_bytes).read_to_end(&mut bytes)?;
        samples.clear();
        samples_into(wave.tag, &bytes, &mut samples);
        said.hear(&samples, head.count());
        samples.resize(packet_samples, 0);
        let granule = if number == packets {
            u64::from(head.skip) + total * head.scale()
        } else {
            number * frames * head.scale()
        };
        let end = match number {
            number if number == packets => PacketWriteEndInfo::EndStream,
            number if number % 50 == 0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        writer.write_packet(speech.say(&samples)?, serial, end, granule)?;
        if number % 50 == 0 {
            breathe()?;
        }
    }
    Ok(said)
}

fn loudness_of(audio: AudioFile, breathe: &mut Breathe<'_>) -> io::Result<Loudness> {
    let mut hearing = Hearing::new(audio)?;
    let head = hearing.head();
    let mut heard = Loudness {
        rate: u64::from(head.rate),
        ..Loudness::default()
    };
    let mut number = 0_u64;
    while let Some(sound) = hearing.hear()? {
        heard.hear(sound, head.count());
        number += 1;
        if number.is_multiple_of(50) {
            breathe()?;
        }
    }
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TapeFormat;
    use crate::recording::header::Header;
    use crate::recording::redact::redact;
    use crate::recording::tests::row;
    use std::fs;
    use std::path::Path;

    fn roots(dir: &Path) -> Roots {
        Roots {
            recordings: dir.join("r"),
            voicemail: dir.join("v"),
        }
    }

    /// Three seconds: a tone on the left in the first and last, on the right in the second.
    fn spoken(roots: &Roots) -> PathBuf {
        let path = roots.locate(row(1).kind, &row(1).path).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let header = Header {
            format: TapeFormat::MuLaw,
            channels: 2,
            audio_bytes: 48_000,
        };
        let mut bytes = header.to_bytes().to_vec();
        for frame in 0..24_000 {
            let tone = if frame / 8 % 2 == 0 { 0x90 } else { 0x10 };
            let is_second = (8000..16_000).contains(&frame);
            bytes.extend(if is_second { [0xff, tone] } else { [tone, 0xff] });
        }
        fs::write(&path, bytes).unwrap();
        path
    }

    fn done(roots: &Roots, keys: Option<&Keys>) -> Redaction {
        let archived = archive(roots, keys, &row(1), 24_000, &mut || Ok(())).unwrap();
        archived.unwrap().settle().unwrap()
    }

    /// The loudness of every second of both channels.
    fn heard(roots: &Roots, keys: Option<&Keys>) -> Vec<[f64; 2]> {
        let found = roots.find(&row(1)).unwrap();
        assert_eq!(found.media_type, "audio/ogg");
        let audio = found.open(keys).unwrap();
        let heard = loudness_of(audio, &mut || Ok(())).unwrap();
        assert_eq!(heard.samples, 24_000);
        let level = |energy: f64| (energy / 8000.0).sqrt();
        heard.seconds.iter().map(|pair| pair.map(level)).collect()
    }

    #[test]
    fn an_archive_sounds_like_its_recording_and_is_much_smaller() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let wav = spoken(&roots);
        let done = done(&roots, None);
        assert!(!wav.exists() && done.path.ends_with(".ogg"), "{}", done.path);
        assert!(done.bytes < 15_000, "{} bytes", done.bytes);
        let heard = heard(&roots, None);
        assert!(heard[0][0] > 3000.0 && heard[0][1] < 600.0, "{heard:?}");
        assert!(heard[1][1] > 3000.0 && heard[2][0] > 3000.0, "{heard:?}");
        let again = archive(&roots, None, &row(1), 24_000, &mut || Ok(())).unwrap();
        assert!(again.is_none());
    }

    /// The judge is ffmpeg, where there is one.
    #[test]
    fn another_player_hears_each_side_on_its_own_channel() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        spoken(&roots);
        done(&roots, None);
        let found = roots.find(&row(1)).unwrap();
        let decoded = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&found.path)
            .args(["-ar", "8000", "-f", "s16le", "-"])
            .output();
        let Ok(decoded) = decoded else { return };
        assert!(
            decoded.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&decoded.stderr)
        );
        let samples: Vec<i16> = decoded
            .stdout
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        assert!(
            (samples.len() / 2).abs_diff(24_000) <= 80,
            "{}",
            samples.len() / 2
        );
        let level = |channel: usize| {
            let first = samples[2000..14_000].iter().skip(channel).step_by(2);
            let energy: f64 = first.map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
            (energy / 6000.0).sqrt().max(0.01)
        };
        let apart = 20.0 * (level(0) / level(1)).log10();
        assert!(
            level(0) > 3000.0 && apart >= 60.0,
            "{} and {}",
            level(0),
            level(1)
        );
    }

    #[test]
    fn an_archive_is_wav_again_for_a_telephone() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        spoken(&roots);
        done(&roots, None);
        let wav = crate::recording::as_wav(&roots.find(&row(1)).unwrap(), None).unwrap();
        let copy = dir.path().join("copy.wav");
        fs::write(&copy, wav).unwrap();
        let facts = crate::recording::inspect(&copy).unwrap();
        assert_eq!(
            (facts.channels, facts.sample_rate, facts.frames),
            (2, 8000, 24_000)
        );
        let channels = crate::recording::decode(&copy).unwrap();
        let loudest = |samples: &[i16]| samples.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest(&channels[0][1000..7000]) > Some(3000));
        assert!(
            loudest(&channels[1][1000..7000]) < Some(30),
            "nothing of the left is heard"
        );
    }

    #[test]
    fn work_that_is_given_up_leaves_the_recording_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        let wav = spoken(&roots);
        let before = fs::read(&wav).unwrap();
        let mut breaths = 0;
        let outcome = archive(&roots, None, &row(1), 24_000, &mut || {
            breaths += 1;
            if breaths < 4 {
                Ok(())
            } else {
                Err(io::ErrorKind::Interrupted.into())
            }
        });
        assert_eq!(
            outcome.err().map(|error| error.kind()),
            Some(io::ErrorKind::Interrupted)
        );
        assert!(fs::read(&wav).unwrap() == before);
        assert_eq!(fs::read_dir(wav.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_encrypted_recording_is_archived_encrypted_and_redacted_there() {
        let dir = tempfile::tempdir().unwrap();
        let roots = roots(dir.path());
        spoken(&roots);
        let keys = Keys::parse(&"ab".repeat(32)).unwrap();
        crate::recording::rekey(&roots, &keys, &row(1)).unwrap();
        let done = done(&roots, Some(&keys));
        assert!(done.path.ends_with(".ogg.sealed"), "{}", done.path);
        let bytes = fs::read(roots.find(&row(1)).unwrap().path).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"OggS"));
        let silenced = redact(&roots, Some(&keys), &row(1), 950..2050).unwrap();
        assert_eq!((&silenced.before, silenced.silent_ms), (&done.after, 950..2050));
        let heard = heard(&roots, Some(&keys));
        assert!(heard[1][1] < 300.0, "{heard:?}");
        assert!(heard[0][0] > 2500.0 && heard[2][0] > 2500.0, "{heard:?}");
        let error = redact(&roots, Some(&keys), &row(1), 3000..4000).unwrap_err();
        assert!(error.to_string().contains("3.000 s long"), "{error}");
    }
}
