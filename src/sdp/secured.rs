use crate::model::SrtpSuite;
use std::fmt;

/// Bytes of the longest master key with its salt.
const LONGEST: usize = 46;
/// Bytes of the longest key identifier understood.
const LONGEST_MKI: usize = 4;

/// What both sides agreed on for encrypted voice, whoever agreed on it: one key each way (RFC 4568 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secured {
    /// How it is protected.
    pub suite: SrtpSuite,
    /// Our key, for what we send.
    pub send: MasterKey,
    /// The peer's key, for what it sends.
    pub receive: MasterKey,
    /// The identifier of its key that the peer puts into each packet, when it does (RFC 3711 §3.1).
    pub receive_mki: Option<Mki>,
}

/// A master key with its salt (RFC 3711 §3.2.1). It is never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey {
    bytes: [u8; LONGEST],
    key_bytes: u8,
    bytes_used: u8,
}

/// A key identifier, which is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mki {
    bytes: [u8; LONGEST_MKI],
    used: u8,
}

impl MasterKey {
    /// Key and salt, one behind the other; nothing when that is not as many bytes as the suite wants.
    pub fn new(suite: SrtpSuite, key_and_salt: &[u8]) -> Option<Self> {
        let used = suite.key_bytes() + suite.salt_bytes();
        if key_and_salt.len() != used {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..used)?.copy_from_slice(key_and_salt);
        Some(Self {
            bytes,
            key_bytes: u8::try_from(suite.key_bytes()).ok()?,
            bytes_used: u8::try_from(used).ok()?,
        })
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.key_bytes)).unwrap_or_default()
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        self.bytes
            .get(usize::from(self.key_bytes)..usize::from(self.bytes_used))
            .unwrap_or_default()
    }

    /// Both, as they stand in a crypto line.
    pub(super) fn key_and_salt(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.bytes_used)).unwrap_or_default()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MasterKey(…)")
    }
}

impl Mki {
    /// The identifier `value` in `length` bytes; nothing when it is longer than four or does not fit.
    pub fn new(value: u32, length: usize) -> Option<Self> {
        if length == 0 || length > LONGEST_MKI {
            return None;
        }
        let wide = value.to_be_bytes();
        let (zeros, kept) = wide.split_at(LONGEST_MKI - length);
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        let mut bytes = [0; LONGEST_MKI];
        bytes.get_mut(..length)?.copy_from_slice(kept);
        Some(Self {
            bytes,
            used: u8::try_from(length).ok()?,
        })
    }

    /// As it lies in a packet.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.used)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_length_of_its_suite_and_is_never_shown() {
        for suite in SrtpSuite::ALL {
            let bytes = [0xa5; LONGEST];
            let length = suite.key_bytes() + suite.salt_bytes();
            let key = MasterKey::new(suite, &bytes[..length]).unwrap();
            assert_eq!(
                (key.key().len(), key.salt().len()),
                (suite.key_bytes(), suite.salt_bytes())
            );
            assert_eq!(MasterKey::new(suite, &bytes[..length - 1]), None);
            assert_eq!(format!("{key:?}"), "MasterKey(…)");
        }
    }

    #[test]
    fn an_identifier_lies_in_as_many_bytes_as_were_agreed() {
        assert_eq!(Mki::new(1, 4).unwrap().bytes(), [0, 0, 0, 1]);
        assert_eq!(Mki::new(258, 2).unwrap().bytes(), [1, 2]);
        assert_eq!(
            (Mki::new(256, 1), Mki::new(1, 0), Mki::new(1, 5)),
            (None, None, None)
        );
    }
}
