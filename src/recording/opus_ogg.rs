//! Opus in Ogg (RFC 7845) as we write it: each channel is a stream of its own, so that nothing of one is heard in the
//! other. One stream of two coupled channels, as we wrote it once, can still be heard.

use super::find::AudioFile;
use ogg::reading::{OggReadError, PacketReader};
use opus::{Application, Bitrate, MSDecoder, MSEncoder};
use std::io::{self, Read, Seek};

/// Opus in Ogg counts at this rate, whatever was encoded (RFC 7845 §4).
const CLOCK: u64 = 48_000;
/// Packets of 20 ms.
pub(super) const PACKET_MS: u64 = 20;
/// The largest packet of 20 ms (RFC 6716 §3.4: 1275 bytes a frame), for each of two streams, with its length.
const MOST_PACKET: usize = 2 * (1275 + 8);
/// Samples of the longest packet, 120 ms at 48 kHz.
const LONGEST: usize = 5760;

/// The first packet of the stream (RFC 7845 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    channels: u8,
    /// Two channels in one stream, which share bits and leak into each other: mapping family 0.
    is_coupled: bool,
    /// Samples at 48 kHz that a player leaves out at the beginning.
    pub(super) skip: u16,
    /// Samples a second of what was encoded.
    pub(super) rate: u32,
}

/// What stands before the sound.
pub(super) struct Front {
    pub(super) head: Head,
    /// The second packet, as it is.
    pub(super) tags: Vec<u8>,
}

impl Head {
    /// Whether sound of this kind is written as Opus.
    pub(super) fn allows(channels: u8, rate: u32) -> bool {
        matches!(channels, 1 | 2) && matches!(rate, 8000 | 16_000 | 48_000)
    }

    /// Reads the two packets in front of the sound.
    pub(super) fn read<R: Read + Seek>(reader: &mut PacketReader<R>) -> io::Result<Front> {
        let head = reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
        let head = Self::parse(&head.data).ok_or_else(no_head)?;
        let tags = reader.read_packet().map_err(broken)?.ok_or_else(no_head)?;
        Ok(Front {
            head,
            tags: tags.data,
        })
    }

    /// One channel is mapping family 0. Two are family 1, whose order for two is left and right (RFC 7845 §5.1.1.2), with
    /// the streams, the coupled ones and the stream of each channel behind.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = b"OpusHead".to_vec();
        bytes.extend_from_slice(&[1, self.channels]);
        bytes.extend_from_slice(&self.skip.to_le_bytes());
        bytes.extend_from_slice(&self.rate.to_le_bytes());
        bytes.extend_from_slice(&[0, 0]);
        if self.channels == 2 && !self.is_coupled {
            bytes.extend_from_slice(&[1, 2, 0, 0, 1]);
        } else {
            bytes.push(0);
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let channels = *bytes.get(9)?;
        let head = Self {
            channels,
            is_coupled: channels == 2 && *bytes.get(18)? == 0,
            skip: u16::from_le_bytes(bytes.get(10..12)?.try_into().ok()?),
            rate: u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?),
        };
        (head.to_bytes() == bytes && Self::allows(channels, head.rate)).then_some(head)
    }

    /// The second packet (RFC 7845 §5.2): who wrote it, and nothing about who speaks.
    pub(super) fn tags() -> Vec<u8> {
        let vendor = "callpost";
        let mut bytes = b"OpusTags".to_vec();
        bytes.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
        bytes.extend_from_slice(vendor.as_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes
    }

    /// Channels.
    pub(super) fn count(self) -> usize {
        usize::from(self.channels)
    }

    /// Ticks of the stream's clock in one sample.
    pub(super) fn scale(self) -> u64 {
        CLOCK / u64::from(self.rate.max(1))
    }

    /// Ticks of the stream's clock in milliseconds.
    pub(super) fn ms(self, ticks: u64) -> u64 {
        ticks * 1000 / CLOCK
    }

    /// A packet that says nothing, as the encoder makes it after some silence.
    pub(super) fn quiet_packet(self) -> io::Result<Vec<u8>> {
        let mut speech = Speech::with_head(self)?;
        let frames = usize::try_from(u64::from(self.rate) * PACKET_MS / 1000).unwrap_or(0);
        let silent = vec![0; frames * self.count()];
        let mut packet = Vec::new();
        for _ in 0..5 {
            packet = speech.say(&silent)?;
        }
        Ok(packet)
    }

    /// Streams, coupled streams, and the stream of each channel, as libopus wants them.
    fn layout(self) -> (u8, u8, &'static [u8]) {
        match (self.channels, self.is_coupled) {
            (1, _) => (1, 0, &[0]),
            (_, true) => (1, 1, &[0, 1]),
            (_, false) => (2, 0, &[0, 1]),
        }
    }
}

