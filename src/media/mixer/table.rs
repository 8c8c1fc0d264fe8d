use super::Voice;
use super::choir::{Choir, MOST_PAYLOAD};
use super::limit::{cut, soften};
use super::party::{MOST_SAMPLES, Party};
use crate::media::rtp::Packet;
use crate::model::{Codec, Part};
use std::time::{Duration, Instant};

/// From one tick to the next.
const TICK: Duration = Duration::from_millis(20);
/// Ticks missed by more than this are not made up for: the thread was stopped.
const STALLED: Duration = Duration::from_millis(100);
/// Bytes of a tick in G.711.
const LAW: usize = 160;

/// One conversation whose parties are decoded, added up and encoded.
#[derive(Debug)]
pub struct Mixer {
    origin: Instant,
    /// Ticks since the origin.
    ticks: u32,
    rate_hz: u32,
    parties: Vec<Party>,
    /// Everybody who talks, added up.
    sum: [i32; MOST_SAMPLES],
    heard: [i16; MOST_SAMPLES],
    payload: [u8; MOST_PAYLOAD],
    /// What those hear who say nothing themselves, once for each law.
    plain: [Option<[u8; LAW]>; 2],
    /// The same in the other codecs, where there are many of them.
    choirs: Vec<Choir>,
}

impl Mixer {
    /// An empty conversation whose ticks fall on `origin` and every 20 ms after it; the first is the next one.
    pub fn new(now: Instant, origin: Instant) -> Self {
        let mut mixer = Self {
            origin,
            ticks: 0,
            rate_hz: 8000,
            parties: Vec::new(),
            sum: [0; MOST_SAMPLES],
            heard: [0; MOST_SAMPLES],
            payload: [0; MOST_PAYLOAD],
            plain: [None; 2],
            choirs: Vec::new(),
        };
        mixer.ticks = mixer.gone(now);
        mixer
    }

    /// When the next tick is due.
    pub fn due(&self) -> Instant {
        self.origin + TICK * (self.ticks + 1)
    }

    /// The rate it adds up at, in Hz.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Those who take part, in the order they came.
    pub fn parties(&self) -> impl Iterator<Item = (usize, Part<usize>)> {
        self.parties.iter().map(|party| (party.id, party.part))
    }

    /// The two who can do without it: nobody else is here, both talk, and their packets can be passed on as they are.
    pub fn pair(&self) -> Option<(usize, usize)> {
        let [one, other] = self.parties.as_slice() else {
            return None;
        };
        let pair = one.talks() && other.talks() && one.voice.codec.passes_as(other.voice.codec);
        pair.then_some((one.id, other.id))
    }

    /// Takes a leg in, or gives one that is here another part or codec.
    pub fn join(&mut self, now: Instant, id: usize, voice: impl Into<Voice>, part: Part<usize>) {
        let (rate_hz, voice) = (self.rate_hz, voice.into());
        match self.parties.iter_mut().find(|party| party.id == id) {
            Some(party) => {
                party.part = part;
                if party.voice != voice {
                    party.change(now, voice, rate_hz);
                }
            }
            None => self.parties.push(Party::new(now, id, voice, part, rate_hz)),
        }
        self.settle_rate(now);
    }

    /// Lets a leg go. Whoever whispered to it is heard by nobody.
    pub fn leave(&mut self, now: Instant, id: usize) {
        self.parties.retain(|party| party.id != id);
        self.settle_rate(now);
    }

    /// Takes a packet that a party sent; `payload` is what it carries.
    pub fn put(&mut self, now: Instant, id: usize, packet: &Packet, payload: &[u8]) {
        let rate_hz = self.rate_hz;
        if let Some(party) = self.parties.iter_mut().find(|party| party.id == id) {
            party.put(now, packet, payload, rate_hz);
        }
    }

