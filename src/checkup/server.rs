//! The way to a receiver, step by step: its name, the connection, TLS, and the first word it says of itself.

use super::clock::Foreign;
use super::report::in_ms;
use super::trunk::about_end;
use super::{Greeting, Line, Server, ServerKind, Step, Wanted, Whom};
use crate::egress::{Author, Egress, Times, Trouble, Trust, in_plain_words};
use crate::net::CertificateFacts;
use reqwest::{Method, Url};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// The first word.
const GREETING: Duration = Duration::from_secs(5);
const TIMES: Times = Times {
    connect: Duration::from_secs(10),
    answer: Duration::from_secs(10),
};

/// What a server told: a line of its own, perhaps one about its certificate, and what time it is there.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) lines: Vec<Line>,
    pub(super) clock: Option<Foreign>,
}

/// The host of a server, when there is one.
pub(super) fn host(server: &Server) -> Option<String> {
    match &server.kind {
        ServerKind::Http { url, .. } => url.parse::<Url>().ok()?.host_str().map(str::to_owned),
        ServerKind::Stream { host, .. } | ServerKind::Datagram { host, .. } => Some(host.clone()),
        ServerKind::File(_) | ServerKind::Directory(_) | ServerKind::Program(_) | ServerKind::Unusable(_) => {
            None
        }
    }
}

pub(super) async fn look(wanted: &Wanted, server: &Server, egress: &Egress) -> Told {
    let mut walk = Walk {
        server,
        egress,
        now: wanted.now,
        unix_ms: wanted.unix_ms,
        begun: (wanted.now)(),
        steps: Vec::new(),
        clock: None,
        certificate: None,
    };
    let line = match &server.kind {
        ServerKind::Http { url, author, trust } => walk.http(url, *author, trust).await,
        ServerKind::Stream {
            host,
            port,
            tls,
            greeting,
        } => walk.stream(host, *port, tls.as_ref(), *greeting).await,
        ServerKind::Datagram { host, port } => walk.datagram(host, *port).await,
        ServerKind::File(path) => walk.file(path),
        ServerKind::Directory(path) => walk.directory(path),
        ServerKind::Program(program) => walk.program(program),
        ServerKind::Unusable(problem) => walk.bad(
            problem.clone(),
            "look at this section of the configuration",
            Whom::Box,
        ),
    };
    let about_certificate = walk
        .certificate
        .as_ref()
        .and_then(|facts| about_end(&server.name, facts, (wanted.unix_ms)()));
    let took = walk.took();
    let line = line.took(took).by_way_of(walk.steps);
    Told {
        lines: std::iter::once(line).chain(about_certificate).collect(),
        clock: walk.clock,
    }
}

struct Walk<'a> {
    server: &'a Server,
    egress: &'a Egress,
    now: fn() -> Instant,
    unix_ms: fn() -> i64,
    begun: Instant,
    steps: Vec<Step>,
    clock: Option<Foreign>,
    certificate: Option<CertificateFacts>,
}