/// Sound on its way into packets.
pub(super) struct Speech {
    head: Head,
    encoder: MSEncoder,
    packet: Vec<u8>,
}

impl Speech {
    /// For sound of this kind; `bits_a_second` is for all channels together.
    pub(super) fn new(channels: u8, rate: u32, bits_a_second: i32) -> io::Result<Self> {
        let mut speech = Self::with_head(Head {
            channels,
            is_coupled: false,
            skip: 0,
            rate,
        })?;
        let bits = Bitrate::Bits(bits_a_second);
        speech.encoder.set_bitrate(bits).map_err(trouble)?;
        let lookahead = speech.encoder.get_lookahead().map_err(trouble)?;
        let skip = u64::from(lookahead.unsigned_abs()) * speech.head.scale();
        speech.head.skip = u16::try_from(skip).unwrap_or(312);
        Ok(speech)
    }

    fn with_head(head: Head) -> io::Result<Self> {
        let (streams, coupled, mapping) = head.layout();
        let encoder =
            MSEncoder::new(head.rate, streams, coupled, mapping, Application::Voip).map_err(trouble)?;
        Ok(Self {
            head,
            encoder,
            packet: vec![0; MOST_PACKET],
        })
    }

    /// What the stream begins with.
    pub(super) fn head(&self) -> Head {
        self.head
    }

    /// The packet for 20 ms of samples, interleaved.
    pub(super) fn say(&mut self, samples: &[i16]) -> io::Result<Vec<u8>> {
        let length = self.encoder.encode(samples, &mut self.packet).map_err(trouble)?;
        Ok(self.packet.get(..length).unwrap_or_default().to_vec())
    }
}

/// An archive that is heard from its beginning to its end.
pub(super) struct Hearing<R: Read + Seek = AudioFile> {
    reader: PacketReader<R>,
    head: Head,
    decoder: MSDecoder,
    samples: Vec<i16>,
    /// Samples of each channel that a player still leaves out, and those it has heard.
    skip: usize,
    heard: u64,
}

impl<R: Read + Seek> Hearing<R> {
    /// Reads what stands before the sound.
    pub(super) fn new(audio: R) -> io::Result<Self> {
        let mut reader = PacketReader::new(audio);
        let Front { head, .. } = Head::read(&mut reader)?;
        let (streams, coupled, mapping) = head.layout();
        let decoder = MSDecoder::new(head.rate, streams, coupled, mapping).map_err(trouble)?;
        Ok(Self {
            reader,
            head,
            decoder,
            samples: vec![0; LONGEST * head.count()],
            skip: usize::try_from(u64::from(head.skip) / head.scale()).unwrap_or(0),
            heard: 0,
        })
    }

    /// What the stream began with.
    pub(super) fn head(&self) -> Head {
        self.head
    }

    /// The next samples, interleaved, at the rate that was encoded; nothing at the end.
    pub(super) fn hear(&mut self) -> io::Result<Option<&[i16]>> {
        let Some(packet) = self.reader.read_packet().map_err(broken)? else {
            return Ok(None);
        };
        let frames = self
            .decoder
            .decode(&packet.data, &mut self.samples, false)
            .map_err(trouble)?;
        let from = self.skip.min(frames);
        self.skip -= from;
        let mut until = frames;
        if packet.last_in_stream() {
            let ticks = packet.absgp_page().saturating_sub(u64::from(self.head.skip));
            let left = (ticks / self.head.scale()).saturating_sub(self.heard);
            until = until.min(from + usize::try_from(left).unwrap_or(0));
        }
        self.heard += (until - from) as u64;
        let count = self.head.count();
        Ok(self.samples.get(from * count..until * count))
    }
}

