use super::hash::hexadecimal;
use crate::model::Dice;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// How long a nonce may be used.
const AGE: Duration = Duration::from_secs(60);

/// How many nonces in use are remembered. Full: the oldest one is forgotten and everything minted before it is
/// stale, so its phone is challenged once more.
const REMEMBERED: usize = 16 * 1024;

/// A nonce: eight bytes of time and count, sixteen of proof that we minted it for that address.
const NONCE_BYTES: usize = 24;

/// Mints nonces and knows its own again without having kept them (RFC 7616 §3.3). What is kept are the
/// use counts of nonces that a right password came with, so that nothing can be replayed (§5.12 there).
pub(crate) struct Nonces {
    proof: Hmac<Sha256>,
    epoch: Instant,
    minted: u16,
    used: BTreeMap<u64, Uses>,
    /// Nonces up to this one are stale unless they are in `used`.
    forgotten: u64,
}

/// A nonce that is ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known(u64);

/// Which counts of a nonce have been seen: the highest, and a bit for each of the 64 below and at it. Phones
/// send several requests at once, so they may overtake each other (§3.4.5, `nc`).
#[derive(Debug, Clone, Copy)]
struct Uses {
    highest: u32,
    seen: u64,
}

impl Nonces {
    pub(crate) fn new(now: Instant, dice: &mut Dice) -> Self {
        let proof = Hmac::new(&dice.bytes::<64>().into());
        Self {
            proof,
            epoch: now,
            minted: 0,
            used: BTreeMap::new(),
            forgotten: 0,
        }
    }

    /// A fresh nonce for this address, different from every other.
    pub(crate) fn mint(&mut self, now: Instant, source: IpAddr) -> String {
        self.minted = self.minted.wrapping_add(1);
        let id = self.milliseconds(now) << 16 | u64::from(self.minted);
        let bytes = id.to_be_bytes().into_iter().chain(self.proof_of(id, source));
        bytes.flat_map(hexadecimal).map(char::from).collect()
    }

    /// Whether a nonce of ours is young enough and was never used with this count. Remembers the use.
    pub(crate) fn use_up(&mut self, now: Instant, Known(id): Known, count: u32) -> bool {
        let age = self.milliseconds(now).checked_sub(id >> 16);
        if age.is_none_or(|age| u128::from(age) > AGE.as_millis()) {
            return false;
        }
        self.forget_old(now);
        if !self.used.contains_key(&id) && !self.make_room_for(id) {
            return false;
        }
        self.used
            .entry(id)
            .or_insert(Uses { highest: 0, seen: 0 })
            .note(count)
    }

    /// The nonce, if it is ours and was minted for this address.
    pub(crate) fn recognise(&self, source: IpAddr, nonce: &[u8]) -> Option<Known> {
        let bytes = decode(nonce)?;
        let (id, proof) = bytes.split_at(8);
        let id = u64::from_be_bytes(id.try_into().ok()?);
        let ours: bool = self.proof_of(id, source).ct_eq(proof).into();
        ours.then_some(Known(id))
    }

    fn proof_of(&self, id: u64, source: IpAddr) -> [u8; 16] {
        let mut proof = self.proof.clone();
        proof.update(&id.to_be_bytes());
        match source.to_canonical() {
            IpAddr::V4(address) => proof.update(&address.octets()),
            IpAddr::V6(address) => proof.update(&address.octets()),
        }
        let whole: [u8; 32] = proof.finalize().into_bytes().into();
        std::array::from_fn(|place| whole[place])
    }

    fn forget_old(&mut self, now: Instant) {
        let oldest = self
            .milliseconds(now)
            .saturating_sub(u64::try_from(AGE.as_millis()).unwrap_or(0));
        while self
            .used
            .first_key_value()
            .is_some_and(|(id, _)| id >> 16 < oldest)
        {
            self.used.pop_first();
        }
    }

