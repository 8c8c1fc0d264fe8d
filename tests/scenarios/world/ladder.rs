//! What happened, as a person would write it down: the time first, one line a message.

use callpost::media::MediaOrder;
use callpost::model::{Cdr, LegKey, LegRecord, Part, Playable};
use callpost::sip::{Message, Method, Name, reason_phrase};
use std::fmt::Write as _;
use std::time::Duration;

/// The lines written so far.
#[derive(Default)]
pub struct Ladder {
    pub lines: Vec<String>,
    /// Random stories write nothing …
    pub quiet: bool,
    /// … until one fails and is told again, line by line, so that all is there when it breaks off.
    pub aloud: bool,
}

impl Ladder {
    pub fn write(&mut self, at: Duration, line: impl FnOnce() -> String) {
        if !self.quiet {
            let line = format!("{:>6.1}s  {}", at.as_secs_f64(), line());
            if self.aloud {
                say(&line);
            }
            self.lines.push(line);
        }
    }

    /// One message on the wire.
    pub fn message(&mut self, at: Duration, from: &str, to: &str, bytes: &[u8], fate: &str) {
        self.write(at, || format!("{from} ──{}──▶ {to}{fate}", summary(bytes)));
    }
}

#[expect(clippy::print_stderr, reason = "a story that fails is told")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// `INVITE 8000`, `180 INVITE`, `CANCEL (Call completed elsewhere; SIP 200, Q.850 26)`.
fn summary(bytes: &[u8]) -> String {
    let Ok(message) = Message::parse(bytes) else {
        return "something unreadable".to_owned();
    };
    let mut text = match message.status() {
        Some(status) => format!("{status} {}", message.method()),
        None if message.method() == Method::Invite && message.to().tag().is_none() => {
            let user = message
                .request_uri()
                .and_then(|uri| uri.user().map(|user| user.into_owned()));
            format!("INVITE {}", user.unwrap_or_default())
        }
        None => message.method().to_string(),
    };
    let reasons = message.reasons().unwrap_or_default();
    if let Some(first) = reasons.first() {
        let codes: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{} {}", reason.protocol, reason.cause.unwrap_or_default()))
            .collect();
        let _ = write!(
            text,
            " ({}; {})",
            first.text().unwrap_or_default(),
            codes.join(", ")
        );
    }
    if let Ok(Some(callpost::sip::RetryAfter { seconds, .. })) = message.retry_after() {
        let _ = write!(text, " (Retry-After {seconds})");
    }
    for warning in message.warnings().unwrap_or_default() {
        let _ = write!(text, " (Warning {}: {})", warning.code, warning.text);
    }
    let proof = [Name::Authorization, Name::ProxyAuthorization];
    if proof.into_iter().any(|name| message.header(name).is_some()) {
        text.push_str(" with digest");
    }
    if let Ok(Some(target)) = message.refer_to() {
        let _ = write!(text, " {}", target.uri().user().unwrap_or_default());
        text.push_str(if target.replaces().is_some() {
            " with Replaces"
        } else {
            ""
        });
    }
    for (name, word) in [(Name::Replaces, "Replaces"), (Name::ReferredBy, "Referred-By")] {
        if message.header(name).is_some() && message.method() == Method::Invite {
            let _ = write!(text, " with {word}");
        }
    }
    let is_frag = message.body().starts_with(b"SIP/2.0");
    if message.method() == Method::Notify && message.is_request() && is_frag {
        let state = message.subscription_state().ok().flatten();
        let over = state.is_some_and(|state| state.state == callpost::sip::Standing::Terminated);
        let frag = String::from_utf8_lossy(message.body());
        let frag = frag.trim_start_matches("SIP/2.0 ").trim_end();
        let _ = write!(text, " “{frag}”{}", if over { " terminated" } else { "" });
    } else if message.method() == Method::Notify && message.is_request() {
        text.push_str(&told(message.body()));
    }
    text.push_str(sdp_mark(message.body()));
    let has_keys = String::from_utf8_lossy(message.body()).contains("a=crypto");
    text.push_str(if has_keys { " with keys" } else { "" });
    text
}

/// What a NOTIFY tells: `1/0` messages, or the states of an extension's calls.
fn told(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    if let Some(line) = body.lines().find_map(|line| line.strip_prefix("Voice-Message: ")) {
        return format!(" of {} messages", line.trim_end_matches(" (0/0)"));
    }
    let states: Vec<&str> = body
        .split("<state>")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    match states.as_slice() {
        [] => " of no call".to_owned(),
        states => format!(" of {}", states.join(", ")),
    }
}

fn sdp_mark(body: &[u8]) -> &'static str {
    let body = String::from_utf8_lossy(body);
    if body.contains("a=sendonly") {
        " +sdp sendonly"
    } else if body.contains("a=recvonly") {
        " +sdp recvonly"
    } else if body.contains("a=inactive") {
        " +sdp inactive"
    } else if body.contains("m=audio") {
        " +sdp"
    } else {
        ""
    }
}

