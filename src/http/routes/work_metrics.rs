//! What recordings, messages and traces cost, for `/metrics`.

use crate::http::{ErrandCounts, HealthReport, RecorderWork, Unrecorded};
use crate::trace::TraceCounts;

/// One sample.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// What the family is about; empty where the row belongs to the family of the row before.
    pub(super) help: &'static str,
    pub(super) label: Option<(&'static str, &'static str)>,
    pub(super) value: f64,
}

/// Every sample, each family's first row with its help.
pub(super) fn rows(health: &HealthReport, traced: Option<TraceCounts>) -> Vec<Row> {
    let mut rows = given_up(health.recordings);
    rows.extend(recorder(health.recorder));
    rows.extend(errands(health.errands));
    rows.extend(traced.map(traces).unwrap_or_default());
    rows
}

fn given_up(recordings: Unrecorded) -> Vec<Row> {
    let help = "Recordings given up for want of space.";
    let row = |help, how, count: u64| Row {
        name: "callpost_recordings_given_up_total",
        kind: "counter",
        help,
        label: Some(("how", how)),
        value: count as f64,
    };
    vec![
        row(help, "cut", recordings.cut),
        row("", "left_out", recordings.left_out),
    ]
}

fn recorder(work: RecorderWork) -> Vec<Row> {
    let row = |name, kind, help, value| Row {
        name,
        kind,
        help,
        label: None,
        value,
    };
    let counter = |name, help, value: u64| row(name, "counter", help, value as f64);
    vec![
        counter(
            "callpost_recorder_failed_total",
            "Recordings without a usable file.",
            work.failed,
        ),
        counter(
            "callpost_recorder_writes_total",
            "Writes to files of recordings.",
            work.writes,
        ),
        counter(
            "callpost_recorder_bytes_total",
            "Bytes of audio written.",
            work.bytes,
        ),
        counter(
            "callpost_recorder_syncs_total",
            "Syncs of files of recordings.",
            work.syncs,
        ),
        row(
            "callpost_recorder_dropped_seconds_total",
            "counter",
            "Audio dropped because the disk did not keep up; silence stands in its place.",
            work.dropped_ms as f64 / 1000.0,
        ),
        counter(
            "callpost_recorder_late_packets_total",
            "Packets too late for their place in a recording.",
            work.late_packets,
        ),
        row(
            "callpost_recorder_queue_deepest",
            "gauge",
            "The most messages that waited for the recorder at once.",
            work.deepest_queue as f64,
        ),
    ]
}

fn traces(counts: TraceCounts) -> Vec<Row> {
    let help = "SIP messages of calls for whoever asks later, by what became of them.";
    let row = |help, how, count: u64| Row {
        name: "callpost_trace_messages_total",
        kind: "counter",
        help,
        label: Some(("how", how)),
        value: count as f64,
    };
    vec![
        row(help, "written", counts.written),
        row("", "left_out", counts.left_out),
    ]
}

fn errands(errands: ErrandCounts) -> Vec<Row> {
    let help = "E-mails and transcripts of messages, by what became of them.";
    let row = |help, state, count: u64| Row {
        name: "callpost_message_errands",
        kind: "gauge",
        help,
        label: Some(("state", state)),
        value: count as f64,
    };
    vec![
        row(help, "waiting", errands.waiting),
        row("", "given_up", errands.given_up),
    ]
}
