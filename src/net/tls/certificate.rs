use rustls::pki_types::CertificateDer;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// What people want to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// Who it says it is.
    pub subject: String,
    /// Who says so.
    pub issuer: String,
    /// The names and addresses it is good for (RFC 5280 §4.2.1.6).
    pub names: Vec<String>,
    /// When it becomes valid, in milliseconds since 1970.
    pub not_before_unix_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub not_after_unix_ms: i64,
    /// Whether nobody else vouches for it.
    pub self_signed: bool,
    /// SHA-256 of the whole certificate, as `openssl x509 -fingerprint -sha256` shows it.
    pub fingerprint: String,
}

impl CertificateFacts {
    /// Reads them; nothing when it is no certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = parse_x509_certificate(certificate).ok()?;
        let alternative = parsed.subject_alternative_name().ok().flatten();
        let names = alternative
            .map(|extension| extension.value.general_names.iter().filter_map(shown).collect())
            .unwrap_or_default();
        let validity = parsed.validity();
        let ms = |seconds: i64| seconds.saturating_mul(1000);
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names,
            not_before_unix_ms: ms(validity.not_before.timestamp()),
            not_after_unix_ms: ms(validity.not_after.timestamp()),
            self_signed: parsed.subject() == parsed.issuer(),
            fingerprint: fingerprint(certificate),
        })
    }
}

fn shown(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) | GeneralName::URI(name) = name {
        return Some((*name).to_owned());
    }
    let GeneralName::IPAddress(bytes) = name else {
        return None;
    };
    let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
    let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
    v4.or(v6).ok().map(|address| address.to_string())
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    let mut text = String::with_capacity(95);
    for (place, byte) in digest.iter().enumerate() {
        let colon = if place == 0 { "" } else { ":" };
        // Writing into a String cannot fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}
