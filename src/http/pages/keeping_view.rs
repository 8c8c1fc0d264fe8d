use super::badges::{Badge, badge};
use super::delivery_view::Figure;
use super::text::{ago, date_and_time, date_and_time_within, encoded, fill, span};
use super::verify_view::VerifyView;
use super::words::{Keeping, Words, keeping};
use crate::keeping::{Due, Preview, RuleView, StorageView};
use crate::model::Stamp;

/// How long recordings stay and where copies go, as ready words.
#[derive(Debug)]
pub(super) struct KeepingView {
    pub(super) k: &'static Keeping,
    pub(super) storages: Vec<Place>,
    pub(super) rules: Vec<RuleRow>,
    pub(super) next: Vec<DueRow>,
    /// Sentences about it all.
    pub(super) said: Vec<String>,
    /// What the last look at every recording found.
    pub(super) verify: VerifyView,
}

/// A place that copies go to.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: String,
    /// The name as an address carries it.
    pub(super) path: String,
    pub(super) place: String,
    pub(super) state: Badge,
    pub(super) figures: Vec<Figure>,
    pub(super) trouble: String,
    pub(super) trouble_when: String,
    pub(super) retrying: String,
}

/// A rule with what it takes.
#[derive(Debug)]
pub(super) struct RuleRow {
    pub(super) rule: String,
    pub(super) days: String,
    pub(super) recordings: u64,
    pub(super) due: u64,
    pub(super) first: String,
}

/// A recording that goes soon.
#[derive(Debug)]
pub(super) struct DueRow {
    pub(super) id: String,
    pub(super) started: String,
    pub(super) rule: String,
    pub(super) due: String,
    pub(super) kept: &'static str,
}

impl KeepingView {
    /// Nothing is shown of what the store did not answer.
    pub(super) fn new(
        w: &'static Words,
        now: Stamp,
        storages: Vec<StorageView>,
        preview: Option<Preview>,
        found: Option<serde_json::Value>,
    ) -> Self {
        let k = keeping(w.lang);
        let said = preview
            .as_ref()
            .map(|preview| said(k, preview))
            .unwrap_or_default();
        let (rules, next) = preview
            .map(|preview| (preview.rules, preview.next))
            .unwrap_or_default();
        Self {
            k,
            storages: storages
                .into_iter()
                .map(|storage| place(w, k, now, storage))
                .collect(),
            rules: rules.into_iter().map(rule).collect(),
            next: next.into_iter().map(|one| due(k, one)).collect(),
            said,
            verify: VerifyView::new(k, found),
        }
    }
}

fn place(w: &'static Words, k: &'static Keeping, now: Stamp, storage: StorageView) -> Place {
    let j = &w.journal;
    let backlog = storage.backlog;
    let since = |ms: i64| u64::try_from(now.unix_ms.saturating_sub(ms) / 1000).unwrap_or(0);
    let state = match storage.state {
        "ok" => badge("good", k.state_ok),
        "sending" => badge("good", k.state_sending),
        "backing_off" => badge("warn", k.state_backing_off),
        "stuck" => badge("bad", k.state_stuck),
        _ => badge("quiet", j.switched_off),
    };
    let figure = |key, label, value: u64, note, state| Figure {
        key,
        label,
        value: value.to_string(),
        note,
        state,
    };
    let copied_when = backlog
        .last_verified_ms
        .map(|ms| ago(j, since(ms)))
        .unwrap_or_default();
    let oldest = match backlog.pending {
        0 => j.nothing_waits.to_owned(),
        _ => fill(j.oldest, &[("time", &span(j, storage.oldest_seconds))]),
    };
    let is_stuck = if storage.state == "stuck" { "bad" } else { "" };
    let is_faulty = if backlog.failed > 0 { "bad" } else { "" };
    Place {
        path: encoded(&backlog.storage),
        place: storage.place,
        state,
        figures: vec![
            figure("copied", k.copied, backlog.verified, copied_when, ""),
            figure("waiting", k.waiting, backlog.pending, oldest, is_stuck),
            figure("at_fault", k.at_fault, backlog.failed, String::new(), is_faulty),
        ],
        trouble: backlog.last_error.unwrap_or_default(),
        trouble_when: backlog
            .last_error_ms
            .map(|ms| ago(j, since(ms)))
            .unwrap_or_default(),
        retrying: fill(k.retrying, &[("who", &backlog.storage)]),
        name: backlog.storage,
    }
}

fn said(k: &Keeping, preview: &Preview) -> Vec<String> {
    let mb = |bytes: u64| (bytes >> 20).to_string();
    let n = |count: u64| count.to_string();
    let mut said = vec![fill(
        k.summary,
        &[
            ("n", &n(preview.recordings)),
            ("mb", &mb(preview.bytes)),
            ("due", &n(preview.due)),
            ("time", &date_and_time_within(preview.next_run_at)),
        ],
    )];
    for (count, sentence) in [(preview.held, k.held), (preview.awaiting_copy, k.awaiting)] {
        if count > 0 {
            said.push(fill(sentence, &[("n", &n(count))]));
        }
    }
    if preview.below_bytes > 0 {
        let values = [
            ("mb", &*mb(preview.below_bytes)),
            ("n", &*n(preview.may_go_early)),
        ];
        said.push(fill(k.disk, &values));
    }
    if let Some(run) = preview.runs.first() {
        let at = Stamp {
            unix_ms: run.ended_ms,
            ..preview.at
        };
        let values = [
            ("time", &*date_and_time_within(at)),
            ("n", &*n(run.removed)),
            ("mb", &*mb(run.removed_bytes)),
        ];
        said.push(fill(k.last_run, &values));
    }
    let orphans = preview
        .runs
        .iter()
        .find(|run| run.reason != "disk")
        .map_or(0, |run| run.orphans);
    if orphans > 0 {
        said.push(fill(k.orphans, &[("n", &n(orphans))]));
    }
    said
}

fn rule(view: RuleView) -> RuleRow {
    RuleRow {
        rule: view.rule,
        days: view.days.map(|days| days.to_string()).unwrap_or_default(),
        recordings: view.recordings,
        due: view.due,
        first: view.first_at.map(date_and_time).unwrap_or_default(),
    }
}

fn due(k: &'static Keeping, due: Due) -> DueRow {
    DueRow {
        id: due.id.to_string(),
        started: date_and_time(due.started_at),
        rule: due.rule,
        due: date_and_time(due.due_at),
        kept: match due.kept_by {
            Some("held") => k.kept_by_hold,
            Some("awaits_copy") => k.kept_for_copy,
            Some(_) | None => "",
        },
    }
}
