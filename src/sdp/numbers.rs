use crate::model::Codec;
use std::collections::BTreeSet;

/// The number we give Opus when the choice is ours; the one nearly everybody uses.
const OPUS: u8 = 111;
/// The number we give telephone-event when the choice is ours; the one nearly every phone uses.
const TELEPHONE_EVENT: u8 = 101;

/// What payload numbers mean on one leg, from the box's side.
///
/// Each leg has its own: what one phone calls 111 another calls 96. Within a session a number never changes its meaning
/// (RFC 3264 §8.3.2), so what was learnt from the peer's offer is used in ours.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    codecs: Vec<(u8, Codec)>,
    /// telephone-event by its clock in Hz (RFC 4733 §2.5.1.1).
    events: Vec<(u8, u32)>,
}

impl Numbers {
    /// The peer calls this codec so.
    pub(super) fn learn_codec(&mut self, number: u8, codec: Codec) {
        self.forget(number);
        self.codecs.retain(|(_, known)| *known != codec);
        self.codecs.push((number, codec));
    }

    /// The peer calls telephone-event at this clock so.
    pub(super) fn learn_event(&mut self, number: u8, clock: u32) {
        self.forget(number);
        self.events.retain(|(_, known)| *known != clock);
        self.events.push((number, clock));
    }

    /// The numbers of these codecs, in their order.
    pub(super) fn of_codecs(&mut self, codecs: &[Codec]) -> Vec<(u8, Codec)> {
        codecs
            .iter()
            .map(|codec| (self.of_codec(*codec), *codec))
            .collect()
    }

    /// Numbers for telephone-event at every clock these codecs have, each clock once.
    pub(super) fn of_events(&mut self, codecs: &[Codec]) -> Vec<(u8, u32)> {
        let clocks: BTreeSet<u32> = codecs.iter().map(|codec| codec.clock_rate()).collect();
        clocks
            .into_iter()
            .map(|clock| (self.of_event(clock), clock))
            .collect()
    }

    /// Our number for a codec: the known one, else its static one, else a free one.
    pub(super) fn of_codec(&mut self, codec: Codec) -> u8 {
        if let Some((number, _)) = self.codecs.iter().find(|(_, known)| *known == codec) {
            return *number;
        }
        let number = self.free(codec.payload_type().unwrap_or(OPUS));
        self.codecs.push((number, codec));
        number
    }

    /// Our number for telephone-event at this clock: the known one, else 101, else a free one.
    pub(super) fn of_event(&mut self, clock: u32) -> u8 {
        if let Some((number, _)) = self.events.iter().find(|(_, known)| *known == clock) {
            return *number;
        }
        let number = self.free(TELEPHONE_EVENT);
        self.events.push((number, clock));
        number
    }

    /// This number, or a dynamic one that means nothing yet (RFC 3551 §3).
    fn free(&self, liked: u8) -> u8 {
        let mut free = std::iter::once(liked).chain(96..=127);
        free.find(|number| !self.has(*number)).unwrap_or(liked)
    }

    fn has(&self, number: u8) -> bool {
        self.codecs.iter().any(|(known, _)| *known == number)
            || self.events.iter().any(|(known, _)| *known == number)
    }

    fn forget(&mut self, number: u8) {
        self.codecs.retain(|(known, _)| *known != number);
        self.events.retain(|(known, _)| *known != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_numbers_and_101_are_ours_unless_the_peer_has_others() {
        let mut numbers = Numbers::default();
        assert_eq!(
            numbers.of_codecs(&Codec::G711),
            [(0, Codec::Pcmu), (8, Codec::Pcma)]
        );
        assert_eq!(numbers.of_events(&Codec::G711), [(101, 8000)]);
        numbers.learn_codec(111, Codec::Pcma);
        numbers.learn_event(96, 8000);
        assert_eq!(
            numbers.of_codecs(&Codec::G711),
            [(0, Codec::Pcmu), (111, Codec::Pcma)]
        );
        assert_eq!(numbers.of_events(&Codec::G711), [(96, 8000)]);
    }

    #[test]
    fn each_clock_of_telephone_event_has_its_own_number() {
        let mut numbers = Numbers::default();
        let given: Vec<u8> = [8000, 16000, 48000, 8000]
            .into_iter()
            .map(|clock| numbers.of_event(clock))
            .collect();
        assert_eq!(given, [101, 96, 97, 101]);
    }

    #[test]
    fn no_number_means_two_things() {
        let mut numbers = Numbers::default();
        numbers.learn_codec(101, Codec::Pcmu);
        assert_eq!(numbers.of_event(8000), 96);
        numbers.learn_codec(8, Codec::Pcmu);
        assert_eq!(
            numbers.of_codecs(&Codec::G711),
            [(8, Codec::Pcmu), (97, Codec::Pcma)]
        );
        numbers.learn_event(97, 8000);
        assert_ne!(numbers.of_codec(Codec::Pcma), 97);
    }
}
