//! Who hears whom: two legs are relayed when their packets can be passed on as they are; others meet in a mixer.

use super::traffic::send;
use super::worker::Worker;
use crate::media::Packet;
use crate::media::mixer::{Mixer, Voice};
use crate::model::{CallKey, Codec, Digit, LegKey, Part};
use std::time::{Duration, Instant};

/// Mixers are spread over so many moments of a tick, so that a hundred conversations are not one burst.
const PHASES: u32 = 5;
/// Between two of these moments.
const STEP: Duration = Duration::from_millis(4);

/// The mixers of a thread, each at a place that stays the same while it lives. Without any, it asks for no wake-up.
#[derive(Debug)]
pub(super) struct Mixing {
    origin: Instant,
    places: Vec<Option<Box<Mixer>>>,
    made: u32,
}

impl Mixing {
    /// Nobody meets.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            places: Vec::new(),
            made: 0,
        }
    }

    /// When the next tick of any is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.places.iter().flatten().map(|mixer| mixer.due()).min()
    }

    /// A mixer whose tick is due; the tick counts as done.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<usize> {
        self.places
            .iter_mut()
            .position(|mixer| mixer.as_mut().is_some_and(|mixer| mixer.take_due(now)))
    }

    fn make(&mut self, now: Instant) -> usize {
        let origin = self.origin + STEP * (self.made % PHASES);
        self.made = self.made.wrapping_add(1);
        let mixer = Some(Box::new(Mixer::new(now, origin)));
        match self.places.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(place) = self.places.get_mut(free) {
                    *place = mixer;
                }
                free
            }
            None => {
                self.places.push(mixer);
                self.places.len() - 1
            }
        }
    }

    /// The part that a leg has at a mixer.
    pub(super) fn part_of(&self, mixer: usize, leg: usize) -> Option<Part<usize>> {
        let table = self.places.get(mixer)?.as_deref()?;
        table.parties().find(|(id, _)| *id == leg).map(|(_, part)| part)
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut Mixer> {
        self.places.get_mut(place)?.as_deref_mut()
    }
}

impl Worker {
    /// Two legs hear each other from now on, and nobody else; what plays on either is stopped.
    pub(super) fn bridge(&mut self, now: Instant, a: LegKey, b: LegKey) {
        let (Some(at_a), Some(at_b)) = (self.legs.place(a), self.legs.place(b)) else {
            tracing::debug!(%a, %b, "Legs {a} and {b} cannot be bridged: one of them is no more.");
            return;
        };
        if at_a == at_b {
            return;
        }
        self.part(now, at_a);
        self.part(now, at_b);
        for place in [at_a, at_b] {
            self.welcome(place);
        }
        self.connect(now, at_a, at_b);
    }

    /// The leg hears nobody and is heard by nobody; those it leaves go on.
    pub(super) fn unbridge(&mut self, now: Instant, key: LegKey) {
        if let Some(place) = self.legs.place(key) {
            self.part(now, place);
        }
    }

    /// These legs of a call hear each other as their parts say, and no other leg of it.
    pub(super) fn mix(&mut self, now: Instant, call: CallKey, parties: &[(LegKey, Part<LegKey>)]) {
        let wanted = self.places_of(parties);
        self.dismiss(now, call, &wanted);
        if let [(a, Part::Talks), (b, Part::Talks)] = wanted.as_slice() {
            self.meet_as_pair(now, *a, *b);
        } else if wanted.len() > 1 {
            let known = wanted.iter().find_map(|(place, _)| self.mixer_of(*place));
            let mixer = known.unwrap_or_else(|| self.mixing.make(now));
            for (place, part) in wanted {
                self.seat(now, mixer, place, part);
            }
        }
        self.tape_guests(call);
    }

