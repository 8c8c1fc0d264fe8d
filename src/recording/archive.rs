//! Recordings made small after their calls: Opus in Ogg (RFC 7845). What was written is decoded and compared with the
//! original before it takes its place.

use super::Roots;
use super::draft::Draft;
use super::find::AudioFile;
use super::listen::samples_into;
use super::redact::{Redaction, sha256_of, shown, wave_of};
use super::tape::sealed_name;
use super::vault::{Content, Keys};
use super::wave::Wave;
use crate::model::RecordingRow;
use ogg::reading::PacketReader;
use ogg::writing::{PacketWriteEndInfo, PacketWriter};
use opus::{Application, Bitrate, Channels, Decoder, Encoder};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

/// Opus in Ogg counts at this rate, whatever was encoded (RFC 7845 §4).
const CLOCK: u64 = 48_000;
/// Packets of 20 ms.
const PACKET_MS: u64 = 20;
/// The largest packet of 20 ms (RFC 6716 §3.4: 1275 bytes a frame).
const MOST_PACKET: usize = 1500;
/// A second whose loudness differs by more than this factor was not written as it was said.
const SAME_LOUDNESS: f64 = 2.0;
/// Below this (of 32768) there is only noise, and noise may change.
const NOISE: f64 = 300.0;
/// How much of one channel may be heard in the other: 20 dB less.
const LEAKS: f64 = 0.1;

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
    let Some(channels) = opus_channels(wave).filter(|_| matches!(wave.rate, 8000 | 16_000 | 48_000)) else {
        return Ok(None);
    };
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
    let said = encode(
        &mut audio,
        wave,
        channels,
        bits_a_second,
        serial(row),
        &mut draft,
        breathe,
    )?;
    draft.close()?;
    let heard = decode(draft.open(keys)?, wave.rate, channels, breathe)?;
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
    let head = reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
    let head = Head::parse(&head.data).ok_or_else(no_head)?;
    let tags = reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
    let mut writer = PacketWriter::new(draft);
    writer.write_packet(head.to_bytes().to_vec(), serial, PacketWriteEndInfo::EndPage, 0)?;
    writer.write_packet(tags.data, serial, PacketWriteEndInfo::EndPage, 0)?;
    let quiet = quiet_packet(head.rate, head.channels()?)?;
    // A packet's sound comes out later by what is skipped at the start, and reaches into the next one.
    let skipped_ms = u64::from(head.skip) * 1000 / CLOCK;
    let mut at_ms = 0_u64;
    let mut whole_ms = 0_u64;
    while let Some(packet) = reader.read_packet().map_err(broken)? {
        let lies = at_ms.saturating_sub(skipped_ms)..at_ms + PACKET_MS;
        let is_hit = lies.start < span_ms.end && lies.end > span_ms.start;
        let end = if packet.last_in_stream() {
            whole_ms = packet.absgp_page().saturating_sub(u64::from(head.skip)) * 1000 / CLOCK;
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

fn opus_channels(wave: Wave) -> Option<Channels> {
    match wave.channels {
        1 => Some(Channels::Mono),
        2 => Some(Channels::Stereo),
        _ => None,
    }
}

fn count(channels: Channels) -> usize {
    match channels {
        Channels::Mono => 1,
        Channels::Stereo => 2,
    }
}

/// The first packet of the stream (RFC 7845 §5.1).
#[derive(Debug, Clone, Copy)]
struct Head {
    channels: u8,
    /// Samples at 48 kHz that a player leaves out at the beginning.
    skip: u16,
    rate: u32,
}

impl Head {
    fn to_bytes(self) -> [u8; 19] {
        let mut bytes = [0; 19];
        let parts: [&[u8]; 6] = [
            b"OpusHead",
            &[1, self.channels],
            &self.skip.to_le_bytes(),
            &self.rate.to_le_bytes(),
            &[0, 0],
            &[0],
        ];
        let flat = parts.into_iter().flatten().copied();
        bytes.iter_mut().zip(flat).for_each(|(place, byte)| *place = byte);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = Self {
            channels: *bytes.get(9)?,
            skip: u16::from_le_bytes(bytes.get(10..12)?.try_into().ok()?),
            rate: u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?),
        };
        (head.to_bytes() == *bytes && matches!(head.rate, 8000 | 16_000 | 48_000)).then_some(head)
    }

    fn channels(self) -> io::Result<Channels> {
        match self.channels {
            1 => Ok(Channels::Mono),
            2 => Ok(Channels::Stereo),
            _ => Err(no_head()),
        }
    }
}

/// The second packet (RFC 7845 §5.2): who wrote it, and nothing about who speaks.
fn tags() -> Vec<u8> {
    let vendor = "callpost";
    let mut bytes = b"OpusTags".to_vec();
    bytes.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
    bytes.extend_from_slice(vendor.as_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes
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
        for (second, (ours, theirs)) in self.seconds.iter().zip(&other.seconds).enumerate() {
            // A little of one channel is heard in the other.
            let loudest = (ours.iter().copied().fold(0.0, f64::max) / self.rate as f64).sqrt();
            for (ours, theirs) in ours.iter().zip(theirs) {
                let level = |energy: f64| (energy / self.rate as f64).sqrt() + NOISE + loudest * LEAKS;
                let (ours, theirs) = (level(*ours), level(*theirs));
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
    channels: Channels,
    bits_a_second: i32,
    serial: u32,
    out: &mut dyn Write,
    breathe: &mut Breathe<'_>,
) -> io::Result<Loudness> {
    let mut encoder = Encoder::new(wave.rate, channels, Application::Voip).map_err(opus_trouble)?;
    encoder
        .set_bitrate(Bitrate::Bits(bits_a_second))
        .map_err(opus_trouble)?;
    let lookahead = encoder.get_lookahead().map_err(opus_trouble)?;
    let scale = CLOCK / u64::from(wave.rate);
    let skip = u16::try_from(u64::from(lookahead.unsigned_abs()) * scale).unwrap_or(312);
    let head = Head {
        channels: count(channels) as u8,
        skip,
        rate: wave.rate,
    };
    let mut writer = PacketWriter::new(out);
    writer.write_packet(head.to_bytes().to_vec(), serial, PacketWriteEndInfo::EndPage, 0)?;
    writer.write_packet(tags(), serial, PacketWriteEndInfo::EndPage, 0)?;
    let mut said = Loudness {
        rate: u64::from(wave.rate),
        ..Loudness::default()
    };
    let frames = u64::from(wave.rate) * PACKET_MS / 1000;
    let packet_bytes = usize::try_from(frames * wave.frame_bytes).unwrap_or(0);
    let total = wave.audio_bytes / wave.frame_bytes.max(1);
    // The encoder is behind by its lookahead: so many more packets bring out the end.
    let packets = (total + u64::from(lookahead.unsigned_abs()))
        .div_ceil(frames.max(1))
        .max(1);
    audio.seek(SeekFrom::Start(wave.audio_at))?;
    let mut sound = audio.take(total * wave.frame_bytes);
    let mut bytes = Vec::with_capacity(packet_bytes);
    let mut samples = Vec::new();
    let mut packet = [0; MOST_PACKET];
    for number in 1..=packets {
        bytes.clear();
        (&mut sound).take(packet_bytes as u64).read_to_end(&mut bytes)?;
        samples.clear();
        samples_into(wave.tag, &bytes, &mut samples);
        said.hear(&samples, count(channels));
        samples.resize(usize::try_from(frames).unwrap_or(0) * count(channels), 0);
        let length = encoder.encode(&samples, &mut packet).map_err(opus_trouble)?;
        let data = packet.get(..length).unwrap_or_default().to_vec();
        let granule = if number == packets {
            u64::from(skip) + total * scale
        } else {
            number * frames * scale
        };
        let end = match number {
            number if number == packets => PacketWriteEndInfo::EndStream,
            number if number % 50 == 0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        writer.write_packet(data, serial, end, granule)?;
        if number % 50 == 0 {
            breathe()?;
        }
    }
    Ok(said)
}

fn decode(
    audio: AudioFile,
    rate: u32,
    channels: Channels,
    breathe: &mut Breathe<'_>,
) -> io::Result<Loudness> {
    let mut reader = PacketReader::new(audio);
    let head = reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
    let head = Head::parse(&head.data).ok_or_else(no_head)?;
    reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
    let mut decoder = Decoder::new(rate, channels).map_err(opus_trouble)?;
    let scale = CLOCK / u64::from(rate);
    let mut heard = Loudness {
        rate: u64::from(rate),
        ..Loudness::default()
    };
    let mut skip = usize::try_from(u64::from(head.skip) / scale).unwrap_or(0) * count(channels);
    let mut samples = vec![0; 5760 * 2];
    let mut number = 0_u64;
    while let Some(packet) = reader.read_packet().map_err(broken)? {
        let frames = decoder
            .decode(&packet.data, &mut samples, false)
            .map_err(opus_trouble)?;
        let mut sound = samples.get(..frames * count(channels)).unwrap_or_default();
        let left_out = skip.min(sound.len());
        skip -= left_out;
        sound = sound.get(left_out..).unwrap_or_default();
        if packet.last_in_stream() {
            let end = packet.absgp_page().saturating_sub(u64::from(head.skip)) / scale;
            let left = usize::try_from(end.saturating_sub(heard.samples)).unwrap_or(0) * count(channels);
            sound = sound.get(..left).unwrap_or(sound);
        }
        heard.hear(sound, count(channels));
        number += 1;
        if number.is_multiple_of(50) {
            breathe()?;
        }
    }
    Ok(heard)
}

/// A packet that says nothing, as the encoder makes it after some silence.
fn quiet_packet(rate: u32, channels: Channels) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::new(rate, channels, Application::Voip).map_err(opus_trouble)?;
    let frames = usize::try_from(u64::from(rate) * PACKET_MS / 1000).unwrap_or(0);
    let silent = vec![0; frames * count(channels)];
    let mut packet = Vec::new();
    for _ in 0..5 {
        packet = encoder.encode_vec(&silent, MOST_PACKET).map_err(opus_trouble)?;
    }
    Ok(packet)
}

fn no_head() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no Opus stream of ours")
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn broken(error: ogg::reading::OggReadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn opus_trouble(error: opus::Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Codec;
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
            codec: Codec::Pcmu,
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
        let heard = decode(audio, 8000, Channels::Stereo, &mut || Ok(())).unwrap();
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
