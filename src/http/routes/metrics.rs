use super::Shared;
use super::consumers::{self, ConsumerView};
use super::keeping;
use super::process::Process;
use super::status::{Journal, journal};
use super::voice_metrics;
use super::work_metrics;
use crate::agents::AgentState;
use crate::engine::Snapshot;
use crate::http::problem::Problem;
use crate::http::{Disk, Faces, HealthReport};
use crate::keeping::StorageView;
use crate::store::{Backlog, Condition, DeliveryState};
use crate::trace::{TraceCounts, TraceReader};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The text format of Prometheus, version 0.0.4.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

const AGENT_STATES: [AgentState; 6] = [
    AgentState::Available,
    AgentState::Ringing,
    AgentState::Busy,
    AgentState::WrapUp,
    AgentState::OnBreak,
    AgentState::Offline,
];

/// `GET /metrics`.
pub(super) async fn show(State(reception): Shared) -> Result<Response, Problem> {
    let snapshot = reception.snapshot().await?;
    let journal = journal(&reception).await;
    let mut page = Page::default();
    page.about(&reception.faces);
    page.traffic(&snapshot);
    page.people(&snapshot);
    page.outside(&snapshot);
    page.journal(journal.as_ref());
    if let Some(journal) = &journal {
        page.destinations(&journal.outbox, snapshot.at.unix_ms);
    }
    page.consumers(&consumers::views(&reception).await.unwrap_or_default());
    page.storages(&keeping::views(&reception).await.unwrap_or_default());
    page.answers(&reception.answers());
    let health = reception.faces.health.look();
    page.machine(&Process::look(), health.disk);
    page.work(&health, reception.faces.traces.as_ref().map(TraceReader::counts));
    page.database(&health.journal);
    Ok(([(header::CONTENT_TYPE, KIND)], page.text).into_response())
}

/// The page as it grows, one family of metrics after the other.
#[derive(Default)]
struct Page {
    text: String,
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    fn about(&mut self, faces: &Faces) {
        self.family("callpost_info", "gauge", "Which program runs here; always 1.");
        self.sample(
            "callpost_info",
            &[("version", faces.version), ("site", &faces.site)],
            1.0,
        );
    }

    fn traffic(&mut self, snapshot: &Snapshot) {
        let counters = &snapshot.counters;
        self.gauge(
            "callpost_uptime_seconds",
            "Time since the engine started.",
            snapshot.uptime_seconds as f64,
        );
        self.gauge(
            "callpost_accepting_calls",
            "1 while new calls are let in.",
            flag(snapshot.accepting_calls),
        );
        self.gauge(
            "callpost_clock_synced",
            "1 while the wall clock can be believed.",
            flag(snapshot.clock_synced),
        );
        self.gauge("callpost_calls_live", "Calls now.", snapshot.calls.len() as f64);
        self.family(
            "callpost_calls_live_by_stage",
            "gauge",
            "Calls now, by what happens in them.",
        );
        for stage in ["arriving", "menu", "ringing", "talking", "message", "ending"] {
            let count = snapshot.calls.iter().filter(|call| call.stage == stage).count();
            self.sample("callpost_calls_live_by_stage", &[("stage", stage)], count as f64);
        }
        for (name, help, value) in [
            ("callpost_calls_total", "Calls that arrived.", counters.calls),
            (
                "callpost_calls_answered_total",
                "Calls a person answered.",
                counters.answered,
            ),
            (
                "callpost_calls_refused_total",
                "Calls refused because the box was full or closing.",
                counters.refused,
            ),
            (
                "callpost_sip_messages_received_total",
                "SIP messages received.",
                counters.sip_received,
            ),
            (
                "callpost_sip_messages_sent_total",
                "SIP messages sent, with retransmissions.",
                counters.sip_sent,
            ),
            (
                "callpost_sip_malformed_total",
                "SIP messages that could not be parsed.",
                counters.sip_malformed,
            ),
            (
                "callpost_sip_auth_failed_total",
                "SIP requests with wrong credentials.",
                counters.auth_failed,
            ),
            (
                "callpost_sip_dropped_total",
                "SIP packets the guard dropped.",
                counters.sip_dropped,
            ),
            (
                "callpost_sip_strangers_total",
                "SIP requests inside a call from an address without a part in it.",
                counters.sip_strangers,
            ),
            ("callpost_bans_total", "Addresses shut out.", counters.bans),
            (
                "callpost_rtp_strangers_total",
                "RTP packets dropped for coming from a stranger.",
                counters.rtp_strangers,
            ),
            (
                "callpost_rtp_rejected_total",
                "Packets of encrypted calls dropped for a wrong tag, a repetition or no protection.",
                counters.rtp_rejected,
            ),
        ] {
            self.family(name, "counter", help);
            self.sample(name, &[], value as f64);
        }
        self.gauge(
            "callpost_rtp_port_pairs_used",
            "RTP port pairs in use.",
            snapshot.ports.used.into(),
        );
        self.gauge(
            "callpost_rtp_port_pairs_limit",
            "RTP port pairs in the range.",
            snapshot.ports.total.into(),
        );
        for (name, help, value) in voice_metrics::worst(snapshot) {
            if let Some(value) = value {
                self.gauge(name, help, value);
            }
        }
        self.gauge(
            "callpost_alarms",
            "Things a technician should know of.",
            snapshot.alarms.len() as f64,
        );
        let mut by_code = BTreeMap::<_, u32>::new();
        for alarm in &snapshot.alarms {
            *by_code.entry(alarm.code).or_default() += 1;
        }
        self.family(
            "callpost_alarms_by_code",
            "gauge",
            "The same, by what they are about.",
        );
        for (code, count) in by_code {
            self.sample("callpost_alarms_by_code", &[("code", code)], count.into());
        }
    }

