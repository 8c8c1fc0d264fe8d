use super::Digest;
use crate::store::{Accounts, StoreError};
use std::fmt;

/// The one-time code that makes the first user of a new box: twelve characters of Crockford's alphabet, which has
/// no `i`, `l`, `o` and `u` to be misread. 60 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode(String);

pub(super) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 12;

/// Makes a claim code from random bytes for a box without users and keeps its hash; the caller prints it. `None`, and
/// nothing happens, when the box has users. An earlier code stops working.
///
/// # Errors
/// When the store cannot be read or written.
pub fn offer_claim(accounts: &Accounts, random: [u8; LENGTH]) -> Result<Option<ClaimCode>, StoreError> {
    if !accounts.users()?.is_empty() {
        return Ok(None);
    }
    let code = ClaimCode::from_bytes(random);
    accounts.set_claim_code_hash(&code.hash())?;
    Ok(Some(code))
}

impl ClaimCode {
    /// Makes a code from random bytes.
    pub fn from_bytes(random: [u8; LENGTH]) -> Self {
        Self(
            random
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        )
    }

    /// What somebody typed, in whatever case, with or without hyphens, with `o` for `0` or `l` for `1`.
    pub(in crate::http) fn typed(text: &str) -> Self {
        Self(text.chars().filter_map(as_meant).take(LENGTH + 1).collect())
    }

    /// What the store keeps of it.
    pub(in crate::http) fn hash(&self) -> String {
        Digest::of(&self.0).to_hex()
    }
}

fn as_meant(typed: char) -> Option<char> {
    match typed.to_ascii_lowercase() {
        '-' | ' ' => None,
        'o' => Some('0'),
        'i' | 'l' => Some('1'),
        other => Some(other),
    }
}

impl fmt::Display for ClaimCode {
    /// In groups of four, as it is printed: `4k7d-9m2p-x3aw`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, character) in self.0.chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                out.write_str("-")?;
            }
            write!(out, "{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClaimCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_recognised_however_it_is_typed() {
        let code = ClaimCode::from_bytes([0, 1, 2, 10, 31, 255, 64, 33, 7, 8, 9, 20]);
        assert_eq!(code.to_string(), "012a-zz01-789m");
        for typed in [
            "012a-zz01-789m",
            "012AZZ01789M",
            "OI2a zzOL 789m",
            " 012a-zz01-789m ",
        ] {
            assert_eq!(ClaimCode::typed(typed).hash(), code.hash(), "{typed}");
        }
        for typed in ["", "012a-zz01-789", "012a-zz01-789mm", "012a-zz01-789n"] {
            assert_ne!(ClaimCode::typed(typed).hash(), code.hash(), "{typed}");
        }
    }

    #[test]
    fn a_code_never_reaches_a_log_by_accident() {
        assert_eq!(format!("{:?}", ClaimCode::from_bytes([0; 12])), "ClaimCode");
    }
}
