use super::digest::Algorithm;
use super::flow::Transport;
use super::registrar::RegistrationTimes;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// `[sip]`: where the box listens, what phones log in to, how long a registration lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Sockets to listen on: `udp://ADDRESS:PORT`, `tcp://…`, `tls://…`, and for browsers `ws://…` and `wss://…`; IPv6
    /// in brackets. Browsers find `/sip` on the HTTP port as well, without encryption.
    pub listen: Vec<Listen>,
    /// The certificate of `tls://` and `wss://`, a PEM file with those behind it that lead to an authority. Without it
    /// the box makes one of its own at the first start. A changed file counts within ten seconds; calls go on.
    pub tls_certificate: Option<PathBuf>,
    /// The key of that certificate, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// More certificates with their keys, `{ certificate = "…", key = "…" }`: whoever asks for a name that one of them
    /// has is shown that one, everybody else `tls_certificate`.
    pub tls_others: Vec<CertificateFiles>,
    /// Authorities, a PEM file: whoever comes in by TLS has to show a certificate of one of them. Nobody is asked for
    /// one without it.
    pub tls_client_ca: Option<PathBuf>,
    /// Whether those without a certificate are let in all the same, for the time in which phones get theirs. A wrong
    /// one is refused either way.
    pub tls_client_optional: bool,
    /// Web pages with a telephone in them, beside the box's own: `https://crm.example`. A browser that shows any other
    /// page may not log in.
    pub ws_origins: Vec<String>,
    /// DNS servers for the names of trunks, `192.168.1.1` or `192.168.1.1:5353`; those of the system when absent.
    pub dns_servers: Vec<DnsServer>,
    /// The realm of passwords, and the domain of the phones' addresses. Changing it changes every stored password.
    pub realm: String,
    /// What passwords are proven with, the favourite first: `SHA-256`, `MD5`. Phones are offered both (RFC 8760); old
    /// ones that stumble over a challenge they do not know are found out and asked for MD5 alone.
    pub digests: Vec<Algorithm>,
    /// The shortest registration granted; phones that ask for less are told so (423).
    pub min_expires_seconds: u32,
    /// The longest registration granted; phones that ask for more get this.
    pub max_expires_seconds: u32,
    /// The registration granted to phones that do not say how long.
    pub default_expires_seconds: u32,
    /// How often each registered phone is asked whether it is there (OPTIONS). One that does not answer is not rung
    /// until it does; 0 asks none.
    pub qualify_seconds: u32,
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
            tls_certificate: None,
            tls_key: None,
            tls_others: Vec::new(),
            tls_client_ca: None,
            tls_client_optional: false,
            ws_origins: Vec::new(),
            dns_servers: Vec::new(),
            realm: "callpost".to_owned(),
            digests: Algorithm::ALL.to_vec(),
            min_expires_seconds: 60,
            max_expires_seconds: 3600,
            default_expires_seconds: 3600,
            qualify_seconds: 60,
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

    /// How often phones are asked whether they are there; never, when nothing.
    pub fn qualify_every(&self) -> Option<Duration> {
        (self.qualify_seconds > 0).then(|| Duration::from_secs(self.qualify_seconds.into()))
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
            let takes_it = |earlier: &&Listen| earlier.is_in_the_way_of(listen);
            if let Some(earlier) = self.listen.iter().take(place).find(takes_it) {
                let cure = "give one of them another port";
                mistakes.push((
                    "listen",
                    format!("\"{listen}\" and \"{earlier}\" want the same port — {cure}"),
                ));
            }
        }
        mistakes.extend(self.mistakes_in_security());
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

    fn mistakes_in_security(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => mistakes.push((
                "tls_certificate",
                "stands without `tls_key` — write tls_key too".to_owned(),
            )),
            (None, Some(_)) => mistakes.push((
                "tls_key",
                "stands without `tls_certificate` — write tls_certificate too".to_owned(),
            )),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if !self.tls_others.is_empty() && self.tls_certificate.is_none() {
            let cure = "write tls_certificate and tls_key for those who ask for no name";
            mistakes.push(("tls_others", format!("stands without `tls_certificate` — {cure}")));
        }
        let is_origin = |text: &str| {
            let rest = text
                .strip_prefix("https://")
                .or_else(|| text.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '@', '*', ' ']))
        };
        for origin in self.ws_origins.iter().filter(|origin| !is_origin(origin)) {
            let cure = "write it like \"https://crm.example\", without a path";
            mistakes.push(("ws_origins", format!("\"{origin}\" is no origin — {cure}")));
        }
        mistakes
    }

    /// Whether anybody is listened to by TLS, so that a certificate is needed.
    pub fn wants_certificate(&self) -> bool {
        self.listen.iter().any(|listen| listen.transport.is_secure())
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
        if self.qualify_seconds != 0 && !(10..=3600).contains(&self.qualify_seconds) {
            mistakes.push((
                "qualify_seconds",
                format!(
                    "{} — use 10 to 3600, or 0 to ask no phone; 60 is usual",
                    self.qualify_seconds
                ),
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

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The certificate, with those behind it that lead to an authority; PEM.
    pub certificate: PathBuf,
    /// Its key; PEM.
    pub key: PathBuf,
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

impl Listen {
    /// Streams share the ports of TCP, whatever is spoken on them. Port 0 is any free one.
    fn is_in_the_way_of(&self, other: &Self) -> bool {
        let streams = self.transport.is_reliable() && other.transport.is_reliable();
        streams && self != other && self.address == other.address && self.address.port() != 0
    }
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

/// The address of a DNS server; port 53 when none is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnsServer(pub SocketAddr);

impl TryFrom<String> for DnsServer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let alone = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
        let address = text.parse().or(alone);
        address.map(Self).map_err(|_| {
            format!("\"{text}\" is no address of a DNS server — write it like \"192.168.1.1\" or \"192.168.1.1:5353\"")
        })
    }
}

impl From<DnsServer> for String {
    fn from(server: DnsServer) -> Self {
        server.0.to_string()
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
        let text = r#"listen=["udp://[::1]:5060","udp://[::1]:5060","tls://127.0.0.1:443","wss://127.0.0.1:443"]
            tls_key="a.key"
            ws_origins=["https://crm.example", "*"]
            dns_servers=["127.0.0.1", "[::1]:5353"]
            realm="two words"
            min_expires_seconds=0
            max_expires_seconds=10
            qualify_seconds=5
            default_expires_seconds=20"#;
        let config: Config = toml::from_str(text).unwrap();
        let keys: Vec<_> = config.mistakes().into_iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "listen",
                "listen",
                "tls_key",
                "ws_origins",
                "realm",
                "min_expires_seconds",
                "qualify_seconds",
                "default_expires_seconds"
            ]
        );
        let error = toml::from_str::<Config>(r#"listen=["5060"]"#)
            .unwrap_err()
            .to_string();
        assert!(error.contains("write it as \"udp://127.0.0.1:5060\""), "{error}");
    }
}