    fn people(&mut self, snapshot: &Snapshot) {
        self.gauge(
            "callpost_registrations",
            "Registered contacts.",
            snapshot.registrations.len() as f64,
        );
        self.family("callpost_agents", "gauge", "Agents by state.");
        for state in AGENT_STATES {
            let count = snapshot
                .agents
                .iter()
                .filter(|agent| agent.state == state)
                .count();
            self.sample("callpost_agents", &[("state", &state.to_string())], count as f64);
        }
        self.family(
            "callpost_group_free_agents",
            "gauge",
            "Agents of a group who could take a call now.",
        );
        for queue in &snapshot.queues {
            self.sample(
                "callpost_group_free_agents",
                &[("group", queue.group.as_str())],
                queue.free_agents.into(),
            );
        }
        self.family(
            "callpost_group_waiting",
            "gauge",
            "Callers whose call rings a group now.",
        );
        for queue in &snapshot.queues {
            self.sample(
                "callpost_group_waiting",
                &[("group", queue.group.as_str())],
                queue.waiting.into(),
            );
        }
        self.family(
            "callpost_group_longest_wait_seconds",
            "gauge",
            "Longest wait of those callers.",
        );
        for queue in &snapshot.queues {
            let seconds = queue.longest_wait_seconds as f64;
            self.sample(
                "callpost_group_longest_wait_seconds",
                &[("group", queue.group.as_str())],
                seconds,
            );
        }
    }

    fn outside(&mut self, snapshot: &Snapshot) {
        self.family(
            "callpost_trunk_up",
            "gauge",
            "1 while a trunk answers; no sample before the first probe.",
        );
        for trunk in snapshot.trunks.iter().filter(|trunk| trunk.state != "unknown") {
            self.sample(
                "callpost_trunk_up",
                &[("trunk", trunk.name.as_str())],
                flag(trunk.state == "up"),
            );
        }
        self.family(
            "callpost_trunk_round_trip_seconds",
            "gauge",
            "Round trip of a trunk's last OPTIONS.",
        );
        for trunk in &snapshot.trunks {
            if let Some(round_trip_ms) = trunk.round_trip_ms {
                let seconds = f64::from(round_trip_ms) / 1000.0;
                self.sample(
                    "callpost_trunk_round_trip_seconds",
                    &[("trunk", trunk.name.as_str())],
                    seconds,
                );
            }
        }
        self.family("callpost_trunk_calls", "gauge", "Calls on a trunk now.");
        for trunk in &snapshot.trunks {
            self.sample(
                "callpost_trunk_calls",
                &[("trunk", trunk.name.as_str())],
                trunk.calls.into(),
            );
        }
    }

