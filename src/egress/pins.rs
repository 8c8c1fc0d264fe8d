use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// SHA-256 over a certificate's public key (its SubjectPublicKeyInfo), so that a renewed certificate with the same
/// key is the same. Written `sha256/<base64>`, as RFC 7469 and curl do.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of the certificate's key; nothing when it is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        Some(Self(Sha256::digest(parsed.subject_public_key_info()).into()))
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text
            .strip_prefix("sha256/")
            .and_then(|rest| STANDARD.decode(rest).ok());
        let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| "is not `sha256/` with 32 bytes in base64".to_owned())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Remembers which key each destination showed first. Asked in the middle of a handshake, so it must not block:
/// it answers from memory and writes behind.
pub trait PinBook: Send + Sync + fmt::Debug {
    /// The key that was remembered for this destination.
    fn pinned(&self, destination: &str) -> Option<Fingerprint>;
    /// The destination was met for the first time and showed this key.
    fn remember(&self, destination: &str, key: Fingerprint);
    /// The destination showed another key than the one kept, and was refused.
    fn refused(&self, destination: &str, kept: Fingerprint, shown: Fingerprint);
    /// The destination showed the key that is kept.
    fn confirmed(&self, destination: &str);
}

/// A book that is forgotten with the process: for tests, and where nothing is pinned on first use.
#[derive(Debug, Default)]
pub struct PinsInMemory {
    keys: Mutex<BTreeMap<String, Fingerprint>>,
    refusals: Mutex<Vec<(String, Fingerprint, Fingerprint)>>,
}

impl PinsInMemory {
    /// Every refusal so far: the destination, the key kept, the key shown.
    pub fn refusals(&self) -> Vec<(String, Fingerprint, Fingerprint)> {
        self.refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl PinBook for PinsInMemory {
    fn pinned(&self, destination: &str) -> Option<Fingerprint> {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(destination)
            .copied()
    }

    fn remember(&self, destination: &str, key: Fingerprint) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(destination.to_owned(), key);
    }

    fn refused(&self, destination: &str, kept: Fingerprint, shown: Fingerprint) {
        self.refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((destination.to_owned(), kept, shown));
    }

    fn confirmed(&self, _destination: &str) {}
}
