//! Guests on a tape: whoever talks to both sides of a recorded conversation is recorded with them.

use super::worker::Worker;
use crate::model::{CallKey, Part};

impl Worker {
    /// Settles who of a call's legs are guests on its tape: those that talk where the caller hears them, and have no
    /// channel of their own. Who listens says nothing, and who whispers says it to one alone: neither is on it.
    pub(super) fn tape_guests(&mut self, call: CallKey) {
        let of_call = |leg: &&mut super::legs::Leg| leg.key.call == call;
        let caller = self.legs.iter_mut().filter(of_call).find_map(|leg| {
            leg.tape
                .filter(|(_, channel)| *channel == 0)
                .map(|(tape, _)| (tape, leg.mixer))
        });
        for place in self.legs.all_places() {
            let Some(leg) = self.legs.get_mut(place).filter(|leg| leg.key.call == call) else {
                continue;
            };
            let (mixer, was) = (leg.mixer, leg.guest_on);
            let has_channel = leg.tape.is_some();
            let talks = mixer.is_some_and(|mixer| self.mixing.part_of(mixer, place) == Some(Part::Talks));
            let is = caller
                .filter(|(_, meets_in)| talks && !has_channel && *meets_in == mixer)
                .map(|(tape, _)| tape);
            if was == is {
                continue;
            }
            if let Some(tape) = was {
                self.taping.dismiss(tape, place);
            }
            if let Some(tape) = is {
                self.taping.welcome(tape, place);
            }
            if let Some(leg) = self.legs.get_mut(place) {
                leg.guest_on = is;
            }
        }
    }
}