    fn journal(&mut self, journal: Option<&Journal>) {
        self.gauge(
            "callpost_store_up",
            "1 while the store answers.",
            flag(journal.is_some()),
        );
        let Some(journal) = journal else { return };
        let latest = journal.latest_seq.unwrap_or(0);
        self.gauge(
            "callpost_cdr_oldest_seq",
            "First call record still kept.",
            journal.oldest_seq.unwrap_or(0) as f64,
        );
        self.gauge(
            "callpost_cdr_latest_seq",
            "Last call record written.",
            latest as f64,
        );
        self.family(
            "callpost_outbox_pending",
            "gauge",
            "Call records an upstream has not yet taken.",
        );
        for Backlog {
            upstream, pending, ..
        } in &journal.outbox
        {
            self.sample(
                "callpost_outbox_pending",
                &[("upstream", upstream)],
                *pending as f64,
            );
        }
        self.family(
            "callpost_outbox_parked",
            "gauge",
            "Call records an upstream will not take.",
        );
        for Backlog { upstream, parked, .. } in &journal.outbox {
            self.sample(
                "callpost_outbox_parked",
                &[("upstream", upstream)],
                *parked as f64,
            );
        }
        self.family(
            "callpost_outbox_delivered_total",
            "counter",
            "Call records an upstream has taken.",
        );
        for Backlog {
            upstream, delivered, ..
        } in &journal.outbox
        {
            self.sample(
                "callpost_outbox_delivered_total",
                &[("upstream", upstream)],
                *delivered as f64,
            );
        }
    }

    fn database(&mut self, database: &Condition) {
        let Condition {
            used_bytes,
            max_bytes,
            deleted_unacknowledged,
            reserve_is_used,
            damage,
            ..
        } = database;
        let rows = [
            (
                "callpost_database_used_bytes",
                "Bytes of the database that hold something.",
                *used_bytes as f64,
            ),
            (
                "callpost_database_max_bytes",
                "The most they may become.",
                *max_bytes as f64,
            ),
            (
                "callpost_database_reserve_used",
                "1 while the disk's reserve is given to the call records.",
                flag(*reserve_is_used),
            ),
            (
                "callpost_database_damaged",
                "1 when a check found damage.",
                flag(damage.is_some()),
            ),
        ];
        for (name, help, value) in rows {
            self.gauge(name, help, value);
        }
        let name = "callpost_cdr_deleted_undelivered_total";
        self.family(
            name,
            "counter",
            "Call records that went before everybody had them.",
        );
        self.sample(name, &[], *deleted_unacknowledged as f64);
    }

    fn consumers(&mut self, consumers: &[ConsumerView]) {
        self.family(
            "callpost_consumer_lag",
            "gauge",
            "Call records a reader has not acknowledged.",
        );
        for consumer in consumers {
            self.sample(
                "callpost_consumer_lag",
                &[("consumer", consumer.name())],
                consumer.lag as f64,
            );
        }
    }

    /// Places that copies of recordings go to.
    fn storages(&mut self, storages: &[StorageView]) {
        type Value = fn(&StorageView) -> f64;
        let families: [(&str, &str, &str, Value); 5] = [
            (
                "callpost_storage_pending",
                "gauge",
                "Recordings that wait to be copied there.",
                |storage| storage.backlog.pending as f64,
            ),
            (
                "callpost_storage_pending_bytes",
                "gauge",
                "Their bytes.",
                |storage| storage.backlog.pending_bytes as f64,
            ),
            (
                "callpost_storage_oldest_seconds",
                "gauge",
                "For how long the oldest of them has waited.",
                |storage| storage.oldest_seconds as f64,
            ),
            (
                "callpost_storage_failed",
                "gauge",
                "Recordings whose own file is at fault.",
                |storage| storage.backlog.failed as f64,
            ),
            (
                "callpost_storage_verified_total",
                "counter",
                "Copies that were found to be the same.",
                |storage| storage.backlog.verified as f64,
            ),
        ];
        for (name, kind, help, value) in families {
            self.family(name, kind, help);
            for storage in storages {
                self.sample(name, &[("storage", &storage.backlog.storage)], value(storage));
            }
        }
    }

