use super::rules::is_copied;
use super::{DiskTakes, NightTime, Obstacle, Rule, Rules};
use crate::model::{CallId, RecordingId, RecordingKind, Stamp};
use crate::store::{KeptRecording, Reader, RetentionRun, StampOf, StoreError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the rules will take and when, without taking anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// When this was looked at.
    pub at: Stamp,
    /// Recordings whose file is on this box.
    pub recordings: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that go at the next look.
    pub due: u64,
    /// Their bytes.
    pub due_bytes: u64,
    /// Due, and kept by a legal hold.
    pub held: u64,
    /// Due, and kept because a place still has to get them.
    pub awaiting_copy: u64,
    /// Their age is not known, because the clock had never been set.
    pub age_unknown: u64,
    /// Each rule, with what it takes.
    pub rules: Vec<RuleView>,
    /// Bytes free on the disk of the recordings.
    pub free_bytes: Option<u64>,
    /// With fewer free, recordings go before their time; 0 for never.
    pub below_bytes: u64,
    /// Which go then.
    pub when_full: DiskTakes,
    /// How many those are now.
    pub may_go_early: u64,
    /// Their bytes.
    pub may_go_early_bytes: u64,
    /// When recordings are looked through next.
    pub next_run_at: Stamp,
    /// The recordings that go first, the soonest first.
    pub next: Vec<Due>,
    /// What the last looks led to, newest first.
    pub runs: Vec<RetentionRun>,
}

/// A rule, and what it takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleView {
    /// As the configuration writes it.
    pub rule: String,
    /// After how many days.
    pub days: Option<u32>,
    /// Recordings that it is the first to take.
    pub recordings: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that go at the next look.
    pub due: u64,
    /// When the first of those that are not held goes.
    pub first_at: Option<Stamp>,
}

/// A recording and its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Due {
    /// Which recording.
    pub id: RecordingId,
    /// Of which call.
    pub call_id: CallId,
    /// A conversation or a message.
    pub kind: RecordingKind,
    /// When it began.
    pub started_at: Stamp,
    /// Its size.
    pub bytes: u64,
    /// The rule that takes it.
    pub rule: String,
    /// When.
    pub due_at: Stamp,
    /// `null`, `held`, `awaits_copy` or `age_unknown`.
    pub kept_by: Option<&'static str>,
    /// Whether a verified copy lies elsewhere.
    pub is_copied: bool,
}

/// What a preview needs beside the store.
pub(super) struct Around<'a> {
    pub(super) rules: &'a Rules,
    pub(super) night: NightTime,
    pub(super) zone: &'a TimeZone,
    pub(super) stamp_of: &'a StampOf,
    pub(super) free_bytes: Option<u64>,
}

/// Rows read at a time.
const PAGE: usize = 1000;
/// Runs shown.
const RUNS: u64 = 20;

impl Preview {
    /// Looks at every recording; the first `limit` to go are told one by one.
    pub(super) fn look(
        reader: &Reader,
        around: &Around<'_>,
        now_ms: i64,
        limit: usize,
    ) -> Result<Self, StoreError> {
        let stamp = |ms| (around.stamp_of)(ms);
        let mut preview = Self::empty(around, now_ms);
        preview.runs = reader.retention_runs(RUNS)?;
        let mut by_rule: BTreeMap<Rule, (RuleView, i64)> = BTreeMap::new();
        for (rule, days) in around.rules.all() {
            by_rule.insert(rule.clone(), (RuleView::new(&rule, days), i64::MAX));
        }
        let mut next: Vec<(i64, KeptRecording)> = Vec::new();
        let mut after = None;
        loop {
            let page = reader.kept_recordings(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.row.id);
            for one in page {
                let fate = around.rules.fate(&one);
                preview.count(around.rules, &one, &fate, now_ms);
                let entry = by_rule
                    .entry(fate.rule.clone())
                    .or_insert_with(|| (RuleView::new(&fate.rule, None), i64::MAX));
                entry.0.recordings += 1;
                entry.0.bytes += one.bytes;
                entry.0.due += u64::from(fate.is_due(now_ms) && fate.obstacle.is_none());
                if fate.obstacle.is_none() {
                    entry.1 = entry.1.min(fate.due_ms);
                }
                next.push((fate.due_ms, one));
            }
            // However many there are, only the first are kept in memory.
            if next.len() > limit.saturating_mul(4).max(PAGE) {
                soonest(&mut next, limit);
            }
        }
        soonest(&mut next, limit);
        preview.rules = by_rule
            .into_values()
            .map(|(view, first)| RuleView {
                first_at: (first < i64::MAX).then(|| stamp(first)),
                ..view
            })
            .collect();
        preview.next = next.into_iter().map(|(_, one)| Due::of(around, one)).collect();
        Ok(preview)
    }

