//! Records as a table: comma-separated values (RFC 4180), for spreadsheets and for people.

use super::{AgentId, Cdr, FlowName, GroupName, Language, Number, Stamp, TrunkName};
use serde::Serialize;
use std::fmt::{Display, Write as _};

/// The columns, in their order.
pub const COLUMNS: [&str; 42] = [
    "seq",
    "cdr_id",
    "version",
    "final",
    "site",
    "direction",
    "status",
    "caller_number",
    "caller_name",
    "dialed_number",
    "callee_number",
    "outbound_caller_id",
    "started_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "clock_synced",
    "duration_ms",
    "talk_ms",
    "ring_ms",
    "wait_ms",
    "hold_ms",
    "hangup_by",
    "sip_code",
    "q850",
    "cause",
    "agent",
    "group",
    "flow",
    "stages",
    "digits",
    "language",
    "trunk",
    "recording_id",
    "recording_path",
    "recording_sha256",
    "notes",
    "tags",
    "origin_source",
    "origin_id",
    "linked_source",
    "linked_id",
];

/// The first line.
pub fn header() -> String {
    let mut line = COLUMNS.join(",");
    line.push_str("\r\n");
    line
}

/// One record as a line. A list is one cell, its members parted by ` | `; a value that is not known is an empty cell.
pub fn line(seq: u64, cdr: &Cdr) -> String {
    let mut line = Line::default();
    let recording = cdr.recording.as_ref();
    let (origin, linked) = (cdr.origin.as_ref(), cdr.linked.as_ref());
    line.plain(seq);
    line.plain(cdr.cdr_id);
    line.plain(cdr.version);
    line.plain(cdr.is_final);
    line.cell(&cdr.site);
    line.cell(&word(&cdr.direction));
    line.cell(cdr.status.as_str());
    line.cell(cdr.caller_number.as_str());
    line.maybe(cdr.caller_name.as_deref());
    line.cell(cdr.dialed_number.as_str());
    line.maybe(cdr.callee_number.as_ref().map(Number::as_str));
    line.maybe(cdr.outbound_caller_id.as_ref().map(Number::as_str));
    line.stamp(Some(cdr.started_at));
    line.stamp(cdr.ringing_at);
    line.stamp(cdr.answered_at);
    line.stamp(cdr.ended_at);
    line.plain(cdr.clock_synced);
    for duration_ms in [
        cdr.duration_ms,
        cdr.talk_ms,
        cdr.ring_ms,
        cdr.wait_ms,
        cdr.hold_ms,
    ] {
        line.plain(duration_ms);
    }
    line.cell(&word(&cdr.hangup_by));
    line.cell(&cdr.sip_code.map(|code| code.to_string()).unwrap_or_default());
    line.cell(&cdr.q850.map(|cause| cause.to_string()).unwrap_or_default());
    line.maybe(cdr.cause.as_deref());
    line.maybe(cdr.agent.as_ref().map(AgentId::as_str));
    line.maybe(cdr.group.as_ref().map(GroupName::as_str));
    line.maybe(cdr.flow.as_ref().map(FlowName::as_str));
    line.cell(&joined(&cdr.stages));
    line.cell(&cdr.digits);
    line.maybe(cdr.language.as_ref().map(Language::as_str));
    line.maybe(cdr.trunk.as_ref().map(TrunkName::as_str));
    line.cell(&recording.map(|facts| facts.id.to_string()).unwrap_or_default());
    line.maybe(recording.and_then(|facts| facts.place()));
    line.maybe(recording.and_then(|facts| facts.sha256.as_deref()));
    line.cell(&joined(&cdr.notes));
    line.cell(&joined(&cdr.tags));
    line.maybe(origin.map(|foreign| foreign.source.as_str()));
    line.maybe(origin.map(|foreign| foreign.external_id.as_str()));
    line.maybe(linked.map(|foreign| foreign.source.as_str()));
    line.maybe(linked.map(|foreign| foreign.external_id.as_str()));
    line.finished()
}

/// A text as one cell: quoted where it has to be (RFC 4180 §2), and with a `'` before it when a spreadsheet would take
/// it for a formula. Taking one leading `'` away from a cell that then begins with one of `= + - @`, a tab or a return
/// gives back what was written.
pub fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        safe.push('\'');
    }
    safe.push_str(text);
    if safe.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", safe.replace('"', "\"\""));
    }
    safe
}

#[derive(Default)]
struct Line {
    text: String,
    has_cells: bool,
}

impl Line {
    fn cell(&mut self, text: &str) {
        if std::mem::replace(&mut self.has_cells, true) {
            self.text.push(',');
        }
        self.text.push_str(&cell(text));
    }

    /// A value that is made of letters, digits, `-` and `:` and never begins like a formula.
    fn plain(&mut self, value: impl Display) {
        if std::mem::replace(&mut self.has_cells, true) {
            self.text.push(',');
        }
        // Writing to a string does not fail.
        let _ = write!(self.text, "{value}");
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.cell(text.unwrap_or_default());
    }

    fn stamp(&mut self, stamp: Option<Stamp>) {
        self.cell(&stamp.map(|stamp| stamp.to_string()).unwrap_or_default());
    }

    fn finished(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }
}

fn joined<T: Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(" | ")
}

/// The word an enum variant has on the wire.
fn word<T: Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ROBUSTNESS 60
    #[test]
    fn no_cell_is_a_formula() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+966500000001", "'+966500000001"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            (
                "=HYPERLINK(\"http://evil\",\"x\")",
                "\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\"",
            ),
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", ""),
            ("علي", "علي"),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
