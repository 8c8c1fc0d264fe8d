#[cfg(feature = "mail")]
use crate::egress::Trust;
use crate::egress::{Host, read_url};
use crate::model::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// `[mail]`: the server that takes e-mails with messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// The server's name or address; without one nothing is sent.
    pub server: String,
    /// Its port; 587 with `starttls`, 465 with `tls` and 25 with `none` when absent.
    pub port: Option<u16>,
    /// `starttls` (the connection must become a secret one before anything is said), `tls` from the beginning, or `none`.
    pub tls: Security,
    /// Whom to log in as; nobody when empty.
    pub username: String,
    /// The password; `password_file` names a file with it.
    pub password: Secret,
    /// The sender's address.
    pub from: String,
    /// The largest recording that is attached; of a longer one only the news is sent.
    pub attach_megabytes: u32,
    /// A file with the authorities that may have signed the server's certificate; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

/// How secret a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// It becomes secret before anything is said.
    #[default]
    Starttls,
    /// It is from the beginning.
    Tls,
    /// Everybody on the way can read it.
    None,
}

/// `[transcription]`: who writes down what messages say. Off until a service or a command is named.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscriptionConfig {
    /// A service that takes the recording as the body of a POST and answers `{"text": "…"}`.
    pub url: String,
    /// What the service wants to see as a bearer token; `token_file` names a file with it.
    pub token: Secret,
    /// A program of this machine and its arguments, which writes the text to its standard output; `{file}` stands for
    /// the recording, `{language}` for the language the caller heard.
    pub command: Vec<String>,
    /// How long either may take.
    pub timeout_seconds: u32,
    /// Whether plain `http://` is allowed, which shows messages to everybody on the way.
    pub allow_http: bool,
    /// A file with the authorities that may have signed the service's certificate; the system's when absent.
    pub ca_file: Option<PathBuf>,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: None,
            tls: Security::Starttls,
            username: String::new(),
            password: Secret::default(),
            from: String::new(),
            attach_megabytes: 5,
            ca_file: None,
        }
    }
}

impl Default for TranscriptionConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            token: Secret::default(),
            command: Vec::new(),
            timeout_seconds: 300,
            allow_http: false,
            ca_file: None,
        }
    }
}

impl MailConfig {
    /// Whether anything is sent.
    pub fn is_on(&self) -> bool {
        !self.server.is_empty()
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        })
    }

    /// Whom to believe that it is the server.
    ///
    /// # Errors
    /// The problem in words.
    #[cfg(feature = "mail")]
    pub(super) fn trust(&self) -> Result<Trust, String> {
        Trust::from_keys(self.ca_file.as_deref(), None, "mail")
            .map_err(|(key, problem)| format!("{key}: {problem}"))
    }

    /// What is wrong with the section: the key, and what is wrong with a cure behind a dash.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if !self.is_on() {
            return mistakes;
        }
        if cfg!(not(feature = "mail")) {
            let why = "is not sent by this build — use one with the feature `mail`";
            mistakes.push(("server", why.to_owned()));
        }
        if let Err(refused) = Host::parse(&self.server) {
            mistakes.push((
                "server",
                format!("{refused} — write a name such as smtp.example.com"),
            ));
        }
        if !is_address(&self.from) {
            let cure = "write an e-mail address such as callpost@example.com";
            mistakes.push(("from", format!("\"{}\" is no address — {cure}", self.from)));
        }
        if !self.username.is_empty() && self.tls == Security::None {
            let cure = "use tls = \"starttls\" or leave `username` empty";
            mistakes.push((
                "username",
                format!("would send its password for everybody to read — {cure}"),
            ));
        }
        if !self.username.is_empty() && self.password.expose().is_empty() {
            mistakes.push(("password", "is missing — write `password_file`".to_owned()));
        }
        if self.attach_megabytes > 50 {
            let cure = "use 50 or less; 5 is usual";
            mistakes.push((
                "attach_megabytes",
                format!("{} is more than servers take — {cure}", self.attach_megabytes),
            ));
        }
        mistakes
    }
}

impl TranscriptionConfig {
    /// Whether anybody writes messages down.
    pub fn is_on(&self) -> bool {
        !self.url.is_empty() || !self.command.is_empty()
    }

    /// What is wrong with the section: the key, and what is wrong with a cure behind a dash.
    pub fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if !self.url.is_empty() && !self.command.is_empty() {
            mistakes.push(("command", "stands beside `url` — keep one of the two".to_owned()));
        }
        if !self.url.is_empty() {
            match read_url(&self.url, &["http", "https"]) {
                Err(problem) => mistakes.push(("url", format!("{problem} — write one such as https://…"))),
                Ok(url) if url.scheme() == "http" && !self.allow_http => mistakes.push((
                    "url",
                    "shows messages to everybody on the way — use https:// or allow_http = true".to_owned(),
                )),
                Ok(_) => {}
            }
        }
        if self.command.first().is_some_and(String::is_empty) {
            mistakes.push((
                "command",
                "names no program — write [\"/usr/bin/…\", \"{file}\"]".to_owned(),
            ));
        }
        if !(1..=3600).contains(&self.timeout_seconds) {
            mistakes.push((
                "timeout_seconds",
                format!("{} — use 1 to 3600; 300 is usual", self.timeout_seconds),
            ));
        }
        mistakes
    }
}

/// Whether a text may be written where an e-mail address stands: one name, one `@`, one host, and nothing that could
/// begin another header.
pub fn is_address(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_graphic() && !"<>()[]\\,;:\"".contains(letter);
    match text.split_once('@') {
        Some((user, host)) => {
            !user.is_empty()
                && !host.is_empty()
                && text.len() <= 254
                && !host.contains('@')
                && text.chars().all(plain)
        }
        None => false,
    }
}