    /// The same from outside a running daemon.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of(
        reader: &Reader,
        rules: &Rules,
        (night, zone): (NightTime, &TimeZone),
        free_bytes: Option<u64>,
        now_ms: i64,
        limit: usize,
    ) -> Result<Self, StoreError> {
        let site = zone.clone();
        let stamp_of: StampOf = Arc::new(move |unix_ms| {
            let time = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
            Stamp {
                unix_ms,
                offset_seconds: site.to_offset(time).seconds(),
            }
        });
        let around = Around {
            rules,
            night,
            zone,
            stamp_of: &stamp_of,
            free_bytes,
        };
        Self::look(reader, &around, now_ms, limit)
    }

    fn empty(around: &Around<'_>, now_ms: i64) -> Self {
        Self {
            at: (around.stamp_of)(now_ms),
            recordings: 0,
            bytes: 0,
            due: 0,
            due_bytes: 0,
            held: 0,
            awaiting_copy: 0,
            age_unknown: 0,
            rules: Vec::new(),
            free_bytes: around.free_bytes,
            below_bytes: around.rules.mark_bytes,
            when_full: around.rules.disk_takes,
            may_go_early: 0,
            may_go_early_bytes: 0,
            next_run_at: (around.stamp_of)(around.night.next_after(now_ms, around.zone)),
            next: Vec::new(),
            runs: Vec::new(),
        }
    }

    fn count(&mut self, rules: &Rules, one: &KeptRecording, fate: &super::Fate, now_ms: i64) {
        self.recordings += 1;
        self.bytes += one.bytes;
        match (&fate.obstacle, fate.is_due(now_ms)) {
            (None, true) => {
                self.due += 1;
                self.due_bytes += one.bytes;
            }
            (Some(Obstacle::Held(_)), true) => self.held += 1,
            (Some(Obstacle::AwaitsCopy(_)), true) => self.awaiting_copy += 1,
            (Some(Obstacle::AgeUnknown), _) => self.age_unknown += 1,
            (_, false) => {}
        }
        if rules.mark_bytes > 0 && rules.may_go_early(one) {
            self.may_go_early += 1;
            self.may_go_early_bytes += one.bytes;
        }
    }
}

fn soonest(next: &mut Vec<(i64, KeptRecording)>, limit: usize) {
    next.sort_by_key(|(due_ms, one)| (*due_ms, one.row.id));
    next.truncate(limit);
}

impl RuleView {
    fn new(rule: &Rule, days: Option<u32>) -> Self {
        Self {
            rule: rule.to_string(),
            days,
            recordings: 0,
            bytes: 0,
            due: 0,
            first_at: None,
        }
    }
}

impl Due {
    fn of(around: &Around<'_>, one: KeptRecording) -> Self {
        let fate = around.rules.fate(&one);
        Self {
            id: one.row.id,
            call_id: one.row.call_id,
            kind: one.row.kind,
            started_at: (around.stamp_of)(one.started_ms),
            bytes: one.bytes,
            rule: fate.rule.to_string(),
            due_at: (around.stamp_of)(fate.due_ms),
            kept_by: fate.obstacle.as_ref().map(|obstacle| match obstacle {
                Obstacle::Held(_) => "held",
                Obstacle::AwaitsCopy(_) => "awaits_copy",
                Obstacle::AgeUnknown => "age_unknown",
            }),
            is_copied: is_copied(&one),
        }
    }
}

impl Rules {
    /// Every rule by days that there is, with its days.
    pub(super) fn all(&self) -> Vec<(Rule, Option<u32>)> {
        let mut all = vec![
            (Rule::ConversationDays, Some(self.conversation_days)),
            (Rule::VoicemailDays, Some(self.voicemail_days)),
        ];
        all.extend(self.personal_days.map(|days| (Rule::PersonalData, Some(days))));
        let copied = self
            .storages
            .iter()
            .filter_map(|storage| Some((Rule::Copied(storage.name.clone()), Some(storage.keep_local_days?))));
        all.extend(copied);
        all
    }
}
