use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::fmt;

/// Which header proves who sent a message: the key `signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// `webhook-signature: v1,<base64>`, of Standard Webhooks.
    #[default]
    Standard,
    /// `X-Signature: t=<time>,v1=<hex>`, as Stripe writes it.
    Stripe,
    /// `X-Hub-Signature-256: sha256=<hex>`, as GitHub writes it.
    Github,
    /// `X-Signature: <base64>`, as a Yeastar PBX writes it.
    Yeastar,
}

/// A key to sign with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(Vec<u8>);

impl Key {
    /// The key in a secret: of Standard Webhooks `whsec_<base64>` with 24 to 64 bytes, of the others the letters
    /// themselves, at least 16. Nothing when it is not that.
    pub(super) fn parse(scheme: Scheme, secret: &Secret) -> Option<Self> {
        match scheme {
            Scheme::Standard => {
                let bytes = STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
                (24..=64).contains(&bytes.len()).then_some(Self(bytes))
            }
            Scheme::Stripe | Scheme::Github | Scheme::Yeastar => {
                let bytes = secret.expose().as_bytes();
                (bytes.len() >= 16).then(|| Self(bytes.to_vec()))
            }
        }
    }

    fn mac(&self, parts: &[&str]) -> Vec<u8> {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return Vec::new();
        };
        for part in parts {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Key")
    }
}

/// The header that signs a message, where there are keys. With two, Standard Webhooks and Stripe carry a signature
/// of each, so that a receiver may verify with the old or the new one; GitHub's and Yeastar's way knows one only.
pub(super) fn header(
    scheme: Scheme,
    keys: &[Key],
    id: &str,
    unix_seconds: i64,
    body: &str,
) -> Option<(&'static str, String)> {
    let first = keys.first()?;
    let time = unix_seconds.to_string();
    Some(match scheme {
        Scheme::Standard => {
            let all = keys.iter().map(|key| key.mac(&[id, ".", &time, ".", body]));
            let all: Vec<String> = all.map(|mac| format!("v1,{}", STANDARD.encode(mac))).collect();
            ("webhook-signature", all.join(" "))
        }
        Scheme::Stripe => {
            let all = keys.iter().map(|key| key.mac(&[&time, ".", body]));
            let all: String = all.map(|mac| format!(",v1={}", hex(&mac))).collect();
            ("x-signature", format!("t={time}{all}"))
        }
        Scheme::Github => (
            "x-hub-signature-256",
            format!("sha256={}", hex(&first.mac(&[body]))),
        ),
        Scheme::Yeastar => ("x-signature", STANDARD.encode(first.mac(&[body]))),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scheme: Scheme, secret: &str) -> Option<Key> {
        Key::parse(scheme, &secret.into())
    }

    fn signed(scheme: Scheme, keys: &[Key], id: &str, at: i64, body: &str) -> String {
        header(scheme, keys, id, at, body).unwrap().1
    }

    #[test]
    fn the_published_vector_is_met() {
        let key = key(Scheme::Standard, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
        assert_eq!(
            signed(Scheme::Standard, &[key], id, 1_649_367_553, body),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
    }

    #[test]
    fn both_keys_sign_during_a_rotation() {
        let old = key(Scheme::Standard, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        let new = Key(vec![1; 32]);
        let both = signed(Scheme::Standard, &[new.clone(), old.clone()], "a_1", 5, "{}");
        assert_eq!(
            both.split(' ').nth(1),
            Some(signed(Scheme::Standard, std::slice::from_ref(&old), "a_1", 5, "{}").as_str())
        );
        let both = signed(Scheme::Stripe, &[new, old], "a_1", 5, "{}");
        assert_eq!(both.matches("v1=").count(), 2, "{both}");
    }

    /// The example of GitHub's documentation, "Validating webhook deliveries".
    #[test]
    fn githubs_published_vector_is_met() {
        let key = key(Scheme::Github, "It's a Secret to Everybody").unwrap();
        assert_eq!(
            signed(Scheme::Github, &[key], "", 0, "Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
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
            assert_eq!(key(Scheme::Standard, secret), None, "{secret}");
        }
        assert_eq!(key(Scheme::Github, "too short"), None);
    }
}