    /// Whether a tick is due. It counts as done; several are due after a short delay, one after a long one.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let due = self.due();
        if now < due {
            return false;
        }
        self.ticks = if now > due + STALLED {
            self.gone(now)
        } else {
            self.ticks + 1
        };
        true
    }

    /// One tick: hears everybody, and gives each party's payload of 20 ms to `send`; an empty one when its codec has
    /// nothing to say for them.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(usize, Codec, &[u8])) {
        let length = self.length();
        for party in &mut self.parties {
            party.listen(now, length);
        }
        self.add_up(length);
        self.plain = [None; 2];
        self.choirs.iter_mut().for_each(Choir::draw_breath);
        for place in 0..self.parties.len() {
            self.say(place, length, &mut send);
        }
    }

    /// The second highest rate of the parties: no two of them can hear each other better than that.
    fn settle_rate(&mut self, now: Instant) {
        let (mut first, mut second) = (0, 0);
        for rate in self.parties.iter().map(|party| party.voice.codec.sample_rate()) {
            (first, second) = if rate > first {
                (rate, first)
            } else {
                (first, second.max(rate))
            };
        }
        let rate_hz = second.max(8000);
        if rate_hz != self.rate_hz {
            self.rate_hz = rate_hz;
            for party in &mut self.parties {
                party.change(now, party.voice, rate_hz);
            }
            self.choirs.clear();
        }
        Choir::of(&self.parties, rate_hz, &mut self.choirs);
    }

    fn length(&self) -> usize {
        MOST_SAMPLES.min(self.rate_hz as usize / 50)
    }

    /// Ticks from the origin until now.
    fn gone(&self, now: Instant) -> u32 {
        let gone = now.saturating_duration_since(self.origin).as_millis() / TICK.as_millis();
        u32::try_from(gone).unwrap_or(u32::MAX - 1)
    }

    fn add_up(&mut self, length: usize) {
        self.sum.fill(0);
        for party in self.parties.iter().filter(|party| party.sounds()) {
            for (sum, said) in self.sum.iter_mut().zip(&party.said).take(length) {
                *sum += i32::from(*said);
            }
        }
    }

    /// Says to one party what it hears.
    fn say(&mut self, place: usize, length: usize, send: &mut impl FnMut(usize, Codec, &[u8])) {
        let Some(party) = self.parties.get(place) else {
            return;
        };
        let (id, codec, sounds) = (party.id, party.voice.codec, party.sounds());
        let is_whispered_to = self.parties.iter().any(|other| other.whispers_to(id));
        let law = law(codec).filter(|_| !sounds && !is_whispered_to);
        if let Some(Some(ready)) = law.and_then(|law| self.plain.get(law)) {
            return send(id, codec, ready);
        }
        let choir = self
            .choirs
            .iter()
            .position(|choir| choir.has(party))
            .filter(|_| !is_whispered_to);
        if let Some(said) = choir.and_then(|choir| self.choirs.get(choir)?.said()) {
            return send(id, codec, said);
        }
        self.mix_for(place, length);
        if let (Some(choir), Some(heard)) = (
            choir.and_then(|choir| self.choirs.get_mut(choir)),
            self.heard.get(..length),
        ) {
            return send(id, codec, choir.say(heard));
        }
        let (Some(party), Some(heard)) = (self.parties.get_mut(place), self.heard.get(..length)) else {
            return;
        };
        let written = party.mouth.speak(heard, &mut self.payload);
        let payload = self.payload.get(..written).unwrap_or_default();
        send(id, codec, payload);
        if let Some(plain) = law.and_then(|law| self.plain.get_mut(law)) {
            *plain = payload.try_into().ok();
        }
    }

    /// Everybody who talks but this one, and whoever whispers to it.
    fn mix_for(&mut self, place: usize, length: usize) {
        let Some(party) = self.parties.get(place) else {
            return;
        };
        let id = party.id;
        let mut voices = self.parties.iter().filter(|other| other.sounds()).count();
        let mut mixed = self.sum;
        if party.sounds() {
            voices -= 1;
            for (mixed, said) in mixed.iter_mut().zip(&party.said).take(length) {
                *mixed -= i32::from(*said);
            }
        }
        for other in self.parties.iter().filter(|other| other.whispers_to(id)) {
            voices += 1;
            for (mixed, said) in mixed.iter_mut().zip(&other.said).take(length) {
                *mixed += i32::from(*said);
            }
        }
        let level = if voices > 1 { soften } else { cut };
        for (heard, mixed) in self.heard.iter_mut().zip(mixed).take(length) {
            *heard = level(mixed);
        }
    }
}

/// Which of the two laws of G.711 a codec is; only they have no memory, so that one payload serves several.
fn law(codec: Codec) -> Option<usize> {
    [Codec::Pcmu, Codec::Pcma].iter().position(|law| *law == codec)
}
