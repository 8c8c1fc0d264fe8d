//! Serves the schedules: sleeps until the next moment of any source and starts its fetch.

use super::desk::{StartError, Wish};
use super::office::Office;
use super::view::Skip;
use super::{Schedule, Settings, SyncMode};
use crate::store::PbxSource;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Before 2026 the clock has not been set: boards without a battery boot in the past.
const CLOCK_SET_MS: i64 = 1_767_225_600_000;

/// The schedules of all sources, until the office closes.
pub(super) async fn run(office: Arc<Office>) {
    // When each source is due, worked out anew whenever a source or the clock changes.
    let mut due: BTreeMap<String, i64> = BTreeMap::new();
    let mut is_first = true;
    let mut stopped = office.stopped();
    loop {
        let now = office.now_ms();
        let sources = office.all_sources().await.unwrap_or_default();
        due.retain(|id, _| sources.iter().any(|(source, _)| source.id == *id));
        for (source, settings) in &sources {
            let Ok(schedule) = Schedule::parse(&settings.cron_expression) else {
                due.remove(&source.id);
                continue;
            };
            let at = match due.get(&source.id) {
                Some(at) => Some(*at),
                None => first_due(&office, source, settings, &schedule, now, is_first),
            };
            let at = match at.filter(|at| *at <= now) {
                Some(slot) => {
                    serve(&office, source, settings, slot, now).await;
                    schedule.next_after(now, office.zone())
                }
                None => at,
            };
            match at {
                Some(at) => due.insert(source.id.clone(), at),
                None => due.remove(&source.id),
            };
        }
        is_first = false;
        office.watch.look(&sources, office.zone(), now);
        let next = due.values().min().copied();
        let wait = next.map_or(office.look_again(), |at| {
            Duration::from_millis(u64::try_from(at.saturating_sub(office.now_ms())).unwrap_or(0))
                .min(office.look_again())
        });
        tokio::select! {
            () = tokio::time::sleep(wait.max(Duration::from_millis(5))) => {
                // A clock that was set back would leave a source due in a far future that is none.
                if office.now_ms() < now {
                    due.clear();
                }
            }
            () = office.changed() => due.clear(),
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
    }
}

/// A moment that came since the last one that was served, while the box was off say, is served once, now.
fn first_due(
    office: &Office,
    source: &PbxSource,
    settings: &Settings,
    schedule: &Schedule,
    now: i64,
    is_first: bool,
) -> Option<i64> {
    // Not beyond now: the clock may have been set back.
    let since = source.last_slot_ms.unwrap_or(source.updated_ms).min(now);
    let missed = schedule
        .next_after(since, office.zone())
        .filter(|slot| *slot <= now);
    if missed.is_some() && settings.is_scheduled() && now >= CLOCK_SET_MS {
        if is_first {
            tracing::info!(source = %source.name, "A scheduled sync was missed while the box was off; it runs now.");
        }
        return missed;
    }
    schedule.next_after(now, office.zone())
}

async fn serve(office: &Arc<Office>, source: &PbxSource, settings: &Settings, slot: i64, now: i64) {
    let skip = |code: &str, reason: &str| {
        office.skip(
            &source.id,
            Skip {
                at: office.stamp(slot),
                code: code.to_owned(),
                reason: reason.to_owned(),
            },
        )
    };
    match (settings.is_active, settings.sync_mode) {
        (true, SyncMode::Scheduled) => {}
        (is_active, _) => {
            let (code, reason) = if is_active {
                ("manual", "the sync mode is MANUAL")
            } else {
                ("inactive", "the source is not active")
            };
            // Told once in the day's story, then only to who looks for it.
            if skip(code, reason) {
                tracing::info!(source = %source.name, reason, "Scheduled sync not enabled");
            } else {
                tracing::debug!(source = %source.name, reason, "Scheduled sync not enabled");
            }
            return;
        }
    }
    if now < CLOCK_SET_MS {
        skip("clock_not_set", "the box's clock has not been set yet");
        return;
    }
    office.note_slot(&source.id, slot).await;
    let wish = Wish {
        mode: SyncMode::Scheduled,
        ..Wish::default()
    };
    match office.start(&source.id, wish).await {
        Ok(_log) => office.clear_skip(&source.id),
        Err(StartError::AlreadyRunning { .. }) => {
            skip("already_running", "the sync before it was still running");
        }
        Err(error) => {
            tracing::warn!(source = %source.name, %error, "A scheduled sync could not start: {error}.");
            skip("not_started", &error.to_string());
        }
    }
}