/// A media order in words; `who` names a leg.
pub fn order(order: &MediaOrder, who: impl Fn(callpost::model::LegKey) -> String) -> Option<String> {
    Some(match order {
        MediaOrder::Open { .. } | MediaOrder::Close { .. } => return None,
        MediaOrder::Start { leg, agreed } => {
            let under = agreed.secured.map(|secured| format!(" under {}", secured.suite));
            format!(
                "{} at {} {} {:?}{}",
                who(*leg),
                agreed.remote,
                agreed.codec,
                agreed.flowing,
                under.unwrap_or_default(),
            )
            .to_lowercase()
        }
        MediaOrder::Play {
            leg, items, repeat, ..
        } => {
            let again = if *repeat { " over and over" } else { "" };
            format!(
                "play {} to {}{again}",
                items.iter().map(item).collect::<Vec<_>>().join(" + "),
                who(*leg)
            )
        }
        MediaOrder::StopPlaying { leg } => format!("stop playing to {}", who(*leg)),
        MediaOrder::Move { from, to } => format!("{} goes over as {}", who(*from), who(*to)),
        MediaOrder::Bridge { a, b } => format!("{} and {} talk", who(*a), who(*b)),
        MediaOrder::Mix { parties, .. } => {
            let party = |(leg, part): &(LegKey, Part<LegKey>)| match part {
                Part::Talks => who(*leg),
                Part::Listens => format!("{} (listens)", who(*leg)),
                Part::WhispersTo(ear) => format!("{} (whispers to {})", who(*leg), who(*ear)),
            };
            format!(
                "together: {}",
                parties.iter().map(party).collect::<Vec<_>>().join(", ")
            )
        }
        MediaOrder::Unbridge { leg } => format!("{} no longer talks", who(*leg)),
        MediaOrder::Record {
            left,
            right: Some(right),
            ..
        } => {
            format!("record {} and {}", who(*left), who(*right))
        }
        MediaOrder::Record {
            left, right: None, ..
        } => format!("record {}", who(*left)),
        MediaOrder::StopRecording { leg } => format!("stop recording {}", who(*leg)),
        MediaOrder::PauseRecording { leg } => format!("pause recording {}", who(*leg)),
        MediaOrder::ResumeRecording { leg } => format!("resume recording {}", who(*leg)),
        MediaOrder::WatchSilence {
            leg,
            after: Some(after),
        } => {
            format!(
                "watch for {} s of silence from {}",
                after.as_secs_f64(),
                who(*leg)
            )
        }
        MediaOrder::SendDigit { leg, digit } => format!("tell {} of key {digit}", who(*leg)),
        MediaOrder::KeepSecret { leg, secret: true } => format!("keep {} off the tape", who(*leg)),
        MediaOrder::KeepSecret { leg, secret: false } => format!("{} may be taped again", who(*leg)),
        MediaOrder::WatchSilence { leg, after: None } => format!("no longer watch {}", who(*leg)),
    })
}

fn item(item: &Playable) -> String {
    match item {
        Playable::Prompt { language, name } => format!("{language}/{name}"),
        Playable::Text { text, .. } => format!("“{text}”"),
        Playable::Tone(tone) => format!("{tone:?}").to_lowercase(),
        Playable::Message(_) => "what was recorded".to_owned(),
    }
}

/// The record in compact form.
pub fn cdr(cdr: &Cdr) -> String {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    let mut text = format!(
        "CDR {} {} {} → {}",
        cdr.status.as_str(),
        format!("{:?}", cdr.direction).to_lowercase(),
        cdr.caller_number,
        cdr.dialed_number
    );
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(text, ", {label}{value}");
        }
    };
    add("by ", cdr.agent.as_ref().map(ToString::to_string));
    add("group ", cdr.group.as_ref().map(ToString::to_string));
    add("ended by ", Some(format!("{:?}", cdr.hangup_by).to_lowercase()));
    add("sip ", cdr.sip_code.map(|code| code.to_string()));
    add("q850 ", cdr.q850.map(|code| code.to_string()));
    add("cause ", cdr.cause.clone());
    let _ = write!(
        text,
        "\n    {:.1} s: wait {:.1} ring {:.1} talk {:.1} hold {:.1}",
        seconds(cdr.duration_ms),
        seconds(cdr.wait_ms),
        seconds(cdr.ring_ms),
        seconds(cdr.talk_ms),
        seconds(cdr.hold_ms)
    );
    let mut add = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(text, "; {label} {value}");
        }
    };
    let stages: Vec<&str> = cdr.stages.iter().map(|step| step.as_str()).collect();
    add("stages", Some(stages.join(" ")));
    add("digits", Some(cdr.digits.clone()));
    add(
        "language",
        cdr.language
            .as_ref()
            .filter(|_| !stages.is_empty())
            .map(ToString::to_string),
    );
    let tape = cdr.recording.as_ref();
    add(
        "recording of",
        tape.map(|tape| {
            let length = tape
                .duration_ms
                .map_or("unknown length".to_owned(), |ms| format!("{:.1} s", seconds(ms)));
            let root = tape.path.split('/').next().unwrap_or_default();
            format!("{length}, {} channel(s), in {root}", tape.channels)
        }),
    );
    for transfer in &cdr.transfers {
        let leg = transfer.leg.map(|leg| format!(" leg {leg}")).unwrap_or_default();
        let _ = write!(
            text,
            "\n    {:?} transfer by leg {} to {}: {}{leg}",
            transfer.kind, transfer.by_leg, transfer.to, transfer.result
        );
    }
    for leg in &cdr.legs {
        let _ = write!(text, "\n    {}", leg_line(leg));
    }
    text
}

fn leg_line(leg: &LegRecord) -> String {
    let agent = leg
        .agent
        .as_ref()
        .map(|agent| format!(" {agent}"))
        .unwrap_or_default();
    let round = if leg.attempt > 0 {
        format!(" round {}", leg.attempt)
    } else {
        String::new()
    };
    let code = leg
        .sip_code
        .map(|code| format!(" {code} {}", reason_phrase(code)))
        .unwrap_or_default();
    let rang = if leg.ringing_at.is_some() { ", rang" } else { "" };
    format!(
        "leg {}{agent} {}{round}: {}{code}{rang}",
        leg.leg, leg.number, leg.result
    )
}
