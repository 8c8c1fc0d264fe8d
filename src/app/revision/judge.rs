use super::desk::Desk;
use super::trial::{self, Trial};
use super::versions::{Authorship, Pending};
use crate::app::clock;
use crate::config::Config;
use crate::engine::{Alarm, Severity};
use crate::http::{ChangeOrder, TakenBack};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest trial.
const LONGEST_TRIAL_SECONDS: u32 = 3600;
/// How the box itself is called in the history.
const THE_BOX: &str = "callpost";

impl Desk {
    /// A further change within a trial joins it: it goes back to what was before the first.
    pub(super) fn begin_trial(
        self: &Arc<Self>,
        order: &ChangeOrder,
        returns_to: u64,
        version: u64,
        up: BTreeSet<String>,
    ) {
        let seconds = order.trial_seconds.min(LONGEST_TRIAL_SECONDS);
        let earlier = self.running().trial.take();
        let (returns_to, up, asked) = match earlier {
            Some(earlier) => (
                earlier.returns_to,
                earlier.up.union(&up).cloned().collect(),
                earlier.wants_confirmation,
            ),
            None => (returns_to, up, false),
        };
        self.start_trial(&Pending {
            version,
            returns_to,
            seconds,
            wants_confirmation: order.wants_confirmation || asked,
            up: up.into_iter().collect(),
        });
    }

    pub(super) fn start_trial(self: &Arc<Self>, pending: &Pending) {
        if let Err(error) = self.versions.set_pending(Some(pending)) {
            tracing::warn!(%error, "The trial does not survive a restart: {error}.");
        }
        let patience = Duration::from_secs(pending.seconds.into());
        let mut running = self.running();
        running.trials += 1;
        let number = running.trials;
        running.trial = Some(Trial {
            number,
            since: (self.wall)(),
            until: clock::monotonic() + patience,
            seconds: pending.seconds,
            wants_confirmation: pending.wants_confirmation,
            returns_to: pending.returns_to,
            up: pending.up.iter().cloned().collect(),
        });
        drop(running);
        let desk = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(patience).await;
            desk.judge(number).await;
        });
    }

    /// After a power cut within a trial it begins anew.
    pub(super) fn resume_trial(self: &Arc<Self>) {
        let Some(pending) = self.versions.pending() else {
            return;
        };
        if self.running().version == Some(pending.version) {
            self.start_trial(&pending);
        } else {
            self.forget_pending();
        }
    }

    pub(super) fn forget_pending(&self) {
        if let Err(error) = self.versions.set_pending(None) {
            tracing::warn!(%error, "The end of the trial cannot be written down: {error}.");
        }
    }

    /// The time of a trial is over: what was not confirmed, or has cut something off, is taken back.
    pub(super) async fn judge(self: Arc<Self>, number: u64) {
        let _turn = self.changing.lock().await;
        let Some(trial) = self
            .running()
            .trial
            .clone()
            .filter(|trial| trial.number == number)
        else {
            return;
        };
        let snapshot = self.engine.snapshot().await;
        let config = Arc::clone(&self.running().config);
        let missing = match &snapshot {
            Some(snapshot) => trial::missing(&trial.up, snapshot, &config),
            None => vec!["the engine".to_owned()],
        };
        let seconds = trial.seconds;
        let reason = if trial.wants_confirmation {
            format!("nobody confirmed it within {seconds} s")
        } else if missing.is_empty() {
            tracing::info!("The change of the configuration has stood its trial.");
            self.running().trial = None;
            return self.forget_pending();
        } else {
            format!("{} did not come back within {seconds} s", missing.join(", "))
        };
        let desk = Arc::clone(&self);
        // Blocking work that breaks leaves the new configuration; the log has the reason.
        let _ = tokio::task::spawn_blocking(move || desk.take_back(&trial, &reason)).await;
    }

    pub(super) fn take_back(&self, trial: &Trial, reason: &str) {
        self.running().trial = None;
        self.forget_pending();
        let before = self.texts();
        let Some(version) = self.versions.get(trial.returns_to) else {
            return tracing::error!(
                reason,
                "The configuration cannot be taken back: version {} is gone.",
                trial.returns_to
            );
        };
        let loaded = match Config::of_texts(version.texts(&before), &self.around) {
            Ok(loaded) => loaded,
            Err(refused) => {
                return tracing::error!("The configuration cannot be taken back:\n{refused}");
            }
        };
        let changes = before.changes_to(&loaded.texts);
        let author = Authorship {
            by: THE_BOX,
            way: "taken_back",
            reason,
        };
        let id = match self.put_down(&before, &loaded.texts, &changes, author) {
            Ok(id) => id,
            Err(refused) => {
                tracing::error!(?refused, "The files of the configuration cannot be put back.");
                trial.returns_to
            }
        };
        self.swap_in(&loaded, id);
        self.running().taken_back = Some(TakenBack {
            at: (self.wall)(),
            version: id,
            reason: reason.to_owned(),
        });
        tracing::error!("The change of the configuration is taken back: {reason}.");
        self.tell_alarms();
    }

    pub(super) fn tell_alarms(&self) {
        let taken_back = self.running().taken_back.clone();
        let alarms = taken_back.map(|taken_back| Alarm {
            severity: Severity::Warning,
            code: "settings_taken_back",
            text: format!(
                "The last change of the configuration was taken back: {}. Its text is in the history on the page Settings.",
                taken_back.reason
            ),
        });
        self.alarms.send_replace(alarms.into_iter().collect());
    }
}
