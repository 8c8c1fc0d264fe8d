//! NATS JetStream: each record is published under the site's subject with its identity as `Nats-Msg-Id`, and counts as
//! delivered when the stream has acknowledged it. A repetition inside the stream's window is recognised there.
//!
//! `async-nats` speaks the protocol and does its own handshake, with addresses that `egress` has looked up and checked
//! and with a TLS set-up of `egress` that verifies the name in the URL. It is not left to reconnect by itself: a broken
//! connection is dropped, so that the next one goes through `egress` again.

#[cfg(feature = "nats")]
mod sink;

use super::line::{self, Address, Scheme};
use crate::model::Secret;
use crate::upstream::config::SectionMistake;
use serde::Deserialize;
use std::path::PathBuf;

#[cfg(feature = "nats")]
pub(in crate::upstream) use sink::Nats;

/// The keys of a `nats` destination.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where the server is: `tls://host` or `nats://host`.
    pub url: String,
    /// The name of the stream. A record that another stream would catch is not acknowledged.
    pub stream: String,
    /// The subject records are published under; `{site}` and `{appliance}` stand for this box.
    pub subject: String,
    /// The subjects of the stream, where this box makes it.
    pub stream_subjects: Vec<String>,
    /// Whether the stream is made when it is missing.
    pub create_stream: bool,
    /// For how long the stream knows a repetition, where this box makes it.
    pub dedupe_minutes: u64,
    /// The user to log in as, with `password`.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
    /// A token to log in with instead.
    pub token: Option<Secret>,
    /// The seed of an nkey to log in with instead: `SU…`.
    pub nkey: Option<Secret>,
    /// The text of a credentials file (`.creds`) to log in with instead.
    pub credentials: Option<Secret>,
    /// A file with the certificates of the only authorities to believe; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// `first_use` or `sha256/…`: the key the server has to show.
    pub tls_pin: Option<String>,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: String::new(),
            stream: "CDR".to_owned(),
            subject: "cdr.{site}.{appliance}".to_owned(),
            stream_subjects: vec!["cdr.>".to_owned()],
            create_stream: true,
            dedupe_minutes: 120,
            user: None,
            password: None,
            token: None,
            nkey: None,
            credentials: None,
            ca_file: None,
            tls_pin: None,
        }
    }
}

const SCHEMES: [Scheme; 2] = [("nats", 4222), ("tls", 4222)];

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        let mut add = |key, problem: String, cure: &str| found.push((key, problem, cure.to_owned()));
        if let Err(problem) = Address::parse(&self.url, &SCHEMES) {
            add(
                "url",
                problem,
                "write where the server is, such as tls://nats.head-office.example",
            );
        }
        if self.stream.is_empty() || self.stream.contains(|letter: char| !is_plain(letter)) {
            add(
                "stream",
                "is no name of a stream".to_owned(),
                "use letters, digits, - and _",
            );
        }
        if let Some(odd) = line::unknown_placeholder(&self.subject) {
            add(
                "subject",
                format!("has `{odd}`, which stands for nothing"),
                "use {site} and {appliance}",
            );
        } else if !is_subject(&self.subject) {
            add(
                "subject",
                "is no subject to publish under".to_owned(),
                "write words with dots between, such as cdr.{site}.{appliance}",
            );
        }
        let ways = [
            self.user.is_some(),
            self.token.is_some(),
            self.nkey.is_some(),
            self.credentials.is_some(),
        ];
        if ways.into_iter().filter(|is_given| *is_given).count() > 1 {
            add(
                "user",
                "stands beside another way to log in".to_owned(),
                "keep one of user, token, nkey and credentials",
            );
        }
        if self.user.is_some() != self.password.is_some() {
            add("password", "and `user` belong together".to_owned(), "write both");
        }
        found.extend(line::pin_mistake(self.tls_pin.as_deref()));
        found
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

fn is_subject(subject: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && !word.contains(['*', '>', ' ', '\t', '\r', '\n']);
    subject.split('.').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let section: Section = toml::from_str(&format!("url='tls://nats.example'\n{text}")).unwrap();
        section.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn each_mistake_names_its_key() {
        assert!(keys("").is_empty());
        let section: Section = toml::from_str("url='http://nats.example'\ntls_pin='first'").unwrap();
        let found: Vec<_> = section.mistakes().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(found, ["url", "tls_pin"]);
        assert_eq!(keys("stream='a.b'"), ["stream"]);
        for wrong in ["cdr.{sito}", "cdr.>", "cdr..x", "", "c dr"] {
            assert_eq!(keys(&format!("subject='{wrong}'")), ["subject"], "{wrong}");
        }
        assert_eq!(keys("user='a'"), ["password"]);
        assert_eq!(keys("user='a'\npassword='b'\ntoken='c'"), ["user"]);
    }
}
