use crate::model::Stamp;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What a look at everything found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When it began.
    pub at: Stamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The worst of its lines.
    pub outcome: Outcome,
    /// What was looked at, in the order a technician would.
    pub lines: Vec<Line>,
}

impl Report {
    pub(super) fn new(at: Stamp, took: Duration, mut lines: Vec<Line>) -> Self {
        // Stable: what belongs together stays together.
        lines.sort_by_key(|line| line.area);
        let outcome = lines.iter().map(|line| line.outcome).max();
        Self {
            at,
            took_ms: in_ms(took),
            outcome: outcome.unwrap_or(Outcome::Ok),
            lines,
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What kind of thing it is.
    pub area: Area,
    /// Which one: a trunk, a destination, an interface; empty where there is only one.
    pub about: String,
    /// How it is.
    pub outcome: Outcome,
    /// What was seen, in plain words.
    pub text: String,
    /// What to do about it; nothing when all is well.
    pub cure: Option<String>,
    /// Who can do it; nothing when all is well.
    pub turn_to: Option<Whom>,
    /// How long the whole took, in milliseconds; `null` where time says nothing.
    pub ms: Option<u64>,
    /// The way there, step by step; empty where there is only one step.
    pub steps: Vec<Step>,
}

/// One step on the way to a trunk or a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `dns`, `connect`, `tls`, `options`, `register`, `greeting`.
    pub step: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What was seen.
    pub text: String,
}

/// What kind of thing was looked at, in the order of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Interfaces and the box's own addresses.
    Network,
    /// The way out of the network.
    Gateway,
    /// Routers that translate addresses.
    Nat,
    /// Names into addresses.
    Dns,
    /// The clock.
    Clock,
    /// Ports and addresses the box listens on.
    Sip,
    /// Ports for voice.
    Rtp,
    /// A trunk.
    Trunk,
    /// Somebody on the way who rewrites SIP.
    Alg,
    /// Long messages on the way to a trunk.
    Mtu,
    /// A receiver of call records.
    Upstream,
    /// A place for copies of recordings.
    Storage,
    /// A PBX whose records are fetched.
    Pbx,
    /// The e-mail server.
    Mail,
    /// Who writes down messages.
    Transcription,
    /// A certificate's end.
    Certificate,
    /// Sound files.
    Prompts,
    /// The disk.
    Disk,
    /// The database.
    Database,
    /// Memory.
    Memory,
    /// File handles.
    Files,
}

impl Area {
    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Gateway => "gateway",
            Self::Nat => "nat",
            Self::Dns => "dns",
            Self::Clock => "clock",
            Self::Sip => "sip",
            Self::Rtp => "rtp",
            Self::Trunk => "trunk",
            Self::Alg => "alg",
            Self::Mtu => "mtu",
            Self::Upstream => "upstream",
            Self::Storage => "storage",
            Self::Pbx => "pbx",
            Self::Mail => "mail",
            Self::Transcription => "transcription",
            Self::Certificate => "certificate",
            Self::Prompts => "prompts",
            Self::Disk => "disk",
            Self::Database => "database",
            Self::Memory => "memory",
            Self::Files => "files",
        }
    }
}

/// How a thing is; the worst compares greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, or could not be found out; worth a look.
    Warn,
    /// Calls, records or copies suffer.
    Fail,
}

impl Outcome {
    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Whoever looks after this box and its configuration.
    Box,
    /// Whoever looks after cables, routers and DNS.
    Network,
    /// The PBX's technician, or the carrier.
    Pbx,
    /// Whoever runs the system that receives records, copies or e-mails.
    Receiver,
}

impl Whom {
    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Network => "network",
            Self::Pbx => "pbx",
            Self::Receiver => "receiver",
        }
    }
}

impl Line {
    /// All is well.
    pub(super) fn ok(area: Area, about: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            area,
            about: about.into(),
            outcome: Outcome::Ok,
            text: text.into(),
            cure: None,
            turn_to: None,
            ms: None,
            steps: Vec::new(),
        }
    }

    /// It works, or nobody can tell.
    pub(super) fn warn(
        area: Area,
        about: impl Into<String>,
        text: impl Into<String>,
        cure: impl Into<String>,
        turn_to: Whom,
    ) -> Self {
        Self {
            outcome: Outcome::Warn,
            cure: Some(cure.into()),
            turn_to: Some(turn_to),
            ..Self::ok(area, about, text)
        }
    }

    /// Something suffers.
    pub(super) fn fail(
        area: Area,
        about: impl Into<String>,
        text: impl Into<String>,
        cure: impl Into<String>,
        turn_to: Whom,
    ) -> Self {
        Self {
            outcome: Outcome::Fail,
            ..Self::warn(area, about, text, cure, turn_to)
        }
    }

    pub(super) fn took(mut self, time: Duration) -> Self {
        self.ms = Some(in_ms(time));
        self
    }

    pub(super) fn by_way_of(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }
}

/// `fail  trunk pbx            nobody answers — look whether the PBX is on`: one line, whatever the text holds.
impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.about.is_empty() {
            self.area.as_str().to_owned()
        } else {
            format!("{} {}", self.area.as_str(), self.about)
        };
        write!(
            out,
            "{:<5} {name:<24} {}",
            self.outcome.as_str(),
            plain(&self.text)
        )?;
        match &self.cure {
            Some(cure) => write!(out, " — {}", plain(cure)),
            None => Ok(()),
        }
    }
}

/// What came from outside stays on its line and writes no escape to the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

pub(super) fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_tells_what_to_do() {
        let line = Line::fail(
            Area::Trunk,
            "pbx",
            "no answer\r\n\u{1b}[31m",
            "turn it on",
            Whom::Pbx,
        );
        let shown = line.to_string();
        assert_eq!(shown.lines().count(), 1);
        assert!(!shown.contains('\u{1b}'));
        assert!(
            shown.starts_with("fail  trunk pbx ") && shown.ends_with("— turn it on"),
            "{shown}"
        );
    }

    #[test]
    fn a_report_is_as_bad_as_its_worst_line_and_sorted_by_area() {
        let lines = vec![
            Line::ok(Area::Disk, "", "room"),
            Line::warn(Area::Dns, "", "slow", "ask", Whom::Network),
        ];
        let at = Stamp {
            unix_ms: 0,
            offset_seconds: 0,
        };
        let report = Report::new(at, Duration::from_millis(7), lines);
        assert_eq!((report.outcome, report.took_ms), (Outcome::Warn, 7));
        assert_eq!(report.lines.first().map(|line| line.area), Some(Area::Dns));
    }

    #[test]
    fn words_are_those_of_the_json() {
        for area in [Area::Network, Area::Transcription, Area::Files, Area::Alg] {
            assert_eq!(serde_json::to_value(area).unwrap(), area.as_str());
        }
        for outcome in [Outcome::Ok, Outcome::Warn, Outcome::Fail] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
        for whom in [Whom::Box, Whom::Network, Whom::Pbx, Whom::Receiver] {
            assert_eq!(serde_json::to_value(whom).unwrap(), whom.as_str());
        }
    }
}
