use crate::media::g711;
use crate::model::{Codec, TapeFormat};
use std::ops::Range;

/// How many milliseconds of each channel a reel holds: what waits, what comes, and a little ahead.
const HOLDS_MS: u32 = 1024;

/// The audio of a tape that waits to be handed on: a ring, interleaved as the file has it, silent where nothing was laid.
#[derive(Debug)]
pub(in crate::media) struct Reel {
    format: TapeFormat,
    channels: usize,
    /// Samples of each channel.
    length: usize,
    bytes: Box<[u8]>,
}

/// What is said, as it is laid on a reel.
#[derive(Debug, Clone, Copy)]
pub(in crate::media) enum Said<'a> {
    /// Bytes of G.711 in this law.
    Law(Codec, &'a [u8]),
    /// Samples at the reel's rate.
    Linear(&'a [i16]),
}

impl Said<'_> {
    /// In samples.
    pub(in crate::media) fn length(self) -> usize {
        match self {
            Self::Law(_, bytes) => bytes.len(),
            Self::Linear(samples) => samples.len(),
        }
    }
}

impl Reel {
    /// An empty reel with one or two channels.
    pub(in crate::media) fn new(format: TapeFormat, channels: usize) -> Self {
        let length = (HOLDS_MS * format.rate_hz() / 1000) as usize;
        Self {
            format,
            channels,
            length,
            bytes: vec![format.silence(); length * channels * format.sample_bytes()].into(),
        }
    }

    /// Samples of each channel that it holds.
    pub(in crate::media) fn length(&self) -> usize {
        self.length
    }

    /// Bytes of a sample of every channel.
    pub(in crate::media) fn frame_bytes(&self) -> usize {
        self.channels * self.format.sample_bytes()
    }

    /// How its file is laid out.
    pub(in crate::media) fn format(&self) -> TapeFormat {
        self.format
    }

    /// Appends so many samples of silence to `audio`.
    pub(in crate::media) fn hush(&self, samples: usize, audio: &mut Vec<u8>) {
        audio.resize(audio.len() + samples * self.frame_bytes(), self.format.silence());
    }

    /// Lays samples `from..to` of what is said on a channel, from this place of the line of time on; what lies there
    /// already goes, or is heard with it when it `mixes`.
    pub(in crate::media) fn lay(
        &mut self,
        channel: usize,
        place: i64,
        (from, to): (usize, usize),
        said: Said<'_>,
        mixes: bool,
    ) {
        let first = self.slot(place);
        let front = (to.saturating_sub(from)).min(self.length - first);
        for (slot, from, to) in [(first, from, from + front), (0, from + front, to)] {
            match (said, self.format.law()) {
                (Said::Law(law, bytes), Some(own)) if !mixes => {
                    let bytes = bytes.get(from..to).unwrap_or_default();
                    self.copy_law(channel, slot, bytes, g711::transcoder(law, own));
                }
                (Said::Law(law, bytes), _) => {
                    let bytes = bytes.get(from..to).unwrap_or_default();
                    let samples = bytes.iter().map(|byte| g711::linear(law, *byte));
                    self.lay_samples(channel, slot, samples, mixes);
                }
                (Said::Linear(samples), _) => {
                    let samples = samples.get(from..to).unwrap_or_default();
                    self.lay_samples(channel, slot, samples.iter().copied(), mixes);
                }
            }
        }
    }

    /// Moves so many samples of every channel to `audio`, from this place on, and leaves silence behind.
    pub(in crate::media) fn empty(&mut self, place: i64, samples: usize, audio: &mut Vec<u8>) {
        let (first, silence, frame) = (self.slot(place), self.format.silence(), self.frame_bytes());
        let kept = samples.min(self.length);
        for part in [
            first..(first + kept).min(self.length),
            0..(first + kept).saturating_sub(self.length),
        ] {
            if let Some(part) = self.bytes.get_mut(part.start * frame..part.end * frame) {
                audio.extend_from_slice(part);
                part.fill(silence);
            }
        }
    }

    /// Moves what was laid on a channel so many samples back on the line of time, and leaves silence behind.
    pub(in crate::media) fn lay_earlier(&mut self, channel: usize, laid: Range<i64>, earlier: i64) {
        let size = self.format.sample_bytes();
        for sample in laid.start - earlier..laid.end {
            let from = Some(sample + earlier).filter(|from| *from < laid.end);
            for byte in 0..size {
                let place = |sample: i64| (self.slot(sample) * self.channels + channel) * size + byte;
                let to = place(sample);
                let moved = from.and_then(|from| self.bytes.get(place(from)).copied());
                if let Some(slot) = self.bytes.get_mut(to) {
                    *slot = moved.unwrap_or(self.format.silence());
                }
            }
        }
    }

    /// Leaves silence at a place of every channel.
    pub(in crate::media) fn wipe(&mut self, place: i64) {
        let (first, silence, frame) = (self.slot(place), self.format.silence(), self.frame_bytes());
        if let Some(sample) = self.bytes.get_mut(first * frame..(first + 1) * frame) {
            sample.fill(silence);
        }
    }

    fn slot(&self, place: i64) -> usize {
        place.rem_euclid(self.length as i64) as usize
    }

    /// The common case, a byte a sample: as it is, or through a table.
    fn copy_law(&mut self, channel: usize, slot: usize, bytes: &[u8], table: Option<&[u8; 256]>) {
        let slots = self.bytes.iter_mut().skip(slot * self.channels + channel);
        for (slot, byte) in slots.step_by(self.channels).zip(bytes) {
            *slot = table.map_or(*byte, |table| table[usize::from(*byte)]);
        }
    }

    fn lay_samples(&mut self, channel: usize, slot: usize, samples: impl Iterator<Item = i16>, mixes: bool) {
        let format = self.format;
        let slots = self.bytes.chunks_exact_mut(format.sample_bytes());
        let slots = slots.skip(slot * self.channels + channel).step_by(self.channels);
        for (slot, sample) in slots.zip(samples) {
            let before = if mixes { read(format, slot) } else { 0 };
            write(format, slot, before.saturating_add(sample));
        }
    }
}

fn read(format: TapeFormat, slot: &[u8]) -> i16 {
    match (format.law(), slot) {
        (Some(law), [byte, ..]) => g711::linear(law, *byte),
        (None, [low, high, ..]) => i16::from_le_bytes([*low, *high]),
        (Some(_) | None, _) => 0,
    }
}

fn write(format: TapeFormat, slot: &mut [u8], sample: i16) {
    match (format.law(), slot) {
        (Some(law), [byte, ..]) => *byte = g711::encode(law, sample),
        (None, [low, high, ..]) => [*low, *high] = sample.to_le_bytes(),
        (Some(_) | None, _) => {}
    }
}
