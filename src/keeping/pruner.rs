//! Takes away what the rules take, a few files at a time.

use super::forms::forms;
use super::orphans::Orphans;
use super::rules::is_copied;
use super::{Obstacle, Rule, Rules};
use crate::model::{RecordingId, RecordingRow, Stamp};
use crate::recording::Roots;
use crate::store::{KeptRecording, Reader, RetentionRun, StoreError, Upkeep};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;

/// Looks at recordings and takes away what is due.
#[derive(Clone)]
pub(super) struct Pruner {
    pub(super) reader: Reader,
    pub(super) upkeep: Upkeep,
    pub(super) roots: Roots,
    pub(super) rules: Rules,
    pub(super) wall: Arc<dyn Fn() -> Stamp + Send + Sync>,
    /// What time it is for old things.
    pub(super) aged_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Free bytes of the disk that holds a path.
    pub(super) free: super::keeper::FreeBytes,
}

/// Files taken away in one transaction; between two of them others have their turn.
const LOT: usize = 50;
const DAY_MS: i64 = 86_400_000;
/// Rows read at a time.
const PAGE: usize = 500;

/// A run under way, a lot at a time.
pub(super) struct Round {
    pub(super) run: RetentionRun,
    after: Option<RecordingId>,
    kind: Kind,
}

/// What a run is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What is due by its days.
    Days,
    /// Room on the disk: first what lies elsewhere too, then the rest.
    Disk { copied_first: bool },
}

impl Pruner {
    /// A look at everything that is due by its days.
    pub(super) fn begin(&self, reason: &str) -> Round {
        self.round(reason, Kind::Days)
    }

    /// A look for room; nothing when there is enough, or nothing may go.
    pub(super) fn begin_for_room(&self) -> Option<Round> {
        let may = self.rules.disk_takes != super::DiskTakes::Nothing;
        (may && self.is_short(1)).then(|| self.round("disk", Kind::Disk { copied_first: true }))
    }

    fn round(&self, reason: &str, kind: Kind) -> Round {
        let now = (self.wall)().unix_ms;
        Round {
            run: RetentionRun {
                started_ms: now,
                reason: reason.to_owned(),
                ..RetentionRun::default()
            },
            after: None,
            kind,
        }
    }

    /// Whether less is free than the mark, or than an eighth more once it was reached.
    fn is_short(&self, eighths_more: u64) -> bool {
        let mark = self.rules.mark_bytes;
        let wanted = mark.saturating_add(mark / 8 * eighths_more.saturating_sub(1));
        let places = [&self.roots.recordings, &self.roots.voicemail];
        mark > 0
            && places
                .iter()
                .any(|place| (self.free)(place).is_some_and(|free| free < wanted))
    }

    /// Finishes what a stop in the middle of a removal left: each file goes, unless a hold has come since.
    pub(super) fn finish_half_removed(&self) -> Result<u64, StoreError> {
        let mut run = RetentionRun::default();
        let half = self.reader.half_removed_recordings()?;
        let (held, going): (Vec<_>, Vec<_>) = half.into_iter().partition(|one| one.held_since.is_some());
        for one in held {
            self.upkeep.forget_removal(one.row.id)?;
        }
        let going = going
            .into_iter()
            .map(|one| {
                let rule = one.removing.clone().unwrap_or_default();
                (one, rule)
            })
            .collect();
        self.take_away(going, &mut run)?;
        Ok(run.removed + run.missing)
    }

    /// The next lot. False: the run is over, and remembered.
    pub(super) fn step(&self, round: &mut Round) -> Result<bool, StoreError> {
        let more = match round.kind {
            Kind::Days => self.step_by_days(round)?,
            Kind::Disk { copied_first } => self.step_for_room(round, copied_first)?,
        };
        if !more {
            self.end(round)?;
        }
        Ok(more)
    }

    fn step_by_days(&self, round: &mut Round) -> Result<bool, StoreError> {
        let page = self.reader.kept_recordings(round.after, PAGE)?;
        // A wrong clock must not cost every recording there is before somebody has seen it.
        let now = (self.wall)().unix_ms.min((self.aged_ms)());
        let mut going = Vec::new();
        let mut is_full = false;
        for one in page.iter() {
            round.after = Some(one.row.id);
            round.run.looked_at += 1;
            let fate = self.rules.fate(one);
            match (fate.is_due(now), fate.obstacle) {
                (false, _) | (true, Some(Obstacle::AgeUnknown)) => {}
                (true, Some(Obstacle::Held(_))) => round.run.held += 1,
                (true, Some(Obstacle::AwaitsCopy(_))) => round.run.awaiting_copy += 1,
                (true, None) => going.push((one.clone(), fate.rule.to_string())),
            }
            if going.len() >= LOT {
                is_full = true;
                break;
            }
        }
        self.take_away(going, &mut round.run)?;
        Ok(is_full || page.len() == PAGE)
    }

