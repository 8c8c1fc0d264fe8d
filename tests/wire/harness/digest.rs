//! The answer to a digest challenge (RFC 7616, RFC 8760), from the phone's side.

use md5::Md5;
use sha2::{Digest, Sha256};

/// What a phone knows of its account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials<'a> {
    /// The user name.
    pub(crate) user: &'a str,
    /// The password.
    pub(crate) password: &'a str,
    /// `MD5` or `SHA-256`: which of the offered challenges the phone takes.
    pub(crate) algorithm: &'a str,
}

/// The value of a parameter, its quotes taken off.
pub(crate) fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    challenge
        .trim_start_matches("Digest")
        .split(',')
        .find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().trim_matches('"'))
        })
}

/// Whether this challenge asks for the algorithm; without a word it is MD5.
pub(crate) fn asks_for(challenge: &str, algorithm: &str) -> bool {
    parameter(challenge, "algorithm")
        .unwrap_or("MD5")
        .eq_ignore_ascii_case(algorithm)
}

/// The value of `Authorization` that answers the challenge.
pub(crate) fn answer(challenge: &str, credentials: Credentials<'_>, method: &str, uri: &str) -> String {
    let Credentials {
        user,
        password,
        algorithm,
    } = credentials;
    let realm = parameter(challenge, "realm").unwrap_or_default();
    let nonce = parameter(challenge, "nonce").unwrap_or_default();
    let cnonce = "0a4f113b";
    let hash = |text: String| match algorithm {
        "MD5" => hexadecimal(&Md5::digest(text)),
        "SHA-256" => hexadecimal(&Sha256::digest(text)),
        other => panic!("no phone here speaks {other}"),
    };
    let secret = hash(format!("{user}:{realm}:{password}"));
    let request = hash(format!("{method}:{uri}"));
    let response = hash(format!("{secret}:{nonce}:00000001:{cnonce}:auth:{request}"));
    let opaque = parameter(challenge, "opaque")
        .map(|value| format!(", opaque=\"{value}\""))
        .unwrap_or_default();
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm={algorithm}, cnonce=\"{cnonce}\", qop=auth, nc=00000001{opaque}"
    )
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1 has other client nonces; what is checked here is the shape and the hash.
    #[test]
    fn an_answer_names_what_was_asked_and_changes_with_the_password() {
        let challenge = r#"Digest realm="callpost", nonce="abc", qop="auth", algorithm=SHA-256"#;
        let with = |password| {
            let credentials = Credentials {
                user: "1001",
                password,
                algorithm: "SHA-256",
            };
            answer(challenge, credentials, "REGISTER", "sip:callpost")
        };
        assert_eq!(parameter(&with("a"), "realm"), Some("callpost"));
        assert_eq!(parameter(&with("a"), "response").map(str::len), Some(64));
        assert_ne!(with("a"), with("b"));
        assert!(asks_for(challenge, "sha-256") && !asks_for(challenge, "MD5"));
    }
}
