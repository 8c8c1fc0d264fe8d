use super::digest::Algorithm;
use super::flow::Transport;
use super::registrar::RegistrationTimes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// `[sip]`: where the box listens, what phones log in to, how long a registration lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Sockets to listen on: `udp://ADDRESS:PORT` or `tcp://ADDRESS:PORT`, IPv6 in brackets.
    pub listen: Vec<Listen>,
    /// The realm of passwords, and the domain of the phones' addresses. Changing it changes every stored password.
    pub realm: String,
    /// What passwords are proven with, the favourite first: `SHA-256`, `MD5`. Phones are offered both (RFC 8760);
    /// some old ones, such as baresip 1.0, stumble over a challenge they do not know and need `["MD5"]` alone.
    pub digests: Vec<Algorithm>,
    /// The shortest registration granted; phones that ask for less are told so (423).
    pub min_expires_seconds: u32,
    /// The longest registration granted; phones that ask for more get this.
    pub max_expires_seconds: u32,
    /// The registration granted to phones that do not say how long.
    pub default_expires_seconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 5060));
        let listen = [Transport::Udp, Transport::Tcp].map(|transport| Listen {
            transport,
            address: loopback,
        });
        Self {
            listen: listen.to_vec(),
            realm: "callpost".to_owned(),
            digests: Algorithm::ALL.to_vec(),
            min_expires_seconds: 60,
            max_expires_seconds: 3600,
            default_expires_seconds: 3600,
        }
    }
}

impl Config {
    /// The bounds of registrations.
    pub fn registration_times(&self) -> RegistrationTimes {
        RegistrationTimes {
            min: Duration::from_secs(self.min_expires_seconds.into()),
            max: Duration::from_secs(self.max_expires_seconds.into()),
            default: Duration::from_secs(self.default_expires_seconds.into()),
        }
    }

    /// What is wrong with the section: the key, and what is wrong with a cure, for each mistake.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if self.listen.is_empty() {
            let cure = "name at least one, such as \"udp://127.0.0.1:5060\"";
            mistakes.push(("listen", format!("nothing to listen on — {cure}")));
        }
        for (place, listen) in self.listen.iter().enumerate() {
            if self.listen.iter().take(place).any(|earlier| earlier == listen) {
                mistakes.push(("listen", format!("\"{listen}\" stands twice — remove one")));
            }
            if !matches!(listen.transport, Transport::Udp | Transport::Tcp) {
                mistakes.push((
                    "listen",
                    format!("\"{listen}\" is not served by this version — use udp:// or tcp://"),
                ));
            }
        }
        let plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
        if self.realm.is_empty() || !self.realm.chars().all(plain) {
            mistakes.push((
                "realm",
                "is not one plain word — use a name such as \"callpost\"".to_owned(),
            ));
        }
        if self.digests.is_empty() {
            let cure = "use [\"SHA-256\", \"MD5\"]";
            mistakes.push(("digests", format!("is empty, so no phone could log in — {cure}")));
        }
        mistakes.extend(self.mistakes_in_times());
        mistakes
    }

    fn mistakes_in_times(&self) -> Vec<(&'static str, String)> {
        let (min, max, default) = (
            self.min_expires_seconds,
            self.max_expires_seconds,
            self.default_expires_seconds,
        );
        let mut mistakes = Vec::new();
        if !(1..=3600).contains(&min) {
            mistakes.push((
                "min_expires_seconds",
                format!("{min} — use 1 to 3600; 60 is usual"),
            ));
        }
        if max < min {
            mistakes.push((
                "max_expires_seconds",
                format!("{max} is below min_expires_seconds — use {min} or more"),
            ));
        }
        if default < min || default > max.max(min) {
            let range = format!("use {min} to {}", max.max(min));
            mistakes.push((
                "default_expires_seconds",
                format!("{default} is outside the other two — {range}"),
            ));
        }
        mistakes
    }
}

/// A socket to listen on, `udp://127.0.0.1:5060` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen {
    /// What to listen for.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once("://").and_then(|(transport, address)| {
            Some(Self {
                transport: Transport::from_name(transport)?,
                address: address.parse().ok()?,
            })
        });
        parts.ok_or_else(|| {
            format!("\"{text}\" is no socket to listen on — write it as \"udp://127.0.0.1:5060\"")
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.transport, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_of_the_manual_is_the_default() {
        let text = r#"listen=["udp://127.0.0.1:5060","tcp://127.0.0.1:5060"]
            realm="callpost""#;
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config, Config::default());
        assert!(config.mistakes().is_empty());
    }

    #[test]
    fn every_mistake_is_told_with_its_cure() {
        let text = r#"listen=["udp://[::1]:5060","udp://[::1]:5060","wss://127.0.0.1:443"]
            realm="two words"
            min_expires_seconds=0
            max_expires_seconds=10
            default_expires_seconds=20"#;
        let config: Config = toml::from_str(text).unwrap();
        let keys: Vec<_> = config.mistakes().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "listen",
                "listen",
                "realm",
                "min_expires_seconds",
                "default_expires_seconds"
            ]
        );
        let error = toml::from_str::<Config>(r#"listen=["5060"]"#)
            .unwrap_err()
            .to_string();
        assert!(error.contains("write it as \"udp://127.0.0.1:5060\""), "{error}");
    }
}