fn no_head() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no Opus stream of ours")
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(super) fn broken(error: OggReadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn trouble(error: opus::Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ogg::writing::{PacketWriteEndInfo, PacketWriter};
    use std::io::Cursor;

    fn sine(rate: u32, samples: usize) -> impl Iterator<Item = i16> {
        let step = 2.0 * std::f64::consts::PI * 440.0 / f64::from(rate);
        (0..samples).map(move |number| (16_000.0 * (step * number as f64).sin()) as i16)
    }

    /// Two seconds with a tone on one channel, heard again: the level of each channel.
    fn levels(mut speech: Speech, loud: usize) -> [f64; 2] {
        let head = speech.head();
        let mut bytes = Vec::new();
        let mut writer = PacketWriter::new(&mut bytes);
        for front in [head.to_bytes(), Head::tags()] {
            writer
                .write_packet(front, 7, PacketWriteEndInfo::EndPage, 0)
                .unwrap();
        }
        let tone: Vec<i16> = sine(head.rate, head.rate as usize * 2).collect();
        let packets: Vec<_> = tone.chunks(head.rate as usize / 50).collect();
        for (number, packet) in packets.iter().enumerate() {
            let mut both = vec![0; packet.len() * 2];
            for (pair, sample) in both.chunks_mut(2).zip(*packet) {
                pair[loud] = *sample;
            }
            let end = if number + 1 == packets.len() {
                PacketWriteEndInfo::EndStream
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            let granule = (number as u64 + 1) * 960;
            writer
                .write_packet(speech.say(&both).unwrap(), 7, end, granule)
                .unwrap();
        }
        drop(writer);
        let mut hearing = Hearing::new(Cursor::new(bytes)).unwrap();
        assert_eq!(hearing.head(), head);
        let (mut energies, mut count) = ([0.0; 2], 0.0);
        while let Some(sound) = hearing.hear().unwrap() {
            for pair in sound.chunks(2) {
                for (energy, sample) in energies.iter_mut().zip(pair) {
                    *energy += f64::from(*sample) * f64::from(*sample);
                }
                count += 1.0;
            }
        }
        energies.map(|energy| (energy / count).sqrt())
    }

    #[test]
    fn a_tone_on_one_channel_is_not_heard_on_the_other() {
        for rate in [8000, 16_000, 48_000] {
            for loud in [0, 1] {
                let levels = levels(Speech::new(2, rate, 24_000).unwrap(), loud);
                let quiet = levels[1 - loud].max(0.01);
                let apart = 20.0 * (levels[loud] / quiet).log10();
                assert!(
                    levels[loud] > 8000.0 && apart >= 60.0,
                    "{rate} {loud}: {levels:?}"
                );
            }
        }
    }

    #[test]
    fn an_archive_of_two_coupled_channels_is_still_heard() {
        let head = Head {
            channels: 2,
            is_coupled: true,
            skip: 312,
            rate: 8000,
        };
        assert_eq!(head.to_bytes().len(), 19);
        let levels = levels(Speech::with_head(head).unwrap(), 0);
        assert!(levels[0] > 8000.0 && levels[1] < 2000.0, "{levels:?}");
    }

    #[test]
    fn a_head_is_what_the_rfc_says_and_any_other_is_none_of_ours() {
        let head = Speech::new(2, 8000, 24_000).unwrap().head();
        let bytes = head.to_bytes();
        assert_eq!(
            bytes,
            [
                b"OpusHead\x01\x02".as_slice(),
                &head.skip.to_le_bytes(),
                &[0x40, 0x1f, 0, 0, 0, 0, 1, 2, 0, 0, 1]
            ]
            .concat()
        );
        assert_eq!(Head::parse(&bytes), Some(head));
        for place in [0, 8, 9, 14, 16, 18, 19, 20, 21] {
            let mut other = bytes.clone();
            other[place] ^= 0x10;
            assert_eq!(Head::parse(&other), None, "byte {place}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Head::parse(&bytes[..cut]), None);
        }
    }
}
