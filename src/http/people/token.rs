use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret. Secrets are compared and looked up by it, so that neither the time of a comparison
/// nor a copy of the table tells anything about them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::http) struct Digest([u8; 32]);

impl Digest {
    /// Of a text.
    pub(in crate::http) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether it is the digest of the same secret, in constant time.
    pub(in crate::http) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// As it was kept; nothing when that is no digest.
    pub(in crate::http) fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// As the store keeps it: 64 hexadecimal digits.
    pub(in crate::http) fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn a_digest_survives_its_text_and_nothing_else_is_one() {
        let digest = Digest::of("secret");
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        for text in ["", "00", &"x".repeat(64), &"é".repeat(32)] {
            assert_eq!(Digest::from_hex(text), None, "{text}");
        }
    }
}