    /// What was agreed for a leg is new: its conversation may have to be mixed now, or no longer.
    pub(super) fn settle(&mut self, now: Instant, place: usize) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        match (leg.peer, leg.mixer, leg.session.agreed()) {
            (Some(peer), _, _) => self.connect(now, place, peer),
            (None, Some(mixer), Some(agreed)) => {
                let voice = Voice::from(*agreed);
                let Some(table) = self.mixing.get_mut(mixer) else {
                    return;
                };
                let part = table.parties().find(|(id, _)| *id == place);
                if let Some((_, part)) = part {
                    table.join(now, place, voice, part);
                }
                self.dissolve_if_done(now, mixer);
            }
            (None, _, _) => {}
        }
    }

    /// A packet of a party, given by its mixer and its place. A key it tells of is told to the others in the form each
    /// wants; one that is sung is kept out of the mix where all others are told of it by the engine.
    pub(super) fn hear_mixed(
        &mut self,
        now: Instant,
        (mixer, place): (usize, usize),
        packet: &Packet,
        key: Option<Digit>,
        sings: bool,
    ) {
        let Self {
            mixing,
            legs,
            playout,
            buffer,
            ..
        } = self;
        let Some(table) = mixing.get_mut(mixer) else {
            return;
        };
        let mut all_are_told = sings;
        for (other, _) in table.parties().filter(|(other, _)| *other != place) {
            let Some(leg) = legs.get_mut(other) else { continue };
            all_are_told &= leg.session.takes_events();
            if let Some(key) = key {
                leg.session.press(now, key);
                if leg.phase.is_none() {
                    leg.phase = Some(playout.join(now, other));
                }
            }
        }
        if !all_are_told {
            table.put(now, place, packet, packet.payload(&buffer[..]));
        }
    }

    /// One tick of a conversation: each party is sent what it hears.
    pub(super) fn run_mixer(&mut self, now: Instant, mixer: usize) {
        let Self {
            mixing,
            legs,
            buffer,
            counts,
            at_hand,
            ..
        } = self;
        let Some(table) = mixing.get_mut(mixer) else {
            return;
        };
        *at_hand = table.parties().next().map(|(id, _)| id);
        table.tick(now, |id, _, payload| {
            let Some(leg) = legs.get_mut(id) else { return };
            let Some((length, to)) = leg.session.carry(now, payload, &mut buffer[..]) else {
                return;
            };
            send(leg, &mut buffer[..], 0..length, to, counts);
        });
    }

    /// Takes a leg out of whatever conversation it is in.
    fn part(&mut self, now: Instant, place: usize) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        leg.session.interrupt();
        let (peer, mixer, tape) = (leg.peer.take(), leg.mixer.take(), leg.guest_on.take());
        if let Some(tape) = tape {
            self.taping.dismiss(tape, place);
        }
        if let Some(peer) = peer.and_then(|peer| self.legs.get_mut(peer)) {
            peer.session.interrupt();
            peer.peer = None;
        }
        if let Some(mixer) = mixer {
            if let Some(table) = self.mixing.get_mut(mixer) {
                table.leave(now, place);
            }
            self.dissolve_if_done(now, mixer);
        }
    }

    /// Whoever comes into a conversation hears it from now on.
    fn welcome(&mut self, place: usize) {
        if let Some(leg) = self.legs.get_mut(place) {
            leg.session.stop_playing();
            leg.session.interrupt();
        }
    }

    /// Lets two legs hear each other in the cheapest way.
    fn connect(&mut self, now: Instant, a: usize, b: usize) {
        if self.can_relay(a, b) {
            for (place, peer) in [(a, b), (b, a)] {
                if let Some(leg) = self.legs.get_mut(place) {
                    leg.peer = Some(peer);
                }
            }
            return;
        }
        let mixer = self.mixing.make(now);
        for place in [a, b] {
            self.seat(now, mixer, place, Part::Talks);
        }
    }

    /// Whether packets can be passed on between two. What is not agreed yet is not spoken yet.
    fn can_relay(&mut self, a: usize, b: usize) -> bool {
        let mut codec = |place| {
            let leg = self.legs.get_mut(place)?;
            leg.session.agreed().map(|agreed| agreed.codec)
        };
        match (codec(a), codec(b)) {
            (Some(a), Some(b)) => a.passes_as(b),
            (Some(_), None) | (None, Some(_)) | (None, None) => true,
        }
    }

    /// Two are left, or begin: they are relayed when they can be, whatever they were before.
    fn meet_as_pair(&mut self, now: Instant, a: usize, b: usize) {
        if self.peer_of(a) == Some(b) {
            return;
        }
        if let Some(mixer) = self.mixer_of(a).filter(|mixer| self.mixer_of(b) == Some(*mixer)) {
            for place in [a, b] {
                self.seat(now, mixer, place, Part::Talks);
            }
            return self.dissolve_if_done(now, mixer);
        }
        for place in [a, b] {
            self.part(now, place);
            self.welcome(place);
        }
        self.connect(now, a, b);
    }

    /// Gives a leg its place at a mixer.
    fn seat(&mut self, now: Instant, mixer: usize, place: usize, part: Part<usize>) {
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        let was_alone = leg.peer.is_none() && leg.mixer.is_none();
        if leg.mixer.is_some_and(|other| other != mixer) {
            self.part(now, place);
        }
        let Some(leg) = self.legs.get_mut(place) else {
            return;
        };
        leg.session.interrupt();
        leg.peer = None;
        leg.mixer = Some(mixer);
        // Before anything is agreed it neither hears nor speaks; `settle` brings the codec.
        let agreed = leg.session.agreed().copied();
        let voice = agreed.map_or(Voice::from(Codec::Pcmu), Voice::from);
        if was_alone {
            leg.session.stop_playing();
        }
        if let Some(table) = self.mixing.get_mut(mixer) {
            table.join(now, place, voice, part);
        }
    }

    /// Ends a mixer that is not needed: nobody to talk to is left, or two who can be relayed.
    fn dissolve_if_done(&mut self, now: Instant, mixer: usize) {
        let Some(table) = self.mixing.get_mut(mixer) else {
            return;
        };
        let pair = table.pair();
        if pair.is_none() && table.parties().count() > 1 {
            return;
        }
        if let Some(place) = self.mixing.places.get_mut(mixer) {
            *place = None;
        }
        for leg in self.legs.iter_mut().filter(|leg| leg.mixer == Some(mixer)) {
            leg.mixer = None;
            leg.session.interrupt();
        }
        if let Some((a, b)) = pair {
            self.connect(now, a, b);
        }
    }

    /// Sends away whoever is in a conversation of this call and not wanted any more.
    fn dismiss(&mut self, now: Instant, call: CallKey, wanted: &[(usize, Part<usize>)]) {
        for place in self.legs.all_places() {
            let Some(leg) = self.legs.get_mut(place) else {
                continue;
            };
            let takes_part = leg.peer.is_some() || leg.mixer.is_some();
            if leg.key.call == call && takes_part && !wanted.iter().any(|(other, _)| *other == place) {
                self.part(now, place);
            }
        }
    }

    fn places_of(&self, parties: &[(LegKey, Part<LegKey>)]) -> Vec<(usize, Part<usize>)> {
        let place = |key: LegKey| self.legs.place(key);
        let seat = |(key, part): &(LegKey, Part<LegKey>)| {
            // A whisper to somebody who is not here is heard by nobody.
            Some((place(*key)?, part.map(|whom| place(whom).unwrap_or(usize::MAX))))
        };
        parties.iter().filter_map(seat).collect()
    }

    fn peer_of(&mut self, place: usize) -> Option<usize> {
        self.legs.get_mut(place)?.peer
    }

    fn mixer_of(&mut self, place: usize) -> Option<usize> {
        self.legs.get_mut(place)?.mixer
    }
}
