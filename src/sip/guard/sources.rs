//! What each address did lately, in a table of fixed size.

use super::bucket::Bucket;
use super::source::Source;
use std::collections::HashMap;

/// Addresses that are remembered. Full: of a few neighbours in the table the one that matters least makes room; bans
/// stand elsewhere, so that nobody is let in again by a flood of made-up addresses.
pub(super) const MOST: usize = 10_000;
/// Places looked at for one to give up.
const LOOKED_AT: usize = 32;
/// So many wrong passwords within the [`WINDOW`] are too many.
pub(super) const GUESSES: usize = 10;
/// See [`GUESSES`]; in microseconds.
pub(super) const WINDOW: u64 = 60 * 1_000_000;

/// What is known of one address. Instants are microseconds since the guard began.
#[derive(Debug)]
pub(super) struct Seen {
    source: Source,
    /// What it may still send unasked.
    pub(super) requests: Bucket,
    /// Answers longer than what they answer.
    pub(super) long_answers: Bucket,
    /// Until when it is believed to take part.
    pub(super) vouched_until: u64,
    /// Until when somebody lives there who has shown the right password.
    pub(super) good_until: u64,
    /// When its last wrong passwords came, in tenths of seconds; 0 for none.
    guesses: [u32; GUESSES],
    next_guess: u8,
    /// How often it is passed over when room is needed.
    chances: u8,
}

impl Seen {
    fn new(source: Source) -> Self {
        Self {
            source,
            requests: Bucket::default(),
            long_answers: Bucket::default(),
            vouched_until: 0,
            good_until: 0,
            guesses: [0; GUESSES],
            next_guess: 0,
            chances: 0,
        }
    }

    pub(super) fn is_vouched(&self, at: u64) -> bool {
        self.vouched_until > at
    }

    pub(super) fn is_good(&self, at: u64) -> bool {
        self.good_until > at
    }

    pub(super) fn guessed(&mut self, at: u64) {
        if let Some(place) = self.guesses.get_mut(usize::from(self.next_guess)) {
            *place = tenths(at);
        }
        self.next_guess = u8::try_from((usize::from(self.next_guess) + 1) % GUESSES).unwrap_or(0);
    }

    /// Whether the last [`GUESSES`] wrong passwords all came within the [`WINDOW`].
    pub(super) fn has_guessed_enough(&self, at: u64) -> bool {
        let oldest = self
            .guesses
            .get(usize::from(self.next_guess))
            .copied()
            .unwrap_or(0);
        oldest > 0 && tenths(at).saturating_sub(oldest) <= tenths(WINDOW)
    }

    pub(super) fn forget_guesses(&mut self) {
        self.guesses = [0; GUESSES];
    }

    /// What it would cost to forget it.
    fn worth(&self) -> u8 {
        let guessed = u8::from(self.guesses.iter().any(|guess| *guess > 0));
        1 + guessed + 2 * u8::from(self.good_until > 0) + u8::from(self.vouched_until > 0)
    }
}

/// Never 0.
fn tenths(at: u64) -> u32 {
    u32::try_from(at / 100_000).unwrap_or(u32::MAX - 1) + 1
}

/// All of them. The room for them is set aside once; the system gives memory only for what is used.
#[derive(Debug)]
pub(super) struct Sources {
    places: HashMap<Source, u32>,
    seen: Vec<Seen>,
    hand: usize,
}

impl Sources {
    pub(super) fn new() -> Self {
        Self {
            // Twice the room, so that the map can sweep out what was removed without growing.
            places: HashMap::with_capacity(2 * MOST),
            seen: Vec::with_capacity(MOST),
            hand: 0,
        }
    }

    pub(super) fn find(&mut self, source: Source) -> Option<&mut Seen> {
        let place = *self.places.get(&source)?;
        let seen = self.seen.get_mut(place as usize)?;
        seen.chances = seen.worth();
        Some(seen)
    }

    /// What is known of this source, which may be nothing yet.
    pub(super) fn enter(&mut self, source: Source) -> &mut Seen {
        let place = match self.places.get(&source) {
            Some(place) => *place as usize,
            None => self.settle(source),
        };
        let seen = &mut self.seen[place];
        seen.chances = seen.worth();
        seen
    }

    fn settle(&mut self, source: Source) -> usize {
        let place = if self.seen.len() < MOST {
            self.seen.push(Seen::new(source));
            self.seen.len() - 1
        } else {
            let place = self.least();
            self.places.remove(&self.seen[place].source);
            self.seen[place] = Seen::new(source);
            place
        };
        self.places.insert(source, u32::try_from(place).unwrap_or(0));
        place
    }

    /// A hand goes round the table and takes a chance from each it passes; one without any is given up, or else the
    /// one with the fewest of those looked at.
    fn least(&mut self) -> usize {
        let mut least = (u8::MAX, self.hand);
        for _ in 0..LOOKED_AT {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.seen.len();
            let seen = &mut self.seen[place];
            if seen.chances == 0 {
                return place;
            }
            least = least.min((seen.chances, place));
            seen.chances -= 1;
        }
        least.1
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> (usize, usize) {
        (self.places.capacity(), self.seen.capacity())
    }
}
