use argon2::password_hash::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

/// Shortest password; length is what makes one strong, so nothing else is asked of it.
const MIN_CHARACTERS: usize = 10;
/// Longest one in bytes, so that nobody makes us hash a novel.
const MAX_BYTES: usize = 256;

/// 12 MiB, three passes, one lane: OWASP's profile for machines with little memory. One hash is made at a time, and
/// its memory is given back when it is done.
const MEMORY_KIB: u32 = 12 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// A stored hash that asks for more than this was not made here.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 16;

/// glibc gives a block back to the system at once only when it is larger than this; smaller ones stay with the process
/// after the first time. Reserving address space costs nothing, touching it does.
const RESERVED_BLOCKS: usize = 33 * 1024;

const HASH_BYTES: usize = 32;

/// A password's argon2id hash (RFC 9106) as a PHC string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Hash(String);

/// Why a password cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum PasswordMistake {
    /// Fewer than ten characters.
    TooShort,
    /// More than 256 bytes.
    TooLong,
}

impl Hash {
    /// Hashes a chosen password. Takes about 30 ms on a desk computer and 12 MiB; call it from a blocking thread.
    pub(in crate::http) fn of(password: &str, salt: [u8; 16]) -> Option<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).ok()?;
        let output = argon2id(password, &salt, params)?;
        let salt = STANDARD_NO_PAD.encode(salt);
        let output = STANDARD_NO_PAD.encode(output);
        Some(Self(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}"
        )))
    }

    /// A hash that no password fits, made with the same effort as a real one: comparing with it makes an unknown
    /// name take as long as a known one.
    pub(in crate::http) fn of_nobody() -> Self {
        let (salt, output) = (
            STANDARD_NO_PAD.encode([0; 16]),
            STANDARD_NO_PAD.encode([0; HASH_BYTES]),
        );
        Self(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}"
        ))
    }

    /// A hash as it was stored.
    pub(in crate::http) fn stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    pub(in crate::http) fn into_phc(self) -> String {
        self.0
    }

    /// Whether it is the hash of this password. Works as long as [`Hash::of`]; a hash that cannot be read fits nothing.
    pub(in crate::http) fn fits(&self, password: &str) -> bool {
        self.try_fits(password).unwrap_or(false)
    }

    fn try_fits(&self, password: &str) -> Option<bool> {
        if password.len() > MAX_BYTES {
            return None;
        }
        let stored = PasswordHash::new(&self.0).ok()?;
        let params = Params::try_from(&stored).ok()?;
        let ours = stored.algorithm.as_str() == "argon2id"
            && params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES;
        if !ours {
            return None;
        }
        let mut salt = [0; 64];
        let salt = stored.salt?.decode_b64(&mut salt).ok()?;
        let output = argon2id(password, salt, params)?;
        Some(output.as_slice().ct_eq(stored.hash?.as_bytes()).into())
    }
}

/// Whether a password may be chosen.
pub(in crate::http) fn check_choice(password: &str) -> Result<(), PasswordMistake> {
    if password.chars().count() < MIN_CHARACTERS {
        return Err(PasswordMistake::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordMistake::TooLong);
    }
    Ok(())
}

fn argon2id(password: &str, salt: &[u8], params: Params) -> Option<[u8; HASH_BYTES]> {
    let mut memory = Vec::with_capacity(RESERVED_BLOCKS.max(params.block_count()));
    memory.resize(params.block_count(), Block::new());
    let mut output = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory)
        .ok()?;
    Some(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_and_no_other() {
        let hash = Hash::of("correct horse", [7; 16]).unwrap();
        assert!(hash.fits("correct horse"));
        assert!(!hash.fits("correct horsf"));
        assert!(!Hash::of_nobody().fits("correct horse"));
        assert_eq!(Hash::stored(hash.clone().into_phc()), hash);
    }

    #[test]
    fn a_hash_that_cannot_be_read_or_asks_too_much_fits_nothing() {
        for phc in [
            "",
            "plain",
            "$argon2id$v=19$m=12288,t=3,p=1",
            "$argon2i$v=19$m=12288,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=4000000,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!Hash::stored(phc.to_owned()).fits("correct horse"), "{phc}");
        }
    }

    #[test]
    fn only_length_is_asked_of_a_password() {
        assert_eq!(check_choice("123456789"), Err(PasswordMistake::TooShort));
        assert_eq!(check_choice("كلمة السر هنا"), Ok(()));
        assert_eq!(check_choice(&"x".repeat(257)), Err(PasswordMistake::TooLong));
    }
}
