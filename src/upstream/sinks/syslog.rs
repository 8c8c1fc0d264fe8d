//! Syslog: each record is one RFC 5424 message with its identity in the structured data and the record as JSON behind
//! it, over UDP (RFC 5426), TCP (RFC 6587 §3.4.1, octet counting) or TLS (RFC 5425).
//!
//! Syslog acknowledges nothing. Over UDP "delivered" means that the datagram has left; over TCP and TLS that the kernel
//! has taken it for a connection that still stood. What was written shortly before a connection broke is therefore
//! written again on the next one: doubles under the same id rather than a gap.

use super::line::{self, Address, CONNECTING, Line, Scheme, in_plain_words, in_time};
use super::outcome::Outcome;
use super::{SinkContext, Unready};
use crate::egress::{Author, Trust};
use crate::model::Stamp;
use crate::store::OutboxItem;
use crate::upstream::Delivered;
use crate::upstream::config::SectionMistake;
use serde::Deserialize;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::UdpSocket;

/// The keys of a `syslog` destination.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where the receiver is: `tls://host`, `tcp://host` or `udp://host`.
    pub url: String,
    /// The facility, 0 to 23; 16 is `local0`.
    pub facility: u8,
    /// The severity, 0 to 7; 6 is informational.
    pub severity: u8,
    /// The program name in each message.
    pub app_name: String,
    /// A file with the certificates of the only authorities to believe; the system's without it.
    pub ca_file: Option<PathBuf>,
    /// `first_use` or `sha256/…`: the key the server has to show.
    pub tls_pin: Option<String>,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            url: String::new(),
            facility: 16,
            severity: 6,
            app_name: "callpost".to_owned(),
            ca_file: None,
            tls_pin: None,
        }
    }
}

const SCHEMES: [Scheme; 3] = [("udp", 514), ("tcp", 514), ("tls", 6514)];
/// Messages a write.
const BATCH: usize = 64;
/// The longest the receiver may take no bytes.
const WRITING: Duration = Duration::from_secs(10);
/// The most that fits into a datagram.
const LARGEST_DATAGRAM: usize = 65_507;
/// How much of what was written last is written again after a break: what a receiver's kernel may hold unread.
const UNSURE_BYTES: usize = 256 * 1024;
/// The number that RFC 5612 sets apart for examples; we have none of our own.
const ENTERPRISE: u32 = 32_473;

impl Section {
    pub(in crate::upstream) fn mistakes(&self) -> Vec<SectionMistake> {
        let mut found = Vec::new();
        let mut add = |key, problem: String, cure: &str| found.push((key, problem, cure.to_owned()));
        if let Err(problem) = Address::parse(&self.url, &SCHEMES) {
            add(
                "url",
                problem,
                "write where the receiver is, such as tls://logs.head-office.example",
            );
        }
        if self.facility > 23 {
            add(
                "facility",
                format!("is {}", self.facility),
                "use 0 to 23; 16 is local0",
            );
        }
        if self.severity > 7 {
            add(
                "severity",
                format!("is {}", self.severity),
                "use 0 to 7; 6 is informational",
            );
        }
        let is_name = !self.app_name.is_empty()
            && self.app_name.len() <= 48
            && self.app_name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            add(
                "app_name",
                "is no name of a program".to_owned(),
                "use up to 48 letters without blanks",
            );
        }
        found.extend(line::pin_mistake(self.tls_pin.as_deref()));
        found
    }
}

/// A destination of kind `syslog`.
#[derive(Debug)]
pub(in crate::upstream) struct Syslog {
    head: Head,
    address: Address,
    trust: Trust,
    context: SinkContext,
    way: Option<Way>,
    /// Messages of the present connection, the newest last.
    unsure: VecDeque<Vec<u8>>,
}

/// An open way to the receiver.
enum Way {
    Datagrams(UdpSocket),
    Stream(Box<dyn Line>),
}

