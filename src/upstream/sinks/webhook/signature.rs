use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A signing key of Standard Webhooks.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(Vec<u8>);

impl Key {
    /// Reads `whsec_<base64>`; nothing when it is not 24 to 64 bytes.
    pub(super) fn parse(secret: &Secret) -> Option<Self> {
        let bytes = STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// `v1,<base64>` over identity, time and body.
    fn sign(&self, id: &str, unix_seconds: i64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id, ".", &unix_seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key")
    }
}

/// The `webhook-signature` header: one signature a key, so that a receiver may verify with the old or the new
/// one.
pub(super) fn signatures(keys: &[Key], id: &str, unix_seconds: i64, body: &str) -> String {
    let all: Vec<String> = keys
        .iter()
        .filter_map(|key| key.sign(id, unix_seconds, body))
        .collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_met() {
        let key = Key::parse(&"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()).unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = signatures(&[key], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn both_keys_sign_during_a_rotation() {
        let old = Key::parse(&"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()).unwrap();
        let new = Key(vec![1; 32]);
        let signed = signatures(&[new, old.clone()], "a_1", 5, "{}");
        assert_eq!(
            signed.split(' ').nth(1),
            Some(signatures(&[old], "a_1", 5, "{}").as_str())
        );
    }

    #[test]
    fn short_or_foreign_secrets_are_no_keys() {
        for secret in [
            "",
            "whsec_",
            "whsec_AAAA",
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_not base64 at all!!!!!!!!!",
        ] {
            assert_eq!(Key::parse(&secret.into()), None, "{secret}");
        }
    }
}