    fn answers(&mut self, answers: &BTreeMap<u16, u64>) {
        self.family(
            "callpost_http_answers_total",
            "counter",
            "Answers by status; what was asked wrongly is among them as 400.",
        );
        for (status, count) in answers {
            self.sample(
                "callpost_http_answers_total",
                &[("status", &status.to_string())],
                *count as f64,
            );
        }
    }

    /// What recordings and messages have cost.
    fn work(&mut self, health: &HealthReport, traced: Option<TraceCounts>) {
        for row in work_metrics::rows(health, traced) {
            if !row.help.is_empty() {
                self.family(row.name, row.kind, row.help);
            }
            self.sample(row.name, row.label.as_slice(), row.value);
        }
    }

    /// Whether each destination is delivered to, and since when not.
    fn destinations(&mut self, outbox: &[Backlog], now_ms: i64) {
        const STATES: [DeliveryState; 5] = [
            DeliveryState::Ok,
            DeliveryState::BackingOff,
            DeliveryState::Probing,
            DeliveryState::Disabled,
            DeliveryState::Off,
        ];
        self.family(
            "callpost_outbox_state",
            "gauge",
            "1 for the state an upstream is in.",
        );
        for backlog in outbox {
            for state in STATES {
                let labels = [("upstream", backlog.upstream.as_str()), ("state", state.as_str())];
                self.sample("callpost_outbox_state", &labels, flag(backlog.state == state));
            }
        }
        self.family(
            "callpost_outbox_oldest_seconds",
            "gauge",
            "How long the oldest record an upstream has not taken has waited.",
        );
        for backlog in outbox {
            let waited = backlog
                .oldest_ms
                .map_or(0, |oldest| now_ms.saturating_sub(oldest).max(0));
            let labels = [("upstream", backlog.upstream.as_str())];
            self.sample("callpost_outbox_oldest_seconds", &labels, waited as f64 / 1000.0);
        }
        self.family(
            "callpost_outbox_failures",
            "gauge",
            "Tries in vain since an upstream last took something.",
        );
        for backlog in outbox {
            let labels = [("upstream", backlog.upstream.as_str())];
            self.sample("callpost_outbox_failures", &labels, backlog.failures.into());
        }
    }

    fn machine(&mut self, process: &Process, disk: Option<Disk>) {
        let measured = [
            (
                "process_resident_memory_bytes",
                "Resident memory.",
                process.resident_bytes,
            ),
            ("process_open_fds", "Open file handles.", process.open_files),
            (
                "process_max_fds",
                "Most open file handles.",
                process.open_files_limit,
            ),
            ("process_threads", "Threads.", process.threads),
            (
                "callpost_disk_free_bytes",
                "Room left for data.",
                disk.map(|disk| disk.free_bytes),
            ),
            (
                "callpost_disk_size_bytes",
                "Size of the data disk.",
                disk.map(|disk| disk.total_bytes),
            ),
        ];
        for (name, help, value) in measured {
            if let Some(value) = value {
                self.gauge(name, help, value as f64);
            }
        }
        if let Some(seconds) = process.cpu_seconds {
            self.family(
                "process_cpu_seconds_total",
                "counter",
                "Processor time, user and system.",
            );
            self.sample("process_cpu_seconds_total", &[], seconds);
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: Labels<'_>, value: f64) {
        self.text.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn flag(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_out_of_its_line() {
        let mut page = Page::default();
        page.sample("m", &[("a", "x\"} 1\nevil 2\\"), ("b", "y")], 1.5);
        assert_eq!(page.text, "m{a=\"x\\\"} 1\\nevil 2\\\\\",b=\"y\"} 1.5\n");
    }
}
