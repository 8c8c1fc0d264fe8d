use super::Voice;
use crate::media::rtp::{Kind, Packet};
use crate::media::voice::{Ear, Mouth};
use crate::model::{Codec, Part};
use std::time::Instant;

/// Samples of 20 ms at the highest rate there is, 48 kHz.
pub(super) const MOST_SAMPLES: usize = 960;
/// Packets in another codec than the agreed one, one after the other, before they are believed.
const BELIEVED: u8 = 3;

/// One leg in a conversation.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) id: usize,
    pub(super) part: Part<usize>,
    /// How it is spoken to.
    pub(super) voice: Voice,
    /// What it says now; only the first samples of a tick are used.
    pub(super) said: [i16; MOST_SAMPLES],
    /// Whether it says anything now.
    pub(super) is_heard: bool,
    /// Ticks since it last said something to all.
    pub(super) quiet: u8,
    pub(super) mouth: Mouth,
    ear: Ear,
    hears: Codec,
    strange: u8,
}

impl Party {
    pub(super) fn new(now: Instant, id: usize, voice: Voice, part: Part<usize>, rate_hz: u32) -> Self {
        Self {
            id,
            part,
            voice,
            said: [0; MOST_SAMPLES],
            is_heard: false,
            quiet: 0,
            mouth: Mouth::new(voice.codec, rate_hz).keeping_to(&voice.opus),
            ear: Ear::new(now, voice.codec, rate_hz),
            hears: voice.codec,
            strange: 0,
        }
    }

    /// The conversation goes on at another rate, or in another codec.
    pub(super) fn change(&mut self, now: Instant, voice: Voice, rate_hz: u32) {
        (self.voice, self.hears, self.strange) = (voice, voice.codec, 0);
        self.mouth = Mouth::new(voice.codec, rate_hz).keeping_to(&voice.opus);
        self.ear = Ear::new(now, voice.codec, rate_hz);
    }

    /// Takes a packet of this leg. A phone may speak another of the agreed codecs than it is spoken to in; it is
    /// believed after a few packets.
    pub(super) fn put(&mut self, now: Instant, packet: &Packet, payload: &[u8], rate_hz: u32) {
        if let Kind::Audio(codec) = packet.kind
            && codec != self.hears
        {
            self.strange += 1;
            if self.strange < BELIEVED {
                return;
            }
            self.hears = codec;
            self.ear = Ear::new(now, codec, rate_hz);
        }
        self.strange = 0;
        self.ear.put(now, packet, payload);
    }

    /// Hears what it says in this tick.
    pub(super) fn listen(&mut self, now: Instant, length: usize) {
        self.is_heard = match self.said.get_mut(..length) {
            Some(said) => self.ear.pull(now, said),
            None => false,
        };
        self.quiet = if self.sounds() {
            0
        } else {
            self.quiet.saturating_add(1)
        };
    }

    /// Whether everybody hears it.
    pub(super) fn talks(&self) -> bool {
        self.part == Part::Talks
    }

    /// Whether it says something to all in this tick.
    pub(super) fn sounds(&self) -> bool {
        self.is_heard && self.talks()
    }

    /// Whether it says something to this one alone in this tick.
    pub(super) fn whispers_to(&self, other: usize) -> bool {
        self.is_heard && self.part == Part::WhispersTo(other)
    }
}