impl std::fmt::Debug for Way {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Datagrams(_) => "Datagrams",
            Self::Stream(_) => "Stream",
        })
    }
}

impl Syslog {
    pub(super) fn new(name: &str, section: &Section, context: &SinkContext) -> Result<Self, Unready> {
        let (address, _) =
            Address::parse(&section.url, &SCHEMES).map_err(|problem| format!("url {problem}"))?;
        let trust = line::trust(name, section.ca_file.as_deref(), section.tls_pin.as_deref())?;
        Ok(Self {
            head: Head {
                priority: section.facility * 8 + section.severity,
                host: host_name(&context.site),
                app_name: section.app_name.clone(),
            },
            address,
            trust,
            context: context.clone(),
            way: None,
            unsure: VecDeque::new(),
        })
    }

    pub(super) fn batch(&self) -> usize {
        BATCH
    }

    /// Sends them in order; see the top of this file for what that is worth.
    pub(super) async fn deliver(&mut self, batch: &[OutboxItem]) -> Delivered {
        let messages: Vec<Vec<u8>> = batch
            .iter()
            .map(|item| self.head.message(item, &self.context))
            .collect();
        let outcome = match self.way().await {
            Err(reason) => Outcome::nothing(reason),
            Ok(Way::Datagrams(socket)) => {
                let outcome = send_datagrams(&socket, &messages).await;
                self.way = Some(Way::Datagrams(socket));
                outcome
            }
            Ok(Way::Stream(line)) => self.write(line, messages).await,
        };
        outcome.delivered()
    }

    /// The way that is open, if it still stands, or a new one, on which what is unsure has been said again.
    async fn way(&mut self) -> Result<Way, String> {
        let known = self.way.take();
        if let Some(Way::Datagrams(socket)) = known {
            return Ok(Way::Datagrams(socket));
        }
        if let Some(Way::Stream(mut line)) = known
            && !line::is_closed(&mut *line).await
        {
            return Ok(Way::Stream(line));
        }
        if self.address.scheme == "udp" {
            return in_time(CONNECTING, "no answer in time", self.socket())
                .await
                .map(Way::Datagrams);
        }
        let trust = (self.address.scheme == "tls").then_some(&self.trust);
        let mut line = line::open(&self.context.egress, &self.address, trust).await?;
        for message in &self.unsure {
            write_all(&mut line, message).await?;
        }
        Ok(Way::Stream(line))
    }

    async fn socket(&self) -> Result<UdpSocket, String> {
        let (host, port) = (&self.address.host, self.address.port);
        let places = self
            .context
            .egress
            .resolve(host, port, Author::File)
            .await
            .map_err(|refused| refused.to_string())?;
        let place = places.first().ok_or_else(|| format!("{host} has no address"))?;
        let any: IpAddr = match place {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))
            .await
            .map_err(|error| in_plain_words(&error))?;
        // Connected, so that a receiver that is not there is heard of where the network tells it.
        socket
            .connect(place)
            .await
            .map_err(|error| in_plain_words(&error))?;
        Ok(socket)
    }

    async fn write(&mut self, mut line: Box<dyn Line>, messages: Vec<Vec<u8>>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut frames = Vec::with_capacity(messages.len());
        let mut bytes = Vec::new();
        for message in messages {
            // RFC 6587 §3.4.1: the length in octets, a blank, the message.
            let mut frame = message.len().to_string().into_bytes();
            frame.push(b' ');
            frame.extend_from_slice(&message);
            bytes.extend_from_slice(&frame);
            frames.push(frame);
        }
        if let Err(reason) = write_all(&mut line, &bytes).await {
            outcome.stop(reason);
            return outcome;
        }
        for frame in frames {
            outcome.done();
            self.remember(frame);
        }
        self.way = Some(Way::Stream(line));
        outcome
    }

    fn remember(&mut self, frame: Vec<u8>) {
        self.unsure.push_back(frame);
        let mut held: usize = self.unsure.iter().map(Vec::len).sum();
        while held > UNSURE_BYTES {
            held -= self.unsure.pop_front().map_or(held, |oldest| oldest.len());
        }
    }
}

