use super::clock::wall_unix_ms;
use crate::engine::{Alarm, Severity};
use crate::store::{Consumer, Reader};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the readers' places are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Readers that retention waits for and that leave records waiting too long.
#[derive(Debug, Clone)]
pub(super) struct ConsumerWatch {
    required: Arc<[String]>,
    /// A record that waits longer than this is an alarm.
    patience: Duration,
    behind: Arc<Mutex<Vec<Alarm>>>,
}

impl ConsumerWatch {
    pub(super) fn new(required: &[String], patience_minutes: u32) -> Self {
        Self {
            required: required.into(),
            patience: Duration::from_secs(u64::from(patience_minutes) * 60),
            behind: Arc::default(),
        }
    }

    /// What was wrong at the last look; does not block.
    pub(super) fn alarms(&self) -> Vec<Alarm> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks again and again; never ends.
    pub(super) async fn run(self, reader: Reader) {
        if self.required.is_empty() {
            return;
        }
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let reader = reader.clone();
            let looked = tokio::task::spawn_blocking(move || reader.consumers()).await;
            // The store says itself when it cannot be read.
            if let Ok(Ok(consumers)) = looked {
                let alarms = self.late(&consumers, wall_unix_ms());
                *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
            }
        }
    }

    fn late(&self, consumers: &[Consumer], now_ms: i64) -> Vec<Alarm> {
        let patience_ms = i64::try_from(self.patience.as_millis()).unwrap_or(i64::MAX);
        let required = consumers.iter().filter(|one| self.required.contains(&one.name));
        required
            .filter_map(|one| {
                let waited_ms = now_ms.saturating_sub(one.waiting_since_ms?);
                (waited_ms > patience_ms).then(|| Alarm {
                    severity: Severity::Warning,
                    code: "consumer_behind",
                    text: format!(
                        "The consumer {} has not acknowledged {} records; the oldest waits for {} minutes.",
                        one.name,
                        one.lag,
                        waited_ms / 60_000
                    ),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str, waiting_since_ms: Option<i64>) -> Consumer {
        Consumer {
            name: name.to_owned(),
            acked_seq: 5,
            lag: 7,
            last_ack_ms: None,
            waiting_since_ms,
            created_ms: 0,
        }
    }

    #[test]
    fn only_a_required_reader_that_leaves_records_waiting_is_an_alarm() {
        let watch = ConsumerWatch::new(&["crm".to_owned()], 60);
        let hour_ms = 3_600_000;
        let late = |consumer| watch.late(&[consumer], 2 * hour_ms);
        let alarms = late(consumer("crm", Some(hour_ms - 1)));
        assert_eq!(alarms.len(), 1);
        assert!(alarms[0].text.contains("crm") && alarms[0].text.contains("60 minutes"));
        assert!(late(consumer("crm", Some(hour_ms))).is_empty());
        assert!(late(consumer("crm", None)).is_empty());
        assert!(late(consumer("somebody", Some(0))).is_empty());
    }
}
