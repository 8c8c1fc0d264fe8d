use super::Seen;
use crate::sip::{Flow, Message, Method, Name};
use std::net::IpAddr;

/// The messages of a call, read.
#[derive(Debug)]
pub(super) struct Letters<'a> {
    all: Vec<Letter<'a>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) at_us: i64,
    pub(super) is_ours: bool,
    pub(super) leg: u32,
    pub(super) flow: Flow,
    pub(super) bytes: &'a [u8],
    pub(super) message: Message<'a>,
}

impl<'a> Letters<'a> {
    /// What cannot be read is left out.
    pub(super) fn read(messages: &[Seen<'a>]) -> Self {
        let all = messages
            .iter()
            .filter_map(|seen| {
                Some(Letter {
                    at_us: seen.at_us,
                    is_ours: seen.is_ours,
                    leg: seen.leg,
                    flow: seen.flow,
                    bytes: seen.bytes,
                    message: Message::parse(seen.bytes).ok()?,
                })
            })
            .collect();
        Self { all }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Letter<'a>> {
        self.all.iter()
    }

    pub(super) fn ours(&self) -> impl Iterator<Item = &Letter<'a>> {
        self.all.iter().filter(|letter| letter.is_ours)
    }

    pub(super) fn theirs(&self) -> impl Iterator<Item = &Letter<'a>> {
        self.all.iter().filter(|letter| !letter.is_ours)
    }

    /// How often the very same message of ours went out.
    pub(super) fn times_sent(&self, letter: &Letter<'_>) -> usize {
        let same = |other: &&Letter<'_>| other.leg == letter.leg && other.bytes == letter.bytes;
        self.ours().filter(same).count()
    }

    /// Each request of ours once, with what was answered.
    pub(super) fn asked(&self, method: Method<'_>) -> Vec<(&Letter<'a>, Vec<&Letter<'a>>)> {
        let mut asked: Vec<(&Letter<'a>, Vec<&Letter<'a>>)> = Vec::new();
        for letter in self.ours().filter(|one| one.is_request(method)) {
            if asked.iter().any(|(other, _)| other.branch() == letter.branch()) {
                continue;
            }
            let answers = self.theirs().filter(|one| {
                one.status().is_some()
                    && one.branch() == letter.branch()
                    && one.message.cseq().method == method
            });
            asked.push((letter, answers.collect()));
        }
        asked
    }
}

impl<'a> Letter<'a> {
    pub(super) fn status(&self) -> Option<u16> {
        self.message.status()
    }

    pub(super) fn is_request(&self, method: Method<'_>) -> bool {
        self.message.is_request() && self.message.method() == method
    }

    /// Whether it answers a request of that method with that status.
    pub(super) fn answers(&self, method: Method<'_>, status: u16) -> bool {
        self.status() == Some(status) && self.message.cseq().method == method
    }

    pub(super) fn branch(&self) -> Option<&'a str> {
        self.message.top_via().branch
    }

    /// The address voice is to go to, as the description says (RFC 4566 §5.7).
    pub(super) fn media_address(&self) -> Option<IpAddr> {
        self.sdp_line(b"c=IN ")?.split(' ').nth(1)?.trim().parse().ok()
    }

    /// What stands behind the first line of the description that begins so.
    pub(super) fn sdp_line(&self, beginning: &[u8]) -> Option<&'a str> {
        let body = self.message.part("application/sdp").ok()??;
        let mut lines = body.split(|byte| *byte == b'\n');
        let line = lines.find_map(|line| line.strip_prefix(beginning))?;
        std::str::from_utf8(line).ok().map(str::trim_end)
    }

    /// Whether the description says this anywhere.
    pub(super) fn sdp_says(&self, what: &str) -> bool {
        let body = self.message.part("application/sdp").ok().flatten();
        body.is_some_and(|body| memchr::memmem::find(body, what.as_bytes()).is_some())
    }

    pub(super) fn has_sdp(&self) -> bool {
        self.sdp_line(b"v=").is_some()
    }

    /// The text of Warning, or else the phrase of the status.
    pub(super) fn said(&self) -> String {
        let warning = self
            .message
            .warnings()
            .ok()
            .and_then(|all| all.into_iter().next());
        if let Some(warning) = warning {
            return warning.text.to_string();
        }
        let phrase = self.message.text(Name::Reason).map(|reason| reason.into_owned());
        let quoted = phrase.as_deref().and_then(|text| text.split('"').nth(1));
        match (quoted, self.status()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(status)) => crate::sip::reason_phrase(status).to_owned(),
            (None, None) => String::new(),
        }
    }
}
