use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::fmt;

/// All the chance there is: one generator seeded once, so a story with a seed tells the same again.
///
/// ChaCha12 seeded with 256 bits from the operating system: tags, branches, nonces and SSRCs cannot be guessed.
pub struct Dice(ChaCha12Rng);

impl Dice {
    /// A generator for this seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// A generator for a small seed; for tests and rehearsals.
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A second generator that does not repeat this one.
    pub fn fork(&mut self) -> Self {
        Self::new(self.bytes())
    }

    /// 64 random bits.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `sides`; `sides` must not be 0.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.number() % sides
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// 80 random bits as 16 lower-case letters and digits, fit for a tag, a branch or a Call-ID.
    pub fn token(&mut self) -> String {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
        let bits = u128::from(self.number()) << 64 | u128::from(self.number());
        (0..16)
            .map(|place| char::from(alphabet[((bits >> (5 * place)) & 31) as usize]))
            .collect()
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Dice")
    }
}