impl Walk<'_> {
    fn took(&self) -> Duration {
        (self.now)().saturating_duration_since(self.begun)
    }

    fn ok(&self, text: String) -> Line {
        Line::ok(self.server.area, &self.server.name, text)
    }

    fn bad(&self, text: impl Into<String>, cure: &str, whom: Whom) -> Line {
        Line::fail(self.server.area, &self.server.name, text, cure, whom)
    }

    /// Takes a step and says how it went.
    async fn step<T>(
        &mut self,
        step: &'static str,
        work: impl Future<Output = Result<T, Trouble>>,
        shown: impl FnOnce(&T) -> String,
    ) -> Result<T, Line> {
        let since = (self.now)();
        let outcome = work.await;
        let ms = in_ms((self.now)().saturating_duration_since(since));
        let (ok, text) = match &outcome {
            Ok(value) => (true, shown(value)),
            Err(trouble) => (false, trouble.to_string()),
        };
        self.steps.push(Step { step, ok, ms, text });
        outcome.map_err(|trouble| self.trouble(&trouble))
    }

    fn trouble(&self, trouble: &Trouble) -> Line {
        let (cure, whom) = match trouble {
            Trouble::Refused(_) => (
                "the box does not connect to such places by a name unless [egress] allow names them",
                Whom::Box,
            ),
            Trouble::NoSuchHost { .. } => (
                "look at the address in the configuration, then at the line `dns`",
                Whom::Box,
            ),
            Trouble::Unreachable(_) => (
                "look whether the server is on, listens at this port, and whether a firewall stands between",
                Whom::Receiver,
            ),
            Trouble::TimedOut(_) => (
                "look whether the server is on and whether a firewall stands between",
                Whom::Receiver,
            ),
            Trouble::Tls(_) => (
                "the certificate has to be valid now, for this name, from an authority the box knows (`ca_file`, `tls_pin`); \
                 the clock has to be right",
                Whom::Receiver,
            ),
            Trouble::Settings(_) => (
                "look at `ca_file`, or install the package ca-certificates",
                Whom::Box,
            ),
        };
        self.bad(trouble.to_string(), cure, whom)
    }

    async fn http(&mut self, url: &str, author: Author, trust: &Result<Trust, String>) -> Line {
        let Ok(url) = url.parse::<Url>() else {
            return self.bad(
                "its address is no URL",
                "look at the address in the configuration",
                Whom::Box,
            );
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let trust = match trust {
            Ok(trust) => trust,
            Err(problem) => return self.bad(problem.clone(), "look at `ca_file` and `tls_pin`", Whom::Box),
        };
        let tls = (url.scheme() == "https").then_some(trust);
        if let Err(line) = self.reach(&host, port, author, tls).await {
            return line;
        }
        let since = (self.now)();
        let answer = match self.egress.http_with(&url, author, trust, TIMES) {
            Ok(client) => client
                .request(Method::HEAD, url)
                .send()
                .await
                .map_err(in_plain_words),
            Err(trouble) => Err(trouble.to_string()),
        };
        let ms = in_ms((self.now)().saturating_duration_since(since));
        let (ok, text) = match &answer {
            Ok(answer) => (true, answer.status().to_string()),
            Err(reason) => (false, reason.clone()),
        };
        self.steps.push(Step {
            step: "greeting",
            ok,
            ms,
            text,
        });
        match answer {
            Ok(answer) => {
                let date = answer
                    .headers()
                    .get(reqwest::header::DATE)
                    .and_then(|value| value.to_str().ok());
                self.clock = date.and_then(|date| Foreign::read(&self.server.name, date, (self.unix_ms)()));
                let status = answer.status();
                if status.is_server_error() {
                    return Line::warn(
                        self.server.area,
                        &self.server.name,
                        format!("{host} answers, but has trouble of its own ({status})"),
                        "ask whoever runs it; the box keeps everything and tries again",
                        Whom::Receiver,
                    );
                }
                self.ok(format!("{host} answers by HTTP in {ms} ms ({}, which is as good as any to a question without a body)", status.as_u16()))
            }
            Err(reason) => self.bad(
                format!("{host} takes the connection, but does not answer by HTTP: {reason}"),
                "look whether this is the right port, and whether the server is well",
                Whom::Receiver,
            ),
        }
    }

    /// Name, connection and TLS, each a step.
    async fn reach(
        &mut self,
        host: &str,
        port: u16,
        author: Author,
        tls: Option<&Trust>,
    ) -> Result<Box<dyn Wire>, Line> {
        let egress = self.egress;
        self.step("dns", egress.resolve(host, port, author), |found| {
            let all: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
            all.join(", ")
        })
        .await?;
        let stream = self
            .step("connect", egress.connect(host, port, author), |stream| {
                stream
                    .peer_addr()
                    .map_or_else(|_| String::new(), |address| address.to_string())
            })
            .await?;
        let Some(trust) = tls else {
            return Ok(Box::new(stream));
        };
        let stream = self
            .step("tls", egress.tls(stream, host, trust), |_| {
                "the certificate is good".to_owned()
            })
            .await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        self.certificate = shown.and_then(CertificateFacts::of);
        Ok(Box::new(stream))
    }

    async fn stream(
        &mut self,
        host: &str,
        port: u16,
        tls: Option<&Result<Trust, String>>,
        greeting: Greeting,
    ) -> Line {
        let trust = match tls {
            None => None,
            Some(Ok(trust)) => Some(trust),
            Some(Err(problem)) => {
                return self.bad(problem.clone(), "look at `ca_file` and `tls_pin`", Whom::Box);
            }
        };
        let mut stream = match self.reach(host, port, Author::File, trust).await {
            Ok(stream) => stream,
            Err(line) => return line,
        };
        let since = (self.now)();
        let heard = timeout(GREETING, greet(&mut *stream, greeting)).await;
        let ms = in_ms((self.now)().saturating_duration_since(since));
        let heard = heard.unwrap_or_else(|_| Err("it says nothing".to_owned()));
        let (ok, text) = match &heard {
            Ok(text) => (true, text.clone()),
            Err(reason) => (false, reason.clone()),
        };
        if greeting != Greeting::Nothing {
            self.steps.push(Step {
                step: "greeting",
                ok,
                ms,
                text,
            });
        }
        match heard {
            Ok(text) => {
                let total = in_ms(self.took());
                self.ok(format!(
                    "{host} port {port} {text}; the way there took {total} ms"
                ))
            }
            Err(reason) => self.bad(
                format!("{host} port {port} takes the connection, but {reason}"),
                "look whether this is the right port, and what its log says",
                Whom::Receiver,
            ),
        }
    }

    async fn datagram(&mut self, host: &str, port: u16) -> Line {
        let egress = self.egress;
        match self
            .step("dns", egress.resolve(host, port, Author::File), |found| {
                format!("{} addresses", found.len())
            })
            .await
        {
            Ok(_) => self.ok(format!(
                "{host} has an address; datagrams to port {port} are not answered, so no more can be known"
            )),
            Err(line) => line,
        }
    }

    fn file(&self, path: &Path) -> Line {
        // Opening for appending adds nothing to a file that is there, and makes none that is not.
        let opened = OpenOptions::new().append(true).open(path);
        let outcome = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                writes_into(path.parent().unwrap_or(Path::new(".")))
            }
            other => other.map(drop),
        };
        match outcome {
            Ok(()) => self.ok(format!("{} can be written", path.display())),
            Err(error) => self.bad(
                format!("{} cannot be written: {error}", path.display()),
                file_cure(&error),
                Whom::Box,
            ),
        }
    }

    fn directory(&self, path: &Path) -> Line {
        match writes_into(path) {
            Ok(()) => self.ok(format!("{} can be written", path.display())),
            Err(error) => self.bad(
                format!("{} cannot be written: {error}", path.display()),
                "look whether the disk is mounted there and the user of the daemon may write to it",
                Whom::Box,
            ),
        }
    }

    fn program(&self, program: &str) -> Line {
        let is_there = if program.contains('/') {
            Path::new(program).is_file()
        } else {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
        };
        if is_there {
            return self.ok(format!("the program {program} is there"));
        }
        self.bad(
            format!("there is no program {program}"),
            "install it, or look at `command`",
            Whom::Box,
        )
    }
}