async fn write_all(line: &mut Box<dyn Line>, bytes: &[u8]) -> Result<(), String> {
    let writing = async {
        line.write_all(bytes).await?;
        line.flush().await
    };
    match tokio::time::timeout(WRITING, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(in_plain_words(&error)),
        Err(_elapsed) => Err("the receiver takes no bytes".to_owned()),
    }
}

async fn send_datagrams(socket: &UdpSocket, messages: &[Vec<u8>]) -> Outcome {
    let mut outcome = Outcome::default();
    for message in messages {
        if message.len() > LARGEST_DATAGRAM {
            outcome.never("the record does not fit into a datagram");
            continue;
        }
        match socket.send(message).await {
            Ok(_bytes) => outcome.done(),
            Err(error) => {
                outcome.stop(in_plain_words(&error));
                return outcome;
            }
        }
    }
    outcome
}

/// What stands before every record.
#[derive(Debug)]
struct Head {
    priority: u8,
    host: String,
    app_name: String,
}

/// The parts of a record that are wanted outside the JSON.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Glance {
    site: String,
    status: String,
    ended_at: Option<Stamp>,
    started_at: Option<Stamp>,
}

impl Head {
    /// RFC 5424 §6: `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [structured data] message`.
    fn message(&self, item: &OutboxItem, context: &SinkContext) -> Vec<u8> {
        // Whatever it looks like inside, the record is sent; only what stands beside it may be missing.
        let glance: Glance = serde_json::from_str(&item.body).unwrap_or_default();
        let when = glance
            .ended_at
            .or(glance.started_at)
            .map_or_else(|| "-".to_owned(), |stamp| stamp.to_string());
        let mut message = format!(
            "<{}>1 {when} {} {} - CDR ",
            self.priority, self.host, self.app_name
        );
        let parameters = [
            ("cdr_id", item.cdr_id.clone()),
            ("version", item.version.to_string()),
            ("seq", item.seq.to_string()),
            ("site", glance.site),
            ("appliance", context.appliance_id.clone()),
            ("status", glance.status),
        ];
        // Writing to a String cannot fail.
        let _ = write!(message, "[cdr@{ENTERPRISE}");
        for (name, value) in parameters {
            let _ = write!(message, " {name}=\"{}\"", escaped(&value));
        }
        // The record is UTF-8 and says so by the mark (§6.4).
        let _ = write!(message, "] \u{feff}{}", item.numbered_body());
        message.into_bytes()
    }
}

/// RFC 5424 §6.3.3: `"`, `\` and `]` stand behind a backslash.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(if letter.is_control() { ' ' } else { letter });
    }
    escaped
}

/// Printable ASCII without blanks, 255 at most (§6.2.4).
fn host_name(site: &str) -> String {
    let name: String = site
        .chars()
        .map(|letter| if letter.is_ascii_graphic() { letter } else { '-' })
        .take(255)
        .collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&'static str> {
        let section: Section = toml::from_str(text).unwrap();
        section.mistakes().into_iter().map(|(key, ..)| key).collect()
    }

    #[test]
    fn each_mistake_names_its_key() {
        assert!(keys("url='tls://logs.example'").is_empty());
        assert_eq!(
            keys("url='https://logs.example'\ntls_pin='first'"),
            ["url", "tls_pin"]
        );
        assert_eq!(
            keys("url='udp://logs.example'\nfacility=24\nseverity=8\napp_name='a b'"),
            ["facility", "severity", "app_name"]
        );
    }

    #[test]
    fn what_ends_a_value_is_escaped() {
        assert_eq!(escaped(r#"a"b\c]d"#), r#"a\"b\\c\]d"#);
        assert_eq!(escaped("a\nb"), "a b");
        assert_eq!(host_name("branch 01"), "branch-01");
        assert_eq!(host_name(""), "-");
    }
}
