use super::Writer;
use crate::store::keeping::{Condition, Pruned, Rule, prune, unacknowledged_deletions, used_bytes};
use crate::store::late::Mending;
use std::sync::Arc;
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;
/// How long a loss stays an alarm after the last of it.
const LATELY_MS: i64 = 7 * DAY_MS;
/// Between two lots of old records, so that what the calls have to write comes first.
const BREATH: Duration = Duration::from_millis(20);

impl Writer {
    /// What nobody waits for: old records go, the size is looked at, the reserve is made again.
    pub(super) fn tidy_when_due(&mut self) {
        let now = self.clock.now();
        if self.retry_at.is_some() || self.next_tidy.is_some_and(|at| now < at) {
            return;
        }
        if !self.mending.is_empty() {
            return self.mend_some();
        }
        let pruned = match self.tidy() {
            Ok(pruned) => pruned,
            Err(error) => {
                tracing::warn!(%error, "Old call records could not be taken away: {error}.");
                Pruned::default()
            }
        };
        let rest = if pruned.records > 0 {
            BREATH
        } else {
            self.pace.tidy
        };
        self.next_tidy = Some(self.clock.now() + rest);
    }

    fn tidy(&mut self) -> Result<Pruned, rusqlite::Error> {
        let rule = self.rule();
        self.syncs = None;
        self.connection
            .execute_batch("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")?;
        let unix_ms = self.clock.unix_ms();
        let result = prune(&self.connection, &rule, unix_ms).and_then(|pruned| {
            self.ageing.save(&self.connection)?;
            self.connection.execute_batch("COMMIT")?;
            Ok(pruned)
        });
        if result.is_err() && !self.connection.is_autocommit() {
            // What was to go is still there, which harms nobody.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let pruned = result?;
        self.restore_the_reserve();
        self.tell_the_condition(pruned)?;
        if pruned.records > 0 {
            self.fold_the_log();
        }
        Ok(pruned)
    }

    /// A few records at a time get their true times; what calls have to write comes in between.
    fn mend_some(&mut self) {
        let Some(mut mending) = self.mending.pop_front() else {
            return;
        };
        let unix_ms = self.clock.unix_ms();
        self.syncs = None;
        let mended = self
            .connection
            .execute_batch("PRAGMA synchronous = FULL; BEGIN IMMEDIATE")
            .and_then(|()| mending.step(&self.connection, unix_ms))
            .and_then(|more| self.connection.execute_batch("COMMIT").map(|()| more));
        match mended {
            Ok(more) => {
                self.tell_what_was_filed();
                if more {
                    self.mending.push_front(mending);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "The times of earlier records could not be mended: {error}. The next start tries again.");
                if !self.connection.is_autocommit() {
                    // The records stay as they are, marked as of a clock that was not set.
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
            }
        }
        self.next_tidy = Some(self.clock.now() + BREATH);
    }

    /// The clock was set: what was filed since the machine woke gets its true times, after what an earlier run left to do.
    pub(super) fn begin_to_mend(&mut self, behind_ms: i64) {
        let mending = Mending::after(self.last_before, behind_ms, Arc::clone(&self.stamp_of));
        if self.mending.is_empty() {
            // Not noted, the next run finds the clock different from what it was when the machine woke.
            let noted = mending
                .note(&self.connection)
                .and_then(|()| match &mut self.waking {
                    Some(waking) => waking.set(&self.connection, behind_ms, self.filed),
                    None => Ok(()),
                });
            if let Err(error) = noted {
                tracing::debug!(%error, "A restart would not know that times have to be mended: {error}.");
            }
        }
        self.mending.push_back(mending);
        self.next_tidy = Some(self.clock.now());
    }

    fn rule(&mut self) -> Rule {
        let days = i64::from(self.keep.retention_days);
        let aged_ms = self.ageing.pass(self.clock.now(), self.clock.unix_ms());
        Rule {
            old_before_ms: (days > 0).then(|| aged_ms.saturating_sub(days * DAY_MS)),
            max_bytes: u64::from(self.keep.max_megabytes) << 20,
            required_consumers: self.keep.required_consumers.clone(),
        }
    }

    fn restore_the_reserve(&mut self) {
        if !self.reserve.is_used() {
            return;
        }
        if let Err(error) = self.reserve.restore() {
            tracing::warn!(%error, "The disk's reserve for call records could not be made: {error}.");
        }
    }

    fn tell_the_condition(&self, pruned: Pruned) -> Result<(), rusqlite::Error> {
        let (deleted_unacknowledged, deleted_unacknowledged_ms) = unacknowledged_deletions(&self.connection)?;
        if pruned.unacknowledged > 0 {
            tracing::error!(
                records = pruned.unacknowledged,
                "{} call records that were not delivered everywhere are deleted: the database has reached its largest size.",
                pruned.unacknowledged
            );
        }
        let used_bytes = used_bytes(&self.connection)?;
        let unix_ms = self.clock.unix_ms();
        self.condition.set(|condition| {
            *condition = Condition {
                used_bytes,
                max_bytes: u64::from(self.keep.max_megabytes) << 20,
                is_full: pruned.is_full,
                deleted_unacknowledged,
                deleted_unacknowledged_ms,
                lost_lately: deleted_unacknowledged_ms
                    .is_some_and(|at| unix_ms.saturating_sub(at) < LATELY_MS),
                reserve_is_used: self.reserve.is_used(),
                aged_ms: self.ageing.now_ms(),
                damage: condition.damage.take(),
            }
        });
        Ok(())
    }

    /// The disk is full: the reserve is given to the database. False: it had been given already.
    pub(super) fn use_the_reserve(&mut self) -> bool {
        if !self.reserve.release() {
            return false;
        }
        tracing::error!("The disk is full: the reserve is given to the call records. Make room.");
        self.condition.set(|condition| condition.reserve_is_used = true);
        true
    }
}