    fn make_room_for(&mut self, id: u64) -> bool {
        if self.used.len() >= REMEMBERED
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.forgotten = self.forgotten.max(oldest);
        }
        id > self.forgotten
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Uses {
    /// Notes a count; tells whether it was new.
    fn note(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if let Some(ahead) = count.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let Some(bit) = 1_u64.checked_shl(self.highest - count) else {
            return false;
        };
        let fresh = self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }
}

fn decode(text: &[u8]) -> Option<[u8; NONCE_BYTES]> {
    let mut bytes = [0; NONCE_BYTES];
    if text.len() != NONCE_BYTES * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = <[u8; 2]>::try_from(pair)
            .ok()?
            .map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Nonces {
        fn take(&mut self, now: Instant, source: IpAddr, nonce: &[u8], count: u32) -> bool {
            self.recognise(source, nonce)
                .is_some_and(|nonce| self.use_up(now, nonce, count))
        }
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
    fn nonces() -> (Nonces, Instant) {
        let now = Instant::now();
        (Nonces::new(now, &mut Dice::from_number(1)), now)
    }

    #[test]
    fn a_nonce_serves_its_own_address_for_a_minute() {
        let (mut nonces, now) = nonces();
        let nonce = nonces.mint(now, HERE);
        assert!(!nonces.take(now, THERE, nonce.as_bytes(), 1));
        assert!(nonces.take(now + Duration::from_secs(60), HERE, nonce.as_bytes(), 1));
        assert!(!nonces.take(now + Duration::from_secs(61), HERE, nonce.as_bytes(), 2));
    }

    #[test]
    fn a_made_up_nonce_is_not_ours() {
        let (mut nonces, now) = nonces();
        let nonce = nonces.mint(now, HERE);
        for at in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert!(!nonces.take(now, HERE, &forged, 1), "digit {at}");
        }
        for bad in [&b""[..], b"00", &[b'z'; 48], &[b'0'; 48]] {
            assert!(!nonces.take(now, HERE, bad, 1));
        }
        let mut others = Nonces::new(now, &mut Dice::from_number(2));
        assert!(!others.take(now, HERE, nonce.as_bytes(), 1));
    }

    #[test]
    fn each_count_is_taken_once_in_nearly_any_order() {
        let (mut nonces, now) = nonces();
        let nonce = nonces.mint(now, HERE).into_bytes();
        let mut take = |count| nonces.take(now, HERE, &nonce, count);
        assert!(!take(0));
        assert!(take(1) && take(3) && take(2));
        assert!(!take(1) && !take(2) && !take(3));
        assert!(take(100) && take(37) && !take(37));
        assert!(!take(36));
        assert!(take(u32::MAX) && !take(u32::MAX) && !take(100));
    }

    #[test]
    fn every_nonce_is_another() {
        let (mut nonces, now) = nonces();
        let minted: std::collections::BTreeSet<String> = (0..1000).map(|_| nonces.mint(now, HERE)).collect();
        assert_eq!(minted.len(), 1000);
    }

    #[test]
    fn the_table_is_bounded_and_forgetting_means_stale() {
        let (mut nonces, now) = nonces();
        let first = nonces.mint(now, HERE);
        assert!(nonces.take(now, HERE, first.as_bytes(), 1));
        for step in 1..=REMEMBERED {
            let at = now + Duration::from_micros(100 * step as u64);
            let nonce = nonces.mint(at, HERE);
            assert!(nonces.take(at, HERE, nonce.as_bytes(), 1));
        }
        let later = now + Duration::from_secs(2);
        assert_eq!(nonces.used.len(), REMEMBERED);
        assert!(!nonces.take(later, HERE, first.as_bytes(), 2));
        let much_later = now + Duration::from_secs(100);
        let nonce = nonces.mint(much_later, HERE);
        assert!(nonces.take(much_later, HERE, nonce.as_bytes(), 1));
        assert_eq!(nonces.used.len(), 1);
    }
}
