//! What the sinks that speak over one long-lived connection share: the address in a URL, the way there, and the
//! names of this box in subjects and topics.

use super::{SinkContext, Unready};
use crate::egress::{Author, Egress, Trust};
use crate::upstream::config::SectionMistake;
use reqwest::Url;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection, with TLS or without.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Line for T {}

/// The whole way to a destination: the look-up, the connection, the TLS handshake.
pub(super) const CONNECTING: Duration = Duration::from_secs(15);

/// Where a destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) port: u16,
}

/// A scheme of a URL and its usual port.
pub(super) type Scheme = (&'static str, u16);

impl Address {
    /// Reads `scheme://host[:port]`. The problem, when it is something else: `check` puts the key before it.
    pub(super) fn parse(url: &str, schemes: &[Scheme]) -> Result<(Self, Url), String> {
        if url.is_empty() {
            return Err("is missing".to_owned());
        }
        let url: Url = url.parse().map_err(|error| format!("is no URL: {error}"))?;
        let Some((scheme, usual)) = schemes.iter().find(|(scheme, _)| *scheme == url.scheme()) else {
            let known: Vec<String> = schemes.iter().map(|(scheme, _)| format!("{scheme}://")).collect();
            return Err(format!(
                "begins with `{}://`, and not with {}",
                url.scheme(),
                known.join(" or ")
            ));
        };
        if url.password().is_some() {
            return Err("holds a password, and URLs are logged".to_owned());
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err("names no host".to_owned());
        };
        let address = Self {
            scheme: (*scheme).to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(*usual),
        };
        Ok((address, url))
    }

    /// Whether this is an address of the machine itself, written as one; what goes there leaves no wire to listen on.
    pub(super) fn is_loopback(&self) -> bool {
        self.host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    }
}

/// Whom a destination of this name believes.
pub(super) fn trust(name: &str, ca_file: Option<&Path>, tls_pin: Option<&str>) -> Result<Trust, Unready> {
    Trust::from_keys(ca_file, tls_pin, &format!("upstream/{name}"))
        .map_err(|(key, problem)| format!("{key} {problem}"))
}

/// What is wrong with the key `tls_pin`.
pub(super) fn pin_mistake(tls_pin: Option<&str>) -> Option<SectionMistake> {
    let (key, problem) = Trust::mistakes(tls_pin)?;
    Some((
        key,
        problem,
        "write first_use, or sha256/ and the fingerprint".to_owned(),
    ))
}

/// Connects, with a TLS handshake where `trust` says whom to believe.
pub(super) async fn open(
    egress: &Egress,
    address: &Address,
    trust: Option<&Trust>,
) -> Result<Box<dyn Line>, String> {
    let way = async {
        let stream = egress
            .connect(&address.host, address.port, Author::File)
            .await
            .map_err(|trouble| trouble.to_string())?;
        let line: Box<dyn Line> = match trust {
            None => Box::new(stream),
            Some(trust) => Box::new(
                egress
                    .tls(stream, &address.host, trust)
                    .await
                    .map_err(|trouble| trouble.to_string())?,
            ),
        };
        Ok(line)
    };
    in_time(CONNECTING, "no connection in time", way).await
}

/// Waits so long and no longer; `late` is the reason then.
pub(super) async fn in_time<T>(
    limit: Duration,
    late: &str,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(late.to_owned()),
    }
}

/// Whether the other side has closed the line; what it says meanwhile is thrown away.
pub(super) async fn is_closed(line: &mut dyn Line) -> bool {
    poll_fn(|context| {
        let mut space = [0; 512];
        loop {
            let mut said = ReadBuf::new(&mut space);
            match Pin::new(&mut *line).poll_read(context, &mut said) {
                Poll::Pending => return Poll::Ready(false),
                Poll::Ready(Ok(())) if !said.filled().is_empty() => {}
                Poll::Ready(Ok(())) | Poll::Ready(Err(_)) => return Poll::Ready(true),
            }
        }
    })
    .await
}

/// Puts the names of this box into a template: `cdr.{site}.{appliance}`. What has a meaning in subjects and topics
/// (`.`, `/`, `*`, `>`, `+`, `#`, blanks) is an underscore in a name.
pub(super) fn fill(template: &str, context: &SinkContext) -> String {
    template
        .replace("{site}", &as_name(&context.site))
        .replace("{appliance}", &as_name(&context.appliance_id))
}

fn as_name(text: &str) -> String {
    if text.is_empty() {
        return "_".to_owned();
    }
    text.chars()
        .map(|letter| {
            if letter.is_alphanumeric() || letter == '-' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

/// The placeholder that nothing is put in for, if there is one.
pub(super) fn unknown_placeholder(template: &str) -> Option<String> {
    let rest = template.replace("{site}", "").replace("{appliance}", "");
    let begin = rest.find(['{', '}'])?;
    Some(rest.get(begin..)?.to_owned())
}

/// An error of the network, in a few words.
pub(super) fn in_plain_words(error: &io::Error) -> String {
    let broken = [
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::BrokenPipe,
    ];
    if broken.contains(&error.kind()) {
        return "the connection broke".to_owned();
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [Scheme; 2] = [("nats", 4222), ("tls", 4222)];

    #[test]
    fn an_address_is_read_from_a_url() {
        let read = |url| Address::parse(url, &SCHEMES).map(|(address, _)| address);
        let address = read("nats://mq.example").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("mq.example", 4222));
        let address = read("tls://[::1]:7").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 7));
        assert!(address.is_loopback());
        for wrong in [
            "",
            "mq.example",
            "http://mq.example",
            "nats://sam:hush@mq.example",
            "nats://",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_made_safe_for_subjects_and_topics() {
        assert_eq!(as_name("branch 01.*>/#+"), "branch_01______");
        assert_eq!(as_name(""), "_");
        assert_eq!(as_name("Đà-Nẵng"), "Đà-Nẵng");
        assert_eq!(unknown_placeholder("cdr.{site}.{appliance}"), None);
        assert_eq!(unknown_placeholder("cdr.{sito}"), Some("{sito}".to_owned()));
    }
}
