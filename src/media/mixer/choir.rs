use super::Voice;
use super::party::Party;
use crate::media::voice::Mouth;

/// Room for a packet's payload in any codec: the longest frame of Opus (RFC 6716 §3.2.1).
pub(super) const MOST_PAYLOAD: usize = 1275;
/// So many who are spoken to in the same way make a choir of listeners; fewer are spoken to one by one.
const LEAST: usize = 4;
/// Ticks without a word, half a second, after which somebody is a listener.
const SETTLED: u8 = 25;

/// Listeners who hear the same, in a codec that has a memory: it is encoded once for all of them.
///
/// Whoever begins to talk hears something else from then on and gets a voice of its own at once; whoever falls silent
/// comes back after half a second, so that a pause for breath changes nothing. A decoder that is handed from one
/// encoder to the other adapts within a few milliseconds.
#[derive(Debug)]
pub(super) struct Choir {
    voice: Voice,
    mouth: Mouth,
    payload: [u8; MOST_PAYLOAD],
    /// What was said in this tick, once it was.
    said: Option<usize>,
}

impl Choir {
    /// The choirs that these parties make.
    pub(super) fn of(parties: &[Party], rate_hz: u32, choirs: &mut Vec<Self>) {
        let count = |voice: Voice| parties.iter().filter(|party| party.voice == voice).count();
        choirs.retain(|choir| count(choir.voice) >= LEAST);
        for voice in parties.iter().map(|party| party.voice) {
            let is_known = choirs.iter().any(|choir| choir.voice == voice);
            if !is_known && !voice.codec.is_g711() && count(voice) >= LEAST {
                choirs.push(Self {
                    voice,
                    mouth: Mouth::new(voice.codec, rate_hz).keeping_to(&voice.opus),
                    payload: [0; MOST_PAYLOAD],
                    said: None,
                });
            }
        }
    }

    /// A new tick.
    pub(super) fn draw_breath(&mut self) {
        self.said = None;
    }

    /// Whether this party is one of its listeners.
    pub(super) fn has(&self, party: &Party) -> bool {
        self.voice == party.voice && party.quiet >= SETTLED
    }

    /// What was said in this tick already.
    pub(super) fn said(&self) -> Option<&[u8]> {
        self.payload.get(..self.said?)
    }

    /// Says this in the tick.
    pub(super) fn say(&mut self, heard: &[i16]) -> &[u8] {
        let written = self.mouth.speak(heard, &mut self.payload);
        self.said = Some(written);
        self.payload.get(..written).unwrap_or_default()
    }
}
