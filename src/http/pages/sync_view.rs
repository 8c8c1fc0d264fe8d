use super::badges::{Badge, badge};
use super::cards;
use super::text::{address, clock_of_ms, date_and_time, fill, zone_of};
use super::turning::Turning;
use super::words::{Journal, Words};
use crate::connectors::onepos::{Step, StepName};
use crate::connectors::sync::{Advice, LogView, LogViews, SourceView};
use crate::model::Stamp;
use crate::store::SyncStatus;

/// Entries of the log on a page.
pub(super) const ROWS: u64 = 20;

/// A source, with everything people ask about it.
#[derive(Debug, Default)]
pub(super) struct SourceCard {
    pub(super) id: String,
    pub(super) name: String,
    /// Address and domain.
    pub(super) place: String,
    pub(super) state: Badge,
    pub(super) mode: &'static str,
    /// The schedule in words; empty when it does not count.
    pub(super) schedule: String,
    pub(super) next: String,
    pub(super) from_file: bool,
    /// What runs now; empty when nothing does.
    pub(super) running: String,
    /// How many of its records are in quarantine, in words; empty when none is.
    pub(super) quarantined: String,
    /// Where they are shown.
    pub(super) quarantine: String,
    pub(super) causes: Vec<Causes>,
}

/// Causes that fit what is seen, under the question they answer.
#[derive(Debug, Default)]
pub(super) struct Causes {
    pub(super) question: &'static str,
    pub(super) answers: Vec<String>,
}

/// A source to choose.
#[derive(Debug, Default)]
pub(super) struct Chip {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) is_here: bool,
}

/// A fetch in the log.
#[derive(Debug, Default)]
pub(super) struct LogRow {
    pub(super) kind: String,
    pub(super) status: Badge,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) zone: String,
    pub(super) fetched: u64,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) skipped: u64,
    pub(super) took: String,
    pub(super) started: String,
    pub(super) error: String,
}

/// A step of a test.
#[derive(Debug, Default)]
pub(super) struct StepRow {
    pub(super) name: &'static str,
    pub(super) state: Badge,
    pub(super) detail: String,
    pub(super) cure: String,
}

/// The address of a source's page.
pub(super) fn page_address(source: &str, page: u64) -> String {
    let number = if page > 1 { page.to_string() } else { String::new() };
    address("/calls/sync", &[("source", source), ("page", &number)])
}

/// The sources to choose from, when there is more than one.
pub(super) fn chips(sources: &[SourceView], here: &str) -> Vec<Chip> {
    if sources.len() < 2 {
        return Vec::new();
    }
    let chip = |source: &SourceView| Chip {
        name: source.name.clone(),
        address: page_address(&source.id, 1),
        is_here: source.id == here,
    };
    sources.iter().map(chip).collect()
}

/// The source as its card shows it; `schedule` is its cron expression in words.
pub(super) fn card(
    w: &Words,
    source: &SourceView,
    schedule: &str,
    advice: &[Advice],
    log: Option<&LogView>,
    quarantined: u64,
) -> SourceCard {
    let j = &w.journal;
    let fetched = log.map_or(0, |log| log.records_fetched).to_string();
    let running = source
        .running
        .as_ref()
        .map(|_| fill(j.runs_now, &[("who", &source.name), ("n", &fetched)]));
    let counts = source.sync_mode == crate::connectors::sync::SyncMode::Scheduled;
    SourceCard {
        id: source.id.clone(),
        name: source.name.clone(),
        place: match source.domain.as_str() {
            "" => source.api_url.clone(),
            domain => format!("{} · {domain}", source.api_url),
        },
        state: if source.is_active {
            badge("good", j.enabled)
        } else {
            badge("quiet", j.inactive)
        },
        mode: cards::mode(w, source.sync_mode),
        schedule: if counts {
            schedule.to_owned()
        } else {
            String::new()
        },
        next: if source.is_active {
            cards::when_next(w, source)
        } else {
            String::new()
        },
        from_file: source.from_file,
        running: running.unwrap_or_default(),
        quarantined: match quarantined {
            0 => String::new(),
            n => fill(j.quarantine_has, &[("n", &n.to_string())]),
        },
        quarantine: address("/calls/quarantine", &[("source", &source.id)]),
        causes: causes(j, source, advice),
    }
}

fn causes(j: &Journal, source: &SourceView, advice: &[Advice]) -> Vec<Causes> {
    let about = |about: &str, question| Causes {
        question,
        answers: advice
            .iter()
            .filter(|advice| advice.about == about && advice.code != "running")
            .map(|advice| in_words(j, source, advice))
            .collect(),
    };
    let mut all = vec![about("no_data", j.why_nothing)];
    // Somebody who chose to sync by hand does not wait for a schedule.
    let waits = source.sync_mode == crate::connectors::sync::SyncMode::Scheduled;
    all.extend(waits.then(|| about("not_scheduled", j.why_not_scheduled)));
    all.retain(|causes| !causes.answers.is_empty());
    all
}