    fn step_for_room(&self, round: &mut Round, copied_first: bool) -> Result<bool, StoreError> {
        if !self.is_short(2) {
            return Ok(false);
        }
        let page = self.reader.kept_recordings(round.after, PAGE)?;
        let mut going = Vec::new();
        for one in page.iter() {
            round.after = Some(one.row.id);
            round.run.looked_at += 1;
            if self.rules.may_go_early(one) && is_copied(one) == copied_first {
                going.push((one.clone(), Rule::Disk.to_string()));
            }
            // A few, then the disk is asked again.
            if going.len() >= LOT / 5 {
                self.take_away(going, &mut round.run)?;
                return Ok(true);
            }
        }
        self.take_away(going, &mut round.run)?;
        if page.len() == PAGE {
            return Ok(true);
        }
        let others = copied_first && self.rules.disk_takes == super::DiskTakes::Oldest;
        round.kind = Kind::Disk { copied_first: false };
        round.after = None;
        Ok(others)
    }

    /// Remembers the run; one that found no reason to do anything for the disk is not worth a row.
    fn end(&self, round: &mut Round) -> Result<(), StoreError> {
        let run = &mut round.run;
        run.ended_ms = (self.wall)().unix_ms;
        let for_disk = matches!(round.kind, Kind::Disk { .. });
        if for_disk && run.removed + run.failed == 0 {
            return Ok(());
        }
        if !for_disk {
            let orphans = Orphans::find(&self.roots, &self.reader)?;
            run.orphans = orphans.count;
            run.orphan_names = orphans.names;
            if run.orphans > 0 {
                tracing::warn!(
                    files = run.orphans,
                    "{} audio files belong to no recording; they are left where they are: {} …",
                    run.orphans,
                    run.orphan_names.first().map_or("", String::as_str)
                );
            }
        }
        if run.removed > 0 || run.failed > 0 {
            tracing::info!(
                removed = run.removed,
                bytes = run.removed_bytes,
                held = run.held,
                awaiting_copy = run.awaiting_copy,
                failed = run.failed,
                "{} recordings were removed by {}: {} MB.",
                run.removed,
                told(&run.by_rule),
                run.removed_bytes >> 20
            );
        }
        self.upkeep.note_run(run.clone())
    }

    /// First the rule is written down, then the files go, then that is written down. A stop in between is finished at the
    /// next start; a hold that comes first is seen by the first of the three.
    fn take_away(
        &self,
        going: Vec<(KeptRecording, String)>,
        run: &mut RetentionRun,
    ) -> Result<(), StoreError> {
        if going.is_empty() {
            return Ok(());
        }
        let wanted = going
            .iter()
            .map(|(one, rule)| (one.row.id, rule.clone()))
            .collect();
        let granted = self.upkeep.begin_removals(wanted)?;
        let mut gone: Vec<(RecordingRow, String)> = Vec::new();
        for (one, rule) in going {
            if !granted.contains(&one.row.id) {
                run.held += 1;
                continue;
            }
            match self.unlink(&one.row) {
                Ok(was_there) => {
                    run.missing += u64::from(!was_there);
                    run.removed += u64::from(was_there);
                    run.removed_bytes += if was_there { one.bytes } else { 0 };
                    *run.by_rule.entry(rule.clone()).or_default() += 1;
                    gone.push((one.row, rule));
                }
                Err(error) => {
                    run.failed += 1;
                    run.failure
                        .get_or_insert_with(|| format!("{}: {error}", one.row.path));
                    self.upkeep.forget_removal(one.row.id)?;
                }
            }
        }
        self.upkeep.finish_removals(gone, (self.wall)())
    }

    /// Takes the file away, in whatever form it lies there. False: it was gone already.
    fn unlink(&self, row: &RecordingRow) -> io::Result<bool> {
        let forms = forms(&self.roots, row);
        if forms.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a name for a recording",
            ));
        }
        let mut was_there = false;
        for path in &forms {
            match fs::remove_file(path) {
                Ok(()) => was_there = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // Today's directory stays: a recording may be about to begin there.
        let is_past = row.started_at.unix_ms < (self.wall)().unix_ms.saturating_sub(2 * DAY_MS);
        if let Some(day) = forms.first().and_then(|path| path.parent()).filter(|_| is_past) {
            // Only an empty directory goes; the others stay without a word.
            for dir in day.ancestors().take(3) {
                let is_root = dir == self.roots.recordings || dir == self.roots.voicemail;
                if is_root || fs::remove_dir(dir).is_err() {
                    break;
                }
            }
        }
        Ok(was_there)
    }
}

fn told(by_rule: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = by_rule
        .iter()
        .map(|(rule, count)| format!("{rule} ({count})"))
        .collect();
    words.join(", ")
}
