use super::Storage;
use super::copy::{Outcome, copy};
use super::target::Target;
use crate::egress::Egress;
use crate::recording::Roots;
use crate::store::{Reader, StoreError, UploadJob, Uploads};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Sends to one place what waits for it, oldest first, one at a time.
pub(in crate::keeping) struct Feeder {
    pub(in crate::keeping) storage: Arc<Storage>,
    pub(in crate::keeping) egress: Egress,
    pub(in crate::keeping) reader: Reader,
    pub(in crate::keeping) uploads: Uploads,
    pub(in crate::keeping) roots: Roots,
    pub(in crate::keeping) site: String,
    pub(in crate::keeping) unix_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(in crate::keeping) pauses: Pauses,
    /// Somebody wants it tried now.
    pub(in crate::keeping) hurry: Arc<Notify>,
}

/// How long a place, and a recording, are left alone after a try in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keeping) struct Pauses {
    /// What they are shortened to, in thousandths, so that a test need not wait for hours.
    pub(in crate::keeping) per_mille: u32,
    /// How often a quiet queue is looked at.
    pub(in crate::keeping) look: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            per_mille: 1000,
            look: Duration::from_secs(5),
        }
    }
}

/// After the first try in vain, the second, and so on; the last one from then on, for weeks.
const WAITS_SECONDS: [u64; 9] = [5, 30, 120, 600, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600];
/// The longest for a place itself, which may come back at any time while others wait.
const PLACE_SECONDS: u64 = 3600;

impl Pauses {
    /// The pause of a recording after so many tries in vain and one more.
    pub(super) fn of_recording(self, attempts: u32) -> Duration {
        let place = usize::try_from(attempts)
            .unwrap_or(usize::MAX)
            .min(WAITS_SECONDS.len() - 1);
        let seconds = WAITS_SECONDS.get(place).copied().unwrap_or(5);
        Duration::from_millis(seconds * u64::from(self.per_mille))
    }

    /// That of the place.
    pub(super) fn of_place(self, failures: u32) -> Duration {
        let longest = Duration::from_millis(PLACE_SECONDS * u64::from(self.per_mille));
        self.of_recording(failures).min(longest)
    }
}

impl Feeder {
    /// Works until told to stop.
    pub(in crate::keeping) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut target = None;
        let mut failures = 0;
        while !*stop.borrow() {
            tokio::select! {
                _ = stop.changed() => return,
                () = self.turn(&mut target, &mut failures) => {}
            }
        }
    }

    /// One copy, or one wait for something to do.
    async fn turn(&self, target: &mut Option<Target>, failures: &mut u32) {
        let name = &self.storage.name;
        let at = match self.reader.next_upload_ms(name) {
            Ok(at) => at,
            // The store says itself when it cannot be read.
            Err(_) => return self.rest(self.pauses.look).await,
        };
        let now = (self.unix_ms)();
        match at {
            None => return self.rest(self.pauses.look).await,
            Some(at) if at > now => {
                let wait = Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
                // The wall clock may be set meanwhile.
                return self.rest(wait.min(self.pauses.look)).await;
            }
            Some(_) => {}
        }
        if let Err(error) = self.send_one(target, failures).await {
            tracing::debug!(%error, "What became of a copy could not be written down: {error}.");
            self.rest(self.pauses.look).await;
        }
    }

    async fn rest(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.hurry.notified() => {}
        }
    }

    async fn send_one(&self, target: &mut Option<Target>, failures: &mut u32) -> Result<(), StoreError> {
        let name = &self.storage.name;
        let Some(job) = self.uploads.take(name)? else {
            return Ok(());
        };
        let outcome = match self.ready(target) {
            Ok(target) => {
                copy(
                    &job,
                    &self.storage,
                    target,
                    &self.uploads,
                    (&self.site, &self.roots),
                )
                .await
            }
            Err(trouble) => Outcome::TryAgain(trouble),
        };
        match outcome {
            Outcome::Verified { key, bytes, sha256 } => {
                if *failures > 0 {
                    tracing::info!(storage = %name, "The storage {name} takes copies again.");
                }
                *failures = 0;
                let url = self.storage.address_of(&key);
                self.uploads.verified(name, job, &key, bytes, &sha256, Some(url))
            }
            Outcome::Fault(reason) => self.give_up(&job, &reason),
            Outcome::TryAgain(trouble) => {
                // A connection that went wrong is not used again.
                *target = None;
                self.put_back(&job, &trouble.to_string(), failures)
            }
        }
    }

    fn ready<'a>(&self, target: &'a mut Option<Target>) -> Result<&'a Target, super::target::Trouble> {
        match target {
            Some(target) => Ok(target),
            None => Ok(target.insert(Target::open(&self.storage, &self.egress)?)),
        }
    }

    fn give_up(&self, job: &UploadJob, reason: &str) -> Result<(), StoreError> {
        // Retention may have taken it meanwhile; then nobody misses the copy.
        if self.reader.kept_recording(job.row.id)?.is_some() {
            let name = &self.storage.name;
            tracing::error!(
                storage = %name, recording = %job.row.id, reason,
                "Recording {} is not copied to {name}: {reason}.", job.row.id
            );
        }
        self.uploads.fail(&self.storage.name, job.row.id, reason)
    }

    fn put_back(&self, job: &UploadJob, reason: &str, failures: &mut u32) -> Result<(), StoreError> {
        let name = &self.storage.name;
        if *failures == 0 {
            tracing::warn!(storage = %name, reason, "The storage {name} did not take a copy: {reason}. It is tried again.");
        }
        let now = (self.unix_ms)();
        let after =
            |pause: Duration| now.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
        let next = after(self.pauses.of_recording(job.attempts));
        let retry = after(self.pauses.of_place(*failures));
        *failures = failures.saturating_add(1);
        self.uploads.put_back(name, job.row.id, reason, next, retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_seconds_to_a_day_and_a_place_is_asked_every_hour() {
        let pauses = Pauses::default();
        assert_eq!(pauses.of_recording(0), Duration::from_secs(5));
        assert_eq!(pauses.of_recording(8), Duration::from_secs(24 * 3600));
        assert_eq!(pauses.of_recording(u32::MAX), Duration::from_secs(24 * 3600));
        assert_eq!(pauses.of_place(0), Duration::from_secs(5));
        assert_eq!(pauses.of_place(40), Duration::from_secs(3600));
    }
}