/// The cause in this language; one without a translation is told as it came.
fn in_words(j: &Journal, source: &SourceView, advice: &Advice) -> String {
    let failed = source.last_sync_error.as_deref().unwrap_or_default();
    let skipped = source.last_skip.as_ref().map_or("", |skip| skip.reason.as_str());
    let (sentence, why) = match advice.code {
        "inactive" => (j.cause_inactive, ""),
        "never" => (j.cause_never, ""),
        "error" => (j.cause_error, failed),
        "empty" => (j.cause_empty, ""),
        "all_known" => (j.cause_all_known, ""),
        "quarantined" => (j.cause_quarantined, ""),
        "manual" => (j.cause_manual, ""),
        "cron" => (j.cause_cron, ""),
        "address" => (j.cause_address, ""),
        "skipped" => (j.cause_skipped, skipped),
        _ => return format!("{} {}", advice.cause, advice.cure),
    };
    fill(sentence, &[("why", why.trim_end_matches('.'))])
}

/// The log's entries as rows.
pub(super) fn rows(w: &Words, logs: &LogViews) -> Vec<LogRow> {
    logs.items.iter().map(|log| row(w, log)).collect()
}

fn row(w: &Words, log: &LogView) -> LogRow {
    let j = &w.journal;
    LogRow {
        kind: if log.sync_type == "SCHEDULED" {
            j.scheduled
        } else {
            j.manual
        }
        .to_owned(),
        status: status(j, log.status),
        from: short(log.from),
        to: short(log.to),
        zone: zone_of(log.from),
        fetched: log.records_fetched,
        created: log.records_created,
        updated: log.records_updated,
        skipped: log.records_skipped,
        took: log.duration_ms.map(took).unwrap_or_default(),
        started: date_and_time(log.started_at),
        error: log.error_message.clone().unwrap_or_default(),
    }
}

fn status(j: &Journal, status: SyncStatus) -> Badge {
    match status {
        SyncStatus::Running => badge("inbound", j.running),
        SyncStatus::Success => badge("good", j.success),
        SyncStatus::Error => badge("bad", j.error),
    }
}

fn short(stamp: Stamp) -> String {
    date_and_time(stamp)
        .chars()
        .take("2026-11-20 14:03".len())
        .collect()
}

/// Under ten seconds the tenths matter.
fn took(millis: u64) -> String {
    if millis < 10_000 {
        format!("{}.{} s", millis / 1000, millis % 1000 / 100)
    } else {
        clock_of_ms(millis)
    }
}

/// The way around the log.
pub(super) fn turning(w: &Words, logs: &LogViews, source: &str, here: u64) -> Turning {
    Turning::new(&w.journal, logs.total, ROWS, here, |page| {
        page_address(source, page)
    })
}

/// What a sync that has ended is told as.
pub(super) fn outcome(j: &Journal, who: &str, log: &LogView) -> Option<Badge> {
    let numbers =
        [log.records_created, log.records_updated, log.records_skipped].map(|number| number.to_string());
    let [created, updated, skipped] = &numbers;
    let counted = [
        ("who", who),
        ("created", created.as_str()),
        ("updated", updated.as_str()),
        ("skipped", skipped.as_str()),
    ];
    match log.status {
        SyncStatus::Running => None,
        SyncStatus::Success => Some(badge("good", &fill(j.synced, &counted))),
        SyncStatus::Error => {
            let why = log.error_message.as_deref().unwrap_or_default();
            Some(badge("bad", &fill(j.sync_failed, &[("who", who), ("why", why)])))
        }
    }
}

/// The steps of a test, and in one sentence how it went.
pub(super) fn steps(w: &Words, steps: &[Step]) -> (Vec<StepRow>, Badge) {
    let j = &w.journal;
    let rows: Vec<StepRow> = steps.iter().map(|step| step_row(j, step)).collect();
    let failed = steps.iter().find(|step| step.ok == Some(false));
    let toast = match failed {
        Some(step) => badge(
            "bad",
            &fill(j.test_failed_at, &[("step", step_name(j, step.step))]),
        ),
        None => badge("good", j.test_went_well),
    };
    (rows, toast)
}

fn step_row(j: &Journal, step: &Step) -> StepRow {
    StepRow {
        name: step_name(j, step.step),
        state: match step.ok {
            Some(true) => badge("good", j.step_ok),
            Some(false) => badge("bad", j.step_failed),
            None => badge("quiet", j.step_not_tried),
        },
        detail: match step.ok {
            Some(true) => format!("{} · {} ms", step.detail, step.ms),
            Some(false) => step.detail.clone(),
            // The badge says already that it was not tried.
            None if step.detail == "not tried" => String::new(),
            None => step.detail.clone(),
        },
        cure: step.cure.clone().unwrap_or_default(),
    }
}

fn step_name(j: &Journal, step: StepName) -> &'static str {
    match step {
        StepName::Dns => "DNS",
        StepName::Tcp => "TCP",
        StepName::Tls => "TLS",
        StepName::Auth => j.step_auth,
        StepName::Record => j.step_record,
    }
}
