//! The clocks and the dice: read here and nowhere else.

use super::post::{Letter, Post};
use super::waking;
use crate::model::WallClock;
use crate::store::{self, Journal, Opened};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The wall clock in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
pub fn wall_unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// 256 bits from the operating system.
pub fn random_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    fill_random(&mut seed);
    seed
}

/// Fills from the operating system's source of chance.
pub fn fill_random(bytes: &mut [u8]) {
    // Without chance there are no tags, nonces and SSRCs that cannot be guessed; nothing should run then.
    #[expect(clippy::expect_used, reason = "a machine without randomness must not serve")]
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

/// Whether the wall clock shows a time after this program was written. That somebody has set it is told by [`waking`].
pub(super) fn looks_set(unix_ms: i64) -> bool {
    const YEAR_2026: i64 = 1_767_225_600_000;
    unix_ms >= YEAR_2026
}

pub(super) fn for_store() -> store::Clock {
    store::Clock {
        now: monotonic,
        unix_ms: Arc::new(wall_unix_ms),
    }
}

/// Tells the engine when the wall clock is first set, and when somebody sets it again.
pub(super) async fn watch(mut clock: WallClock, post: Post, journal: Journal) {
    const LOOK_EVERY: Duration = Duration::from_secs(5);
    const A_JUMP_MS: u64 = 1000;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let (now, wall) = (monotonic(), wall_unix_ms());
        let jumped = wall.abs_diff(clock.stamp(now).unix_ms) > A_JUMP_MS;
        if (jumped && looks_set(wall)) || (!clock.is_synced() && waking::is_clock_believable()) {
            // Not taken: the next look finds the same difference again.
            if post.try_send(Letter::ClockSynced(wall)).is_err() {
                continue;
            }
            let is_first = !clock.is_synced();
            let behind_ms = wall.saturating_sub(clock.stamp(now).unix_ms);
            clock.sync(now, wall);
            if is_first {
                mend_records(&journal, behind_ms).await;
            }
        }
    }
}

/// The clock was set between two runs of the daemon: what the earlier one filed since the machine woke gets its true times.
pub(super) fn mend_earlier_runs(opened: &Opened) {
    let Some(behind_ms) = opened.behind_ms.filter(|_| waking::is_clock_believable()) else {
        return;
    };
    if opened.store.journal().clock_set(behind_ms).is_err() {
        tracing::warn!("The journal is closed; records of the unset clock stay as they are.");
    }
}

/// Records that were filed before the clock was set get their true times.
async fn mend_records(journal: &Journal, behind_ms: i64) {
    let journal = journal.clone();
    let told = tokio::task::spawn_blocking(move || journal.clock_set(behind_ms)).await;
    if !matches!(told, Ok(Ok(()))) {
        tracing::warn!("The journal is closed; records of the unset clock stay as they are.");
    }
}
