//! MQTT 3.1.1: each record is published with QoS 1 under the site's topic, and counts as delivered at the broker's
//! PUBACK. The payload holds the record's identity, by which a repetition is known. `rumqttc` writes and reads the
//! packets; the connection is one of `egress`, kept open by a task of its own.

#[cfg(feature = "mqtt")]
mod session;
#[cfg(feature = "mqtt")]
mod sink;

use super::line::{self, Address, Scheme};
use crate::model::Secret;
use crate::upstream::config::SectionMistake;
use serde::Deserialize;
use std::path::PathBuf;

#[cfg(feature = "mqtt")]
pub(in crate::upstream) use sink::Mqtt;

/// The keys of an `mqtt` destination.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where the broker is: `mqtts://host` or `mqtt://host`.
    pub url: String,
    /// The topic records are published under; `{site}` and `{appliance}` stand for this box.
    pub topic: String,
    /// The name of the session at the broker; `{site}` and `{appliance}` stand for this box.
    pub client_id: String,
    /// The user to log in as.
    pub user: Option<String>,
    /// The password of `user`.
    pub password: Option<Secret>,
    /// A larger record is refused here: brokers drop the connection over it, or the record without a word.
    pub max_kilobytes: usize,
    /// How long the connection may be silent before a ping, in seconds.
    pub keep_alive_seconds: u16,
    /// A file with the certificates of the only authorities to believe; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// `first_use` or `sha256/…`: the key the server has to show.
    pub tls_pin: Option<String>,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: String::new(),
            topic: "callpost/{site}/{appliance}/cdr".to_owned(),
            client_id: "callpost-{appliance}".to_owned(),
            user: None,
            password: None,
            max_kilobytes: 256,
            keep_alive_seconds: 60,
            ca_file: None,
            tls_pin: None,
        }
    }
}

const SCHEMES: [Scheme; 2] = [("mqtt", 1883), ("mqtts", 8883)];

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        let mut add = |key, problem: String, cure: &str| found.push((key, problem, cure.to_owned()));
        if let Err(problem) = Address::parse(&self.url, &SCHEMES) {
            add(
                "url",
                problem,
                "write where the broker is, such as mqtts://mq.head-office.example",
            );
        }
        for (key, template) in [("topic", &self.topic), ("client_id", &self.client_id)] {
            if let Some(odd) = line::unknown_placeholder(template) {
                add(
                    key,
                    format!("has `{odd}`, which stands for nothing"),
                    "use {site} and {appliance}",
                );
            }
        }
        if self.topic.is_empty() || self.topic.contains(['+', '#', '\0']) || self.topic.len() > 1024 {
            add(
                "topic",
                "is no topic to publish under".to_owned(),
                "write words with slashes between, such as cdr/{site}",
            );
        }
        if self.client_id.is_empty() {
            add(
                "client_id",
                "is empty, and the broker keeps a session under it".to_owned(),
                "write callpost-{appliance}",
            );
        }
        if self.password.is_some() && self.user.is_none() {
            add(
                "user",
                "is missing beside `password`".to_owned(),
                "write the user as well",
            );
        }
        if self.max_kilobytes == 0 {
            add(
                "max_kilobytes",
                "is 0, and no record is so small".to_owned(),
                "256 is usual",
            );
        }
        found.extend(line::pin_mistake(self.tls_pin.as_deref()));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let section: Section = toml::from_str(&format!("url='mqtts://mq.example'\n{text}")).unwrap();
        section.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn each_mistake_names_its_key() {
        assert!(keys("").is_empty());
        let section: Section = toml::from_str("url='tcp://mq.example'\ntls_pin='first'").unwrap();
        let found: Vec<_> = section.mistakes().into_iter().map(|(key, ..)| key).collect();
        assert_eq!(found, ["url", "tls_pin"]);
        assert_eq!(keys("topic='cdr/#'"), ["topic"]);
        assert_eq!(keys("topic='cdr/{branch}'"), ["topic"]);
        assert_eq!(keys("client_id=''"), ["client_id"]);
        assert_eq!(keys("password='x'"), ["user"]);
        assert_eq!(keys("max_kilobytes=0"), ["max_kilobytes"]);
    }
}
