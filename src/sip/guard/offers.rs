//! Which digests a phone is asked for. Both are offered (RFC 8760 §2.4), but some phones of the time before give up on a
//! challenge that names one they do not know. They are found out without a setting; see docs/adr/0013.
//!
//! What is remembered hangs on the address and the name a request claims, never on whether there is such a user.

use super::source::Source;
use crate::sip::digest::Algorithm;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Places; four for each bucket of the hash. Full: the least recent of four is forgotten, and its phone, should it be
/// one that stumbles, needs one more attempt.
const PLACES: usize = 4096;
const WAYS: usize = 4;
/// How long what was learnt holds, in microseconds.
const HOLDS: u64 = 24 * 3600 * 1_000_000;
/// A request that comes again without an answer to its challenge within this time, and no sooner, shows a phone that
/// stumbled and tries again; sooner it may be another phone of the same user.
const AGAIN: std::ops::RangeInclusive<u64> = 2_000_000..=3600 * 1_000_000;
/// Phones known to stumble, by the beginning of their User-Agent.
const STUMBLERS: [&str; 2] = ["baresip v0.", "baresip v1."];

/// What to ask a phone for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Everything the box takes, the favourite first.
    Everything,
    /// MD5 alone.
    Md5Alone,
}

/// Which phone it is about, and by which request.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Where it is.
    pub source: Source,
    /// Who it says it is.
    pub user: &'a str,
    /// What differs from request to request, and not between one and its repetition.
    pub request: (&'a str, u32),
    /// What it calls itself.
    pub agent: &'a str,
    /// Whether it has answered a challenge, if only wrongly.
    pub answers: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Learnt {
    #[default]
    Nothing,
    /// It was offered everything by this request and has not answered yet.
    Asked { request: u64 },
    /// It answers when it is asked for MD5 alone.
    Stumbles,
    /// It has proven SHA-256.
    Strong,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: u64,
    at: u64,
    learnt: Learnt,
}

/// What was learnt of the phones.
#[derive(Debug)]
pub struct Offers {
    seed: u64,
    /// Empty until somebody is challenged.
    places: Vec<Place>,
}

impl Offers {
    pub(super) fn new(seed: u64) -> Self {
        let places = Vec::new();
        Self { seed, places }
    }

    /// What to ask this phone for now.
    pub fn offer(&mut self, at: u64, asker: &Asker<'_>) -> Offer {
        let request = self.hash(asker.request);
        let is_stumbler = STUMBLERS.iter().any(|name| asker.agent.starts_with(name));
        let place = self.place(asker.source, asker.user, at);
        let age = at.saturating_sub(place.at);
        match place.learnt {
            Learnt::Strong => Offer::Everything,
            Learnt::Stumbles => Offer::Md5Alone,
            Learnt::Nothing | Learnt::Asked { .. } if is_stumbler => Offer::Md5Alone,
            // It does not stumble, it is only wrong.
            Learnt::Nothing | Learnt::Asked { .. } if asker.answers => {
                (place.learnt, place.at) = (Learnt::Nothing, at);
                Offer::Everything
            }
            Learnt::Asked { request: first } if first != request && AGAIN.contains(&age) => {
                (place.learnt, place.at) = (Learnt::Stumbles, at);
                Offer::Md5Alone
            }
            Learnt::Asked { .. } => Offer::Everything,
            Learnt::Nothing => {
                (place.learnt, place.at) = (Learnt::Asked { request }, at);
                Offer::Everything
            }
        }
    }

    /// The phone answered with the right password.
    pub fn answered(&mut self, at: u64, source: Source, user: &str, algorithm: Algorithm) {
        let place = self.place(source, user, at);
        let learnt = match (algorithm, place.learnt) {
            (Algorithm::Sha256, _) => Learnt::Strong,
            (Algorithm::Md5, Learnt::Stumbles) => Learnt::Stumbles,
            (Algorithm::Md5, Learnt::Strong) => Learnt::Strong,
            (Algorithm::Md5, Learnt::Nothing | Learnt::Asked { .. }) => Learnt::Nothing,
        };
        (place.learnt, place.at) = (learnt, at);
    }

    /// It was asked for too little; it is asked for everything again.
    pub fn forget(&mut self, at: u64, source: Source, user: &str) {
        *self.place(source, user, at) = Place::default();
    }

    fn place(&mut self, source: Source, user: &str, at: u64) -> &mut Place {
        let key = self.hash((source, user)) | 1;
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES];
        }
        let sets = u64::try_from(PLACES / WAYS).unwrap_or(1);
        let set = usize::try_from((key >> 8) % sets).unwrap_or(0) * WAYS;
        let ways = &self.places[set..set + WAYS];
        let known = ways.iter().position(|place| place.key == key);
        let oldest = || (0..WAYS).min_by_key(|way| (ways[*way].key != 0, ways[*way].at));
        let way = known.or_else(oldest).unwrap_or(0);
        let place = &mut self.places[set + way];
        if place.key != key || at.saturating_sub(place.at) > HOLDS {
            *place = Place {
                key,
                at,
                learnt: Learnt::Nothing,
            };
        }
        place
    }

    fn hash(&self, what: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, what).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn source() -> Source {
        "192.0.2.7".parse().unwrap()
    }

    fn asks(offers: &mut Offers, at: u64, call_id: &str, cseq: u32) -> Offer {
        let asker = Asker {
            source: source(),
            user: "1001",
            request: (call_id, cseq),
            agent: "Old Phone 1",
            answers: false,
        };
        offers.offer(at * SECOND, &asker)
    }

    #[test]
    fn a_phone_that_stumbles_over_two_digests_is_asked_for_one_when_it_tries_again() {
        let mut offers = Offers::new(1);
        assert_eq!(asks(&mut offers, 10, "a", 1), Offer::Everything);
        assert_eq!(asks(&mut offers, 11, "a", 1), Offer::Everything, "a repetition");
        assert_eq!(asks(&mut offers, 11, "b", 1), Offer::Everything, "too soon");
        assert_eq!(asks(&mut offers, 40, "a", 2), Offer::Md5Alone);
        offers.answered(40 * SECOND, source(), "1001", Algorithm::Md5);
        assert_eq!(asks(&mut offers, 1840, "a", 4), Offer::Md5Alone);
        assert_eq!(
            asks(&mut offers, 100_000, "a", 9),
            Offer::Everything,
            "a day later"
        );
    }

    #[test]
    fn a_phone_that_knows_sha_256_is_always_offered_it() {
        let mut offers = Offers::new(1);
        assert_eq!(asks(&mut offers, 10, "a", 1), Offer::Everything);
        offers.answered(10 * SECOND, source(), "1001", Algorithm::Sha256);
        for step in 1..100 {
            let at = 10 + u64::from(step) * 30;
            assert_eq!(asks(&mut offers, at, "b", step), Offer::Everything);
        }
    }

    #[test]
    fn a_phone_with_a_wrong_password_is_not_taken_for_one_that_stumbles() {
        let mut offers = Offers::new(1);
        for step in 1..10 {
            let at = u64::from(step) * 30;
            assert_eq!(asks(&mut offers, at, "a", step), Offer::Everything);
            let asker = Asker {
                source: source(),
                user: "1001",
                request: ("a", step + 1),
                agent: "Old Phone 1",
                answers: true,
            };
            assert_eq!(offers.offer(at * SECOND, &asker), Offer::Everything);
        }
    }

    #[test]
    fn a_phone_that_chose_md5_of_two_is_offered_both_again() {
        let mut offers = Offers::new(1);
        for step in 1..10 {
            let at = u64::from(step) * 1800;
            assert_eq!(asks(&mut offers, at, "a", step), Offer::Everything);
            offers.answered(at * SECOND, source(), "1001", Algorithm::Md5);
        }
    }

    #[test]
    fn phones_known_to_stumble_are_asked_for_md5_at_once() {
        let mut offers = Offers::new(1);
        let mut agent = |agent| {
            offers.offer(
                SECOND,
                &Asker {
                    source: source(),
                    user: agent,
                    request: ("a", 1),
                    agent,
                    answers: false,
                },
            )
        };
        assert_eq!(agent("baresip v1.0.0 (x86_64/linux)"), Offer::Md5Alone);
        assert_eq!(agent("baresip v3.16.0"), Offer::Everything);
    }

    #[test]
    fn the_table_keeps_its_size_whoever_asks() {
        let mut offers = Offers::new(1);
        for number in 0..20_000 {
            asks(&mut offers, number, &format!("{number}"), 1);
            let user = format!("{number}");
            let asker = Asker {
                source: source(),
                user: &user,
                request: ("a", 1),
                agent: "",
                answers: false,
            };
            offers.offer(number * SECOND, &asker);
        }
        assert_eq!(offers.places.len(), PLACES);
    }
}
