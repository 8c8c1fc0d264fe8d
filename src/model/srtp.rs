use serde::{Deserialize, Serialize};
use std::fmt;

/// How encrypted voice is protected, by the names of the IANA registry of SDP crypto suites (RFC 4568 §10.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SrtpSuite {
    /// AES in counter mode with a tag of 80 bits (RFC 4568 §6.2.1); what every phone has.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_80")]
    AesCm128Tag80,
    /// AES in Galois mode (RFC 7714).
    #[serde(rename = "AEAD_AES_128_GCM")]
    Gcm128,
    /// The same with keys of 256 bits.
    #[serde(rename = "AEAD_AES_256_GCM")]
    Gcm256,
    /// Counter mode with keys of 256 bits (RFC 6188).
    #[serde(rename = "AES_256_CM_HMAC_SHA1_80")]
    AesCm256Tag80,
    /// Counter mode with a tag of 32 bits for voice (RFC 4568 §6.2.2): six bytes less, and easier to forge.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_32")]
    AesCm128Tag32,
    /// The same with keys of 256 bits.
    #[serde(rename = "AES_256_CM_HMAC_SHA1_32")]
    AesCm256Tag32,
}

impl SrtpSuite {
    /// Every suite, in the order the box prefers.
    pub const ALL: [Self; 6] = [
        Self::AesCm128Tag80,
        Self::Gcm128,
        Self::Gcm256,
        Self::AesCm256Tag80,
        Self::AesCm128Tag32,
        Self::AesCm256Tag32,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AesCm128Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Self::Gcm128 => "AEAD_AES_128_GCM",
            Self::Gcm256 => "AEAD_AES_256_GCM",
            Self::AesCm256Tag80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm128Tag32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256Tag32 => "AES_256_CM_HMAC_SHA1_32",
        }
    }

    /// Another name that phones in the field write, of the drafts before RFC 6188.
    pub fn old_name(self) -> Option<&'static str> {
        match self {
            Self::AesCm256Tag80 => Some("AES_CM_256_HMAC_SHA1_80"),
            Self::AesCm256Tag32 => Some("AES_CM_256_HMAC_SHA1_32"),
            Self::AesCm128Tag80 | Self::AesCm128Tag32 | Self::Gcm128 | Self::Gcm256 => None,
        }
    }

    /// Bytes of the master key.
    pub fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128Tag80 | Self::AesCm128Tag32 | Self::Gcm128 => 16,
            Self::AesCm256Tag80 | Self::AesCm256Tag32 | Self::Gcm256 => 32,
        }
    }

    /// Bytes of the master salt.
    pub fn salt_bytes(self) -> usize {
        match self {
            Self::Gcm128 | Self::Gcm256 => 12,
            Self::AesCm128Tag80 | Self::AesCm128Tag32 | Self::AesCm256Tag80 | Self::AesCm256Tag32 => 14,
        }
    }
}

impl fmt::Display for SrtpSuite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
