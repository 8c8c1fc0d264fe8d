//! What a technician should know of the sources: which fail, and which have not been heard of for long.

use super::{Schedule, Settings};
use crate::store::PbxSource;
use jiff::tz::TimeZone;
use std::sync::{Arc, Mutex, PoisonError};

/// The alarms of all sources, worked out whenever the schedules are looked at. Cheap to clone; asking never blocks.
#[derive(Debug, Clone, Default)]
pub struct SyncWatch {
    alarms: Arc<Mutex<Vec<SyncAlarm>>>,
}

/// One thing a technician should know of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAlarm {
    /// What it is about.
    pub kind: SyncTrouble,
    /// What is wrong and what to do, in plain words.
    pub text: String,
}

/// What an alarm about a source is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncTrouble {
    /// The last fetch ended with an error.
    Failing,
    /// Two moments of its schedule have passed since the last fetch ended.
    Late,
}

/// What a fetch may take beyond its moment before it is late.
const GRACE_MS: i64 = 10 * 60_000;

impl SyncWatch {
    /// The alarms there are now.
    pub fn now(&self) -> Vec<SyncAlarm> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn look(&self, sources: &[(PbxSource, Settings)], zone: &TimeZone, now_ms: i64) {
        let found = sources
            .iter()
            .filter_map(|(source, settings)| alarm(source, settings, zone, now_ms));
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = found.collect();
    }
}

/// One alarm a source: that it fails says more than that it is late.
fn alarm(source: &PbxSource, settings: &Settings, zone: &TimeZone, now_ms: i64) -> Option<SyncAlarm> {
    if !settings.is_active {
        return None;
    }
    let name = &source.name;
    if source.last_status.as_deref() == Some("error") {
        let error = source.last_error.as_deref().unwrap_or("no reason was given");
        return Some(SyncAlarm {
            kind: SyncTrouble::Failing,
            text: format!(
                "The call records of the PBX {name} were not fetched: {error}. \"Test source\" on the page Sync names the \
                 step that fails."
            ),
        });
    }
    let since = source.last_sync_ms.unwrap_or(source.updated_ms).min(now_ms);
    let schedule = Schedule::parse(&settings.cron_expression).ok()?;
    let next = schedule.next_after(since, zone)?;
    let second = schedule.next_after(next, zone)?;
    let is_late = settings.is_scheduled() && second.saturating_add(GRACE_MS) < now_ms;
    let hours = now_ms.saturating_sub(since) / 3_600_000;
    is_late.then(|| SyncAlarm {
        kind: SyncTrouble::Late,
        text: format!(
            "The call records of the PBX {name} were last fetched {hours} hours ago, though its schedule has come twice \
             since. The page Sync tells why."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::sync::SyncMode;
    use crate::store::ApiKey;

    const HOUR: i64 = 3_600_000;
    /// A midnight, UTC.
    const BEGUN: i64 = 1_795_046_400_000;

    fn source(status: Option<&str>) -> PbxSource {
        PbxSource {
            id: "one".to_owned(),
            name: "onepos".to_owned(),
            from_file: false,
            settings: String::new(),
            api_key: ApiKey::default(),
            created_ms: BEGUN,
            updated_ms: BEGUN,
            last_sync_ms: status.map(|_| BEGUN),
            last_status: status.map(str::to_owned),
            last_error: (status == Some("error")).then(|| "the key is refused".to_owned()),
            total_records: 0,
            covered_from_ms: None,
            covered_to_ms: None,
            last_slot_ms: None,
        }
    }

    fn hourly() -> Settings {
        Settings {
            is_active: true,
            sync_mode: SyncMode::Scheduled,
            cron_expression: "0 0 * * * *".to_owned(),
            ..Settings::default()
        }
    }

    fn kind(source: &PbxSource, settings: &Settings, after: i64) -> Option<SyncTrouble> {
        alarm(source, settings, &TimeZone::UTC, BEGUN + after).map(|alarm| alarm.kind)
    }

    #[test]
    fn a_source_that_fails_is_an_alarm_at_once() {
        let failed = source(Some("error"));
        assert_eq!(kind(&failed, &hourly(), 0), Some(SyncTrouble::Failing));
        let by_hand = Settings {
            sync_mode: SyncMode::Manual,
            ..hourly()
        };
        assert_eq!(kind(&failed, &by_hand, 0), Some(SyncTrouble::Failing));
        let resting = Settings {
            is_active: false,
            ..hourly()
        };
        assert_eq!(kind(&failed, &resting, 9 * HOUR), None);
    }

    #[test]
    fn a_schedule_that_came_twice_in_vain_is_an_alarm() {
        for heard in [source(Some("success")), source(None)] {
            assert_eq!(kind(&heard, &hourly(), 2 * HOUR), None);
            assert_eq!(
                kind(&heard, &hourly(), 2 * HOUR + GRACE_MS + 1),
                Some(SyncTrouble::Late)
            );
            let by_hand = Settings {
                sync_mode: SyncMode::Manual,
                ..hourly()
            };
            assert_eq!(kind(&heard, &by_hand, 99 * HOUR), None);
        }
    }
}
