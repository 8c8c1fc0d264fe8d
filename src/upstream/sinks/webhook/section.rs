use super::signature::Key;
use crate::egress::{Times, Trust, read_url};
use crate::model::Secret;
use crate::upstream::config::SectionMistake;
use reqwest::Url;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// The keys of `type = "webhook"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where to post: an `https://` or `http://` URL.
    pub url: String,
    /// What each message is signed with: `whsec_` and 24 to 64 bytes in base64. Without it nothing is signed.
    pub secret: Option<Secret>,
    /// The secret before a change: both sign until the receiver has changed as well.
    pub previous_secret: Option<Secret>,
    /// Certificates of the authorities to believe, in PEM; the system's when not given.
    pub ca_file: Option<PathBuf>,
    /// `first_use` keeps to the key seen first, `sha256/…` names the key.
    pub tls_pin: Option<String>,
    /// Until a connection stands.
    pub connect_timeout_seconds: u32,
    /// From the first try to the end of the answer.
    pub timeout_seconds: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: None,
            previous_secret: None,
            ca_file: None,
            tls_pin: None,
            connect_timeout_seconds: 10,
            timeout_seconds: 20,
        }
    }
}

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        let mut add = |key, problem: String, cure: &str| found.push((key, problem, cure.to_owned()));
        if let Err(problem) = self.checked_url() {
            let cure = "write where to post, such as https://head-office.example/cdrs";
            add("url", problem, cure);
        }
        let secrets = [
            ("secret", &self.secret),
            ("previous_secret", &self.previous_secret),
        ];
        for (key, secret) in secrets {
            if secret.as_ref().is_some_and(|secret| Key::parse(secret).is_none()) {
                let cure = "write whsec_ and the output of `openssl rand -base64 32`";
                let problem = "is not `whsec_` with 24 to 64 bytes in base64".to_owned();
                add(key, problem, cure);
            }
        }
        if let Some((key, problem)) = Trust::mistakes(self.tls_pin.as_deref()) {
            add(
                key,
                problem,
                "write first_use, or the fingerprint that the status shows",
            );
        }
        for (key, seconds) in [
            ("connect_timeout_seconds", self.connect_timeout_seconds),
            ("timeout_seconds", self.timeout_seconds),
        ] {
            if seconds == 0 {
                add(key, "is 0".to_owned(), "use 1 or more; 10 and 20 are usual");
            }
        }
        found
    }

    /// The URL, when it is one we can post to.
    pub(super) fn checked_url(&self) -> Result<Url, String> {
        if self.url.is_empty() {
            return Err("is missing".to_owned());
        }
        read_url(&self.url, &["http", "https"])
    }

    /// The signing keys, the current one first.
    pub(super) fn keys(&self) -> Result<Vec<Key>, String> {
        let secrets = [&self.secret, &self.previous_secret].into_iter().flatten();
        secrets
            .map(|secret| Key::parse(secret).ok_or_else(|| "the secret is malformed".to_owned()))
            .collect()
    }

    /// What a message with this identity, time and body is signed with.
    #[cfg(test)]
    pub(in crate::upstream) fn signature(&self, id: &str, unix_seconds: i64, body: &str) -> String {
        super::signatures(&self.keys().unwrap(), id, unix_seconds, body)
    }

    pub(super) fn trust(&self, name: &str) -> Result<Trust, String> {
        let owner = format!("upstream/{name}");
        Trust::from_keys(self.ca_file.as_deref(), self.tls_pin.as_deref(), &owner)
            .map_err(|(key, problem)| format!("{key}: {problem}"))
    }

    pub(super) fn times(&self) -> Times {
        Times {
            connect: Duration::from_secs(self.connect_timeout_seconds.into()),
            answer: Duration::from_secs(self.timeout_seconds.into()),
        }
    }
}
