use super::Format;
use super::signature::{Key, Scheme};
use crate::egress::{Times, Trust, read_url};
use crate::model::Secret;
use crate::upstream::config::SectionMistake;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The keys of `type = "webhook"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where to post: an `https://` or `http://` URL.
    pub url: String,
    /// What the body looks like.
    pub format: Format,
    /// The most records in a message, 1 to 100.
    pub batch: u16,
    /// What each message is signed with: `whsec_` and 24 to 64 bytes in base64. Without it nothing is signed.
    pub secret: Option<Secret>,
    /// The secret before a change: both sign until the receiver has changed as well.
    pub previous_secret: Option<Secret>,
    /// Which header the signature is in.
    pub signature: Scheme,
    /// Further headers.
    pub headers: BTreeMap<String, Secret>,
    /// Sent as `Authorization: Bearer …`.
    pub bearer_token: Option<Secret>,
    /// Sent with the password as `Authorization: Basic …`.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
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
            format: Format::Native,
            batch: 1,
            secret: None,
            previous_secret: None,
            signature: Scheme::Standard,
            headers: BTreeMap::new(),
            bearer_token: None,
            user: None,
            password: None,
            ca_file: None,
            tls_pin: None,
            connect_timeout_seconds: 10,
            timeout_seconds: 20,
        }
    }
}

/// Headers that a message has of its own.
const OWN_HEADERS: [&str; 8] = [
    "content-type",
    "content-length",
    "host",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "idempotency-key",
    "transfer-encoding",
];

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        if let Err(problem) = self.checked_url() {
            let cure = "write where to post, such as https://head-office.example/cdrs";
            found.push(("url", problem, cure.to_owned()));
        }
        self.check_batch(&mut found);
        self.check_secrets(&mut found);
        self.check_headers(&mut found);
        if let Some((key, problem)) = Trust::mistakes(self.tls_pin.as_deref()) {
            let cure = "write first_use, or the fingerprint that the status shows";
            found.push((key, problem, cure.to_owned()));
        }
        for (key, seconds) in [
            ("connect_timeout_seconds", self.connect_timeout_seconds),
            ("timeout_seconds", self.timeout_seconds),
        ] {
            if seconds == 0 {
                found.push((
                    key,
                    "is 0".to_owned(),
                    "use 1 or more; 10 and 20 are usual".to_owned(),
                ));
            }
        }
        found
    }

    fn check_batch(&self, found: &mut Vec<SectionMistake>) {
        if !(1..=100).contains(&self.batch) {
            found.push(("batch", format!("is {}", self.batch), "use 1 to 100".to_owned()));
        } else if self.batch > 1 && !self.format.has_batches() {
            let cure = "use 1, or the format native, standard or cloudevents";
            found.push((
                "batch",
                "has no meaning for this format".to_owned(),
                cure.to_owned(),
            ));
        }
    }

    fn check_secrets(&self, found: &mut Vec<SectionMistake>) {
        let secrets = [
            ("secret", &self.secret),
            ("previous_secret", &self.previous_secret),
        ];
        for (key, secret) in secrets {
            let Some(secret) = secret
                .as_ref()
                .filter(|secret| Key::parse(self.signature, secret).is_none())
            else {
                continue;
            };
            let (problem, cure) = match self.signature {
                Scheme::Standard => (
                    "is not `whsec_` with 24 to 64 bytes in base64",
                    "write whsec_ and the output of `openssl rand -base64 32`",
                ),
                Scheme::Stripe | Scheme::Github | Scheme::Yeastar => (
                    "is shorter than 16 letters",
                    "use the output of `openssl rand -hex 32`",
                ),
            };
            let problem = if secret.expose().is_empty() {
                "is empty"
            } else {
                problem
            };
            found.push((key, problem.to_owned(), cure.to_owned()));
        }
        if self.bearer_token.is_some() && self.user.is_some() {
            let cure = "keep one of bearer_token and user";
            found.push(("bearer_token", "stands beside `user`".to_owned(), cure.to_owned()));
        }
        if self.password.is_some() && self.user.is_none() {
            let cure = "write user as well";
            found.push(("password", "stands without `user`".to_owned(), cure.to_owned()));
        }
    }

    fn check_headers(&self, found: &mut Vec<SectionMistake>) {
        for (name, value) in &self.headers {
            let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
            let problem = if !is_name {
                format!("`{name}` is no name of a header")
            } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                format!("`{name}` is a header that each message has already")
            } else if HeaderValue::from_str(value.expose()).is_err() {
                format!("the value of `{name}` cannot stand in a header")
            } else {
                continue;
            };
            found.push((
                "headers",
                problem,
                "write it as headers = { X-Key = \"…\" }".to_owned(),
            ));
        }
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
            .map(|secret| {
                Key::parse(self.signature, secret).ok_or_else(|| "the secret is malformed".to_owned())
            })
            .collect()
    }

    /// What a message with this identity, time and body is signed with.
    #[cfg(test)]
    pub(in crate::upstream) fn signature(&self, id: &str, unix_seconds: i64, body: &str) -> String {
        let keys = self.keys().unwrap();
        super::signature::header(self.signature, &keys, id, unix_seconds, body)
            .unwrap()
            .1
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