fn file_cure(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::NotFound {
        "make the directory, and let the user of the daemon write into it"
    } else {
        "let the user of the daemon write there; after a new directory was named the daemon has to be started again"
    }
}

/// Writes a small file into a directory and takes it away again.
pub(super) fn writes_into(directory: &Path) -> io::Result<()> {
    let probe = directory.join(format!(".callpost-selftest-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&probe)
        .and_then(|mut file| file.write_all(b"callpost selftest\n"));
    // What could not be made need not be removed.
    let _ = std::fs::remove_file(&probe);
    written
}

/// A connection, with TLS or without.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// PostgreSQL: the eight bytes of an SSLRequest (documentation of its protocol, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// MQTT 3.1.1 §3.1: a clean session under an empty name, without a user.
const CONNECT: [u8; 14] = [0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 5, 0, 0];

async fn greet(stream: &mut dyn Wire, greeting: Greeting) -> Result<String, String> {
    let words = |error: io::Error| format!("breaks it off: {error}");
    let mut first = [0; 64];
    let question: &[u8] = match greeting {
        Greeting::Nothing => return Ok("takes the connection".to_owned()),
        Greeting::Nats | Greeting::Smtp => &[],
        Greeting::Postgres => &SSL_REQUEST,
        Greeting::Mqtt => &CONNECT,
    };
    stream.write_all(question).await.map_err(words)?;
    stream.flush().await.map_err(words)?;
    let length = stream.read(&mut first).await.map_err(words)?;
    let heard = first.get(..length).unwrap_or_default();
    let (is_right, name) = match greeting {
        Greeting::Nothing => (true, ""),
        Greeting::Nats => (heard.starts_with(b"INFO "), "NATS"),
        Greeting::Smtp => (heard.starts_with(b"220"), "SMTP"),
        Greeting::Postgres => (matches!(heard, b"S" | b"N"), "PostgreSQL"),
        // Who asks for a user refuses us, and that is an answer too.
        Greeting::Mqtt => (heard.starts_with(&[0x20, 2]), "MQTT"),
    };
    if is_right {
        return Ok(format!("speaks {name}"));
    }
    if heard.is_empty() {
        return Err("closes it at once".to_owned());
    }
    Err(format!("does not speak {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_is_known_by_its_first_word() {
        for (greeting, said, wanted) in [
            (
                Greeting::Nats,
                &b"INFO {\"server_id\":\"x\"}\r\n"[..],
                Ok("speaks NATS"),
            ),
            (Greeting::Smtp, b"220 mail.example ESMTP\r\n", Ok("speaks SMTP")),
            (Greeting::Postgres, b"N", Ok("speaks PostgreSQL")),
            (Greeting::Mqtt, &[0x20, 2, 0, 5], Ok("speaks MQTT")),
            (Greeting::Nats, b"SSH-2.0-x\r\n", Err("does not speak NATS")),
            (Greeting::Mqtt, b"", Err("closes it at once")),
        ] {
            let (mut ours, mut theirs) = tokio::io::duplex(256);
            theirs.write_all(said).await.unwrap();
            theirs.shutdown().await.unwrap();
            let told = greet(&mut ours, greeting).await;
            assert_eq!(told.as_deref().map_err(String::as_str), wanted, "{greeting:?}");
        }
    }

    #[test]
    fn a_directory_is_tried_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        writes_into(dir.path()).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let missing = writes_into(&dir.path().join("nowhere")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert!(file_cure(&missing).contains("make the directory"));
    }
}
